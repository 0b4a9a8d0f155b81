#!/usr/bin/env python3
"""Writes Tests/Fixtures/commands: the models that the tests of the command-line program add.

    .venv/bin/python scripts/make-command-fixtures.py
"""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FOLDER = Path(__file__).resolve().parent.parent / "Tests" / "Fixtures" / "commands"


def save(name, nodes, inputs, outputs, constants=()):
    graph = helper.make_graph(nodes, name, inputs, outputs, list(constants))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, FOLDER / f"{name}.onnx")


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    value = helper.make_tensor_value_info
    # Outputs of three types, two of whose names become one where '/' cannot stand.
    save(
        "outputs",
        [
            helper.make_node("Add", ["x", "x"], ["a/b"]),
            helper.make_node("Mul", ["x", "x"], ["a_b"]),
            helper.make_node("Shape", ["x"], ["sizes"]),
        ],
        [value("x", TensorProto.FLOAT16, [2, 2])],
        [
            value("a/b", TensorProto.FLOAT16, [2, 2]),
            value("a_b", TensorProto.FLOAT16, [2, 2]),
            value("sizes", TensorProto.INT64, [2]),
        ],
    )
    # Open sizes of which few will do: the last one has to be 16.
    save(
        "picky",
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        [value("x", TensorProto.FLOAT, ["batch", None])],
        [value("y", TensorProto.FLOAT, ["batch", 4])],
        [numpy_helper.from_array(np.arange(64, dtype=np.float32).reshape(16, 4), "w")],
    )
    # Weights of 128 and 144 KiB, which are tiles of small ones in the file.
    rng = np.random.default_rng(20)
    save(
        "weights",
        [
            helper.make_node("Tile", ["w", "repeats"], ["matrix"]),
            helper.make_node("MatMul", ["x", "matrix"], ["y"]),
            helper.make_node("Tile", ["filter", "channels"], ["filters"]),
            helper.make_node("Conv", ["image", "filters"], ["z"], pads=[1, 1, 1, 1]),
        ],
        [value("x", TensorProto.FLOAT, ["rows", 256]), value("image", TensorProto.FLOAT, [1, 64, 8, 8])],
        [value("y", TensorProto.FLOAT, ["rows", 128]), value("z", TensorProto.FLOAT, [1, 64, 8, 8])],
        [
            numpy_helper.from_array(rng.standard_normal((16, 32)).astype(np.float32), "w"),
            numpy_helper.from_array(np.array([16, 4]), "repeats"),
            numpy_helper.from_array(rng.standard_normal((8, 4, 3, 3)).astype(np.float32), "filter"),
            numpy_helper.from_array(np.array([8, 16, 1, 1]), "channels"),
        ],
    )


if __name__ == "__main__":
    main()
