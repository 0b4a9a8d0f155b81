"""Writes cases: models, their inputs, the expected outputs, and the differences that are excused.

Run as a child, `python -m fuzz_graphs.authoring LIST`: onnxruntime may crash or hang. A line of the list is an object with `name`,
`folder`, and `seed` (with `only`) or `replay`, the path of a model whose inputs have default values.
"""

import json
import pathlib
import sys

import numpy as np
import onnx
from onnx import numpy_helper

from conformance_suite import values

from . import construction, evaluation, graph, peers

# The variants of a value where a difference is confirmed.
THOROUGH = 24


def write(name, folder, model, inputs, outputs, found):
    """Writes the files of a case; returns its entry."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    onnx.save(model, folder / "model.onnx")
    onnx.save(kept(model, inputs), folder / "kept.onnx")
    given = [{"name": each, "value": values.write(array, folder, f"input_{index}")} for index, (each, array) in enumerate(inputs.items())]
    for each in given:
        each["value"]["file"] = str(folder / each["value"]["file"])
    expected, excused = [], []
    for index, output in enumerate(outputs):
        value = values.write(found.value(output), folder, f"expected_{index}")
        expected.append(value | {"file": str(folder / value["file"])})
        tolerance = found.tolerance(output)
        excused.append(None)
        if tolerance is not None:
            excused[-1] = str(folder / f"excused_{index}.npy")
            np.save(excused[-1], tolerance)
    return {"name": name, "model": str(folder / "model.onnx"), "inputs": given, "expected": expected, "excused": excused,
            "random": bool(found.random), "folder": str(folder)}


def author(item):
    """Returns the answer to one line: the case, or the reasons why there is none."""
    if "replay" in item:
        return replayed(item)
    drawn, left_out = construction.draw(item["seed"], item.get("only"))
    outputs = drawn.outputs()
    if not outputs:
        return {"name": item["name"], "left_out": left_out}
    model, inputs = drawn.model(outputs)
    case = write(item["name"], item["folder"], model, inputs, outputs, drawn.evaluation)
    return {"name": item["name"], "case": case, "operators": [node.op_type for node in drawn.nodes], "left_out": left_out}


def separated(model):
    """The parts of a model whose inputs have default values: nodes, inputs, constants, opsets."""
    arrays = {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    inputs = {value.name: arrays.pop(value.name) for value in model.graph.input}
    opsets = {"ai.onnx.ml": 1, "com.microsoft": 1} | {opset.domain: opset.version for opset in model.opset_import}
    return list(model.graph.node), inputs, arrays, opsets


def dims_of(model):
    """The declared dimensions of the inputs."""
    return {value.name: [each.dim_param or (each.dim_value if each.HasField("dim_value") else None)
                         for each in value.type.tensor_type.shape.dim] for value in model.graph.input}


def replayed(item):
    """The case of a model with default inputs. `by` and `wide` choose how it is computed, `variants` how thoroughly, and `nodes` a
    part of it, whose operands are then inputs."""
    model = onnx.load(item["replay"])
    nodes, inputs, constants, opsets = separated(model)
    outputs, declared = [value.name for value in model.graph.output], dims_of(model)
    try:
        if "nodes" in item:
            whole = computed(nodes, inputs | constants, opsets, {"variants": 0})
            nodes = [nodes[index] for index in item["nodes"]]
            inputs, outputs = cut(nodes, whole, constants)
        found = computed(nodes, inputs | constants, opsets, item)
    except construction.LEFT_OUT as error:
        return {"name": item["name"], "left_out": [f"{type(error).__name__}: {error}"]}
    read = {name for node in nodes for name in peers.operands(node)}
    bare = graph.assembled(
        nodes, inputs, {name: array for name, array in constants.items() if name in read}, {name: found.value(name) for name in outputs},
        opsets, lambda name, shape: declared.get(name, list(shape)))
    bare.ir_version = model.ir_version
    case = write(item["name"], item["folder"], bare, inputs, outputs, found)
    return {"name": item["name"], "case": case, "operators": [node.op_type for node in nodes], "left_out": []}


def computed(nodes, given, opsets, item):
    found = evaluation.Evaluation(opsets, 1, item.get("variants", THOROUGH), item.get("by"), item.get("wide", False))
    for name, array in given.items():
        found.give(name, array)
    for node in nodes:
        found.compute(node)
    return found


def cut(nodes, whole, constants):
    """The inputs and outputs of some of a graph's nodes."""
    made = [name for node in nodes for name in node.output if name]
    read = {name for node in nodes for name in peers.operands(node)}
    inputs = {name: whole.value(name) for name in sorted(read) if name not in made and name not in constants}
    return inputs, [name for name in made if name not in read] or made


def kept(model, inputs):
    """The model with the values of its inputs as defaults: one file that replays the case."""
    result = onnx.ModelProto()
    result.CopyFrom(model)
    result.graph.initializer.extend(numpy_helper.from_array(array, name) for name, array in inputs.items())
    return result


def main():
    print("ready", flush=True)
    for line in pathlib.Path(sys.argv[1]).read_text().splitlines():
        print(json.dumps(author(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
