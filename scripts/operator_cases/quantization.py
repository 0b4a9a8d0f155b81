"""QuantizeLinear and DequantizeLinear in every type and granularity."""

import ml_dtypes
import numpy as np
from onnx import helper, numpy_helper

from .recording import BF16, case, real, reference, refused

FLOAT8 = [ml_dtypes.float8_e4m3fn, ml_dtypes.float8_e4m3fnuz, ml_dtypes.float8_e5m2, ml_dtypes.float8_e5m2fnuz]
FLOAT4 = ml_dtypes.float4_e2m1fn
INTEGERS = [np.int8, np.uint8, np.int16, np.uint16, ml_dtypes.int4, ml_dtypes.uint4, ml_dtypes.int2, ml_dtypes.uint2]
rng = np.random.default_rng(20)


def number(dtype):
    return helper.np_dtype_to_tensor_dtype(np.dtype(dtype))


def quantize(*inputs, opset=25, **more):
    attributes = {key: more.pop(key) for key in list(more) if key in ("axis", "block_size", "output_dtype", "saturate", "precision")}
    case("QuantizeLinear", list(inputs), attributes, opset=opset, **{"by": reference, **more})


def dequantize(*inputs, opset=25, **more):
    attributes = {key: more.pop(key) for key in list(more) if key in ("axis", "block_size", "output_dtype")}
    case("DequantizeLinear", list(inputs), attributes, opset=opset, **{"by": reference, **more})


def limits(dtype):
    info = ml_dtypes.iinfo(dtype)
    return int(info.min), int(info.max)


x = real(rng, 2, 4, 6, scale=3)
for dtype in INTEGERS:
    low, high = limits(dtype)
    step = np.float32(16 / (high - low))
    zero = np.array(min(high, 1), np.int8).astype(dtype)
    zeros = np.arange(4).clip(low, high).astype(np.int8).astype(dtype)
    scales = (step * np.array([1, 0.5, 2, 4])).astype(np.float32)
    blocks = (step * rng.uniform(0.5, 2, (2, 2, 6))).astype(np.float32)
    uneven = (step * rng.uniform(0.5, 2, (2, 4, 2))).astype(np.float32)
    quantize(x, step, zero)
    quantize(x, scales, zeros, axis=1)
    quantize(x, scales, zeros, axis=-2, constants=[1, 2])
    quantize(x, step, output_dtype=number(dtype))
    quantize(x, blocks, np.ones(blocks.shape, np.int8).astype(dtype), axis=1, block_size=2)
    quantize(x, uneven, axis=2, block_size=4, output_dtype=number(dtype))
    q = rng.integers(low, high + 1, (2, 4, 6)).astype(np.int32).astype(dtype)
    dequantize(q, step, zero)
    dequantize(q, step)
    dequantize(q, scales, zeros, axis=1, constants=[0])
    dequantize(q, blocks, np.ones(blocks.shape, np.int8).astype(dtype), axis=1, block_size=2)
    dequantize(q, uneven, axis=-1, block_size=4, constants=[0, 1])
    for half in (np.float16, BF16):
        dequantize(q, step.astype(half), zero)
        dequantize(q, step, zero, output_dtype=number(half))
        dequantize(q, step.astype(half), zero, output_dtype=number(np.float32))

# Halves: divided as such, and rounded to a level after that.
for half in (np.float16, BF16):
    y = x.astype(half)
    scale = np.asarray(0.03, half)
    ratio = np.rint((y.astype(np.float32) / scale.astype(np.float32)).astype(half).astype(np.float32))
    quantize(y, scale, np.array(7, np.uint8), expected=[np.clip(ratio + 7, 0, 255).astype(np.uint8)])
    quantize(y, scale, np.array(40000, np.uint16), expected=[(ratio + 40000).astype(np.uint16)])
    wide = np.rint((y.astype(np.float32) / scale.astype(np.float32)))
    quantize(y, scale, np.array(7, np.uint8), precision=1, expected=[np.clip(wide + 7, 0, 255).astype(np.uint8)])
quantize(np.array([0, 3, -3, 7, 8, 1000000], np.int32), np.float32(2), np.array(3, np.int8))
quantize(np.array([0, 3, -3, 7, 8, 1000000], np.int32), np.array(2, np.int32), np.array(3, np.int8))
quantize(np.array([0.5, 1.5, 2.5, -0.5, 1e9, -1e9, np.inf, -np.inf], np.float32), np.float32(1), np.array(0, np.uint8),
         expected=[np.array([0, 2, 2, 0, 255, 0, 255, 0], np.uint8)])
quantize(x, np.float32(0.1), opset=10)
quantize(x, np.array([0.1], np.float32), np.array([3], np.uint8), opset=13)
quantize(x[0, 0], np.array([0.1], np.float32), np.array([3], np.uint8), opset=19)
quantize(np.float32(3), np.array([0.1], np.float32), np.array([3], np.uint8), expected=[np.array(33, np.uint8)])
quantize(x, np.array(4, np.float32).astype(ml_dtypes.float8_e8m0fnu), np.array(3, np.int8),
         expected=[np.rint(x / 4 + 0).astype(np.int8) + np.int8(3)])

for dtype in FLOAT8 + [FLOAT4]:
    y = np.concatenate([x.reshape(-1), np.array([1e6, -1e6, 0, 300, -300], np.float32)])
    quantize(y, np.float32(0.5), np.zeros((), dtype), axis=0)
    quantize(y, np.float32(0.5), output_dtype=number(dtype), constants=[1])
    quantize(x, np.array([0.1, 0.2, 1, 2], np.float32), np.zeros(4, dtype))
    if dtype is not FLOAT4:
        quantize(y, np.float32(0.5), np.zeros(1, dtype), saturate=0, opset=19)
    codes = np.arange(0, 256 if dtype is not FLOAT4 else 16, dtype=np.uint8).view(dtype)
    codes = codes[np.isfinite(codes.astype(np.float32))]
    dequantize(codes, np.float32(2))
    dequantize(codes, np.float16(0.5), np.zeros(1, dtype), axis=0)
    dequantize(codes[:12].reshape(3, 4), np.array([[1, 2], [3, 4], [5, 6]], np.float32), axis=1, block_size=2)
quantize(x, np.float32(0.5), np.array(1, FLOAT4))

q = np.array([0, 1, -5, 2**24 + 1, -(2**30)], np.int32)
dequantize(q, np.float32(0.25))
dequantize(q, np.float32(0.25), np.array(2**24, np.int32), expected=[(q - 2**24).astype(np.float32) * np.float32(0.25)])
refused("QuantizeLinear", [x, np.float32(1), np.array(0, np.int8)], {"output_dtype": number(np.uint8)})
refused("QuantizeLinear", [x, np.ones((2, 3, 6), np.float32)], {"axis": 1, "block_size": 2})
refused("DequantizeLinear", [np.zeros((2, 3), np.int8), np.ones((2, 3), np.float32)])
