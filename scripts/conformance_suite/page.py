"""docs/conformance.md, from the results."""

import collections

from .cases import SUITES

STATUSES = ["passed", "failed", "refused"]
HEAD = """# Conformance

`make conformance` runs the backend tests of onnx {onnx} and generates this page. A case is a model, its inputs and the outputs that
onnx's authors expect. FusedInf runs each case four ways: with and without the passes, alone and fused with a second model. It has
passed if all four answers are within the case's tolerances, and if each fused answer equals the answer alone, bit for bit.
"failed" counts wrong values, errors, crashes, and cases where the ways differ. "refused" counts models that were rejected with a
message before they ran, mostly for an unsupported operator or type. onnxruntime {onnxruntime} runs the same cases on its CPU provider.

The suite "node, expanded" has the definitions of operators as functions of simpler operators. Where the expected outputs are random,
only shapes and types are compared ({random} cases). Cases of training operators (`ai.onnx.preview.training`) are left out. An output that
is a sequence whose length the file decides is compared as it is served: as one stacked tensor, or as an output for each element.
[Tests/Conformance/passing.txt](../Tests/Conformance/passing.txt) lists the cases that pass; `make conformance` fails if one of them no
longer does.

## Suites

"""
OPERATORS = """
## Operators

The table counts the cases of the suite "node" by the operator that they test. "version" is the opset version that defines the operator.

"""


def tallies(cases, results, key):
    found = collections.defaultdict(lambda: collections.defaultdict(collections.Counter))
    for case in cases:
        for name in ("fusedinf", "onnxruntime"):
            status = results[case["name"]][name]["status"]
            found[key(case)][name]["failed" if status == "crashed" else status] += 1
    return found


def table(heads, rows):
    """- rows: (cells, tally) pairs."""
    counts = [f"{name} {status}" for name in ("FusedInf", "onnxruntime") for status in STATUSES]
    yield "| " + " | ".join([*heads, *counts]) + " |\n"
    yield "|---" * len(heads) + "|--:" * len(counts) + "|\n"
    for cells, tally in rows:
        numbers = [str(tally[name][status] or "") for name in ("fusedinf", "onnxruntime") for status in STATUSES]
        yield "| " + " | ".join([*cells, *numbers]) + " |\n"


def split(operator):
    name, _, version = operator.rpartition("-")
    return name, int(version)


def page(cases, results, versions):
    yield HEAD.format(random=sum(case["random"] for case in cases), **versions)
    suites = tallies(cases, results, lambda case: case["suite"])
    total = tallies(cases, results, lambda case: "all")
    yield from table(["suite"], [([suite], suites[suite]) for suite in SUITES] + [(["all"], total["all"])])
    yield OPERATORS
    nodes = tallies([case for case in cases if case["operator"]], results, lambda case: split(case["operator"]))
    ordered = sorted(nodes, key=lambda key: ("." in key[0], *key))
    yield from table(["operator", "version"], [([name, str(version)], nodes[name, version]) for name, version in ordered])
