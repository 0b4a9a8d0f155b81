#!/usr/bin/env python3
"""Writes Tests/Fixtures/folding: small models with something to fold into their weights, and what must come of it.

What the folded weights and bias have to be is not computed here: it is read off what onnxruntime makes of the *unfolded*
model. Each of these models is affine in its input, so that its answer to nothing is the bias, and its answer to a one in
one place, less the bias, is the weights of that place.

    .venv/bin/python scripts/make-folding-fixtures.py
"""

import json
import pathlib

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

FOLDER = pathlib.Path(__file__).parent.parent / "Tests" / "Fixtures" / "folding"
rng = np.random.default_rng(7)


def random(*shape):
    return rng.uniform(-1, 1, shape).astype(np.float32)


def scales(*shape):
    """Factors away from 0."""
    return (rng.uniform(0.5, 2, shape) * rng.choice([-1, 1], shape)).astype(np.float32)


class Chain:
    """A model whose nodes follow one another."""

    def __init__(self, shape):
        self.shape, self.nodes, self.constants, self.last = shape, [], [], "x"

    def constant(self, array):
        name = f"constant{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(np.asarray(array), name))
        return name

    def add(self, op, *operands, swapped=False, **attributes):
        names = [None if o is None else self.constant(o) for o in operands]
        inputs = names + [self.last] if swapped else [self.last] + names
        self.last = f"{op}{len(self.nodes)}"
        self.nodes.append(helper.make_node(op, [i or "" for i in inputs], [self.last], name=self.last, **attributes))
        return self

    def normalise(self, channels):
        variance = rng.uniform(0.1, 2, channels).astype(np.float32)
        return self.add(
            "BatchNormalization", scales(channels), random(channels), random(channels), variance, epsilon=1e-3
        )

    def model(self):
        graph = helper.make_graph(
            self.nodes,
            "folding",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, self.shape)],
            [helper.make_tensor_value_info(self.last, TensorProto.FLOAT, [None] * len(self.shape))],
            self.constants,
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.checker.check_model(model)
        return model


def probe(model, shape, weights, place):
    """The weights and the bias of what `model` computes.

    weights: the answer to a one at an index of x, as an index into an array of the weights' shape.
    place: the part of an answer that the bias and the weights show in.
    """
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])

    def run(x):
        return session.run(None, {"x": x})[0][place].astype(np.float64)

    bias = run(np.zeros(shape, np.float32))
    for index in np.ndindex(*shape):
        x = np.zeros(shape, np.float32)
        x[index] = 1
        weights(index, run(x) - bias)
    return bias


def convolution(name, chain, dims, groups, size, place):
    """dims: of the weights. The image of `size` is the window's, so that one place of the answer sees all of it."""
    found = np.zeros(dims)
    per_group, outputs = dims[1], dims[0] // groups

    def weights(index, answer):
        group, channel = divmod(index[1], per_group)
        part = slice(group * outputs, (group + 1) * outputs)
        found[(part, channel) + index[2:]] = answer[part]

    model = chain.model()
    bias = probe(model, (1, per_group * groups) + size, weights, place)
    return name, model, found, bias


def deconvolution(name, chain, dims, groups):
    """The image has one pixel: the answer to it is the window."""
    found = np.zeros(dims)
    inputs = dims[0] // groups

    def weights(index, answer):
        group = index[1] // inputs
        found[index[1]] = answer[group * dims[1] : (group + 1) * dims[1]]

    model = chain.model()
    bias = probe(model, (1, dims[0]) + (1,) * (len(dims) - 2), weights, (0,))
    return name, model, found, bias[(slice(None),) + (0,) * (len(dims) - 2)]


def product(name, chain, dims, shape, transposed=False):
    found = np.zeros(dims)

    def weights(index, answer):
        if any(index[:-1]):
            return
        if transposed:
            found[:, index[-1]] = answer
        else:
            found[index[-1]] = answer

    model = chain.model()
    bias = probe(model, shape, weights, (0,) * (len(shape) - 1))
    return name, model, found, bias


def cases():
    middle = (0, slice(None), 0, 0)
    plain = dict(kernel_shape=[3, 3])
    chain = Chain([1, 3, 3, 3]).add("Conv", random(4, 3, 3, 3), random(4), **plain).normalise(4)
    yield convolution("conv-bias-bn", chain, (4, 3, 3, 3), 1, (3, 3), middle)

    chain = Chain([1, 4, 3, 3]).add("Conv", random(6, 2, 3, 3), group=2, **plain).normalise(6)
    yield convolution("conv-groups-bn", chain, (6, 2, 3, 3), 2, (3, 3), middle)

    chain = Chain([1, 4, 3, 3]).add("Conv", random(4, 1, 3, 3), random(4), group=4, **plain)
    chain.add("Mul", scales(1), swapped=True).add("Add", random(1)).add("Mul", scales(1, 4, 1, 1))
    chain.add("Add", random(4, 1, 1), swapped=True)
    yield convolution("conv-depthwise-mul-add", chain, (4, 1, 3, 3), 4, (3, 3), middle)

    chain = Chain([1, 3, 1, 1]).add("Conv", random(4, 3, 1, 1)).add("Identity").normalise(4).normalise(4)
    yield convolution("conv-identity-bn-bn", chain, (4, 3, 1, 1), 1, (1, 1), middle)

    chain = Chain([1, 3, 1, 1]).add("Conv", random(4, 3, 1, 1), random(4))
    chain.add("Sub", random(1, 4, 1, 1)).add("Div", scales(4, 1, 1)).add("Sub", random(1), swapped=True)
    yield convolution("conv-sub-div-sub", chain, (4, 3, 1, 1), 1, (1, 1), middle)

    chain = Chain([1, 3, 3]).add("Conv", random(4, 3, 3), random(4), kernel_shape=[3]).normalise(4)
    yield convolution("conv1d-bn", chain, (4, 3, 3), 1, (3,), (0, slice(None), 0))

    chain = Chain([1, 3, 3, 3]).add("Conv", random(4, 3, 3, 3), random(4), **plain)
    chain.add("Pad", np.array([0, 0, 1, 1, 0, 0, 1, 1]), mode="edge").normalise(4)
    yield convolution("conv-pad-bn", chain, (4, 3, 3, 3), 1, (3, 3), (0, slice(None), 1, 1))

    chain = Chain([1, 3, 3, 3]).add("Pad", np.array([0, 0, 1, 2, 0, 0, 1, 0]))
    chain.add("Conv", random(4, 3, 3, 3), random(4), **plain).normalise(4)
    yield convolution("pad-conv-bn", chain, (4, 3, 3, 3), 1, (3, 3), (0, slice(None), 1, 2))

    chain = Chain([1, 4, 1, 1]).add("ConvTranspose", random(4, 3, 2, 2), random(3)).normalise(3)
    yield deconvolution("deconv-bias-bn", chain, (4, 3, 2, 2), 1)

    chain = Chain([1, 4, 1, 1]).add("ConvTranspose", random(4, 3, 2, 2), group=2)
    chain.add("Add", random(1, 6, 1, 1)).normalise(6)
    yield deconvolution("deconv-groups-add-bn", chain, (4, 3, 2, 2), 2)

    chain = Chain([2, 5]).add("MatMul", random(5, 4)).add("Mul", scales(4)).add("Add", random(1, 4))
    yield product("matmul-mul-add", chain, (5, 4), (2, 5))

    chain = Chain([2, 3, 5]).add("MatMul", random(5, 4)).add("Add", random(4)).add("Div", scales(1))
    yield product("matmul3d-add-div", chain, (5, 4), (2, 3, 5))

    chain = Chain([2, 5]).add("Gemm", random(4, 5), random(4), transB=1, beta=0.5).normalise(4)
    yield product("gemm-transposed-bn", chain, (4, 5), (2, 5), transposed=True)


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    expected = []
    for name, model, weights, bias in cases():
        onnx.save(model, FOLDER / f"{name}.onnx")
        expected.append(
            {
                "name": name,
                "shape": list(weights.shape),
                "weights": [float(f"{w:.9g}") for w in weights.ravel()],
                "bias": [float(f"{b:.9g}") for b in np.ravel(bias)],
            }
        )
    (FOLDER / "expected.json").write_text(json.dumps(expected, indent=0) + "\n")
    print(f"{len(expected)} models in {FOLDER}")


if __name__ == "__main__":
    main()
