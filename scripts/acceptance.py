#!/usr/bin/env python3
"""Checks what the program promises to its users, from outside: fused answers, swapping, budgets, and bad input.

Usage: acceptance.py [CHECK…]    all checks, or those whose names are given
"""

import itertools
import json
import os
import pathlib
import sys
import tempfile
import time

import numpy as np

import hostile
from program import MODELS, REFERENCES, STORE, ProgramError, attempt, fusedinf, prepare_store

# Small enough to be run in many combinations.
SMALL = ["cls", "det", "rec", "nudenet", "open-nsfw", "magika", "silero-vad-16k", "mobilenet-v2", "squeezenet"]


def require(truth, message):
    if not truth:
        raise ProgramError(message)


def manifest():
    return {model["name"]: model for model in json.loads((REFERENCES / "manifest.json").read_text())["models"]}


def inputs_of(names):
    """The first reference case of each model as arguments."""
    known = manifest()
    arguments = []
    for name in names:
        for item in known[name]["cases"][0]["inputs"]:
            arguments += ["--input", f"{name}/{item['name']}={REFERENCES / item['file']}"]
    return arguments


def run(names, *options, folder=None):
    """Runs models on their first reference case; returns the report."""
    output = ["--output", folder] if folder else []
    return json.loads(fusedinf("run", *names, "--store", STORE, *inputs_of(names), "--json", *output, *options))


def answers(folder):
    """All outputs below a folder, as bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(pathlib.Path(folder).rglob("*.npy"))}


def overlapping_lanes(trace):
    """Whether kernels of different models ran at the same time on different lanes."""
    spans = [
        (event["ts"], event["ts"] + event["dur"], event["cat"], event["name"].partition(":")[0])
        for event in json.loads(pathlib.Path(trace).read_text())["traceEvents"]
        if event["ph"] == "X" and event.get("cat", "").startswith("lane")]
    spans.sort()
    return any(
        first[1] > second[0] and first[2] != second[2] and first[3] != second[3]
        for first, second in zip(spans, spans[1:]))


def check_fused_equals_alone():
    """Two, three and all models fused give the bits of each alone; lanes overlap meanwhile."""
    everything = list(manifest())
    prepare_store(everything)
    random = np.random.default_rng(3)
    pairs, triples = (list(itertools.combinations(SMALL, count)) for count in (2, 3))
    groups = [pairs[i] for i in random.choice(len(pairs), 8, False)]
    groups += [triples[i] for i in random.choice(len(triples), 5, False)] + [everything]
    with tempfile.TemporaryDirectory() as alone:
        for name in everything:
            run([name], "--deterministic", folder=alone)
        expected = answers(alone)
    overlapped = 0
    for group in groups:
        with tempfile.TemporaryDirectory() as folder:
            trace = pathlib.Path(folder) / "trace.json"
            out = pathlib.Path(folder) / "out"
            run(group, "--deterministic", "--trace", trace, folder=out)
            for name, content in answers(out).items():
                require(content == expected[name], f"{name} differs when fused with {', '.join(group)}")
            overlapped += overlapping_lanes(trace)
    require(overlapped >= len(groups) // 2, f"lanes overlapped in {overlapped} of {len(groups)} fused programs only")
    return f"{len(groups)} fused programs, the same bits; lanes overlapped in {overlapped}"


def check_shared_backbone():
    """Two models with one backbone hold it once."""
    prepare_store(["resnet18-a", "resnet18-b"])
    alone = run(["resnet18-a"])["unique_weight_bytes"]
    both = run(["resnet18-a", "resnet18-b"])["unique_weight_bytes"]
    require(both < alone * 1.02, f"one holds {alone} bytes, both hold {both}")
    return f"one holds {alone / 2**20:.1f} MiB, both hold {both / 2**20:.1f} MiB"


def check_warm_swap():
    """ResNet-50 comes in warm within 10 ms (the best of five: the machine may be busy), without major page faults."""
    prepare_store(["resnet50"])
    run(["resnet50"], "--swap", "warm", "--repeat", 3)
    times = []
    for _ in range(5):
        report = run(["resnet50"], "--swap", "warm", "--repeat", 3)
        times.append(report["models"][0]["swap_in_ms"])
    faults = report.get("page_faults", [])
    require(min(times) < 10, f"swap-in takes {min(times):.1f} ms at best")
    require(all(fault["major"] == 0 for fault in faults), f"major page faults: {faults}")
    counted = f", {faults[-1]['minor']} minor page faults a run" if faults else ""
    return f"{', '.join(f'{t:.2f}' for t in sorted(times))} ms{counted}"


def check_linking():
    """All models are linked in half a millisecond, with their plans cached."""
    everything = list(manifest())
    prepare_store(everything)
    times = [run(everything)["link_us"] for _ in range(3)]
    require(min(times) < 500, f"linking takes {min(times):.0f} us")
    return f"{len(everything)} models in {', '.join(f'{t:.0f}' for t in times)} us"


def check_budget():
    """Under the largest reservation and a quarter of the other weights, random subsets are right and stay within."""
    prepare_store(SMALL)
    alone = {name: run([name]) for name in SMALL}
    needs = {name: report["peak_resident_bytes"] for name, report in alone.items()}
    largest = max(needs, key=needs.get)
    budget = needs[largest] + sum(alone[n]["unique_weight_bytes"] for n in SMALL if n != largest) // 4
    random = np.random.default_rng(4)
    for _ in range(8):
        subset = [str(name) for name in random.choice(SMALL, random.integers(2, len(SMALL) + 1), False)]
        report = run(subset, "--budget", budget, "--repeat", 5)
        peak = report["peak_resident_bytes"]
        require(peak <= budget, f"{', '.join(subset)}: peak {peak} over the budget of {budget}")
        require(report["budget_bytes"] == budget, f"the report names a budget of {report['budget_bytes']}")
    result = attempt("run", largest, "--store", STORE, *inputs_of([largest]), "--budget", "1MiB")
    require(result.returncode == 1, f"a model over the budget ended with status {result.returncode}")
    require("1MiB" in result.stderr or "1048576" in result.stderr, f"no sizes in: {result.stderr.strip()}")
    return f"40 runs of random subsets under {budget / 2**20:.1f} MiB; refused: {result.stderr.strip()[:90]}"


def check_bad_inputs():
    """Tensors and arguments that do not fit a model are refused with a message and status 1 or 2."""
    prepare_store(["cls"])
    with tempfile.TemporaryDirectory() as folder:
        for what, array, may_pass in hostile.tensors():
            file = pathlib.Path(folder) / "input.npy"
            if array is None:
                file.write_bytes(b"\x93NUMPY\x01\x00")
            else:
                np.save(file, array)
            refused(what, "run", "cls", "--store", STORE, "--input", f"cls/x={file}", may_pass=may_pass)
    refused("a file that is not there", "run", "cls", "--store", STORE, "--input", "cls/x=absent.npy")
    refused("an unknown model", "run", "nothing", "--store", STORE)
    refused("an unknown input", "run", "cls", "--store", STORE, "--input", "cls/y=absent.npy")
    refused("an unknown option", "run", "cls", "--store", STORE, "--nothing")
    refused("a budget that is no size", "run", "cls", "--store", STORE, "--budget", "many")
    return "refused, each with a message"


def refused(what, *arguments, may_pass=False):
    """The program must end with status 1 or 2 and say why, without a trap."""
    result = attempt(*arguments, timeout=120)
    if may_pass and result.returncode == 0:
        return
    require(result.returncode in (1, 2), f"{what}: status {result.returncode}")
    require(result.stderr.strip(), f"{what}: no message")
    require("Fatal error" not in result.stderr, f"{what}: a trap: {result.stderr.strip()[:200]}")


def check_bad_models():
    """Model files that are damaged or lie are refused, and nothing of them stays registered."""
    survived = 0
    with tempfile.TemporaryDirectory() as folder:
        store = pathlib.Path(folder) / "store"
        file = pathlib.Path(folder) / "model.onnx"
        for what, content, may_pass in hostile.models((MODELS / "cls.onnx").read_bytes()):
            file.write_bytes(content)
            arguments = ("add", file, "--name", "hostile", "--store", store)
            if may_pass and attempt(*arguments, timeout=120).returncode == 0:
                survived += 1
                fusedinf("remove", "hostile", "--store", store)
                continue
            refused(what, *arguments)
            listed = json.loads(fusedinf("list", "--store", store, "--json"))["models"]
            require(not listed, f"{what}: left {listed} behind")
    return f"refused; {survived} files with a changed bit are still models"


def check_store():
    """Damaged stored models are compiled again; two processes may change one store at the same time."""
    with tempfile.TemporaryDirectory() as folder:
        store = pathlib.Path(folder) / "store"
        fusedinf("add", MODELS / "cls.onnx", "--store", store)
        path = pathlib.Path(json.loads(fusedinf("inspect", "cls", "--store", store, "--json"))["path"])
        whole = path.read_bytes()
        for what, content in (("cut", whole[: len(whole) // 2]), ("empty", b""), ("altered", hostile.flipped(whole, 40))):
            path.chmod(0o600)
            path.write_bytes(content)
            result = attempt("run", "cls", "--store", store, "--shape", "cls/x=1x3x48x192")
            require(result.returncode == 0, f"a file that is {what} was not compiled again: {result.stderr.strip()}")
            path = pathlib.Path(json.loads(fusedinf("inspect", "cls", "--store", store, "--json"))["path"])
        add = ("add", MODELS / "cls.onnx", "--store", store)
        status, message = hostile.meanwhile(lambda: fusedinf(*add), 0.0, *add)
        require(status == 0, f"two adds of one name at once failed: {message[-200:]}")
        status, message = hostile.meanwhile(
            lambda: fusedinf("remove", "cls", "--store", store), 0.3, "run", "cls", "--store", store, "--shape",
            "cls/x=8x3x48x192", "--repeat", 300, "--swap", "warm", "--threads", 1)
        require(status == 0, f"a run failed when its model was removed: {message[-200:]}")
    return "compiled again by itself; two adds at once; removed while it ran"


def check_cut_while_running():
    """A model file that is cut short while it is mapped and running fails the run, not the process."""
    with tempfile.TemporaryDirectory() as folder:
        store = pathlib.Path(folder) / "store"
        fusedinf("add", MODELS / "open-nsfw.onnx", "--store", store)
        path = pathlib.Path(json.loads(fusedinf("inspect", "open-nsfw", "--store", store, "--json"))["path"])
        path.chmod(0o600)
        status, message = hostile.meanwhile(
            lambda: os.truncate(path, 2 << 20), 1.0, "run", "open-nsfw", "--store", store, "--shape",
            "open-nsfw/input:0=1x224x224x3", "--repeat", 4000)
        require(status == 1, f"status {status}: {message[-200:]}")
    return message[-90:]


CHECKS = {name.removeprefix("check_").replace("_", "-"): value for name, value in dict(globals()).items()
          if name.startswith("check_")}


def main():
    unknown = set(sys.argv[1:]) - set(CHECKS)
    if unknown:
        sys.exit(f"acceptance: no such check: {', '.join(sorted(unknown))}; there are {', '.join(CHECKS)}")
    failures = 0
    for name in sys.argv[1:] or CHECKS:
        start = time.monotonic()
        try:
            outcome = f"ok    {CHECKS[name]()}"
        except Exception as error:  # a check that breaks is a check that failed
            failures += 1
            outcome = f"FAIL  {type(error).__name__ if not isinstance(error, ProgramError) else ''}{error}"
        print(f"{name:18} {time.monotonic() - start:6.1f} s  {outcome}", flush=True)
    if failures:
        sys.exit(f"acceptance: {failures} checks failed")
    print("acceptance: all checks passed")


main()
