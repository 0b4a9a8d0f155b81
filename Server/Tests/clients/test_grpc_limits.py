"""Calls whose metadata or compressed messages are too large, and calls for other hosts: each ends with a status of its own, on a
connection that goes on."""

import grpc
import numpy as np
import pytest
import tritonclient.grpc as grpcclient
from tritonclient.grpc import service_pb2, service_pb2_grpc

import serving


@pytest.fixture(scope="module")
def limited(store):
    with serving.Server(store, "--max-header", "16KiB", "--max-body", "8MiB") as running:
        yield running


@pytest.mark.parametrize("size", [15_000, 17_000, 40_000, 60_000])
def test_metadata(limited, size):
    with grpc.insecure_channel(limited.grpc) as channel:
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        request = service_pb2.ServerLiveRequest()
        assert stub.ServerLive(request).live
        metadata = [("x-test", "a" * size)]
        if size < 16_000:
            assert stub.ServerLive(request, metadata=metadata).live
        else:
            with pytest.raises(grpc.RpcError) as refused:
                stub.ServerLive(request, metadata=metadata)
            assert refused.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
            assert "metadata" in refused.value.details()
        # The connection is as it was.
        assert stub.ServerLive(request).live


@pytest.mark.parametrize("size", [64 << 20, (8 << 20) + 1])
@pytest.mark.parametrize("method", ["ModelInfer", "ServerLive"])
@pytest.mark.parametrize("compression", [grpc.Compression.Gzip, grpc.Compression.Deflate])
def test_messages_that_become_too_large(limited, size, method, compression):
    with grpc.insecure_channel(limited.grpc) as channel:
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        assert stub.ServerLive(service_pb2.ServerLiveRequest()).live
        # 64 MiB of nothing are 64 KiB on their way.
        send = channel.unary_unary(f"/inference.GRPCInferenceService/{method}", request_serializer=bytes)
        with pytest.raises(grpc.RpcError) as refused:
            send(size, compression=compression)
        assert refused.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert "larger than the 8388608 bytes" in refused.value.details()
        stream = channel.stream_stream("/inference.GRPCInferenceService/ModelStreamInfer", request_serializer=bytes)
        with pytest.raises(grpc.RpcError) as refused:
            list(stream(iter([size]), compression=compression))
        assert refused.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        assert stub.ServerLive(service_pb2.ServerLiveRequest()).live


def test_compressed_requests_are_answered(limited):
    tensor = grpcclient.InferInput("x", [50_000, 4], "FP32")
    values = np.arange(200_000, dtype=np.float32).reshape(50_000, 4)
    tensor.set_data_from_numpy(values)
    with grpcclient.InferenceServerClient(limited.grpc) as client:
        for algorithm in ("gzip", "deflate"):
            result = client.infer("identity", [tensor], compression_algorithm=algorithm)
            assert np.array_equal(result.as_numpy("y"), values)


@pytest.mark.parametrize(("authority", "metadata", "code"), [
    ("evil.example", [], grpc.StatusCode.PERMISSION_DENIED),
    ("localhost", [("origin", "http://localhost:9")], grpc.StatusCode.PERMISSION_DENIED),
    ("localhost", [("sec-fetch-site", "cross-site")], grpc.StatusCode.PERMISSION_DENIED),
    ("localhost", [("via", "1.1 proxy")], grpc.StatusCode.PERMISSION_DENIED),
    ("localhost", [("x-real-ip", "192.0.2.1")], grpc.StatusCode.PERMISSION_DENIED),
    ("localhost:1234", [], None),
])  # fmt: skip
def test_hosts_pages_and_proxies(server, authority, metadata, code):
    with grpc.insecure_channel(server.grpc, options=[("grpc.default_authority", authority)]) as channel:
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        request = service_pb2.RepositoryModelLoadRequest(model_name="identity")
        if code is None:
            stub.RepositoryModelLoad(request, metadata=metadata)
        else:
            with pytest.raises(grpc.RpcError) as refused:
                stub.RepositoryModelLoad(request, metadata=metadata)
            assert refused.value.code() == code
