#!/usr/bin/env python3
"""Compares every output of every model with onnxruntime's answer, through the command-line program.

The models are those of make-references.py, and with --real those of scripts/real_models. tolerances.py has the rules of
comparison. Prints a table of the largest deviations; "of bound" is the largest share of the tolerance any element used.
Ends with status 1 if one is over it that real_models/exceptions.txt does not name, or if one that it names is not.

Usage: accuracy.py [--real [--quick]] [--times] [MODEL…]
"""

import argparse
import json
import pathlib
import shutil
import sys
import tempfile

import numpy as np

import tolerances
from program import REFERENCES, ROOT, STORE, ProgramError, fusedinf, prepare_store

REAL = ROOT / ".cache" / "real"
EXCEPTIONS = ROOT / "scripts" / "real_models" / "exceptions.txt"
LINE = "{:26} {:24} {:24} {:>10} {:>9}  {}"
# With --quick: one of each kind of export. All else that is quick to run is in the list of the whole.
QUICK_FAMILIES = ("text", "speech", "tabular", "trees")


def exceptions(models):
    """The comparisons of these models that are known to fail, as "MODEL CASE OUTPUT", with the reason."""
    listed = dict(line.split(": ", 1) for line in EXCEPTIONS.read_text().splitlines())
    names = {model["name"] for model in models}
    return {place: reason for place, reason in listed.items() if place.split()[0] in names}


def load(path):
    return np.load(path, allow_pickle=True)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--real", action="store_true", help="the models of scripts/real_models")
    parser.add_argument("--quick", action="store_true", help=f"of those, the families {', '.join(QUICK_FAMILIES)}")
    parser.add_argument("--times", metavar="FILE", help="write the times of one run of each real model, in milliseconds")
    parser.add_argument("models", nargs="*", metavar="MODEL")
    return parser.parse_args()


def run(name, store, inputs, folder, repeat):
    told = fusedinf("run", name, "--store", store, *inputs, "--output", folder, "--json", *(["--repeat", 7] if repeat else []))
    return json.loads(told)["models"][0] if repeat else None


def check(model, case, base, store, times):
    """Runs one case; yields one line of results an output."""
    name, inputs = model["name"], []
    for item in case["inputs"]:
        inputs += ["--input", f"{name}/{item['name']}={base / item['file']}"]
    with tempfile.TemporaryDirectory() as folder:
        try:
            ran = run(name, store, inputs, folder, times is not None)
        except ProgramError as error:
            yield "-", None, None, str(error)
            return
        if ran:
            times.setdefault(name, {})[case["name"]] = min(ran["run_ms"])
        for item in case["outputs"]:
            written = pathlib.Path(folder) / name / (item["name"].replace("/", "_") + ".npy")
            try:
                if not written.exists():
                    raise tolerances.Deviation(f"was not written as {written.name}")
                exact = load(base / item["exact"]) if "exact" in item else None
                absolute, share = tolerances.deviation(
                    load(written), load(base / item["file"]), model.get("rule", "f32"), exact,
                    scale=model.get("scales", {}).get(item["name"]), axis=model.get("axis"),
                    spread=item.get("spread", 0), rounding=item.get("rounding", (0, 0)))
                yield item["name"], absolute, share, None if share <= 1 else "beyond the tolerance"
            except tolerances.Deviation as error:
                yield item["name"], None, None, str(error)


class Stores:
    """The store of a model: shared with other checks, or, as real models are many, one of its own that is removed."""

    def __init__(self, real):
        self.real = real
        self.own = pathlib.Path(tempfile.mkdtemp(prefix=".store-", dir=REAL)) if real else None

    def __call__(self, model):
        if not self.real:
            prepare_store([model["name"]])
            return STORE
        shutil.rmtree(self.own / "models", ignore_errors=True)
        fusedinf("add", REAL / model["model"], "--name", model["name"], "--store", self.own / "models")
        return self.own / "models"

    def close(self):
        if self.real:
            shutil.rmtree(self.own)


def chosen(options, manifest):
    found = [
        model for model in manifest["models"]
        if model["name"] in options.models or not options.models and (
            not options.quick or model["family"] in QUICK_FAMILIES)]
    if not found:
        sys.exit(f"accuracy: no such model; there are {', '.join(model['name'] for model in manifest['models'])}")
    return found


def main():
    options = arguments()
    base = REAL if options.real else REFERENCES
    models = chosen(options, json.loads((base / "manifest.json").read_text()))
    failures = checked = 0
    worst, times = {}, {} if options.times else None
    stores = Stores(options.real)
    known = exceptions(models) if options.real else {}
    met = set()
    print(LINE.format("model", "case", "output", "deviation", "of bound", ""))
    for model in models:
        try:
            store = stores(model)
        except ProgramError as error:
            failures += 1
            checked += 1
            print(LINE.format(model["name"], "-", "-", "-", "-", f"FAIL  add: {error}"), flush=True)
            continue
        for case in model["cases"]:
            for output, absolute, share, problem in check(model, case, base, store, times):
                checked += 1
                place = f"{model['name']} {case['name']} {output}"
                if problem is not None and place in known:
                    met.add(place)
                    problem = f"{problem}, as is known: {known[place]}"
                elif problem is not None:
                    failures += 1
                if share is not None:
                    worst[model["name"]] = max(worst.get(model["name"], 0), share)
                print(LINE.format(
                    model["name"], case["name"], output[:24], "-" if absolute is None else f"{absolute:.2e}",
                    "-" if share is None else f"{share:.1%}", "ok" if problem is None else f"FAIL  {problem}"),
                    flush=True)
    stores.close()
    print()
    for name, share in sorted(worst.items(), key=lambda item: -item[1]):
        print(f"accuracy: {name:26} worst {share:8.2%} of the bound")
    if times is not None:
        pathlib.Path(options.times).write_text(json.dumps(times, indent=1) + "\n")
    for place in sorted(known.keys() - met):
        failures += 1
        print(f"accuracy: {place} is within the bound; take it out of {EXCEPTIONS.relative_to(ROOT)}")
    if failures:
        sys.exit(f"accuracy: {failures} of {checked} comparisons failed")
    rest = f", {len(met)} are known not to be" if met else ""
    print(f"accuracy: {checked - len(met)} outputs of {len(models)} models are within the bound{rest}")


main()
