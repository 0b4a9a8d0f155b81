#!/usr/bin/env python3
"""Writes Tests/Fixtures/halves: small models of halves, whose numbers on the way are too large for a half, with
onnxruntime's answers.

    .venv/bin/python scripts/make-half-fixtures.py
"""

import json
import pathlib

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

FOLDER = pathlib.Path(__file__).parent.parent / "Tests" / "Fixtures" / "halves"
node = helper.make_node
LARGE = [6e4, 6e4, -6e4, 1]

MODELS = {
    "gemm-beta": (node("Gemm", ["a", "b", "c"], ["y"], beta=2.0), {"a": [[-100] * 3] * 2, "b": [[200] * 2] * 3, "c": [6e4] * 2}),
    "gemm-beta-transposed": (
        node("Gemm", ["a", "b", "c"], ["y"], alpha=0.5, beta=3.0, transA=1),
        {"a": [[300, -300]] * 3, "b": [[-200, -150]] * 3, "c": [[3e4], [-3e4]]}),
    "gemm-small-beta": (node("Gemm", ["a", "b", "c"], ["y"], beta=1e-7), {"a": [[1, 2]], "b": [[0], [0]], "c": [[6e4]]}),
    "sum-3": (node("Sum", ["a", "b", "c"], ["y"]), {"a": LARGE, "b": LARGE, "c": [-6e4, -7e3 * 9, 6e4, 2]}),
    "sum-4": (
        node("Sum", ["a", "b", "c", "d"], ["y"]),
        {"a": [[2048] * 4], "b": [[1], [2]], "c": [[1]], "d": [[0.5, 6e4, -1, 1]]}),
    "mean-2": (node("Mean", ["a", "b"], ["y"]), {"a": [6e4, -6e4], "b": [6e4, -5e4]}),
    "mean-3": (node("Mean", ["a", "b", "c"], ["y"]), {"a": [6e4], "b": [6e4], "c": [6e4]}),
}


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    cases = []
    for name, (one, values) in MODELS.items():
        inputs = {key: np.array(value, np.float16) for key, value in values.items()}
        graph = helper.make_graph(
            [one], name,
            [helper.make_tensor_value_info(key, TensorProto.FLOAT16, [f"{key}{axis}" for axis in range(array.ndim)])
             for key, array in inputs.items()],
            [helper.make_empty_tensor_value_info("y")])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
        onnx.save(model, FOLDER / f"{name}.onnx")
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        answer = session.run(None, inputs)[0]
        assert answer.dtype == np.float16 and np.isfinite(answer).all(), (name, answer)
        cases.append({
            "model": name, "inputs": [{"shape": list(array.shape), "values": array.astype(float).flatten().tolist()}
                                      for array in inputs.values()],
            "answer": answer.astype(float).flatten().tolist()})
    text = ",\n ".join(json.dumps(case, separators=(",", ":")) for case in cases)
    (FOLDER / "cases.json").write_text("[" + text + "]\n")


if __name__ == "__main__":
    main()
