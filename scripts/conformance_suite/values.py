"""Values of inputs and outputs, as the driver and the runners exchange them.

A value is an object of JSON with a `kind`:
    tensor    elementType, shape, file: the dense little-endian elements; elements of 4 bits share a byte
    strings   shape, elements
    sequence  elements, which are values
    absent    an optional value that is not there
"""

import math

import numpy as np
from onnx import TensorProto, helper, numpy_helper

NAMES = {TensorProto.FLOAT: "float32", TensorProto.DOUBLE: "float64"}


def name_of(number):
    """The name of an element type: as in ONNX with a small first word, `float8E4M3FN`."""
    name = TensorProto.DataType.Name(number)
    small = name.startswith(("FLOAT8", "FLOAT4"))
    return NAMES.get(number, name[:5].lower() + name[5:] if small else name.lower())


TYPES = {name_of(number): number for number in TensorProto.DataType.values()}


def element_type(array):
    return name_of(helper.np_dtype_to_tensor_dtype(array.dtype))


def write(value, folder, name):
    """Writes a value of numpy or ONNX into `folder`, and returns its object. File names begin with `name`."""
    if value is None:
        return {"kind": "absent"}
    if isinstance(value, list):
        return {"kind": "sequence", "elements": [
            write(each, folder, f"{name}_{index}") for index, each in enumerate(value)]}
    array = numpy_helper.to_array(value) if isinstance(value, TensorProto) else np.asarray(value)
    if array.dtype.kind in "OUST":
        texts = [text.decode() if isinstance(text, bytes) else str(text) for text in array.ravel()]
        return {"kind": "strings", "shape": list(array.shape), "elements": texts}
    (folder / f"{name}.bin").write_bytes(numpy_helper.from_array(array).raw_data)
    return {"kind": "tensor", "elementType": element_type(array), "shape": list(array.shape), "file": f"{name}.bin"}


def read(value, folder):
    """Returns the value of an object whose files lie in `folder`."""
    kind = value["kind"]
    if kind == "absent":
        return None
    if kind == "sequence":
        return [read(each, folder) for each in value["elements"]]
    if kind == "strings":
        return np.array(value["elements"], dtype=object).reshape(value["shape"])
    raw = (folder / value["file"]).read_bytes()
    if math.prod(value["shape"]) == 0:
        return np.zeros(value["shape"], helper.tensor_dtype_to_np_dtype(TYPES[value["elementType"]]))
    tensor = TensorProto(data_type=TYPES[value["elementType"]], dims=value["shape"], raw_data=raw)
    return numpy_helper.to_array(tensor)
