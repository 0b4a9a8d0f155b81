#!/usr/bin/env python3
"""Makes docs/operators.md out of what the program says that it reads: make-operators-page.py PROGRAM"""

import itertools
import json
import pathlib
import subprocess
import sys

PAGE = pathlib.Path(__file__).resolve().parent.parent / "docs" / "operators.md"
HEAD = """# Operators

Made by `scripts/make-operators-page.py` of what `fusedinf operators` says. A number is the first version of the operator set from which
on an operator is read; a model's may be 7 to 28. Not every form of each is: `fusedinf add` names the node, the
operator and what there is no reading for. Graphs with `If` are read where each branch can be; functions of a model's own are not.
"""


def link(domain, name):
    if domain == "ai.onnx":
        return f"[{name}](https://onnx.ai/onnx/operators/onnx__{name}.html)"
    return name


def page(program):
    listed = json.loads(subprocess.run([program, "operators", "--json"], check=True, capture_output=True).stdout)["operators"]
    yield HEAD
    for domain, operators in itertools.groupby(listed, lambda operator: operator["domain"]):
        yield f"\n## {domain}\n\n| operator | since | until |\n|---|---|---|\n"
        for operator in operators:
            yield f"| {link(domain, operator['name'])} | {operator['since']} | {operator.get('until', '')} |\n"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    PAGE.write_text("".join(page(sys.argv[1])))
