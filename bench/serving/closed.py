"""Closed loops with as little of a client as there can be: raw sockets and requests that were made before."""

import re
import select
import socket
import time

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)


class Wrong(Exception):
    """An answer that is none."""


def connect(port):
    connection = socket.create_connection(("127.0.0.1", port), timeout=30)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return connection


def whole(data):
    """Whether an answer has come in whole; it has to be one of success."""
    end = data.find(b"\r\n\r\n")
    if end < 0:
        return False
    if not data.startswith(b"HTTP/1.1 200"):
        raise Wrong(bytes(data[:400]).decode(errors="replace"))
    length = LENGTH.search(data, 0, end + 2)
    if length is None:
        # In chunks: the last one is empty.
        return data.endswith(b"\r\n0\r\n\r\n")
    return len(data) >= end + 4 + int(length[1])


def one_client(port, request, seconds, least=20):
    """Milliseconds of requests one after the other on one connection."""
    samples = []
    with connect(port) as connection:
        end = time.perf_counter() + seconds
        while len(samples) < least or time.perf_counter() < end:
            start = time.perf_counter()
            connection.sendall(request)
            data = connection.recv(1 << 20)
            while not whole(data):
                more = connection.recv(1 << 20)
                if not more:
                    raise Wrong("the server closed the connection")
                data += more
            samples.append((time.perf_counter() - start) * 1e3)
    return samples


def many_connections(port, request, count, seconds):
    """Answers a second with one request at a time on each of `count` connections."""
    poll = select.epoll()
    connections = {}
    try:
        for _ in range(count):
            connection = connect(port)
            connections[connection.fileno()] = connection
            poll.register(connection, select.EPOLLIN)
        rest = dict.fromkeys(connections, b"")
        start = time.perf_counter()
        # A fifth of the time is for warming up.
        counted_from, end = start + seconds * 0.2, start + seconds * 1.2
        for connection in connections.values():
            connection.sendall(request)
        answered, began = 0, None
        while (now := time.perf_counter()) < end:
            if began is None and now >= counted_from:
                began, answered = now, 0
            for number, _ in poll.poll(1):
                data = rest[number] + connections[number].recv(1 << 18)
                if data == rest[number]:
                    raise Wrong("the server closed the connection")
                if whole(data):
                    rest[number] = b""
                    answered += 1
                    connections[number].sendall(request)
                else:
                    rest[number] = data
        return answered / (time.perf_counter() - began)
    finally:
        poll.close()
        for connection in connections.values():
            connection.close()


def one_grpc_client(port, request, seconds, least=20):
    """The same over gRPC: `request` is the message's bytes, and the answer stays bytes."""
    import grpc

    samples = []
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        call = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer", None, None)
        call(request, timeout=30)
        end = time.perf_counter() + seconds
        while len(samples) < least or time.perf_counter() < end:
            start = time.perf_counter()
            call(request, timeout=30)
            samples.append((time.perf_counter() - start) * 1e3)
    return samples


def grpc_request(model):
    """The model's request as the message's bytes."""
    from tritonclient.grpc import service_pb2

    message = service_pb2.ModelInferRequest(model_name=model.name)
    for item in model.described()["inputs"]:
        message.inputs.add(name=item["name"], datatype=item["datatype"], shape=item["shape"])
        message.raw_input_contents.append(model.inputs[item["name"]].tobytes())
    for name in model.outputs:
        message.outputs.add(name=name)
    return message.SerializeToString()
