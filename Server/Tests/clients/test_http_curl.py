"""HTTP as curl and raw sockets speak it: raw tensors, compression, errors, limits, clients that dawdle or vanish."""

import gzip
import json
import os
import random
import select
import socket
import subprocess
import time
import zlib

import numpy as np
import pytest

import serving
import small_models


def curl(*arguments, data=None):
    """Status, header fields (lower case) and body of the last response."""
    done = subprocess.run(
        ["curl", "-sS", "-i", "--max-time", "20", *arguments], input=data, capture_output=True, check=True
    )
    rest = done.stdout
    while True:
        head, _, rest = rest.partition(b"\r\n\r\n")
        status = int(head.split()[1])
        if status != 100:
            break
    fields = dict(line.split(": ", 1) for line in head.decode().split("\r\n")[1:])
    return status, {name.lower(): value for name, value in fields.items()}, rest


def infer(server, body, *arguments, model="identity"):
    return curl(f"{server.url}/v2/models/{model}/infer", "--data-binary", "@-", *arguments, data=body)


def request(values, **extra):
    tensor = {"name": "x", "shape": list(values.shape), "datatype": "FP32", "data": values.tolist()}
    return json.dumps({"inputs": [tensor], **extra}).encode()


VALUES = np.arange(8, dtype=np.float32).reshape(2, 4)


def test_json(server):
    status, fields, body = infer(server, request(VALUES, id="1"))
    assert status == 200 and fields["content-type"] == "application/json"
    answer = json.loads(body)
    assert answer["model_name"] == "identity" and answer["model_version"] == "1" and answer["id"] == "1"
    assert answer["outputs"] == [{"name": "y", "datatype": "FP32", "shape": [2, 4], "data": VALUES.flatten().tolist()}]


def test_raw_binary(server):
    status, fields, body = infer(server, VALUES.tobytes(), "-H", "Inference-Header-Content-Length: 0")
    assert status == 200 and fields["content-type"] == "application/octet-stream"
    head = int(fields["inference-header-content-length"])
    assert json.loads(body[:head])["outputs"][0]["shape"] == [2, 4]
    assert body[head:] == VALUES.tobytes()
    status, _, body = infer(server, VALUES.tobytes()[:-1], "-H", "Inference-Header-Content-Length: 0")
    assert status == 400 and "31 bytes" in json.loads(body)["error"]


@pytest.mark.parametrize("name, pack", [("gzip", gzip.compress), ("deflate", zlib.compress)])
def test_compressed_requests(server, name, pack):
    packed = pack(request(VALUES))
    assert infer(server, packed, "-H", f"Content-Encoding: {name}")[0] == 200
    assert infer(server, packed[:-9], "-H", f"Content-Encoding: {name}")[0] == 400
    assert infer(server, request(VALUES), "-H", f"Content-Encoding: {name}")[0] == 400


def test_a_bomb_is_refused(server):
    bomb = zlib.compress(bytes(300 << 20), 9)
    assert len(bomb) < 1 << 20
    status, _, body = infer(server, bomb, "-H", "Content-Encoding: deflate")
    assert status == 413 and "error" in json.loads(body)


def test_an_unknown_compression_is_refused(server):
    assert infer(server, b"x", "-H", "Content-Encoding: br")[0] == 400


def test_paths_and_methods(server):
    for path in ("/", "/nothing", "/v2/models/identity/nothing", "/v2/models/../../etc/passwd", "/v2/models/%2e%2e"):
        status, _, body = curl("--path-as-is", f"{server.url}{path}")
        assert status == 404 or path == "/" and status == 200, path
        assert status != 404 or "error" in json.loads(body)
    status, fields, body = curl("-X", "DELETE", f"{server.url}/v2/models/identity/infer")
    assert status == 405 and fields["allow"] == "OPTIONS, POST" and "error" in json.loads(body)
    status, fields, body = curl("--head", f"{server.url}/v2")
    assert status == 200 and int(fields["content-length"]) > 0 and body == b""
    status, fields, _ = curl("-X", "OPTIONS", f"{server.url}/v2")
    assert status == 204 and fields["allow"] == "GET, HEAD, OPTIONS"
    for version, expected in [("x", 400), ("%31", 200), ("%32", 404), ("%00", 400), ("%", 400), ("%ff", 400)]:
        for path in ("", "/ready", "/config", "/stats"):
            status = curl(f"{server.url}/v2/models/identity/versions/{version}{path}")[0]
            assert status == expected, (version, path)
    assert json.loads(curl(f"{server.url}/v2/models")[2])["models"] == ["add_sub", "identity", "perceptron"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b'{"inputs":[]}',
        b'{"inputs":[{"name":"x","shape":[4611686018427387904,4],"datatype":"FP32","data":[]}]}',
        b'{"inputs":[{"name":"x","shape":[-1,4],"datatype":"FP32","data":[]}]}',
        b'{"inputs":[{"name":"x","shape":[1,4],"datatype":"FP32","data":[1,2,3]}]}',
        b'{"inputs":[{"name":"\xff","shape":[1,4],"datatype":"FP32","data":[1,2,3,4]}]}',
    ],
    ids=lambda body: body[:24].decode("latin-1"),
)
def test_malformed_requests(server, body):
    status, _, answer = infer(server, body)
    assert status == 400 and json.loads(answer)["error"]


@pytest.mark.parametrize("length", ["-1", "x", "99999999999999999999", "1000"])
def test_wrong_header_lengths(server, length):
    assert infer(server, request(VALUES), "-H", f"Inference-Header-Content-Length: {length}")[0] == 400


def test_bodies_too_large_are_refused_before_they_are_read(server):
    with socket.create_connection(("127.0.0.1", server.http_port), timeout=10) as connection:
        connection.sendall(b"POST /v2/models/identity/infer HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n\r\n")
        assert connection.recv(4096).startswith(b"HTTP/1.1 413")
    # curl waits for leave to send a body of this size.
    status, fields, _ = infer(server, request(np.zeros((20_000, 4), np.float32)), "-H", "Expect: 100-continue")
    assert status == 200


def test_headers_too_large_are_refused(server):
    assert curl("-H", "X: " + "a" * 100_000, f"{server.url}/v2")[0] == 431


def read_response(connection):
    """One response with a Content-Length, from a socket."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = connection.recv(65536)
        assert part, data
        data += part
    head, _, body = data.partition(b"\r\n\r\n")
    length = int(next(line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length"))[15:])
    while len(body) < length:
        body += connection.recv(65536)
    return head, body


def raw(body, path="/v2/models/identity/infer", extra=b""):
    return b"POST %s HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n%s\r\n" % (path.encode(), len(body), extra) + body


def test_pipelined_requests_are_answered_in_order(server):
    with socket.create_connection(("127.0.0.1", server.http_port), timeout=10) as connection:
        connection.sendall(b"".join(raw(request(VALUES, id=str(index))) for index in range(50)))
        data = b""
        while data.count(b'"model_version"') < 50:
            part = connection.recv(65536)
            assert part
            data += part
    found = [int(piece.split(b'"')[0]) for piece in data.split(b'"id":"')[1:]]
    assert found == list(range(50))


def test_chunked_bodies(server):
    status, _, body = infer(server, request(VALUES), "-H", "Transfer-Encoding: chunked")
    assert status == 200 and json.loads(body)["outputs"][0]["data"] == VALUES.flatten().tolist()


def test_what_is_no_http_is_refused(server):
    for bytes_ in (b"hello\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"POST /v2 HTTP/1.1\r\nHost: localhost\r\nContent-Length: x\r\n\r\n"):
        with socket.create_connection(("127.0.0.1", server.http_port), timeout=10) as connection:
            connection.sendall(bytes_)
            assert connection.recv(4096).split()[1] in (b"400", b"505")


def test_older_clients_see_the_end_of_the_answer(server):
    with socket.create_connection(("127.0.0.1", server.http_port), timeout=10) as connection:
        connection.sendall(b"GET /v2 HTTP/1.0\r\n\r\n")
        data = b""
        while part := connection.recv(4096):
            data += part
    assert b"200 OK" in data and b"fusedinf" in data


def test_random_requests_are_answered(server):
    generator = random.Random(5)
    text = request(VALUES)
    with socket.create_connection(("127.0.0.1", server.http_port), timeout=10) as connection:
        for _ in range(2000):
            body = bytearray(text)
            for _ in range(generator.randrange(1, 5)):
                body[generator.randrange(len(body))] = generator.randrange(256)
            length = generator.choice([None, len(body), generator.randrange(len(body) + 8)])
            extra = b"" if length is None else b"Inference-Header-Content-Length: %d\r\n" % length
            connection.sendall(raw(bytes(body), extra=extra))
            head, answer = read_response(connection)
            assert head.split()[1] in (b"200", b"400"), head
            assert head.split()[1] == b"200" or b"error" in answer
    assert infer(server, text)[0] == 200


def test_a_client_that_vanishes_while_it_sends_leaves_nothing(server):
    for _ in range(200):
        with socket.create_connection(("127.0.0.1", server.http_port), timeout=10) as connection:
            connection.sendall(raw(request(VALUES))[:-7])
    end = time.monotonic() + 5
    folder = f"/proc/{server.process.pid}/fd"
    while time.monotonic() < end and len(list(os.scandir(folder))) > 100:
        time.sleep(0.1)
    assert len(list(os.scandir(folder))) < 100
    assert infer(server, request(VALUES))[0] == 200


def test_clients_that_dawdle_are_told_so_and_hold_nobody_up(server):
    with (
        socket.create_connection(("127.0.0.1", server.http_port), timeout=60) as slow_header,
        socket.create_connection(("127.0.0.1", server.http_port), timeout=60) as slow_body,
    ):
        slow_header.sendall(b"POST /v2 HTTP/1.1\r\nHost:")
        slow_body.sendall(raw(request(VALUES))[:-5])
        assert infer(server, request(VALUES))[0] == 200
        for connection in (slow_header, slow_body):
            head, body = read_response(connection)
            assert head.split()[1] == b"408" and b"too slowly" in body
            assert connection.recv(1) == b""


def test_clients_that_vanish_while_they_wait_are_seen_at_once(tmp_path):
    serving.add(tmp_path / "store", small_models.slow(tmp_path / "slow.onnx", steps=40, width=1024))
    rows = np.zeros((1024, 1024), np.float32)
    body = raw(rows.tobytes(), "/v2/models/slow/infer", b"Inference-Header-Content-Length: 0\r\n")
    with serving.Server(tmp_path / "store") as server:

        def held():
            """The connections that the server has not closed: established ones, and those that their clients have closed."""
            with open("/proc/net/tcp") as table:
                rows = [line.split() for line in table][1:]
            return sum(row[1].endswith(f":{server.http_port:04X}") and row[3] in ("01", "08") for row in rows)

        assert curl(f"{server.url}/v2/models/slow")[0] == 200
        connections = [socket.create_connection(("127.0.0.1", server.http_port), timeout=120) for _ in range(6)]
        for connection in connections:
            connection.sendall(body)
        end = time.monotonic() + 60
        while held() != 6 and time.monotonic() < end:
            time.sleep(0.01)
        stays, *leave = connections
        for connection in leave:
            connection.close()
        end = time.monotonic() + 60
        while held() > 1 and time.monotonic() < end:
            time.sleep(0.01)
        # They are gone before anybody has been answered.
        assert not select.select([stays], [], [], 0)[0]
        assert read_response(stays)[0].split()[1] == b"200"
        stays.close()
