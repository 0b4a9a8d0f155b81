"""More connections than there are descriptors, or than there may be."""

import json
import resource
import socket
import time
import urllib.request

import pytest
import tritonclient.grpc as grpcclient

import serving


def limited(descriptors):
    """Starts servers with so many descriptors, which they cannot raise."""

    class Server(serving.Server):
        def __init__(self, *arguments, **options):
            soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
            spawn = serving.subprocess.Popen
            serving.subprocess.Popen = lambda *a, **k: spawn(
                *a, **k, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors)))  # fmt: skip
            try:
                super().__init__(*arguments, **options)
            finally:
                serving.subprocess.Popen = spawn

    return Server


def processor_seconds(server):
    fields = open(f"/proc/{server.process.pid}/stat").read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


@pytest.mark.parametrize("port", ["http_port", "grpc_port"])
def test_idle_connections_give_way(store, port):
    with limited(256)(store) as server:
        idle = [socket.create_connection(("127.0.0.1", getattr(server, port)), timeout=20) for _ in range(400)]
        try:
            before = processor_seconds(server)
            time.sleep(2)
            assert processor_seconds(server) - before < 1, "the event loop spins"
            values = {"name": "x", "datatype": "FP32", "shape": [1, 4], "data": [1, 2, 3, 4]}
            body = json.dumps({"inputs": [values]}).encode()
            for _ in range(10):
                with urllib.request.urlopen(f"{server.url}/v2/models/identity/infer", body, timeout=10) as response:
                    assert response.status == 200
            with grpcclient.InferenceServerClient(server.grpc) as client:
                assert client.is_model_ready("identity")
        finally:
            for connection in idle:
                connection.close()


def test_the_limit_is_raised_at_the_start(store):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
    try:
        server = serving.Server(store)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    with server:
        assert resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)[0] == min(hard, 1 << 20)


def test_what_is_busy_stays_and_the_next_one_waits(store):
    """A connection in the middle of a request is not closed for another; the other is answered when there is room."""
    with serving.Server(store, "--max-connections", "2") as server:
        address = ("127.0.0.1", server.http_port)
        head = b"POST /v2/repository/index HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n{"
        with socket.create_connection(address, 20) as first, socket.socket() as second:
            first.sendall(head)
            time.sleep(0.5)
            second.settimeout(20)
            second.connect(address)
            second.sendall(head)
            time.sleep(0.5)
            with socket.create_connection(address, 20) as third:
                third.sendall(head + b"}")
                third.settimeout(1)
                with pytest.raises(TimeoutError):
                    third.recv(1)
                third.settimeout(20)
                first.sendall(b"}")
                assert b" 200 " in first.recv(4096)
                assert b" 200 " in third.recv(4096)
            second.sendall(b"}")
            assert b" 200 " in second.recv(4096)
