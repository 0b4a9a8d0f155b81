"""Plans and opened models keep within their limits, and the server serves on."""

import json
import re
import subprocess
import urllib.error
import urllib.request

import onnx
import pytest
from onnx import TensorProto, helper

import serving
import small_models

NODES = 1500


def chain(path, nodes=NODES):
    """So many negations of a vector: a graph that takes memory, without weights."""
    steps = [helper.make_node("Neg", ["x" if i == 0 else f"v{i - 1}"], ["y" if i == nodes - 1 else f"v{i}"])
        for i in range(nodes)]
    graph = helper.make_graph(
        steps, path.stem, [helper.make_tensor_value_info("x", TensorProto.FLOAT, ("n",))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ("n",))])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return path


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    folder = tmp_path_factory.mktemp("limits")
    serving.add(folder / "store", *(chain(folder / f"chain{i}.onnx", NODES + i * 2) for i in range(4)),
        small_models.perceptron(folder / "perceptron.onnx"))
    return folder / "store"


def ask(server, model, shape, data):
    body = json.dumps({"inputs": [{"name": "x", "datatype": "FP32", "shape": shape, "data": data}]}).encode()
    with urllib.request.urlopen(f"{server.url}/v2/models/{model}/infer", body, timeout=120) as answer:
        return json.load(answer)["outputs"][0]["data"]


def metric(server, name):
    with urllib.request.urlopen(server.url + "/metrics") as answer:
        return float(re.search(rf"^{name} (\S+)", answer.read().decode(), re.M)[1])


def test_idle_models_are_closed_for_room(store):
    """Four graphs, room for two: all are served, again and again, within the limit."""
    with serving.Server(store, "--model-cache", "3MiB") as server:
        for turn in range(3):
            for number in range(4):
                assert ask(server, f"chain{number}", [2], [2.0, 3.0]) == [2.0, 3.0]
                assert metric(server, "fusedinf_model_cache_bytes") <= 3 << 20
        assert 1 <= metric(server, "fusedinf_open_models") < 4


def test_a_graph_that_never_fits_is_refused_with_both_sizes(store):
    with serving.Server(store, "--model-cache", "256KiB") as server:
        with pytest.raises(urllib.error.HTTPError) as refused:
            ask(server, "chain0", [1], [1.0])
        assert refused.value.code == 413
        text = json.load(refused.value)["error"]
        assert "256KiB" in text and "--model-cache" in text
        assert metric(server, "fusedinf_model_cache_bytes") <= 256 << 10
        # Others are served.
        assert len(ask(server, "perceptron", [1, 16], [0.5] * 16)) == 10


def test_add_refuses_a_graph_that_never_fits(tmp_path):
    told = subprocess.run(
        [serving.PROGRAM, "add", "--store", tmp_path / "store", "--model-cache", "256KiB", chain(tmp_path / "chain.onnx")],
        capture_output=True, text=True)
    assert told.returncode == 1
    assert "256KiB" in told.stderr and "--model-cache" in told.stderr
    listed = subprocess.run([serving.PROGRAM, "list", "--store", tmp_path / "store", "--json"], capture_output=True, text=True)
    assert json.loads(listed.stdout)["models"] == []


def test_plans_of_many_shapes_keep_within_the_limit(store):
    with serving.Server(store, "--plan-cache", "2MiB") as server:
        for rows in range(1, 120):
            assert len(ask(server, "perceptron", [rows, 16], [0.5] * 16 * rows)) == 10 * rows
            assert metric(server, "fusedinf_plan_cache_bytes") <= 2 << 20


def test_a_plan_that_never_fits_is_refused_with_both_sizes(store):
    with serving.Server(store, "--plan-cache", "64KiB") as server:
        with pytest.raises(urllib.error.HTTPError) as refused:
            ask(server, "chain0", [1], [1.0])
        assert refused.value.code == 413
        assert "--plan-cache" in json.load(refused.value)["error"]


def test_unloaded_models_leave_no_plans(store):
    def change(server, what):
        urllib.request.urlopen(f"{server.url}/v2/repository/models/perceptron/{what}", b"{}").close()

    with serving.Server(store) as server:
        for _ in range(30):
            change(server, "load")
            ask(server, "perceptron", [1, 16], [0.5] * 16)
            assert metric(server, "fusedinf_plan_cache_plans") == 1
            change(server, "unload")
        assert metric(server, "fusedinf_plan_cache_plans") == 0
        assert metric(server, "fusedinf_plan_cache_bytes") == 0
        assert metric(server, "fusedinf_model_cache_bytes") == 0


def test_the_limits_add_up(store):
    """The parts of the documented sum are the settings."""
    options = {"budget": 64, "plan-cache": 16, "model-cache": 8, "max-body-in-flight": 32, "max-queue-bytes": 4}
    given = [word for name, size in options.items() for word in (f"--{name}", f"{size}MiB")]
    with serving.Server(store, *given, "--max-connections", 100) as server:
        with urllib.request.urlopen(server.url + "/metrics") as answer:
            parts = dict(re.findall(r'^fusedinf_memory_limit_bytes\{part="(\w+)"\} (\S+)', answer.read().decode(), re.M))
    assert {part: int(float(size)) for part, size in parts.items()} == {
        "budget": 64 << 20, "plans": 16 << 20, "models": 8 << 20, "requests": 32 << 20, "pipelines": 4 << 20,
        "program": 96 << 20, "connections": 2 * 100 * 160 << 10}
