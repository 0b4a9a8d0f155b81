"""Inference over gRPC by tritonclient; every answer is onnxruntime's."""

import numpy as np
import pytest
import tritonclient.grpc as triton
from tritonclient.utils import InferenceServerException

import small_models


@pytest.fixture
def client(server):
    with triton.InferenceServerClient(server.grpc) as client:
        yield client


def given(**arrays):
    """Inputs as the client takes them."""
    kinds = {"float32": "FP32", "int32": "INT32"}
    inputs = []
    for name, array in arrays.items():
        one = triton.InferInput(name, list(array.shape), kinds[str(array.dtype)])
        one.set_data_from_numpy(array)
        inputs.append(one)
    return inputs


def rows(count, width=16, seed=0):
    return np.random.default_rng(seed).standard_normal((count, width)).astype(np.float32)


def test_two_outputs(client, models):
    left = np.arange(16, dtype=np.int32).reshape(1, 16)
    right = np.full((1, 16), 3, np.int32)
    result = client.infer("add_sub", given(INPUT0=left, INPUT1=right), request_id="seven")
    expected = small_models.answer(models["add_sub"], INPUT0=left, INPUT1=right)
    for name, array in expected.items():
        np.testing.assert_array_equal(result.as_numpy(name), array)
    assert result.get_response().id == "seven"
    assert result.get_response().model_name == "add_sub"
    assert result.get_response().model_version == "1"


@pytest.mark.parametrize("count", [1, 3, 8])
def test_open_batch_size(client, models, count):
    x = rows(count)
    result = client.infer("perceptron", given(x=x))
    np.testing.assert_allclose(
        result.as_numpy("y"), small_models.answer(models["perceptron"], x=x)["y"], rtol=1e-5, atol=1e-6
    )


def test_requested_outputs_alone(client):
    x = np.ones((1, 16), np.int32)
    result = client.infer("add_sub", given(INPUT0=x, INPUT1=x), outputs=[triton.InferRequestedOutput("OUTPUT1")])
    assert [output.name for output in result.get_response().outputs] == ["OUTPUT1"]
    np.testing.assert_array_equal(result.as_numpy("OUTPUT1"), np.zeros((1, 16), np.int32))


def test_unknown_model(client):
    with pytest.raises(InferenceServerException) as caught:
        client.infer("nobody", given(x=rows(1)))
    assert caught.value.status() == "StatusCode.NOT_FOUND"
    assert "nobody" in caught.value.message()
