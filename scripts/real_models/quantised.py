#!/usr/bin/env python3
"""Makes int8 and f16 forms of the models in .cache/real, by onnxruntime's own tools.

NAME.dynamic: quantize_dynamic. NAME.qdq and NAME.qoperator: quantize_static in both formats, calibrated with the inputs
of the cases. NAME.f16: convert_float_to_float16, inputs and outputs stay f32. Models whose outputs depend on
comparisons of computed scores (non-maximum suppression) have none: a rounding there changes the number of boxes.

Runs in .venv-models.
"""

import hashlib
import logging
import multiprocessing
import pathlib
import shutil
import sys
import warnings

import onnx
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from onnxruntime.transformers.float16 import convert_float_to_float16

import folder
from references import session

FORMS = {
    "deeplabv3-mobilenet": "dynamic f16", "lraspp-mobilenet": "qoperator f16", "r3d-18": "qdq", "s3d": "f16",
    "ssdlite-heads": "qdq qoperator f16", "efficientnet-b0": "qdq f16", "mobilenet-v3-small": "qoperator f16 dynamic",
    "shufflenet-v2": "qoperator f16", "regnet-y": "qdq qoperator", "convnext-small": "dynamic qdq f16",
    "maxvit-small": "dynamic f16", "vit-small": "dynamic qdq qoperator f16", "swin-small": "dynamic qdq f16", "raft-small": "f16",
    "bert": "dynamic qdq qoperator f16", "gpt-past": "dynamic qdq f16", "llama-past": "dynamic qdq f16", "t5": "dynamic f16",
    "bert-dynamo": "qdq f16", "gpt-past-dynamo": "dynamic f16", "letters-lstm": "dynamic qdq",
    "letters-gru": "dynamic", "step-lstm": "dynamic", "step-gru": "dynamic", "step-rnn": "dynamic",
    "wave-ctc": "dynamic qdq qoperator f16", "vocoder": "dynamic f16",
}


class Reader(CalibrationDataReader):
    def __init__(self, name, run):
        self.feeds = iter([{key: value for key, (_, value) in given.items()} for _, given in folder.inputs(name, run)])

    def get_next(self):
        return next(self.feeds, None)


def prepared(name):
    """The model with inferred shapes, as onnxruntime's documentation says to begin."""
    path = folder.REAL / name / "model.onnx"
    ready = folder.REAL / ".prepared.onnx"
    try:
        quant_pre_process(str(path), str(ready), skip_symbolic_shape=True)
        return ready
    except Exception:  # its shape inference fails for some exports, which are then quantised as they are
        return path


def half(path, target):
    onnx.save(convert_float_to_float16(onnx.load(path), keep_io_types=True), target)


def convert(name, form, target):
    """Weights of seven bits keep onnxruntime exact on processors without VNNI, where sums of products saturate."""
    path = folder.REAL / name / "model.onnx"
    if form == "f16":
        half(path, target)
    elif form == "dynamic":
        quantize_dynamic(str(prepared(name)), str(target), weight_type=QuantType.QInt8, reduce_range=True)
    else:
        quantize_static(
            str(prepared(name)), str(target), Reader(name, session(path)), reduce_range=True, per_channel=form == "qdq",
            quant_format=QuantFormat.QDQ if form == "qdq" else QuantFormat.QOperator,
            activation_type=QuantType.QUInt8, weight_type=QuantType.QInt8)


def write(name, form, target):
    convert(name, form, target)
    session(target)


def main():
    made_from = hashlib.sha256(pathlib.Path(__file__).read_bytes()).hexdigest()
    logging.disable(logging.WARNING)
    warnings.simplefilter("ignore")
    made, problems = 0, []
    for name, forms in FORMS.items():
        if not (folder.REAL / name / "about.json").exists():
            continue  # left out by real-models.sh quick, or for want of PyTorch 2
        origin = folder.about(name)
        for form in forms.split():
            variant = f"{name}.{form}"
            stamp = f"{made_from} {(folder.REAL / name / 'about.json').stat().st_mtime_ns}"
            about = folder.REAL / variant / "about.json"
            if about.exists() and folder.about(variant)["made_from"] == stamp:
                continue
            target = folder.begin(variant)
            # In a process of its own: onnxruntime crashes on some of its own files.
            child = multiprocessing.get_context("fork").Process(target=write, args=(name, form, target / "model.onnx"))
            child.start()
            child.join()
            if child.exitcode:
                shutil.rmtree(target)
                problems.append(f"{variant}: status {child.exitcode}")
                continue
            facts = {"axis": origin["axis"]} if "axis" in origin else {}
            folder.describe(
                variant, family=origin["family"], exporter="onnxruntime", origin=name, made_from=stamp,
                rule="f16" if form == "f16" else "int8", **facts)
            made += 1
    (folder.REAL / ".prepared.onnx").unlink(missing_ok=True)
    print(f"real-models: quantised forms are in .cache/real ({made} made now)")
    if problems:
        sys.exit("real-models: not quantised: " + "\n  ".join(problems))


if __name__ == "__main__":
    main()
