"""How cases are recorded, and short names for what they are made of."""

import ml_dtypes
import numpy as np
import onnxruntime
from onnx import helper

F32, F64, F16, BF16 = np.float32, np.float64, np.float16, ml_dtypes.bfloat16
I64, I32 = np.int64, np.int32
rng = np.random.default_rng(20240611)
cases, blob = [], bytearray()
onnxruntime.set_default_logger_severity(4)


def type_name(dtype):
    return "bool" if dtype == np.bool_ else np.dtype(dtype).name


def store(array):
    array = np.ascontiguousarray(array).reshape(np.shape(array))
    while len(blob) % 8:
        blob.append(0)
    entry = {"type": type_name(array.dtype), "shape": list(array.shape), "offset": len(blob)}
    blob.extend(array.tobytes())
    return entry


def onnxruntime_results(node, inputs, attributes, outputs, opset):
    names = ["" if array is None else f"i{index}" for index, array in enumerate(inputs)]
    fed = {name: array for name, array in zip(names, inputs) if array is not None}
    graph = helper.make_graph(
        [helper.make_node(node, names, [f"o{index}" for index in range(outputs)], **attributes)],
        "case",
        [
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
            for name, array in fed.items()
        ],
        [helper.make_empty_tensor_value_info(f"o{index}") for index in range(outputs)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return session.run(None, fed)


def case(
    op,
    node,
    inputs,
    attributes=None,
    outputs=1,
    parameters=(),
    opset=21,
    name="",
    operands=None,
    after=None,
    post=(),
    used=None,
    compute=None,
    kind=None,
):
    """Adds a case.

    parameters: operands that may be immediates. operands: ours where they are not the ONNX node's inputs.
    compute: the type that onnxruntime computes in when it lacks the operands'.
    kind: a NumPy function that makes the results where onnxruntime cannot.
    after: post-processes the first result, as `post` does. used: indices of the results that are asked for.
    """
    inputs = [None if array is None else np.asarray(array) for array in inputs]
    fed, kept = inputs, {array.dtype for array in inputs if array is not None}
    halves = [dtype for dtype in (np.dtype(F16), np.dtype(BF16)) if dtype in kept]
    target = halves[0] if halves and compute is None else None
    if halves or compute is not None:
        wide = compute or F32
        narrow = {np.dtype(F16), np.dtype(BF16)} if compute is None else kept - {np.dtype(np.bool_)}
        fed = [
            array.astype(wide) if array is not None and array.dtype in narrow else array for array in inputs
        ]
        target = target or next(array.dtype for array in inputs if array is not None)
    results = kind(*inputs) if kind else onnxruntime_results(node, fed, attributes or {}, outputs, opset)
    if target is not None and not kind:
        wide = np.dtype(compute or F32)
        results = [result.astype(target) if result.dtype == wide else result for result in results]
    if after:
        results[0] = after(results[0]).astype(results[0].dtype)
    mine = inputs if operands is None else [None if a is None else np.asarray(a) for a in operands]
    label = name or ",".join("-" if a is None else f"{type_name(a.dtype)}{list(a.shape)}" for a in inputs)
    cases.append(
        {
            "name": f"{node} {label}",
            "op": {op: {}} if isinstance(op, str) else op,
            "postOps": list(post),
            "operands": [None if array is None else store(array) for array in mine],
            "results": [
                store(result) if used is None or index in used else None
                for index, result in enumerate(results)
            ],
            "parameters": list(parameters),
        }
    )


def refused(op, node, operands, results, name):
    """Adds a case that the kernel must refuse when it runs. results: (type, shape) pairs."""
    cases.append(
        {
            "name": f"{node} {name}",
            "op": {op: {}} if isinstance(op, str) else op,
            "postOps": [],
            "operands": [None if array is None else store(np.asarray(array)) for array in operands],
            "results": [{"type": type_name(np.dtype(t)), "shape": list(s), "offset": 0} for t, s in results],
            "parameters": [],
            "refused": True,
        }
    )


def real(*shape, dtype=F32, scale=1.0):
    return (rng.standard_normal(shape) * scale).astype(dtype)


def positive(*shape, dtype=F32):
    return rng.uniform(0.2, 3, shape).astype(dtype)


def integer(*shape, dtype=I64, low=-9, high=10):
    if np.dtype(dtype).kind == "u":
        low = max(low, 0)
    return rng.integers(low, high, shape).astype(dtype)


def boolean(*shape):
    return rng.integers(0, 2, shape).astype(np.bool_)


def any_type(dtype, *shape):
    dtype = np.dtype(dtype)
    if dtype == np.bool_:
        return boolean(*shape)
    return integer(*shape, dtype=dtype) if dtype.kind in "iu" else real(*shape, dtype=dtype, scale=3)


def ints(*values):
    return np.array(values, I64)


def op(name, **fields):
    return {name: fields}


def unary(name, **fields):
    return op("unary", function={name: fields})
