"""Calls that end otherwise than with an answer: too large, too slow, or while the server leaves."""

import signal
import socket
import threading
import time

import grpc
import numpy as np
import pytest
import tritonclient.grpc as triton
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tritonclient.grpc import service_pb2, service_pb2_grpc

import serving
import small_models
from test_grpc_infer import given, rows


@pytest.fixture(scope="module")
def slow_store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slow")
    models = [small_models.slow(folder / "slow.onnx"), small_models.identity(folder / "identity.onnx")]
    serving.add(folder / "store", *models)
    return folder / "store"


@pytest.fixture
def slow_server(slow_store):
    with serving.Server(slow_store) as running:
        yield running


@pytest.fixture
def client(slow_server):
    with triton.InferenceServerClient(slow_server.grpc) as client:
        yield client


def long_input():
    return given(x=rows(512, 512))


def eventually(condition):
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "it did not come to that within 20 s"
        time.sleep(0.02)


def test_what_runs_is_answered_before_the_server_leaves(client, slow_server):
    answers = []
    client.start_stream(callback=lambda result, error: answers.append((result, error)))
    unary = []
    client.async_infer("slow", long_input(), callback=lambda result, error: unary.append(error))
    client.async_stream_infer("slow", long_input())
    with grpc.insecure_channel(slow_server.grpc) as channel:
        watch = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
        assert next(watch).status == health_pb2.HealthCheckResponse.SERVING
        time.sleep(0.1)
        status = []
        stopping = threading.Thread(target=lambda: status.append(slow_server.stop(signal.SIGTERM)))
        stopping.start()
        assert next(watch).status == health_pb2.HealthCheckResponse.NOT_SERVING
        stopping.join()
    eventually(lambda: unary)
    assert unary == [None], unary[0].message()
    eventually(lambda: len(answers) == 2)
    assert answers[0][1] is None and answers[0][0].as_numpy("y").shape == (512, 512)
    assert answers[1][1].status() == "StatusCode.UNAVAILABLE"
    assert status == [0]


def test_a_message_that_is_too_large(slow_server):
    with grpc.insecure_channel(slow_server.grpc) as channel:
        infer = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
        with pytest.raises(grpc.RpcError) as caught:
            infer(b"\x3a" + bytes((256 << 20) + 1))
        assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert str(256 << 20) in caught.value.details()
        # The connection is still good.
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        assert stub.ServerLive(service_pb2.ServerLiveRequest()).live


def test_a_call_that_there_is_not(slow_server):
    with grpc.insecure_channel(slow_server.grpc) as channel:
        with pytest.raises(grpc.RpcError) as caught:
            channel.unary_unary("/inference.GRPCInferenceService/Nothing")(b"")
        assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_malformed_frames(slow_server):
    """Bytes that are no HTTP/2, and HTTP/2 that is no gRPC: the connection ends, the server goes on."""
    preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
    settings = b"\0\0\0\4\0\0\0\0\0"
    random = np.random.default_rng(0)
    for number in range(300):
        noise = random.bytes(int(random.integers(1, 200)))
        with socket.create_connection(("127.0.0.1", slow_server.grpc_port), timeout=10) as connection:
            connection.sendall((b"", preface, preface + settings)[number % 3] + noise)
    with triton.InferenceServerClient(slow_server.grpc) as client:
        assert client.is_server_live()


def is_closed(connection):
    try:
        while connection.recv(4096):
            pass
        return True
    except BlockingIOError:
        return False
    except ConnectionError:
        return True


def test_many_connections_at_once(slow_server):
    """More than the server takes: as many as are too many are closed, in whatever order it accepts them; the others serve."""
    connections = [socket.create_connection(("127.0.0.1", slow_server.grpc_port), timeout=10) for _ in range(1100)]
    for connection in connections:
        connection.setblocking(False)
    eventually(lambda: sum(map(is_closed, connections)) >= 1100 - 1024)
    others = [connection for connection in connections if not is_closed(connection)]
    assert len(others) == 1024
    empty_settings, ping = bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]), bytes([0, 0, 8, 6, 0, 0, 0, 0, 0]) + b"are you?"
    for connection in others:
        connection.settimeout(10)
        connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + empty_settings + ping)
    for connection in others:
        answer = b""
        while b"are you?" not in answer:
            more = connection.recv(4096)
            assert more, "one of those that the server took was closed"
            answer += more
    for connection in connections:
        connection.close()

    def is_live():
        try:
            with triton.InferenceServerClient(slow_server.grpc) as client:
                return client.is_server_live()
        except triton.InferenceServerException:
            return False

    eventually(is_live)
