"""Sampling of images between their elements, pooling of regions, and the inverse operators of windows."""

import numpy as np

from .recording import BF16, case, real, reference, refused

rng = np.random.default_rng(41)


def grid(*shape, dtype=np.float32):
    return (rng.standard_normal(shape) * 1.1).astype(dtype)


def sampled(x, points, *, by=None, opset=20, **attributes):
    name = " ".join(str(value) for value in attributes.values()) + f" {x.dtype.name}{list(x.shape)} opset {opset}"
    options = {"by": by} if by else {}
    case("GridSample", [x, points], attributes, opset=opset, name=name, tolerance=(1e-4, 1e-5), **options)


corners = grid(2, 4, 3, 2)
corners[0, 0] = [[-1, 1], [1, -1], [0, 0]]
for padding in ("zeros", "border", "reflection"):
    for aligned in (0, 1):
        for mode in ("nearest", "linear", "cubic"):
            sampled(real(rng, 2, 3, 5, 4), corners, mode=mode, padding_mode=padding, align_corners=aligned)
        for mode in ("nearest", "linear"):
            volume, points = real(rng, 1, 2, 3, 4, 2), grid(1, 2, 3, 2, 3)
            sampled(volume, points, mode=mode, padding_mode=padding, align_corners=aligned, by=reference)
for mode in ("nearest", "bilinear", "bicubic"):
    sampled(real(rng, 1, 2, 4, 4), grid(1, 3, 3, 2), mode=mode, opset=16)
sampled(real(rng, 1, 2, 3, 3, 3), grid(1, 2, 2, 2, 3), mode="cubic", by=reference)
sampled(real(rng, 2, 2, 7), grid(2, 5, 1), mode="linear", padding_mode="reflection", by=reference)
sampled(real(rng, 1, 2, 4, 4, dtype=np.float64), grid(1, 3, 3, 2, dtype=np.float64), mode="linear")
sampled(real(rng, 1, 2, 1, 1), grid(1, 3, 3, 2), mode="linear", padding_mode="reflection", align_corners=0)
for dtype in (np.uint8, np.int64, bool):
    x = rng.integers(0, 2 if dtype is bool else 100, (1, 2, 4, 4)).astype(dtype)
    sampled(x, grid(1, 3, 3, 2), mode="nearest", padding_mode="border", by=reference, opset=22)
half = real(rng, 1, 2, 4, 4, dtype=np.float16), grid(1, 3, 3, 2, dtype=np.float16)
case("GridSample", half, {"mode": "linear"}, opset=20, by=reference, name="halves", tolerance=(1e-2, 1e-2))
case("GridSample", [real(rng, 0, 2, 4, 4), grid(0, 3, 3, 2)], opset=20, name="no images", expected=[np.zeros((0, 2, 3, 3), np.float32)])
far = np.array([np.nan, np.inf, -np.inf, 1e30, -1e30, 3e9], np.float32).repeat(2).reshape(1, 1, 6, 2)
for mode in ("nearest", "linear", "cubic"):
    case("GridSample", [real(rng, 1, 1, 3, 3), far], {"mode": mode}, opset=20, name=f"far outside, {mode}",
         expected=[np.zeros((1, 1, 1, 6), np.float32)])
refused("GridSample", [real(rng, 1, 1, 3, 3), grid(1, 2, 2, 3)], opset=20, name="three coordinates on two axes")
refused("GridSample", [real(rng, 2, 1, 3, 3), grid(1, 2, 2, 2)], opset=20, name="one grid for two images")

regions = np.array(
    [[0, 0, 6, 8], [1.3, 2.1, 4, 9.5], [-3, -2, 20, 30], [5, 5, 4, 4.5], [2, 2, 2.2, 2.3], [3, 1, 4, 2]], np.float32)
images = np.array([0, 1, 0, 1, 0, 1], np.int64)
for mode in ("avg", "max"):
    for coordinates in ("half_pixel", "output_half_pixel"):
        for samples in (0, 1, 2):
            case("RoiAlign", [real(rng, 2, 3, 9, 7), regions, images],
                 {"mode": mode, "output_height": 3, "output_width": 2, "sampling_ratio": samples, "spatial_scale": 0.6,
                  "coordinate_transformation_mode": coordinates},
                 opset=16, name=f"{mode} {coordinates} {samples}", tolerance=(1e-4, 1e-5))
case("RoiAlign", [real(rng, 2, 3, 9, 7), regions, images], {"output_height": 2, "output_width": 2}, opset=10)
case("RoiAlign", [real(rng, 2, 3, 9, 7, dtype=np.float64), regions.astype(np.float64), images], {"sampling_ratio": 2}, opset=16)
case("RoiAlign", [real(rng, 2, 3, 9, 7, dtype=np.float16), regions.astype(np.float16), images],
     {"sampling_ratio": 2, "output_width": 2}, opset=16, by=reference, tolerance=(2e-2, 2e-2))
case("RoiAlign", [real(rng, 1, 2, 4, 4), np.zeros((0, 4), np.float32), np.zeros(0, np.int64)], opset=16, name="no regions",
     expected=[np.zeros((0, 2, 1, 1), np.float32)])
refused("RoiAlign", [real(rng, 1, 2, 4, 4), regions[:1], np.array([1], np.int64)], opset=16, name="an image that is not there")
refused("RoiAlign", [real(rng, 1, 2, 4, 4), regions[:2], images[:1]], opset=16, name="an image for two regions")

numbered = np.concatenate([images[:, None].astype(np.float32), regions], 1)
numbered = np.concatenate([numbered, np.array([[0, 2.5, 2.5, 2.5, 2.5], [1, 30, 30, 40, 40]], np.float32)])
for scale in (1.0, 0.5):
    case("MaxRoiPool", [real(rng, 2, 3, 9, 7), numbered], {"pooled_shape": [3, 2], "spatial_scale": scale}, opset=16,
         name=f"scale {scale}")
refused("MaxRoiPool", [real(rng, 1, 2, 4, 4), numbered[1:2]], {"pooled_shape": [2, 2]}, opset=16, name="an image that is not there")


def deformed(channels, groups, offset_groups, kernel, bias=True, mask=True, dtype=np.float32, **options):
    attributes = {"kernel_shape": kernel, "group": groups, "offset_group": offset_groups, **options}
    strides, dilations = options.get("strides", [1, 1]), options.get("dilations", [1, 1])
    pads, taps, size = options.get("pads", [0] * 4), int(np.prod(kernel)), (7, 6)
    places = [
        (size[axis] + pads[axis] + pads[axis + 2] - dilations[axis] * (kernel[axis] - 1) - 1) // strides[axis] + 1
        for axis in range(2)
    ]
    inputs = [
        real(rng, 2, channels, *size), real(rng, 2 * groups, channels // groups, *kernel),
        real(rng, 2, offset_groups * taps * 2, *places, scale=1.5), real(rng, 2 * groups) if bias else None,
        rng.random((2, offset_groups * taps, *places)).astype(np.float32) if mask else None,
    ]
    inputs = [None if array is None else array.astype(dtype) for array in inputs]
    case("DeformConv", inputs, attributes, opset=19, tolerance=(1e-4, 1e-5) if dtype == np.float32 else None, constants=[1],
         name=f"{channels} channels, {groups} groups, {offset_groups} of offsets, {options}")


deformed(1, 1, 1, [2, 2], bias=False, mask=False)
deformed(4, 2, 2, [3, 2], strides=[2, 1], dilations=[1, 2], pads=[1, 0, 2, 1])
deformed(4, 4, 1, [3, 3], pads=[1, 1, 1, 1], mask=False)
deformed(2, 1, 2, [2, 2], bias=False)
deformed(2, 1, 1, [2, 2], dtype=np.float64)


def folded(batch, channels, image, block, dtype=np.float32, *, constants=(1, 2), **options):
    axes = range(len(image))
    pads, strides = options.get("pads", [0] * 2 * len(image)), options.get("strides", [1 for _ in axes])
    dilations = options.get("dilations", [1 for _ in axes])
    places = [
        (image[axis] + pads[axis] + pads[axis + len(image)] - dilations[axis] * (block[axis] - 1) - 1) // strides[axis] + 1
        for axis in axes
    ]
    columns = real(rng, batch, channels * int(np.prod(block)), int(np.prod(places)), scale=9).astype(dtype)
    # onnxruntime computes other sums for dilated blocks of three axes, and has float alone.
    case("Col2Im", [columns, np.array(image, np.int64), np.array(block, np.int64)], options, opset=18, constants=constants,
         by=reference, name=f"{image} {block} {columns.dtype.name} {options}")


folded(2, 3, [5, 6], [2, 3])
folded(1, 2, [5, 6], [2, 3], strides=[2, 1], dilations=[1, 2], pads=[1, 0, 2, 1])
folded(1, 2, [4, 5, 6], [2, 1, 3], strides=[1, 2, 1], dilations=[1, 1, 2], pads=[0, 1, 1, 1, 0, 1])
folded(1, 2, [5, 5], [2, 2], constants=())
for dtype in (np.int8, np.int64, np.float64, np.float16):
    folded(1, 2, [4, 5], [2, 2], dtype)
refused("Col2Im", [real(rng, 1, 5, 4), np.array([3, 3], np.int64), np.array([2, 2], np.int64)], opset=18, constants=[1, 2],
        name="columns that are no whole blocks")

image = real(rng, 2, 3, 7, 6)
for order in (0, 1):
    case("MaxPool", [image], {"kernel_shape": [3, 2], "strides": [2, 1], "pads": [1, 0, 1, 0], "storage_order": order}, opset=12,
         outputs=(True, True), name=f"with indices, order {order}")
    case("MaxPool", [real(rng, 1, 2, 4, 3, 5)], {"kernel_shape": [2, 2, 2], "storage_order": order}, opset=12,
         outputs=(True, True), name=f"three axes with indices, order {order}")
case("MaxPool", [real(rng, 1, 2, 9)], {"kernel_shape": [3], "storage_order": 1}, opset=12, outputs=(True, True),
     name="one axis with indices")
case("MaxPool", [image.astype(np.float16)], {"kernel_shape": [2, 2]}, opset=12, outputs=(True, True),
     name="halves with indices")
case("MaxPool", [rng.integers(-9, 9, (1, 2, 5, 5)).astype(np.int8)], {"kernel_shape": [2, 2]}, opset=12, outputs=(True, True),
     name="int8 with indices")

pooled = real(rng, 1, 2, 2, 3)
places = np.array([5, 2, 9, 14, 16, 23, 24 + 3, 24 + 4, 24 + 8, 24 + 13, 24 + 18, 24 + 22], np.int64).reshape(1, 2, 2, 3)
unpooling = {"kernel_shape": [2, 2], "strides": [2, 2]}
for dtype in (np.float32, np.float64, np.float16, BF16):
    case("MaxUnpool", [pooled.astype(dtype), places], unpooling, opset=22, by=reference, name=f"{np.dtype(dtype).name}")
for constants in ((), (2,)):
    case("MaxUnpool", [pooled, places, np.array([1, 2, 5, 7], np.int64)], unpooling, opset=11, by=reference, constants=constants,
         name=f"of a given size, constants {constants}")
case("MaxUnpool", [real(rng, 1, 1, 3), np.array([[[0, 3, 5]]], np.int64)], {"kernel_shape": [2], "strides": [2]}, opset=11,
     by=reference, name="one axis")
refused("MaxUnpool", [pooled, places + 30], unpooling, opset=11, name="an index beyond the image")
