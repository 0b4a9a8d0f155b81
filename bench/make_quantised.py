#!/usr/bin/env python3
"""Makes the int8 models that the section `quantised` measures, in .cache/bench/quantised, with reference answers.

NAME-static    weights int8 for each channel, activations uint8, between QuantizeLinear and DequantizeLinear (QDQ)
NAME-operators the same with QLinearConv, QLinearAdd… (QOperator)
NAME-dynamic   weights int8, activations quantised at each run (ConvInteger, MatMulInteger, DynamicQuantizeLSTM)

Sources are the exported classifiers, and networks that `quantised_sources.py` draws. The quantiser is onnxruntime's, calibrated on
drawn pictures. The references are the answers of the f32 model; an int8 answer may be as far from them as 1.5 times onnxruntime's
without optimisations, plus 1 % (root mean squares).
"""

import json
import pathlib
import shutil
import sys
import tempfile

import numpy as np
import onnx
import onnx.version_converter
import onnxruntime
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process

import quantised_sources
from field import digest
from places import MODELS, ROOT, WORK

sys.path.insert(0, str(ROOT / "scripts"))
import pictures  # noqa: E402 - its folder comes first

MADE = WORK / "quantised"
CLASSIFIERS = ["resnet18", "resnet50", "mobilenet-v2", "squeezenet", "googlenet", "densenet121"]
OPERATORS = ["resnet18", "mobilenet-v2"]
CALIBRATIONS = 8
SEED = 800
# The first that dequantises along an axis.
OPSET = 13


def picture(seed):
    random = np.random.default_rng(SEED + seed)
    return {"image": pictures.imagenet(pictures.photo(random, 224, 224))[None]}


class Calibration(CalibrationDataReader):
    """Seeded inputs, one after the other."""

    def __init__(self, feed):
        self.feeds = iter([feed(seed) for seed in range(1, CALIBRATIONS + 1)])

    def get_next(self):
        return next(self.feeds, None)


def prepare(source, folder):
    """Folds what the quantiser should not see, as onnxruntime asks for."""
    path = folder / "prepared.onnx"
    model = onnx.load(source)
    if model.opset_import[0].version < OPSET:
        source = folder / "converted.onnx"
        onnx.save(onnx.version_converter.convert_version(model, OPSET), source)
    # Of drawn networks the optimiser would make other products than exporters write.
    quant_pre_process(
        str(source), str(path), skip_symbolic_shape=True, skip_optimization=source.parent == MADE)
    return path


def static(source, target, feed, form, operators=None):
    with tempfile.TemporaryDirectory() as folder:
        prepared = prepare(source, pathlib.Path(folder))
        quantize_static(
            str(prepared), str(target), Calibration(feed), quant_format=form, per_channel=True,
            activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8, op_types_to_quantize=operators)


def dynamic(source, target):
    with tempfile.TemporaryDirectory() as folder:
        prepared = prepare(source, pathlib.Path(folder))
        quantize_dynamic(str(prepared), str(target), weight_type=QuantType.QInt8)


def answers(path, feed):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, feed)))


def distance(got, reference):
    """Root mean square of the differences, over that of the reference."""
    got, reference = got.astype(np.float64), reference.astype(np.float64)
    return float(np.sqrt(np.square(got - reference).mean() / np.square(reference).mean()))


def save(folder, values):
    folder.mkdir(parents=True, exist_ok=True)
    listed = []
    for name, value in values.items():
        file = folder / (name.replace("/", "_") + ".npy")
        np.save(file, value)
        listed.append({"name": name, "file": str(file.relative_to(MADE)), "shape": list(value.shape)})
    return listed


def entry(name, model, kind, base, feed, expected):
    """The manifest's entry of a model that gives about the answers `expected`."""
    got = answers(model, feed)
    inputs = save(MADE / base / "inputs", feed)
    outputs = save(MADE / base / "outputs", expected)
    for output in outputs:
        output["within"] = 0.01 + 1.5 * distance(got[output["name"]], expected[output["name"]])
    return {
        "name": name, "model": str(model), "kind": kind, "base": base,
        "cases": [{"inputs": inputs, "outputs": outputs}]}


def forms(name, source, feed):
    """The forms of a model: (suffix, maker)."""
    if name in CLASSIFIERS:
        yield "static", lambda target: static(source, target, feed, QuantFormat.QDQ)
    if name in OPERATORS:
        yield "operators", lambda target: static(source, target, feed, QuantFormat.QOperator)
    if name == "bert":
        yield "static", lambda target: static(source, target, feed, QuantFormat.QDQ, ["MatMul"])
    if name not in CLASSIFIERS or name == "resnet18":
        yield "dynamic", lambda target: dynamic(source, target)


def made(name, source, feed):
    """Quantises one model in all its forms; the entries of these and of the model itself."""
    given = feed(0)
    expected = answers(source, given)
    found = [entry(name, source, "f32", name, given, expected)]
    for kind, make in forms(name, source, feed):
        target = MADE / f"{name}-{kind}.onnx"
        make(target)
        found.append(entry(f"{name}-{kind}", target, kind, name, given, expected))
        print(f"bench: {name}-{kind}: within {found[-1]['cases'][0]['outputs'][0]['within']:.3f}", flush=True)
    return found


def make():
    """Makes them, unless they are there, made by these very scripts."""
    key = "".join(digest(path) for path in [pathlib.Path(__file__), pathlib.Path(quantised_sources.__file__)])
    key += "".join(digest(MODELS / f"{name}.onnx") for name in CLASSIFIERS) + onnxruntime.__version__
    manifest = MADE / "manifest.json"
    if manifest.exists() and json.loads(manifest.read_text())["made_from"] == key:
        return
    print("bench: quantising models", flush=True)
    shutil.rmtree(MADE, ignore_errors=True)
    MADE.mkdir(parents=True)
    models = []
    for name in CLASSIFIERS:
        models += made(name, MODELS / f"{name}.onnx", picture)
    for name, (build, feed) in quantised_sources.SOURCES.items():
        source = MADE / f"{name}.onnx"
        onnx.save(build(), source)
        models += made(name, source, feed)
    manifest.write_text(json.dumps({"made_from": key, "models": models}, indent=1) + "\n")


def entries():
    """The entries, as `catalogue.entries` gives those of other models, with `kind` and `base`."""
    listed = []
    for model in json.loads((MADE / "manifest.json").read_text())["models"]:
        case = model["cases"][0]
        listed.append({
            "name": model["name"] if model["kind"] != "f32" else f"{model['name']}-f32", "onnx": model["model"],
            "kind": model["kind"], "base": model["base"],
            **{side: [item | {"file": str(MADE / item["file"])} for item in case[side]] for side in ("inputs", "outputs")}})
    return listed


if __name__ == "__main__":
    make()
