"""Generators of quantisation, and of operators on quantised values."""

import numpy as np

from .graph import Unsuitable
from .products import convolved, window
from .registry import generates

F32, BYTES = np.dtype(np.float32), [np.dtype(np.uint8), np.dtype(np.int8)]
MICROSOFT = "com.microsoft"


def scale(g, dtype=F32, shape=(), stored=None):
    """Scales: powers of two at times, so that ties are common."""
    if g.draw.chance(0.4):
        return g.give(np.asarray(g.draw.numbers.choice([0.25, 0.5, 1.0, 2.0], shape)).astype(dtype), stored)
    return g.new(dtype, shape, low=0.02, high=0.7, stored=stored)


def zero(g, dtype, shape=(), stored=None):
    return g.give(g.draw.array(dtype, shape, -3 if dtype.kind == "i" else 0, 5), stored)


def axis_of(g, a, op):
    """An axis and the shape of its scales; `None` for one scale of all elements."""
    rank = len(g.shape(a))
    if rank < 1 or g.opset < 13 or g.draw.chance(0.5):
        return None, ()
    axis = g.draw.axis(rank)
    return axis, (g.shape(a)[axis],)


@generates("QuantizeLinear")
def quantize(g, op):
    a = g.tensor([one for one in g.types(op) if one.kind != "i"], suits=lambda value: value.size > 0)
    axis, shape = axis_of(g, a, op)
    dtype = g.draw.type([one for one in g.types(op, output=True) if one in BYTES or g.draw.chance(0.6)] or BYTES)
    operands = [a, scale(g, g.type(a), shape)]
    if g.draw.chance(0.8):
        operands.append(zero(g, dtype, shape) if dtype.kind in "iu" else g.give(np.zeros(shape, dtype)))
    g.node(op, operands, axis=axis)


@generates("DequantizeLinear")
def dequantize(g, op):
    types = [one for one in g.types(op) if one != np.int32]
    a = g.tensor(types, suits=lambda value: value.size > 0)
    axis, shape = axis_of(g, a, op)
    s = scale(g, g.draw.type(g.types(op, 1)) if g.opset >= 19 and g.draw.chance(0.3) else F32, shape)
    if g.type(s) not in (F32, np.float16):
        raise Unsuitable
    g.node(op, [a, s, zero(g, g.type(a), shape) if g.draw.chance(0.7) and g.type(a).kind in "iu" else ""], axis=axis)


@generates("DynamicQuantizeLinear")
def dynamic(g, op):
    g.node(op, [g.tensor(g.types(op), low=1, suits=lambda value: value.size > 0)], 3)


@generates("QLinearMatMul")
def qlinear_matmul(g, op):
    a = g.tensor(BYTES, low=2, suits=lambda value: value.size > 0)
    other, result = (g.draw.choice(BYTES) for _ in range(2))
    if g.type(a) == np.int8:
        other = result = g.type(a)
    elif result == np.int8:
        result = g.type(a)
    b = g.new(other, (g.shape(a)[-1], g.draw.choice([1, 3, 8])))
    g.node(op, [a, scale(g), zero(g, g.type(a)), b, scale(g), zero(g, other), scale(g), zero(g, result)])


@generates("QLinearConv")
def qlinear_conv(g, op):
    a, shape, group, kernels, kernel = convolved(g, BYTES, high=4)
    kernels = max(group, kernels // group * group)
    dtype = g.draw.choice(BYTES) if g.type(a) == np.uint8 else g.type(a)
    each = g.draw.choice([(), (kernels,)])
    w = g.new(dtype, (kernels, shape[1] // group, *kernel), stored=True)
    operands = [a, scale(g), zero(g, g.type(a)), w, scale(g, shape=each, stored=True), g.give(np.zeros(each, dtype), True), scale(g), zero(g, g.type(a))]
    if g.draw.chance(0.5):
        operands.append(g.new(np.int32, (kernels,), stored=True))
    g.node(op, operands, group=group if group > 1 else None, **window(g, shape[2:], kernel))


def byte(g, low=1):
    return g.tensor(BYTES, low=low, suits=lambda value: value.size > 0)


@generates("QLinearAdd", "QLinearMul", domain=MICROSOFT)
def qlinear_pair(g, op):
    a = byte(g)
    dtype = g.type(a)
    b = g.broadcast(a)
    g.node(op, [a, scale(g), zero(g, dtype), b, scale(g), zero(g, dtype), scale(g), zero(g, dtype)], domain=MICROSOFT)


@generates("QLinearSigmoid", "QLinearLeakyRelu", domain=MICROSOFT)
def qlinear_unary(g, op):
    a = byte(g)
    g.node(op, [a, scale(g, stored=True), zero(g, g.type(a), stored=True), scale(g, stored=True), zero(g, g.type(a), stored=True)], domain=MICROSOFT,
           alpha=0.1 if "Leaky" in op else None)


@generates("QLinearSoftmax", domain=MICROSOFT)
def qlinear_softmax(g, op):
    a = byte(g)
    least = np.array(np.iinfo(g.type(a)).min, g.type(a))
    g.node(op, [a, scale(g, stored=True), zero(g, g.type(a), stored=True), g.give(np.array(1 / 200, np.float32), True), g.give(least, True)], domain=MICROSOFT, axis=-1, opset=13)


@generates("QLinearAveragePool", "QLinearGlobalAveragePool", domain=MICROSOFT)
def qlinear_pool(g, op):
    a = g.tensor(BYTES, low=4, high=4, suits=lambda value: value.size and min(value.shape[2:]) > 1)
    more = {} if "Global" in op else {"kernel_shape": [2, 2], "strides": g.draw.choice([None, [1, 2]])}
    g.node(op, [a, scale(g, stored=True), zero(g, g.type(a), stored=True), scale(g, stored=True), zero(g, g.type(a), stored=True)], domain=MICROSOFT,
           channels_last=0, **more)


@generates("QLinearConcat", domain=MICROSOFT)
def qlinear_concat(g, op):
    a = byte(g)
    parts = [each for _ in range(g.draw.choice([1, 2, 3])) for each in (g.like(a), scale(g, stored=True), zero(g, g.type(a), stored=True))]
    g.node(op, [scale(g, stored=True), zero(g, g.type(a), stored=True), *parts], domain=MICROSOFT, axis=g.draw.axis(len(g.shape(a))))


@generates("DynamicQuantizeMatMul", "MatMulIntegerToFloat", domain=MICROSOFT)
def quantized_matmul(g, op):
    k, n, dtype = g.draw.choice([1, 4, 9]), g.draw.choice([1, 3, 8]), g.draw.choice(BYTES)
    is_dynamic = op.startswith("Dynamic")
    a = g.tensor([F32] if is_dynamic else [np.dtype(np.uint8)], shape=(*g.draw.shape(1, 2, 20), k), suits=lambda value: value.size > 0)
    b = g.new(dtype, (k, n), stored=True)
    bias = g.new(np.float32, (n,)) if g.draw.chance(0.5) else ""
    if is_dynamic:
        operands = [a, b, scale(g, stored=True), zero(g, dtype, stored=True), bias]
    else:
        operands = [a, b, scale(g, stored=True), scale(g, stored=True), zero(g, g.type(a), stored=True), zero(g, dtype, stored=True), bias]
    g.node(op, operands, domain=MICROSOFT)


@generates("QGemm", domain=MICROSOFT)
def quantized_gemm(g, op):
    m, k, n, trans = g.draw.choice([1, 3, 8]), g.draw.choice([1, 4, 20]), g.draw.choice([1, 6, 16]), g.draw.randrange(2)
    dtype = g.draw.choice(BYTES)
    each = g.draw.choice([(), (n,)])
    operands = [g.tensor([np.dtype(np.uint8)], shape=(m, k)), scale(g), zero(g, np.dtype(np.uint8)), g.new(dtype, (n, k) if trans else (k, n), stored=True),
                scale(g, shape=each, stored=True), zero(g, dtype, each, stored=True)]
    operands.append(g.new(np.int32, (n,), low=-900, high=900, stored=True) if g.draw.chance(0.6) else "")
    if g.draw.chance(0.6):
        operands += [scale(g), zero(g, np.dtype(np.uint8))]
    g.node(op, operands, domain=MICROSOFT, transB=trans or None, alpha=g.draw.choice([None, 0.5]))


@generates("DynamicQuantizeLSTM", domain=MICROSOFT)
def quantized_lstm(g, op):
    steps, batch, width, hidden, ways = (g.draw.choice(each) for each in ([1, 2, 5], [1, 2], [1, 3, 20], [1, 3, 9], [1, 2]))
    x = g.tensor([F32], shape=(steps, batch, width), suits=lambda value: np.isfinite(value).all())
    weights = [g.give(g.draw.numbers.integers(-127, 128, (ways, size, 4 * hidden)).astype(np.int8), True) for size in (width, hidden)]
    shape = (ways, 4 * hidden) if g.draw.chance(0.5) else (ways,)
    steered = [each for _ in weights for each in (g.new(F32, shape, 0.001, 0.01, True), g.give(np.zeros(shape, np.int8), True))]
    state = [g.new(F32, (ways, batch, hidden), -1, 1) for _ in range(2)] if g.draw.chance(0.4) else ["", ""]
    bias = g.new(F32, (ways, 8 * hidden), -1, 1) if g.draw.chance(0.6) else ""
    g.node(op, [x, *weights, bias, "", *state, "", *steered], 3, domain=MICROSOFT, hidden_size=hidden,
           direction="bidirectional" if ways == 2 else g.draw.choice(["forward", "reverse"]))
