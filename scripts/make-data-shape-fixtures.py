#!/usr/bin/env python3
"""Writes Tests/Fixtures/data-shapes: small models whose shapes depend on data, with onnxruntime's answers.

    .venv/bin/python scripts/make-data-shape-fixtures.py
"""

import json
import pathlib

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

FOLDER = pathlib.Path(__file__).parent.parent / "Tests" / "Fixtures" / "data-shapes"
WIDTH, HIDDEN, COPIES = 4, 12, 40
rng = np.random.default_rng(11)
FLOAT, BOOL = TensorProto.FLOAT, TensorProto.BOOL


def uniform(*shape):
    return rng.uniform(-1, 1, shape).astype(np.float32)


WEIGHTS = {
    "score.w": uniform(WIDTH, 1), "up.w": uniform(WIDTH, HIDDEN), "mix.w": uniform(HIDDEN, HIDDEN),
    "zero": np.float32(0), "column": np.array([1], np.int64), "copies": np.array([COPIES, 1], np.int64),
    "both": np.array([0, 1], np.int64), "first": np.array([0], np.int64),
    "end": np.array([1 << 40], np.int64), "step": np.array([COPIES], np.int64),
}
node = helper.make_node


def info(name, *shape, type=FLOAT):
    return helper.make_tensor_value_info(name, type, shape)


def selection(source, prefix):
    """The rows of `source` whose score is positive, as `PREFIX.rows`; their scores before that, as `PREFIX.score`."""
    return [
        node("MatMul", [source, "score.w"], [prefix + ".column"]),
        node("Squeeze", [prefix + ".column", "column"], [prefix + ".score"]),
        node("Greater", [prefix + ".score", "zero"], [prefix + ".kept"]),
        node("NonZero", [prefix + ".kept"], [prefix + ".indices"]),
        node("Squeeze", [prefix + ".indices", "first"], [prefix + ".flat"]),
        node("Gather", [source, prefix + ".flat"], [prefix + ".rows"], axis=0),
    ]


def wide(source, result, prefix):
    """Many more activations than went in: the rest of a plan takes more arena than its start."""
    return [
        node("MatMul", [source, "up.w"], [prefix + ".up"]),
        node("Tile", [prefix + ".up", "copies"], [prefix + ".tiled"]),
        node("MatMul", [prefix + ".tiled", "mix.w"], [prefix + ".mixed"]),
        node("Tanh", [prefix + ".mixed"], [prefix + ".bent"]),
        node("Slice", [prefix + ".bent", "first", "end", "first", "step"], [result]),
    ]


def narrow(source, result, prefix):
    return [
        node("ReduceMean", [source], [prefix + ".mean"], axes=[1], keepdims=1),
        node("Sigmoid", [prefix + ".mean"], [result]),
    ]


def branch(name, nodes, output):
    return helper.make_graph(nodes, name, [], [helper.make_empty_tensor_value_info(output)])


def choice(condition, result, then, otherwise, prefix):
    return node(
        "If", [condition], [result], name=prefix,
        then_branch=branch(prefix + ".then", then, prefix + ".a"),
        else_branch=branch(prefix + ".else", otherwise, prefix + ".b"))


def models():
    rows = info("rows", "n", WIDTH)
    yield "select", [rows], [info("score", "n"), info("features", "k", HIDDEN)], [
        *selection("rows", "pick"), node("Identity", ["pick.score"], ["score"]),
        *wide("pick.rows", "features", "wide"),
    ]
    yield "branch", [rows, info("flag", type=BOOL)], [info("answer", "a", "b"), info("doubled", "n", WIDTH)], [
        node("Add", ["rows", "rows"], ["doubled"]),
        choice("flag", "chosen", wide("doubled", "if.a", "wide"), narrow("doubled", "if.b", "narrow"), "if"),
        node("Relu", ["chosen"], ["answer"]),
    ]
    inner = [
        *selection("rows", "pick"),
        node("ReduceSum", ["pick.rows", "both"], ["sum"], keepdims=0),
        node("Less", ["sum", "zero"], ["negative"]),
        choice(
            "negative", "outer.a", wide("pick.rows", "inner.a", "wide"), narrow("pick.rows", "inner.b", "narrow"),
            "inner"),
    ]
    yield "nested", [rows, info("flag", type=BOOL)], [info("answer", "a", "b")], [
        choice("flag", "chosen", inner, narrow("rows", "outer.b", "narrow"), "outer"),
        node("Neg", ["chosen"], ["answer"]),
    ]


def entry(name, array):
    array = np.asarray(array)
    return {"name": name, "type": str(array.dtype), "shape": list(array.shape),
            "values": [round(float(value), 7) for value in array.flatten()]}


def used(nodes):
    names = set()
    for one in nodes:
        names |= set(one.input)
        for attribute in one.attribute:
            names |= used(attribute.g.node)
    return names


def main():
    FOLDER.mkdir(parents=True, exist_ok=True)
    cases = []
    for name, inputs, outputs, nodes in models():
        constants = [numpy_helper.from_array(np.asarray(array), key) for key, array in WEIGHTS.items()
                     if key in used(nodes)]
        graph = helper.make_graph(nodes, name, inputs, outputs, constants)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
        onnx.checker.check_model(model)
        onnx.save(model, FOLDER / f"{name}.onnx")
        session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
        weights = WEIGHTS["score.w"][:, 0]
        some = np.round(uniform(6, WIDTH), 3)
        none = np.round(uniform(3, WIDTH), 3) * 0 - np.sign(weights).astype(np.float32)
        for rows in [some, -some[:4], none]:
            for flag in [True, False] if len(inputs) > 1 else [None]:
                fed = {"rows": rows} | ({} if flag is None else {"flag": np.array(flag)})
                answers = session.run(None, fed)
                cases.append({
                    "model": name, "inputs": [entry(*item) for item in fed.items()],
                    "outputs": [entry(output.name, answer) for output, answer in zip(outputs, answers)]})
    text = ",\n ".join(json.dumps(case, separators=(",", ":")) for case in cases)
    (FOLDER / "cases.json").write_text("[" + text + "]\n")


if __name__ == "__main__":
    main()
