"""Ten thousand requests that are none: each is refused, none is the server's fault, and nothing of them stays."""

import base64
import gzip
import json
import os
import random
import socket
import struct
import time

import grpc
import numpy as np
import pytest

import serving

GENERATOR = random.Random(20)
VALUES = np.arange(8, dtype=np.float32).reshape(2, 4)
NAMES = [
    "..", "%2e%2e", "..%2f..%2fetc%2fpasswd", "identity%00", "%00", "%ff%fe", "%e2%80%ae", "%F0%9F%92%A9", "a" * 4096,
    "identity%2f..%2fidentity", ".hidden", "identity%0d%0aX:%20y", "%2e%2e%2f%2e%2e%2fstore", "%", "%zz", "~",
]  # fmt: skip
ROUTES = [
    "/v2/models/{}/infer", "/v2/models/{}", "/v2/models/{}/ready", "/v2/models/{}/config", "/v2/models/{}/stats",
    "/v2/models/{}/versions/{}/infer", "/v2/models/{}/versions/1", "/v2/repository/models/{}/load",
    "/v2/repository/models/{}/unload", "/v2/systemsharedmemory/region/{}/register",
    "/v2/systemsharedmemory/region/{}/status", "/v2/systemsharedmemory/region/{}/unregister",
    "/v2/pipelines/{}", "/{}", "/v2/{}",
]  # fmt: skip
NUMBERS = [-1, 0, 2**31, 2**62, 2**63 - 1, 2**63, 2**64, -(2**63), 1e308, 0.5, "4", None, True, [], {}]
TYPES = ["FP32", "FP64", "INT8", "UINT64", "BOOL", "BYTES", "FP16", "BF16", "fp32", "", "FP99", None, 7]


def valid(**extra):
    tensor = {"name": "x", "shape": [2, 4], "datatype": "FP32", "data": VALUES.flatten().tolist()}
    return {"inputs": [tensor], **extra}


def post(path, body, *fields):
    head = [f"POST {path} HTTP/1.1", "Host: localhost", "Connection: close", f"Content-Length: {len(body)}", *fields, "", ""]
    return "\r\n".join(head).encode("latin-1") + body


def altered(generator):
    """A request for `identity` with one thing wrong, or with some bytes changed."""
    body = valid()
    tensor = body["inputs"][0]
    match generator.randrange(9):
        case 0:
            tensor["shape"] = [generator.choice(NUMBERS) for _ in range(generator.randrange(5))]
        case 1:
            tensor["datatype"] = generator.choice(TYPES[1:])
        case 2:
            tensor["data"] = generator.choice([None, "x", [[1], [2, 3]], [{}], [1e400], ["a"] * 8, [1] * 7, [1] * 9])
        case 3:
            tensor["name"] = generator.choice(["", "y", "x\0", "\u202e", "n" * 10_000, None, 3])
        case 4:
            body["inputs"] = generator.choice([[], {}, None, 5, [tensor, tensor], [None], [[tensor]]])
        case 5:
            body["outputs"] = generator.choice(
                [5, [5], [{"name": "nothing"}], [{}], [{"name": "y", "parameters": {"binary_data_size": -5}}, {}]]
            )
        case 6:
            body["parameters"] = generator.choice([5, [], {"priority": "x"}, {"timeout": 1e300}, {"keep_alive": -1}])
        case 7:
            del tensor[generator.choice(["name", "shape", "datatype", "data"])]
        case 8:
            text = bytearray(json.dumps(body).encode())
            return bytes(text[: generator.randrange(len(text))])
    return json.dumps(body).encode()


def binary(generator):
    """A request with a binary tensor whose lengths are lies."""
    tensor = {"name": "x", "shape": [2, 4], "datatype": "FP32", "parameters": {"binary_data_size": 32}}
    tail = VALUES.tobytes()
    if generator.randrange(2):
        tensor["parameters"]["binary_data_size"] = generator.choice([*NUMBERS, 31, 33])
        head = json.dumps({"inputs": [tensor]}).encode()
        length = len(head)
    else:
        head = json.dumps({"inputs": [tensor]}).encode()
        length = generator.choice([-1, 1, len(head) - 1, len(head) + 5, len(head) + 33, 2**31, 2**63, 2**64, "x", "", "0x10"])
    return post("/v2/models/identity/infer", head + tail, f"Inference-Header-Content-Length: {length}")


def routed(generator):
    """Names that lead elsewhere, on any route."""
    path = generator.choice(ROUTES).replace("{}", generator.choice(NAMES))
    if generator.randrange(3):
        return post(path, generator.choice([b"{}", b"", b"[", json.dumps(valid()).encode()]))
    return f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()


def administering(generator):
    """Loads, unloads, registrations and fused calls that make no sense."""
    path, body = generator.choice(
        [
            ("/v2/repository/models/identity/load", {"parameters": {"file:1/model.onnx": "?"}}),
            ("/v2/repository/models/new/load", {"parameters": {"file:../../x": base64.b64encode(b"x").decode()}}),
            ("/v2/repository/models/identity/load", {"parameters": {"keep_alive": generator.choice(["x", -1, [], 1e99])}}),
            ("/v2/repository/models/identity/load", {"parameters": {"config": generator.choice(["{", 5, "[]" * 9])}}),
            ("/v2/repository/models/identity/load", generator.choice([[], 5, "x", {"parameters": 5}])),
            ("/v2/repository/models/nobody/unload", {}),
            ("/v2/repository/index", generator.choice([[], 5, {"ready": "x"}])),
            ("/v2/systemsharedmemory/region/r/register", {"key": "/../../etc/passwd", "offset": -1, "byte_size": 2**63}),
            ("/v2/fused/infer", generator.choice([{}, [], {"requests": 5}, {"requests": []}, {"requests": [[]]}])),
        ]
    )
    return post(path, json.dumps(body).encode())


def hostile(generator):
    """What only a program that means harm sends."""
    infer, field = "/v2/models/identity/infer", "Content-Encoding: gzip"
    return generator.choice(
        [
            lambda: post(infer, generator.choice([b"[", b'{"a":', b'{"inputs":[{"data":[[[[']) * 100_000),
            lambda: post("/v2/fused/infer", b"[" * 100_000),
            lambda: post("/v2/repository/models/identity/load", b'{"a":' * 100_000),
            lambda: post(infer, BOMB, field),
            lambda: post(infer, generator.randbytes(200), field),
            lambda: post(infer, gzip.compress(b"{}")[:-6], field),
            lambda: post(infer, b"{}", "Content-Encoding: gzip, gzip, gzip, deflate"),
            lambda: b"GET /v2 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + b"".join(b"X-%d: y\r\n" % i for i in range(5000)) + b"\r\n",
            lambda: b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
            lambda: b"GET /v2/models/" + b"a" * 65_536 + b" HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
            lambda: post(infer, b"{}", "Content-Length: 5"),
            lambda: post(infer, b"{}", "Transfer-Encoding: chunked"),
            lambda: chunked(infer, generator.choice([b"-1\r\nx", b"ffffffffffffffffff\r\nx", b"zz\r\nx", b"2;" + b"e" * 70_000])),
            lambda: generator.randbytes(generator.randrange(1, 300)) + b"\r\n\r\n",
        ]
    )()


def chunked(path, chunks):
    return f"POST {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n".encode() + chunks + b"\r\n\r\n"


BOMB = gzip.compress(b"\0" * (400 << 20), 1)


def exchange(port, bytes_, ends=False, timeout=20):
    """The status and body of the response, if there is one. `ends`: the client says that no more will come."""
    with socket.create_connection(("127.0.0.1", port), timeout=timeout) as connection:
        data = b""
        try:
            try:
                connection.sendall(bytes_)
            except OSError:
                # The refusal came before all was sent.
                ends = False
            if ends:
                connection.shutdown(socket.SHUT_WR)
            while part := connection.recv(65536):
                data += part
        except TimeoutError:
            raise
        except OSError:
            pass
    if not data:
        return None, b""
    head, _, body = data.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


def frame(kind, flags, stream, payload, length=None):
    return struct.pack(">I", len(payload) if length is None else length)[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


# As HPACK writes them without a table: RFC 7541, 6.2.2.
def field(name, value):
    return bytes([0, len(name)]) + name + bytes([len(value)]) + value


FIELDS = [
    b"grpc-timeout", b"grpc-encoding", b"grpc-accept-encoding", b"grpc-previous-rpc-attempts", b"grpc-retry-pushback-ms",
    b"content-type", b"content-length", b"te", b"x-bin", b"-bin", b"grpc-trace-bin", b"authorization", b"host", b"origin",
    b"fusedinf-timeout", b"fusedinf-remote", b"connection", b"X-Upper", b"", b":status", b":protocol", b":path",
]  # fmt: skip
FIELD_VALUES = [
    b"", b",", b" ", b"-1S", b"-9999m", b"-0n", b"+1S", b"99999999H", b"123456789S", b"-1", b"99999999999999999999", b"=", b"A===",
    b"AA=A", b"\xff\xfe", b"\0", b"gzip,gzip", b"zstd", b"[::1", b"application/grpc;", b"%zz", b"a" * 100,
]  # fmt: skip


def call(path, message, length=None, extra=()):
    """The frames of one gRPC call on the first stream."""
    fields = [(b":method", b"POST"), (b":scheme", b"http"), (b":path", path), (b":authority", b"x")]
    fields += [(b"content-type", b"application/grpc"), (b"te", b"trailers"), *extra]
    data = b"\0" + struct.pack(">I", len(message) if length is None else length) + message
    return frame(1, 4, 1, b"".join(field(*pair) for pair in fields)) + frame(0, 1, 1, data)


METHODS = ["ModelInfer", "ModelStreamInfer", "RepositoryModelLoad", "RepositoryModelUnload", "ModelConfig", "ModelReady"]
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, b"")


def frames(generator):
    """Frames that break HTTP/2's rules, or keep them and carry no message."""
    path = b"/inference.GRPCInferenceService/" + generator.choice(METHODS).encode()
    return generator.choice(
        [
            lambda: generator.randbytes(generator.randrange(1, 200)),
            lambda: PREFACE + generator.randbytes(generator.randrange(1, 400)),
            lambda: PREFACE + frame(generator.randrange(12), generator.randrange(256), generator.randrange(8), generator.randbytes(40)),
            lambda: PREFACE + frame(1, 4, 1, generator.randbytes(30)),
            lambda: PREFACE + frame(0, 0, 1, b"x", length=0xFFFFFF),
            lambda: PREFACE + frame(8, 0, 0, b"\0\0\0\0"),
            lambda: PREFACE + call(path, generator.randbytes(generator.randrange(1, 100))),
            lambda: PREFACE + call(path, b"", length=generator.choice([5, 2**31, 2**32 - 1])),
            lambda: PREFACE + call(path, b"\x2a\xff\xff\xff\xff\x0f"),
            # An input whose shape overflows, with raw contents of four bytes: fields 1, 5 and 7 of ModelInferRequest.
            lambda: PREFACE + call(path, b"\x0a\x08identity\x2a\x1d\x0a\x01x\x12\x04FP32\x1a\x12" + b"\xff" * 8 + b"\x7f" + b"\xff" * 8 + b"\x7f" + b"\x3a\x04\0\0\0\0"),
            lambda: PREFACE + call(generator.choice([b"/", b"//", b"/..%2f/x", b"/a/" + b"b" * 100]), b""),
            lambda: PREFACE + call(path, b"\x0a\x09..%2f\0\xff\xfe\xc0\x80"),
            lambda: PREFACE + call(path, b"", extra=[(generator.choice(FIELDS), generator.choice(FIELD_VALUES))]),
        ]
    )()


def message(generator):
    """A call of a method with bytes that are no message, or one that means nothing: the method's name and the bytes."""
    # Fields 1, 5 and 7 of ModelInferRequest: its model's name, an input, and its bytes.
    head, overflow = b"\x0a\x08identity", b"\x1a\x12" + 2 * (b"\xff" * 8 + b"\x7f")
    bytes_ = generator.choice(
        [
            generator.randbytes(generator.randrange(1, 100)),
            b"\x2a\xff\xff\xff\xff\x0f",
            b"\x2a\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
            head + b"\x2a\x1d\x0a\x01x\x12\x04FP32" + overflow + b"\x3a\x04\0\0\0\0",
            head + b"\x2a\x0d\x0a\x01x\x12\x04FP32\x1a\x02\x02\x04" + b"\x3a\x03\0\0\0",
            head + b"\x2a\x0d\x0a\x01x\x12\x04FP99\x1a\x02\x02\x04" + b"\x3a\x20" + bytes(32),
            b"\x0a\x07..%2f\0x",
            b"\x0a\x80\x80\x04" + b"n" * 65_536,
            b"\x22" * 1000,
        ]
    )
    return generator.choice(METHODS), bytes_


# What says that the caller is at fault, or asks for what is not there or not allowed.
FAULTS_OF_CALLERS = {
    grpc.StatusCode.OK, grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND, grpc.StatusCode.UNIMPLEMENTED,
    grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.FAILED_PRECONDITION,
}  # fmt: skip


def call_with(channel, method, bytes_):
    """The call's status."""
    path = f"/inference.GRPCInferenceService/{method}"
    try:
        if method == "ModelStreamInfer":
            list(channel.stream_stream(path)(iter([bytes_]), timeout=20))
        else:
            channel.unary_unary(path)(bytes_, timeout=20)
    except grpc.RpcError as error:
        return error.code()
    return grpc.StatusCode.OK


def send_grpc(port, bytes_):
    """Sends bytes, and reads until the server closes the connection."""
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        try:
            connection.sendall(bytes_)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass
        except TimeoutError:
            raise
        except OSError:
            # The refusal came before all was sent.
            pass


def resident(server):
    with open(f"/proc/{server.process.pid}/statm") as file:
        return int(file.read().split()[1]) * 4096


def descriptors(server):
    return len(os.listdir(f"/proc/{server.process.pid}/fd"))


@pytest.fixture(scope="module")
def own(store):
    with serving.Server(store, "--max-body", "16MiB") as running:
        yield running


def problem(server, channel, kind, bytes_):
    """What is wrong with the server's answer."""
    if kind is frames:
        return send_grpc(server.grpc_port, bytes_)
    if kind is message:
        status = call_with(channel, *bytes_)
        return None if status in FAULTS_OF_CALLERS else status
    status, body = exchange(server.http_port, bytes_, ends=kind is hostile)
    allowed = (200, 400) if kind in (json_infer, binary) else (None, *range(200, 500))
    if status not in allowed or (status not in (None, 200, 204) and not json.loads(body)["error"]):
        return status, body[:300]
    return None


def json_infer(generator):
    return post("/v2/models/identity/infer", altered(generator))


SHARES = {json_infer: 4000, binary: 2000, routed: 2000, administering: 800, hostile: 200, frames: 600, message: 400}


def test_ten_thousand(own):
    kinds = [kind for kind, count in SHARES.items() for _ in range(count)]
    GENERATOR.shuffle(kinds)
    assert len(kinds) == 10_000
    sizes, wrong = [], []
    with grpc.insecure_channel(own.grpc) as channel:
        for index, kind in enumerate(kinds):
            bytes_ = kind(GENERATOR)
            if found := problem(own, channel, kind, bytes_):
                wrong.append((kind.__name__, repr(bytes_)[:400], found))
            if index % 500 == 499:
                sizes.append(resident(own))
    assert own.process.poll() is None
    assert not wrong, (len(wrong), wrong[:10])
    # What an allocator keeps has been kept by the first half; a leak of a kilobyte a request would add five megabytes.
    second = sizes[len(sizes) // 2 :]
    slope = np.polyfit(np.arange(len(second)) * 500, second, 1)[0]
    assert slope < 1024, sizes
    end = time.monotonic() + 20
    while descriptors(own) > 100 and time.monotonic() < end:
        time.sleep(0.05)
    assert descriptors(own) <= 100
    status, body = exchange(own.http_port, post("/v2/models/identity/infer", json.dumps(valid()).encode()))
    assert status == 200 and json.loads(body)["outputs"][0]["data"] == VALUES.flatten().tolist()
