#!/usr/bin/env python3
"""Compares every output of every model with onnxruntime's answer, through the command-line program.

Every element must lie within 1e-4 · max|reference| + 1e-3 · |reference|. Prints a table of the largest deviations;
"of bound" is the largest share of that tolerance any element used. Ends with status 1 if one is over it.

Usage: accuracy.py [MODEL…]
"""

import json
import pathlib
import sys
import tempfile

import numpy as np

from program import REFERENCES, STORE, ProgramError, fusedinf, prepare_store

LINE = "{:15} {:24} {:24} {:>10} {:>9}  {}"


def deviation(got, reference):
    """The largest absolute deviation, and the largest share of the tolerance that it uses."""
    if got.dtype != reference.dtype or got.shape != reference.shape:
        raise ProgramError(f"is {got.dtype} {got.shape}, not {reference.dtype} {reference.shape}")
    if not np.isfinite(got).all():
        raise ProgramError("holds values that are not finite")
    got, reference = got.astype(np.float64), reference.astype(np.float64)
    distance = np.abs(got - reference)
    bound = 1e-4 * np.abs(reference).max() + 1e-3 * np.abs(reference)
    return distance.max(), (distance / bound).max()


def check(model, case):
    """Runs one case; yields one line of results an output."""
    name = model["name"]
    with tempfile.TemporaryDirectory() as folder:
        inputs = []
        for item in case["inputs"]:
            inputs += ["--input", f"{name}/{item['name']}={REFERENCES / item['file']}"]
        try:
            fusedinf("run", name, "--store", STORE, *inputs, "--output", folder, "--json")
        except ProgramError as error:
            yield "-", None, None, str(error)
            return
        for item in case["outputs"]:
            written = pathlib.Path(folder) / name / (item["name"].replace("/", "_") + ".npy")
            try:
                if not written.exists():
                    raise ProgramError(f"was not written as {written.name}")
                absolute, share = deviation(np.load(written), np.load(REFERENCES / item["file"]))
                yield item["name"], absolute, share, None
            except ProgramError as error:
                yield item["name"], None, None, str(error)


def main():
    manifest = json.loads((REFERENCES / "manifest.json").read_text())
    chosen = [model for model in manifest["models"] if not sys.argv[1:] or model["name"] in sys.argv[1:]]
    if not chosen:
        sys.exit(f"accuracy: no such model; there are {', '.join(model['name'] for model in manifest['models'])}")
    failures = checked = 0
    worst = {}
    print(LINE.format("model", "case", "output", "deviation", "of bound", ""))
    for model in chosen:
        try:
            prepare_store([model["name"]])
        except ProgramError as error:
            failures += 1
            print(LINE.format(model["name"], "-", "-", "-", "-", f"FAIL  add: {error}"))
            continue
        for case in model["cases"]:
            for output, absolute, share, problem in check(model, case):
                checked += 1
                if problem is None and share > 1:
                    problem = "beyond the tolerance"
                failures += problem is not None
                if share is not None:
                    worst[model["name"]] = max(worst.get(model["name"], 0), share)
                print(LINE.format(
                    model["name"], case["name"], output[:24], "-" if absolute is None else f"{absolute:.2e}",
                    "-" if share is None else f"{share:.1%}", "ok" if problem is None else f"FAIL  {problem}"),
                    flush=True)
    print()
    for name, share in sorted(worst.items(), key=lambda item: -item[1]):
        print(f"accuracy: {name:15} worst {share:8.2%} of the bound")
    if failures:
        sys.exit(f"accuracy: {failures} of {checked} comparisons failed")
    print(f"accuracy: {checked} outputs of {len(chosen)} models are within the bound")


main()
