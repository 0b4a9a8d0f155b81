#!/usr/bin/env python3
"""Makes the models that only the benchmark needs, in .cache/bench/models, with reference answers:

tenant-0…9     ResNet-18 with weights of their own each
head-0…4       one ResNet-18 backbone under five heads
peak-…         chains of convolutions that oneDNN is fast at: the limit that GFLOP/s are compared with
"""

import json
import pathlib
import shutil

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from field import digest
from places import MODELS, REFERENCES, WORK

MADE = WORK / "models"
TENANTS = 10
HEADS = [10, 20, 50, 100, 365]
# channels, size of the image, kernel.
PEAKS = [(64, 56, 3), (128, 28, 3), (256, 28, 3), (256, 28, 1), (512, 14, 3)]
PEAK_DEPTH = 4


def tenant(number):
    model = onnx.load(MODELS / "resnet18.onnx")
    random = np.random.default_rng(500 + number)
    for weight in model.graph.initializer:
        values = numpy_helper.to_array(weight)
        if values.dtype == np.float32:
            noise = 1 + 0.02 * random.standard_normal(values.shape)
            weight.CopyFrom(numpy_helper.from_array((values * noise).astype(np.float32), weight.name))
    return model


def headed(number, classes):
    model = onnx.load(MODELS / "resnet18.onnx")
    random = np.random.default_rng(600 + number)
    head = next(node for node in model.graph.node if node.op_type == "Gemm")
    shapes = {head.input[1]: (classes, 512), head.input[2]: (classes,)}
    for weight in model.graph.initializer:
        if weight.name in shapes:
            values = 0.05 * random.standard_normal(shapes[weight.name])
            weight.CopyFrom(numpy_helper.from_array(values.astype(np.float32), weight.name))
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = classes
    return model


def peak(channels, size, kernel):
    random = np.random.default_rng(700)
    shape = [1, channels, size, size]
    nodes, weights = [], []
    for layer in range(PEAK_DEPTH):
        deviation = (2 / (channels * kernel * kernel)) ** 0.5
        values = deviation * random.standard_normal((channels, channels, kernel, kernel))
        weights.append(numpy_helper.from_array(values.astype(np.float32), f"weight{layer}"))
        nodes += [
            helper.make_node(
                "Conv", [f"image{layer}", f"weight{layer}"], [f"sum{layer}"], kernel_shape=[kernel, kernel],
                pads=[kernel // 2] * 4),
            helper.make_node("Relu", [f"sum{layer}"], [f"image{layer + 1}"])]
    graph = helper.make_graph(
        nodes, "peak", [helper.make_tensor_value_info("image0", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(f"image{PEAK_DEPTH}", TensorProto.FLOAT, shape)], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)


def picture():
    return np.load(REFERENCES / "resnet18" / "224x224-seed0" / "inputs" / "image.npy")


def save(folder, values):
    folder.mkdir(parents=True)
    listed = []
    for name, value in values.items():
        file = folder / (name.replace("/", "_") + ".npy")
        np.save(file, value)
        listed.append({"name": name, "file": str(file.relative_to(MADE)), "shape": list(value.shape)})
    return listed


def write(name, model, feed):
    """The model's file and its reference answers; its entry of the manifest."""
    path = MADE / f"{name}.onnx"
    onnx.save(model, path)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    answers = dict(zip(names, session.run(names, feed)))
    case = {"inputs": save(MADE / name / "inputs", feed), "outputs": save(MADE / name / "outputs", answers)}
    return {"name": name, "model": path.name, "cases": [case]}


def make():
    """Makes them, unless they are there, made by this very script."""
    key = digest(pathlib.Path(__file__)) + digest(MODELS / "resnet18.onnx")
    manifest = MADE / "manifest.json"
    if manifest.exists() and json.loads(manifest.read_text())["made_from"] == key:
        return
    print("bench: making models", flush=True)
    shutil.rmtree(MADE, ignore_errors=True)
    MADE.mkdir(parents=True)
    models = [write(f"tenant-{i}", tenant(i), {"image": picture()}) for i in range(TENANTS)]
    models += [write(f"head-{i}", headed(i, count), {"image": picture()}) for i, count in enumerate(HEADS)]
    for channels, size, kernel in PEAKS:
        random = np.random.default_rng(channels + size)
        image = random.standard_normal((1, channels, size, size)).astype(np.float32)
        models.append(write(f"peak-{channels}x{size}-{kernel}", peak(channels, size, kernel), {"image0": image}))
    manifest.write_text(json.dumps({"made_from": key, "models": models}, indent=1) + "\n")
