"""Einsum with ellipses, diagonals and any number of operands; BatchNormalization that trains; Resize that grows and shrinks."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from .recording import by_onnxruntime, case, model_of, real, refused

rng = np.random.default_rng(5)
for equation, *shapes in (
    ("...ii->...i", (2, 3, 3)), ("ii->i", (4, 4)), ("ii", (4, 4)), ("iij->j", (3, 3, 2)), ("iii->i", (3, 3, 3)),
    ("...->...", (2, 3)), ("...ij->...ji", (2, 3, 4)), ("...ij,...jk->...ik", (2, 3, 4), (2, 4, 5)),
    ("...ij,jk->...ik", (2, 3, 4), (4, 5)), ("b...,b...->b...", (2, 3, 4), (2, 3, 4)), ("...i,...i", (2, 3), (2, 3)),
    ("ij,jk,kl->il", (2, 3), (3, 4), (4, 5)), ("i,i,i->i", (3,), (3,), (3,)), ("i,j,k->kji", (2,), (3,), (4,)),
    ("bij,bjk,b->ik", (2, 3, 4), (2, 4, 5), (2,)), ("ii,ij->j", (3, 3), (3, 2)), ("abc,cd,de,ef->abf", (2, 3, 4), (4, 2), (2, 3), (3, 2)),
):
    arrays = [real(rng, *shape) for shape in shapes]
    case("Einsum", arrays, {"equation": equation}, opset=12, expected=[np.asarray(np.einsum(equation, *arrays))], name=equation)
refused("Einsum", [real(rng, 2)], {"equation": "...ij->...i"}, opset=12)
refused("Einsum", [real(rng, 2, 2)], {"equation": "ij->ik"}, opset=12)

for opset in (14, 15):
    for shape in ((2, 3), (2, 3, 4, 5)):
        x = real(rng, *shape)
        parameters = [real(rng, 3), real(rng, 3), real(rng, 3), rng.random(3).astype(np.float32)]
        for outputs in ((True,), (True, True, True)):
            axes = (0, *range(2, len(shape)))
            mean, variance = x.mean(axes), x.var(axes)
            column = (-1,) + (1,) * (len(shape) - 2)
            y = (x - mean.reshape(column)) / np.sqrt(variance.reshape(column) + 1e-5)
            y = y * parameters[0].reshape(column) + parameters[1].reshape(column)
            results = [y, parameters[2] * 0.75 + mean * 0.25, parameters[3] * 0.75 + variance * 0.25]
            case(
                "BatchNormalization", [x, *parameters], {"training_mode": 1, "momentum": 0.75}, opset=opset, outputs=outputs,
                expected=[array.astype(np.float32) for array in results[: len(outputs)]],
            )

case("Resize", [real(rng, 1, 1, 4, 3), np.array([1, 1, 0.5, 2], np.float32)], opset=10, constants=[1], name="both ways")

# Scales that are left out as an empty tensor, which a node computes.
x, sizes = real(rng, 1, 1, 2, 3), np.array([1, 1, 4, 5])
graph = helper.make_graph(
    [helper.make_node("Cast", ["none"], ["scales"], to=TensorProto.FLOAT), helper.make_node("Resize", ["x", "", "scales", "sizes"], ["y"])],
    "case", [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)], [helper.make_empty_tensor_value_info("y")],
    [numpy_helper.from_array(np.zeros(0, np.float16), "none"), numpy_helper.from_array(sizes, "sizes")])
case("Resize", {"x": x}, name="empty scales", model=helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8),
     expected=by_onnxruntime(*model_of("Resize", [x, None, None, sizes], {}, 13, "", (True,), [3])))
