"""The cases of onnx's backend tests, written as files: models, inputs and expected outputs.

`node` cases are made by the modules of `onnx.backend.test.case`; those of an operator's definition as a function are the suite
`node, expanded`. The others are files of the wheel. Cases of training operators are left out.
"""

import hashlib
import json
import pathlib
import shutil
import warnings

import numpy as np
import onnx
from onnx import helper, numpy_helper
from onnx.backend.test.loader import load_model_tests
from onnx.backend.test.runner import Runner

from . import values

DATA = pathlib.Path(onnx.__file__).parent / "backend" / "test" / "data"
SUITES = ["node", "node, expanded", "simple", "light", "pytorch-operator", "pytorch-converted"]
TRAINING = "ai.onnx.preview.training"
RANDOM = {"Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"}


def prepare(root):
    """Returns the folder of the cases and their list. They are written once for each version of onnx and of this code."""
    code = b"".join(path.read_bytes() for path in sorted(pathlib.Path(__file__).parent.glob("*.py")))
    folder = root / f"onnx-{onnx.__version__}-{hashlib.sha256(code).hexdigest()[:12]}"
    index = folder / "cases.json"
    if not index.exists():
        for old in root.glob("onnx-*"):
            shutil.rmtree(old)
        folder.mkdir(parents=True)
        index.write_text(json.dumps([
            write(folder, *case) for case in sorted(found(), key=lambda case: case[1].name)
            if not is_training(case[2])]))
    return folder, json.loads(index.read_text())


def found():
    """Yields (suite, test case, model, inputs, outputs)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        nodes = load_model_tests(kind="node")
    for case in nodes:
        suite = "node, expanded" if "_expanded" in case.name else "node"
        for inputs, outputs in case.data_sets:
            yield suite, case, case.model, inputs, outputs
    for suite in ("simple", "pytorch-operator", "pytorch-converted"):
        for case in load_model_tests(kind=suite):
            folder = pathlib.Path(case.model_dir)
            model = onnx.load(folder / "model.onnx")
            inputs = loaded(folder / "test_data_set_0", "input", model.graph.input)
            yield suite, case, model, inputs, loaded(folder / "test_data_set_0", "output", model.graph.output)
    for case in load_model_tests(kind="real"):
        path = DATA / "light" / f"light_{case.model_name}.onnx"
        model = onnx.load(path)
        constants = {tensor.name for tensor in model.graph.initializer}
        inputs = [Runner.generate_dummy_data(value) for value in model.graph.input if value.name not in constants]
        outputs = [numpy_helper.to_array(onnx.load_tensor(path.with_name(f"{path.stem}_output_{index}.pb")))
                   for index in range(len(model.graph.output))]
        yield "light", case, model, inputs, outputs


def loaded(folder, kind, declared):
    """Returns the values of the files `input_0.pb`, `input_1.pb` …, as onnx's runner reads them."""
    result = []
    for index, value in enumerate(declared):
        path = folder / f"{kind}_{index}.pb"
        if not path.exists():
            break
        Runner._load_proto(None, path, result, value.type)
    return result


def write(folder, suite, case, model, inputs, outputs):
    """Writes the files of one case; returns its entry of the list."""
    (folder / case.name).mkdir()
    path = folder / case.name / "model.onnx"
    onnx.save(model, path)
    constants = {tensor.name for tensor in model.graph.initializer}
    names = [value.name for value in model.graph.input if value.name not in constants or len(inputs) == len(model.graph.input)]
    given = [{"name": name, "value": values.write(value, folder, f"{case.name}/input_{index}")}
             for index, (name, value) in enumerate(zip(names, inputs))]
    expected = [values.write(value, folder, f"{case.name}/output_{index}") for index, value in enumerate(outputs)]
    return {
        "name": case.name, "suite": suite, "model": str(path.relative_to(folder)), "rtol": case.rtol, "atol": case.atol,
        "random": is_random(model, dict(zip(names, inputs))), "operators": sorted(operators_of(model)),
        "operator": operator(model.graph.node[0], model) if suite == "node" else None, "inputs": given, "expected": expected,
    }


def operators_of(model):
    """Returns the operators of a model, those in branches and functions included, each with the version that defines it."""
    functions = {(function.domain, function.name) for function in model.functions}
    operators = set()

    def visit(nodes):
        for node in nodes:
            if (node.domain, node.op_type) not in functions:
                operators.add(operator(node, model))
            for attribute in node.attribute:
                for graph in [attribute.g, *attribute.graphs]:
                    visit(graph.node)

    visit(model.graph.node)
    for function in model.functions:
        visit(function.node)
    return operators


def operator(node, model):
    """Returns a node's operator as `NAME-VERSION`, with the domain in front if that is not `ai.onnx`."""
    standard = ("", "ai.onnx")
    opset = next(opset.version for opset in model.opset_import
                 if opset.domain == node.domain or opset.domain in standard and node.domain in standard)
    version = onnx.defs.get_schema(node.op_type, opset, node.domain).since_version
    return f"{'' if node.domain in standard else node.domain + '.'}{node.op_type}-{version}"


def is_training(model):
    return any(opset.domain == TRAINING for opset in model.opset_import)


def is_random(model, given):
    """True if the expected outputs are drawn at random, so that only their types and shapes can be compared."""
    for node in model.graph.node:
        if node.op_type in RANDOM:
            return True
        if node.op_type == "Dropout" and len(node.input) == 3:
            ratio, training = given.get(node.input[1], 0.5), given.get(node.input[2], False)
            if np.any(training) and np.any(ratio):
                return True
    return False


def companion(root):
    """Writes the model that every case is fused with, and returns its case. Its values are small integers, so that its answer
    is exact."""
    folder = root / "companion"
    folder.mkdir(parents=True, exist_ok=True)
    weights = (np.arange(8 * 16) % 7 - 3).reshape(8, 16).astype(np.float32)
    bias = (np.arange(16) % 5 - 2).astype(np.float32)
    x = (np.arange(4 * 8) % 11 - 5).reshape(4, 8).astype(np.float32)
    declared = [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape) for name, shape in (
        ("x", [4, 8]), ("y", [4, 16]))]
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["p"]), helper.make_node("Add", ["p", "b"], ["s"]),
         helper.make_node("Relu", ["s"], ["y"])], "companion", declared[:1], declared[1:],
        [numpy_helper.from_array(weights, "w"), numpy_helper.from_array(bias, "b")])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), folder / "model.onnx")
    case = {"name": "companion", "model": str(folder / "model.onnx"), "outputs": str(folder),
            "inputs": [{"name": "x", "value": values.write(x, folder, "x") | {"file": str(folder / "x.bin")}}]}
    (folder / "case.json").write_text(json.dumps(case))
    return folder / "case.json", [np.maximum(x @ weights + bias, 0)]
