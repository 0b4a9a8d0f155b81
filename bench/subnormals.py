#!/usr/bin/env python3
"""Measures what subnormal numbers cost: subnormals.py PROGRAM, with onnx and numpy (.venv/bin/python).

A 1×1 convolution of 64 channels at 56×56, whose input fades to 1e-39, runs on one thread with `--subnormals flush` and with
`--subnormals keep`, and on ordinary numbers. Prints medians, and writes them with the machine and the commit to
bench/results/DATE-COMMIT-subnormals.json.
"""

import datetime
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

import machine

HERE = pathlib.Path(__file__).resolve().parent
REPETITIONS = 40


def median(program, store, value, way, folder):
    image = folder / "x.npy"
    np.save(image, np.full((1, 64, 56, 56), value, np.float32))
    answer = subprocess.run(
        [program, "run", "conv", "--store", store, "--input", f"conv/x={image}", "--repeat", str(REPETITIONS),
         "--threads", "1", "--subnormals", way, "--json"],
        check=True, capture_output=True, text=True).stdout
    return statistics.median(json.loads(answer)["models"][0]["run_ms"])


def main(program):
    rng = np.random.default_rng(1)
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["y"])], "conv",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 64, 56, 56])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 64, 56, 56])],
        [numpy_helper.from_array(rng.uniform(-1, 1, (64, 64, 1, 1)).astype(np.float32), "w")])
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), folder / "conv.onnx")
        store = folder / "store"
        subprocess.run([program, "add", folder / "conv.onnx", "--store", store], check=True, capture_output=True)
        rows = {
            "ordinary numbers": median(program, store, 1, "flush", folder),
            "subnormal, --subnormals flush": median(program, store, 1e-39, "flush", folder),
            "subnormal, --subnormals keep": median(program, store, 1e-39, "keep", folder),
        }
    for row, milliseconds in rows.items():
        print(f"{row:32} {milliseconds:8.3f} ms")
    facts = machine.facts()
    path = HERE / "results" / f"{datetime.date.today()}-{facts['commit']}-subnormals.json"
    path.write_text(json.dumps(facts | {"program": program, "median_ms": rows}, indent=1) + "\n")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
