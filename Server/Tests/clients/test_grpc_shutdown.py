"""Answers that are on their way when the server leaves, to a client that has yet to read them."""

import socket
import struct
import threading
import time

import numpy as np
import pytest
from tritonclient.grpc import service_pb2

import serving
import small_models

COUNT = 4 << 20
DATA, HEADERS, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 4, 6, 7, 8
END_STREAM, ACK, END_HEADERS = 1, 1, 4
INITIAL_WINDOW_SIZE = 4
LARGE_WINDOW = 1 << 30


def frame(kind, flags, stream, payload):
    return struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream) + payload


def header(name, value):
    """A literal field that is not indexed (RFC 7541, 6.2.2)."""
    return b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value


def call(message):
    """A connection's first bytes and one call on it. The client may be sent as much as there is."""
    fields = [(b":method", b"POST"), (b":scheme", b"http"), (b":path", b"/inference.GRPCInferenceService/ModelInfer"),
              (b":authority", b"localhost"), (b"content-type", b"application/grpc"), (b"te", b"trailers")]  # fmt: skip
    return (
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
        + frame(SETTINGS, 0, 0, struct.pack(">HI", INITIAL_WINDOW_SIZE, LARGE_WINDOW))
        + frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", LARGE_WINDOW))
        + frame(HEADERS, END_HEADERS, 1, b"".join(header(*field) for field in fields))
        + frame(DATA, END_STREAM, 1, b"\0" + struct.pack(">I", len(message)) + message)
    )


def frames(connection):
    """What comes until the server closes the connection: kind, flags, stream and length of each frame.

    The client takes its time, and tells what it has taken, as clients do: the server may be done with it by then.
    """
    data = bytearray()
    while part := connection.recv(64 << 10):
        data += part
        connection.sendall(frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", len(part))))
        time.sleep(0.002)
        while len(data) >= 9 and len(data) >= 9 + int.from_bytes(data[:3]):
            length = int.from_bytes(data[:3])
            if data[3] == PING and not data[4] & ACK:
                connection.sendall(frame(PING, ACK, 0, data[9 : 9 + length]))
            yield data[3], data[4], int.from_bytes(data[5:9]), length
            del data[: 9 + length]


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shutdown")
    serving.add(folder / "store", small_models.repeated(folder / "repeated.onnx", COUNT))
    return folder / "store"


def test_an_answer_is_sent_to_its_end(store):
    request = service_pb2.ModelInferRequest(model_name="repeated")
    request.inputs.add(name="x", datatype="FP32", shape=[1])
    request.raw_input_contents.append(np.float32(7).tobytes())
    with serving.Server(store, "--budget", "64MiB", "--max-body-in-flight", "64MiB") as server, socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 << 10)
        client.settimeout(20)
        client.connect(("127.0.0.1", server.grpc_port))
        client.sendall(call(request.SerializeToString()))
        # The answer has begun when its head can be read, which stays where it is.
        while len(client.recv(4096, socket.MSG_PEEK)) < 4096:
            time.sleep(0.02)
        status = []
        stopping = threading.Thread(target=lambda: status.append(server.stop()))
        stopping.start()
        received = list(frames(client))
        client.close()
        stopping.join()
    assert sum(length for kind, _, stream, length in received if kind == DATA and stream == 1) > 4 * COUNT
    assert [flags & END_STREAM for kind, flags, stream, _ in received if kind == HEADERS and stream == 1] == [0, END_STREAM]
    assert GOAWAY in {kind for kind, *_ in received}
    assert status == [0]
