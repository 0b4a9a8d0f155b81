"""Calls that are cancelled or too late: what they asked for is not worked on any more."""

import re
import subprocess
import time
import urllib.request

import grpc
import numpy as np
import pytest
import tritonclient.grpc as triton
from tritonclient.grpc import service_pb2
from tritonclient.utils import InferenceServerException

from test_grpc_calls import client, eventually, long_input, slow_server, slow_store  # noqa: F401
from test_grpc_infer import given, rows


def failures(client, model="slow"):
    try:
        return sum(row.inference_stats.fail.count for row in client.get_inference_statistics(model).model_stats)
    except InferenceServerException:
        return 0


def waiting(server, model="slow"):
    """The requests that the server has received and not begun."""
    with urllib.request.urlopen(server.url + "/metrics") as response:
        text = response.read().decode()
    return sum(float(count) for count in re.findall(rf'^nv_inference_pending_request_count{{[^}}]*model="{model}"[^}}]*}} (\S+)', text, re.M))


def test_a_client_that_cancels_frees_its_place(client, slow_server):
    outcome = []
    calls = [
        client.async_infer("slow", long_input(), callback=lambda result, error: outcome.append(error))
        for _ in range(8)
    ]
    # A call that is cancelled on its way never reaches the server.
    eventually(lambda: waiting(slow_server) >= 6)
    for call in calls[1:]:
        call.cancel()
    eventually(lambda: failures(client) >= 6)
    eventually(lambda: len(outcome) == 8)
    assert sum(error is None for error in outcome) >= 1


def test_a_client_that_vanishes_frees_its_place(client, slow_server):
    with triton.InferenceServerClient(slow_server.grpc) as other:
        other.start_stream(callback=lambda result, error: None)
        for _ in range(8):
            other.async_stream_infer("slow", long_input())
        eventually(lambda: client.get_inference_statistics("identity") is not None)
        time.sleep(0.2)
        other.stop_stream(cancel_requests=True)
    eventually(lambda: failures(client) >= 6)
    x = rows(1, 4)
    np.testing.assert_array_equal(client.infer("identity", given(x=x)).as_numpy("y"), x)


def call(server, timeout, message):
    """One ModelInfer as it goes over the wire, with a deadline that only the server knows of: its status."""
    frame = b"\0" + len(message).to_bytes(4, "big") + message
    # When the refusal comes before curl has sent the message, it takes that for a fault (CURLE_HTTP2_STREAM) and drops the answer.
    for _ in range(20):
        result = send(server, timeout, frame)
        if result.returncode != 92:
            break
    assert result.returncode == 0, result.stderr
    return int(re.search(rb"grpc-status: (\d+)", result.stdout)[1])


def send(server, timeout, frame):
    return subprocess.run(
        ["curl", "-sS", "--http2-prior-knowledge", "--data-binary", "@-", "-D", "-", "-o", "/dev/null"]
        + ["-H", "content-type: application/grpc", "-H", "te: trailers", "-H", f"grpc-timeout: {timeout}"]
        + [f"http://{server.grpc}/inference.GRPCInferenceService/ModelInfer"],
        input=frame, capture_output=True, timeout=60,
    )


@pytest.mark.parametrize("timeout", ["1n", "1u", "1m", "20m"])
def test_a_deadline_that_cannot_be_met(client, slow_server, timeout):
    """Whether it passes before the call is looked at, while it waits, or while it runs."""
    message = service_pb2.ModelInferRequest(model_name="slow")
    tensor = long_input()[0]
    message.inputs.append(tensor._get_tensor())
    message.raw_input_contents.append(tensor._get_content())
    assert call(slow_server, timeout, message.SerializeToString()) == grpc.StatusCode.DEADLINE_EXCEEDED.value[0]
    eventually(lambda: failures(client) == 1)
    time.sleep(0.1)
    assert failures(client) == 1


@pytest.mark.parametrize("timeout", ["-1S", "-0S", "+1S", "-999999m", "--1S", "1", "S", "1s", "1.5S", "123456789S"])
def test_a_timeout_that_is_none(slow_server, timeout):
    """It is refused, and ends nothing but its call: gRPC's library traps for a negative one."""
    assert call(slow_server, timeout, b"") == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    assert slow_server.process.poll() is None


def test_a_deadline_of_the_clients_own(client):
    """The client ends the call as well, with a status of its own."""
    with pytest.raises(InferenceServerException) as caught:
        client.infer("slow", long_input(), client_timeout=0.1)
    assert caught.value.status() == "StatusCode.DEADLINE_EXCEEDED"
    eventually(lambda: failures(client) == 1)


def test_a_timeout_of_the_requests_own(client):
    # Of a model that has never run, nothing is known that could keep a request from trying.
    client.infer("slow", long_input())
    waiting = [client.async_infer("slow", long_input(), callback=lambda result, error: None) for _ in range(4)]
    with pytest.raises(InferenceServerException) as caught:
        client.infer("slow", long_input(), timeout=1000)
    assert caught.value.status() == "StatusCode.DEADLINE_EXCEEDED"
    for call in waiting:
        call.cancel()
