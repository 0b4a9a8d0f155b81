"""Cast, CastLike and BitCast between all element types."""

import ml_dtypes
import numpy as np
from onnx import helper, numpy_helper

from .recording import BF16, case, refused

FLOAT8 = [ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e4m3fnuz, ml_dtypes.float8_e5m2, ml_dtypes.float8_e5m2fnuz]
E8M0, FLOAT4 = ml_dtypes.float8_e8m0fnu, ml_dtypes.float4_e2m1fn
PACKED = [ml_dtypes.int4, ml_dtypes.uint4, ml_dtypes.int2, ml_dtypes.uint2]
REALS = [np.float32, np.float64, np.float16, BF16]
INTEGERS = [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64]


def number(dtype):
    return helper.np_dtype_to_tensor_dtype(np.dtype(dtype))


def cast(x, dtype, expected, opset=25, **attributes):
    x = np.asarray(x)
    name = f"{x.dtype.name} to {np.dtype(dtype).name} {attributes or ''}".strip()
    case("Cast", [x], {"to": number(dtype), **attributes}, opset=opset, name=name, expected=[np.asarray(expected)])


def edges(dtype):
    """Every code of a type of eight bits, the middles between neighbours, what lies beside them, and what has no code."""
    codes = np.arange(256, dtype=np.uint8).view(dtype).astype(np.float64)
    finite = np.unique(codes[np.isfinite(codes)])
    middles = (finite[1:] + finite[:-1]) / 2
    largest = finite[-1]
    special = [0.0, -0.0, np.nan, np.inf, -np.inf, 1e-30, -1e-30, 1e30, -1e30, largest * 1.0624, largest * 1.0626, -largest * 1.124]
    exact = np.concatenate([finite, middles, special]).astype(np.float32)
    return np.concatenate([exact, np.nextafter(exact, np.float32(np.inf)), np.nextafter(exact, np.float32(-np.inf))])


with np.errstate(all="ignore"):
    for dtype in FLOAT8:
        x = edges(dtype)
        cast(x, dtype, numpy_helper.saturate_cast(x, dtype))
        cast(x, dtype, x.astype(dtype), saturate=0, opset=19)
        for real in (np.float16, BF16):
            y = x[::3].astype(real)
            cast(y, dtype, numpy_helper.saturate_cast(y, dtype))
        # The nearest of a double, where rounding to a float first would give the middle.
        y = np.array([17.0000000001, 17.0, 16.9999999999, -19.0000000001, 1e300, -1e300, np.nan])
        nearest = [18, 16, 16, -20] if ml_dtypes.finfo(dtype).nmant == 3 else [16, 16, 16, -20]
        cast(y, dtype, numpy_helper.saturate_cast(np.array([*nearest, 1e300, -1e300, np.nan]), dtype))
        codes = np.arange(256, dtype=np.uint8).view(dtype)
        for real in REALS:
            cast(codes, real, codes.astype(real))
        small = codes[np.abs(codes.astype(np.float32)) < 100]
        cast(small, np.int8, np.trunc(small.astype(np.float32)).astype(np.int8))
        cast(codes, bool, codes.astype(np.float32) != 0)
        for kind in (np.int8, np.uint8, np.int64):
            y = np.array([0, 1, 7, 17, 19, 100], kind)
            cast(y, dtype, y.astype(np.float32).astype(dtype))
        if dtype is not ml_dtypes.float8_e5m2:
            cast(codes, ml_dtypes.float8_e5m2, numpy_helper.saturate_cast(codes.astype(np.float32), ml_dtypes.float8_e5m2))

    # Powers of two: the ONNX specification where its reference differs (infinities, and numbers below 2**-127).
    powers = np.exp2(np.arange(-127, 128.0)).astype(np.float32)
    x = np.concatenate([powers[:-1], powers[:-1] * 1.5, np.nextafter(powers[:-1] * np.float32(1.5), np.float32(0)), powers[-1:]])
    exponent, fraction = np.floor(np.log2(x.astype(np.float64))), x.astype(np.float64)
    fraction = fraction / np.exp2(exponent)
    outside = np.array([0, 2.0**-128, np.inf, 1.5 * 2.0**127, np.nan], np.float32)
    for mode, up in (("up", fraction > 1), ("down", fraction > 9), ("nearest", fraction >= 1.5)):
        inside = (exponent + up + 127).astype(np.uint8)
        for saturate, beyond in ((1, [0, 0, 254, 254, 255]), (0, [255] * 5)):
            expected = np.concatenate([inside, np.array(beyond, np.uint8)]).view(E8M0)
            cast(np.concatenate([x, outside]), E8M0, expected, saturate=saturate, round_mode=mode)
    cast(np.array([1 + 2.0**-50, 3, 2.0**-127, 2.0**-126 * (1 + 2.0**-52)]), E8M0, np.array([128, 129, 0, 2], np.uint8).view(E8M0))
    cast(np.array([1, 2, 3, 2**40 + 1, 2**62 + 1]), E8M0, np.array([127, 128, 129, 168, 190], np.uint8).view(E8M0))
    cast(np.array([1, 0.3, 5], np.float16), E8M0, np.array([127, 126, 130], np.uint8).view(E8M0))
    codes = np.arange(256, dtype=np.uint8).view(E8M0)
    for real in REALS:
        cast(codes, real, codes.astype(np.float32).astype(real))

    x = np.array([0, -0.0, 0.2, 0.25, 0.26, 0.75, -0.76, 1.25, 1.75, 2.5, -2.6, 3.5, 5, 5.1, -5, 7, -1e9, np.inf, -np.inf], np.float32)
    for real in REALS:
        cast(x.astype(real), FLOAT4, x.astype(real).astype(FLOAT4))
        codes = np.arange(15, dtype=np.uint8).view(FLOAT4)
        cast(codes, real, codes.astype(real))
    cast(codes, np.int32, codes.astype(np.float32).astype(np.int32))
    cast(codes, ml_dtypes.int4, codes.astype(np.float32).astype(np.int8).astype(ml_dtypes.int4))

    # Integers wrap; reals are cut off.
    for dtype in PACKED:
        values = np.arange(-20, 21)
        for integer in INTEGERS:
            cast(values.astype(integer), dtype, values.astype(np.int8).astype(dtype))
            y = np.arange(-2, 3).astype(np.int8).astype(dtype)
            cast(y, integer, y.astype(np.int8).astype(integer))
        limits = ml_dtypes.iinfo(dtype)
        y = np.arange(int(limits.min), int(limits.max) + 1)
        for real in REALS:
            cast((y + np.sign(y) * 0.75).astype(real), dtype, y.astype(np.int8).astype(dtype))
            cast(y.astype(np.int8).astype(dtype), real, y.astype(real))
        cast(y.astype(np.int8).astype(dtype), bool, y != 0)
        cast(np.array([True, False, True]), dtype, np.array([1, 0, 1], np.int8).astype(dtype))
        cast(np.zeros((0, 3), np.float32), dtype, np.zeros((0, 3), dtype))
    wide = np.arange(3001).astype(np.int32)
    cast(wide, ml_dtypes.uint4, (wide & 15).astype(ml_dtypes.uint4))
    cast((wide & 7).astype(np.int8).astype(ml_dtypes.int4), np.float32, (wide & 7).astype(np.float32))

    # The type of an input without elements.
    for dtype in (ml_dtypes.float8_e4m3fn, FLOAT4, ml_dtypes.int2, np.float16):
        x = np.array([0.3, 1.2, -0.8], np.float32)
        case("CastLike", [x, np.zeros(0, dtype)], opset=25, expected=[x.astype(dtype)])
    x = np.array([1e9, -1e9, 3], np.float32)
    case("CastLike", [x, np.zeros(0, FLOAT8[0])], {"saturate": 0}, opset=25, expected=[x.astype(FLOAT8[0])])

bits = np.array([[0x3F800000, -0x80000000, 0x7FC00001], [1, -1, 0x42280000]], np.int32)
for x, dtype in [
    (bits, np.float32), (bits.view(np.float32), np.uint32), (bits.reshape(-1).view(np.int64), np.float64),
    (bits.view(np.int16).copy(), BF16), (bits.view(np.float16), np.uint16), (bits.view(np.int8), FLOAT8[0]),
    (bits.view(FLOAT8[3]), np.uint8), (np.array([True, False]), np.int8), (np.array(1.5, np.float32), np.int32),
    (np.zeros((0, 2), np.float64), np.int64),
]:
    case("BitCast", [x], {"to": number(dtype)}, opset=26, expected=[x.view(dtype)])
case("BitCast", [np.array([-8, 7, 3], ml_dtypes.int4)], {"to": number(ml_dtypes.uint4)}, opset=26,
     expected=[np.array([8, 7, 3], ml_dtypes.uint4)])
refused("BitCast", [np.zeros(2, np.float32)], {"to": number(np.int64)}, opset=26)
refused("BitCast", [np.zeros(2, np.float32)], {"to": number(np.int8)}, opset=26)
refused("Cast", [np.zeros(2, np.float32)], {"to": number(E8M0), "round_mode": "sideways"}, opset=25)

# Numbers between the halves that are subnormal, where a double's rounding decides.
small = np.concatenate([np.arange(-40, 40), [2.5, 3.5, 1023, 1024, 0.5, 0.5000000001, 2.4999999999]]) * 2.0**-24
for real in (np.float32, np.float64):
    cast(small.astype(real), np.float16, small.astype(real).astype(np.float16))
cast(small, BF16, small.astype(BF16))
