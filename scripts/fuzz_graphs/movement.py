"""Generators of operators that move, repeat and select elements by their places."""

import numpy as np

from .draw import number_of
from .graph import Unsuitable
from .registry import generates


@generates("Transpose")
def transpose(g, op):
    a = g.tensor(g.types(op))
    rank = len(g.shape(a))
    g.node(op, [a], perm=g.draw.sample(range(rank), rank) if rank and g.draw.chance(0.85) else None)


def factors(g, count, most=4):
    """A shape of so many elements."""
    shape = []
    while count > 1 and len(shape) < most - 1:
        size = g.draw.choice([each for each in range(1, count + 1) if count % each == 0][:12])
        shape.append(size)
        count //= size
    return [*shape, count]


@generates("Reshape")
def reshape(g, op):
    a = g.tensor(g.types(op))
    shape, more = list(g.shape(a)), {}
    count = int(np.prod(shape, dtype=np.int64))
    wanted = factors(g, count) if count else shape
    if count and g.draw.chance(0.5) and wanted:
        wanted[g.draw.randrange(len(wanted))] = -1
    elif count and g.draw.chance(0.3) and shape:
        wanted = [0, *([-1] if len(shape) > 1 else [])]
    if not count:
        if g.opset < 14:
            raise Unsuitable
        more["allowzero"] = 1
    g.node(op, [a, g.whole(np.array(wanted, np.int64).reshape(-1))], **more)


@generates("Flatten")
def flatten(g, op):
    a = g.tensor(g.types(op))
    rank = len(g.shape(a))
    axis = g.draw.randint(-rank if g.opset >= 11 else 0, rank)
    g.node(op, [a], axis=g.draw.choice([axis, None]) if rank else 0)


@generates("Squeeze")
def squeeze(g, op):
    a = g.tensor(g.types(op), suits=lambda value: 1 in value.shape)
    ones = [axis for axis, size in enumerate(g.shape(a)) if size == 1]
    chosen = g.draw.sample(ones, g.draw.randint(1, len(ones)))
    if g.opset >= 11:
        chosen = [axis - len(g.shape(a)) if g.draw.chance(0.3) else axis for axis in chosen]
    g.listed(op, [a], chosen if g.draw.chance(0.8) else None, 13)


@generates("Unsqueeze")
def unsqueeze(g, op):
    a = g.tensor(g.types(op), high=3)
    more = g.draw.randint(1, 2)
    rank = len(g.shape(a)) + more
    chosen = g.draw.sample(range(rank), more)
    if g.opset >= 11:
        chosen = [axis - rank if g.draw.chance(0.3) else axis for axis in chosen]
    g.listed(op, [a], chosen, 13)


@generates("Concat")
def concat(g, op):
    a = g.tensor(g.types(op), low=1)
    rank = len(g.shape(a))
    axis = g.draw.axis(rank) if g.opset >= 11 else g.draw.randrange(rank)
    parts = [a]
    for _ in range(g.draw.choice([0, 1, 1, 2, 3])):
        shape = list(g.shape(a))
        shape[axis] = g.draw.size()
        parts.append(a if g.draw.chance(0.15) else g.like(a, shape))
    g.node(op, g.draw.sample(parts, len(parts)), axis=axis)


@generates("Split")
def split(g, op):
    a = g.tensor(g.types(op), low=1)
    rank = len(g.shape(a))
    axis = g.draw.axis(rank) if g.opset >= 11 else g.draw.randrange(rank)
    size = g.shape(a)[axis]
    parts = g.draw.randint(1, min(4, max(1, size)))
    more = {"axis": axis} if axis or g.draw.chance(0.5) else {}
    if size % parts == 0 and g.draw.chance(0.4):
        return g.node(op, [a], parts, num_outputs=parts if g.opset >= 18 else None, **more)
    cuts = sorted(g.draw.randint(0, size) for _ in range(parts - 1))
    sizes = [end - start for start, end in zip([0, *cuts], [*cuts, size])]
    return g.listed(op, [a], sizes, 13, name="split", outputs=parts, **more)


@generates("Slice")
def slices(g, op):
    a = g.tensor(g.types(op), low=1)
    shape = g.shape(a)
    rank = len(shape)
    axes = g.draw.sample(range(rank), g.draw.randint(1, rank))
    starts = [g.draw.randint(-shape[axis] - 1, shape[axis] + 1) for axis in axes]
    ends = [g.draw.choice([g.draw.randint(-shape[axis] - 2, shape[axis] + 2), 2**31 - 1, -1]) for axis in axes]
    if g.opset < 10:
        return g.node(op, [a], starts=starts, ends=ends, axes=axes)
    dtype = g.draw.choice([np.int64, np.int64, np.int32])
    operands = [a, g.whole(starts, dtype), g.whole(ends, dtype)]
    if axes != list(range(len(axes))) or g.draw.chance(0.7):
        # onnxruntime accepts negative axes since the first version with operands.
        operands.append(g.whole([axis - rank if g.draw.chance(0.3) else axis for axis in axes], dtype))
        if g.draw.chance(0.6):
            # The largest integer as an end means "to the last element" only of a step forwards.
            operands.append(g.whole([g.draw.choice([1, 1, 2, 3, *([-1, -2] if end < 1000 else [])]) for end in ends], dtype))
    return g.node(op, operands)


@generates("Expand")
def expand(g, op):
    a = g.tensor(g.types(op))
    shape = [g.draw.choice([1, 1, size]) if size != 1 else g.draw.size() for size in g.shape(a)]
    if g.draw.chance(0.3) and len(shape) < 5:
        shape = [g.draw.choice([1, 2, 3]), *shape]
    elif g.draw.chance(0.2) and shape:
        shape = shape[1:]
    g.node(op, [a, g.whole(shape)])


@generates("Tile")
def tile(g, op):
    a = g.tensor(g.types(op), suits=lambda value: value.size < 600)
    g.node(op, [a, g.whole([g.draw.choice([1, 1, 2, 3, 0 if g.draw.may_be_empty else 1]) for _ in g.shape(a)])])


@generates("Pad")
def pad(g, op):
    a = g.tensor(g.types(op) if g.opset >= 13 else [np.dtype(np.float32)], low=1)
    shape = g.shape(a)
    mode = g.draw.choice(["constant", "constant", "edge", "reflect", *(["wrap"] if g.opset >= 19 else [])])
    if mode != "constant" and 0 in shape:
        raise Unsuitable
    rank = len(shape)
    axes = g.draw.sample(range(rank), g.draw.randint(1, rank)) if g.opset >= 18 and g.draw.chance(0.4) else None
    places = axes or range(rank)

    def amount(axis):
        most = 3 if mode in ("constant", "edge") else min(3, shape[axis] - (mode == "reflect"))
        return g.draw.choice([0, g.draw.randint(0, most), g.draw.choice([-1, 0]) if mode == "constant" and shape[axis] > 2 else 0])

    pads = [amount(axis) for axis in places] + [amount(axis) for axis in places]
    if g.opset < 11:
        return g.node(op, [a], pads=pads, mode=mode, value=g.draw.choice([None, 1.5]))
    operands = [a, g.whole(pads), g.give(g.draw.array(g.type(a), ())) if mode == "constant" and g.draw.chance(0.5) else ""]
    if axes:
        operands.append(g.whole([axis - rank if g.draw.chance(0.3) else axis for axis in axes]))
    return g.node(op, operands, mode=mode)


@generates("DepthToSpace", "SpaceToDepth")
def blocks(g, op):
    block = g.draw.choice([1, 2, 3])
    n, c, h, w = (g.draw.choice([1, 2, 3]) for _ in range(4))
    shape = (n, c * block * block, h, w) if op == "DepthToSpace" else (n, c, h * block, w * block)
    mode = g.draw.choice([None, "DCR", "CRD"]) if op == "DepthToSpace" and g.opset >= 11 or g.opset >= 28 else None
    g.node(op, [g.tensor(g.types(op), shape=shape)], blocksize=block, mode=mode)


@generates("Shape", "Size")
def sizes(g, op):
    a = g.tensor(g.types(op))
    rank = len(g.shape(a))
    more = {}
    if op == "Shape" and g.opset >= 15 and g.draw.chance(0.5):
        more = {"start": g.draw.randint(-rank - 1, rank + 1), "end": g.draw.choice([None, g.draw.randint(-rank - 1, rank + 1)])}
    g.node(op, [a], **more)


@generates("Constant")
def constant(g, op):
    from onnx import numpy_helper

    if g.opset >= 12 and g.draw.chance(0.5):
        key, value = g.draw.choice([("value_float", 1.5), ("value_int", -3), ("value_floats", [0.5, -2.0]), ("value_ints", [4, 5, 6])])
        return g.node(op, [], **{key: value})
    return g.node(op, [], value=numpy_helper.from_array(g.draw.array(g.draw.type(g.types(op, output=True)), g.draw.shape())))


@generates("ConstantOfShape")
def filled(g, op):
    from onnx import numpy_helper

    shape = g.whole(g.draw.shape(0, 4, 500))
    value = g.draw.array(g.draw.type(g.types(op, output=True)), (1,))
    g.node(op, [shape], value=numpy_helper.from_array(value) if g.draw.chance(0.8) else None)


@generates("EyeLike")
def eye(g, op):
    a = g.tensor(g.types(op), low=2, high=2)
    g.node(op, [a], k=g.draw.choice([None, 0, 1, -2, 9]), dtype=number_of(g.draw.type(g.types(op, output=True))) if g.draw.chance(0.5) else None)


@generates("Trilu")
def triangle(g, op):
    a = g.tensor(g.types(op), low=2)
    g.node(op, [a, g.whole(g.draw.randint(-4, 4)) if g.draw.chance(0.6) else ""], upper=g.draw.choice([None, 0, 1]))


@generates("CenterCropPad")
def centre(g, op):
    a = g.tensor(g.types(op), low=1)
    rank = len(g.shape(a))
    axes = g.draw.sample(range(rank), g.draw.randint(1, rank)) if g.draw.chance(0.5) else None
    g.node(op, [a, g.whole([g.draw.randint(1, 6) for _ in axes or range(rank)])],
           axes=[axis - rank if g.draw.chance(0.3) else axis for axis in axes] if axes else None)


@generates("ReverseSequence")
def reverse(g, op):
    a = g.tensor(g.types(op), low=2, suits=lambda value: value.size > 0)
    time = g.draw.randrange(2)
    steps, batch = g.shape(a)[time], g.shape(a)[1 - time]
    g.node(op, [a, g.whole([g.draw.randint(1, steps) for _ in range(batch)])], time_axis=time, batch_axis=1 - time)


@generates("Range")
def numbers(g, op):
    dtype = g.draw.type(g.types(op))
    step = g.draw.choice([1, 2, 3, -1, -2])
    start, count = g.draw.randint(-4, 4), g.draw.randint(0, 9)
    g.node(op, [g.whole(value, dtype) for value in (start, start + count * step, step)])
