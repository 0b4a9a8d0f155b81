#!/usr/bin/env python3
"""ONNX Runtime, with all graph optimisations. The form that sessions are made from is an option:

onnx    the model as it is
saved   its optimised form in one file
mapped  its optimised form with weights in a file beside it, which ONNX Runtime maps: its fastest way in
"""

import onnxruntime

from peer import Peer, serve


class Session:
    def __init__(self, path, options, entry):
        self.session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self.feed = entry.feed
        self.outputs = entry.outputs

    def run(self):
        return self.session.run(self.outputs, self.feed)


class ONNXRuntime(Peer):
    def start(self, form="onnx", arena=True, **arguments):
        self.form = form
        self.arena = arena
        return super().start(**arguments)

    def versions(self):
        return {"onnxruntime": onnxruntime.__version__}

    def options(self, threads, optimise):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.enable_cpu_mem_arena = self.arena
        options.log_severity_level = 3
        level = onnxruntime.GraphOptimizationLevel
        options.graph_optimization_level = level.ORT_ENABLE_ALL if optimise else level.ORT_DISABLE_ALL
        return options

    def path(self, entry):
        return entry.onnx if self.form == "onnx" else self.work / f"{entry.name}.{self.form}.onnx"

    def weights(self, entry):
        return self.work / f"{entry.name}.{self.form}.weights"

    def prepare(self, entry):
        if self.form == "onnx":
            return
        options = self.options(self.threads, optimise=True)
        options.optimized_model_filepath = str(self.path(entry))
        if self.form == "mapped":
            prefix = "session.optimized_model_external_initializers_"
            options.add_session_config_entry(prefix + "file_name", self.weights(entry).name)
            options.add_session_config_entry(prefix + "min_size_in_bytes", "1024")
        onnxruntime.InferenceSession(entry.onnx, options, providers=["CPUExecutionProvider"])

    def load(self, entry, threads):
        # What is optimised already is not optimised again.
        return Session(self.path(entry), self.options(threads, self.form == "onnx"), entry)

    def files(self, entry):
        paths = [self.path(entry), self.weights(entry)]
        return [path for path in paths[: 2 if self.form == "mapped" else 1]]


serve(ONNXRuntime())
