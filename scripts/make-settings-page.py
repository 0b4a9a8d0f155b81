#!/usr/bin/env python3
"""Generates docs/settings.md from the program's settings: make-settings-page.py PROGRAM"""

import itertools
import json
import pathlib
import re
import subprocess
import sys

PAGE = pathlib.Path(__file__).resolve().parent.parent / "docs" / "settings.md"
HEAD = """# Settings

`scripts/make-settings-page.py` generates this page. Each setting is an option, an environment variable (`--max-delay` is
`FUSEDINF_MAX_DELAY`) and a key of a YAML file: see [how to give settings](serving.md#settings). `fusedinf config` shows the values in force.
Two more exist only as variables: `FUSEDINF_CONFIG` names the YAML file, as `--config` does, and `FUSEDINF_SERVER` names the executable that
`fusedinf serve` starts.

Sizes are bytes, or numbers with KiB, MiB, GiB or TiB (powers of 1024; K, M and G mean the same) or with kB, MB, GB or TB (powers of
1000). Durations are seconds, or numbers with us, ms, s, m, h or d.

"The memory beside the program" is the machine's memory, or the cgroup's limit when that is lower, less the server's own 96 MiB and 160 KiB for
each connection on each port: see [sizing memory](serving.md#sizing-memory).
"""


def page(program):
    knobs = json.loads(subprocess.run([program, "config", "--json"], check=True, capture_output=True).stdout)["knobs"]
    yield HEAD
    for group, members in itertools.groupby(knobs, lambda knob: knob["group"]):
        yield f"\n## {group.capitalize()}\n\n| option | takes | default | meaning |\n|---|---|---|---|\n"
        for knob in members:
            # A default that depends on the machine is described in the meaning; this machine's value is not shown.
            meaning, _, machine = knob["meaning"].partition(" The default is ")
            default = machine.rstrip(".") or knob["default"].replace(str(pathlib.Path.home()), "~")
            takes = re.sub(r"[<>]", "", knob["type"]).replace("|", ", ")
            yield f"| `--{knob['name']}` | {takes} | {default} | {meaning} |\n"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    PAGE.write_text("".join(page(sys.argv[1])))
