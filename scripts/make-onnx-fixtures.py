#!/usr/bin/env python3
"""Makes Tests/ONNXFormatTests/Fixtures with the onnx package, which this project did not write.

nodes/    one small model for each operator that is read, from onnx's own backend tests; they declare the exact types
          of their outputs.
opsets/   NAME-OPSET.onnx: the same computation as different opsets write it.
*.onnx    single models; each test says what it looks at.

Usage: make-onnx-fixtures.py (onnx 1.23 and numpy; the bytes depend on nothing random)
"""
import collections
import pathlib
import shutil
import warnings

import numpy as np
import onnx
from onnx import TensorProto as T
from onnx import helper as h
from onnx.backend.test.case.node import collect_testcases

OUT = pathlib.Path(__file__).resolve().parent.parent / "Tests" / "ONNXFormatTests" / "Fixtures"

# Operators whose every form or some form is read; `nodes` takes up to three of onnx's tests for each.
OPERATORS = """
Abs Acos Add And ArgMax ArgMin Asin Atan AveragePool BatchNormalization BitShift BitwiseAnd BitwiseNot BitwiseOr
BitwiseXor Cast CastLike Ceil Celu Clip Concat Constant ConstantOfShape Conv ConvTranspose Cos Cosh CumSum DepthToSpace
Div Dropout Elu Equal Erf Exp Expand Flatten Floor GRU Gather GatherElements GatherND Gelu Gemm GlobalAveragePool
GlobalMaxPool Greater GreaterOrEqual GroupNormalization HardSigmoid HardSwish Identity If InstanceNormalization IsInf
IsNaN LRN LSTM LayerNormalization LeakyRelu Less LessOrEqual Log LogSoftmax MatMul Max MaxPool Mean Min Mish Mod Mul Neg
NonZero Not OneHot Or PRelu Pad Pow Range Reciprocal ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean
ReduceMin ReduceProd ReduceSum ReduceSumSquare Relu Reshape Resize Round ScatterElements ScatterND Selu Shape Sigmoid
Sign Sin Sinh Size Slice Softmax Softplus Softsign SpaceToDepth Split Sqrt Squeeze Sub Sum Swish Tan Tanh
ThresholdedRelu Tile TopK Transpose Trilu Unsqueeze Where Xor QuantizeLinear DequantizeLinear Einsum LpNormalization
RMSNormalization
""".split()
# Forms of those operators that no graph here can express.
REFUSED = ("training", "float8", "FLOAT8", "FLOAT4", "INT2", "UINT2", "STRING", "string", "seq", "opt", "indices",
           "with_argmax", "with_storage_order", "column_major", "neg_inf", "isinf_positive", "isinf_negative",
           "crd_spacetodepth", "spacetodepth_crd", "sequence", "float4", "int2", "batchnorm_epsilon_training", "blocked")
PLAIN = {T.FLOAT, T.DOUBLE, T.FLOAT16, T.BFLOAT16, T.INT8, T.INT16, T.INT32, T.INT64, T.UINT8, T.UINT16, T.UINT32,
         T.UINT64, T.BOOL, T.INT4, T.UINT4}


def save(model, path):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(model.SerializeToString(deterministic=True))


def nodes():
    taken = collections.Counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        cases = sorted((c for c in collect_testcases(None) if c.model is not None), key=lambda c: c.name)
    for case in cases:
        graph = case.model.graph
        if len(graph.node) != 1 or "expanded" in case.name or any(word in case.name for word in REFUSED):
            continue
        op = graph.node[0].op_type
        if op not in OPERATORS or graph.node[0].domain or taken[op] == 3:
            continue
        values = list(graph.input) + list(graph.output)
        if not all(v.type.HasField("tensor_type") and v.type.tensor_type.elem_type in PLAIN for v in values):
            continue
        if op == "LayerNormalization":  # without the results that only training uses
            del graph.node[0].output[1:], graph.output[1:]
        if op == "Cast" and graph.node[0].attribute[0].i not in PLAIN:
            continue
        if len(case.model.SerializeToString()) > 4000:
            continue
        taken[op] += 1
        save(case.model, OUT / "nodes" / (case.name.removeprefix("test_") + ".onnx"))
    missing = set(OPERATORS) - set(taken)
    assert not missing, missing


def const(name, values, dtype=np.int64):
    return onnx.numpy_helper.from_array(np.asarray(values, dtype=dtype), name)


def single(opset, op, *, inputs, outputs, constants=(), x=(T.FLOAT, [2, 4, 6]), extra=(), **attributes):
    """A model of one node `n` on input x; outputs are (name, type, shape)."""
    graph = h.make_graph(
        [h.make_node(op, inputs, [o[0] for o in outputs], name="n", **attributes)], "g",
        [h.make_tensor_value_info("x", *x)] + [h.make_tensor_value_info(*e) for e in extra],
        [h.make_tensor_value_info(*o) for o in outputs], list(constants))
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", opset)], ir_version=8, producer_name="fixtures")
    model = onnx.shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True)
    onnx.checker.check_model(model)
    return model


def opsets():
    def variant(name, opset, op, shape=None, **kw):
        kw.setdefault("outputs", [("y", T.FLOAT, shape)])  # onnx infers no shapes for some old versions of operators
        save(single(opset, op, **kw), OUT / "opsets" / f"{name}-{opset}.onnx")

    starts, ends, axes = const("s", [1, 2]), const("e", [3, -1]), const("a", [1, 2])
    for opset in (1, 9):
        variant("slice", opset, "Slice", inputs=["x"], starts=[1, 2], ends=[3, -1], axes=[1, 2])
    for opset in (10, 11, 13):
        variant("slice", opset, "Slice", inputs=["x", "s", "e", "a"], constants=[starts, ends, axes])
    one = dict(x=(T.FLOAT, [2, 1, 6]))
    for opset in (1, 7, 11):
        variant("squeeze", opset, "Squeeze", inputs=["x"], axes=[1], **one)
        variant("unsqueeze", opset, "Unsqueeze", inputs=["x"], axes=[0, 3])
    for opset in (13, 21):
        variant("squeeze", opset, "Squeeze", inputs=["x", "a"], constants=[const("a", [1])], **one)
        variant("unsqueeze", opset, "Unsqueeze", inputs=["x", "a"], constants=[const("a", [0, 3])])
    pads = [0, 1, 0, 0, 2, 0]
    variant("pad", 1, "Pad", inputs=["x"], paddings=pads, value=1.5, shape=[2, 7, 6])
    for opset in (2, 7):
        variant("pad", opset, "Pad", inputs=["x"], pads=pads, value=1.5)
    for opset in (11, 13, 18):
        variant("pad", opset, "Pad", inputs=["x", "p", "v"],
                constants=[const("p", pads), const("v", 1.5, np.float32)])
    variant("clip", 1, "Clip", inputs=["x"], min=-1.0, max=6.0, consumed_inputs=[0], shape=[2, 4, 6])
    for opset in (6, 7):
        variant("clip", opset, "Clip", inputs=["x"], min=-1.0, max=6.0)
    for opset in (11, 13):
        variant("clip", opset, "Clip", inputs=["x", "l", "h"],
                constants=[const("l", -1, np.float32), const("h", 6, np.float32)])
    for reduction, change in (("Sum", 13), ("Mean", 18), ("L2", 18), ("Max", 18)):
        name = f"reduce{reduction.lower()}"
        variant(name, 11, f"Reduce{reduction}", inputs=["x"], axes=[1, -1], keepdims=0)
        variant(name, change, f"Reduce{reduction}", inputs=["x", "a"], constants=[const("a", [1, -1])], keepdims=0)
    parts = [("y", T.FLOAT, None), ("z", T.FLOAT, None)]
    for opset in (2, 7, 11):
        variant("split", opset, "Split", inputs=["x"], axis=1, split=[1, 3], outputs=parts)
    for opset in (13, 18):
        variant("split", opset, "Split", inputs=["x", "s"], axis=1, constants=[const("s", [1, 3])], outputs=parts)
    variant("equalsplit", 11, "Split", inputs=["x"], axis=1, outputs=parts)
    variant("equalsplit", 13, "Split", inputs=["x"], axis=1, outputs=parts)
    variant("equalsplit", 18, "Split", inputs=["x"], axis=1, num_outputs=2, outputs=parts)
    image = dict(x=(T.FLOAT, [1, 2, 4, 4]))
    scales = const("s", [1, 1, 2, 2], np.float32)
    variant("upsample", 1, "Upsample", inputs=["x"], mode="nearest", height_scale=2.0, width_scale=2.0, shape=[1, 2, 8, 8],
            **image)
    variant("upsample", 7, "Upsample", inputs=["x"], mode="nearest", scales=[1.0, 1, 2, 2], **image)
    variant("upsample", 9, "Upsample", inputs=["x", "s"], mode="nearest", constants=[scales], **image)
    variant("upsample", 10, "Resize", inputs=["x", "s"], mode="nearest", constants=[scales], **image)
    asymmetric = dict(mode="nearest", coordinate_transformation_mode="asymmetric", nearest_mode="floor")
    variant("upsample", 11, "Resize", inputs=["x", "r", "s"], constants=[const("r", [], np.float32), scales],
            **asymmetric, **image)
    for opset in (13, 19):
        variant("upsample", opset, "Resize", inputs=["x", "", "s"], constants=[scales], **asymmetric, **image)
    sizes = const("z", [1, 2, 7, 8])
    empty = [const("r", [], np.float32), const("s", [], np.float32)]
    variant("resize", 11, "Resize", inputs=["x", "r", "s", "z"], mode="linear", constants=empty + [sizes], **image)
    variant("resize", 13, "Resize", inputs=["x", "", "", "z"], mode="linear", constants=[sizes], **image)
    top = [("y", T.FLOAT, None), ("i", T.INT64, None)]
    for opset in (1, 7):
        variant("topk", opset, "TopK", inputs=["x"], k=3, axis=-1, outputs=top)
    for opset in (10, 11):
        variant("topk", opset, "TopK", inputs=["x", "k"], axis=-1, constants=[const("k", [3])], outputs=top)
    variant("dropout", 1, "Dropout", inputs=["x"], ratio=0.3, is_test=1, consumed_inputs=[0], shape=[2, 4, 6])
    variant("dropout", 6, "Dropout", inputs=["x"], ratio=0.3, is_test=1)
    variant("dropout", 7, "Dropout", inputs=["x"], ratio=0.3)
    for opset in (12, 13, 22):
        variant("dropout", opset, "Dropout", inputs=["x", "r", "t"],
                constants=[const("r", 0.3, np.float32), const("t", False, bool)])
    statistics = [const(name, [1.0, 2, 3, 4], np.float32) for name in "sbmv"]
    for opset, extra in ((1, dict(is_test=1, consumed_inputs=[0, 0, 0, 1, 1], shape=[2, 4, 6])), (6, dict(is_test=1)),
                         (7, dict(spatial=1)), (9, {}), (14, dict(training_mode=0)), (15, {})):
        variant("batchnormalization", opset, "BatchNormalization", inputs=["x", *"sbmv"], constants=statistics,
                momentum=0.8, epsilon=0.001, **extra)
    flat = dict(x=(T.FLOAT, [2, 4]))
    for opset in (1, 7, 11):
        variant("softmax", opset, "Softmax", inputs=["x"], **flat)
    variant("softmax", 13, "Softmax", inputs=["x"], **flat, axis=1)
    for opset in (9, 11):
        data = [const("i", [[1], [2]]), const("u", [[5.0], [6]], np.float32)]
        variant("scatter", opset, "Scatter" if opset == 9 else "ScatterElements", inputs=["x", "i", "u"], axis=1,
                constants=data, **flat)
    for opset, extra in ((1, dict(broadcast=1, shape=[2, 3])), (6, dict(broadcast=1)), (7, {}), (13, {})):
        variant("gemm", opset, "Gemm", inputs=["x", "w", "c"], alpha=0.5, transB=1, **flat, **extra,
                constants=[const("w", np.ones((3, 4)), np.float32), const("c", [1, 2, 3], np.float32)])


def models():
    # A small network with an initialiser that is listed as an input, a typed tensor, a symbol and unnamed nodes.
    rng = np.arange(2 * 3 * 3 * 3, dtype=np.float32).reshape(2, 3, 3, 3) / 54
    weight = onnx.numpy_helper.from_array(rng, "weight")
    bias = h.make_tensor("bias", T.FLOAT, [2], [0.25, -0.5])
    graph = h.make_graph(
        [h.make_node("Conv", ["image", "weight", "bias"], ["c"], pads=[1, 1, 1, 1]),
         h.make_node("Relu", ["c"], ["r"], name="activation"),
         h.make_node("GlobalAveragePool", ["r"], ["p"]),
         h.make_node("Flatten", ["p"], ["logits"])],
        "network",
        [h.make_tensor_value_info("image", T.FLOAT, ["batch", 3, None, "?"]),
         h.make_tensor_value_info("weight", T.FLOAT, [2, 3, 3, 3])],
        [h.make_tensor_value_info("logits", T.FLOAT, ["batch", 2])], [weight, bias])
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=8, producer_name="fixtures",
                         producer_version="1")
    onnx.checker.check_model(model, full_check=True)
    save(model, OUT / "network.onnx")

    # Every element type twice: in its typed field and as raw data.
    values = {T.FLOAT: [1.5, -2, 3], T.DOUBLE: [1.5, -2, 3], T.FLOAT16: [1.5, -2, 3], T.BFLOAT16: [1.5, -2, 3],
              T.INT8: [1, -2, 3], T.INT16: [1, -2, 3], T.INT32: [1, -2, 3], T.INT64: [1, -2, 3],
              T.UINT8: [1, 200, 3], T.UINT16: [1, 60000, 3], T.UINT32: [1, 4000000000, 3], T.UINT64: [1, 2**63, 3],
              T.BOOL: [1, 0, 1], T.INT4: [1, -2, 3], T.UINT4: [1, 12, 3], T.INT2: [1, -2, -1], T.UINT2: [1, 2, 3],
              T.FLOAT8E4M3FN: [1.5, -2, 3], T.FLOAT8E4M3FNUZ: [1.5, -2, 3], T.FLOAT8E5M2: [1.5, -2, 3],
              T.FLOAT8E5M2FNUZ: [1.5, -2, 3], T.FLOAT8E8M0: [0.5, 2, 4], T.FLOAT4E2M1: [1.5, -2, 3]}
    tensors = []
    for type, elements in values.items():
        name = T.DataType.Name(type)
        typed = h.make_tensor(f"{name} typed", type, [3], elements)
        array = onnx.numpy_helper.to_array(typed)
        raw = onnx.numpy_helper.from_array(array, f"{name} raw")
        assert raw.data_type == type and raw.raw_data and not typed.raw_data
        tensors += [typed, raw]
    graph = h.make_graph(
        [h.make_node("Identity", ["x"], ["y"])], "types", [h.make_tensor_value_info("x", T.FLOAT, [1])],
        [h.make_tensor_value_info("y", T.FLOAT, [1])], tensors)
    save(h.make_model(graph, opset_imports=[h.make_opsetid("", 21)], ir_version=10), OUT / "types.onnx")

    # Functions of the model: one calls the other in a branch, has an attribute with a default, and a sparse constant.
    factor = onnx.AttributeProto(name="factor", type=onnx.AttributeProto.FLOAT, f=0.5)
    leak = h.make_node("LeakyRelu", ["a"], ["t"], name="leak")
    leak.attribute.append(onnx.AttributeProto(name="alpha", ref_attr_name="factor", type=onnx.AttributeProto.FLOAT))
    inner = h.make_function(
        "local", "Inner", ["a", "b"], ["c"], [leak, h.make_node("Add", ["t", "b"], ["c"], name="add")],
        [h.make_opsetid("", 17)], attribute_protos=[factor])
    sparse = h.make_sparse_tensor(const("", [2.0, 3], np.float32), const("", [1, 2]), [3])

    def closed(*nodes):
        return h.make_graph(list(nodes), "b", [], [h.make_tensor_value_info("r", T.FLOAT, None)])

    outer = h.make_function(
        "local", "Outer", ["flag", "a"], ["r"],
        [h.make_node("Constant", [], ["k"], name="k", sparse_value=sparse),
         h.make_node("If", ["flag"], ["r"], name="if",
                     then_branch=closed(h.make_node("Inner", ["a", "k"], ["r"], name="i", domain="local")),
                     else_branch=closed(h.make_node("Mul", ["a", "k"], ["r"], name="m")))],
        [h.make_opsetid("", 17), h.make_opsetid("local", 1)])
    graph = h.make_graph(
        [h.make_node("Inner", ["x", "w"], ["t"], name="first", domain="local", factor=0.25),
         h.make_node("Outer", ["flag", "t"], ["y"], name="second", domain="local")], "functions",
        [h.make_tensor_value_info("x", T.FLOAT, [2, 3]), h.make_tensor_value_info("flag", T.BOOL, [])],
        [h.make_tensor_value_info("y", T.FLOAT, [2, 3])],
        sparse_initializer=[h.make_sparse_tensor(const("w", [1.0, 5], np.float32), const("", [0, 2]), [3])])
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", 17), h.make_opsetid("local", 1)],
                         functions=[inner, outer], ir_version=8)
    onnx.checker.check_model(model)
    save(model, OUT / "functions.onnx")

    # Branches that capture a value, a constant, each other's values, and the outer value from two graphs deep.
    def branch(name, *nodes, output, initializers=()):
        return h.make_graph(list(nodes), name, [], [h.make_tensor_value_info(output, T.FLOAT, None)],
                            list(initializers))

    inner = h.make_node(
        "If", ["flag"], ["i"], name="inner",
        then_branch=branch("deep", h.make_node("Mul", ["x", "k"], ["d"]), output="d"),
        else_branch=branch("shallow", h.make_node("Identity", ["h"], ["s"]), output="s"))
    outer = h.make_node(
        "If", ["flag"], ["y"], name="outer",
        then_branch=branch("t", inner, h.make_node("Neg", ["i"], ["t_out"]), output="t_out"),
        else_branch=branch("e", h.make_node("Add", ["h", "own"], ["e_out"]), output="e_out",
                           initializers=[const("own", [7.0, 8], np.float32)]))
    graph = h.make_graph(
        [h.make_node("Exp", ["x"], ["h"], name="exp"), outer], "branches",
        [h.make_tensor_value_info("x", T.FLOAT, [2]), h.make_tensor_value_info("flag", T.BOOL, [])],
        [h.make_tensor_value_info("y", T.FLOAT, [2])], [const("k", 3.0, np.float32)])
    model = h.make_model(graph, opset_imports=[h.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model, full_check=True)
    save(model, OUT / "branches.onnx")


if __name__ == "__main__":
    shutil.rmtree(OUT, ignore_errors=True)
    nodes()
    opsets()
    models()
    files = [f for f in OUT.rglob("*") if f.is_file()]
    print(f"{len(files)} files, {sum(f.stat().st_size for f in files)} bytes in {OUT}")
