"""Generators of products: matrices, convolutions, and sums of products with letters."""

import numpy as np

from .draw import REALS
from .graph import Unsuitable
from .registry import generates

F32 = [np.dtype(np.float32)]


def filled(value):
    return value.size > 0


@generates("MatMul")
def matmul(g, op):
    a = g.tensor(g.types(op), low=1)
    product(g, op, a, g.type(a))


def product(g, op, a, dtype, **more):
    shape = g.shape(a)
    inner, columns = shape[-1], g.draw.size()
    if len(shape) == 1:
        other = g.draw.choice([(inner,), (inner, columns), (2, inner, columns)])
    else:
        batch = [1 if g.draw.chance(0.3) else size for size in shape[:-2]]
        other = g.draw.choice([(inner,), (inner, columns), (inner, columns), (*batch, inner, columns)])
    return g.node(op, [a, g.like(a, other, dtype)], **more)


@generates("Gemm")
def gemm(g, op):
    a = g.tensor(g.types(op), low=2, high=2)
    trans_a, trans_b = g.draw.randrange(2), g.draw.randrange(2)
    m, k = g.shape(a)[::-1] if trans_a else g.shape(a)
    n = g.draw.size()
    operands = [a, g.like(a, (n, k) if trans_b else (k, n))]
    if g.opset < 11 or g.draw.chance(0.7):
        operands.append(g.like(a, g.draw.choice([(n,), (1, n), (m, 1), (m, n), (1,), ()])))
    more = {"alpha": g.draw.choice([None, 0.5, 2.0]), "beta": g.draw.choice([None, 0.5, 0.0])} if g.type(a) in REALS else {}
    g.node(op, operands, transA=trans_a or None, transB=trans_b or None, **more)


EQUATIONS = ["ij,jk->ik", "ij,kj->ik", "bij,bjk->bik", "i,i->", "ij->ji", "ii->i", "ij->i", "...ij,...jk->...ik", "bhqd,bhkd->bhqk", "i,j->ij",
             "ij,ij->", "bij,jk", "ij", "...i->...", "abc,cd,bd->ad", "ii", "i...,i...->..."]


@generates("Einsum")
def einsum(g, op):
    equation = g.draw.choice(EQUATIONS)
    sizes = {letter: g.draw.choice([1, 2, 3, 4]) for letter in "abcdhijkq"}
    more = g.draw.choice([(), (2,), (3, 1)])
    operands = []
    first = None
    for term in equation.split("->")[0].split(","):
        shape = []
        for part in term.replace("...", "*"):
            shape += list(more) if part == "*" else [sizes[part]]
        if first is None:
            first = g.tensor(g.types(op), shape=shape)
            operands.append(first)
        else:
            operands.append(g.like(first, shape))
    g.node(op, operands, equation=equation)


def window(g, shape, kernel, transposed=False):
    """Strides, dilations and pads with which a window has at least one place."""
    rank = len(kernel)
    strides = [g.draw.choice([1, 1, 2, 3]) for _ in range(rank)] if g.draw.chance(0.5) else None
    dilations = [g.draw.choice([1, 1, 2]) for _ in range(rank)] if g.draw.chance(0.3) else None
    spans = [(size - 1) * (dilations or [1] * rank)[axis] + 1 for axis, size in enumerate(kernel)]
    found = {"strides": strides, "dilations": dilations}
    if not transposed and g.draw.chance(0.2):
        found["auto_pad"] = g.draw.choice(["SAME_UPPER", "SAME_LOWER", "VALID"])
        pads = [0] * (2 * rank)
    else:
        pads = [g.draw.randint(0, size // 2) for size in kernel] * 2 if g.draw.chance(0.6) else [0] * (2 * rank)
        if g.draw.chance(0.2):
            pads[0] = 0
        found["pads"] = pads if any(pads) or g.draw.chance(0.3) else None
    same = found.get("auto_pad", "").startswith("SAME")
    if not transposed and any(size + pads[axis] + pads[axis + rank] < spans[axis] for axis, size in enumerate(shape)) and not same:
        raise Unsuitable
    return found


def convolved(g, types, low=3, high=5, **more):
    a = g.tensor(types, low=low, high=high, suits=lambda value: value.size > 0, **more)
    shape = g.shape(a)
    divisors = [size for size in range(1, shape[1] + 1) if shape[1] % size == 0]
    group = g.draw.choice([1, 1, g.draw.choice(divisors)])
    return a, shape, group, group * g.draw.choice([1, 2, 3]), [g.draw.choice([1, 2, 3, 3]) for _ in shape[2:]]


@generates("Conv")
def conv(g, op):
    a, shape, group, kernels, kernel = convolved(g, g.types("Conv"))
    if g.draw.chance(0.2):
        kernels = 16
    kernels = max(group, kernels // group * group)
    operands = [a, g.like(a, (kernels, shape[1] // group, *kernel))] + ([g.like(a, (kernels,))] if g.draw.chance(0.6) else [])
    return g.node(op, operands, group=group if group > 1 else None, kernel_shape=kernel if g.draw.chance(0.7) else None,
                  **window(g, shape[2:], kernel))


@generates("FusedConv", domain="com.microsoft")
def fused_conv(g, op):
    a, shape, group, kernels, kernel = convolved(g, F32, high=4)
    kernels = max(group, kernels // group * group)
    kind = g.draw.choice(["Relu", "Sigmoid", "Tanh", "LeakyRelu", "Clip"])
    g.node(op, [a, g.like(a, (kernels, shape[1] // group, *kernel)), g.like(a, (kernels,))], domain="com.microsoft", group=group,
           kernel_shape=kernel, activation=kind, activation_params={"LeakyRelu": [0.1], "Clip": [-0.5, 0.5]}.get(kind),
           **window(g, shape[2:], kernel))


@generates("ConvTranspose")
def transposed(g, op):
    a, shape, group, kernels, kernel = convolved(g, g.types(op), high=4)
    more = window(g, shape[2:], kernel, transposed=True)
    rank = len(kernel)
    strides, dilations = more["strides"] or [1] * rank, more["dilations"] or [1] * rank
    if g.draw.chance(0.3):
        more["output_padding"] = [g.draw.randrange(max(strides[axis], dilations[axis])) for axis in range(rank)]
    pads = more["pads"] or [0] * 2 * rank
    if any((size - 1) * strides[axis] + (kernel[axis] - 1) * dilations[axis] + 1 - pads[axis] - pads[axis + rank] < 1
           for axis, size in enumerate(shape[2:])):
        raise Unsuitable
    each = kernels // group
    operands = [a, g.like(a, (shape[1], each, *kernel))] + ([g.like(a, (each * group,))] if g.draw.chance(0.6) else [])
    g.node(op, operands, group=group if group > 1 else None, kernel_shape=kernel, **more)


@generates("DeformConv")
def deformed(g, op):
    a, shape, group, kernels, kernel = convolved(g, g.types(op), low=4, high=4)
    more = {key: value for key, value in window(g, shape[2:], kernel, transposed=False).items() if key != "auto_pad"}
    strides, dilations, pads = more.get("strides") or [1, 1], more.get("dilations") or [1, 1], more.get("pads") or [0] * 4
    places = [(shape[2 + axis] + pads[axis] + pads[axis + 2] - dilations[axis] * (kernel[axis] - 1) - 1) // strides[axis] + 1 for axis in (0, 1)]
    if min(places) < 1:
        raise Unsuitable
    taps = kernel[0] * kernel[1]
    more["pads"] = pads
    operands = [a, g.like(a, (kernels, shape[1] // group, *kernel)), g.new(g.type(a), (shape[0], 2 * taps, *places), low=-1.5, high=1.5)]
    operands.append(g.like(a, (kernels,)) if g.draw.chance(0.5) else "")
    operands.append(g.new(g.type(a), (shape[0], taps, *places), low=0, high=1) if g.draw.chance(0.5) else "")
    g.node(op, operands, group=group if group > 1 else None, kernel_shape=kernel, **more)


@generates("MatMulInteger")
def matmul_integer(g, op):
    a = g.tensor([np.dtype(np.uint8), np.dtype(np.int8)], low=2, suits=filled)
    dtype = g.draw.choice([np.uint8, np.int8])
    b = g.new(dtype, (g.shape(a)[-1], g.draw.choice([1, 3, 8])))
    g.node(op, [a, b, g.give(g.draw.array(g.type(a), ())) if g.draw.chance(0.6) else "", g.give(g.draw.array(dtype, ())) if g.draw.chance(0.5) else ""])


@generates("ConvInteger")
def conv_integer(g, op):
    a, shape, group, kernels, kernel = convolved(g, [np.dtype(np.uint8)], high=4)
    dtype = g.draw.choice([np.uint8, np.int8])
    kernels = max(group, kernels // group * group)
    w = g.new(dtype, (kernels, shape[1] // group, *kernel))
    g.node(op, [a, w, g.give(g.draw.array(g.type(a), ())) if g.draw.chance(0.6) else "", g.give(g.draw.array(dtype, ())) if g.draw.chance(0.5) else ""],
           group=group if group > 1 else None, **window(g, shape[2:], kernel))


@generates("FusedMatMul", domain="com.microsoft")
def fused_matmul(g, op):
    a = g.tensor(F32, low=2, high=3, suits=filled)
    trans_a, trans_b = g.draw.randrange(2), g.draw.randrange(2)
    *batch, m, k = g.shape(a)
    k, n = m if trans_a else k, g.draw.choice([1, 3, 8])
    g.node(op, [a, g.like(a, (*batch, n, k) if trans_b else (*batch, k, n))], domain="com.microsoft", transA=trans_a, transB=trans_b,
           alpha=g.draw.choice([None, 0.5]))


@generates("MatMulNBits", domain="com.microsoft")
def matmul_bits(g, op):
    k, n, block = g.draw.choice([16, 32, 40]), g.draw.choice([1, 3, 8]), g.draw.choice([16, 32])
    a = g.tensor(F32, shape=(*g.draw.shape(1, 2, 12), k))
    blocks = -(-k // block)
    operands = [a, g.give(g.draw.numbers.integers(0, 256, (n, blocks, block // 2)).astype(np.uint8), True), g.new(np.float32, (n * blocks,), 0.1, 1, True)]
    if g.draw.chance(0.5):
        operands.append(g.give(g.draw.numbers.integers(0, 256, (n * -(-blocks // 2),)).astype(np.uint8), True))
    g.node(op, operands, domain="com.microsoft", K=k, N=n, bits=4, block_size=block)


@generates("Det")
def determinant(g, op):
    size = g.draw.choice([1, 2, 3, 5])
    g.node(op, [g.tensor(g.types(op), shape=(*g.draw.shape(0, 2, 9), size, size))])


@generates("Inverse", domain="com.microsoft")
def inverse(g, op):
    size = g.draw.choice([1, 2, 3, 5])
    a = g.draw.array(g.draw.choice([np.float32, np.float64]), (*g.draw.shape(0, 2, 9), size, size))
    # A matrix that is far from a singular one.
    g.node(op, [g.give(a + a.dtype.type(4) * np.eye(size, dtype=a.dtype))], domain="com.microsoft")
