"""Tests that wrong answers, dead runners and a wrong list are noticed."""

import pathlib
import sys
import tempfile

import numpy as np

from . import batches, comparison, judgement, manifest, values

WAYS = ["optimised", "optimised-fused", "unoptimised", "unoptimised-fused"]
COMPANION = np.array([1, 2], np.float32)
EXPECTED = np.array([[0.5, np.nan, 1000]], np.float32)
# Within the tolerance, but other bits.
NEAR = np.array([[0.5, np.nan, 1000.01]], np.float32)
WRONG = np.array([[0.5, np.nan, 1002]], np.float32)
REFUSAL = {"status": "refused", "stage": "import", "message": "no"}
CHILD = """
import json, os, sys, time
print("ready", flush=True)
for line in open(sys.argv[1]):
    name = json.loads(line)["name"]
    if name == "abort": os.abort()
    if name == "sleep": time.sleep(60)
    print(json.dumps({"name": name}), flush=True)
"""


def run():
    with tempfile.TemporaryDirectory(prefix="conformance-") as name:
        folder = pathlib.Path(name)
        check_judgement(folder)
        check_sequences()
        check_batches(folder)
    check_manifest()


def status(folder, answers, companion=COMPANION, random=False):
    """Judges a case whose ways give these answers, each an array or an object of the result."""
    case = {"rtol": 1e-3, "atol": 1e-7, "random": random, "expected": [values.write(EXPECTED, folder, "expected")]}
    ways = []
    for way, answer in zip(WAYS, answers):
        if isinstance(answer, np.ndarray):
            answer = {"status": "answered", "outputs": [values.write(answer, folder, way)]}
            if way.endswith("fused"):
                answer["companion"] = [values.write(companion, folder, f"{way}-companion")]
        ways.append({"way": way, **answer})
    return judgement.judge(case, {"ways": ways}, folder, [COMPANION])["status"]


def check_judgement(folder):
    assert status(folder, [EXPECTED] * 4) == "passed"
    assert status(folder, [NEAR] * 4) == "passed"
    assert status(folder, [EXPECTED, EXPECTED, NEAR, NEAR]) == "passed"
    assert status(folder, [EXPECTED, NEAR, EXPECTED, EXPECTED]) == "failed"
    for way in range(4):
        assert status(folder, [WRONG if index == way else EXPECTED for index in range(4)]) == "failed"
        assert status(folder, [REFUSAL if index == way else EXPECTED for index in range(4)]) == "failed"
    assert status(folder, [REFUSAL] * 4) == "refused"
    assert status(folder, [EXPECTED] * 4, companion=COMPANION + 1) == "failed"
    assert status(folder, [EXPECTED.astype(np.float64)] * 4) == "failed"
    assert status(folder, [EXPECTED[0]] * 4) == "failed"
    assert status(folder, [WRONG] * 4, random=True) == "passed"
    assert status(folder, [EXPECTED[0]] * 4, random=True) == "failed"


def check_sequences():
    one, other, longer = np.array([1, 2], np.float32), np.array([3, 4], np.float32), np.array([5, 6, 7], np.float32)
    case = {"rtol": 1e-3, "atol": 1e-7, "random": False}

    def problem(expected, got):
        return comparison.problem(got, comparison.served(expected, got), case)

    assert problem([[one, other], one], [np.stack([one, other]), one]) is None
    assert problem([[one, other], one], [one, other, one]) is None
    assert problem([[one, longer]], [one, longer]) is None
    assert problem([[one, other]], [[one, other]]) is None
    assert problem([[one]], [one]) is None
    assert problem([[one, other]], [np.stack([other, one])])
    assert problem([[one, other]], [other, one])
    assert problem([[one, longer]], [one])
    assert problem([[one, other]], [[one]])
    assert problem([[one, other]], [np.concatenate([one, other])])


def check_batches(folder):
    found = {}
    cases = [{"name": name} for name in ("first", "abort", "second", "sleep", "third")]
    batches.run_batch(
        lambda listed, _: [sys.executable, "-c", CHILD, listed], cases, folder, folder / "batch", 2,
        lambda result: found.update({result["name"]: result.get("ended")}))
    assert list(found) == [case["name"] for case in cases], found
    assert [name for name, ended in found.items() if ended] == ["abort", "sleep"], found


def check_manifest():
    results = {"a": {"status": "passed", "message": None}, "b": {"status": "failed", "message": "wrong"}}
    assert manifest.problems(["a"], {"a"}, results) == []
    assert len(manifest.problems(["a", "b"], {"a"}, results)) == 1
    assert len(manifest.problems([], {"a"}, results)) == 1
    assert len(manifest.problems(["gone"], {"a"}, results)) == 2
