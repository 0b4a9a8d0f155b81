"""Records cases: a model of one operator, its inputs, and the outputs that another runtime computes.

    case("GridSample", [x, grid], {"mode": "bilinear"}, opset=22)
    case("Compress", [x, kept], {"axis": 1}, constants=[1], by=reference)
    refused("Squeeze", [x, axes])
"""

import json
import struct

import ml_dtypes
import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper

onnxruntime.set_default_logger_severity(4)
cases, blob = [], bytearray()

# Elements of the types that NumPy lacks are stored as ml_dtypes packs them: one element a byte.
NAMES = {
    "bool": "bool", "float8_e4m3fn": "float8E4M3FN", "float8_e4m3fnuz": "float8E4M3FNUZ", "float8_e5m2": "float8E5M2",
    "float8_e5m2fnuz": "float8E5M2FNUZ", "float8_e8m0fnu": "float8E8M0", "float4_e2m1fn": "float4E2M1",
}


def type_name(dtype):
    name = np.dtype(dtype).name
    return "string" if np.dtype(dtype).kind in "OUS" else NAMES.get(name, name)


def place(data):
    while len(blob) % 64:
        blob.append(0)
    blob.extend(data)
    return {"offset": len(blob) - len(data), "count": len(data)}


def packed(array):
    """The elements as a tensor holds them: strings one behind the other, each after its length; small types two or four a byte."""
    if array.dtype.kind in "OUS":
        texts = [text if isinstance(text, bytes) else str(text).encode() for text in array.reshape(-1)]
        return b"".join(struct.pack("<I", len(text)) + text for text in texts)
    name = array.dtype.name
    if name in ("int4", "uint4", "int2", "uint2", "float4_e2m1fn"):
        return numpy_helper.from_array(array.reshape(-1)).raw_data
    return np.ascontiguousarray(array).tobytes()


def stored(name, array):
    array = np.asarray(array)
    return {"name": name, "type": type_name(array.dtype), "shape": list(array.shape), **place(packed(array))}


def by_onnxruntime(model, feeds, threads=1):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return session.run(None, feeds)


def by_reference(model, feeds):
    from onnx.reference import ReferenceEvaluator

    return ReferenceEvaluator(model).run(None, feeds)


def model_of(node, inputs, attributes, opset, domain, outputs, constants):
    names = ["" if array is None else f"i{index}" for index, array in enumerate(inputs)]
    results = [f"o{index}" if wanted else "" for index, wanted in enumerate(outputs)]
    made = helper.make_node(node, names, results, name="node", domain=domain, **attributes)
    fed = [(index, name) for index, name in enumerate(names) if name and index not in constants]
    graph = helper.make_graph(
        [made],
        "case",
        [
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(inputs[index].dtype), inputs[index].shape)
            for index, name in fed
        ],
        [helper.make_empty_tensor_value_info(name) for name in results if name],
        [numpy_helper.from_array(inputs[index], names[index]) for index in constants],
    )
    opsets = [helper.make_opsetid("", opset if not domain else 21)]
    if domain:
        opsets.append(helper.make_opsetid(domain, opset))
    return helper.make_model(graph, opset_imports=opsets, ir_version=10), {name: inputs[index] for index, name in fed}


def case(
    node, inputs, attributes=None, *, opset=21, domain="", outputs=(True,), constants=(), name="", by=by_onnxruntime,
    expected=None, tolerance=None, model=None,
):
    """Adds a case.

    outputs: for each result, whether it is asked for. constants: the inputs that are initializers of the model.
    by: the runtime that computes the results. expected: results computed by NumPy, where no runtime has the operator.
    tolerance: relative and absolute, where the default (1e-5, 1e-6; three digits for halves) does not suit.
    model: a whole model in place of one operator; inputs are then a dictionary by name.
    """
    if model is None:
        inputs = [None if array is None else np.asarray(array) for array in inputs]
        model, feeds = model_of(node, inputs, attributes or {}, opset, domain, outputs, constants)
    else:
        feeds = {key: np.asarray(value) for key, value in inputs.items()}
    results = [np.asarray(array) for array in (expected or by(model, feeds))]
    shapes = ",".join(f"{type_name(array.dtype)}{list(array.shape)}" for array in feeds.values())
    cases.append({
        "name": f"{node} {name or shapes}",
        "model": place(model.SerializeToString()),
        "inputs": [stored(key, array) for key, array in feeds.items()],
        "outputs": [stored(f"output {index}", array) for index, array in enumerate(results)],
        **({"tolerance": list(tolerance)} if tolerance else {}),
    })


def refused(node, inputs, attributes=None, *, opset=21, domain="", outputs=(True,), constants=(), name=""):
    """Adds a case that must end in an error: when the model is added, or when it runs."""
    inputs = [None if array is None else np.asarray(array) for array in inputs]
    model, feeds = model_of(node, inputs, attributes or {}, opset, domain, outputs, constants)
    cases.append({
        "name": f"{node} {name} is refused", "model": place(model.SerializeToString()),
        "inputs": [stored(key, array) for key, array in feeds.items()], "outputs": [],
    })


def written(path):
    header = json.dumps(cases, separators=(",", ":")).encode()
    header += b" " * (-(8 + len(header)) % 64)
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(blob))


def real(rng, *shape, dtype=np.float32, scale=1.0):
    return (rng.standard_normal(shape) * scale).astype(dtype)


BF16 = ml_dtypes.bfloat16
reference = by_reference
