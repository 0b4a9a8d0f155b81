#!/usr/bin/env python3
"""Makes the models of Tests/Fixtures/extreme-shapes: small files whose tensors are larger than any memory."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FOLDER = Path(__file__).resolve().parent.parent / "Tests/Fixtures/extreme-shapes"


def save(name, nodes, inputs, constants=None, outputs=("y",)):
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info(n, t, s) for n, t, s in inputs],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in outputs],
        [numpy_helper.from_array(v, n) for n, v in (constants or {}).items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, FOLDER / f"{name}.onnx")


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    node, f32, i64 = helper.make_node, TensorProto.FLOAT, TensorProto.INT64
    ones = lambda *dims: np.ones(dims, np.float32)
    save(
        "wide-kernels",
        [node("Expand", ["k", "s"], ["w"]), node("ConvTranspose", ["x", "w"], ["y"])],
        [("x", f32, [1, 1, "n"])],
        {"k": ones(1, 1, 1), "s": np.array([1, 2147483647, 3])},
    )
    save(
        "wide-strides",
        [node("ConvTranspose", ["x", "w"], ["y"], strides=[65536], pads=[1, 0])],
        [("x", f32, ["b", 8, "n"])],
        {"w": ones(8, 64, 1)},
    )
    save(
        "scales",
        [node("Resize", ["x", "", "scales"], ["y"], mode="linear")],
        [("x", f32, [1, 1, 4, 4]), ("scales", f32, [4])],
    )
    save(
        "enlarged",
        [node("Resize", ["x", "", "s"], ["u"], mode="linear"), node("ReduceMean", ["u"], ["y"], axes=[2, 3], keepdims=0)],
        [("x", f32, [1, 1, "h", "w"])],
        {"s": np.array([1, 1, 4, 4], np.float32)},
    )
    save(
        "static-product",
        [node("MatMul", ["a", "b"], ["y"])],
        [("a", f32, [8, 536870912, 1, 17]), ("b", f32, [1, 1, 17, 16])],
    )
    save(
        "static-convolution",
        [node("Conv", ["x", "w"], ["y"])],
        [("x", f32, [1, 1, 2000000, 2000000])],
        {"w": ones(1, 1, 3, 3)},
    )
    save(
        "beyond-addresses",
        [node("Expand", ["x", "s"], ["y"])],
        [("x", f32, [1]), ("s", i64, [3])],
    )


if __name__ == "__main__":
    main()
