#!/usr/bin/env python3
"""Writes Tests/Fixtures/strings/*.onnx: models of texts whose memory tests watch.

    .venv/bin/python scripts/make-string-fixtures.py
"""

import pathlib

from onnx import TensorProto, helper

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "Tests" / "Fixtures" / "strings"


def write(name, nodes, output, constants=()):
    graph = helper.make_graph(
        nodes, name, [helper.make_tensor_value_info("x", TensorProto.STRING, ["n"])],
        [helper.make_tensor_value_info("y", output, ["n"])], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    (FOLDER / f"{name}.onnx").write_bytes(model.SerializeToString())


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for times in (1, 21):
        names = ["x", *(f"v{step}" for step in range(1, times)), "y"]
        write(f"doubling{times}", [
            helper.make_node("StringConcat", [names[step]] * 2, [names[step + 1]]) for step in range(times)], TensorProto.STRING)
    write("equality", [helper.make_node("Equal", ["x", "c"], ["y"])], TensorProto.BOOL,
          [helper.make_tensor("c", TensorProto.STRING, [1], [b"b"])])
