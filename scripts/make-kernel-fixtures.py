#!/usr/bin/env python3
"""Writes Tests/KernelsTests/Fixtures/kernel-cases.bin: kernels' operands and what onnxruntime makes of them.

Each case is one op as `ModelGraph.Op` encodes it, its operands, and the results that onnxruntime computed for the ONNX
node of the same meaning. Half-precision cases are computed in float32 and rounded, since onnxruntime's CPU provider
lacks most of them. The file is the length of a JSON header (8 bytes, little endian), the header, then all elements.

    .venv/bin/python scripts/make-kernel-fixtures.py
"""

import base64
import json
import pathlib
import sys

import ml_dtypes
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

F32, F64, F16, BF16 = np.float32, np.float64, np.float16, ml_dtypes.bfloat16
I64, I32 = np.int64, np.int32
FLOATS = [F32, F64, F16, BF16]
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
    op, node, inputs, attributes=None, outputs=1, parameters=(), opset=21, name="", operands=None, after=None,
    post=(), used=None, compute=None, kind=None,
):
    """Adds a case.

    parameters: operands that may be immediates. operands: ours where they are not the ONNX node's inputs.
    compute: the type that onnxruntime computes in when it lacks the operands'. kind: makes results of an own function.
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


def op0(name, value, **fields):
    return {name: {"_0": value, **fields}}


def unary(name, **fields):
    return op0("unary", {name: fields})


def element_wise():
    plain = {
        "absolute": "Abs", "negate": "Neg", "exponential": "Exp", "floor": "Floor", "ceiling": "Ceil",
        "round": "Round", "sign": "Sign", "errorFunction": "Erf", "sine": "Sin", "cosine": "Cos",
        "tangent": "Tan", "arcTangent": "Atan", "hyperbolicSine": "Sinh", "hyperbolicCosine": "Cosh",
        "tanh": "Tanh", "sigmoid": "Sigmoid", "relu": "Relu", "softplus": "Softplus", "softsign": "Softsign",
        "mish": "Mish", "hardSwish": "HardSwish", "reciprocal": "Reciprocal",
    }
    x = np.concatenate([real(20, scale=3), np.array([0.5, 1.5, -0.5, -2.5, 0], F32)]).reshape(5, 5)
    for ours, theirs in plain.items():
        values = np.where(x == 0, F32(1), x) if theirs == "Reciprocal" else x
        case(unary(ours), theirs, [values])
    for ours, theirs in {"logarithm": "Log", "squareRoot": "Sqrt"}.items():
        case(unary(ours), theirs, [positive(3, 4)])
        case(unary(ours), theirs, [positive(3, 4, dtype=F64)])
    for ours, theirs in {"arcSine": "Asin", "arcCosine": "Acos"}.items():
        case(unary(ours), theirs, [rng.uniform(-1, 1, (7,)).astype(F32)])
    large = np.array([-200, -90, -30, 30, 90, 200], F32)
    for ours in ["sigmoid", "tanh", "softplus", "exponential", "mish", "hardSwish"]:
        case(unary(ours), plain[ours], [np.minimum(large, 80) if ours == "exponential" else large], name="large")
    for dtype in [F64, F16, BF16]:
        for ours in ["exponential", "tanh", "sigmoid", "relu", "absolute", "round", "errorFunction"]:
            case(unary(ours), plain[ours], [real(3, 3, dtype=dtype)], compute=F32 if dtype == F64 else None)
    for dtype in [np.int8, np.int32, np.int64]:
        for ours in ["absolute", "negate", "sign"]:
            case(unary(ours), plain[ours], [integer(9, dtype=dtype)])
    case(unary("relu"), "Relu", [integer(9, dtype=I32)])
    case(unary("absolute"), "Abs", [integer(9, dtype=np.uint8)])
    attributed = [
        (unary("leakyRelu", slope=0.2), "LeakyRelu", {"alpha": 0.2}),
        (unary("elu", alpha=1.5), "Elu", {"alpha": 1.5}),
        (unary("celu", alpha=1.5), "Celu", {"alpha": 1.5}),
        (unary("selu", alpha=1.6, gamma=1.1), "Selu", {"alpha": 1.6, "gamma": 1.1}),
        (unary("thresholdedRelu", alpha=0.7), "ThresholdedRelu", {"alpha": 0.7}),
        (unary("hardSigmoid", alpha=0.3, beta=0.4), "HardSigmoid", {"alpha": 0.3, "beta": 0.4}),
        (unary("gelu", approximate=False), "Gelu", {}),
        (unary("gelu", approximate=True), "Gelu", {"approximate": "tanh"}),
    ]
    for ours, theirs, attributes in attributed:
        case(ours, theirs, [real(4, 5, scale=2)], attributes)
    case(unary("silu"), "Sigmoid", [x], kind=lambda v: [v / (1 + np.exp(-v.astype(F64))).astype(F32)], name="silu")
    case(unary("clip", minimum=-1, maximum=1.5), "Clip", [x, F32(-1), F32(1.5)], operands=[x])
    case(unary("clip", minimum=-1, maximum="inf"), "Clip", [x, F32(-1)], operands=[x], name="one bound")
    whole = integer(9, dtype=I64)
    case(unary("clip", minimum=-3, maximum=4), "Clip", [whole, I64(-3), I64(4)], operands=[whole])
    case(unary("logicalNot"), "Not", [boolean(7)])
    case(unary("bitwiseNot"), "BitwiseNot", [integer(7, dtype=I32)])
    case(unary("bitwiseNot"), "BitwiseNot", [integer(7, dtype=np.uint8, high=255)])
    odd = np.array([1, np.nan, np.inf, -np.inf, 0], F32)
    for dtype in [F32, F64]:
        case(unary("isNaN"), "IsNaN", [odd.astype(dtype)])
        case(unary("isInfinite"), "IsInf", [odd.astype(dtype)])
    case(unary("relu"), "Relu", [real(0, 3)], name="nothing")
    case(unary("relu"), "Relu", [F32(-2)], name="scalar")


def binary():
    def b(name):
        return op0("binary", name)

    shapes = [
        ((2, 3, 4), (2, 3, 4)), ((2, 3, 4), (4,)), ((3, 1), (1, 5)), ((2, 3, 4), ()), ((), (2, 3)),
        ((1, 3, 1, 1), (2, 3, 4, 5)), ((2, 3, 4, 5), (3, 1, 1)), ((1,), (1, 1, 1)), ((0, 3), (1, 3)), ((), ()),
        ((2, 1, 4, 1), (3, 1, 5)),
    ]
    for x, y in shapes:
        case(b("add"), "Add", [real(*x), real(*y)])
        case(b("subtract"), "Sub", [integer(*x), integer(*y)])
    arithmetic = {"add": "Add", "subtract": "Sub", "multiply": "Mul", "divide": "Div", "maximum": "Max", "minimum": "Min"}
    for ours, theirs in arithmetic.items():
        for dtype in [F32, F64, I32, I64]:
            divisor = any_type(dtype, 3, 1)
            divisor = np.where(divisor == 0, np.array(3, dtype), divisor)
            case(b(ours), theirs, [any_type(dtype, 2, 3, 4), divisor])
        for dtype in [F16, BF16]:
            case(b(ours), theirs, [real(3, 4, dtype=dtype), positive(4, dtype=dtype)])
    for dtype in [np.int8, np.uint8, np.int16, np.uint16, np.uint32, np.uint64]:
        x, y = integer(9, dtype=dtype, high=100), integer(9, dtype=dtype, low=1, high=100)
        case(b("add"), "Add", [x, y], kind=lambda x, y: [x + y])
        case(b("multiply"), "Mul", [x, y], kind=lambda x, y: [x * y])
        case(b("maximum"), "Max", [x, y], kind=lambda x, y: [np.maximum(x, y)])
    case(b("divide"), "Div", [ints(-7, 7, -8, 9), ints(2, -2, 3, 4)])
    for dtype in [I32, I64, np.int8, np.uint8]:
        x, y = integer(12, dtype=dtype, low=-20, high=20), integer(12, dtype=dtype, low=1, high=7)
        case(b("modulo"), "Mod", [x, y])
        if np.dtype(dtype).kind == "i":
            case(b("modulo"), "Mod", [x, -y])
        case(b("remainder"), "Mod", [x, y], {"fmod": 1})
    case(b("remainder"), "Mod", [real(9, scale=4), positive(9)], {"fmod": 1})
    case(b("power"), "Pow", [positive(3, 4), real(4)])
    for exponent in [2, 3, 0.5, -1]:
        case(b("power"), "Pow", [positive(3, 4), F32(exponent)], name=f"to {exponent}")
    case(b("power"), "Pow", [positive(3, 4), integer(4)])
    case(b("power"), "Pow", [positive(3, 4, dtype=F64), real(4)])
    case(b("power"), "Pow", [integer(8, dtype=I32), integer(8, low=0, high=5, dtype=I32)])
    case(b("power"), "Pow", [integer(8, dtype=I64), integer(8, low=0, high=5, dtype=I32)])
    case(b("power"), "Pow", [integer(8, low=0), positive(8)])
    x = positive(4, dtype=F16)
    case(b("power"), "Pow", [x, F16(2)])
    case(b("parametricRelu"), "PRelu", [real(2, 3, 4), real(3, 1)])
    tests = {"equal": "Equal", "less": "Less", "lessOrEqual": "LessOrEqual", "greater": "Greater", "greaterOrEqual": "GreaterOrEqual"}
    for ours, theirs in tests.items():
        for dtype in [F32, F64, I32, I64]:
            case(b(ours), theirs, [integer(4, 5, low=0, high=3).astype(dtype), integer(5, low=0, high=3).astype(dtype)])
    for dtype in [np.int8, np.uint8, F16, BF16]:
        case(b("equal"), "Equal", [integer(9, low=0, high=3).astype(dtype), integer(9, low=0, high=3).astype(dtype)],
             kind=lambda x, y: [x == y])
    case(b("equal"), "Equal", [boolean(3, 4), boolean(4)])
    for ours, theirs in {"and": "And", "or": "Or", "exclusiveOr": "Xor"}.items():
        case(b(ours), theirs, [boolean(3, 4), boolean(3, 1)])
    for ours, theirs in {"bitwiseAnd": "BitwiseAnd", "bitwiseOr": "BitwiseOr", "bitwiseXor": "BitwiseXor"}.items():
        case(b(ours), theirs, [integer(9, dtype=I32), integer(9, dtype=I32)])
        case(b(ours), theirs, [integer(9, dtype=np.uint8, high=255), integer(9, dtype=np.uint8, high=255)])
    for dtype in [np.uint8, np.uint32, np.uint64]:
        x, y = integer(9, dtype=dtype, high=200), integer(9, dtype=dtype, high=7)
        case(b("shiftLeft"), "BitShift", [x, y], {"direction": "LEFT"}, kind=lambda x, y: [x << y])
        case(b("shiftRight"), "BitShift", [x, y], {"direction": "RIGHT"}, kind=lambda x, y: [x >> y])
    for dtype in [F32, I64, np.uint8, F16, np.bool_]:
        x, y = any_type(dtype, 2, 3), any_type(dtype, 3)
        if dtype in (F16, np.bool_):
            case("select", "Where", [boolean(2, 1), x, y], kind=lambda c, x, y: [np.where(c, x, y)])
        else:
            case("select", "Where", [boolean(2, 1), x, y])
    case("select", "Where", [boolean(3, 4), F32(1), real(4)])


def casts():
    kinds = [F32, F64, F16, BF16, np.int8, np.int16, I32, I64, np.uint8, np.uint16, np.uint32, np.uint64, np.bool_]
    names = {F32: "FLOAT", F64: "DOUBLE", F16: "FLOAT16", BF16: "BFLOAT16", np.bool_: "BOOL"}
    for source in kinds:
        x = any_type(source, 3, 3)
        for target in kinds:
            if source == target:
                continue
            to = getattr(TensorProto, names.get(target, np.dtype(target).name.upper()))
            values = x
            if np.dtype(source).kind not in "iub" and np.dtype(target).kind == "u":
                values = np.abs(x.astype(F32)).astype(source)
            kind = None
            if np.dtype(BF16) in (np.dtype(source), np.dtype(target)):
                kind = lambda v, t=target: [v.astype(F32).astype(t)]
            case(op0("cast", type_name(np.dtype(target))), "Cast", [values], {"to": to}, kind=kind,
                 operands=[values], name=f"{type_name(np.dtype(source))} {type_name(np.dtype(target))}",
                 compute=np.dtype(source) if source == F16 else None)
    wild = np.array([300.7, -300.7, np.nan, np.inf, -1.5, 1e10], F32)
    for target in ["int8", "uint8", "int16", "int32", "int64"]:
        case(op0("cast", target), "Cast", [wild], {"to": getattr(TensorProto, target.upper())}, name=f"wild {target}")
    case(op0("cast", "uint8"), "Cast", [ints(-1, 300, 2**40 + 5)], {"to": TensorProto.UINT8}, name="wrapping")


def movement():
    for dtype in [F32, I64, np.uint8, F16]:
        x = any_type(dtype, 2, 3, 4)
        kind = (lambda x: [x.transpose(2, 0, 1)]) if dtype == F16 else None
        case(op("transpose", permutation=[2, 0, 1]), "Transpose", [x], {"perm": [2, 0, 1]}, kind=kind)
    for shape, perm in [((2, 19, 17, 3), (0, 3, 1, 2)), ((2, 3, 19, 17), (0, 2, 3, 1)), ((5, 6), (1, 0)), ((4, 5, 6, 2), (0, 2, 1, 3)),
                        ((3, 4, 5), (2, 1, 0)), ((1, 4, 1, 5), (3, 0, 2, 1)), ((0, 3), (1, 0)), ((2, 3, 4, 5, 2), (4, 2, 0, 3, 1))]:
        case(op("transpose", permutation=list(perm)), "Transpose", [real(*shape)], {"perm": perm})
    for axis, shapes in [(0, [(2, 3), (1, 3)]), (1, [(2, 3), (2, 1), (2, 4)]), (-1, [(2, 2, 3), (2, 2, 2)]), (1, [(2, 0, 3), (2, 2, 3)])]:
        case(op("concat", axis=axis), "Concat", [real(*s) for s in shapes], {"axis": axis})
    case(op("concat", axis=0), "Concat", [integer(2), integer(3)], {"axis": 0})
    case(op("split", axis=1), "Split", [real(2, 6), ints(1, 2, 3)], {"axis": 1}, outputs=3, parameters=[1])
    case(op("split", axis=1), "Split", [real(2, 6), ints(1, 2, 3)], {"axis": 1}, outputs=3, parameters=[1], used=[0, 2], name="two of three")
    case(op("split", axis=-1), "Split", [real(2, 7)], {"axis": -1, "num_outputs": 3}, outputs=3)
    case(op("split", axis=0), "Split", [integer(4, 2), ints(0, 4)], {"axis": 0}, outputs=2, parameters=[1])
    big = 2**63 - 1
    slices = [
        ((5, 6), [1], [4], [0], [1]), ((5, 6), [1, -4], [4, -1], None, None), ((5, 6), [-1], [-big], [1], [-2]), ((5, 6), [0], [big], [1], [2]),
        ((5, 6), [10], [20], [0], [1]), ((3, 4, 5), [3], [0], [-1], [-1]), ((4,), [-100], [100], [0], [3]), ((2, 3), [2], [1], [1], [1]),
        ((4, 3), [-1], [-big - 1], [0], [-big]), ((2, 3, 4, 4), [1, 0], [4, 4], [2, 3], [2, 2]),
    ]
    for shape, starts, ends, axes, steps in slices:
        inputs = [real(*shape), ints(*starts), ints(*ends)]
        inputs += [None if axes is None else ints(*axes), None if steps is None else ints(*steps)]
        while inputs[-1] is None:
            inputs.pop()
        case("slice", "Slice", inputs, parameters=range(1, len(inputs)), name=f"{shape}{starts}{ends}{axes}{steps}")
    case("slice", "Slice", [integer(7), np.array([1], I32), np.array([5], I32)], parameters=[1, 2])
    case("slice", "Slice", [any_type(np.uint8, 7), ints(5), ints(1), ints(0), ints(-1)], parameters=[1, 2, 3, 4])
    for axis, shape, indices in [(0, (5, 3), ints(0, -1, 2)), (1, (2, 4, 3), np.array([[0, 3], [-2, 1]], I32)), (-1, (2, 4), I64(2)), (0, (4,), ints())]:
        case(op("gather", axis=axis), "Gather", [real(*shape), indices], {"axis": axis}, parameters=[1])
    case(op("gather", axis=0), "Gather", [integer(4), I64(-1)], {"axis": 0}, parameters=[0, 1])
    case(op("gather", axis=0), "Gather", [boolean(4), ints(1, 1)], {"axis": 0})
    case(op("gatherElements", axis=1), "GatherElements", [real(3, 4), integer(3, 2, low=-4, high=4)], {"axis": 1})
    case(op("gatherElements", axis=0), "GatherElements", [real(3, 4), integer(2, 3, low=-3, high=3)], {"axis": 0})
    case(op("gatherND", batchDimensions=0), "GatherND", [real(2, 3, 4), np.array([[0, 1], [-1, 2]], I64)])
    case(op("gatherND", batchDimensions=0), "GatherND", [real(2, 3), np.array([[[0, 1]], [[1, -1]]], I64)])
    case(op("gatherND", batchDimensions=1), "GatherND", [real(2, 3, 4), np.array([[1], [2]], I64)], {"batch_dims": 1})
    for reduction, theirs in [("replace", "none"), ("add", "add"), ("multiply", "mul"), ("maximum", "max"), ("minimum", "min")]:
        indices = np.array([[0], [2]], I64) if reduction == "replace" else np.array([[0], [2], [0]], I64)
        case(op0("scatterND", reduction), "ScatterND", [real(4, 3), indices, real(len(indices), 3)], {"reduction": theirs}, name=theirs)
        spots = np.array([[0, 2, 1], [3, -1, 0]], I64)
        case(op("scatterElements", axis=1, _1=reduction), "ScatterElements",
             [real(2, 4), spots, real(2, 3)] if reduction == "replace" else [real(2, 4), np.zeros((2, 3), I64), real(2, 3)],
             {"axis": 1, "reduction": theirs}, name=theirs)
    case(op0("scatterND", "add"), "ScatterND", [integer(2, 3), np.array([[1, 2]], I64), ints(7)], {"reduction": "add"})
    case(op0("scatterND", "replace"), "ScatterND", [integer(4, dtype=np.uint8), np.array([[1], [-1]], I64), np.array([7, 8], np.uint8)])
    x = real(2, 3, 4)
    case(op("reshape", allowZero=False), "Reshape", [x, ints(0, -1)], parameters=[1])
    case(op("flatten", axis=2), "Flatten", [x], {"axis": 2})
    case("squeeze", "Squeeze", [real(1, 3, 1), ints(0)], parameters=[1])
    case("unsqueeze", "Unsqueeze", [real(3), ints(0, -1)], parameters=[1])
    case("identity", "Identity", [x])
    for shape, target in [((3, 1), (2, 3, 4)), ((1,), (3,)), ((), (2, 2)), ((2, 3), (2, 3)), ((3, 1), (1,)), ((1, 3), (0, 3)), ((2, 1, 3), (2, 4, 3))]:
        case("expand", "Expand", [real(*shape), ints(*target)], parameters=[1], name=f"{shape}{target}")
    case("expand", "Expand", [boolean(1, 3), ints(2, 3)], parameters=[1])
    for shape, repeats in [((2, 3), (2, 2)), ((3,), (4,)), ((2, 1, 3), (1, 3, 2)), ((2, 3), (0, 1))]:
        case("tile", "Tile", [real(*shape), ints(*repeats)], parameters=[1], name=f"{shape}{repeats}")
    case("tile", "Tile", [integer(2, 2, dtype=np.uint8), ints(1, 2)], parameters=[1])
    for mode in ["constant", "reflect", "edge", "wrap"]:
        case(op0("pad", mode), "Pad", [real(3, 4), ints(1, 2, 1, 1)], {"mode": mode}, parameters=[1], name=mode)
        case(op0("pad", mode), "Pad", [real(2, 3, 4), ints(0, 0, 2, 0, 0, 1)], {"mode": mode}, parameters=[1], name=f"{mode} last")
    case(op0("pad", "constant"), "Pad", [real(4, 5), ints(-1, 2, 1, -2), F32(1.5)], parameters=[1, 2], name="negative")
    case(op0("pad", "edge"), "Pad", [real(4, 5), ints(-1, 2, 1, -2)], {"mode": "edge"}, parameters=[1], name="negative edge")
    case(op0("pad", "constant"), "Pad", [real(4, 5), ints(1, 2), F32(-1), ints(-1)], parameters=[1, 2, 3], name="axes")
    case(op0("pad", "constant"), "Pad", [integer(4), ints(1, 2), I64(7)], parameters=[1, 2])
    case(op0("pad", "constant"), "Pad", [boolean(3), ints(1, 0), np.bool_(True)], parameters=[1, 2])
    for mode in ["DCR", "CRD"]:
        case(op("depthToSpace", blockSize=2, columnRowDepth=mode == "CRD"), "DepthToSpace", [real(2, 12, 2, 3)], {"blocksize": 2, "mode": mode}, name=mode)
    case(op("spaceToDepth", blockSize=2), "SpaceToDepth", [real(2, 3, 4, 6)], {"blocksize": 2})
    for upper in [True, False]:
        for k in [None, 0, 1, -1, 5, -5, 2**62]:
            inputs = [real(2, 3, 4)] + ([] if k is None else [I64(k)])
            if k == 2**62:
                case(op("triangular", upper=upper), "Trilu", inputs, kind=lambda x, k: [x * 0 if upper else x], parameters=[1], name="far")
            else:
                case(op("triangular", upper=upper), "Trilu", inputs, {"upper": int(upper)}, parameters=range(1, len(inputs)), name=f"{upper} {k}")
    for axis in [-1, 0, 1]:
        case(op("oneHot", axis=axis), "OneHot", [ints(0, 2, -1, 5), I64(3), np.array([0, 1], F32)], {"axis": axis}, parameters=[1, 2])
    case(op("oneHot", axis=-1), "OneHot", [integer(2, 2, low=0, high=3), ints(3), ints(-1, 4)], parameters=[1, 2])
    case(op("shape", start=0), "Shape", [real(2, 3, 4)])
    case(op("shape", start=1, end=-1), "Shape", [real(2, 3, 4)], {"start": 1, "end": -1})
    case("size", "Size", [real(2, 3, 4)])
    value = {"type": "float32", "shape": [1], "bytes": base64.b64encode(F32(2.5).tobytes()).decode()}
    case(op("constantOfShape", value=value), "ConstantOfShape", [ints(2, 3)], {"value": helper.make_tensor("v", 1, [1], [2.5])}, parameters=[0])
    value = {"type": "int64", "shape": [1], "bytes": base64.b64encode(I64(0).tobytes()).decode()}
    case(op("constantOfShape", value=value), "ConstantOfShape", [ints(4)], {"value": helper.make_tensor("v", 7, [1], [0])}, parameters=[0])
    for values in [(I64(2), I64(11), I64(3)), (F32(0.5), F32(2.1), F32(0.25)), (I64(5), I64(-3), I64(-2)), (I32(0), I32(4), I32(1)), (I64(3), I64(1), I64(1))]:
        case("range", "Range", list(values), parameters=[0, 1, 2], name=f"{values}")
    case("nonZero", "NonZero", [integer(3, 4, low=-1, high=2)])
    case("nonZero", "NonZero", [np.array([0, -0.0, 2, np.nan], F32)])
    case("nonZero", "NonZero", [boolean(2, 2, 3)])
    case("nonZero", "NonZero", [np.zeros((2, 3), I32)])


def reductions():
    names = {
        "sum": "ReduceSum", "mean": "ReduceMean", "maximum": "ReduceMax", "minimum": "ReduceMin", "product": "ReduceProd",
        "sumOfSquares": "ReduceSumSquare", "l1": "ReduceL1", "l2": "ReduceL2", "logSum": "ReduceLogSum", "logSumExp": "ReduceLogSumExp",
    }

    def reduce(name, keep=True, noop=False):
        return op0("reduce", name, keepDimensions=keep, noopWithEmptyAxes=noop)

    for ours, theirs in names.items():
        x = positive(2, 3, 4, 5)
        for axes in [(1,), (-1,), (0, 2), (2, 3), (1, 3), (0, 1, 2, 3)]:
            keep = len(axes) != 2
            case(reduce(ours, keep), theirs, [x, ints(*axes)], {"keepdims": int(keep)}, parameters=[1], name=f"{axes}")
        case(reduce(ours, False), theirs, [positive(3, 4)], {"keepdims": 0}, name="all")
        case(reduce(ours, True, True), theirs, [positive(3, 4), ints()], {"noop_with_empty_axes": 1}, parameters=[1], name="none")
        case(reduce(ours), theirs, [positive(3, 4, dtype=F64), ints(1)], parameters=[1])
        case(reduce(ours), theirs, [positive(3, 4, dtype=F16), ints(1)], parameters=[1])
    for ours in ["sum", "mean", "maximum", "minimum", "product", "sumOfSquares", "l1"]:
        for dtype in [I32, I64]:
            if (ours, dtype) in [("l1", I64), ("mean", I64)]:
                continue
            case(reduce(ours), names[ours], [integer(3, 4, dtype=dtype, low=1), ints(0)], parameters=[1])
    for dtype in [np.int8, np.uint8]:
        case(reduce("maximum"), "ReduceMax", [integer(3, 4, dtype=dtype), ints(1)], parameters=[1])
        case(reduce("minimum"), "ReduceMin", [integer(3, 4, dtype=dtype), ints(1)], parameters=[1])
    case(reduce("maximum"), "ReduceMax", [boolean(3, 4), ints(1)], parameters=[1])
    case(reduce("sum"), "ReduceSum", [real(0, 3), ints(0)], parameters=[1], name="nothing")
    case(reduce("sum"), "ReduceSum", [real(70, 40), ints(0)], parameters=[1])
    case(reduce("logSumExp"), "ReduceLogSumExp", [np.array([[1000, 1001], [-1000, -1001]], F32), ints(1)], parameters=[1], name="large")
    for extremum, theirs in [("maximum", "ArgMax"), ("minimum", "ArgMin")]:
        for axis, keep, last in [(0, True, False), (1, False, False), (-1, True, True)]:
            x = integer(3, 4, 5, low=0, high=4).astype(F32)
            case(op0("argumentOf", extremum, axis=axis, keepDimensions=keep, selectLastIndex=last), theirs, [x],
                 {"axis": axis, "keepdims": int(keep), "select_last_index": int(last)}, name=f"{axis} {last}")
    fields = dict(axis=0, keepDimensions=False, selectLastIndex=False)
    for dtype in [F64, I32, np.uint8, F16]:
        case(op0("argumentOf", "maximum", **fields), "ArgMax", [any_type(dtype, 6, 2)], {"axis": 0, "keepdims": 0})
    for largest in [True, False]:
        for axis, k in [(-1, 2), (0, 3), (1, 1), (1, 4), (1, 0)]:
            case(op("topK", axis=axis, largest=largest, sorted=True), "TopK", [real(3, 4), ints(k)], {"axis": axis, "largest": int(largest)}, 2, [1], name=f"{axis} {k} {largest}")
    case(op("topK", axis=-1, largest=True, sorted=True), "TopK", [integer(2, 30, low=0, high=4), ints(9)], {}, 2, [1], name="ties")
    case(op("topK", axis=-1, largest=False, sorted=True), "TopK", [integer(2, 30, low=0, high=4, dtype=I32), ints(30)], {"largest": 0}, 2, [1], name="ties")
    for exclusive in [False, True]:
        for reverse in [False, True]:
            for axis in [0, -1]:
                case(op("cumulativeSum", exclusive=exclusive, reverse=reverse), "CumSum", [real(3, 4, 2), I64(axis)],
                     {"exclusive": int(exclusive), "reverse": int(reverse)}, parameters=[1], name=f"{exclusive} {reverse} {axis}")
    case(op("cumulativeSum", exclusive=False, reverse=False), "CumSum", [integer(5), np.array(0, I32)], parameters=[1])


def normalisation():
    for axis in [-1, 1, 0]:
        for ours, theirs in [("softmax", "Softmax"), ("logSoftmax", "LogSoftmax")]:
            case(op(ours, axis=axis), theirs, [real(3, 5, 4, scale=3)], {"axis": axis})
    case(op("softmax", axis=-1), "Softmax", [np.array([[1000, 1001, 1002]], F32)], name="large")
    case(op("softmax", axis=1), "Softmax", [real(2, 3, dtype=F64)], {"axis": 1})
    case(op("softmax", axis=1), "Softmax", [real(2, 3, dtype=F16)], {"axis": 1})
    for shape in [(2, 3, 4, 5), (2, 3), (2, 3, 7)]:
        case(op("batchNormalization", epsilon=1e-3), "BatchNormalization", [real(*shape), real(3), real(3), real(3), positive(3)], {"epsilon": 1e-3})
    case(op("batchNormalization", epsilon=1e-3), "BatchNormalization", [v.astype(F64) for v in [real(2, 3, 4), real(3), real(3), real(3), positive(3)]], {"epsilon": 1e-3})
    for axis in [-1, 1, 2]:
        size = (3, 4, 5)[axis:]
        case(op("layerNormalization", axis=axis, epsilon=1e-5), "LayerNormalization", [real(3, 4, 5), real(*size), real(*size)], {"axis": axis})
    case(op("layerNormalization", axis=-1, epsilon=1e-5), "LayerNormalization", [real(3, 5), real(5)], {}, name="no bias")
    case(op("layerNormalization", axis=-1, epsilon=1e-5), "LayerNormalization", [real(3, 5), real(5), real(5)], {}, outputs=3, name="three results")
    case(op("layerNormalization", axis=-1, epsilon=1e-5), "LayerNormalization", [real(3, 5, dtype=F64), real(5, dtype=F64)], {})
    case(op("instanceNormalization", epsilon=1e-5), "InstanceNormalization", [real(2, 3, 4, 5), real(3), real(3)])
    case(op("instanceNormalization", epsilon=1e-5), "InstanceNormalization", [real(2, 3, 9), real(3), real(3)])

    def group_norm(x, scale, bias):
        grouped = x.reshape(x.shape[0], 2, -1).astype(F64)
        y = (grouped - grouped.mean(-1, keepdims=True)) / np.sqrt(grouped.var(-1, keepdims=True) + 1e-5)
        spread = (-1,) + (1,) * (x.ndim - 2)
        return [(y.reshape(x.shape) * scale.reshape(spread) + bias.reshape(spread)).astype(x.dtype)]

    case(op("groupNormalization", groups=2, epsilon=1e-5), "GroupNormalization", [real(2, 4, 3, 3), real(4), real(4)], kind=group_norm)
    for size in [1, 3, 5]:
        fields = dict(size=size, alpha=0.02, beta=0.7, bias=1.5)
        case(op0("localResponseNormalization", fields), "LRN", [real(2, 5, 3, 3, scale=4)], fields, name=f"{size}")


def windows():
    def explicit(*pads):
        return {"explicit": {"_0": list(pads)}}

    def conv(kernel, strides=None, dilations=None, pads=None, groups=1, auto=None, dtype=F32, images=2, channels=4, kernels=6, size=None, bias=True, post=(), after=None, extra=()):
        rank = len(kernel)
        size = size or (9, 8, 7)[:rank]
        strides, dilations = strides or [1] * rank, dilations or [1] * rank
        attributes = {"strides": strides, "dilations": dilations, "group": groups}
        attributes["pads" if not auto else "auto_pad"] = (pads or [0] * 2 * rank) if not auto else auto
        padding = {"SAME_UPPER": {"sameUpper": {}}, "SAME_LOWER": {"sameLower": {}}}.get(auto) or explicit(*(pads or [0] * 2 * rank))
        x, w = real(images, channels, *size), real(kernels, channels // groups, *kernel)
        inputs = [x, w] + ([real(kernels)] if bias else [])
        inputs = [v.astype(dtype) for v in inputs]
        operands = inputs + list(extra) if bias else inputs + ([None] + list(extra) if extra else [])
        case(op0("convolution", dict(strides=strides, dilations=dilations, padding=padding, groups=groups)), "Conv", inputs, attributes,
             operands=operands, name=f"{kernel}{strides}{dilations}{pads}{groups}{auto}{type_name(np.dtype(dtype))} {len(post)}", post=post, after=after,
             compute=F32 if dtype == F64 else None)

    conv([3, 3], pads=[1, 1, 1, 1])
    conv([3, 3], strides=[2, 2], pads=[0, 1, 1, 2])
    conv([3, 2], dilations=[2, 3], pads=[2, 0, 1, 3], bias=False)
    conv([1, 1], images=1)
    conv([3, 3], groups=2, pads=[1, 1, 1, 1])
    conv([3, 3], groups=4, channels=4, kernels=4, pads=[1, 1, 1, 1])
    conv([5], strides=[2], pads=[4, 0])
    conv([2, 3, 2], strides=[2, 1, 1], pads=[1, 0, 1, 0, 1, 0])
    conv([3, 3], strides=[2, 2], auto="SAME_UPPER")
    conv([2, 4], strides=[1, 3], auto="SAME_LOWER")
    conv([3, 3], pads=[5, 4, 3, 5])
    conv([3, 3], pads=[1, 1, 1, 1], dtype=F64)
    conv([3, 3], pads=[1, 1, 1, 1], dtype=F16)
    conv([3, 3], channels=3, kernels=5, pads=[1, 1, 1, 1])
    relu = {"unary": {"_0": {"relu": {}}}}
    conv([3, 3], pads=[1, 1, 1, 1], post=[relu], after=lambda y: np.maximum(y, 0))
    other = real(2, 6, 9, 8)
    add = {"binary": {"_0": "add", "operand": 3}}
    conv([3, 3], pads=[1, 1, 1, 1], post=[add, relu], extra=[other], after=lambda y: np.maximum(y + other, 0))
    conv([3, 3], pads=[1, 1, 1, 1], bias=False, post=[add, relu], extra=[other], after=lambda y: np.maximum(y + other, 0))
    gate = {"binary": {"_0": "multiply", "operand": 3}}
    scale = real(1, 6, 1, 1)
    conv([1, 1], post=[{"unary": {"_0": {"sigmoid": {}}}}, gate], extra=[scale], after=lambda y: scale / (1 + np.exp(-y)))
    conv([1, 1], post=[{"unary": {"_0": {"clip": {"minimum": 0, "maximum": 6}}}}], after=lambda y: np.clip(y, 0, 6))
    conv([1, 1], post=[{"unary": {"_0": {"silu": {}}}}], after=lambda y: y / (1 + np.exp(-y)))

    def deconv(kernel, strides=None, pads=None, extra=None, shape=None, auto=None, groups=1, dilations=None, size=None):
        rank = len(kernel)
        size = size or (4, 5, 3)[:rank]
        strides, dilations, extra = strides or [1] * rank, dilations or [1] * rank, extra or [0] * rank
        attributes = {"strides": strides, "dilations": dilations, "group": groups, "output_padding": extra}
        if auto:
            attributes["auto_pad"] = auto
        elif not shape:
            attributes["pads"] = pads or [0] * 2 * rank
        if shape:
            attributes["output_shape"] = shape
        padding = {"SAME_UPPER": {"sameUpper": {}}, "SAME_LOWER": {"sameLower": {}}}.get(auto) or explicit(*(pads or [0] * 2 * rank))
        fields = dict(window=dict(strides=strides, dilations=dilations, padding=padding, groups=groups), outputPadding=extra)
        if shape:
            fields["outputShape"] = shape
        case(op0("deconvolution", fields), "ConvTranspose", [real(2, 4, *size), real(4, 6 // groups, *kernel), real(6)], attributes,
             name=f"{kernel}{strides}{pads}{extra}{shape}{auto}{groups}{dilations}")

    deconv([3, 3])
    deconv([2, 2], strides=[2, 2])
    deconv([3, 3], strides=[2, 2], pads=[1, 1, 1, 1], extra=[1, 1])
    deconv([3, 3], strides=[2, 3], pads=[0, 1, 2, 0], groups=2)
    deconv([3, 3], dilations=[2, 1], pads=[1, 0, 0, 1])
    deconv([4], strides=[2], pads=[1, 1])
    deconv([2, 2, 3], strides=[2, 1, 2])
    deconv([3, 3], strides=[2, 2], shape=[8, 11])
    deconv([3, 3], strides=[2, 2], shape=[8, 10], auto="SAME_UPPER")
    deconv([4, 3], strides=[3, 2], auto="SAME_LOWER")
    deconv([4, 3], strides=[3, 2], auto="SAME_UPPER")

    def pool(kind, node, window, strides=None, dilations=None, pads=None, ceil=False, auto=None, shape=None, dtype=F32, outputs=1, extra=None, label=""):
        rank = len(window)
        shape = shape or (2, 3) + (7, 8, 6)[:rank]
        strides, dilations = strides or [1] * rank, dilations or [1] * rank
        attributes = {"kernel_shape": window, "strides": strides, "ceil_mode": int(ceil), "dilations": dilations, **(extra or {})}
        if auto:
            attributes["auto_pad"] = auto
        else:
            attributes["pads"] = pads or [0] * 2 * rank
        padding = {"SAME_UPPER": {"sameUpper": {}}, "SAME_LOWER": {"sameLower": {}}}.get(auto) or explicit(*(pads or [0] * 2 * rank))
        fields = dict(kind=kind, window=window, strides=strides, dilations=dilations, padding=padding, ceilingMode=ceil)
        case(op0("pool", fields), node, [any_type(dtype, *shape)], attributes, outputs, name=f"{kind}{window}{strides}{dilations}{pads}{ceil}{auto}{type_name(np.dtype(dtype))}{outputs}",
             compute=F32 if dtype == F64 and kind != "maximum" else None)

    for kind, node, extra in [("maximum", "MaxPool", {}), ("average", "AveragePool", {}), ("averageIncludingPadding", "AveragePool", {"count_include_pad": 1})]:
        pool(kind, node, [2, 2], strides=[2, 2], extra=extra)
        pool(kind, node, [3, 3], strides=[2, 2], pads=[1, 1, 1, 1], extra=extra)
        pool(kind, node, [3, 2], strides=[2, 3], pads=[1, 0, 1, 1], ceil=True, extra=extra)
        pool(kind, node, [2, 2], dilations=[2, 3], extra=extra)
        pool(kind, node, [3], strides=[2], pads=[1, 0], extra=extra)
        pool(kind, node, [2, 2, 2], strides=[2, 2, 2], extra=extra)
        pool(kind, node, [3, 3], strides=[2, 2], auto="SAME_UPPER", extra=extra)
        pool(kind, node, [2, 2], strides=[1, 1], auto="SAME_LOWER", extra=extra)
        pool(kind, node, [3, 3], strides=[2, 2], pads=[1, 1, 1, 1], dtype=F64, extra=extra)
    pool("maximum", "MaxPool", [3, 3], strides=[2, 2], pads=[1, 1, 1, 1], outputs=2)
    pool("maximum", "MaxPool", [2, 2], strides=[2, 2], dtype=np.uint8)
    pool("maximum", "MaxPool", [2, 2], strides=[2, 2], dtype=np.int8)
    pool("maximum", "MaxPool", [2, 2], strides=[2, 2], dtype=F16)
    for kind, node in [("maximum", "GlobalMaxPool"), ("average", "GlobalAveragePool")]:
        for shape in [(2, 3, 5, 4), (2, 3, 6), (1, 2, 2, 3, 2)]:
            fields = dict(kind=kind, strides=[], dilations=[], padding=explicit(), ceilingMode=False)
            case(op0("pool", fields), node, [real(*shape)])


def products():
    def multiply(a=False, b=False, alpha=1.0):
        return op0("matrixMultiply", dict(transposeA=a, transposeB=b, alpha=alpha))

    for x, y in [((3, 4), (4, 5)), ((2, 3, 4), (4, 5)), ((2, 3, 4), (2, 4, 5)), ((4,), (4, 5)), ((3, 4), (4,)), ((4,), (4,)), ((2, 1, 3, 4), (5, 4, 2)),
                 ((4,), (2, 4, 3)), ((3, 0), (0, 2)), ((1, 37), (37, 19)), ((2, 3, 9, 17), (1, 3, 17, 11))]:
        case(multiply(), "MatMul", [real(*x), real(*y)])
    for dtype in [F64, I32, I64, np.uint32]:
        case(multiply(), "MatMul", [any_type(dtype, 3, 7), any_type(dtype, 7, 5)])
    case(multiply(), "MatMul", [real(3, 7, dtype=F16), real(7, 5, dtype=F16)])
    for a in [False, True]:
        for b in [False, True]:
            x, y = real(*((7, 3) if a else (3, 7))), real(*((5, 7) if b else (7, 5)))
            case(multiply(a, b), "Gemm", [x, y], {"transA": int(a), "transB": int(b)}, name=f"{a}{b}")
            case(multiply(a, b, 0.5), "Gemm", [x, y, real(5)], {"transA": int(a), "transB": int(b), "alpha": 0.5}, name=f"{a}{b} alpha bias")
    for shape in [(3, 5), (3, 1), (1, 5), ()]:
        case(multiply(), "Gemm", [real(3, 7), real(7, 5), real(*shape)], {})
    relu = {"unary": {"_0": {"relu": {}}}}
    case(multiply(), "Gemm", [real(3, 7), real(7, 5), real(5)], {}, post=[relu], after=lambda y: np.maximum(y, 0), name="relu")
    x, y, other = real(3, 7), real(7, 5), real(5)
    case(multiply(), "MatMul", [x, y], operands=[x, y, None, other], post=[{"binary": {"_0": "add", "operand": 3}}, relu],
         after=lambda v: np.maximum(v + other, 0), name="add relu")
    x, z = real(2, 5), real(2, 5)
    case(op0("binary", "add"), "Add", [x, z], operands=[x, z, other], post=[{"binary": {"_0": "multiply", "operand": 2}}], after=lambda v: v * other, name="multiply")
    case(op("reshape", allowZero=False), "Reshape", [x, ints(5, 2)], post=[relu], after=lambda v: np.maximum(v, 0), name="relu")


def recurrent():
    def cell(node, direction, gates, steps=4, batch=3, inputs=5, hidden=6, first=False, **options):
        directions = 2 if direction == "bidirectional" else 1
        lead = (batch, steps) if first else (steps, batch)
        state = (batch, directions, hidden) if first else (directions, batch, hidden)
        x, w, r = real(*lead, inputs), real(directions, gates * hidden, inputs, scale=0.5), real(directions, gates * hidden, hidden, scale=0.5)
        operands = [x, w, r]
        operands.append(real(directions, 2 * gates * hidden) if options.get("bias", True) else None)
        operands.append(np.array(options["lengths"], I32) if "lengths" in options else None)
        initial = options.get("initial", False)
        operands.append(real(*state) if initial else None)
        if node == "LSTM":
            operands.append(real(*state) if initial else None)
            operands.append(real(directions, 3 * hidden) if options.get("peepholes") else None)
        while operands[-1] is None:
            operands.pop()
        fields = dict(hiddenSize=hidden, direction=direction, batchFirst=first, linearBeforeReset=bool(options.get("linear")))
        attributes = dict(hidden_size=hidden, direction=direction)
        if first:
            attributes["layout"] = 1
        if options.get("linear"):
            attributes["linear_before_reset"] = 1
        if "clip" in options:
            fields["clip"] = attributes["clip"] = options["clip"]
        if first:
            # onnxruntime has no batch-first cell: the sequence-first one, with the batch axis moved.
            def swapped(*arrays):
                arrays = list(arrays)
                for index in [0, 5, 6]:
                    if index < len(arrays) and arrays[index] is not None:
                        arrays[index] = arrays[index].swapaxes(0, 1).copy()
                del attributes["layout"]
                y, *states = onnxruntime_results(node, arrays, attributes, 3 if node == "LSTM" else 2, 14)
                return [y.transpose(2, 0, 1, 3)] + [s.swapaxes(0, 1) for s in states]
        case(op0(node.lower(), fields), node, operands, attributes, 3 if node == "LSTM" else 2, opset=14, used=options.get("used"),
             kind=swapped if first else None, name=f"{direction} {sorted(options)} {first} {steps}")

    for node, gates in [("LSTM", 4), ("GRU", 3)]:
        for direction in ["forward", "reverse", "bidirectional"]:
            cell(node, direction, gates)
            cell(node, direction, gates, lengths=[4, 2, 1], initial=True)
        cell(node, "forward", gates, bias=False, used=[1])
        cell(node, "forward", gates, clip=0.4, initial=True)
        cell(node, "bidirectional", gates, first=True, initial=True)
        cell(node, "forward", gates, steps=1, batch=1, initial=True)
    cell("LSTM", "bidirectional", 4, peepholes=True, initial=True)
    cell("LSTM", "forward", 4, initial=True, used=[0, 2])
    cell("GRU", "forward", 3, linear=True)
    cell("GRU", "bidirectional", 3, linear=True, initial=True, lengths=[1, 3, 4])


def resizing():
    coordinates = {
        "halfPixel": "half_pixel", "pytorchHalfPixel": "pytorch_half_pixel", "alignCorners": "align_corners",
        "asymmetric": "asymmetric", "halfPixelSymmetric": "half_pixel_symmetric", "tfCropAndResize": "tf_crop_and_resize",
    }
    roundings = {"preferFloor": "round_prefer_floor", "preferCeiling": "round_prefer_ceil", "floor": "floor", "ceiling": "ceil"}

    def resize(x, mode="nearest", coordinate="halfPixel", rounding="preferFloor", scales=None, sizes=None, roi=None, axes=None, aspect="stretch", opset=19,
               cubic=-0.75, exclude=False, extrapolation=0.0, antialias=False):
        fields = dict(mode=mode, coordinates=coordinate, rounding=rounding, cubicCoefficient=cubic, excludeOutside=exclude, extrapolationValue=extrapolation,
                      antialias=antialias, aspectRatio=aspect)
        attributes = dict(mode=mode, coordinate_transformation_mode=coordinates[coordinate], nearest_mode=roundings[rounding], cubic_coeff_a=cubic,
                          exclude_outside=int(exclude), extrapolation_value=extrapolation, antialias=int(antialias))
        if axes is not None:
            fields["axes"] = attributes["axes"] = axes
        if aspect != "stretch":
            attributes["keep_aspect_ratio_policy"] = {"notLarger": "not_larger", "notSmaller": "not_smaller"}[aspect]
        inputs = [x, None if roi is None else np.array(roi, F32), None if scales is None else np.array(scales, F32), None if sizes is None else ints(*sizes)]
        while inputs[-1] is None:
            inputs.pop()
        case(op0("resize", fields), "Resize", inputs, attributes, opset=opset, parameters=[i for i in range(1, len(inputs)) if inputs[i] is not None],
             name=f"{mode} {coordinate} {rounding} {list(x.shape)} {scales} {sizes} {roi} {axes} {aspect} {exclude} {antialias} {type_name(x.dtype)}")

    x = real(1, 2, 5, 6)
    for coordinate in coordinates:
        roi = [0, 0, 0.1, 0.2, 1, 1, 0.8, 1.3] if coordinate == "tfCropAndResize" else None
        for mode in ["nearest", "linear", "cubic"]:
            resize(x, mode, coordinate, scales=[1, 1, 1.7, 0.6], roi=roi, extrapolation=-3.0)
            resize(x, mode, coordinate, sizes=[1, 2, 8, 11], roi=roi, extrapolation=-3.0)
    for rounding in roundings:
        for coordinate in ["halfPixel", "asymmetric", "alignCorners"]:
            resize(x, "nearest", coordinate, rounding, scales=[1, 1, 2, 1.5])
            resize(x, "nearest", coordinate, rounding, sizes=[1, 2, 3, 4])
    resize(x, "nearest", "asymmetric", "floor", scales=[1, 1, 2, 2])
    resize(x, "linear", "alignCorners", sizes=[1, 2, 1, 9])
    resize(x, "linear", "pytorchHalfPixel", sizes=[1, 2, 1, 3])
    resize(real(2, 7), "linear", scales=[1.5, 2])
    resize(real(2, 3, 7), "nearest", scales=[1, 1, 2.5])
    resize(real(1, 2, 3, 4, 5), "linear", scales=[1, 1, 2, 1.5, 2])
    resize(real(1, 2, 3, 4, 5), "nearest", sizes=[1, 2, 6, 2, 7])
    resize(x, "cubic", "halfPixel", scales=[1, 1, 2.3, 0.7], exclude=True)
    resize(x, "cubic", "halfPixel", scales=[1, 1, 2.3, 0.7], cubic=-0.5)
    resize(x, "linear", "halfPixel", scales=[0.8, 1.5], axes=[2, 3])
    resize(x, "nearest", "halfPixel", sizes=[7, 9], axes=[2, 3], aspect="notLarger")
    resize(x, "linear", "halfPixel", sizes=[7, 9], axes=[2, 3], aspect="notSmaller")
    y = real(1, 1, 12, 14)
    resize(y, "linear", "halfPixel", sizes=[1, 1, 5, 6], antialias=True)
    resize(y, "cubic", "halfPixel", sizes=[1, 1, 5, 6], antialias=True)
    resize(y, "cubic", "halfPixel", sizes=[1, 1, 5, 20], antialias=True, exclude=True)
    resize(integer(1, 1, 4, 4, dtype=np.uint8, high=255), "nearest", "asymmetric", "floor", scales=[1, 1, 2, 2])
    resize((integer(1, 1, 4, 4, high=30) * 4).astype(np.uint8), "linear", "asymmetric", scales=[1, 1, 2, 2])
    resize(integer(1, 1, 4, 4, dtype=I32), "nearest", "halfPixel", scales=[1, 1, 2, 0.5])


def refusals():
    gather = op("gather", axis=0)
    refused(gather, "Gather", [real(4), ints(4)], [(F32, (1,))], "index too large")
    refused(gather, "Gather", [real(4), ints(-5)], [(F32, (1,))], "index too small")
    refused(gather, "Gather", [real(4, 2), np.array([2**31 - 1], I32)], [(F32, (1, 2))], "index far too large")
    refused(gather, "Gather", [real(4), ints(-(2**63))], [(F32, (1,))], "least index")
    refused(op("gatherElements", axis=1), "GatherElements", [real(2, 3), np.array([[3], [0]], I64)], [(F32, (2, 1))], "index too large")
    refused(op("gatherND", batchDimensions=0), "GatherND", [real(2, 3), np.array([[1, 3]], I64)], [(F32, (1,))], "index too large")
    refused(op0("scatterND", "replace"), "ScatterND", [real(2, 3), np.array([[2]], I64), real(1, 3)], [(F32, (2, 3))], "index too large")
    refused(op0("scatterND", "add"), "ScatterND", [real(2, 3), np.array([[-3]], I64), real(1, 3)], [(F32, (2, 3))], "index too small")
    refused(op("scatterElements", axis=0, _1="add"), "ScatterElements", [real(2, 3), np.full((1, 3), 9, I64), real(1, 3)], [(F32, (2, 3))], "index too large")
    refused("slice", "Slice", [real(5), ints(0), ints(3)], [(F32, (2,))], "another size")
    refused("slice", "Slice", [real(5), ints(0), ints(5), ints(0), ints(0)], [(F32, (5,))], "step 0")
    refused("slice", "Slice", [real(5), ints(0), ints(5), ints(7)], [(F32, (5,))], "axis out of range")
    refused(op0("pad", "constant"), "Pad", [real(5), ints(1, 2)], [(F32, (7,))], "another size")
    refused(op0("pad", "reflect"), "Pad", [real(5), ints(2**63 - 1, -(2**63))], [(F32, (4,))], "huge")
    refused(op0("reduce", "sum", keepDimensions=True, noopWithEmptyAxes=False), "ReduceSum", [real(2, 3), ints(0)], [(F32, (2, 1))], "another axis")
    refused(op0("reduce", "sum", keepDimensions=True, noopWithEmptyAxes=False), "ReduceSum", [real(2, 3), ints(2)], [(F32, (2, 1))], "axis out of range")
    refused(op("topK", axis=0, largest=True, sorted=True), "TopK", [real(4), ints(3)], [(F32, (2,)), (I64, (2,))], "another k")
    refused(op("cumulativeSum", exclusive=False, reverse=False), "CumSum", [real(4), I64(1)], [(F32, (4,))], "axis out of range")
    refused("nonZero", "NonZero", [ints(1, 0, 1)], [(I64, (1, 1))], "more than asked for")
    refused("nonZero", "NonZero", [ints(1, 0, 1)], [(I64, (1, 3))], "fewer than asked for")
    fields = dict(hiddenSize=2, direction="forward", batchFirst=False, linearBeforeReset=False)
    refused(op0("gru", fields), "GRU", [real(3, 1, 2), real(1, 6, 2), real(1, 6, 2), None, np.array([4], I32)], [(F32, (3, 1, 1, 2))], "sequence too long")


def main():
    for family in [element_wise, binary, casts, movement, reductions, normalisation, windows, products, recurrent, resizing, refusals]:
        family()
    header = json.dumps(cases, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    folder = pathlib.Path(__file__).resolve().parent.parent / "Tests/KernelsTests/Fixtures"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "kernel-cases.bin"
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(blob))
    print(f"{len(cases)} cases, {path.stat().st_size} bytes", file=sys.stderr)


main()
