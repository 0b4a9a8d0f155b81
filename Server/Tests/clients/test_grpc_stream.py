"""Inference over gRPC's streams by tritonclient, and by its asyncio client."""

import asyncio
import queue

import numpy as np
import pytest
import tritonclient.grpc as triton
import tritonclient.grpc.aio as aio

from test_grpc_infer import assert_answers, given, rows


@pytest.fixture
def client(server):
    with triton.InferenceServerClient(server.grpc) as client:
        yield client


@pytest.fixture
def answers(client):
    """Where the answers of the client's stream arrive, as pairs of a result and an error."""
    arrived = queue.Queue()
    client.start_stream(callback=lambda result, error: arrived.put((result, error)))
    yield arrived
    client.stop_stream()


def test_every_request_is_answered(client, answers, models):
    batches = {f"number {seed}": rows(1 + seed % 5, seed=seed) for seed in range(64)}
    for name, x in batches.items():
        client.async_stream_infer("perceptron", given(x=x), request_id=name)
    for _ in range(len(batches)):
        result, error = answers.get(timeout=30)
        assert error is None
        assert_answers(result, models, "perceptron", x=batches.pop(result.get_response().id))
        assert result.get_response().parameters["triton_final_response"].bool_param
    assert not batches


def test_the_final_response_is_the_only_one(client, answers):
    client.async_stream_infer("identity", given(x=rows(1, 4)), enable_empty_final_response=True)
    result, _ = answers.get(timeout=30)
    assert result.get_response().parameters["triton_final_response"].bool_param
    np.testing.assert_array_equal(result.as_numpy("y"), rows(1, 4))


def test_an_error_stays_in_the_stream(client, answers, models):
    client.async_stream_infer("nobody", given(x=rows(1)), request_id="wrong")
    _, error = answers.get(timeout=30)
    assert "nobody" in error.message()
    client.async_stream_infer("perceptron", given(x=rows(1)), request_id="right")
    result, error = answers.get(timeout=30)
    assert error is None
    assert_answers(result, models, "perceptron", x=rows(1))


def test_a_quick_answer_goes_before_the_status(server):
    import grpc

    for _ in range(100):
        with grpc.insecure_channel(server.grpc) as channel:
            call = channel.stream_stream("/inference.GRPCInferenceService/ModelStreamInfer", None, None)
            assert len(list(call(iter([b""]), timeout=30))) == 1


def test_an_error_keeps_its_requests_id(server):
    import grpc
    from tritonclient.grpc import service_pb2, service_pb2_grpc

    with grpc.insecure_channel(server.grpc) as channel:
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        requests = [service_pb2.ModelInferRequest(model_name="nobody", id=name) for name in ("a", "b", "c")]
        answers = list(stub.ModelStreamInfer(iter(requests)))
    assert sorted(answer.infer_response.id for answer in answers) == ["a", "b", "c"]
    assert all("nobody" in answer.error_message for answer in answers)


def test_a_stream_that_is_cancelled(client, server):
    client.start_stream(callback=lambda result, error: None)
    for _ in range(50):
        client.async_stream_infer("perceptron", given(x=rows(8)))
    client.stop_stream(cancel_requests=True)
    with triton.InferenceServerClient(server.grpc) as other:
        assert other.is_server_ready()


def test_asyncio(server, models):
    async def run():
        async with aio.InferenceServerClient(server.grpc) as client:
            assert await client.is_server_live()
            assert await client.is_server_ready()
            assert await client.is_model_ready("perceptron")
            assert (await client.get_server_metadata()).name == "fusedinf"
            assert (await client.get_model_metadata("perceptron")).name == "perceptron"
            assert (await client.get_model_config("perceptron")).config.name == "perceptron"
            results = await asyncio.gather(
                *(client.infer("perceptron", given(x=rows(2, seed=seed))) for seed in range(16))
            )
            for seed, result in enumerate(results):
                assert_answers(result, models, "perceptron", x=rows(2, seed=seed))

            async def requests():
                for seed in range(16):
                    yield {
                        "model_name": "perceptron",
                        "inputs": given(x=rows(3, seed=seed)),
                        "request_id": str(seed),
                    }

            seen = set()
            async for result, error in client.stream_infer(requests()):
                assert error is None
                seed = int(result.get_response().id)
                assert_answers(result, models, "perceptron", x=rows(3, seed=seed))
                seen.add(seed)
            assert seen == set(range(16))

    asyncio.run(run())
