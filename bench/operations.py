"""How many floating-point operations a run of a model takes: its convolutions and matrix products, two operations a
multiplication with its addition, from the shapes that a run really has."""

import json

import numpy as np
import onnx
import onnxruntime

from field import digest
from places import WORK

COUNTED = {"Conv", "ConvTranspose", "Gemm", "MatMul"}
KEPT = WORK / "operations.json"


def count(entry):
    """Operations of one run; None for a model with conditionals or recurrences, whose work is not in view."""
    known = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    key = digest(entry["onnx"]) + str([item["shape"] for item in entry["inputs"]])
    if key not in known:
        known[key] = counted(entry)
        KEPT.write_text(json.dumps(known))
    return known[key]


def counted(entry):
    model = onnx.load(entry["onnx"])
    if any(node.op_type in {"If", "Loop", "Scan", "LSTM", "GRU", "RNN"} for node in model.graph.node):
        return None
    nodes = [node for node in model.graph.node if node.op_type in COUNTED]
    # Everything that such a node touches becomes an output, and a run shows its shape.
    wanted = {name for node in nodes for name in [*node.input[:2], node.output[0]]}
    constants = {weight.name: list(weight.dims) for weight in model.graph.initializer}
    inputs = {value.name for value in model.graph.input}
    del model.graph.output[:]
    asked = sorted(wanted - constants.keys() - inputs)
    model.graph.output.extend(onnx.ValueInfoProto(name=name) for name in asked)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    feed = {item["name"]: np.load(item["file"]) for item in entry["inputs"]}
    shapes = constants | {name: list(value.shape) for name, value in feed.items()}
    shapes |= {name: list(value.shape) for name, value in zip(asked, session.run(asked, feed))}
    return int(sum(2 * multiplications(node, shapes) for node in nodes))


def multiplications(node, shapes):
    left, right, result = shapes[node.input[0]], shapes[node.input[1]], shapes[node.output[0]]
    if node.op_type == "Conv":
        return np.prod(result) * np.prod(right[1:])
    if node.op_type == "ConvTranspose":
        return np.prod(left) * np.prod(right[1:])
    if node.op_type == "Gemm":
        transposed = any(item.name == "transA" and item.i for item in node.attribute)
        return np.prod(result) * left[0 if transposed else -1]
    return np.prod(result) * left[-1]
