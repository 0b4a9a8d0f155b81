"""What calls and connections leave behind when they have ended: nothing."""

import socket
import struct

import grpc
import pytest

import serving

METHOD = "/inference.GRPCInferenceService/ServerLive"
# The connection preface of HTTP/2 (RFC 9113, 3.4) and empty SETTINGS.
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0\0\0\4\0\0\0\0\0"
GOAWAY = 7


@pytest.fixture(scope="module")
def own(store):
    with serving.Server(store, "--idle-timeout", "2s") as running:
        yield running


def anonymous(server):
    """Bytes of memory that are no file's."""
    with open(f"/proc/{server.process.pid}/smaps_rollup") as file:
        return next(int(line.split()[1]) << 10 for line in file if line.startswith("Anonymous:"))


def growth(server, body, count):
    for _ in range(1000):
        body()
    before = anonymous(server)
    for _ in range(count):
        body()
    return (anonymous(server) - before) / count


def test_a_call_with_much_time_keeps_none_of_it(own):
    with grpc.insecure_channel(own.grpc) as channel:
        call = channel.unary_unary(METHOD)
        assert growth(own, lambda: call(b"", timeout=100_000), 3000) < 200


def test_a_connection_leaves_nothing(own):
    def connect():
        with socket.create_connection(("127.0.0.1", own.grpc_port), timeout=20) as connection:
            connection.sendall(PREFACE)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass

    assert growth(own, connect, 10_000) < 100


def frames(connection):
    """The types of the frames that come until the server closes the connection."""
    data = b""
    while part := connection.recv(65536):
        data += part
    while data:
        length = struct.unpack(">I", b"\0" + data[:3])[0]
        yield data[3]
        data = data[9 + length :]


def test_a_connection_without_calls_is_told_to_go_and_closed(own):
    with socket.create_connection(("127.0.0.1", own.grpc_port), timeout=20) as connection:
        connection.sendall(PREFACE)
        assert GOAWAY in frames(connection)


def test_a_connection_with_an_open_call_stays(own):
    with grpc.insecure_channel(own.grpc) as channel:
        states = []
        channel.subscribe(states.append)
        grpc.channel_ready_future(channel).result(20)
        # Says how the server is until the client ends it.
        stream = channel.unary_stream("/grpc.health.v1.Health/Watch")(b"", timeout=5)
        next(stream)
        with pytest.raises(grpc.RpcError) as error:
            next(stream)
        assert error.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
        assert grpc.ChannelConnectivity.IDLE not in states[states.index(grpc.ChannelConnectivity.READY) :]
