"""Cases of random operators whose results are certain: distributions of one number, and dropout that drops nothing."""

import ml_dtypes
import numpy as np
from onnx import TensorProto, helper

from .recording import BF16, case, real, refused

rng = np.random.default_rng(33)
REALS = {TensorProto.FLOAT: np.float32, TensorProto.DOUBLE: np.float64, TensorProto.FLOAT16: np.float16,
         TensorProto.BFLOAT16: ml_dtypes.bfloat16}
x = real(rng, 3, 4)

# A distribution of one number: a deviation of 0.
for number, dtype in REALS.items():
    opset = 22 if number == TensorProto.BFLOAT16 else 21
    certain = [np.full((2, 3), 1.5, dtype)]
    case("RandomNormal", [], {"shape": [2, 3], "mean": 1.5, "scale": 0.0, "dtype": number}, opset=opset, expected=certain,
         name=f"{np.dtype(dtype).name}")
    case("RandomUniform", [], {"shape": [2, 3], "low": 1.5, "high": 1.5, "dtype": number}, opset=opset, expected=certain,
         name=f"{np.dtype(dtype).name}")
    case("RandomNormalLike", [certain[0]], {"mean": 1.5, "scale": 0.0, "seed": 3.0}, opset=opset, expected=certain)
    case("RandomUniformLike", [certain[0]], {"low": 1.5, "high": 1.5}, opset=opset, expected=certain)
    case("RandomNormalLike", [np.zeros((2, 3), np.int8)], {"mean": 1.5, "scale": 0.0, "dtype": number}, opset=opset,
         expected=certain, name=f"integers to {np.dtype(dtype).name}")
case("RandomUniform", [], {"shape": [0, 3]}, expected=[np.zeros((0, 3), np.float32)], name="no elements")
case("RandomUniform", [], {"shape": [4], "low": 1.0, "high": 1.0}, opset=7, expected=[np.ones(4, np.float32)], name="opset 7")
refused("RandomUniform", [], {"shape": [-1]}, name="a negative size")
refused("RandomUniform", [], {"shape": [2], "dtype": TensorProto.INT32}, name="integers")
refused("RandomUniformLike", [np.zeros(3, np.int32)], name="integers without a type")

certain = np.array([[0, 1, 1], [1, 0, 0]], np.float32)
for dtype in (np.float32, np.float64, np.float16, BF16):
    case("Bernoulli", [certain.astype(dtype)], opset=22, expected=[certain.astype(dtype)])
for dtype in (np.float64, np.float16, np.int8, np.int32, np.int64, np.uint8, np.uint64, np.bool_):
    case("Bernoulli", [certain], {"dtype": helper.np_dtype_to_tensor_dtype(np.dtype(dtype))}, opset=15,
         expected=[certain.astype(dtype)], name=f"to {np.dtype(dtype).name}")
case("Bernoulli", [np.array([np.nan, 2, -1], np.float32)], opset=15, expected=[np.array([0, 1, 0], np.float32)],
     name="no probabilities")

INF = np.inf
certain = np.array([[-INF, 3, -INF, -INF], [-1e30, -INF, 7, -5000], [-INF, -INF, np.nan, -1e5]])
for dtype in (np.float32, np.float64, np.float16):
    for number, wide in ((TensorProto.INT32, np.int32), (TensorProto.INT64, np.int64)):
        rows = certain[:2] if dtype == np.float16 else certain
        with np.errstate(over="ignore"):
            case("Multinomial", [rows.astype(dtype)], {"sample_size": 5, "dtype": number}, opset=21,
                 expected=[np.repeat(np.array([[1], [2], [3]], wide)[: len(rows)], 5, 1)],
                 name=f"{np.dtype(dtype).name} to {np.dtype(wide).name}")
case("Multinomial", [np.zeros((3, 1), np.float32)], opset=7, expected=[np.zeros((3, 1), np.int32)], name="one class")
case("Multinomial", [np.zeros((0, 4), np.float32)], expected=[np.zeros((0, 1), np.int32)], name="no rows")
refused("Multinomial", [np.zeros((2, 0), np.float32)], name="no classes")
refused("Multinomial", [np.full((2, 3), -INF, np.float32)], name="no probability")
refused("Multinomial", [np.zeros(3, np.float32)], name="one axis")

# Dropout in training mode that drops nothing; training mode as an operand that says no.
for dtype in (np.float32, np.float64, np.float16, BF16):
    for opset in (12, 13, 22):
        if dtype == BF16 and opset < 22:
            continue
        for constants in ([], [1, 2]):
            case("Dropout", [x.astype(dtype), np.array(0, dtype), np.array(True)], {"seed": 5}, opset=opset,
                 outputs=(True, True), constants=constants, expected=[x.astype(dtype), np.ones((3, 4), bool)],
                 name=f"ratio 0 {np.dtype(dtype).name} opset {opset} constants {constants}")
case("Dropout", [x, np.float32(0.5), np.array(False)], outputs=(True, True), expected=[x, np.ones((3, 4), bool)],
     name="an operand that says no training")
case("Dropout", [np.zeros((3, 4), np.float32), None, np.array(True)], expected=[np.zeros((3, 4), np.float32)],
     name="zeros stay zeros")
for ratio in (-0.1, 1.0, np.nan):
    refused("Dropout", [x, np.float32(ratio), np.array(True)], constants=[1, 2], name=f"a ratio of {ratio}")
