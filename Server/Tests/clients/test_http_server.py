"""What tritonclient asks over HTTP besides inference: health, metadata, configuration, statistics, repository."""

import numpy as np
import pytest
import tritonclient.http as http
from tritonclient.utils import InferenceServerException

import serving


@pytest.fixture
def client(server):
    with http.InferenceServerClient(server.http) as client:
        yield client


def test_health(client):
    assert client.is_server_live() and client.is_server_ready()
    assert client.is_model_ready("identity") and client.is_model_ready("identity", "1")
    assert not client.is_model_ready("nobody") and not client.is_model_ready("identity", "2")


def test_metadata(client):
    server = client.get_server_metadata()
    assert server["name"] == "fusedinf" and "binary_tensor_data" in server["extensions"]
    for version in ("", "1"):
        model = client.get_model_metadata("add_sub", version)
        assert model["name"] == "add_sub" and model["versions"] == ["1"]
        assert model["inputs"] == [
            {"name": name, "datatype": "INT32", "shape": [1, 16]} for name in ("INPUT0", "INPUT1")
        ]
    assert client.get_model_metadata("identity")["inputs"][0]["shape"] == [-1, 4]


def test_a_size_that_was_said_when_the_model_was_added_is_known(models, tmp_path):
    for name, shape in [("fixed", "x=2x4"), ("ranging", "x=1..8x4")]:
        serving.add(tmp_path / "store", models["identity"], name=name, shape=shape)
    with serving.Server(tmp_path / "store") as running:
        client = http.InferenceServerClient(running.http)
        assert client.get_model_metadata("fixed")["inputs"][0]["shape"] == [2, 4]
        assert client.get_model_config("fixed")["input"][0]["dims"] == [2, 4]
        assert client.get_model_metadata("ranging")["inputs"][0]["shape"] == [-1, 4]


def test_config(client):
    config = client.get_model_config("identity")
    assert config["name"] == "identity" and config["max_batch_size"] == 8
    assert [(entry["name"], entry["data_type"], entry["dims"]) for entry in config["input"]] == [
        ("x", "TYPE_FP32", [4])
    ]
    assert [entry["name"] for entry in config["output"]] == ["y"]


def test_statistics(client):
    def count():
        rows = client.get_inference_statistics("identity")["model_stats"]
        return rows[0]["inference_stats"]["success"]["count"] if rows else 0

    before = count()
    tensor = http.InferInput("x", (1, 4), "FP32")
    tensor.set_data_from_numpy(np.zeros((1, 4), np.float32))
    client.infer("identity", [tensor])
    assert count() == before + 1
    names = {row["name"] for row in client.get_inference_statistics()["model_stats"]}
    assert "identity" in names
    # Names and versions that a client makes up are not kept.
    for name, version in (("nobody", "7"), ("identity", "7")):
        with pytest.raises(InferenceServerException):
            client.infer(name, [tensor], model_version=version)
    rows = client.get_inference_statistics()["model_stats"]
    assert not {("nobody", "7"), ("identity", "7")} & {(row["name"], row["version"]) for row in rows}
    with pytest.raises(InferenceServerException) as refused:
        client.get_inference_statistics("nobody")
    assert refused.value.status() == "404"


def test_index_load_and_unload(store):
    with serving.Server(store) as server, http.InferenceServerClient(server.http) as client:
        index = client.get_model_repository_index()
        assert {row["name"] for row in index} >= {"identity", "add_sub", "perceptron"}
        assert all(row["state"] == "READY" and row["version"] == "1" for row in index)
        client.unload_model("identity")
        assert not client.is_model_ready("identity")
        state = {row["name"]: row["state"] for row in client.get_model_repository_index()}
        assert state["identity"] == "UNAVAILABLE" and state["add_sub"] == "READY"
        client.load_model("identity")
        assert client.is_model_ready("identity")
        with pytest.raises(InferenceServerException) as refused:
            client.load_model("nobody")
        assert refused.value.status() == "404"


def test_what_this_server_does_not_have(client):
    assert client.get_cuda_shared_memory_status() == []
    client.unregister_cuda_shared_memory()
    for call in (client.get_log_settings, client.get_trace_settings, lambda: client.update_log_settings({})):
        with pytest.raises(InferenceServerException) as refused:
            call()
        assert refused.value.status() == "501"
    with pytest.raises(InferenceServerException) as refused:
        client.register_system_shared_memory("r", "/r", 16)
    assert refused.value.status() in ("400", "403", "501")
