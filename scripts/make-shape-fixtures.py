#!/usr/bin/env python3
"""Writes Tests/Fixtures/shapes.json: what ops make of shapes, found by running them.

Each case is an operator of ONNX with attributes and inputs, run by onnxruntime (or, where that lacks the operator, by the
reference evaluator of the onnx package), next to the same operator in this project's IR, written as `Op` decodes from
JSON. Inputs whose elements the result's shape depends on are given with their elements. A case of `refused` is one
that onnxruntime will not run.

    pip install onnx==1.23.0 onnxruntime==1.32.0 numpy
    python3 scripts/make-shape-fixtures.py
"""
import base64
import json
import pathlib

import numpy as np
import onnx
import onnxruntime as ort
from onnx import TensorProto, helper, numpy_helper
from onnx.reference import ReferenceEvaluator

OPSET = 21
random = np.random.default_rng(1)
ort.set_default_logger_severity(4)
cases = []


class Known:
    """An input whose elements inference is given."""

    def __init__(self, values, dtype=np.int64):
        self.array = np.array(values, dtype=dtype)


def ints(*values):
    return Known(list(values))


def data(*dims, dtype=np.float32):
    if dtype == np.bool_:
        return random.integers(0, 2, size=dims).astype(bool)
    if np.issubdtype(dtype, np.integer):
        return random.integers(0, 3, size=dims).astype(dtype)
    return random.random(size=dims).astype(dtype)


def run(op_type, attributes, arrays, results, opset):
    names = ["" if a is None else f"i{n}" for n, a in enumerate(arrays)]
    outputs = [f"o{n}" for n in range(results)]
    node = helper.make_node(op_type, names, outputs, **attributes)
    # An operand that the shape depends on is an input of the model too, so that nothing is decided beforehand.
    inputs = [
        helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape)
        for n, a in zip(names, arrays)
        if n
    ]
    graph = helper.make_graph([node], "case", inputs, [onnx.ValueInfoProto(name=o) for o in outputs])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    feeds = {n: a for n, a in zip(names, arrays) if n}
    try:
        options = ort.SessionOptions()
        options.graph_optimization_level = ort.GraphOptimizationLevel.ORT_DISABLE_ALL
        session = ort.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    except Exception as error:
        if "NOT_IMPLEMENTED" not in str(error):
            raise
        return [np.asarray(o) for o in ReferenceEvaluator(model).run(None, feeds)]
    return session.run(None, feeds)


def described(array, with_values):
    text = {"type": array.dtype.name, "dims": list(array.shape)}
    if with_values:
        text["values"] = [float(v) if np.issubdtype(array.dtype, np.floating) else int(v) for v in array.ravel()]
    return text


def case(op_type, op, inputs, attributes=None, results=1, follows=False, opset=OPSET, note=""):
    """`follows`: the elements of the first result have to be found too."""
    arrays = [i.array if isinstance(i, Known) else i for i in inputs]
    label = f"{op_type} {note}".strip()
    try:
        made = run(op_type, attributes or {}, arrays, results, opset)
    except Exception as error:
        raise SystemExit(f"{label}: {error}")
    cases.append({
        "name": label,
        "op": op,
        "inputs": [None if a is None else described(a, isinstance(i, Known)) for i, a in zip(inputs, arrays)],
        "outputs": [described(a, follows) for a in made],
    })


def refused(op_type, op, inputs, attributes=None, results=1, opset=OPSET, note=""):
    arrays = [i.array if isinstance(i, Known) else i for i in inputs]
    try:
        made = run(op_type, attributes or {}, arrays, results, opset)
    except Exception:
        pass
    else:
        raise SystemExit(f"{op_type} {note} ran: {[a.shape for a in made]}")
    cases.append({
        "name": f"{op_type} {note} (refused)",
        "op": op,
        "inputs": [None if a is None else described(a, isinstance(i, Known)) for i, a in zip(inputs, arrays)],
        "outputs": None,
        "results": results,
    })


def unary(function):
    return {"unary": {"function": {function: {}}}}


def binary(function):
    return {"binary": {"function": function}}


# Convolution -------------------------------------------------------------------------------------------------------


def window(strides, dilations, padding, groups):
    if isinstance(padding, str):
        padding = {"SAME_UPPER": {"sameUpper": {}}, "SAME_LOWER": {"sameLower": {}}}[padding]
    else:
        padding = {"explicit": {"_0": padding}}
    return {"strides": strides, "dilations": dilations, "padding": padding, "groups": groups}


def geometry(strides, dilations, padding):
    attributes = {"strides": strides, "dilations": dilations}
    attributes.update({"auto_pad": padding} if isinstance(padding, str) else {"pads": padding})
    return attributes


def convolution(x, w, strides, dilations, padding, groups=1, bias=True, check=case, note=""):
    inputs = [data(*x), data(*w)] + ([data(w[0])] if bias else [])
    check("Conv", {"conv": window(strides, dilations, padding, groups)}, inputs,
          {**geometry(strides, dilations, padding), "group": groups}, note=f"{x} {w} {strides} {dilations} {padding} {note}")


for size in (5, 8, 17):
    for kernel in (1, 2, 3):
        for stride in (1, 2, 3):
            for padding in ([0, 0, 0, 0], [1, 0, 1, 1], "SAME_UPPER", "SAME_LOWER"):
                convolution([1, 2, size, size + 1], [3, 2, kernel, kernel], [stride, 1], [1, 1], padding)
for dilation in (2, 3):
    for padding in ([0, 0, 0, 0], [2, 3, 2, 3]):
        convolution([2, 4, 11, 13], [6, 2, 3, 2], [1, 2], [dilation, 1], padding, groups=2)
convolution([1, 3, 20], [5, 3, 7], [2], [1], [3, 3], bias=False)
convolution([1, 3, 6, 7, 8], [2, 3, 2, 3, 2], [1, 2, 1], [1, 1, 2], [0, 1, 0, 1, 0, 1])
convolution([2, 8, 5, 5], [8, 1, 3, 3], [1, 1], [1, 1], [1, 1, 1, 1], groups=8)
convolution([1, 3, 8, 8], [4, 2, 3, 3], [1, 1], [1, 1], [0, 0, 0, 0], check=refused, note="channels differ")
convolution([1, 3, 8, 8], [4, 3, 3], [1, 1], [1, 1], [0, 0, 0, 0], check=refused, note="ranks differ")
convolution([1, 4, 8, 8], [3, 2, 3, 3], [1, 1], [1, 1], [0, 0, 0, 0], groups=2, check=refused, note="filters in groups")
convolution([1, 3, 8, 2], [4, 3, 3, 3], [1, 1], [1, 1], [0, 0, 0, 0], check=refused, note="window too large")


def deconvolution(x, w, strides, dilations, padding, groups=1, extra=None, shape=None, check=case, note=""):
    attributes = {**geometry(strides, dilations, padding), "group": groups}
    if extra:
        attributes["output_padding"] = extra
    if shape:
        attributes["output_shape"] = shape
    op = {"window": window(strides, dilations, padding, groups), "outputPadding": extra or [0] * len(strides)}
    if shape:
        op["outputShape"] = shape
    check("ConvTranspose", {"deconv": op}, [data(*x), data(*w)], attributes,
          note=f"{x} {w} {strides} {dilations} {padding} {extra} {shape} {note}")


for stride in (1, 2, 3):
    for kernel in (1, 2, 4):
        for padding in ([0, 0, 0, 0], [1, 0, 0, 1]):
            if kernel > 1 or padding[0] == 0:
                deconvolution([1, 3, 5, 6], [3, 2, kernel, kernel], [stride, stride], [1, 1], padding)
deconvolution([1, 4, 5, 6], [4, 3, 3, 3], [2, 2], [1, 1], [1, 1, 1, 1], groups=2, extra=[1, 1])
deconvolution([1, 2, 5, 6], [2, 3, 3, 3], [2, 3], [2, 1], [0, 0, 0, 0], extra=[0, 1])
deconvolution([1, 2, 5, 6], [2, 3, 3, 3], [2, 2], [1, 1], [0, 0, 0, 0], shape=[10, 12])
deconvolution([1, 2, 5, 6], [2, 3, 3, 3], [2, 2], [1, 1], "SAME_UPPER")
deconvolution([1, 2, 9], [2, 3, 5], [3], [1], [1, 2])
deconvolution([1, 3, 5, 6], [2, 3, 3, 3], [1, 1], [1, 1], [0, 0, 0, 0], check=refused, note="channels differ")
for strides, dilations, extra in [
    ([3, 1], [1, 1], [5, 1]), ([2, 2], [1, 1], [2, 2]), ([1, 1], [1, 1], [1, 0]), ([2, 3], [3, 1], [1, 3]), ([2, 3], [3, 1], [3, 1])]:
    deconvolution([1, 3, 5, 5], [3, 2, 3, 3], strides, dilations, [0, 0, 0, 0], extra=extra, check=refused, note="output padding")
deconvolution([1, 3, 5, 5], [3, 2, 3, 3], [1, 1], [1, 1], [0, 0, 0, 0], shape=[7, 7])
deconvolution([1, 3, 5, 5], [3, 2, 3, 3], [3, 2], [1, 1], [0, 0, 0, 0], shape=[17, 12], extra=[2, 1])
for strides, shape in [([1, 1], [100, 100]), ([1, 1], [8, 7]), ([3, 3], [15, 18])]:
    deconvolution([1, 3, 5, 5], [3, 2, 3, 3], strides, [1, 1], [0, 0, 0, 0], shape=shape, check=refused, note="output shape")

# Pooling -----------------------------------------------------------------------------------------------------------


def pool(x, kernel, strides, padding, kind="maximum", dilations=None, up=False, check=case, note=""):
    op_type = "MaxPool" if kind == "maximum" else "AveragePool"
    dilations = dilations or [1] * len(kernel)
    attributes = {**geometry(strides, dilations, padding), "kernel_shape": kernel, "ceil_mode": int(up)}
    if kind == "averageIncludingPadding":
        attributes["count_include_pad"] = 1
    op = {"kind": kind, "window": kernel, "ceilingMode": up}
    op.update({k: v for k, v in window(strides, dilations, padding, 1).items() if k != "groups"})
    check(op_type, {"pool": op}, [data(*x)], attributes, note=f"{x} {kernel} {strides} {dilations} {padding} {up} {note}")


for size in (4, 5, 7, 10):
    for kernel in (2, 3):
        for stride in (1, 2, 3):
            for up in (False, True):
                for padding in ([0, 0, 0, 0], [1, 1, 1, 1], [0, 1, 1, 0]):
                    pool([1, 2, size, size + 2], [kernel, kernel], [stride, stride], padding, up=up)
pool([1, 2, 9, 10], [3, 2], [2, 2], "SAME_UPPER")
pool([1, 2, 9, 10], [3, 2], [2, 3], "SAME_LOWER", kind="average")
pool([1, 2, 12, 12], [3, 3], [2, 2], [0, 0, 0, 0], dilations=[2, 3])
pool([1, 2, 12, 12], [3, 3], [2, 2], [1, 1, 1, 1], dilations=[2, 2], up=True)
pool([1, 2, 13], [4], [4], [0, 2], kind="averageIncludingPadding", up=True)
pool([1, 2, 5, 6, 7], [2, 2, 2], [2, 2, 2], [0] * 6, kind="average", up=True)
pool([1, 2, 3, 3], [5, 5], [1, 1], [0, 0, 0, 0], check=refused, note="window too large")
whole = {"kind": "average", "strides": [], "dilations": [], "padding": {"explicit": {"_0": []}}, "ceilingMode": False}
case("GlobalAveragePool", {"pool": whole}, [data(2, 3, 5, 6)])
case("GlobalMaxPool", {"pool": {**whole, "kind": "maximum"}}, [data(2, 3, 5)])

# Matrices ----------------------------------------------------------------------------------------------------------
plain = {"transposeA": False, "transposeB": False, "alpha": 1}
for a, b in [([2, 3], [3, 4]), ([3], [3, 4]), ([2, 3], [3]), ([3], [3]), ([5, 2, 3], [3, 4]), ([2, 3], [7, 3, 4]),
             ([5, 1, 2, 3], [6, 3, 4]), ([4, 2, 3], [3]), ([3], [5, 3, 2]), ([0, 3], [3, 4])]:
    case("MatMul", {"matmul": plain}, [data(*a), data(*b)], note=f"{a} {b}")
for a, b in [([2, 3], [4, 3]), ([5, 2, 3], [4, 3, 4]), ([3], [4, 3])]:
    refused("MatMul", {"matmul": plain}, [data(*a), data(*b)], note=f"{a} {b}")
for ta, tb, bias in [(0, 0, [4]), (1, 0, [2, 4]), (0, 1, [2, 1]), (1, 1, [1]), (0, 1, None)]:
    op = {"transposeA": bool(ta), "transposeB": bool(tb), "alpha": 0.5}
    a, b = ([3, 2] if ta else [2, 3]), ([4, 3] if tb else [3, 4])
    case("Gemm", {"matmul": op}, [data(*a), data(*b)] + ([data(*bias)] if bias else []),
         {"transA": ta, "transB": tb, "alpha": 0.5}, note=f"{ta} {tb} {bias}")
refused("Gemm", {"matmul": plain}, [data(2, 3), data(3, 4), data(3)], note="bias")

# Recurrent ---------------------------------------------------------------------------------------------------------
for gates, op_type, key, results in [(4, "LSTM", "lstm", 3), (3, "GRU", "gru", 2)]:
    for direction, count in [("forward", 1), ("reverse", 1), ("bidirectional", 2)]:
        for layout in (0, 1):
            if layout and op_type == "LSTM" or not layout:
                op = {"hiddenSize": 5, "direction": direction, "batchFirst": bool(layout), "linearBeforeReset": False}
                x = data(3, 7, 4) if layout else data(7, 3, 4)
                inputs = [x, data(count, gates * 5, 4), data(count, gates * 5, 5), data(count, 2 * gates * 5)]
                if not layout:
                    case(op_type, {key: {"recurrent": op}}, inputs, {"hidden_size": 5, "direction": direction}, results,
                         note=f"{direction} {layout}")
                    continue
                # onnxruntime has only layout 0; the sizes of layout 1 are those with the axes exchanged.
                made = run(op_type, {"hidden_size": 5, "direction": direction}, [x.swapaxes(0, 1)] + inputs[1:], results, OPSET)
                made = [np.moveaxis(made[0], 2, 0)] + [m.swapaxes(0, 1) for m in made[1:]]
                cases.append({"name": f"{op_type} {direction} batch first", "op": {key: {"recurrent": op}},
                              "inputs": [described(i, False) for i in inputs], "outputs": [described(m, False) for m in made]})
    op = {"hiddenSize": 5, "direction": "forward", "batchFirst": False, "linearBeforeReset": False}
    initial = [data(1, 2, 5)] * (2 if op_type == "LSTM" else 1)
    lengths = np.array([7, 5], dtype=np.int32)
    case(op_type, {key: {"recurrent": op}}, [data(7, 2, 4), data(1, gates * 5, 4), data(1, gates * 5, 5), None, lengths] + initial,
         {"hidden_size": 5}, results, note="states")
    refused(op_type, {key: {"recurrent": op}}, [data(7, 3, 4), data(1, gates * 5, 6), data(1, gates * 5, 5)],
            {"hidden_size": 5}, results, note="weights")

# Normalisation -----------------------------------------------------------------------------------------------------
case("BatchNormalization", {"norm.batch": {"epsilon": 1e-5}}, [data(2, 3, 4, 5)] + [data(3)] * 4)
refused("BatchNormalization", {"norm.batch": {"epsilon": 1e-5}}, [data(2, 3, 4, 5)] + [data(4)] * 4)
case("InstanceNormalization", {"norm.instance": {"epsilon": 1e-5}}, [data(2, 3, 4, 5), data(3), data(3)])
refused("InstanceNormalization", {"norm.instance": {"epsilon": 1e-5}}, [data(2, 3, 4, 5), data(2), data(3)])
case("LayerNormalization", {"norm.layer": {"axis": -1, "epsilon": 1e-5}}, [data(2, 3, 4), data(4), data(4)], {"axis": -1})
case("LayerNormalization", {"norm.layer": {"axis": 1, "epsilon": 1e-5}}, [data(2, 3, 4), data(3, 4)], {"axis": 1}, note="no bias")
refused("LayerNormalization", {"norm.layer": {"axis": -1, "epsilon": 1e-5}}, [data(2, 3, 4), data(3)], {"axis": -1})
case("LRN", {"norm.localresponse": {"size": 3, "alpha": 1e-4, "beta": 0.75, "bias": 1}}, [data(2, 5, 4, 4)], {"size": 3})
case("GroupNormalization", {"norm.group": {"groups": 2, "epsilon": 1e-5}}, [data(2, 4, 3, 3), data(4), data(4)], {"num_groups": 2})
for axis in (0, 1, -1):
    case("Softmax", {"softmax": {"axis": axis}}, [data(2, 3, 4)], {"axis": axis}, note=f"{axis}")
    case("LogSoftmax", {"logsoftmax": {"axis": axis}}, [data(2, 3, 4)], {"axis": axis}, note=f"{axis}")
refused("Softmax", {"softmax": {"axis": 3}}, [data(2, 3, 4)], {"axis": 3})

# Element-wise ------------------------------------------------------------------------------------------------------
for a, b in [([2, 3], [2, 3]), ([2, 3], [3]), ([2, 1, 4], [3, 1]), ([], [2, 2]), ([1], [4, 1, 5]), ([0, 3], [1, 3]), ([1, 3], [0, 1])]:
    case("Add", binary("add"), [data(*a), data(*b)], note=f"{a} {b}")
    case("Less", binary("less"), [data(*a), data(*b)], note=f"{a} {b}")
for a, b in [([2, 3], [2]), ([2, 3], [4, 3]), ([0, 3], [2, 3])]:
    refused("Mul", binary("multiply"), [data(*a), data(*b)], note=f"{a} {b}")
refused("Add", binary("add"), [data(2), data(2, dtype=np.int64)], note="types")
case("Pow", binary("power"), [data(2, 3), data(3, dtype=np.int64)], note="types")
case("PRelu", binary("parametricRelu"), [data(2, 3, 4), data(3, 1)])
case("Equal", binary("equal"), [data(2, 3, dtype=np.int64), data(3, dtype=np.int64)])
case("And", binary("and"), [data(2, 3, dtype=np.bool_), data(1, dtype=np.bool_)])
case("Relu", unary("relu"), [data(2, 3)])
case("IsNaN", unary("isNaN"), [data(2, 3)])
case("Not", unary("logicalNot"), [data(2, 3, dtype=np.bool_)])
case("Where", {"select": {}}, [data(3, 1, dtype=np.bool_), data(4), data(2, 1, 1)])
refused("Where", {"select": {}}, [data(3, dtype=np.bool_), data(4), data(1)])
for source, target, name in [([1, -2, 3], np.float32, "float32"), ([7, 0, 300], np.int32, "int32")]:
    case("Cast", {"cast": {"target": name}}, [ints(*source)], {"to": helper.np_dtype_to_tensor_dtype(np.dtype(target))}, follows=True, note=name)
case("Cast", {"cast": {"target": "int64"}}, [Known([1.9, -1.9, 0.5, 7], np.float32)], {"to": TensorProto.INT64}, follows=True)
case("Cast", {"cast": {"target": "bool"}}, [Known([0, 2, -1])], {"to": TensorProto.BOOL}, follows=True)
for name, function in [("Add", "add"), ("Sub", "subtract"), ("Mul", "multiply"), ("Div", "divide"), ("Mod", "modulo"), ("Max", "maximum"),
                       ("Min", "minimum"), ("Equal", "equal"), ("Less", "less"), ("GreaterOrEqual", "greaterOrEqual")]:
    case(name, binary(function), [ints(7, -7, 6, 1, -9), ints(2, 2, -4, 1, -9)], follows=True, note="elements")
case("Mod", binary("remainder"), [ints(7, -7, 6), ints(2, 2, -4)], {"fmod": 1}, follows=True, note="fmod")
case("Pow", binary("power"), [ints(2, -3, 10), ints(10, 3, 0)], follows=True, note="elements")
case("Mul", binary("multiply"), [Known([[1, 2, 3]]), Known([[2], [5]])], follows=True, note="broadcast elements")
for name, function in [("Add", "add"), ("Sub", "subtract"), ("Mul", "multiply"), ("Div", "divide")]:
    case(name, binary(function), [Known([0.1, 7, 1e8, 3], np.float32), Known([0.7, 3, 1, 10], np.float32)], follows=True, note="float elements")
for name, function in [("Floor", "floor"), ("Ceil", "ceiling"), ("Round", "round"), ("Abs", "absolute"), ("Neg", "negate"), ("Sign", "sign")]:
    case(name, unary(function), [Known([1.5, 2.5, -1.5, -0.2, 3], np.float32)], follows=True, note="elements")
case("Where", {"select": {}}, [Known([True, False, True], np.bool_), ints(1, 2, 3), ints(-1)], follows=True, note="elements")
case("Not", unary("logicalNot"), [Known([True, False], np.bool_)], follows=True, note="elements")

# Reductions --------------------------------------------------------------------------------------------------------
names = {"ReduceSum": "sum", "ReduceMean": "mean", "ReduceMax": "maximum", "ReduceL2": "l2", "ReduceProd": "product"}
for op_type, function in names.items():
    for axes in (None, [0], [1, -1], []):
        for keep in (0, 1):
            op = {"reduce": {"reduction": function, "keepDimensions": bool(keep), "noopWithEmptyAxes": False}}
            case(op_type, op, [data(2, 3, 4)] + ([] if axes is None else [ints(*axes)]), {"keepdims": keep}, note=f"{axes} {keep}")
op = {"reduce": {"reduction": "sum", "keepDimensions": True, "noopWithEmptyAxes": True}}
case("ReduceSum", op, [data(2, 3, 4)], {"noop_with_empty_axes": 1}, note="noop")
case("ReduceSum", op, [data(2, 3, 4), ints()], {"noop_with_empty_axes": 1}, note="noop, empty")
for op_type, function in [("ReduceSum", "sum"), ("ReduceProd", "product"), ("ReduceMin", "minimum"), ("ReduceMax", "maximum")]:
    for axes in ([0], [1], [0, 1]):
        op = {"reduce": {"reduction": function, "keepDimensions": False, "noopWithEmptyAxes": False}}
        case(op_type, op, [Known([[2, 3, 4], [-1, 5, 7]]), ints(*axes)], {"keepdims": 0}, follows=True, note=f"elements {axes}")
refused("ReduceSum", op, [data(2, 3), ints(2)], note="axis")
for keep in (0, 1):
    op = {"argument": {"extremum": "maximum", "axis": 1, "keepDimensions": bool(keep), "selectLastIndex": False}}
    case("ArgMax", op, [data(2, 3, 4)], {"axis": 1, "keepdims": keep}, note=f"{keep}")
case("TopK", {"topk": {"axis": -1, "largest": True, "sorted": True}}, [data(2, 6), ints(4)], {"axis": -1}, 2)
refused("TopK", {"topk": {"axis": -1, "largest": True, "sorted": True}}, [data(2, 3), ints(4)], {"axis": -1}, 2)
case("CumSum", {"cumsum": {"exclusive": False, "reverse": False}}, [data(2, 3), Known(1)])

# Resize ------------------------------------------------------------------------------------------------------------


def resize(x, scales=None, sizes=None, roi=None, axes=None, mode="nearest", coordinates="half_pixel", policy="stretch", check=case):
    spelled = {"half_pixel": "halfPixel", "asymmetric": "asymmetric", "align_corners": "alignCorners", "tf_crop_and_resize": "tfCropAndResize"}
    policies = {"stretch": "stretch", "not_larger": "notLarger", "not_smaller": "notSmaller"}
    attributes = {"mode": mode, "coordinate_transformation_mode": coordinates}
    op = {"mode": mode, "coordinates": spelled[coordinates], "rounding": "preferFloor", "cubicCoefficient": -0.75, "excludeOutside": False,
          "extrapolationValue": 0, "antialias": False, "aspectRatio": policies[policy]}
    if axes is not None:
        attributes["axes"] = op["axes"] = axes
    if policy != "stretch":
        attributes["keep_aspect_ratio_policy"] = policy
    inputs = [data(*x), None if roi is None else Known(roi, np.float32), None if scales is None else Known(scales, np.float32)]
    if sizes is not None:
        inputs.append(ints(*sizes))
    check("Resize", {"resize": op}, inputs, attributes, note=f"{x} {scales} {sizes} {roi} {axes} {policy}")


for scale in (2, 0.5, 1.3, 0.3333, 2.6):
    resize([1, 2, 10, 13], scales=[1, 1, scale, scale])
    resize([1, 2, 30, 7], scales=[1, 1, scale, scale], mode="linear")
resize([1, 2, 10, 13], sizes=[1, 2, 7, 29])
resize([1, 2, 10, 13], sizes=[7, 29], axes=[2, 3])
resize([1, 2, 10, 13], sizes=[7, 29], axes=[-1, -2])
resize([1, 2, 10, 13], scales=[2, 3], axes=[3, 2])
for policy in ("not_larger", "not_smaller"):
    for sizes in ([7, 29], [20, 20], [13, 9], [5, 6]):
        resize([1, 2, 10, 13], sizes=sizes, axes=[2, 3], policy=policy)
    resize([1, 0, 3], sizes=[1, 4, 6], policy=policy, check=refused)
resize([1, 2, 10, 13], sizes=[1, 2, 5, 6], roi=[0, 0, 0.1, 0.2, 1, 1, 0.8, 0.9], coordinates="tf_crop_and_resize", mode="linear")

# Movement ----------------------------------------------------------------------------------------------------------
case("Identity", {"identity": {}}, [data(2, 3)])
for axis in (0, 1, -1):
    shapes = {0: [[2, 3, 4], [5, 3, 4]], 1: [[2, 3, 4], [2, 0, 4], [2, 7, 4]], -1: [[2, 3, 4], [2, 3, 1]]}[axis]
    case("Concat", {"concat": {"axis": axis}}, [data(*s) for s in shapes], {"axis": axis}, note=f"{shapes}")
refused("Concat", {"concat": {"axis": 0}}, [data(2, 3), data(2, 4)], {"axis": 0}, note="sizes")
refused("Concat", {"concat": {"axis": 0}}, [data(2, 3), data(2)], {"axis": 0}, note="ranks")
case("Concat", {"concat": {"axis": 0}}, [ints(1, 2), ints(3), ints(-1)], {"axis": 0}, follows=True, note="elements")
case("Concat", {"concat": {"axis": 1}}, [Known([[1, 2], [3, 4]]), Known([[5], [6]])], {"axis": 1}, follows=True, note="elements")
case("Split", {"split": {"axis": 1}}, [data(2, 6), ints(1, 2, 3)], {"axis": 1}, 3)
case("Split", {"split": {"axis": 1}}, [data(2, 6)], {"axis": 1, "num_outputs": 3}, 3, note="equal")
case("Split", {"split": {"axis": -1}}, [data(2, 7)], {"axis": -1, "num_outputs": 3}, 3, note="uneven")
case("Split", {"split": {"axis": 0}}, [ints(4, 5, 6), ints(2, 1)], {"axis": 0}, 2, follows=True, note="elements")
refused("Split", {"split": {"axis": 1}}, [data(2, 6), ints(1, 2)], {"axis": 1}, 2, note="sum")
huge, small = 2**63 - 1, -(2**63)
for starts, ends, axes, steps in [
    ([0], [2], None, None), ([1, 0], [huge, 2], [2, 0], None), ([-3], [-1], [2], None), ([5], [2], [2], None), ([0], [100], [1], [2]),
    ([-1], [small], [2], [-1]), ([huge], [small], [2], [-2]), ([3], [0], [2], [-1]), ([3], [-7], [2], [-1]), ([-100], [100], [2], [3]),
    ([2], [0], [-1], [-5]), ([100], [200], [2], None), ([-100], [small], [2], [-1]), ([0], [1], [0], [huge]), ([1], [3], [2], None),
]:
    inputs = [data(2, 3, 5), ints(*starts), ints(*ends)]
    if axes is not None:
        inputs.append(ints(*axes))
    if steps is not None:
        inputs.append(ints(*steps))
    case("Slice", {"slice": {}}, inputs, note=f"{starts} {ends} {axes} {steps}")
    if steps is None or steps[0] > -3:
        inputs[0] = Known(np.arange(30).reshape(2, 3, 5))
        case("Slice", {"slice": {}}, inputs, follows=True, note=f"elements {starts} {ends} {axes} {steps}")
case("Slice", {"slice": {}}, [data(2, 0, 5), ints(0), ints(3), ints(1)], note="nothing")
refused("Slice", {"slice": {}}, [data(2, 3), ints(0), ints(1), ints(2)], note="axis")
refused("Slice", {"slice": {}}, [data(2, 3), ints(0), ints(1), ints(0), ints(0)], note="step")
for axis, indices in [(0, [1, 0]), (1, [[0, -1], [2, 1]]), (2, 3), (-1, [[0]])]:
    case("Gather", {"gather": {"axis": axis}}, [data(2, 3, 4), Known(indices)], {"axis": axis}, note=f"{axis}")
    case("Gather", {"gather": {"axis": axis}}, [Known(np.arange(24).reshape(2, 3, 4)), Known(indices)], {"axis": axis}, follows=True, note=f"elements {axis}")
refused("Gather", {"gather": {"axis": 0}}, [data(2, 3), ints(2)], {"axis": 0})
refused("Gather", {"gather": {"axis": 2}}, [data(2, 3), ints(0)], {"axis": 2}, note="axis")
case("GatherElements", {"gather.elements": {"axis": 1}}, [data(2, 3), data(2, 5, dtype=np.int64)], {"axis": 1})
refused("GatherElements", {"gather.elements": {"axis": 1}}, [data(2, 3), data(2, dtype=np.int64)], {"axis": 1})
for batch, x, indices in [(0, [2, 3, 4], [5, 2]), (0, [2, 3, 4], [5, 3]), (0, [3, 3], [1, 2, 1]), (1, [2, 3, 4], [2, 5, 1]), (1, [2, 3, 4], [2, 2]), (2, [2, 3, 4], [2, 3, 1])]:
    case("GatherND", {"gather.nd": {"batchDimensions": batch}}, [data(*x), np.zeros(indices, np.int64)], {"batch_dims": batch}, note=f"{batch} {x} {indices}")
refused("GatherND", {"gather.nd": {"batchDimensions": 0}}, [data(2, 3), np.zeros([1, 3], np.int64)])
case("ScatterND", {"scatter.nd": {"reduction": "replace"}}, [data(4, 5), np.array([[1], [3]]), data(2, 5)])
case("ScatterND", {"scatter.nd": {"reduction": "replace"}}, [ints(1, 2, 3, 4), Known([[1], [-1]]), ints(9, 8)], follows=True, note="elements")
case("ScatterND", {"scatter.nd": {"reduction": "replace"}}, [Known([[1, 2], [3, 4], [5, 6]]), Known([[2], [0]]), Known([[9, 8], [7, 6]])], follows=True, note="rows")
refused("ScatterND", {"scatter.nd": {"reduction": "replace"}}, [data(4, 5), np.array([[1], [3]]), data(2, 4)])
case("ScatterElements", {"scatter.elements": {"axis": 1, "reduction": "add"}}, [data(2, 5), data(2, 3, dtype=np.int64), data(2, 3)], {"axis": 1, "reduction": "add"})
refused("ScatterElements", {"scatter.elements": {"axis": 1, "reduction": "replace"}}, [data(2, 5), data(2, 3, dtype=np.int64), data(2, 2)], {"axis": 1})
case("Transpose", {"transpose": {"permutation": [2, 0, 1]}}, [data(2, 3, 4)], {"perm": [2, 0, 1]})
case("Transpose", {"transpose": {"permutation": []}}, [data(2, 3, 4)], note="reversed")
case("Transpose", {"transpose": {"permutation": [1, 2, 0]}}, [Known(np.arange(24).reshape(2, 3, 4))], {"perm": [1, 2, 0]}, follows=True, note="elements")
refused("Transpose", {"transpose": {"permutation": [0, 0, 1]}}, [data(2, 3, 4)], {"perm": [0, 0, 1]})
for x, target in [([2, 3, 4], [6, 4]), ([2, 3, 4], [-1]), ([2, 3, 4], [0, -1]), ([2, 3, 4], [4, 0, -1]), ([2, 3, 4], [0, 0, 0, 1]), ([1], []), ([2, 0, 4], [0, 0, 7]), ([6], [2, -1, 3])]:
    case("Reshape", {"reshape": {"allowZero": False}}, [data(*x), ints(*target)], note=f"{x} {target}")
case("Reshape", {"reshape": {"allowZero": True}}, [data(2, 0, 4), ints(0, 3)], {"allowzero": 1}, note="zero")
case("Reshape", {"reshape": {"allowZero": False}}, [ints(1, 2, 3, 4), ints(2, -1)], follows=True, note="elements")
for x, target in [([2, 3, 4], [5, 5]), ([2, 3, 4], [-1, 7]), ([2, 3], [-1, -1]), ([2, 3], [-2, 3]), ([2, 3], [1, 1, 0]), ([2, 0], [0, 0, -1])]:
    refused("Reshape", {"reshape": {"allowZero": False}}, [data(*x), ints(*target)], note=f"{x} {target}")
for axis in (0, 1, 2, 3, -1):
    case("Flatten", {"flatten": {"axis": axis}}, [data(2, 3, 4)], {"axis": axis}, note=f"{axis}")
refused("Flatten", {"flatten": {"axis": 4}}, [data(2, 3, 4)], {"axis": 4})
case("Squeeze", {"squeeze": {}}, [data(1, 3, 1, 4)])
case("Squeeze", {"squeeze": {}}, [data(1, 3, 1, 4), ints(-2)], note="axes")
case("Squeeze", {"squeeze": {}}, [Known([[7]]), ints(0)], follows=True, note="elements")
refused("Squeeze", {"squeeze": {}}, [data(1, 3), ints(1)])
case("Unsqueeze", {"unsqueeze": {}}, [data(3, 4), ints(0, -1)])
case("Unsqueeze", {"unsqueeze": {}}, [data(3, 4), ints(3, 1)], note="order")
case("Unsqueeze", {"unsqueeze": {}}, [Known(5), ints(0)], follows=True, note="elements")
refused("Unsqueeze", {"unsqueeze": {}}, [data(3, 4), ints(0, 0)])
for x, target in [([3, 1], [2, 1, 6]), ([3, 4], [1]), ([3, 1], [3, 4]), ([1], [0])]:
    case("Expand", {"expand": {}}, [data(*x), ints(*target)], note=f"{x} {target}")
case("Expand", {"expand": {}}, [Known([[1], [2]]), ints(2, 3)], follows=True, note="elements")
refused("Expand", {"expand": {}}, [data(3, 4), ints(3, 5)])
case("Tile", {"tile": {}}, [data(2, 3), ints(3, 2)])
case("Tile", {"tile": {}}, [data(2, 3), ints(0, 2)], note="zero")
case("Tile", {"tile": {}}, [ints(1, 2), ints(3)], follows=True, note="elements")
refused("Tile", {"tile": {}}, [data(2, 3), ints(3)])
for amounts, axes in [([0, 1, 2, 3], None), ([-1, 0, 0, -2], None), ([1, 2], [1]), ([1, 2], [-2]), ([1, 2, 3, 4], [1, 0])]:
    case("Pad", {"pad": {"mode": "constant"}}, [data(4, 5), ints(*amounts)] + ([None, ints(*axes)] if axes else []), note=f"{amounts} {axes}")
case("Pad", {"pad": {"mode": "reflect"}}, [data(1, 2, 5, 6), ints(0, 0, 2, 1, 0, 0, 3, 2)], {"mode": "reflect"}, note="reflect")
refused("Pad", {"pad": {"mode": "constant"}}, [data(4, 5), ints(1, 2)], note="count")
refused("Pad", {"pad": {"mode": "constant"}}, [data(4, 5), ints(-3, 0, -2, 0)], note="negative")
case("DepthToSpace", {"depthtospace": {"blockSize": 2, "columnRowDepth": False}}, [data(1, 8, 3, 5)], {"blocksize": 2})
refused("DepthToSpace", {"depthtospace": {"blockSize": 2, "columnRowDepth": False}}, [data(1, 6, 3, 5)], {"blocksize": 2})
case("SpaceToDepth", {"spacetodepth": {"blockSize": 2}}, [data(1, 3, 4, 6)], {"blocksize": 2})
refused("SpaceToDepth", {"spacetodepth": {"blockSize": 2}}, [data(1, 3, 5, 6)], {"blocksize": 2})
case("Trilu", {"triangular": {"upper": True}}, [data(2, 3, 4)], {"upper": 1})
for axis in (-1, 0, 1):
    case("OneHot", {"onehot": {"axis": axis}}, [data(2, 3, dtype=np.int64), Known(5), data(2)], {"axis": axis}, note=f"{axis}")

# Shapes as data ----------------------------------------------------------------------------------------------------
for start, end in [(0, None), (1, None), (-2, None), (0, -1), (1, 2), (3, 1), (-100, 100)]:
    op = {"shape": {"start": start}}
    attributes = {"start": start}
    if end is not None:
        op["shape"]["end"] = attributes["end"] = end
    case("Shape", op, [data(2, 3, 4)], attributes, follows=True, note=f"{start} {end}")
case("Shape", {"shape": {"start": 0}}, [data()], follows=True, note="scalar")
case("Size", {"size": {}}, [data(2, 3, 4)], follows=True)
value = {"type": "int64", "shape": [1], "bytes": base64.b64encode(np.array([7]).tobytes()).decode()}
for target in ([2, 3], [], [0, 4]):
    case("ConstantOfShape", {"constantofshape": {"value": value}}, [ints(*target)],
         {"value": numpy_helper.from_array(np.array([7]))}, follows=True, note=f"{target}")
for start, limit, delta in [(0, 10, 3), (5, 0, -2), (3, 3, 1), (0, -4, 1), (-5, 5, 5)]:
    case("Range", {"range": {}}, [Known(start), Known(limit), Known(delta)], follows=True, note=f"{start} {limit} {delta}")
case("Range", {"range": {}}, [Known(v, np.float32) for v in (0.5, 3.1, 0.7)], note="float")
case("NonZero", {"nonzero": {}}, [data(2, 3)])
case("NonZero", {"nonzero": {}}, [Known([[1, 0, 3], [0, 0, 4]])], follows=True, note="elements")

path = pathlib.Path(__file__).resolve().parent.parent / "Tests/Fixtures/shapes.json"
path.parent.mkdir(parents=True, exist_ok=True)
path.write_text("[\n" + ",\n".join(json.dumps(c) for c in cases) + "\n]\n")
print(f"{len(cases)} cases in {path}")
