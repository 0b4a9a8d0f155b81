"""Generators of operators that work element by element."""

import numpy as np

from .draw import is_float, number_of
from .graph import Unsuitable
from .registry import generates

ATTRIBUTES = {
    "Elu": ["alpha"], "Celu": ["alpha"], "LeakyRelu": ["alpha"], "ThresholdedRelu": ["alpha"], "HardSigmoid": ["alpha", "beta"],
    "Selu": ["alpha", "gamma"], "Shrink": ["bias", "lambd"], "Swish": ["alpha"], "SwiGLU": ["alpha"],
}
UNARY = """Abs Acos Acosh Asin Asinh Atan Atanh BitwiseNot Ceil Celu Cos Cosh Elu Erf Exp Floor HardSigmoid HardSwish Identity IsInf
IsNaN LeakyRelu Log Mish Neg Not Reciprocal Relu Round Selu Shrink Sigmoid Sign Sin Sinh Softplus Softsign Sqrt Swish Tan Tanh
ThresholdedRelu""".split()
BINARY = """Add Sub Mul Div And Or Xor BitwiseAnd BitwiseOr BitwiseXor Equal Greater GreaterOrEqual Less LessOrEqual""".split()


def options(g, op):
    return {name: round(g.draw.uniform(0.1, 1.6), 3) for name in ATTRIBUTES.get(op, []) if g.draw.chance(0.6)}


@generates(*UNARY)
def unary(g, op):
    more = options(g, op)
    if op == "IsInf":
        more = {name: g.draw.randrange(2) for name in ("detect_negative", "detect_positive") if g.draw.chance(0.4)}
    g.node(op, [g.tensor(g.types(op))], **more)


@generates("Gelu")
def gelu(g, op):
    g.node(op, [g.tensor(g.types(op))], approximate=g.draw.choice([None, "none", "tanh"]))


@generates("SwiGLU")
def swiglu(g, op):
    a = g.tensor(g.types(op))
    g.node(op, [a, g.like(a)], **options(g, op))


def pair(g, op):
    a = g.tensor(g.types(op))
    if g.type(a).kind in "iu" and op == "Div" or g.draw.chance(0.1):
        b = g.new(g.type(a), g.shape(a), low=1, high=7)
    else:
        b = g.broadcast(a)
    return (a, b) if g.draw.chance(0.7) or op == "Div" else (b, a)


@generates(*BINARY)
def binary(g, op):
    g.node(op, list(pair(g, op)))


@generates("Mod")
def modulo(g, op):
    a = g.tensor(g.types(op))
    b = g.new(g.type(a), g.shape(a)[-1:], low=1, high=7)
    if g.type(a).kind == "i" and g.draw.chance(0.5):
        b = g.node("Neg", [b]) if g.opset >= 13 or g.type(a).itemsize in (4, 8) else b
    g.node(op, [a, b], fmod=1 if is_float(g.type(a)) else g.draw.choice([None, 0, 1]))


@generates("BitShift")
def shift(g, op):
    a = g.tensor(g.types(op))
    g.node(op, [a, g.new(g.type(a), g.shape(a), low=0, high=7)], direction=g.draw.choice(["LEFT", "RIGHT"]))


@generates("Pow")
def power(g, op):
    a = g.tensor(g.types(op))
    types = g.types(op, 1) if g.opset >= 12 else [g.type(a)]
    dtype = g.draw.type(types)
    if g.draw.chance(0.4):
        g.node(op, [a, g.give(np.array(g.draw.choice([0, 1, 2, 3]), dtype))])
    else:
        g.node(op, [a, g.new(dtype, g.shape(a)[-1:], low=0, high=3)])


@generates("PRelu")
def prelu(g, op):
    a = g.tensor(g.types(op), low=1)
    shape = [1 if g.draw.chance(0.3) else size for size in g.shape(a)][g.draw.randrange(len(g.shape(a))):]
    g.node(op, [a, g.like(a, shape)])


@generates("Max", "Min", "Sum", "Mean")
def several(g, op):
    a = g.tensor(g.types(op))
    others = [g.like(a) if g.opset < 8 else g.broadcast(a) for _ in range(g.draw.choice([0, 1, 1, 1, 2, 3]))]
    g.node(op, [a, *others])


@generates("Clip")
def clip(g, op):
    a = g.tensor(g.types(op))
    low, high = sorted(g.draw.sample([-3, -1, 0, 0.5, 1, 2, 6, 7], 2))
    keep = [g.draw.chance(0.8), g.draw.chance(0.8)]
    if g.opset < 11:
        return g.node(op, [a], min=float(low) if keep[0] else None, max=float(high) if keep[1] else None)
    if g.type(a).kind == "u":
        low, high = 1, 5
    ends = [g.whole(np.array(end).astype(g.type(a)), g.type(a)) if kept else "" for end, kept in zip((low, high), keep)]
    g.node(op, [a, *ends])


@generates("Where")
def where(g, op):
    a = g.tensor(g.types(op, 1))
    g.node(op, [g.broadcast(a, np.dtype(bool)), *g.draw.sample([a, g.broadcast(a)], 2)])


@generates("Cast")
def cast(g, op):
    a, to = g.tensor(g.types(op)), g.draw.type(g.types(op, output=True))
    more = {}
    if to.name.startswith("float8") and g.opset >= 19 and g.draw.chance(0.5):
        more["saturate"] = g.draw.randrange(2)
    g.node(op, [a], to=number_of(to), **more)


@generates("CastLike")
def cast_like(g, op):
    a = g.tensor(g.types(op))
    g.node(op, [a, g.tensor(g.types(op, 1))])


@generates("BitCast")
def bit_cast(g, op):
    a = g.tensor([one for one in g.types(op) if one.name not in ("int4", "uint4", "int2", "uint2", "float4_e2m1fn")])
    same = [one for one in g.types(op, output=True) if one.itemsize == g.type(a).itemsize and "4" not in one.name[-2:]
            and one.name not in ("int4", "uint4", "int2", "uint2", "float4_e2m1fn", "bool")]
    if g.type(a) == bool or not same:
        raise Unsuitable
    g.node(op, [a], to=number_of(g.draw.choice(same)))


@generates("Dropout")
def dropout(g, op):
    a = g.tensor(g.types(op))
    more = {"ratio": 0.3} if g.opset < 12 and g.draw.chance(0.5) else {}
    operands = [a]
    if g.opset >= 12 and g.draw.chance(0.5):
        operands.append(g.give(np.array(0.4, np.float32)))
        if g.draw.chance(0.3):
            operands.append(g.give(np.array(False)))
    g.node(op, operands, 2, wanted=[True, g.draw.chance(0.4) and g.opset >= 10], **more)
