"""The command-line program under test, and the store that checks share."""

import hashlib
import os
import pathlib
import shutil
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = pathlib.Path(os.environ.get("FUSEDINF", ROOT / ".build" / "release" / "fusedinf"))
MODELS = ROOT / ".cache" / "models"
REFERENCES = ROOT / ".cache" / "references"
CHECKED = ROOT / ".cache" / "store"
STORE = CHECKED / "models"


class ProgramError(Exception):
    """The program failed, or did not do what it promises."""


def attempt(*arguments, timeout=600):
    """Runs the program; returns what came of it, without judging."""
    return subprocess.run(
        [PROGRAM, *map(str, arguments)], capture_output=True, text=True, errors="replace", timeout=timeout)


def fusedinf(*arguments):
    """Runs the program; returns its standard output, or raises with what it said."""
    result = attempt(*arguments)
    if result.returncode != 0:
        said = (result.stderr or result.stdout).strip().splitlines() or ["no message"]
        raise ProgramError(f"status {result.returncode}: {said[-1]}")
    return result.stdout


def prepare_store(names):
    """Adds models once for every build of the program: a stored model must not outlive what compiled it."""
    build = hashlib.sha256(PROGRAM.read_bytes()).hexdigest()
    stamp = CHECKED / "built-by.txt"
    if not (stamp.exists() and stamp.read_text() == build):
        shutil.rmtree(CHECKED, ignore_errors=True)
        CHECKED.mkdir(parents=True, mode=0o700)
        stamp.write_text(build)
    for name in names:
        added = CHECKED / f"{name}.added"
        if not added.exists():
            print(f"store: adding {name}", flush=True)
            fusedinf("add", MODELS / f"{name}.onnx", "--name", name, "--store", STORE)
            added.touch()
