"""A model that cannot fit the budget, whatever else is there: said so that nobody asks again."""

import numpy as np
import pytest
import tritonclient.grpc as grpcclient
import tritonclient.http as httpclient

import serving
import small_models


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("too-large")
    large = small_models.perceptron(folder / "large.onnx", width=65536)
    serving.add(folder / "store", large, small_models.perceptron(folder / "small.onnx"))
    with serving.Server(folder / "store", "--budget", "2MiB") as server:
        yield server


def ask(module, address, model):
    values = np.zeros((1, 16), np.float32)
    tensor = module.InferInput("x", values.shape, "FP32")
    tensor.set_data_from_numpy(values)
    with module.InferenceServerClient(address) as client:
        return client.infer(model, [tensor]).as_numpy("y")


def test_http_says_413(server):
    with pytest.raises(httpclient.InferenceServerException) as refusal:
        ask(httpclient, server.http, "large")
    assert refusal.value.status() == "413" and "'large'" in refusal.value.message() and "budget" in refusal.value.message()
    assert ask(httpclient, server.http, "small").shape == (1, 10)


def test_grpc_says_failed_precondition(server):
    with pytest.raises(grpcclient.InferenceServerException) as refusal:
        ask(grpcclient, server.grpc, "large")
    assert refusal.value.status() == "StatusCode.FAILED_PRECONDITION" and "budget" in refusal.value.message()
