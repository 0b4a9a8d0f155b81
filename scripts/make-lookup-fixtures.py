#!/usr/bin/env python3
"""Writes Tests/Fixtures/lookups: small models that multiply one-hot matrices with tables, with onnxruntime's answers.

    .venv/bin/python scripts/make-lookup-fixtures.py
"""

import json
import pathlib

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

FOLDER = pathlib.Path(__file__).parent.parent / "Tests" / "Fixtures" / "lookups"
ROWS, COLUMNS = 5, 3
rng = np.random.default_rng(3)
node = helper.make_node
# Inside, at both ends, just outside of them on both sides, and as far as it goes.
INDICES = [[0, 4, 2, 1, 3, 4], [-1, -5, -6, 5, 6, 0], [1 << 30, -(1 << 31), (1 << 31) - 1, 3, -2, 2]]


def uniform(*shape):
    return rng.uniform(-1, 1, shape).astype(np.float32)


CONSTANTS = {
    "table": uniform(ROWS, COLUMNS), "bias": uniform(1, 1, COLUMNS), "half": np.float32(0.5),
    "range32": np.arange(ROWS, dtype=np.int32).reshape(1, 1, ROWS), "range64": np.arange(ROWS, dtype=np.int64),
    "last": np.array([-1], np.int64), "depth": np.array(ROWS, np.int64), "values": np.array([0, 1], np.float32),
    "others": np.array([0, 2], np.float32),
}
TAIL = [node("Add", ["bias", "product"], ["sum"]), node("Tanh", ["sum"], ["bent"]), node("Mul", ["bent", "half"], ["y"])]


def compared(numbers, type=np.int32):
    """What jax and others write in place of a OneHot."""
    return type, [
        node("Unsqueeze", ["indices", "last"], ["column"]), node("Equal", ["column", numbers], ["equal"]),
        node("Cast", ["equal"], ["hot"], to=TensorProto.FLOAT), node("MatMul", ["hot", "table"], ["product"]), *TAIL]


def one_hot(values):
    return np.int64, [
        node("OneHot", ["indices", "depth", values], ["hot"], axis=-1),
        node("MatMul", ["hot", "table"], ["product"]), *TAIL]


MODELS = {
    "compared-int32": compared("range32"), "compared-int64": compared("range64", np.int64),
    "one-hot": one_hot("values"), "one-hot-of-two": one_hot("others"),
}


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    cases = []
    for name, (type, nodes) in MODELS.items():
        names = {one for each in nodes for one in each.input}
        indices = np.array(INDICES, type)
        graph = helper.make_graph(
            nodes, name,
            [helper.make_tensor_value_info("indices", helper.np_dtype_to_tensor_dtype(indices.dtype), ["n", 6])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 6, COLUMNS])],
            [numpy_helper.from_array(np.asarray(array), key) for key, array in CONSTANTS.items() if key in names])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
        onnx.checker.check_model(model)
        onnx.save(model, FOLDER / f"{name}.onnx")
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        answer = session.run(None, {"indices": indices})[0]
        cases.append({
            "model": name, "isWide": type is np.int64, "indices": indices.flatten().tolist(),
            "answer": [round(float(value), 7) for value in answer.flatten()]})
    text = ",\n ".join(json.dumps(case, separators=(",", ":")) for case in cases)
    (FOLDER / "cases.json").write_text("[" + text + "]\n")


if __name__ == "__main__":
    main()
