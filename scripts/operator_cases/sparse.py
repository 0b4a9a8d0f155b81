"""Sparse constants: initialisers of a model, and values of `Constant`."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from .recording import case, real

rng = np.random.default_rng(4)


def sparse(dense, name="", linear=True):
    places = np.flatnonzero(dense)
    indices = places if linear else np.argwhere(dense)
    return helper.make_sparse_tensor(
        numpy_helper.from_array(dense.reshape(-1)[places], name), numpy_helper.from_array(indices.astype(np.int64)),
        dense.shape)


def model(nodes, x, sparse_initializers=()):
    type = helper.np_dtype_to_tensor_dtype(x.dtype)
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", type, x.shape)], [helper.make_empty_tensor_value_info("y")],
        sparse_initializer=list(sparse_initializers))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


for dtype in (np.float32, np.float64, np.float16, np.int32, np.int64):
    dense = np.where(rng.random((3, 4)) < 0.3, rng.integers(1, 9, (3, 4)), 0).astype(dtype)
    for linear in (True, False):
        x = rng.integers(-9, 9, (3, 4)).astype(dtype)
        form = "linear" if linear else "per axis"
        node = helper.make_node("Add", ["x", "w"], ["y"])
        case("initialiser", {"x": x}, model=model([node], x, [sparse(dense, "w", linear)]), expected=[x + dense], name=form)
        constant = helper.make_node("Constant", [], ["w"], sparse_value=sparse(dense, "", linear))
        case("Constant", {"x": x}, model=model([constant, node], x), expected=[x + dense], name=form)

x, dense = real(rng, 2, 3), np.zeros((3, 5), np.float32)
case("initialiser", {"x": x}, model=model([helper.make_node("MatMul", ["x", "w"], ["y"])], x, [sparse(dense, "w")]),
     expected=[x @ dense], name="without values")
