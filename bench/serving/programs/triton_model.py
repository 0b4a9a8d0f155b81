"""What Triton's Python backend runs for a model: a session of onnxruntime, or nothing for an identity."""

import json
import pathlib
import sys
import time

import triton_python_backend_utils as backend


class TritonPythonModel:
    def initialize(self, arguments):
        parameters = json.loads(arguments["model_config"])["parameters"]
        sys.path.insert(0, parameters["programs"]["string_value"])
        import sessions

        configuration, models = sessions.read(parameters["configuration"]["string_value"])
        self.is_identity = arguments["model_name"] == "identity"
        if not self.is_identity:
            session = sessions.Session(models[arguments["model_name"]], configuration)
            self.session, self.inputs, self.outputs = session.session, session.inputs, session.outputs

    def execute(self, requests):
        return [self.answer(request) for request in requests]

    def answer(self, request):
        if self.is_identity:
            return backend.InferenceResponse([
                backend.Tensor("y", backend.get_input_tensor_by_name(request, "x").as_numpy())])
        expires = float(json.loads(request.parameters() or "{}").get("expires", 0))
        if expires and time.time() > expires:
            return backend.InferenceResponse([], backend.TritonError("too late", backend.TritonError.UNAVAILABLE))
        feed = {name: backend.get_input_tensor_by_name(request, name).as_numpy() for name, _, _ in self.inputs}
        return backend.InferenceResponse([
            backend.Tensor(name, value) for name, value in zip(self.outputs, self.session.run(self.outputs, feed))])
