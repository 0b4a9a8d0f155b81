#!/usr/bin/env python3
"""Writes Tests/Fixtures/needs: models whose need of memory depends on data, with onnxruntime's answers.

    .venv/bin/python scripts/make-need-fixtures.py

Each model has a small request, one that needs more than the test's budget, and one that onnxruntime refuses too, where there
is such a request.
"""

import json
import pathlib

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

FOLDER = pathlib.Path(__file__).parent.parent / "Tests" / "Fixtures" / "needs"
FLOAT, BOOL, INT64 = TensorProto.FLOAT, TensorProto.BOOL, TensorProto.INT64
node = helper.make_node
rng = np.random.default_rng(5)


def info(name, *shape, type=FLOAT):
    return helper.make_tensor_value_info(name, type, shape)


def sizes(*values):
    return np.array(values, np.int64)


def floats(*shape):
    return rng.uniform(-1, 1, shape).astype(np.float32).round(3)


def nested(depth):
    """`depth` conditionals in one another, all of one condition."""
    inner = [node("Identity", ["x"], ["t0"])]
    for level in range(1, depth + 1):
        other = helper.make_graph(
            [node("Neg", ["x"], [f"e{level}"])], f"else{level}", [], [helper.make_empty_tensor_value_info(f"e{level}")])
        then = helper.make_graph(
            inner, f"then{level}", [], [helper.make_empty_tensor_value_info(f"t{level - 1}")])
        result = "y" if level == depth else f"t{level}"
        inner = [node("If", ["c"], [result], then_branch=then, else_branch=other)]
    return inner


def chained(length):
    """Conditionals each of which decides the next one's condition."""
    nodes, condition = [], "c"
    for index in range(length):
        def branch(name, values):
            return helper.make_graph(
                [node("Constant", [], [f"{name}{index}"], value=numpy_helper.from_array(np.array(values)))],
                f"{name}{index}", [], [helper.make_empty_tensor_value_info(f"{name}{index}")])
        nodes.append(node(
            "If", [condition], [f"c{index}"], then_branch=branch("no", False), else_branch=branch("yes", True)))
        condition = f"c{index}"
    return nodes + [node("Where", [condition, "x", "z"], ["y"])]


def models():
    x, y = info("x", 1), info("y", "n")
    one = info("s", 1, type=INT64)
    ten = np.array([2], np.float32)
    yield "expand", [x, one], [y], [node("Expand", ["x", "s"], ["y"])], {}, dict(
        small=[{"x": ten, "s": sizes(8)}], large=[{"x": ten, "s": sizes(10**9)}], wrong=[{"x": ten, "s": sizes(-3)}])
    yield "tile", [x, one], [y], [node("Tile", ["x", "s"], ["y"])], {}, dict(
        small=[{"x": ten, "s": sizes(8)}], large=[{"x": ten, "s": sizes(10**9)}], wrong=[{"x": ten, "s": sizes(-3)}])
    yield "range", [info("s", type=INT64), info("d", type=INT64)], [info("y", "n", type=INT64)], [
        node("Range", ["z", "s", "d"], ["y"])], {"z": np.array(0, np.int64)}, dict(
        small=[{"s": np.array(8), "d": np.array(1)}], large=[{"s": np.array(10**9), "d": np.array(1)}],
        wrong=[{"s": np.array(8), "d": np.array(0)}])
    yield "pad", [x, info("s", 2, type=INT64)], [y], [node("Pad", ["x", "s"], ["y"])], {}, dict(
        small=[{"x": ten, "s": sizes(3, 4)}], large=[{"x": ten, "s": sizes(3, 10**9)}],
        wrong=[{"x": ten, "s": sizes(-3, 0)}])
    yield "one-hot", [info("i", 2, type=INT64), one], [info("y", 2, "n")], [
        node("OneHot", ["i", "s", "v"], ["y"])], {"v": np.array([0, 1], np.float32)}, dict(
        small=[{"i": sizes(1, 3), "s": sizes(8)}], large=[{"i": sizes(1, 3), "s": sizes(10**9)}],
        wrong=[{"i": sizes(1, 3), "s": sizes(-1)}])
    yield "filled", [one], [y], [node("ConstantOfShape", ["s"], ["y"])], {}, dict(
        small=[{"s": sizes(8)}], large=[{"s": sizes(10**9)}], wrong=[{"s": sizes(-8)}])
    # What is found decides how much a head of fixed size takes.
    yield "detector", [info("x", "n", type=BOOL)], [y], [
        node("NonZero", ["x"], ["found"]), node("Shape", ["found"], ["both"]),
        node("Slice", ["both", "one", "two"], ["count"]),
        node("Mul", ["count", "head"], ["area"]), node("ConstantOfShape", ["area"], ["maps"]),
        node("ReduceSum", ["maps"], ["y"], keepdims=1),
    ], {"one": sizes(1), "two": sizes(2), "head": sizes(100_000)}, dict(
        small=[{"x": np.arange(64) % 60 == 1}], large=[{"x": np.ones(64, bool)}])
    yield "non-zeros", [info("x", "n", type=BOOL)], [info("y", 2, type=INT64)], [
        node("Reshape", ["x", "s"], ["r"]), node("NonZero", ["r"], ["i"]), node("Shape", ["i"], ["y"]),
    ], {"s": sizes(*[1] * 15, -1)}, dict(small=[{"x": np.arange(64) % 7 == 1}], large=[{"x": np.ones(100_000, bool)}])
    yield "nested-10", [info("c", type=BOOL), x], [info("y", 1)], nested(10), {}, dict(
        small=[{"c": np.array(True), "x": ten}, {"c": np.array(False), "x": ten}])
    yield "nested-15", [info("c", type=BOOL), x], [info("y", 1)], nested(15), {}, dict(
        small=[{"c": np.array(True), "x": ten}, {"c": np.array(False), "x": ten}])
    yield "chained-20", [info("c", type=BOOL), x], [info("y", 1)], chained(20), {
        "z": np.array([7], np.float32)}, dict(
        small=[{"c": np.array(True), "x": ten}, {"c": np.array(False), "x": ten}])
    for mode in ["edge", "reflect"]:
        yield f"pad-{mode}", [info("x", "n", 2), info("s", 4, type=INT64)], [info("y", "a", "b")], [
            node("Pad", ["x", "s"], ["y"], mode=mode)], {}, dict(
            small=[{"x": floats(3, 2), "s": sizes(1, 0, 1, 0)}], wrong=[{"x": floats(0, 2), "s": sizes(1, 0, 1, 0)}])
    yield "reshape", [info("x", "n"), info("s", 2, type=INT64)], [info("y", "a", "b")], [
        node("Reshape", ["x", "s"], ["y"])], {}, dict(
        small=[{"x": floats(6), "s": sizes(2, 3)}],
        wrong=[{"x": floats(6), "s": sizes(4, 2)}, {"x": floats(6), "s": sizes(-1, -1)}, {"x": floats(6), "s": sizes(-1, 4)}])
    yield "slice", [info("x", "n"), info("b", 1, type=INT64), info("t", 1, type=INT64)], [y], [
        node("Slice", ["x", "b", "e", "a", "t"], ["y"])], {"e": sizes(5), "a": sizes(0)}, dict(
        small=[{"x": floats(6), "b": sizes(1), "t": sizes(2)}], wrong=[{"x": floats(6), "b": sizes(1), "t": sizes(0)}])
    yield "gather", [info("x", "n"), info("i", "m", type=INT64)], [info("y", "m")], [
        node("Gather", ["x", "i"], ["y"])], {}, dict(
        small=[{"x": floats(6), "i": sizes(1, -1)}], wrong=[{"x": floats(6), "i": sizes(6)}, {"x": floats(6), "i": sizes(-7)}])
    yield "scatter", [info("x", "n"), info("i", "m", type=INT64), info("u", "m")], [info("y", "n")], [
        node("ScatterElements", ["x", "i", "u"], ["y"])], {}, dict(
        small=[{"x": floats(6), "i": sizes(1, -1), "u": floats(2)}], wrong=[{"x": floats(6), "i": sizes(6), "u": floats(1)}])
    yield "top-k", [info("x", "n"), one], [y], [node("TopK", ["x", "s"], ["y", "k"])], {}, dict(
        small=[{"x": floats(6), "s": sizes(2)}], wrong=[{"x": floats(6), "s": sizes(7)}, {"x": floats(6), "s": sizes(-1)}])
    yield "resize-sizes", [info("x", 1, 1, "h", "w"), info("s", 4, type=INT64)], [info("y", 1, 1, "a", "b")], [
        node("Resize", ["x", "", "", "s"], ["y"], mode="nearest")], {}, dict(
        small=[{"x": floats(1, 1, 2, 2), "s": sizes(1, 1, 4, 4)}],
        wrong=[{"x": floats(1, 1, 2, 2), "s": sizes(1, 1, -1, 4)}])
    yield "resize-scales", [info("x", 1, 1, "h", "w"), info("s", 4)], [info("y", 1, 1, "a", "b")], [
        node("Resize", ["x", "", "s"], ["y"], mode="nearest")], {}, dict(
        small=[{"x": floats(1, 1, 2, 2), "s": np.array([1, 1, 2, 2], np.float32)}],
        wrong=[{"x": floats(1, 1, 2, 2), "s": np.array([1, 1, -2, 2], np.float32)}])
    yield "split", [info("x", "n"), info("s", 2, type=INT64)], [info("y", "a"), info("z", "b")], [
        node("Split", ["x", "s"], ["y", "z"], axis=0)], {}, dict(
        small=[{"x": floats(6), "s": sizes(2, 4)}], wrong=[{"x": floats(6), "s": sizes(2, 5)}, {"x": floats(6), "s": sizes(-2, 8)}])
    yield "unsqueeze", [info("x", "n"), info("s", 2, type=INT64)], [info("y", "a", "b", "c")], [
        node("Unsqueeze", ["x", "s"], ["y"])], {}, dict(
        small=[{"x": floats(6), "s": sizes(0, 2)}], wrong=[{"x": floats(6), "s": sizes(0, 0)}, {"x": floats(6), "s": sizes(0, 9)}])
    yield "concat", [info("x", "n", "k"), info("z", "m", "l")], [info("y", "a", "b")], [
        node("Concat", ["x", "z"], ["y"], axis=0)], {}, dict(
        small=[{"x": floats(2, 3), "z": floats(1, 3)}], wrong=[{"x": floats(2, 3), "z": floats(1, 4)}])
    yield "product", [info("x", "n", "k"), info("z", "m", "l")], [info("y", "a", "b")], [
        node("MatMul", ["x", "z"], ["y"])], {}, dict(
        small=[{"x": floats(2, 3), "z": floats(3, 4)}], wrong=[{"x": floats(2, 3), "z": floats(2, 3)}])
    yield "sum", [info("x", "n"), info("z", "m")], [info("y", "a")], [node("Add", ["x", "z"], ["y"])], {}, dict(
        small=[{"x": floats(3), "z": floats(1)}], wrong=[{"x": floats(3), "z": floats(2)}])
    yield "convolution", [info("x", 1, 1, "h", "w")], [info("y", 1, 1, "a", "b")], [
        node("Conv", ["x", "w"], ["y"])], {"w": floats(1, 1, 3, 3)}, dict(
        small=[{"x": floats(1, 1, 4, 4)}], wrong=[{"x": floats(1, 1, 2, 2)}])
    yield "sequence-sum", [info("x", "n"), one], [y], [node("CumSum", ["x", "s"], ["y"])], {}, dict(
        small=[{"x": floats(4), "s": sizes(0)}], wrong=[{"x": floats(4), "s": sizes(1)}])
    yield "axes-sum", [info("x", "n", "k"), one], [info("y", "a", "b")], [
        node("ReduceSum", ["x", "s"], ["y"])], {}, dict(
        small=[{"x": floats(4, 2), "s": sizes(1)}], wrong=[{"x": floats(4, 2), "s": sizes(2)}])


def entry(name, array):
    array = np.asarray(array)
    flat = array.flatten()
    values = flat[:1] if flat.size > 1000 else flat
    return {"name": name, "type": str(array.dtype), "shape": list(array.shape), "values": [float(value) for value in values]}


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    cases = []
    for name, inputs, outputs, nodes, constants, requests in models():
        graph = helper.make_graph(
            nodes, name, inputs, outputs, [numpy_helper.from_array(np.asarray(array), key) for key, array in constants.items()])
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        onnx.save(model, FOLDER / f"{name}.onnx")
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 4
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        case = {"model": name, "requests": []}
        for kind in ["small", "large", "wrong"]:
            for fed in requests.get(kind, []):
                request = {"kind": kind, "inputs": [entry(*item) for item in fed.items()]}
                if kind == "small":
                    answers = session.run(None, fed)
                    request["outputs"] = [entry(output.name, answer) for output, answer in zip(outputs, answers)]
                case["requests"].append(request)
                if kind == "wrong":
                    try:
                        print(name, "onnxruntime answers:", [a.shape for a in session.run(None, fed)])
                    except Exception:
                        pass
        cases.append(case)
    text = ",\n ".join(json.dumps(case, separators=(",", ":")) for case in cases)
    (FOLDER / "cases.json").write_text("[" + text + "]\n")


if __name__ == "__main__":
    main()
