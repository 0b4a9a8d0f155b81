"""Several models in one request over gRPC. The client knows the messages by reflection."""

import grpc
import numpy as np
import pytest
from google.protobuf import descriptor_pool, message_factory
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

import small_models
from test_grpc_infer import rows


@pytest.fixture
def channel(server):
    with grpc.insecure_channel(server.grpc) as channel:
        yield channel


@pytest.fixture
def method(channel):
    pool = descriptor_pool.DescriptorPool(ProtoReflectionDescriptorDatabase(channel))
    return pool.FindServiceByName("fusedinf.v1.FusedInference").methods_by_name["FusedInfer"]


@pytest.fixture
def fused_infer(channel, method):
    return channel.unary_stream(
        "/fusedinf.v1.FusedInference/FusedInfer",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=message_factory.GetMessageClass(method.output_type).FromString,
    )


@pytest.fixture
def message(method):
    return message_factory.GetMessageClass(method.input_type)()


def ask(message, model, **arrays):
    request = message.requests.add(model_name=model, id=f"of {model}")
    for name, array in arrays.items():
        request.inputs.add(name=name, datatype={"f": "FP32", "i": "INT32"}[array.dtype.kind], shape=array.shape)
        request.raw_input_contents.append(array.tobytes())


def test_each_model_answers(fused_infer, message, models):
    x, wide = rows(3), np.arange(16, dtype=np.int32).reshape(1, 16)
    asked = [
        ("perceptron", dict(x=x)),
        ("add_sub", dict(INPUT0=wide, INPUT1=wide)),
        ("identity", dict(x=rows(2, 4))),
    ]
    for model, inputs in asked:
        ask(message, model, **inputs)
    answers = {answer.index: answer.response for answer in fused_infer(message)}
    assert sorted(answers) == [0, 1, 2]
    for index, (model, inputs) in enumerate(asked):
        expected = small_models.answer(models[model], **inputs)
        response = answers[index]
        assert (response.model_name, response.id) == (model, f"of {model}")
        for output, raw in zip(response.outputs, response.raw_output_contents, strict=True):
            want = expected[output.name]
            got = np.frombuffer(raw, want.dtype).reshape(output.shape)
            np.testing.assert_allclose(got, want, rtol=1e-5, atol=1e-6)


def test_one_that_fails_leaves_the_others_alone(fused_infer, message):
    ask(message, "nobody", x=rows(1))
    ask(message, "identity", x=rows(1, 4))
    ask(message, "identity", x=rows(1, 5))
    answers = {answer.index: answer for answer in fused_infer(message)}
    assert sorted(answers) == [0, 1, 2]
    assert answers[0].failure.code == grpc.StatusCode.NOT_FOUND.value[0]
    assert "nobody" in answers[0].failure.message
    np.testing.assert_array_equal(
        np.frombuffer(answers[1].response.raw_output_contents[0], np.float32).reshape(1, 4), rows(1, 4)
    )
    assert answers[2].failure.code == grpc.StatusCode.INVALID_ARGUMENT.value[0]


def test_no_requests(fused_infer, message):
    with pytest.raises(grpc.RpcError) as caught:
        list(fused_infer(message))
    assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
