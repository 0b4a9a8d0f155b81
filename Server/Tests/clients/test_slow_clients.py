"""Clients that take their time: in handshakes, in headers, and in reading what they asked for."""

import json
import re
import socket
import subprocess
import time
import urllib.request

import numpy as np
import pytest
import tritonclient.grpc as grpcclient

import serving

VALUES = 4 << 20
"""Numbers of one request, and of its answer: 16 MiB."""


def held(server):
    text = urllib.request.urlopen(server.url + "/metrics").read().decode()
    return int(float(re.search(r"^fusedinf_request_bytes (\S+)", text, flags=re.M)[1]))


def eventually(condition, seconds=30):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.1)
    pytest.fail("it does not come true")


def ended(connection, seconds=30):
    """Whether the server ends a connection."""
    connection.settimeout(seconds)
    try:
        while connection.recv(65536):
            pass
    except TimeoutError:
        return False
    except OSError:
        pass
    return True


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1", "-subj", "/CN=localhost", "-keyout",
         folder / "key.pem", "-out", folder / "cert.pem"], check=True, capture_output=True)  # fmt: skip
    return ["--tls-cert", folder / "cert.pem", "--tls-key", folder / "key.pem"]


HELLO = b"\x16\x03\x01\x00\xf0\x01\x00\x00\xec\x03\x03"
"""How a handshake of TLS begins."""


@pytest.mark.parametrize("begin", [b"", HELLO])
@pytest.mark.parametrize("port", ["http_port", "grpc_port"])
def test_a_handshake_of_tls_has_the_time_of_a_header(store, certificate, tmp_path, monkeypatch, port, begin):
    # Its readiness is not asked for over TLS: both ports are open when it says so.
    monkeypatch.setattr(serving.Server, "_wait", lambda self: None)
    with serving.Server(store, "--header-timeout", "1s", *certificate) as server:
        eventually(lambda: not socket.socket().connect_ex(("127.0.0.1", getattr(server, port))))
        with socket.create_connection(("127.0.0.1", getattr(server, port)), timeout=20) as connection:
            connection.sendall(begin)
            assert ended(connection)


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
SETTINGS = b"\0\0\0\4\0\0\0\0\0"
HALF_A_HEADER = b"\0\0\x40\1\4\0\0\0\1abc"


@pytest.mark.parametrize("sent", [b"", PREFACE, PREFACE + b"\0\0", PREFACE + SETTINGS + HALF_A_HEADER, PREFACE + SETTINGS + b"\0\0\1\1\0\0\0\0\1\x82"])
def test_a_connection_of_http2_begins_and_asks_in_time(store, sent):
    with serving.Server(store, "--header-timeout", "1s") as server:
        with socket.create_connection(("127.0.0.1", server.grpc_port), timeout=20) as connection:
            connection.sendall(sent)
            assert ended(connection)


def test_a_connection_of_http2_without_calls_may_stay(store):
    with serving.Server(store, "--header-timeout", "1s") as server:
        with socket.create_connection(("127.0.0.1", server.grpc_port), timeout=20) as connection:
            connection.sendall(PREFACE + SETTINGS)
            assert not ended(connection, 3)


def test_a_connection_that_asks_nothing_is_closed(store):
    with serving.Server(store, "--header-timeout", "1s") as server:
        with socket.create_connection(("127.0.0.1", server.http_port), timeout=20) as connection:
            assert ended(connection)


def request_of(server, values=VALUES):
    """A request whose answer is as large as itself."""
    tensor = np.zeros(values, np.float32).tobytes()
    head = json.dumps({"inputs": [{"name": "x", "datatype": "FP32", "shape": [values // 4, 4], "parameters": {"binary_data_size": len(tensor)}}],
                       "outputs": [{"name": "y", "parameters": {"binary_data": True}}]}).encode()  # fmt: skip
    fields = f"Host: {server.http}\r\nInference-Header-Content-Length: {len(head)}\r\nContent-Length: {len(head) + len(tensor)}"
    return f"POST /v2/models/identity/infer HTTP/1.1\r\n{fields}\r\n\r\n".encode() + head + tensor


OPTIONS = ["--max-body", "64MiB", "--max-body-in-flight", "64MiB"]


def test_answers_that_nobody_reads_are_given_up(store):
    """At 16 KiB a second, as it was counted before, 16 MiB may take a quarter of an hour."""
    with serving.Server(store, *OPTIONS, "--body-timeout", "1s") as server, socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 10)
        client.connect(("127.0.0.1", server.http_port))
        client.sendall(request_of(server))
        eventually(lambda: held(server) > VALUES)
        eventually(lambda: held(server) < 1 << 20)


def test_a_reader_at_the_minimum_rate_is_served(store):
    with serving.Server(store, *OPTIONS, "--body-timeout", "1s", "--min-rate", "1MiB") as server, socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 10)
        client.connect(("127.0.0.1", server.http_port))
        client.settimeout(30)
        client.sendall(request_of(server))
        received = 0
        while received < 4 * VALUES:
            # Some 4 MiB a second: for several windows.
            part = client.recv(256 << 10)
            assert part
            received += len(part)
            time.sleep(len(part) / (4 << 20))


def test_a_reader_that_others_wait_for_has_one_window(store):
    """It takes more than the minimum, and would hold most of what there is for minutes."""
    options = [*OPTIONS, "--body-timeout", "2s", "--min-rate", "4KiB"]
    with serving.Server(store, *options) as server, socket.socket() as client, socket.socket() as other:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 10)
        client.connect(("127.0.0.1", server.http_port))
        client.settimeout(30)
        client.sendall(request_of(server))
        assert b" 200 " in client.recv(1 << 10)
        other.connect(("127.0.0.1", server.http_port))
        head = f"POST /v2/models/identity/infer HTTP/1.1\r\nHost: {server.http}\r\nContent-Length: {60 << 20}\r\n\r\n"
        other.sendall(head.encode())
        assert b" 503 " in other.recv(4096)
        for _ in range(30):
            # Some 300 kB a second; once the server has ended it, what was on its way is the last.
            if ended_already(client):
                break
            time.sleep(0.2)
        eventually(lambda: held(server) < 1 << 20, 5)


def ended_already(client):
    try:
        return not client.recv(64 << 10)
    except OSError:
        return True


def test_answers_of_grpc_that_nobody_takes_are_given_up(store):
    """A client whose window is closed keeps its connection alive, and takes nothing."""
    with serving.Server(store, *OPTIONS, "--body-timeout", "1s") as server:
        with socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 10)
            client.connect(("127.0.0.1", server.grpc_port))
            message = infer_message(VALUES)
            client.sendall(PREFACE + SETTINGS + call(b"/inference.GRPCInferenceService/ModelInfer", server.grpc))
            body = b"\0" + len(message).to_bytes(4, "big") + message
            for start in range(0, len(body), 16384):
                part = body[start : start + 16384]
                last = start + 16384 >= len(body)
                client.sendall(len(part).to_bytes(3, "big") + bytes([0, last, 0, 0, 0, 1]) + part)
            eventually(lambda: held(server) > VALUES)
            eventually(lambda: held(server) < 1 << 20)


def infer_message(values):
    tensor = grpcclient.InferInput("x", [values // 4, 4], "FP32")
    tensor.set_data_from_numpy(np.zeros((values // 4, 4), np.float32))
    return grpcclient._utils._get_inference_request(
        model_name="identity", inputs=[tensor], model_version="", request_id="", outputs=None, sequence_id=0, sequence_start=False,
        sequence_end=False, priority=0, timeout=None, parameters=None,
    ).SerializeToString()  # fmt: skip


def call(path, authority, *fields, stream=1):
    """The header of one call, without compression of any kind (RFC 7541, 6.2.2)."""

    def text(value):
        length = len(value)
        return (bytes([length]) if length < 127 else bytes([127]) + varint(length - 127)) + value

    def varint(value):
        result = b""
        while value >= 128:
            result += bytes([value & 127 | 128])
            value >>= 7
        return result + bytes([value])

    pairs = [(b":method", b"POST"), (b":scheme", b"http"), (b":path", path), (b":authority", authority.encode()),
             (b"te", b"trailers"), (b"content-type", b"application/grpc"), *fields]  # fmt: skip
    block = b"".join(b"\0" + text(name) + text(value) for name, value in pairs)
    parts = [block[start : start + 16384] for start in range(0, len(block), 16384)]
    frames = b""
    for index, part in enumerate(parts):
        kind, flags = (9 if index else 1), (4 if index == len(parts) - 1 else 0)
        frames += len(part).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + part
    return frames
