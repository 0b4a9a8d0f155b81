"""Generators of operators that read or write at indices, order elements, or count them."""

import numpy as np
from onnx import TensorProto

from .graph import Unsuitable
from .registry import generates


def indices(g, size, shape, is_negative=True, dtype=None):
    """An operand of places on an axis."""
    if not size:
        raise Unsuitable
    dtype = dtype or g.draw.choice([np.int64, np.int64, np.int32])
    return g.new(dtype, shape, low=-size if is_negative and g.opset >= 11 else 0, high=size - 1)


@generates("Gather")
def gather(g, op):
    a = g.tensor(g.types(op), low=1)
    axis = g.draw.axis(len(g.shape(a))) if g.opset >= 11 else g.draw.randrange(len(g.shape(a)))
    g.node(op, [a, indices(g, g.shape(a)[axis], g.draw.shape(0, 2, 20))], axis=g.draw.choice([axis, axis if axis else None]))


@generates("GatherElements")
def gather_elements(g, op):
    a = g.tensor(g.types(op), low=1, suits=lambda value: value.size > 0)
    axis = g.draw.axis(len(g.shape(a)))
    shape = [g.draw.randint(1, size) for size in g.shape(a)]
    g.node(op, [a, indices(g, g.shape(a)[axis], shape)], axis=axis)


def places(g, shape, depth, batch, count):
    arrays = [g.draw.numbers.integers(-size if g.opset >= 11 else 0, size, (*batch, *count)) for size in shape[len(batch):len(batch) + depth]]
    return g.give(np.stack(arrays, -1).astype(np.int64))


@generates("GatherND")
def gather_nd(g, op):
    a = g.tensor(g.types(op), low=1, suits=lambda value: value.size > 0)
    shape = g.shape(a)
    batch = g.draw.randint(0, len(shape) - 1) if g.opset >= 12 and g.draw.chance(0.4) else 0
    depth = g.draw.randint(1, len(shape) - batch)
    g.node(op, [a, places(g, shape, depth, shape[:batch], g.draw.shape(0, 2, 12))], batch_dims=batch or None)


def reduction(g, op, dtype):
    if g.opset < 16 or dtype == bool or g.draw.chance(0.5):
        return None
    return g.draw.choice(["add", "mul", *(["max", "min"] if g.opset >= 18 else [])])


@generates("ScatterElements", "Scatter")
def scatter_elements(g, op):
    a = g.tensor(g.types(op), low=1, suits=lambda value: value.size > 0)
    axis = g.draw.axis(len(g.shape(a))) if g.opset >= 11 else g.draw.randrange(len(g.shape(a)))
    shape = [g.draw.randint(1, size) for size in g.shape(a)]
    kind = reduction(g, op, g.type(a)) if op == "ScatterElements" else None
    size = g.shape(a)[axis]
    if kind:
        place = indices(g, size, shape)
    else:
        # Without a reduction, two writes to a place have no order, so every place is written once.
        wide = np.argsort(g.draw.numbers.random([*shape[:axis % len(shape)], size, *shape[axis % len(shape) + 1:]]), axis)
        place = g.give(np.take(wide, range(shape[axis]), axis).astype(np.int64))
    g.node(op, [a, place, g.like(a, shape)], axis=axis, reduction=kind)


@generates("ScatterND")
def scatter_nd(g, op):
    a = g.tensor(g.types(op), low=1, suits=lambda value: value.size > 0)
    shape = g.shape(a)
    depth = g.draw.randint(1, len(shape))
    kind = reduction(g, op, g.type(a))
    total = int(np.prod(shape[:depth]))
    count = g.draw.randint(1, min(6, total))
    chosen = [g.draw.randrange(total) for _ in range(count)] if kind else g.draw.sample(range(total), count)
    where = np.stack(np.unravel_index(chosen, shape[:depth]), -1).astype(np.int64)
    g.node(op, [a, g.give(where), g.like(a, (count, *shape[depth:]))], reduction=kind)


@generates("TensorScatter")
def write_cache(g, op):
    a = g.tensor(g.types(op), low=3, high=4, suits=lambda value: value.size > 0)
    shape = list(g.shape(a))
    axis = g.draw.randrange(1, len(shape))
    shape[axis] = g.draw.randint(1, shape[axis])
    mode = g.draw.choice([None, "linear", "circular"])
    most = g.shape(a)[axis] - (0 if mode == "circular" else shape[axis])
    start = g.give(g.draw.array(np.int64, (shape[0],), 0, max(0, most - (mode == "circular")))) if g.draw.chance(0.7) else ""
    g.node(op, [a, g.like(a, shape), start], axis=axis - len(shape) if g.draw.chance(0.5) else axis, mode=mode)


@generates("OneHot")
def one_hot(g, op):
    depth = g.draw.randint(1, 6)
    places = g.tensor([], dtype=g.draw.choice([np.int64, np.int32]), high=3) if g.draw.chance(0.2) else (
        g.new(g.draw.choice([np.int64, np.int32]), g.draw.shape(0, 3, 60), low=-depth - 1, high=depth))
    if g.draw.chance(0.2):
        places = g.node("Cast", [places], to=TensorProto.FLOAT)
    rank = len(g.shape(places))
    values = g.give(g.draw.array(g.draw.type(g.types(op, 2)), (2,)))
    shape = g.draw.choice([(), (1,)])
    g.node(op, [places, g.whole(np.full(shape, depth), g.draw.choice([np.int64, np.int32, np.float32])), values],
           axis=g.draw.choice([None, g.draw.randint(-rank - 1, rank)]))


@generates("TopK")
def top(g, op):
    a = g.tensor(g.types(op), low=1)
    axis = g.draw.axis(len(g.shape(a))) if g.opset >= 11 else g.draw.randrange(len(g.shape(a)))
    k = g.draw.randint(1, max(1, g.shape(a)[axis]))
    if g.opset < 10:
        return g.node(op, [a], 2, axis=axis, k=k)
    more = {"largest": g.draw.choice([None, 0, 1])} if g.opset >= 11 else {}
    return g.node(op, [a, g.whole([k])], 2, axis=axis, **more)


@generates("ArgMax", "ArgMin")
def argument(g, op):
    a = g.tensor(g.types(op), low=1)
    more = {"select_last_index": 1} if g.opset >= 12 and g.draw.chance(0.3) else {}
    g.node(op, [a], axis=g.draw.axis(len(g.shape(a))) if g.opset >= 11 else g.draw.randrange(len(g.shape(a))),
           keepdims=g.draw.choice([None, 0, 1]), **more)


@generates("NonZero")
def non_zero(g, op):
    g.node(op, [g.tensor(g.types(op), low=1)])


@generates("Compress")
def compress(g, op):
    a = g.tensor(g.types(op), low=1, suits=lambda value: value.size > 0)
    axis = g.draw.axis(len(g.shape(a))) if g.draw.chance(0.7) else None
    if axis is not None and g.opset < 11:
        axis %= len(g.shape(a))
    size = g.value(a).size if axis is None else g.shape(a)[axis]
    g.node(op, [a, g.new(bool, (g.draw.randint(1, size),))], axis=axis)


@generates("Unique")
def unique(g, op):
    a = g.tensor(g.types(op), low=1, suits=lambda value: value.size > 0)
    axis = g.draw.axis(len(g.shape(a))) if g.draw.chance(0.4) else None
    g.node(op, [a], 4, wanted=[True] + [g.draw.chance(0.5) for _ in range(3)], axis=axis, sorted=g.draw.choice([None, 0, 1]))


@generates("CumSum", "CumProd")
def running(g, op):
    a = g.tensor(g.types(op), low=1)
    more = {name: g.draw.choice([None, 0, 1]) for name in ("exclusive", "reverse")}
    g.node(op, [a, g.whole(g.draw.axis(len(g.shape(a))), g.draw.choice([np.int64, np.int32]))], **more)


@generates("NonMaxSuppression")
def suppress(g, op):
    boxes, batch, classes = g.draw.randint(1, 7), g.draw.randint(1, 2), g.draw.randint(1, 3)
    corners = g.draw.numbers.random((batch, boxes, 2)).astype(np.float32)
    sizes = g.draw.numbers.random((batch, boxes, 2)).astype(np.float32) * 0.5
    operands = [g.give(np.concatenate([corners, corners + sizes], -1)), g.give(g.draw.numbers.random((batch, classes, boxes)).astype(np.float32))]
    operands.append(g.whole(g.draw.choice([0, 1, 3, 10])) if g.draw.chance(0.9) else "")
    operands.append(g.give(np.array(g.draw.choice([0.1, 0.4, 0.7]), np.float32)) if g.draw.chance(0.7) else "")
    operands.append(g.give(np.array(g.draw.choice([0.1, 0.4]), np.float32)) if g.draw.chance(0.5) else "")
    g.node(op, operands, center_point_box=g.draw.choice([None, 0, 1]))


@generates("ArrayFeatureExtractor", domain="ai.onnx.ml")
def extract(g, op):
    a = g.tensor(g.types(op, domain="ai.onnx.ml"), low=1, high=3, suits=lambda value: value.size > 0)
    g.node(op, [a, g.new(np.int64, (1, g.draw.randint(1, 4)) if g.draw.chance(0.5) else (g.draw.randint(1, 4),), 0, g.shape(a)[-1] - 1)],
           domain="ai.onnx.ml")
