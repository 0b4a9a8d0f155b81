"""Functions of one element: area functions, Shrink, IsInf of one sign; those whose precision is hard to keep; CumProd."""

import numpy as np

from .recording import BF16, case, real, reference

rng = np.random.default_rng(3)
special = [np.inf, -np.inf, np.nan, 0.0, -0.0, 1e-30, -1e-30]
for node, values in (("Asinh", special + [-3e38, 3e38]), ("Acosh", [1, 1.5, 20, np.inf, np.nan, 0.5, 3e38]),
                     ("Atanh", [0.5, -0.5, 1, -1, 2, 1e-30, np.nan])):
    low, high = {"Asinh": (-9, 9), "Acosh": (1, 9), "Atanh": (-0.99, 0.99)}[node]
    x = np.concatenate([rng.uniform(low, high, 40), values]).astype(np.float32)
    for opset in (9, 22):
        case(node, [x], opset=opset)
    case(node, [x.astype(np.float64)], opset=22, by=reference)
    case(node, [x.astype(np.float16)], opset=22, by=reference)
    case(node, [x.astype(BF16)], opset=22, expected=[{"Asinh": np.arcsinh, "Acosh": np.arccosh, "Atanh": np.arctanh}[node](
        x.astype(BF16).astype(np.float32)).astype(BF16)])

for dtype in (np.float32, np.float64, np.float16, np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint32, np.uint64):
    x = rng.integers(0 if np.dtype(dtype).kind == "u" else -5, 6, 20).astype(dtype)
    for attributes in ({}, {"lambd": 2.5, "bias": 1.0}, {"lambd": 1.0}):
        case("Shrink", [x], attributes, opset=9)

infinite = np.array([1, np.inf, -np.inf, np.nan, 0], np.float32)
for negative in (0, 1):
    for positive in (0, 1):
        for opset in (10, 20):
            case("IsInf", [infinite], {"detect_negative": negative, "detect_positive": positive}, opset=opset)
        case("IsInf", [infinite.astype(np.float64)], {"detect_negative": negative, "detect_positive": positive}, opset=10)
        case("IsInf", [infinite.astype(np.float16)], {"detect_negative": negative, "detect_positive": positive}, opset=20)

# To a millionth of the value itself, however small that is.
x = np.concatenate([np.arange(-86, 100, 0.37), [-1e-6, 0, 1e-6, 1e38, np.inf]]).astype(np.float32)
wide = x.astype(np.float64)
softplus = np.logaddexp(wide, 0)
case("Softplus", [x], expected=[softplus.astype(np.float32)], tolerance=(1e-6, 0))
u = np.exp(np.minimum(wide, 50))
case("Mish", [x], opset=18, expected=[np.where(wide > 40, wide, wide * (u * (u + 2) / (u * (u + 2) + 2))).astype(np.float32)],
     tolerance=(1e-6, 0))
near = np.concatenate([1 + np.arange(-300, 300) * 1e-5, 2.0 ** np.arange(-125, 127, 7.3)]).astype(np.float32)
case("Log", [near], expected=[np.log(near.astype(np.float64)).astype(np.float32)], tolerance=(1e-6, 0))
case("Log", [np.array([0, -0.0, -1, np.inf, np.nan], np.float32)], name="of special values")

for dtype in (np.float32, np.float64, np.int32, np.int64, np.uint32, np.uint64, np.float16, BF16):
    x = rng.integers(1, 4, (2, 3, 4)).astype(dtype)
    if dtype is BF16:
        case("CumProd", [x, np.int64(1)], opset=26, expected=[np.cumprod(x.astype(np.float32), 1).astype(BF16)])
        continue
    case("CumProd", [x, np.int64(1)], opset=26, by=reference)
for exclusive in (0, 1):
    for reverse in (0, 1):
        for axis in (0, -1, 1):
            case("CumProd", [real(rng, 3, 2, 4), np.int32(axis)], {"exclusive": exclusive, "reverse": reverse}, opset=26, by=reference)
