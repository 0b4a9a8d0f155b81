"""One account holds the bytes of all requests and answers: what does not fit is refused, and nobody is locked out by
what others announce."""

import concurrent.futures
import contextlib
import gzip
import json
import queue
import re
import socket
import time
import urllib.request

import grpc
import numpy as np
import pytest
import tritonclient.grpc as triton_grpc
import tritonclient.http as triton_http
import tritonclient.utils.shared_memory as shm

import serving

LIMIT = 16 << 20
INFER = "/v2/models/identity/infer"
STREAM = "/inference.GRPCInferenceService/ModelStreamInfer"


@pytest.fixture(scope="module")
def own(store):
    options = ("--max-body-in-flight", "16MiB", "--max-body", "64MiB", "--shared-memory", "--body-timeout", "60s")
    with serving.Server(store, *options) as running:
        yield running


@pytest.fixture(autouse=True)
def everything_is_given_back(own):
    yield
    wait_until_given_back(own)


def wait_until_given_back(server):
    end = time.monotonic() + 20
    while (rest := held(server)) > 0 and time.monotonic() < end:
        time.sleep(0.05)
    assert rest == 0


def held(server):
    # The answer to the one before may not be known to have been taken.
    return min(held_now(server) for _ in range(3))


def held_now(server):
    with urllib.request.urlopen(server.url + "/metrics") as response:
        return int(float(re.search(r"^fusedinf_request_bytes ([0-9.e+]+)$", response.read().decode(), re.M)[1]))


def wait_for_held(server, least):
    end = time.monotonic() + 20
    while held(server) < least and time.monotonic() < end:
        time.sleep(0.02)
    assert held(server) >= least


def peak(server):
    """The most bytes that the server has had in memory."""
    with open(f"/proc/{server.process.pid}/status") as file:
        return next(int(line.split()[1]) << 10 for line in file if line.startswith("VmHWM:"))


def reset_peak(server):
    with open(f"/proc/{server.process.pid}/clear_refs", "w") as file:
        file.write("5")


def binary(byte_count):
    """A request with so many bytes of floats, whose answer has as many, and its header's length."""
    rows = byte_count // 16
    tensor = {"name": "x", "shape": [rows, 4], "datatype": "FP32", "parameters": {"binary_data_size": rows * 16}}
    head = json.dumps({"inputs": [tensor], "parameters": {"binary_data_output": True}}).encode()
    return head + bytes(rows * 16), len(head)


def head(length, *fields):
    lines = [f"POST {INFER} HTTP/1.1", "Host: localhost", f"Content-Length: {length}", *fields, "", ""]
    return "\r\n".join(lines).encode()


def connect(server, receive_buffer=None):
    connection = socket.socket()
    if receive_buffer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    connection.settimeout(30)
    connection.connect(("127.0.0.1", server.http_port))
    return connection


def ask(server, byte_count):
    """The response to a request with so many bytes: its status, its header and its body."""
    body, length = binary(byte_count)
    with connect(server) as connection:
        data = b""
        with contextlib.suppress(OSError):
            connection.sendall(head(len(body), f"Inference-Header-Content-Length: {length}", "Connection: close") + body)
        with contextlib.suppress(ConnectionError):
            while part := connection.recv(1 << 20):
                data += part
    top, _, rest = data.partition(b"\r\n\r\n")
    return int(top.split()[1]), top.decode().lower(), rest


def assert_refused(response):
    status, top, body = response
    assert status == 503, (status, body[:200])
    assert "retry-after: 1" in top
    assert "retry later" in json.loads(body)["error"]


def test_clients_that_announce_much_and_send_little_keep_nobody_out(own):
    with contextlib.ExitStack() as stack:
        for _ in range(8):
            slow = stack.enter_context(connect(own))
            slow.sendall(head(LIMIT - 1) + b"{")
        for _ in range(3):
            assert ask(own, 4 << 20)[0] == 200
        assert held(own) < 1000


def test_a_body_that_never_fits_is_refused_before_it_is_sent(own):
    with connect(own) as connection:
        connection.sendall(head(LIMIT + 1))
        assert connection.recv(100).startswith(b"HTTP/1.1 413")


def test_what_has_come_counts_until_its_client_goes(own):
    with connect(own) as first, connect(own) as second:
        for connection in (first, second):
            connection.sendall(head(8 << 20) + bytes(7 << 20))
        wait_for_held(own, 14 << 20)
        assert_refused(ask(own, 3 << 20))
        # What is small is answered.
        assert ask(own, 64)[0] == 200
    end = time.monotonic() + 20
    while held(own) > 0 and time.monotonic() < end:
        time.sleep(0.02)
    assert ask(own, 3 << 20)[0] == 200


def test_answers_that_clients_leave_lying_count(own):
    body, length = binary(4 << 20)
    with contextlib.ExitStack() as stack:
        for number in range(3):
            lazy = stack.enter_context(connect(own, receive_buffer=4096))
            lazy.sendall(head(len(body), f"Inference-Header-Content-Length: {length}") + body)
            wait_for_held(own, (number + 1) * 4 << 20)
        assert_refused(ask(own, 4 << 20))
        assert ask(own, 64)[0] == 200


def test_an_answer_that_does_not_fit_is_refused_well_formed(own):
    # As JSON it is larger than the request, and than there is room.
    rows = (2 << 20) // 16
    tensor = {"name": "x", "shape": [rows, 4], "datatype": "FP32", "parameters": {"binary_data_size": rows * 16}}
    text = json.dumps({"inputs": [tensor]}).encode()
    body = text + bytes(rows * 16)
    with connect(own) as connection:
        connection.sendall(head(len(body), f"Inference-Header-Content-Length: {len(text)}") + body)
        data = connection.recv(65536)
    assert data.split()[1] in (b"413", b"503") and b"error" in data


def test_what_json_is_decoded_to_counts(own):
    reset_peak(own)
    before = peak(own)
    # Two bytes of text become eight.
    count = 2 << 20
    tensor = {"name": "x", "shape": [count // 4, 4], "datatype": "INT64", "data": [1] * count}
    body = json.dumps({"inputs": [tensor]}, separators=(",", ":")).encode()
    with connect(own) as connection:
        connection.sendall(head(len(body)) + body)
        data = connection.recv(65536)
    assert data.split()[1] in (b"413", b"503"), data[:300]
    assert peak(own) - before < LIMIT + (8 << 20)


def test_copies_of_shared_memory_count(own):
    byte_count = 6 << 20
    client = triton_http.InferenceServerClient(own.http)
    region = shm.create_shared_memory_region("held", "/fusedinf_held", byte_count)
    try:
        shm.set_shared_memory_region(region, [np.ones((byte_count // 16, 4), np.float32)])
        client.register_system_shared_memory("held", "/fusedinf_held", byte_count)
        item = triton_http.InferInput("x", [byte_count // 16, 4], "FP32")
        item.set_shared_memory("held", byte_count)
        output = triton_http.InferRequestedOutput("y")
        output.set_shared_memory("held", byte_count)
        client.infer("identity", [item], outputs=[output])
        wait_until_given_back(own)
        with connect(own) as slow:
            slow.sendall(head(12 << 20) + bytes(11 << 20))
            wait_for_held(own, 11 << 20)
            with pytest.raises(triton_http.InferenceServerException) as error:
                client.infer("identity", [item], outputs=[output])
            assert error.value.status() == "503"
    finally:
        client.unregister_system_shared_memory()
        shm.destroy_shared_memory_region(region)


def infer_message(byte_count):
    """A request's message, as tritonclient makes it."""
    item = triton_grpc.InferInput("x", [byte_count // 16, 4], "FP32")
    item.set_data_from_numpy(np.zeros((byte_count // 16, 4), np.float32))
    client = triton_grpc._utils._get_inference_request(
        model_name="identity", inputs=[item], model_version="", request_id="", outputs=None, sequence_id=0,
        sequence_start=False, sequence_end=False, priority=0, timeout=None, parameters=None,
    )  # fmt: skip
    return client.SerializeToString()


@pytest.fixture
def channel(own):
    options = [("grpc.max_send_message_length", -1), ("grpc.max_receive_message_length", -1), ("grpc.enable_retries", 0)]
    with grpc.insecure_channel(own.grpc, options) as channel:
        yield channel


def unary(channel, message):
    return channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")(message, timeout=30)


REFUSALS = {grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.UNAVAILABLE}


def test_calls_and_requests_share_the_account(own, channel):
    message = infer_message(3 << 20)
    unary(channel, message)
    with connect(own) as slow:
        slow.sendall(head(15 << 20) + bytes(14 << 20))
        wait_for_held(own, 14 << 20)
        with pytest.raises(grpc.RpcError) as error:
            unary(channel, message)
        assert error.value.code() in REFUSALS
        assert "retry-after" in dict(error.value.trailing_metadata())
        unary(channel, infer_message(64))


def test_a_message_of_empty_objects_is_refused_before_it_is_decoded(own, channel):
    reset_peak(own)
    before = peak(own)
    # Each two bytes are an input, which takes hundreds once it is decoded.
    with pytest.raises(grpc.RpcError) as error:
        unary(channel, b"\x2a\x00" * (4 << 20))
    assert error.value.code() in REFUSALS | {grpc.StatusCode.FAILED_PRECONDITION}
    assert peak(own) - before < 2 * LIMIT


def test_answers_of_a_stream_that_nobody_reads_are_bounded(own, channel):
    message = infer_message(1 << 20)
    requests = queue.Queue()
    reset_peak(own)
    before = peak(own)
    stream = channel.stream_stream(STREAM)(iter(requests.get, None))
    sizes = []
    for _ in range(48):
        requests.put(message)
        time.sleep(0.02)
        sizes.append(held(own))
    assert max(sizes) > 2 << 20
    # The answers that are being handed over are counted twice.
    assert max(sizes) <= LIMIT + (2 << 20)
    assert peak(own) - before < LIMIT + (32 << 20)
    stream.cancel()
    requests.put(None)


def test_a_stream_that_sends_more_than_there_is_room_for_is_refused_with_a_status(own, channel):
    message = infer_message(1 << 20)
    first = channel.stream_stream(STREAM)(iter([message]), timeout=30)
    assert len(list(first)) == 1
    with connect(own) as slow:
        slow.sendall(head(14 << 20) + bytes(13 << 20))
        wait_for_held(own, 13 << 20)
        requests = queue.Queue()
        stream = channel.stream_stream(STREAM)(iter(requests.get, None), timeout=30)
        # One answer has come when the refusal does.
        requests.put(infer_message(64))
        next(stream)
        requests.put(infer_message(4 << 20))
        with pytest.raises(grpc.RpcError) as error:
            list(stream)
        assert error.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED, error.value
        requests.put(None)
    # The connection goes on.
    assert unary(channel, infer_message(64))


def test_a_stream_with_more_than_fits_at_once_is_slowed_down_and_gives_back_what_is_answered(own, channel):
    message = infer_message(1 << 20)

    def requests():
        for _ in range(40):
            yield message

    assert sum(1 for _ in channel.stream_stream(STREAM)(requests(), timeout=60)) == 40


def exchange(server, body, *fields):
    """The response to a request that may be refused before it has been sent."""
    with connect(server) as connection:
        data = b""
        with contextlib.suppress(OSError):
            connection.sendall(head(len(body), *fields, "Connection: close") + body)
        with contextlib.suppress(ConnectionError):
            while part := connection.recv(1 << 20):
                data += part
    top, _, rest = data.partition(b"\r\n\r\n")
    return int(top.split()[1]), rest


def test_whatever_comes_together_memory_stays_within_the_account(own, channel):
    raw, length = binary(2 << 20)
    numbers = list(np.random.default_rng(1).standard_normal(100_000).astype(np.float32).astype(float))
    text = json.dumps({"inputs": [{"name": "x", "shape": [25_000, 4], "datatype": "FP32", "data": numbers}]}).encode()
    decoded = triton_grpc.service_pb2.ModelInferRequest(model_name="identity")
    decoded.inputs.add(name="x", datatype="FP32", shape=[50_000, 4]).contents.fp32_contents.extend(numbers * 2)
    size = f"Inference-Header-Content-Length: {length}"

    def call(message):
        try:
            unary(channel, message)
            return "answered"
        except grpc.RpcError as error:
            assert error.code() in REFUSALS, error
            return "refused"

    def post(body, *fields):
        status, answer = exchange(own, body, *fields)
        assert status in (200, 503), (status, answer[:200])
        if status == 503:
            assert json.loads(answer)["error"]
        return "answered" if status == 200 else "refused"

    kinds = [
        lambda: post(raw, size),
        lambda: post(text),
        lambda: post(gzip.compress(raw, 1), size, "Content-Encoding: gzip"),
        lambda: post(raw, size, "Accept-Encoding: gzip"),
        lambda: call(infer_message(2 << 20)),
        lambda: call(decoded.SerializeToString()),
    ]
    # Plans and the heaps of threads are there already when it is measured.
    for kind in kinds * 3:
        assert kind() == "answered"
    reset_peak(own)
    before = peak(own)
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        results = [result.result() for result in [pool.submit(kind) for kind in kinds * 30]]
    assert results.count("answered") > 20 and results.count("refused") > 0, results
    # The account, the tensors of what runs, which are the budget's, and the program's own.
    assert peak(own) - before < LIMIT + (48 << 20)
