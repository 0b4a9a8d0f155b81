"""Generators of pooling, resizing and sampling."""

import numpy as np

from .graph import Unsuitable
from .products import window
from .reductions import image
from .registry import generates


def pooled(g, op, a, ceil_since, dilations_since):
    kernel = [g.draw.choice([1, 2, 3]) for _ in g.shape(a)[2:]]
    more = window(g, g.shape(a)[2:], kernel)
    if g.opset < dilations_since:
        if more["dilations"]:
            raise Unsuitable
        more.pop("dilations")
    if g.opset >= ceil_since and g.draw.chance(0.3):
        more["ceil_mode"] = 1
    pads = more.get("pads")
    if pads and any(pad >= kernel[axis % len(kernel)] for axis, pad in enumerate(pads)):
        raise Unsuitable
    return more | {"kernel_shape": kernel}


@generates("MaxPool")
def max_pool(g, op):
    a = image(g, op, high=5)
    more = pooled(g, op, a, 10, 10)
    if g.opset >= 8 and g.draw.chance(0.3):
        return g.node(op, [a], 2, storage_order=g.draw.choice([None, None, 0, 1]), **more)
    return g.node(op, [a], **more)


@generates("AveragePool")
def average_pool(g, op):
    a = image(g, op, high=5)
    g.node(op, [a], count_include_pad=g.draw.choice([None, 0, 1]), **pooled(g, op, a, 10, 19))


@generates("LpPool")
def lp_pool(g, op):
    a = image(g, op)
    g.node(op, [a], p=g.draw.choice([None, 1, 2, 3]), **pooled(g, op, a, 18, 18))


@generates("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool")
def global_pool(g, op):
    g.node(op, [image(g, op, high=5)], **({"p": g.draw.choice([1, 2, 3])} if op == "GlobalLpPool" and g.draw.chance(0.5) else {}))


@generates("MaxUnpool")
def unpool(g, op):
    a = g.tensor([], dtype=np.float32, low=4, high=4, suits=lambda value: value.size and all(size % 2 == 0 for size in value.shape[2:]))
    values, places = g.node("MaxPool", [a], 2, kernel_shape=[2, 2], strides=[2, 2])
    g.node(op, [values, places], kernel_shape=[2, 2], strides=[2, 2])


@generates("NhwcMaxPool", domain="com.microsoft")
def nhwc_pool(g, op):
    a = g.tensor([np.dtype(np.int8), np.dtype(np.uint8)], low=4, high=4, suits=lambda value: value.size and min(value.shape[1:3]) > 1)
    g.node(op, [a], domain="com.microsoft", kernel_shape=[2, 2], strides=g.draw.choice([None, [2, 2], [1, 2]]))


@generates("Resize", "Upsample")
def resize(g, op):
    a = g.tensor(g.types(op) if g.opset >= 13 else [np.dtype(np.float32)], low=3, high=4, suits=lambda value: value.size and value.size < 400)
    shape = g.shape(a)
    rank = len(shape)
    scales = [1.0, 1.0] + [g.draw.choice([1.0, 2.0, 0.5, 1.5, 3.0]) for _ in shape[2:]]
    if any(size * scale < 1 for size, scale in zip(shape, scales)):
        raise Unsuitable
    mode = g.draw.choice(["nearest", "linear", *(["cubic"] if rank == 4 and op == "Resize" and g.opset >= 11 else [])])
    if op == "Upsample" or g.opset < 11:
        scales = [max(1.0, scale) for scale in scales] if op == "Upsample" else scales
        if op == "Upsample" and g.opset < 9:
            return g.node(op, [a], mode=mode, scales=scales)
        return g.node(op, [a, g.whole(scales, np.float32, stored=True)], mode=mode)
    coordinates = g.draw.choice(["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel",
                                 *(["half_pixel_symmetric"] if g.opset >= 19 else [])])
    more = {"mode": mode, "coordinate_transformation_mode": coordinates}
    if mode == "nearest":
        more["nearest_mode"] = g.draw.choice(["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"])
    if mode == "cubic":
        more |= {"cubic_coeff_a": g.draw.choice([None, -0.5]), "exclude_outside": g.draw.choice([None, 1])}
    if g.opset >= 18 and mode != "nearest" and g.draw.chance(0.3):
        more["antialias"] = 1
    roi = "" if g.opset >= 13 else g.give(np.zeros(0, np.float32), True)
    if g.draw.chance(0.5):
        return g.node(op, [a, roi, g.whole(scales, np.float32, stored=True if g.opset < 13 else None)], **more)
    sizes = [int(size * scale) for size, scale in zip(shape, scales)]
    empty = "" if g.opset >= 13 else g.give(np.zeros(0, np.float32), True)
    if g.opset >= 18 and g.draw.chance(0.3):
        more["axes"], sizes = list(range(2, rank)), sizes[2:]
        if g.draw.chance(0.4):
            more["keep_aspect_ratio_policy"] = g.draw.choice(["stretch", "not_larger", "not_smaller"])
    return g.node(op, [a, roi, empty, g.whole(sizes)], **more)


@generates("GridSample")
def grid(g, op):
    a = image(g, op, low=4, high=4)
    shape = (g.shape(a)[0], g.draw.choice([1, 2, 3]), g.draw.choice([1, 2, 3]), 2)
    modes = ["linear", "nearest", "cubic"] if g.opset >= 20 else ["bilinear", "nearest", "bicubic"]
    points = g.new(g.draw.type(g.types(op, 1)) if g.type(a).kind != "f" else g.type(a), shape, low=-1.4, high=1.4)
    g.node(op, [a, points], mode=g.draw.choice(modes), padding_mode=g.draw.choice(["zeros", "border", "reflection"]),
           align_corners=g.draw.randrange(2))


@generates("AffineGrid")
def affine(g, op):
    dims = g.draw.choice([2, 3])
    n = g.draw.choice([1, 2])
    theta = g.tensor(g.types(op), shape=(n, dims, dims + 1))
    g.node(op, [theta, g.whole([n, 3, *(g.draw.choice([1, 2, 4]) for _ in range(dims))])], align_corners=g.draw.randrange(2))


def regions(g, dtype, images, height, width, numbered):
    count = g.draw.choice([1, 2, 5])
    low = g.draw.numbers.random((count, 2)) * [width - 1, height - 1]
    boxes = np.concatenate([low, low + g.draw.numbers.random((count, 2)) * [width, height]], 1)
    chosen = g.draw.numbers.integers(0, images, count)
    if numbered:
        return g.give(np.concatenate([chosen[:, None], boxes], 1).astype(dtype))
    return g.give(boxes.astype(dtype)), g.give(chosen.astype(np.int64))


@generates("RoiAlign")
def align(g, op):
    a = image(g, op, low=4, high=4)
    n, _, h, w = g.shape(a)
    boxes, chosen = regions(g, g.type(a), n, h, w, False)
    more = {"coordinate_transformation_mode": g.draw.choice(["half_pixel", "output_half_pixel"])} if g.opset >= 16 else {}
    g.node(op, [a, boxes, chosen], mode=g.draw.choice([None, "avg", "max"]), output_height=g.draw.choice([1, 2, 3]), output_width=g.draw.choice([1, 2]),
           sampling_ratio=g.draw.choice([None, 1, 2]), spatial_scale=g.draw.choice([None, 0.5]), **more)


@generates("MaxRoiPool")
def roi_pool(g, op):
    a = image(g, op, low=4, high=4)
    n, _, h, w = g.shape(a)
    g.node(op, [a, regions(g, g.type(a), n, h, w, True)], pooled_shape=[g.draw.choice([1, 2]), g.draw.choice([1, 3])],
           spatial_scale=g.draw.choice([None, 0.5]))


@generates("Col2Im")
def columns(g, op):
    block, size, strides, pads = [2, g.draw.choice([1, 3])], [g.draw.randint(3, 6), g.draw.randint(3, 6)], [g.draw.choice([1, 2]) for _ in "ab"], [0, 1, 0, 1]
    pads = g.draw.choice([[0] * 4, pads])
    places = [(size[axis] + pads[axis] + pads[axis + 2] - block[axis]) // strides[axis] + 1 for axis in (0, 1)]
    channels = g.draw.choice([1, 2])
    a = g.tensor(g.types(op), shape=(g.draw.choice([1, 2]), channels * block[0] * block[1], places[0] * places[1]))
    g.node(op, [a, g.whole(size), g.whole(block)], strides=strides, pads=pads)
