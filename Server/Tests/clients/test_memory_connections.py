"""Connections keep within the documented sum: with headers and metadata that are large or incomplete, and when they are idle."""

import contextlib
import http.client
import json
import re
import resource
import socket
import struct
import time
import urllib.request

import grpc
import pytest

import serving

CONNECTIONS = 600
# The account is small, so that what is not counted shows.
SIZES = {"budget": "16MiB", "plan-cache": "8MiB", "model-cache": "8MiB", "max-body": "8MiB", "max-body-in-flight": "16MiB",
    "max-queue-bytes": "8MiB"}
OPTIONS = [word for name, size in SIZES.items() for word in (f"--{name}", size)]


@pytest.fixture
def own(store):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 8192), hard))
    try:
        with serving.Server(store, *OPTIONS, "--max-connections", CONNECTIONS + 50, "--header-timeout", "60s") as running:
            # The executable's pages and the kernel library are there when memory is measured.
            for _ in range(20):
                infer(http.client.HTTPConnection("127.0.0.1", running.http_port), 4).close()
            yield running
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def resident(server):
    with open(f"/proc/{server.process.pid}/status") as file:
        return next(int(line.split()[1]) << 10 for line in file if line.startswith("VmRSS:"))


def metric(server, pattern):
    with urllib.request.urlopen(server.url + "/metrics") as answer:
        return sum(float(value) for value in re.findall(rf"^{pattern} (\S+)", answer.read().decode(), re.M))


def held(server):
    return metric(server, "fusedinf_request_bytes")


def limit(server, parts):
    return metric(server, rf'fusedinf_memory_limit_bytes\{{part="(?:{parts})"\}}')


def wait_until_given_back(server):
    end = time.monotonic() + 20
    while held(server) > 0 and time.monotonic() < end:
        time.sleep(0.05)
    assert held(server) == 0


def infer(connection, rows):
    data = bytes(rows * 16)
    tensor = {"name": "x", "shape": [rows, 4], "datatype": "FP32", "parameters": {"binary_data_size": len(data)}}
    head = json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}}).encode()
    connection.request(
        "POST", "/v2/models/identity/infer", head + data, {"Inference-Header-Content-Length": str(len(head))})
    answer = connection.getresponse()
    answer.read()
    assert answer.status == 200
    return connection


@pytest.mark.parametrize("rows", [6_000, 12_500])
def test_idle_connections_keep_no_large_buffers(own, rows):
    with contextlib.ExitStack() as stack:
        for _ in range(50):
            infer(http.client.HTTPConnection("127.0.0.1", own.http_port), rows).close()
        before = resident(own)
        for _ in range(CONNECTIONS):
            stack.callback(infer(http.client.HTTPConnection("127.0.0.1", own.http_port), rows).close)
        time.sleep(0.5)
        assert held(own) == 0
        # A third of the share, which includes TLS, and the holes of the last connections.
        assert resident(own) - before < CONNECTIONS * (160 << 10) // 3 + (12 << 20)


def large_head(end):
    fields = b"".join(b"X-%d: %s\r\n" % (number, b"a" * 900) for number in range(66))
    return b"GET /v2 HTTP/1.1\r\nHost: localhost\r\n" + fields + end


def test_unfinished_heads_are_counted_refused_and_given_back(own):
    before = resident(own)
    with contextlib.ExitStack() as stack:
        connections = []
        for _ in range(CONNECTIONS):
            connection = stack.enter_context(socket.create_connection(("127.0.0.1", own.http_port), timeout=20))
            with contextlib.suppress(ConnectionError):
                connection.sendall(large_head(b""))
            connections.append(connection)
        time.sleep(0.5)
        assert 8 << 20 < held(own) <= 17 << 20
        assert resident(own) - before < limit(own, "connections|requests") / 2
        # Ordinary requests, and health checks, have small heads.
        assert urllib.request.urlopen(own.url + "/v2/health/live").status == 200
        # The last came when the account was full.
        assert connections[-1].recv(65536).startswith(b"HTTP/1.1 503")
    wait_until_given_back(own)
    with socket.create_connection(("127.0.0.1", own.http_port), timeout=20) as connection:
        connection.sendall(large_head(b"\r\n"))
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
        connection.sendall(large_head(b"\r\n"))
        assert connection.recv(65536).startswith(b"HTTP/1.1 200")
    wait_until_given_back(own)


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def text(value):
    """A string of HPACK without Huffman coding (RFC 7541, 5.2)."""
    if len(value) < 127:
        return bytes([len(value)]) + value
    rest, size = len(value) - 127, b"\x7f"
    while rest >= 128:
        size += bytes([rest & 127 | 128])
        rest >>= 7
    return size + bytes([rest]) + value


def fields(*pairs):
    return b"".join(b"\0" + text(name) + text(value) for name, value in pairs)


CALL = fields((b":method", b"POST"), (b":scheme", b"http"), (b":path", b"/inference.GRPCInferenceService/ModelStreamInfer"),
    (b":authority", b"localhost"), (b"content-type", b"application/grpc"), (b"te", b"trailers"))
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0)


def call_connection(server):
    connection = socket.create_connection(("127.0.0.1", server.grpc_port), timeout=20)
    connection.sendall(PREFACE)
    # The server sends its settings twice; frames may be large once both are acknowledged.
    connection.recv(65536)
    time.sleep(0.005)
    connection.sendall(2 * frame(4, 1, 0))
    return connection


@pytest.mark.parametrize("metadata", [0, 14_000])
def test_open_calls_and_their_metadata_are_counted(own, metadata):
    before = resident(own)
    payload = CALL + fields((b"x-large", b"a" * metadata))
    with contextlib.ExitStack() as stack:
        for _ in range(40):
            connection = stack.enter_context(call_connection(own))
            with contextlib.suppress(ConnectionError):
                connection.sendall(b"".join(frame(1, 4, 1 + 2 * number, payload) for number in range(90)))
        time.sleep(1.5)
        assert 8 << 20 < held(own) <= 17 << 20
        assert resident(own) - before < limit(own, "requests") + 40 * (160 << 10) + (24 << 20)
        # One call of a new connection belongs to its share.
        with grpc.insecure_channel(own.grpc) as channel:
            channel.unary_unary("/inference.GRPCInferenceService/ServerLive")(b"", timeout=20)
    wait_until_given_back(own)


def test_unfinished_metadata_are_counted_and_given_back(own):
    before = resident(own)
    with contextlib.ExitStack() as stack:
        for _ in range(CONNECTIONS):
            connection = stack.enter_context(call_connection(own))
            # A frame of 60 KiB, less its last byte.
            with contextlib.suppress(ConnectionError):
                connection.sendall(frame(1, 4, 1, CALL + fields((b"x-large", b"a" * 60_000)))[:-1])
        time.sleep(0.5)
        assert 8 << 20 < held(own) <= 17 << 20
        assert resident(own) - before < limit(own, "requests") + CONNECTIONS * (64 << 10)
    wait_until_given_back(own)
