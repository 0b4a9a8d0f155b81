"""Small ONNX models that the clients' tests run, and what onnxruntime answers."""

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper


def _save(path, nodes, inputs, outputs, constants=()):
    graph = helper.make_graph(nodes, path.stem, inputs, outputs, list(constants))
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


def identity(path, sizes=("batch", 4), kind=TensorProto.FLOAT):
    """One output that is the input."""
    return _save(
        path,
        [helper.make_node("Identity", ["x"], ["y"])],
        [helper.make_tensor_value_info("x", kind, sizes)],
        [helper.make_tensor_value_info("y", kind, sizes)],
    )


def repeated(path, times):
    """One number, `times` times."""
    return _save(
        path,
        [helper.make_node("Tile", ["x", "times"], ["y"])],
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1,))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, (times,))],
        [numpy_helper.from_array(np.array([times], np.int64), "times")],
    )


def add_sub(path):
    """Two inputs and two outputs of int32 [1, 16]: their sum and their difference."""
    sizes = (1, 16)
    return _save(
        path,
        [
            helper.make_node("Add", ["INPUT0", "INPUT1"], ["OUTPUT0"]),
            helper.make_node("Sub", ["INPUT0", "INPUT1"], ["OUTPUT1"]),
        ],
        [helper.make_tensor_value_info(n, TensorProto.INT32, sizes) for n in ("INPUT0", "INPUT1")],
        [helper.make_tensor_value_info(n, TensorProto.INT32, sizes) for n in ("OUTPUT0", "OUTPUT1")],
    )


def perceptron(path, seed=1, width=64, classes=10):
    """Two matrix products with a batch dimension and a softmax; `seed` and `width` make its weights its own."""
    random = np.random.default_rng(seed)
    first = random.standard_normal((16, width)).astype(np.float32) / 4
    second = random.standard_normal((width, classes)).astype(np.float32) / np.sqrt(width).astype(np.float32)
    return _save(
        path,
        [
            helper.make_node("MatMul", ["x", "first"], ["hidden"]),
            helper.make_node("Relu", ["hidden"], ["active"]),
            helper.make_node("MatMul", ["active", "second"], ["scores"]),
            helper.make_node("Softmax", ["scores"], ["y"], axis=-1),
        ],
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ("batch", 16))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ("batch", classes))],
        [numpy_helper.from_array(first, "first"), numpy_helper.from_array(second, "second")],
    )


def slow(path, steps=150, width=512):
    """A model that takes some hundred milliseconds for one input of `width` rows: matrix products, one after another."""
    turn = np.linalg.qr(np.random.default_rng(0).standard_normal((width, width)))[0].astype(np.float32)
    names = ["x", *(f"step{step}" for step in range(1, steps)), "y"]
    sizes = ("rows", width)
    return _save(
        path,
        [helper.make_node("MatMul", [before, "turn"], [after]) for before, after in zip(names, names[1:])],
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, sizes)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, sizes)],
        [numpy_helper.from_array(turn, "turn")],
    )


def answer(path, **inputs):
    """What onnxruntime answers, by output."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, inputs)))
