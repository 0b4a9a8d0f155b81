#!/usr/bin/env python3
"""Writes Tests/Fixtures/tensors.json: .npy files as NumPy writes them, and numbers rounded and packed by ml_dtypes.

    pip install numpy ml_dtypes onnx==1.23.0
    python3 scripts/make-tensor-fixtures.py
"""
import base64
import io
import json
import pathlib

import ml_dtypes
import numpy as np
from onnx import TensorProto, helper, numpy_helper

random = np.random.default_rng(3)


def saved(array, version=None):
    file = io.BytesIO()
    np.lib.format.write_array(file, np.asarray(array), version=version)
    return base64.b64encode(file.getvalue()).decode()


def file(name, array, version=None):
    array = np.asarray(array)
    return {
        "name": name,
        "npy": saved(array, version),
        "type": array.dtype.name,
        "dims": list(array.shape),
        # Hexadecimal, so that every bit is compared.
        "bytes": base64.b64encode(np.ascontiguousarray(array).tobytes()).decode(),
    }


types = [np.float32, np.float64, np.float16, np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64, np.bool_]
files = [file(np.dtype(t).name, (random.random((2, 3)) * 100).astype(t)) for t in types]
files += [file("scalar", np.float32(2.5)), file("list", np.arange(5)), file("empty", np.zeros((0, 4), np.float32)),
          file("five axes", np.arange(24, dtype=np.int16).reshape(1, 2, 3, 2, 2)),
          file("version 2", np.arange(3), (2, 0)), file("version 3", np.arange(3), (3, 0))]
refused = [
    {"name": "Fortran order", "npy": saved(np.asfortranarray(np.arange(6.0).reshape(2, 3))), "reason": "Fortran order"},
    {"name": "big-endian", "npy": saved(np.arange(3, dtype=">f4")), "reason": ">f4"},
    {"name": "complex", "npy": saved(np.arange(3, dtype=np.complex64)), "reason": "<c8"},
    {"name": "raw bytes", "npy": saved(np.zeros(3, "V2")), "reason": "|V2"},
]

floats = np.concatenate([
    random.standard_normal(100).astype(np.float32),
    np.array([0, -0.0, 1, np.inf, -np.inf, 3.4e38, 1e-45, 1.1754944e-38, 65504, 1 + 2**-8, 1 + 3 * 2**-8, 1 + 2**-8 + 2**-20], np.float32),
])
bits = floats.view(np.uint32).tolist()
rounded = floats.astype(ml_dtypes.bfloat16)
half = floats.astype(np.float16)
nibbles = {}
for name, dtype, values in [("int4", TensorProto.INT4, [-8, 7, -1, 0, 3]), ("uint4", TensorProto.UINT4, [15, 0, 8, 7, 1]),
                            ("int2", TensorProto.INT2, [-2, 1, -1, 0, 1]), ("uint2", TensorProto.UINT2, [3, 0, 2, 1, 3])]:
    tensor = helper.make_tensor("t", dtype, [5], values)
    assert numpy_helper.to_array(tensor).astype(int).tolist() == values
    packed = numpy_helper.from_array(numpy_helper.to_array(tensor)).raw_data
    nibbles[name] = {"values": values, "bytes": list(packed)}

path = pathlib.Path(__file__).resolve().parent.parent / "Tests/Fixtures/tensors.json"
path.parent.mkdir(parents=True, exist_ok=True)
path.write_text(json.dumps({
    "files": files,
    "refused": refused,
    "floats": bits,
    "bfloat16": rounded.view(np.uint16).tolist(),
    "widened": rounded.astype(np.float32).view(np.uint32).tolist(),
    "float16": half.view(np.uint16).tolist(),
    "nibbles": nibbles,
}, indent=1) + "\n")
print(path)
