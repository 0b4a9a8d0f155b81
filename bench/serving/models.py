"""What is asked of every server: models with their inputs as bytes, and how long an answer may take."""

import dataclasses
import json
import pathlib
import time

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

import catalogue
from field import deviation
from measure import median
from places import WORK

FOLDER = WORK / "serving"
# An answer is in time within so many of onnxruntime's warm runs, and never has less than the floor: below it the client
# and the network would be what is measured.
WARM_RUNS, FLOOR_SECONDS = 10, 0.02
# Small enough that what a server adds to the model is seen.
SMALL_BYTES = 8_000_000
SMALL = ["cls", "magika", "squeezenet"]
DATATYPES = {
    "float32": "FP32", "float64": "FP64", "float16": "FP16", "int8": "INT8", "int16": "INT16", "int32": "INT32",
    "int64": "INT64", "uint8": "UINT8", "bool": "BOOL"}


@dataclasses.dataclass
class Model:
    """A model, one input of it, and its reference answer; `deadline` is in seconds, and told to the server or not."""

    name: str
    onnx: str
    inputs: dict
    outputs: dict
    deadline: float = 10.0
    warm_ms: float | None = None
    tells_deadline: bool = True

    def __post_init__(self):
        self.body = b"".join(value.tobytes() for value in self.inputs.values())
        self.file_bytes = pathlib.Path(self.onnx).stat().st_size

    @property
    def kind(self):
        """Models of like cost stand together in tables."""
        if self.name.startswith("tenant"):
            return "tenants"
        return "small" if self.file_bytes < SMALL_BYTES else "large"

    def described(self):
        """The model for a program that is given it as JSON."""
        def tensors(values):
            return [
                {"name": name, "dtype": str(value.dtype), "datatype": DATATYPES[str(value.dtype)], "shape": list(value.shape)}
                for name, value in values.items()]

        return {
            "name": self.name, "onnx": self.onnx, "inputs": tensors(self.inputs), "outputs": tensors(self.outputs)}

    def problem(self, answers):
        """What is wrong with {output: array}; None when nothing is."""
        for name, reference in self.outputs.items():
            wrong = "is missing" if name not in answers else deviation(answers[name], reference)
            if wrong:
                return f"{self.name}: output {name} {wrong}"
        return None


def read(name, entries):
    entry = entries[name]
    return Model(
        name, entry["onnx"], *(
            {item["name"]: np.ascontiguousarray(np.load(item["file"])) for item in entry[side]}
            for side in ("inputs", "outputs")))


def identity():
    """Sixteen numbers that come back as they are."""
    path = FOLDER / "identity.onnx"
    sizes = (1, 16)
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])], "identity",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, sizes)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, sizes)])
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    values = np.arange(16, dtype=np.float32).reshape(sizes)
    return Model("identity", str(path), {"x": values}, {"y": values})


def warm_milliseconds(model, threads, seconds=0.5):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(model.onnx, options, providers=["CPUExecutionProvider"])
    names = list(model.outputs)
    session.run(names, model.inputs)
    samples = []
    end = time.perf_counter() + seconds
    while len(samples) < 5 or time.perf_counter() < end:
        start = time.perf_counter()
        session.run(names, model.inputs)
        samples.append((time.perf_counter() - start) * 1e3)
    return median(samples)


def many(threads, quick=False):
    """The twenty of the storm with their deadlines, for which onnxruntime is timed here and now."""
    entries = catalogue.entries()
    models = [read(name, entries) for name in catalogue.STORM]
    tenant = None
    for model in models:
        # Tenants differ in their weights' values alone.
        if model.name.startswith("tenant"):
            tenant = tenant or warm_milliseconds(model, threads, 0.3 if quick else 1)
        model.warm_ms = tenant if model.name.startswith("tenant") else warm_milliseconds(model, threads, 0.3 if quick else 1)
        model.deadline = max(WARM_RUNS * model.warm_ms / 1e3, FLOOR_SECONDS)
    return models


def few():
    """The small models and the identity."""
    entries = catalogue.entries()
    return [read(name, entries) for name in SMALL] + [identity()]


def write(models, path, **more):
    """Models and settings for a peer's program."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"models": [model.described() for model in models], **more}) + "\n")
    return path
