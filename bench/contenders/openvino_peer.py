#!/usr/bin/env python3
"""OpenVINO with the latency hint in f32. Models are saved once as its own format with static shapes, which loads faster
than the .onnx file; whether compiled models are cached is an option."""

import numpy as np
import openvino

from peer import Peer, serve


class Session:
    def __init__(self, compiled, entry):
        self.request = compiled.create_infer_request()
        self.outputs = [compiled.output(name) for name in entry.outputs]
        # Inputs are shared, not copied, at each run.
        self.tensors = {
            name: openvino.Tensor(np.ascontiguousarray(value), shared_memory=True)
            for name, value in entry.feed.items()}
        for name, tensor in self.tensors.items():
            self.request.set_tensor(name, tensor)

    def run(self):
        results = self.request.infer(share_outputs=True)
        return [results[output] for output in self.outputs]


class OpenVINO(Peer):
    def start(self, cached=True, **arguments):
        self.cached = cached
        self.core = openvino.Core()
        self.shapes = {}
        return super().start(**arguments)

    def versions(self):
        return {"openvino": openvino.__version__}

    def path(self, entry):
        return self.work / f"{entry.name}.xml"

    def cache(self, entry):
        return self.work / f"{entry.name}.cache"

    def settings(self, entry, threads):
        settings = {
            "PERFORMANCE_HINT": "LATENCY", "INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32",
        }
        if self.cached:
            settings |= {"CACHE_DIR": str(self.cache(entry)), "CACHE_MODE": "OPTIMIZE_SPEED"}
        return settings

    def prepare(self, entry):
        # A second form of this peer finds the file there.
        if not self.path(entry).exists():
            model = self.core.read_model(entry.onnx)
            try:
                model.reshape({name: value.shape for name, value in entry.feed.items()})
            except RuntimeError:
                # A model whose shapes cannot all be fixed keeps those that it has.
                model = self.core.read_model(entry.onnx)
            openvino.save_model(model, str(self.path(entry)), compress_to_fp16=False)
        if self.cached:
            self.load(entry, self.threads)

    def load(self, entry, threads):
        compiled = self.core.compile_model(str(self.path(entry)), "CPU", self.settings(entry, threads))
        return Session(compiled, entry)

    def files(self, entry):
        paths = [self.path(entry), self.path(entry).with_suffix(".bin")]
        return paths + sorted(self.cache(entry).glob("*.blob")) if self.cached else paths


serve(OpenVINO())
