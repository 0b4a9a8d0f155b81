"""AffineGrid, windows for signals, EyeLike, CenterCropPad, Det, com.microsoft.Inverse."""

import numpy as np

from .recording import case, real, refused, reference

rng = np.random.default_rng(2)
for align in (0, 1):
    case("AffineGrid", [real(rng, 2, 2, 3), np.array([2, 1, 4, 5])], {"align_corners": align}, opset=20)
    case("AffineGrid", [real(rng, 2, 3, 4), np.array([2, 1, 3, 4, 5])], {"align_corners": align}, opset=20)
    case(
        "AffineGrid", [real(rng, 1, 2, 3), np.array([1, 1, 4, 6])], {"align_corners": align}, opset=20, constants=[1],
        name=f"of known size {align}",
    )
    case("AffineGrid", [real(rng, 1, 2, 3, dtype=np.float64), np.array([1, 1, 2, 3])], {"align_corners": align}, opset=20)

for window in ("BlackmanWindow", "HammingWindow", "HannWindow"):
    for periodic in (0, 1):
        for size in (np.int32(10), np.int64(7)):
            case(window, [size], {"periodic": periodic}, opset=17, tolerance=(1e-5, 1e-6))
        case(window, [np.int64(9)], {"periodic": periodic, "output_datatype": 11}, opset=17, tolerance=(1e-5, 1e-6), by=reference)
    case(window, [np.int64(8)], {"output_datatype": 10}, opset=17, tolerance=(2e-3, 2e-3), by=reference)
    case(window, [np.int64(8)], {}, opset=17, constants=[0], name="of known size")

for shape in ((3, 3), (2, 5), (5, 2)):
    for k in (0, 1, -1, 4, -9):
        case("EyeLike", [real(rng, *shape)], {"k": k}, opset=9, by=reference, name=f"{shape} {k}")
for dtype in (1, 6, 7, 9, 10, 11, 2):
    case("EyeLike", [rng.integers(0, 9, (3, 4)).astype(np.int32)], {"dtype": dtype}, opset=22, by=reference, name=f"dtype {dtype}")
case("EyeLike", [rng.integers(0, 9, (3, 4)).astype(np.int64)], {"k": 1}, opset=22)
refused("EyeLike", [real(rng, 2, 3, 4)], opset=22)

for dtype in (np.float32, np.int64, np.uint8, np.bool_, np.float16, np.float64):
    x = rng.integers(0, 2, (4, 5, 3)).astype(dtype)
    case("CenterCropPad", [x, np.array([2, 8, 3])], {}, opset=18, by=reference)
    case("CenterCropPad", [x, np.array([7, 2])], {"axes": [-1, 1]}, opset=18, by=reference)
for wanted in (1, 2, 3, 4, 5, 6):
    case("CenterCropPad", [real(rng, 4, 3), np.array([wanted, 4])], {}, opset=18, by=reference, constants=[1], name=f"{wanted}")
case("CenterCropPad", [real(rng, 4, 3), np.array([6], np.int32)], {"axes": [0]}, opset=18, by=reference)

for shape in ((1, 1), (2, 2), (3, 3), (2, 4, 4), (2, 3, 5, 5)):
    case("Det", [real(rng, *shape)], opset=11)
    wide = real(rng, *shape, dtype=np.float64)
    case("Det", [wide], opset=22, expected=[np.asarray(np.linalg.det(wide))])
case("Det", [np.array([[1, 2], [2, 4]], np.float32)], opset=22, name="singular")
case("Det", [np.array([[0, 1], [1, 0]], np.float32)], opset=22, name="with a zero pivot")
half = real(rng, 2, 3, 3, dtype=np.float16)
case("Det", [half], opset=22, expected=[np.linalg.det(half.astype(np.float64)).astype(np.float16)])
refused("Det", [real(rng, 2, 3)], opset=11)

for shape in ((1, 1), (2, 2), (3, 3), (2, 4, 4), (2, 3, 5, 5), (0, 2, 2), (17, 17)):
    for dtype in (np.float32, np.float64):
        case("Inverse", [real(rng, *shape, dtype=dtype)], domain="com.microsoft", opset=1, tolerance=(1e-3, 1e-4))
case("Inverse", [np.array([[0, 1], [1, 0]], np.float32)], domain="com.microsoft", opset=1, name="with a zero pivot")
case("Inverse", [np.eye(3, dtype=np.float16) * np.float16(4)], domain="com.microsoft", opset=1, name="of halves")
refused("Inverse", [real(rng, 2, 3)], domain="com.microsoft", opset=1)
refused("Inverse", [real(rng, 3)], domain="com.microsoft", opset=1)
