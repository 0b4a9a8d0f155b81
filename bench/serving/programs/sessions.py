"""What peers' programs do alike: sessions of onnxruntime from the configuration file, and requests as bytes."""

import json
import pathlib
import time

import numpy as np
import onnxruntime


class Expired(Exception):
    """The answer would come after the client has gone."""


class Session:
    """A model that is loaded. It takes and gives tensors behind each other as bytes."""

    def __init__(self, model, configuration):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = configuration["threads"]
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        # The models were optimised when they were saved.
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        self.session = onnxruntime.InferenceSession(
            str(pathlib.Path(configuration["mapped"]) / f"{model['name']}.mapped.onnx"), options,
            providers=["CPUExecutionProvider"])
        self.inputs = [(item["name"], np.dtype(item["dtype"]), item["shape"]) for item in model["inputs"]]
        self.outputs = [item["name"] for item in model["outputs"]]

    def run(self, body, expires):
        if expires and time.time() > expires:
            raise Expired
        feed, offset = {}, 0
        for name, dtype, shape in self.inputs:
            count = int(np.prod(shape))
            feed[name] = np.frombuffer(body, dtype, count, offset).reshape(shape)
            offset += count * dtype.itemsize
        return b"".join(value.tobytes() for value in self.session.run(self.outputs, feed))


def read(path):
    """(configuration, {name: model})."""
    configuration = json.loads(pathlib.Path(path).read_text())
    return configuration, {model["name"]: model for model in configuration["models"]}
