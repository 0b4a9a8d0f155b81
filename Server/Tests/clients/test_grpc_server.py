"""What a gRPC client can ask of server and models besides inference."""

import grpc
import numpy as np
import pytest
import tritonclient.grpc as triton
from google.protobuf import descriptor_pool, message_factory
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from tritonclient.grpc import model_config_pb2, service_pb2
from tritonclient.utils import InferenceServerException

from test_grpc_infer import given, rows


@pytest.fixture
def client(server):
    with triton.InferenceServerClient(server.grpc) as client:
        yield client


@pytest.fixture
def channel(server):
    with grpc.insecure_channel(server.grpc) as channel:
        yield channel


def test_live_and_ready(client):
    assert client.is_server_live()
    assert client.is_server_ready()
    assert client.is_model_ready("identity")
    assert client.is_model_ready("identity", "1")
    assert not client.is_model_ready("identity", "9")
    assert not client.is_model_ready("nobody")


def test_server_metadata(client):
    metadata = client.get_server_metadata()
    assert metadata.name == "fusedinf"
    assert "binary_tensor_data" in metadata.extensions


def test_model_metadata(client):
    metadata = client.get_model_metadata("perceptron")
    assert metadata.versions == ["1"]
    assert [(one.name, one.datatype, list(one.shape)) for one in metadata.inputs] == [("x", "FP32", [-1, 16])]
    assert [(one.name, one.datatype, list(one.shape)) for one in metadata.outputs] == [("y", "FP32", [-1, 10])]


def test_model_config(client):
    config = client.get_model_config("add_sub").config
    assert config.name == "add_sub"
    assert [(one.name, one.data_type, list(one.dims)) for one in config.input] == [
        ("INPUT0", model_config_pb2.TYPE_INT32, [1, 16]),
        ("INPUT1", model_config_pb2.TYPE_INT32, [1, 16]),
    ]
    assert config.instance_group[0].kind == model_config_pb2.ModelInstanceGroup.KIND_CPU
    assert config.max_batch_size == 0
    with pytest.raises(InferenceServerException) as caught:
        client.get_model_config("nobody")
    assert caught.value.status() == "StatusCode.NOT_FOUND"


def test_statistics_count_what_was_asked(client):
    def count():
        [row] = client.get_inference_statistics("identity").model_stats
        return row.inference_count, row.inference_stats.success.count, row.inference_stats.fail.count

    client.infer("identity", given(x=rows(1, 4)))
    before = count()
    client.infer("identity", given(x=rows(1, 4)))
    with pytest.raises(InferenceServerException):
        client.infer("identity", given(x=rows(1, 5)))
    after = count()
    assert [new - old for new, old in zip(after, before)] == [1, 1, 1]
    names = [row.name for row in client.get_inference_statistics().model_stats]
    assert "identity" in names
    with pytest.raises(InferenceServerException) as caught:
        client.get_inference_statistics("nobody")
    assert caught.value.status() == "StatusCode.NOT_FOUND"


def test_repository(client):
    def state(**options):
        index = client.get_model_repository_index(**options).models
        return {entry.name: entry.state for entry in index}

    assert state()["add_sub"] == "READY"
    client.unload_model("add_sub")
    assert state()["add_sub"] == "UNAVAILABLE"
    assert not client.is_model_ready("add_sub")
    x = np.ones((1, 16), np.int32)
    with pytest.raises(InferenceServerException) as caught:
        client.infer("add_sub", given(INPUT0=x, INPUT1=x))
    assert caught.value.status() == "StatusCode.UNAVAILABLE"
    client.load_model("add_sub")
    assert state()["add_sub"] == "READY"
    np.testing.assert_array_equal(
        client.infer("add_sub", given(INPUT0=x, INPUT1=x)).as_numpy("OUTPUT0"), 2 * x
    )
    for call in (client.load_model, client.unload_model):
        with pytest.raises(InferenceServerException) as caught:
            call("nobody")
        assert caught.value.status() == "StatusCode.NOT_FOUND"


def test_what_a_proxy_hands_on_is_not_this_machine(client):
    for field in ("x-forwarded-for", "forwarded"):
        with pytest.raises(InferenceServerException) as caught:
            client.unload_model("add_sub", headers={field: "192.0.2.1"})
        assert caught.value.status() == "StatusCode.PERMISSION_DENIED"
    assert client.is_model_ready("add_sub")


def test_files_are_taken_only_where_the_operator_allows_it(client, models):
    with pytest.raises(InferenceServerException) as caught:
        client.load_model("sent", config="{}", files={"file:1/model.onnx": models["identity"].read_bytes()})
    assert caught.value.status() == "StatusCode.PERMISSION_DENIED"


def test_shared_memory_is_off(client):
    assert len(client.get_system_shared_memory_status().regions) == 0
    assert len(client.get_cuda_shared_memory_status().regions) == 0
    client.unregister_system_shared_memory()
    client.unregister_cuda_shared_memory()
    for register in (
        lambda: client.register_system_shared_memory("region", "/region", 64),
        lambda: client.register_cuda_shared_memory("region", b"", 0, 64),
    ):
        with pytest.raises(InferenceServerException) as caught:
            register()
        assert caught.value.status() == "StatusCode.UNIMPLEMENTED"


def test_traces_and_log_settings_are_not_there(client):
    for call in (client.get_trace_settings, client.get_log_settings, lambda: client.update_log_settings({})):
        with pytest.raises(InferenceServerException) as caught:
            call()
        assert caught.value.status() == "StatusCode.UNIMPLEMENTED"


# MARK: Health


def test_health(channel):
    health = health_pb2_grpc.HealthStub(channel)
    for service in ("", "inference.GRPCInferenceService"):
        answer = health.Check(health_pb2.HealthCheckRequest(service=service))
        assert answer.status == health_pb2.HealthCheckResponse.SERVING
    with pytest.raises(grpc.RpcError) as caught:
        health.Check(health_pb2.HealthCheckRequest(service="nobody"))
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND


def test_health_is_watched(channel):
    health = health_pb2_grpc.HealthStub(channel)
    for service, status in (("", "SERVING"), ("nobody", "SERVICE_UNKNOWN")):
        watch = health.Watch(health_pb2.HealthCheckRequest(service=service))
        assert next(watch).status == health_pb2.HealthCheckResponse.ServingStatus.Value(status)
        watch.cancel()


# MARK: Reflection


@pytest.fixture
def pool(channel):
    """What a client knows that has nothing but reflection."""
    return descriptor_pool.DescriptorPool(ProtoReflectionDescriptorDatabase(channel))


def test_services_are_listed(channel):
    names = set(ProtoReflectionDescriptorDatabase(channel).get_services())
    assert names == {
        "inference.GRPCInferenceService",
        "fusedinf.v1.FusedInference",
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
    }


def test_v1_of_reflection_is_v1alpha_by_another_name(channel):
    ask = channel.stream_stream(
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
        response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
    )
    requests = [
        reflection_pb2.ServerReflectionRequest(list_services="*"),
        reflection_pb2.ServerReflectionRequest(file_by_filename="grpc/health/v1/health.proto"),
        reflection_pb2.ServerReflectionRequest(file_containing_symbol="grpc.health.v1.Health.Watch"),
        reflection_pb2.ServerReflectionRequest(all_extension_numbers_of_type="inference.ModelInferRequest"),
        reflection_pb2.ServerReflectionRequest(file_containing_symbol="nobody"),
        reflection_pb2.ServerReflectionRequest(file_by_filename="nobody.proto"),
        reflection_pb2.ServerReflectionRequest(),
    ]
    answers = list(ask(iter(requests)))
    assert [answer.WhichOneof("message_response") for answer in answers] == [
        "list_services_response",
        "file_descriptor_response",
        "file_descriptor_response",
        "all_extension_numbers_response",
        "error_response",
        "error_response",
        "error_response",
    ]
    assert answers[1].file_descriptor_response == answers[2].file_descriptor_response
    assert [answer.original_request for answer in answers] == requests


def same_fields(ours, theirs, seen):
    """Every field of ours has its number, type and label at Triton's."""
    if ours.full_name in seen:
        return
    seen.add(ours.full_name)
    for field in ours.fields:
        other = theirs.fields_by_name[field.name]
        assert (field.number, field.type, field.is_repeated) == (other.number, other.type, other.is_repeated), field.full_name
        assert (field.containing_oneof is None) == (other.containing_oneof is None), field.full_name
        if field.message_type:
            assert field.message_type.full_name == other.message_type.full_name
            same_fields(field.message_type, other.message_type, seen)
        if field.enum_type:
            for value in field.enum_type.values:
                assert other.enum_type.values_by_name[value.name].number == value.number


def test_messages_are_tritons(pool):
    ours = pool.FindServiceByName("inference.GRPCInferenceService")
    theirs = service_pb2.DESCRIPTOR.services_by_name["GRPCInferenceService"]
    assert {method.name for method in ours.methods} == {method.name for method in theirs.methods}
    seen = set()
    for method in ours.methods:
        other = theirs.methods_by_name[method.name]
        assert (method.client_streaming, method.server_streaming) == (other.client_streaming, other.server_streaming)
        for one, another in ((method.input_type, other.input_type), (method.output_type, other.output_type)):
            assert one.full_name == another.full_name
            same_fields(one, another, seen)
    assert "inference.ModelConfig" in seen


def test_infer_by_reflection_alone(channel, pool):
    """As grpcurl does it."""
    method = pool.FindServiceByName("inference.GRPCInferenceService").methods_by_name["ModelInfer"]
    infer = channel.unary_unary(
        "/inference.GRPCInferenceService/ModelInfer",
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=message_factory.GetMessageClass(method.output_type).FromString,
    )
    request = message_factory.GetMessageClass(method.input_type)(model_name="identity")
    one = request.inputs.add(name="x", datatype="FP32", shape=[1, 4])
    one.contents.fp32_contents.extend([1, 2, 3, 4])
    response = infer(request)
    np.testing.assert_array_equal(np.frombuffer(response.raw_output_contents[0], np.float32), [1, 2, 3, 4])
