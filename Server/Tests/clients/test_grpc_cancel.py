"""Calls that are cancelled or too late: what they asked for is not worked on any more."""

import time

import numpy as np
import pytest
import tritonclient.grpc as triton
from tritonclient.utils import InferenceServerException

from test_grpc_calls import client, eventually, long_input, slow_server, slow_store  # noqa: F401
from test_grpc_infer import given, rows


def failures(client, model="slow"):
    try:
        return sum(row.inference_stats.fail.count for row in client.get_inference_statistics(model).model_stats)
    except InferenceServerException:
        return 0


def test_a_client_that_cancels_frees_its_place(client):
    outcome = []
    calls = [
        client.async_infer("slow", long_input(), callback=lambda result, error: outcome.append(error))
        for _ in range(8)
    ]
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


def test_a_deadline_that_cannot_be_met(client):
    """The client's own deadline ends the call there; the server's part is to end it too."""
    assert client.is_server_live()
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
