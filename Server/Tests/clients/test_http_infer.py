"""Inference through tritonclient over HTTP: every datatype, both encodings, raw requests, classification, errors."""

import asyncio

import numpy as np
import pytest
import tritonclient.http as http
import tritonclient.http.aio
from onnx import TensorProto
from tritonclient.utils import InferenceServerException

import serving
import small_models

KINDS = {
    "FP32": (TensorProto.FLOAT, np.float32),
    "FP64": (TensorProto.DOUBLE, np.float64),
    "FP16": (TensorProto.FLOAT16, np.float16),
    "INT8": (TensorProto.INT8, np.int8),
    "INT16": (TensorProto.INT16, np.int16),
    "INT32": (TensorProto.INT32, np.int32),
    "INT64": (TensorProto.INT64, np.int64),
    "UINT8": (TensorProto.UINT8, np.uint8),
    "UINT16": (TensorProto.UINT16, np.uint16),
    "UINT32": (TensorProto.UINT32, np.uint32),
    "UINT64": (TensorProto.UINT64, np.uint64),
    "BOOL": (TensorProto.BOOL, np.bool_),
}


@pytest.fixture(scope="module")
def kinds(tmp_path_factory):
    """A server with an identity of every datatype."""
    folder = tmp_path_factory.mktemp("kinds")
    paths = [small_models.identity(folder / f"{name}.onnx", ("batch", 3), kind) for name, (kind, _) in KINDS.items()]
    serving.add(folder / "store", *paths)
    with serving.Server(folder / "store") as running:
        yield running


def given(name, values, datatype, binary=True):
    tensor = http.InferInput(name, values.shape, datatype)
    tensor.set_data_from_numpy(values, binary_data=binary)
    return tensor


def extremes(dtype):
    if dtype == np.bool_:
        return np.array([[True, False, True]])
    limits = np.finfo(dtype) if np.issubdtype(dtype, np.floating) else np.iinfo(dtype)
    return np.array([[limits.min, limits.max, 1]], dtype)


@pytest.mark.parametrize("binary", [True, False], ids=["binary", "json"])
@pytest.mark.parametrize("datatype", KINDS)
def test_every_datatype(kinds, datatype, binary):
    values = extremes(KINDS[datatype][1])
    if datatype == "FP16" and not binary:
        pytest.skip("JSON does not carry FP16")
    with http.InferenceServerClient(kinds.http) as client:
        answer = client.infer(
            datatype,
            [given("x", values, datatype, binary)],
            outputs=[http.InferRequestedOutput("y", binary_data=binary)],
        )
    assert answer.as_numpy("y").dtype == values.dtype
    np.testing.assert_array_equal(answer.as_numpy("y"), values)


def test_half_precision_in_json_is_refused(kinds):
    with http.InferenceServerClient(kinds.http) as client, pytest.raises(InferenceServerException) as refused:
        client.infer(
            "FP16",
            [given("x", extremes(np.float16), "FP16")],
            outputs=[http.InferRequestedOutput("y", binary_data=False)],
        )
    assert refused.value.status() == "400" and "binary" in refused.value.message()


def test_numbers_that_are_none_go_through_json(server):
    values = np.array([[np.nan, np.inf, -np.inf, -0.0]], np.float32)
    with http.InferenceServerClient(server.http) as client:
        answer = client.infer(
            "identity",
            [given("x", values, "FP32", False)],
            outputs=[http.InferRequestedOutput("y", binary_data=False)],
        )
    np.testing.assert_array_equal(answer.as_numpy("y"), values)


@pytest.mark.parametrize("rows", [1, 5, 0])
def test_answers_are_onnxruntimes(server, models, rows):
    values = np.random.default_rng(rows).standard_normal((rows, 16)).astype(np.float32)
    with http.InferenceServerClient(server.http) as client:
        answer = client.infer("perceptron", [given("x", values, "FP32")], request_id="an id", model_version="1")
    assert answer.get_response()["id"] == "an id"
    assert answer.get_response()["model_version"] == "1"
    np.testing.assert_allclose(
        answer.as_numpy("y"), small_models.answer(models["perceptron"], x=values)["y"], rtol=1e-5, atol=1e-6
    )


def test_several_inputs_and_the_outputs_that_are_asked_for(server):
    a, b = np.arange(16, dtype=np.int32)[None], np.full((1, 16), 3, np.int32)
    with http.InferenceServerClient(server.http) as client:
        # One is binary and one is not, in either direction.
        answer = client.infer(
            "add_sub",
            [given("INPUT0", a, "INT32"), given("INPUT1", b, "INT32", False)],
            outputs=[
                http.InferRequestedOutput("OUTPUT1", binary_data=False),
                http.InferRequestedOutput("OUTPUT0", binary_data=True),
            ],
        )
        only = client.infer(
            "add_sub",
            [given("INPUT1", b, "INT32"), given("INPUT0", a, "INT32")],
            outputs=[http.InferRequestedOutput("OUTPUT1")],
        )
    assert [output["name"] for output in answer.get_response()["outputs"]] == ["OUTPUT1", "OUTPUT0"]
    np.testing.assert_array_equal(answer.as_numpy("OUTPUT0"), a + b)
    np.testing.assert_array_equal(answer.as_numpy("OUTPUT1"), a - b)
    assert [output["name"] for output in only.get_response()["outputs"]] == ["OUTPUT1"]


@pytest.mark.parametrize("binary", [True, False], ids=["binary", "json"])
def test_classification(server, models, binary):
    values = np.random.default_rng(3).standard_normal((2, 16)).astype(np.float32)
    with http.InferenceServerClient(server.http) as client:
        answer = client.infer(
            "perceptron",
            [given("x", values, "FP32")],
            outputs=[http.InferRequestedOutput("y", binary_data=binary, class_count=3)],
        )
    expected = np.argsort(-small_models.answer(models["perceptron"], x=values)["y"], axis=-1)[:, :3]
    text = np.vectorize(lambda cell: cell.decode() if isinstance(cell, bytes) else cell)(answer.as_numpy("y"))
    np.testing.assert_array_equal(np.vectorize(lambda cell: int(cell.split(":")[1]))(text), expected)


@pytest.mark.parametrize("request_coding", [None, "gzip", "deflate"])
@pytest.mark.parametrize("response_coding", [None, "gzip", "deflate"])
@pytest.mark.parametrize("rows", [2, 20_000])
def test_compression(server, request_coding, response_coding, rows):
    values = np.random.default_rng(4).integers(0, 9, (rows, 4)).astype(np.float32)
    with http.InferenceServerClient(server.http) as client:
        answer = client.infer(
            "identity",
            [given("x", values, "FP32")],
            request_compression_algorithm=request_coding,
            response_compression_algorithm=response_coding,
        )
    np.testing.assert_array_equal(answer.as_numpy("y"), values)


def test_async_infer(server):
    values = [np.full((1, 4), index, np.float32) for index in range(20)]
    with http.InferenceServerClient(server.http, concurrency=4) as client:
        waiting = [client.async_infer("identity", [given("x", each, "FP32")]) for each in values]
        for each, request in zip(values, waiting):
            np.testing.assert_array_equal(request.get_result().as_numpy("y"), each)


def test_aio(server):
    async def run():
        async with tritonclient.http.aio.InferenceServerClient(server.http) as client:
            assert await client.is_server_live() and await client.is_server_ready()
            assert await client.is_model_ready("identity")
            assert (await client.get_model_metadata("identity"))["name"] == "identity"
            values = [np.full((600, 4), index, np.float32) for index in range(10)]
            answers = await asyncio.gather(
                *(client.infer("identity", [given("x", each, "FP32")]) for each in values)
            )
            for each, answer in zip(values, answers):
                np.testing.assert_array_equal(answer.as_numpy("y"), each)

    asyncio.run(run())


def test_timing_is_told_on_demand(server):
    values = np.zeros((1, 4), np.float32)
    with http.InferenceServerClient(server.http) as client:
        plain = client.infer("identity", [given("x", values, "FP32")], priority=1, timeout=10_000_000)
        timed = client.infer("identity", [given("x", values, "FP32")], parameters={"timing": True})
    assert "parameters" not in plain.get_response()
    parameters = timed.get_response()["parameters"]
    assert parameters["total_us"] >= parameters["compute_us"] >= 0 and parameters["batch_size"] == 1


def test_what_is_wrong_is_said(server):
    x = np.zeros((1, 4), np.float32)
    cases = [
        ("nobody", "", [given("x", x, "FP32")], "404", "nobody"),
        ("identity", "9", [given("x", x, "FP32")], "404", "version"),
        ("identity", "", [given("z", x, "FP32")], "400", "'z'"),
        ("identity", "", [given("x", x.astype(np.float64), "FP64")], "400", "x"),
        ("identity", "", [given("x", np.zeros((1, 5), np.float32), "FP32")], "400", "x"),
        ("add_sub", "", [given("INPUT0", np.zeros((1, 16), np.int32), "INT32")], "400", "INPUT1"),
        ("identity", "", [given("x", np.array([[b"a"]], object), "BYTES")], "400", "string"),
    ]
    with http.InferenceServerClient(server.http) as client:
        for model, version, inputs, status, word in cases:
            with pytest.raises(InferenceServerException) as refused:
                client.infer(model, inputs, model_version=version)
            assert refused.value.status() == status, refused.value
            assert word in refused.value.message()
        with pytest.raises(InferenceServerException) as refused:
            client.infer("identity", [given("x", x, "FP32")], sequence_id=3)
        assert refused.value.status() == "400" and "sequence_id" in refused.value.message()
