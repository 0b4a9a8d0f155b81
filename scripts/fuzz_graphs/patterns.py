"""Chains of nodes that passes look for."""

import numpy as np

from . import products
from .draw import REALS, number_of
from .graph import Unsuitable
from .registry import GENERATORS, pattern

F32 = np.dtype(np.float32)
ACTIVATIONS = ["Relu", "Sigmoid", "Tanh", "LeakyRelu", "HardSigmoid", "Clip", "Elu", "Softplus"]


def activate(g, name):
    op = g.draw.choice([*ACTIVATIONS, *(["HardSwish"] if g.opset >= 14 else []), *(["Gelu"] if g.opset >= 20 else [])])
    if op != "Clip":
        return g.node(op, [name])
    if g.opset < 11:
        return g.node(op, [name], min=0.0, max=6.0)
    return g.node(op, [name, g.give(np.array(0, g.type(name)), True), g.give(np.array(6, g.type(name)), True)])


def scalar(g, value, name):
    return g.give(np.array(value, g.type(name)), True)


@pattern
def convolution(g):
    """Conv, BatchNormalization, an addition, an activation; also with the parts in other orders."""
    y = products.conv(g, "Conv")
    if g.draw.chance(0.6):
        shape = g.shape(y)[1:2]
        y = g.node("BatchNormalization", [y, *(g.like(y, shape, low=-1, high=1, stored=True) for _ in range(3)), g.new(g.type(y), shape, 0.1, 2, True)])
    if g.draw.chance(0.3):
        y = g.node(g.draw.choice(["Mul", "Add"]), [y, g.new(g.type(y), (g.shape(y)[1], *[1] * (len(g.shape(y)) - 2)), stored=True)])
    if g.draw.chance(0.3):
        y = g.node("Add", g.draw.sample([y, g.like(y)], 2))
    if g.draw.chance(0.8):
        y = activate(g, y)


@pattern
def padded_convolution(g):
    a, shape, group, kernels, kernel = products.convolved(g, [F32], high=4)
    if g.opset < 11:
        raise Unsuitable
    rank = len(kernel)
    y = g.node("Pad", [a, g.whole([0, 0, *[1] * rank, 0, 0, *[g.draw.choice([0, 1])] * rank], stored=True)])
    if any(size < span for size, span in zip(g.shape(y)[2:], kernel)):
        raise Unsuitable
    kernels = max(group, kernels // group * group)
    g.node(g.draw.choice(["Conv"]), [y, g.like(a, (kernels, shape[1] // group, *kernel))], group=group)


@pattern
def linear(g):
    """MatMul or Gemm, a bias, a scale, an activation."""
    a = g.tensor([one for one in g.types("MatMul") if one in REALS], low=2)
    y = products.product(g, "MatMul", a, g.type(a))
    for op in g.draw.sample(["Add", "Mul", "Sub", "Div"], g.draw.randint(0, 2)):
        if not g.shape(y):
            break
        y = g.node(op, [y, g.new(g.type(y), g.draw.choice([g.shape(y)[-1:], (), (1,)]), low=0.3, high=2)])
    if g.draw.chance(0.7):
        activate(g, y)


@pattern
def gelu(g):
    """x · 0.5 · (1 + erf(x / √2))"""
    x = g.tensor([one for one in g.types("Erf") if one in REALS] if g.opset >= 9 else [])
    inner = g.node("Add", [g.node("Erf", [g.node("Div", [x, scalar(g, 2**0.5, x)])]), scalar(g, 1, x)])
    if g.draw.chance(0.5):
        g.node("Mul", [g.node("Mul", [x, inner]), scalar(g, 0.5, x)])
    else:
        g.node("Mul", [g.node("Mul", [x, scalar(g, 0.5, x)]), inner])


@pattern
def layer_norm(g):
    if g.opset >= 18:
        raise Unsuitable
    x = g.tensor([F32], low=2, suits=lambda value: value.size > 0)
    apart = g.node("Sub", [x, g.node("ReduceMean", [x], axes=[-1] if g.opset >= 11 else [len(g.shape(x)) - 1])])
    last = [-1] if g.opset >= 11 else [len(g.shape(x)) - 1]
    variance = g.node("ReduceMean", [g.node("Pow", [apart, scalar(g, 2, x)])], axes=last)
    y = g.node("Div", [apart, g.node("Sqrt", [g.node("Add", [variance, scalar(g, 1e-5, x)])])])
    g.node("Add", [g.node("Mul", [y, g.like(x, g.shape(x)[-1:])]), g.like(x, g.shape(x)[-1:])])


@pattern
def silu(g):
    x = g.tensor([F32, np.dtype(np.float16)])
    g.node("Mul", g.draw.sample([x, g.node("Sigmoid", [x])], 2))


@pattern
def attention(g):
    batch, heads, length, size = g.draw.choice([1, 2]), g.draw.choice([1, 2]), g.draw.choice([1, 3, 4]), g.draw.choice([2, 4])
    x = g.tensor([F32], shape=(batch, length, heads * size))

    def split(name, perm):
        return g.node("Transpose", [g.node("Reshape", [name, g.whole([0, 0, heads, size], stored=True)])], perm=perm)

    q, k, v = (g.node("MatMul", [x, g.new(F32, (heads * size, heads * size), stored=True)]) for _ in range(3))
    scores = g.node("MatMul", [split(q, [0, 2, 1, 3]), split(k, [0, 2, 3, 1])])
    scores = g.node("Div", [scores, scalar(g, size**0.5, x)])
    if g.draw.chance(0.4):
        scores = g.node("Add", [scores, g.new(F32, (batch, 1, 1, length))])
    mixed = g.node("MatMul", [g.node("Softmax", [scores], axis=3), split(v, [0, 2, 1, 3])])
    g.node("Reshape", [g.node("Transpose", [mixed], perm=[0, 2, 1, 3]), g.whole([0, 0, heads * size], stored=True)])


@pattern
def quantized(g):
    """QuantizeLinear and DequantizeLinear around an operator."""
    if g.opset < 10:
        raise Unsuitable
    x = g.tensor([F32], low=2, suits=lambda value: value.size and np.isfinite(value).all())
    s, z = g.give(np.array(0.05, np.float32), True), g.give(np.array(g.draw.choice([0, 3]), g.draw.choice([np.uint8, np.int8])), True)
    y = g.node("DequantizeLinear", [g.node("QuantizeLinear", [x, s, z]), s, z])
    w = g.new(np.int8, (g.shape(x)[-1], 3), stored=True)
    y = g.node("MatMul", [y, g.node("DequantizeLinear", [w, g.give(np.array(0.1, np.float32), True), g.give(np.array(0, np.int8), True)])])
    if g.draw.chance(0.5):
        y = g.node("Relu", [y])
    s = g.give(np.array(0.2, np.float32), True)
    g.node("DequantizeLinear", [g.node("QuantizeLinear", [y, s, z]), s, z])


@pattern
def views(g):
    """Concat, Split, Slice, Reshape and Transpose of the same values, which may share memory."""
    for _ in range(g.draw.randint(2, 5)):
        op = g.draw.choice(["Concat", "Split", "Slice", "Reshape", "Transpose", "Squeeze", "Unsqueeze", "Flatten", "Expand", "Identity"])
        GENERATORS["", op](g, op)


@pattern
def casts(g):
    x = g.tensor([F32, np.dtype(np.float16), np.dtype(np.int32)])
    for _ in range(g.draw.randint(2, 4)):
        x = g.node("Cast", [x], to=number_of(g.draw.choice([F32, np.dtype(np.float16), np.dtype(np.float64), np.dtype(np.int32), np.dtype(np.int64)])))


@pattern
def sizes(g):
    """Shape, arithmetic on it, and Reshape: sizes that fold where shapes are known."""
    x = g.tensor([F32, np.dtype(np.int64)], low=1, suits=lambda value: value.size > 0)
    shape = g.node("Shape", [x])
    part = g.node("Gather", [shape, g.whole([0], stored=True)], axis=0)
    wanted = g.node("Concat", g.draw.sample([part, g.whole([-1], stored=True)], 2), axis=0)
    if g.draw.chance(0.3):
        return g.node("ConstantOfShape", [shape]) if g.opset >= 9 else None
    return g.node("Reshape", [x, wanted])
