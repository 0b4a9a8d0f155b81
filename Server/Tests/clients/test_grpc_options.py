"""gRPC as the server's options make it: shared memory, TLS, sizes and times."""

import itertools
import socket
import subprocess
import threading
import time

import grpc
import numpy as np
import pytest
import tritonclient.grpc as triton
import tritonclient.utils.shared_memory as shm
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from tritonclient.grpc import service_pb2, service_pb2_grpc
from tritonclient.utils import InferenceServerException

import serving
import small_models
from test_grpc_infer import given, rows


class GRPCServer(serving.Server):
    """A server without HTTP."""

    def _wait(self):
        end = time.monotonic() + 30
        while True:
            try:
                return socket.create_connection(("127.0.0.1", self.grpc_port), timeout=1).close()
            except OSError:
                assert time.monotonic() < end and self.process.poll() is None, "the server did not come up"
                time.sleep(0.02)


def test_shared_memory_both_ways(store, models):
    x = np.arange(16, dtype=np.int32).reshape(1, 16)
    with serving.Server(store, "--shared-memory") as server, triton.InferenceServerClient(server.grpc) as client:
        name = f"fusedinf-{server.grpc_port}"
        region = shm.create_shared_memory_region("both", f"/{name}", 4 * x.nbytes)
        try:
            client.register_system_shared_memory("both", f"/{name}", 4 * x.nbytes)
            status = client.get_system_shared_memory_status().regions["both"]
            assert (status.key, status.offset, status.byte_size) == (f"/{name}", 0, 4 * x.nbytes)
            shm.set_shared_memory_region(region, [x, 2 * x])
            inputs = [triton.InferInput(f"INPUT{number}", [1, 16], "INT32") for number in (0, 1)]
            outputs = [triton.InferRequestedOutput(f"OUTPUT{number}") for number in (0, 1)]
            for number, (one, other) in enumerate(zip(inputs, outputs)):
                one.set_shared_memory("both", x.nbytes, offset=number * x.nbytes)
                other.set_shared_memory("both", x.nbytes, offset=(2 + number) * x.nbytes)
            result = client.infer("add_sub", inputs, outputs=outputs)
            expected = small_models.answer(models["add_sub"], INPUT0=x, INPUT1=2 * x)
            for number, output in enumerate(result.get_response().outputs):
                assert output.parameters["shared_memory_byte_size"].int64_param == x.nbytes
                got = shm.get_contents_as_numpy(region, np.int32, [1, 16], offset=(2 + number) * x.nbytes)
                np.testing.assert_array_equal(got, expected[output.name])

            # One input there, the other in the message.
            inputs[1] = given(INPUT1=2 * x)[0]
            result = client.infer("add_sub", inputs)
            np.testing.assert_array_equal(result.as_numpy("OUTPUT0"), expected["OUTPUT0"])

            inputs[0].set_shared_memory("both", x.nbytes, offset=4 * x.nbytes)
            with pytest.raises(InferenceServerException) as caught:
                client.infer("add_sub", inputs)
            assert caught.value.status() == "StatusCode.INVALID_ARGUMENT"
            client.unregister_system_shared_memory("both")
            assert len(client.get_system_shared_memory_status().regions) == 0
        finally:
            shm.destroy_shared_memory_region(region)


def test_tls(store, tmp_path):
    root, key = tmp_path / "certificate.pem", tmp_path / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
        + ["-subj", "/CN=fusedinf", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out", root],
        check=True,
        capture_output=True,
    )
    with GRPCServer(store, "--tls-cert", root, "--tls-key", key, "--no-http") as server:
        with triton.InferenceServerClient(server.grpc, ssl=True, root_certificates=str(root)) as client:
            x = rows(2, 4)
            np.testing.assert_array_equal(client.infer("identity", given(x=x)).as_numpy("y"), x)
        with triton.InferenceServerClient(server.grpc) as client:
            with pytest.raises(InferenceServerException) as caught:
                client.is_server_live(client_timeout=5)
            assert caught.value.status() in ("StatusCode.UNAVAILABLE", "StatusCode.DEADLINE_EXCEEDED")


def test_the_largest_message_is_the_operators(store):
    with serving.Server(store, "--max-body", "1MB") as server, triton.InferenceServerClient(server.grpc) as client:
        with pytest.raises(InferenceServerException) as caught:
            client.infer("identity", given(x=rows(1 << 18, 4)))
        assert caught.value.status() == "StatusCode.RESOURCE_EXHAUSTED"
        x = rows(1000, 4)
        np.testing.assert_array_equal(client.infer("identity", given(x=x)).as_numpy("y"), x)


def test_a_client_that_owes_its_message_is_not_waited_for(store):
    with serving.Server(store, "--body-timeout", "1s") as server:
        with grpc.insecure_channel(server.grpc) as channel:

            def never():
                time.sleep(20)
                yield service_pb2.ServerLiveRequest()

            call = channel.stream_unary(
                "/inference.GRPCInferenceService/ServerLive",
                request_serializer=service_pb2.ServerLiveRequest.SerializeToString,
            )
            with pytest.raises(grpc.RpcError) as caught:
                call(never(), timeout=15)
            assert caught.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
            assert "no data of the request arrived" in caught.value.details()

            # A stream of inferences may be silent for as long as it likes.
            def slowly():
                time.sleep(3)
                request = service_pb2.ModelInferRequest(model_name="identity", id="late")
                request.inputs.add(name="x", datatype="FP32", shape=[1, 4]).contents.fp32_contents.extend([0] * 4)
                yield request

            stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
            assert [answer.infer_response.id for answer in stub.ModelStreamInfer(slowly())] == ["late"]


def test_a_stream_that_nobody_uses_is_ended(store):
    with serving.Server(store, "--idle-timeout", "1s") as server, grpc.insecure_channel(server.grpc) as channel:
        infer = service_pb2_grpc.GRPCInferenceServiceStub(channel).ModelStreamInfer
        reflect = reflection_pb2_grpc.ServerReflectionStub(channel).ServerReflectionInfo
        request = service_pb2.ModelInferRequest(model_name="identity", id="one")
        request.inputs.add(name="x", datatype="FP32", shape=[1, 4]).contents.fp32_contents.extend([0] * 4)
        list_services = reflection_pb2.ServerReflectionRequest(list_services="")
        for open_stream, first in itertools.product((infer, reflect), (False, True)):
            end = threading.Event()

            def requests():
                if first:
                    yield request if open_stream is infer else list_services
                end.wait(60)

            answers = open_stream(requests(), timeout=50)
            if first:
                next(answers)
            with pytest.raises(grpc.RpcError) as caught:
                next(answers)
            end.set()
            assert caught.value.code() == grpc.StatusCode.UNAVAILABLE
            assert "no message on this stream" in caught.value.details()


def test_open_calls_of_all_connections_are_bounded(store):
    with serving.Server(store, "--max-connections", "4") as server:
        with grpc.insecure_channel(server.grpc) as one, grpc.insecure_channel(
            server.grpc, [("grpc.use_local_subchannel_pool", 1), ("grpc.enable_retries", 0)]
        ) as other:
            watch = health_pb2_grpc.HealthStub(one).Watch
            # What one connection may have.
            calls = [watch(health_pb2.HealthCheckRequest()) for _ in range(1024)]
            for call in calls:
                next(call)
            check = health_pb2_grpc.HealthStub(other).Check
            with pytest.raises(grpc.RpcError) as caught:
                check(health_pb2.HealthCheckRequest(), timeout=30)
            assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
            assert "too many calls are open" in caught.value.details()
            calls[0].cancel()
            end = time.monotonic() + 30
            while True:
                try:
                    assert check(health_pb2.HealthCheckRequest(), timeout=30).status
                    break
                except grpc.RpcError as error:
                    assert error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED and time.monotonic() < end
