"""Inference over gRPC by tritonclient; every answer is onnxruntime's."""

import queue

import grpc
import numpy as np
import pytest
import tritonclient.grpc as triton
from tritonclient.grpc import service_pb2, service_pb2_grpc
from tritonclient.utils import InferenceServerException, np_to_triton_dtype

import small_models


@pytest.fixture
def client(server):
    with triton.InferenceServerClient(server.grpc) as client:
        yield client


@pytest.fixture
def stub(server):
    """The calls without a client around them, for messages that tritonclient does not make."""
    with grpc.insecure_channel(server.grpc) as channel:
        yield service_pb2_grpc.GRPCInferenceServiceStub(channel)


def given(**arrays):
    """Inputs as the client takes them."""
    inputs = []
    for name, array in arrays.items():
        one = triton.InferInput(name, list(array.shape), np_to_triton_dtype(array.dtype))
        one.set_data_from_numpy(array)
        inputs.append(one)
    return inputs


def rows(count, width=16, seed=0):
    return np.random.default_rng(seed).standard_normal((count, width)).astype(np.float32)


def assert_answers(result, models, model, **inputs):
    for name, array in small_models.answer(models[model], **inputs).items():
        np.testing.assert_allclose(result.as_numpy(name), array, rtol=1e-5, atol=1e-6)


def test_two_outputs(client, models):
    left = np.arange(16, dtype=np.int32).reshape(1, 16)
    right = np.full((1, 16), 3, np.int32)
    result = client.infer("add_sub", given(INPUT0=left, INPUT1=right), request_id="seven")
    assert_answers(result, models, "add_sub", INPUT0=left, INPUT1=right)
    assert result.get_response().id == "seven"
    assert result.get_response().model_name == "add_sub"
    assert result.get_response().model_version == "1"


@pytest.mark.parametrize("count", [1, 3, 8])
def test_open_batch_size(client, models, count):
    x = rows(count)
    assert_answers(client.infer("perceptron", given(x=x)), models, "perceptron", x=x)


def test_of_a_version(client, models):
    x = rows(2)
    assert_answers(client.infer("perceptron", given(x=x), model_version="1"), models, "perceptron", x=x)


def test_requested_outputs_alone(client):
    x = np.ones((1, 16), np.int32)
    result = client.infer("add_sub", given(INPUT0=x, INPUT1=x), outputs=[triton.InferRequestedOutput("OUTPUT1")])
    assert [output.name for output in result.get_response().outputs] == ["OUTPUT1"]
    np.testing.assert_array_equal(result.as_numpy("OUTPUT1"), np.zeros((1, 16), np.int32))


def test_classification(client, models):
    x = rows(2)
    result = client.infer("perceptron", given(x=x), outputs=[triton.InferRequestedOutput("y", class_count=3)])
    expected = small_models.answer(models["perceptron"], x=x)["y"]
    best = [[int(text.decode().split(":")[1]) for text in row] for row in result.as_numpy("y")]
    assert best == np.argsort(-expected, axis=1)[:, :3].tolist()


def test_priority_timeout_and_timing(client, models):
    x = rows(1)
    result = client.infer(
        "perceptron", given(x=x), priority=2, timeout=30_000_000, parameters={"timing": True, "keep_alive": 60}
    )
    assert_answers(result, models, "perceptron", x=x)
    parameters = result.get_response().parameters
    assert parameters["total_us"].double_param >= parameters["compute_us"].double_param > 0
    assert parameters["batch_size"].int64_param == 1


@pytest.mark.parametrize("algorithm", ["gzip", "deflate"])
def test_compressed(client, models, algorithm):
    x = rows(500)
    result = client.infer("perceptron", given(x=x), compression_algorithm=algorithm)
    assert_answers(result, models, "perceptron", x=x)


def test_async_with_callback(client, models):
    answers = queue.Queue()
    batches = [rows(1 + seed % 4, seed=seed) for seed in range(32)]
    for number, x in enumerate(batches):
        client.async_infer(
            "perceptron",
            given(x=x),
            callback=lambda result, error, number=number: answers.put((number, result, error)),
        )
    for _ in batches:
        number, result, error = answers.get(timeout=30)
        assert error is None
        assert_answers(result, models, "perceptron", x=batches[number])


@pytest.mark.parametrize("mebibytes", [5, 7, 16])
def test_large_tensors_there_and_back(server, mebibytes):
    # On a connection of its own: beyond the window of 4 MiB that a client begins with.
    with triton.InferenceServerClient(server.grpc) as client:
        x = np.random.default_rng(0).standard_normal((mebibytes << 16, 4)).astype(np.float32)
        np.testing.assert_array_equal(client.infer("identity", given(x=x)).as_numpy("y"), x)


def test_no_rows(client):
    assert client.infer("identity", given(x=np.zeros((0, 4), np.float32))).as_numpy("y").shape == (0, 4)


def message(contents=None, raw=None, datatype="FP32", shape=(1, 4), model="identity"):
    request = service_pb2.ModelInferRequest(model_name=model, id="made by hand")
    request.inputs.add(name="x", datatype=datatype, shape=shape)
    if contents:
        request.inputs[0].contents.CopyFrom(service_pb2.InferTensorContents(**contents))
    request.raw_input_contents.extend(raw or [])
    return request


def test_typed_contents_are_answered_raw(stub):
    values = [1.5, -2, 0, 1e30]
    response = stub.ModelInfer(message({"fp32_contents": values}))
    assert not response.outputs[0].HasField("contents")
    np.testing.assert_array_equal(
        np.frombuffer(response.raw_output_contents[0], np.float32), np.array(values, np.float32)
    )


FOUR = np.zeros(4, np.float32).tobytes()


@pytest.mark.parametrize(
    "request_, says",
    [
        (message(raw=[FOUR[:-1]]), "15"),
        (message(raw=[FOUR + b"\0"]), "17"),
        (message(raw=[]), "fp32_contents"),
        (message(raw=[FOUR, FOUR]), "raw_input_contents"),
        (message({"fp32_contents": [0, 0, 0, 0]}, raw=[FOUR]), "contents"),
        (message({"fp32_contents": [0, 0, 0]}), "3"),
        (message({"int_contents": [0, 0, 0, 0]}), "fp32_contents"),
        (message(raw=[FOUR], shape=(-1, 4)), "negative"),
        (message(raw=[FOUR], shape=(2**40, 2**40)), "larger"),
        (message(raw=[FOUR], shape=(2**62, 4)), "larger"),
        (message(raw=[FOUR], shape=[1] * 40), "rank"),
        (message(raw=[FOUR], datatype="FP33"), "FP33"),
        (message({"uint_contents": [256, 0, 0, 0]}, datatype="UINT8"), "256"),
        (message({"int_contents": [-129, 0, 0, 0]}, datatype="INT8"), "-129"),
        (message({"fp32_contents": [0, 0, 0, 0]}, datatype="FP16"), "raw_input_contents"),
        (message(raw=[b"\xff\xff\xff\x7fabc"], datatype="BYTES", shape=(1,)), "cut off"),
        (message(raw=[b"\1\0\0"], datatype="BYTES", shape=(1,)), "cut off"),
        (message({"bytes_contents": [b"a"]}, datatype="BYTES", shape=(1,)), "string"),
        (message(raw=[np.zeros(4, np.int32).tobytes()], datatype="INT32"), "x"),
        (message(raw=[np.zeros(5, np.float32).tobytes()], shape=(1, 5)), "x"),
    ],
)
def test_what_does_not_fit_is_an_invalid_argument(stub, request_, says):
    with pytest.raises(grpc.RpcError) as caught:
        stub.ModelInfer(request_)
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert says in caught.value.details()


def test_bytes_that_are_no_message(server):
    with grpc.insecure_channel(server.grpc) as channel:
        infer = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
        for request in (b"\xff", b"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", b"\x3a\x05ab", b"\x0b", b"\x0a\x02\xff\xfe"):
            with pytest.raises(grpc.RpcError) as caught:
                infer(request)
            assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT


def test_unknown_names(client):
    for model, version, inputs in [("nobody", "", given(x=rows(1))), ("perceptron", "7", given(x=rows(1)))]:
        with pytest.raises(InferenceServerException) as caught:
            client.infer(model, inputs, model_version=version)
        assert caught.value.status() == "StatusCode.NOT_FOUND"
        assert model in caught.value.message()
    for refused in (
        dict(inputs=given(z=rows(1))),
        dict(inputs=given(x=rows(1)), outputs=[triton.InferRequestedOutput("z")]),
        dict(inputs=[]),
        dict(inputs=given(x=rows(1)), model_version="newest"),
    ):
        with pytest.raises(InferenceServerException) as caught:
            client.infer("perceptron", **refused)
        assert caught.value.status() == "StatusCode.INVALID_ARGUMENT"


def test_sequences_are_refused(client):
    for identifier in (3, "three"):
        with pytest.raises(InferenceServerException, match="sequence_id") as caught:
            client.infer("perceptron", given(x=rows(1)), sequence_id=identifier, sequence_start=True)
        assert caught.value.status() == "StatusCode.INVALID_ARGUMENT"
