#!/usr/bin/env python3
"""Applies mutants to the sources, one at a time, and reports which ones the tests notice.

A mutant is a small fault: an exact piece of one source file, and what takes its place. The lists are `scripts/mutants/*.toml`:

    tests = ["Linker"]              # the stages whose tests have to notice the faults of this file
    # package = "Server"            # for targets of the server's package; the root package when it is left out

    [[mutant]]
    name = "the smallest block is placed first"
    file = "Sources/Linker/MemoryPlanner.swift"
    original = "return (-left.byteCount, left.steps.lowerBound, a)"
    replacement = "return (left.byteCount, left.steps.lowerBound, a)"

`original` occurs exactly once in the file; several lines are written between triple quotes (''' … '''), whose first
line break does not count and whose last one is dropped. A mutant may have `tests` of its own.

Everything happens in a copy below `.cache/mutants`, which is built incrementally, in debug. A mutant is killed when the
tests fail, crash, or exceed the time limit: five times what they take on the unchanged sources, at least a minute.

Exit status: 0 when no mutant survived, 1 when some did, 2 when the lists or the unchanged sources are at fault.
"""

import argparse
import os
import pathlib
import resource
import shutil
import signal
import subprocess
import sys
import time
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent
LISTS = ROOT / "scripts" / "mutants"
WORK = ROOT / ".cache" / "mutants"
TREE = WORK / "tree"
BUILD_SECONDS = 1800
# A fault may ask for any amount of memory; the machine should survive that.
TEST_ADDRESS_SPACE = 16 << 30


class Mutant:
    def __init__(self, entry, defaults, where):
        def text(key):
            if not isinstance(entry.get(key), str) or not entry[key]:
                sys.exit(f"mutants: {where}: a mutant without '{key}': {entry.get('name', entry)}")
            return entry[key].removesuffix("\n")

        unknown = set(entry) - {"name", "file", "original", "replacement", "tests"}
        if unknown:
            sys.exit(f"mutants: {where}: unknown keys {sorted(unknown)} in '{entry.get('name')}'")
        self.name, self.file = text("name"), text("file")
        self.original = text("original")
        self.replacement = entry.get("replacement", "").removesuffix("\n")
        self.package = defaults.get("package", "")
        self.tests = tuple(entry.get("tests", defaults.get("tests", [])))
        self.where = where
        if not self.tests:
            sys.exit(f"mutants: {where}: '{self.name}' names no tests")

    def problem(self):
        """The reason why the mutant cannot be applied; None when it can."""
        try:
            found = (ROOT / self.file).read_text().count(self.original)
        except OSError as error:
            return str(error)
        if self.original == self.replacement:
            return "the replacement is the original"
        return None if found == 1 else f"the original occurs {found} times in {self.file}"

    @property
    def group(self):
        return (self.package, self.tests)


def load(pattern):
    mutants = []
    for path in sorted(LISTS.glob("*.toml")):
        with open(path, "rb") as file:
            content = tomllib.load(file)
        mutants += [Mutant(entry, content, path.name) for entry in content.get("mutant", [])]
    names = [mutant.name for mutant in mutants]
    for name in {name for name in names if names.count(name) > 1}:
        sys.exit(f"mutants: two mutants have the name '{name}'")
    return [m for m in mutants if pattern.lower() in f"{m.where} {m.file} {m.name}".lower()]


def copy_sources():
    """Brings the copy to the state of the working tree; files that did not change keep their times."""
    names = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=True, text=True,
    ).stdout.split("\0")
    wanted = {name for name in names if name and (ROOT / name).is_file()}
    for path in [path for path in TREE.rglob("*") if path.is_file() and not path.is_symlink()]:
        if str(path.relative_to(TREE)) not in wanted:
            path.unlink()
    for name in wanted:
        source, target = ROOT / name, TREE / name
        if target.is_file() and target.read_bytes() == source.read_bytes():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
        shutil.copymode(source, target)
    deps = TREE / ".deps"
    if not deps.is_symlink() and (ROOT / ".deps").is_dir():
        deps.symlink_to(ROOT / ".deps")


def scratch_path(group):
    return WORK / "-".join(["build", group[0] or "root", *group[1]])


def kill_running(folder):
    """Kills the processes whose executable lies below a folder."""
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            if pathlib.Path(os.readlink(process / "exe")).is_relative_to(folder):
                os.kill(int(process.name), signal.SIGKILL)
        except OSError:
            # It has ended, or belongs to somebody else.
            continue


def run(command, group, seconds, limited=False):
    """Runs a command for a group of tests; its exit status (None when it took too long), its output, its seconds."""
    package, tests = group
    environment = dict(os.environ, SWIFT_DETERMINISTIC_HASHING="1")
    environment["FUSEDINF_SERVER_ONLY" if package else "FUSEDINF_ONLY"] = ",".join(tests)
    if limited:
        # The trace of a crash takes longer than the tests, and nobody reads it.
        environment["SWIFT_BACKTRACE"] = "enable=no"
    started = time.monotonic()
    process = subprocess.Popen(
        command, cwd=TREE / package, env=environment, text=True, errors="replace", start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        preexec_fn=(lambda: resource.setrlimit(resource.RLIMIT_AS, (TEST_ADDRESS_SPACE,) * 2)) if limited else None,
    )
    try:
        output, _ = process.communicate(timeout=seconds)
        status = process.returncode
    except subprocess.TimeoutExpired:
        # The command, then the tests: `swift test` starts them in a process group of their own.
        os.killpg(process.pid, signal.SIGKILL)
        kill_running(scratch_path(group))
        output, _ = process.communicate()
        status = None
    return status, output, time.monotonic() - started


def build(group):
    command = ["swift", "build", "--build-tests", "--scratch-path", str(scratch_path(group))]
    return run(command, group, BUILD_SECONDS)


def test(group, seconds):
    command = ["swift", "test", "--skip-build", "--disable-xctest", "--scratch-path", str(scratch_path(group))]
    return run(command, group, seconds, limited=True)


def tail(output, lines=15):
    return "\n".join("    " + line for line in output.strip().splitlines()[-lines:])


def baseline(group):
    """The time limit of a group's tests, which pass on the unchanged sources."""
    title = " ".join([*([group[0]] if group[0] else []), *group[1]])
    print(f"{title}: building the unchanged sources", flush=True)
    status, output, _ = build(group)
    if status != 0:
        sys.exit(f"mutants: the unchanged sources do not build:\n{tail(output)}")
    status, output, seconds = test(group, 900)
    if status != 0:
        sys.exit(f"mutants: the tests fail on the unchanged sources:\n{tail(output)}")
    return max(60, 5 * seconds)


def attempt(mutant, limit):
    """The verdict on one mutant: 'killed', 'survived' or 'invalid'; and a remark."""
    path = TREE / mutant.file
    original = path.read_text()
    try:
        path.write_text(original.replace(mutant.original, mutant.replacement))
        status, output, _ = build(mutant.group)
        if status != 0:
            return "invalid", f"it does not build:\n{tail(output)}"
        status, _, seconds = test(mutant.group, limit)
        if status == 0:
            return "survived", ""
        return "killed", f"time limit of {limit:.0f} s" if status is None else f"{seconds:.0f} s"
    finally:
        path.write_text(original)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("pattern", nargs="?", default="", help="only mutants whose list, file or name has this text")
    parser.add_argument("--list", action="store_true", help="list the mutants and check that each can be applied")
    options = parser.parse_args()
    mutants = load(options.pattern)
    if not mutants:
        sys.exit("mutants: there is none of that name")
    stale = [(mutant, problem) for mutant in mutants if (problem := mutant.problem())]
    for mutant, problem in stale:
        print(f"mutants: {mutant.where}: '{mutant.name}': {problem}", file=sys.stderr)
    if options.list:
        for mutant in mutants:
            print(f"{mutant.where}: {mutant.file}: {mutant.name}")
        print(f"{len(mutants)} mutants, {len(stale)} of them cannot be applied")
    if stale or options.list:
        sys.exit(2 if stale else 0)

    TREE.mkdir(parents=True, exist_ok=True)
    copy_sources()
    verdicts = {"killed": [], "survived": [], "invalid": []}
    for group in dict.fromkeys(mutant.group for mutant in mutants):
        limit = baseline(group)
        for mutant in (mutant for mutant in mutants if mutant.group == group):
            verdict, remark = attempt(mutant, limit)
            verdicts[verdict].append(mutant)
            print(f"{verdict:9} {mutant.file}: {mutant.name}{f' ({remark})' if remark else ''}", flush=True)

    print()
    for where in dict.fromkeys(mutant.where for mutant in mutants):
        killed = sum(mutant.where == where for mutant in verdicts["killed"])
        print(f"{where}: {killed} of {sum(mutant.where == where for mutant in mutants)} killed")
    for verdict in ("survived", "invalid"):
        for mutant in verdicts[verdict]:
            print(f"{verdict}: {mutant.where}: {mutant.name}")
    share = len(verdicts["killed"]) / len(mutants)
    print(f"mutants: {len(verdicts['killed'])} of {len(mutants)} killed ({share:.0%})")
    sys.exit(2 if verdicts["invalid"] else 1 if verdicts["survived"] else 0)


if __name__ == "__main__":
    main()
