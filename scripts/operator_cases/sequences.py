"""ReverseSequence, TensorScatter; LpPool, GlobalLpPool, MaxPool with indices; Upsample; forms of SpaceToDepth and ConvTranspose."""

import numpy as np

from .recording import BF16, case, real, refused, reference

rng = np.random.default_rng(4)
for dtype in (np.float32, np.int64, np.uint8, np.bool_, np.float16, np.float64):
    x = rng.integers(0, 2, (4, 3, 2)).astype(dtype)
    case("ReverseSequence", [x, np.array([4, 0, 2])], opset=10, by=reference)
    case("ReverseSequence", [x, np.array([1, 3, 2, 0])], {"batch_axis": 0, "time_axis": 1}, opset=10, by=reference)
case("ReverseSequence", [real(rng, 4, 2), np.array([3, 4])], opset=10)
refused("ReverseSequence", [real(rng, 4, 2), np.array([3, 5])], opset=10)
refused("ReverseSequence", [real(rng, 4, 2), np.array([3, -1])], opset=10)

for dtype in (np.float32, np.float16, np.int8, np.int64, np.bool_):
    cache, update = np.zeros((2, 3, 5, 2), dtype), rng.integers(0, 2, (2, 3, 3, 2)).astype(dtype)
    case("TensorScatter", [cache, update, np.array([1, 2])], opset=24, by=reference)
    case("TensorScatter", [cache, update, np.array([4, 13])], {"mode": "circular"}, opset=24, by=reference)
    case("TensorScatter", [cache, update], opset=24, by=reference)
case("TensorScatter", [real(rng, 2, 4, 3), real(rng, 2, 2, 3), np.array([0, 2])], {"axis": 1}, opset=24, by=reference)
case("TensorScatter", [real(rng, 2, 4), real(rng, 2, 0)], {"axis": 1}, opset=24, by=reference)
refused("TensorScatter", [real(rng, 2, 4, 3), real(rng, 2, 2, 3), np.array([0, 3])], {"axis": 1}, opset=24)
refused("TensorScatter", [real(rng, 2, 4, 3), real(rng, 2, 2, 3), np.array([0, -1])], {"axis": 1}, opset=24)

for p in (1, 2, 3):
    case("LpPool", [real(rng, 1, 2, 9)], {"kernel_shape": [3], "p": p}, opset=18)
    case("LpPool", [real(rng, 1, 2, 7, 8)], {"kernel_shape": [3, 2], "strides": [2, 1], "pads": [1, 0, 1, 1], "p": p}, opset=18)
    case("GlobalLpPool", [real(rng, 2, 3, 4, 5)], {"p": p}, opset=7)
case("LpPool", [real(rng, 1, 2, 7, 8)], {"kernel_shape": [3, 2]}, opset=11)
case("LpPool", [real(rng, 1, 2, 7, 8)], {"kernel_shape": [3, 2], "auto_pad": "SAME_UPPER", "strides": [2, 2]}, opset=11)
case("LpPool", [real(rng, 1, 2, 7, 8)], {"kernel_shape": [3, 2], "auto_pad": "SAME_LOWER"}, opset=11)
case("LpPool", [real(rng, 1, 2, 9, 9)], {"kernel_shape": [3, 2], "dilations": [2, 3]}, opset=18)
case("LpPool", [real(rng, 1, 2, 4, 5, 4)], {"kernel_shape": [2, 2, 2]}, opset=18)
case("LpPool", [real(rng, 1, 1, 40, 40)], {"kernel_shape": [33, 33]}, opset=18, tolerance=(1e-4, 1e-5))

for kernel, extra in (([2, 3], {}), ([3, 3], {"strides": [2, 2], "pads": [1, 1, 1, 1]}), ([2, 2], {"ceil_mode": 1, "strides": [2, 2]})):
    for order in (0, 1):
        attributes = {"kernel_shape": kernel, "storage_order": order, **extra}
        case("MaxPool", [real(rng, 2, 2, 5, 7)], attributes, opset=12, outputs=(True, True))
for order in (0, 1):
    x = real(rng, 1, 1, 3, 3)
    flat = np.array([np.argmax(x[0, 0, a : a + 2, b : b + 2]) for a in (0, 1) for b in (0, 1)])
    row, column = flat // 2 + [0, 0, 1, 1], flat % 2 + [0, 1, 0, 1]
    places = (row * 3 + column if order == 0 else column * 3 + row).reshape(1, 1, 2, 2)
    case("MaxPool", [x], {"kernel_shape": [2, 2], "storage_order": order}, opset=12, outputs=(False, True), expected=[places])
case("MaxPool", [real(rng, 2, 2, 5)], {"kernel_shape": [3]}, opset=12, outputs=(True, True))
case("MaxPool", [real(rng, 1, 2, 4, 3, 5)], {"kernel_shape": [2, 2, 2], "storage_order": 1}, opset=12, outputs=(True, True))
case("MaxPool", [rng.integers(0, 99, (1, 2, 4, 4)).astype(np.uint8)], {"kernel_shape": [2, 2]}, opset=12, outputs=(True, True))

for mode in ("nearest", "linear"):
    case("Upsample", [real(rng, 1, 2, 3, 4)], {"mode": mode, "scales": [1.0, 1.0, 2.0, 3.0]}, opset=7)
    for dtype in (np.float32, np.uint8, np.int32):
        x = rng.integers(0, 99, (1, 2, 3, 4)).astype(dtype)
        if mode == "linear" and dtype == np.int32:
            continue
        case("Upsample", [x, np.array([1, 1, 2, 2], np.float32)], {"mode": mode}, opset=9, constants=[1])
case("Upsample", [real(rng, 1, 2, 4, 3), np.array([1, 1, 2.0, 3.0], np.float32)], opset=9, name="of scales that are an input")

x = rng.integers(0, 9, (1, 2, 4, 6)).astype(np.float32)
case("SpaceToDepth", [x], {"blocksize": 2, "mode": "CRD"}, opset=28, by=reference)
case("SpaceToDepth", [x], {"blocksize": 2}, opset=13)

x, w = real(rng, 1, 1, 3, 3), real(rng, 1, 2, 3, 3)
for shape in ([10, 8], [10, 7], [11, 8], [7, 6], [9, 5]):
    case("ConvTranspose", [x, w], {"strides": [3, 2], "output_shape": shape}, opset=11, name=f"{shape}")
refused("ConvTranspose", [x, w], {"strides": [3, 2], "output_shape": [12, 9]}, opset=11)
case("ConvTranspose", [x, w, real(rng, 2)], {"strides": [3, 2], "output_shape": [11, 8]}, opset=11, name="filled up with the bias")
case("ConvTranspose", [x, w], {"strides": [3, 2], "output_shape": [10, 8], "output_padding": [1, 1]}, opset=11)
