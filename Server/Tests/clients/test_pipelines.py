"""Pipelines: models wired together, asked like one model."""

import hashlib
import json
import os
import re
import time
import urllib.error
import urllib.request

import numpy as np
import pytest
import tritonclient.grpc
import tritonclient.http
import tritonclient.utils
from onnx import TensorProto, helper

import serving
import small_models

DOCUMENT = serving.ROOT / "docs" / "pipelines.md"
X = np.linspace(-1, 1, 32, dtype=np.float32).reshape(2, 16)


def sums(path):
    """a + b of float32, with a batch axis."""
    kinds = {n: helper.make_tensor_value_info(n, TensorProto.FLOAT, ("batch", 10)) for n in ("a", "b", "y")}
    return small_models._save(path, [helper.make_node("Add", ["a", "b"], ["y"])], [kinds["a"], kinds["b"]], [kinds["y"]])


def found(path):
    """The indices of positive elements: a shape that depends on data."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ("n",))
    y = helper.make_tensor_value_info("y", TensorProto.INT64, ("one", "found"))
    nodes = [helper.make_node("Relu", ["x"], ["r"]), helper.make_node("NonZero", ["r"], ["y"])]
    return small_models._save(path, nodes, [x], [y])


def halves(path):
    """x / 2 of float32 [n]."""
    x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, ("n",)) for n in "xy")
    half = helper.make_tensor("half", TensorProto.FLOAT, [], [0.5])
    return small_models._save(path, [helper.make_node("Mul", ["x", "half"], ["y"])], [x], [y], [half])


VOTE = """
inputs: [image]
stages:
  - {name: left, model: first, inputs: {x: image}}
  - {name: right, model: second, inputs: {x: image}}
  - name: both
    model: sums
    inputs: {a: left.y, b: right.y}
outputs:
  - {name: score, from: both.y}
  - {name: left, from: left.y, reshape: [-1]}
"""
SHIFTED = json.dumps(
    {
        "name": "shifted",
        "inputs": [{"name": "x", "datatype": "FP64", "shape": [-1, 10]}],
        "stages": [
            {
                "name": "sums",
                "inputs": {
                    "a": {"from": "x", "cast": "FP32"},
                    "b": {"constant": [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], "datatype": "FP32", "shape": [1, 10]},
                },
            }
        ],
        "outputs": [{"name": "y", "from": "sums.y", "cast": "INT64"}],
    }
)
FOUND = """
inputs: [x]
stages:
  - {name: find, model: found, inputs: {x: x}}
  - {name: half, model: halves, inputs: {x: {from: find.y, cast: FP32, reshape: [-1]}}}
outputs: [{name: y, from: half.y}]
"""
LOOP = """
inputs: [x]
stages:
  - {name: one, model: sums, inputs: {a: x, b: two.y}}
  - {name: two, model: sums, inputs: {a: x, b: one.y}}
outputs: [{name: y, from: two.y}]
"""
MISSING = "{inputs: [x], stages: [{name: s, model: later, inputs: {x: x}}], outputs: [{name: y, from: s.y}]}"
MISMATCH = "{inputs: [x], stages: [{name: s, model: halves, inputs: {x: {from: x, cast: INT64}}}], outputs: [{name: y, from: s.y}]}"


# What each file is refused with.
MALFORMED = {
    "empty": ("", "is empty"),
    "deep": ("[" * 100_000, "line"),
    "deep_enough": ("[" * 990 + "]" * 990, "a mapping was expected"),
    "deep_blocks": ("- " * 100_000, "nest"),
    "deep_keys": ("? " * 990 + "x", "unknown key"),
    "aliases": ("a: &a [x]\nb: [*a, *a]", "anchors"),
    "large": ("#" * 300_000, "262144"),
    "unknown_key": ("inputs: []\nstages: []\noutput: []", "'output'"),
    "no_stages": ("inputs: [x]\noutputs: []", "'stages' is missing"),
    "many_stages": ("inputs: []\noutputs: []\nstages: [" + "{name: a, inputs: {}}, " * 65 + "]", "at most 64"),
    "other_name": ("name: another\ninputs: []\nstages: []\noutputs: []", "calls itself"),
    "no_outputs": ("inputs: []\nstages: []\noutputs: []", "no outputs"),
    "twice": ("inputs: [x, x]\nstages: []\noutputs: [{name: y, from: x}]", "twice"),
    "no_output": (
        "inputs: [x]\nstages: [{name: s, model: halves, inputs: {x: x}}]\noutputs: [{name: y, from: s.z}]",
        "no output 'z'",
    ),
    "no_input": ("inputs: [x]\nstages: [{name: s, model: halves, inputs: {}}]\noutputs: [{name: y, from: s.y}]", "has no source"),
    "rank": (
        "inputs: [x]\nstages: [{name: s, model: halves, inputs: {x: {from: x, reshape: [2, 2]}}}]\n"
        "outputs: [{name: y, from: s.y}]",
        "sizes",
    ),
    "constant": (
        "inputs: []\nstages: [{name: s, model: halves, inputs: {x: {constant: [1, 2], datatype: FP32, shape: [3]}}}]\n"
        "outputs: [{name: y, from: s.y}]",
        "stage 's'",
    ),
    "overflow": (
        "inputs: []\nstages: [{name: s, model: halves, inputs: {x: {constant: 1, datatype: FP32, "
        "shape: [9223372036854775807, 9223372036854775807]}}}]\noutputs: [{name: y, from: s.y}]",
        "stage 's'",
    ),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("pipelines")


@pytest.fixture(scope="module")
def files(folder):
    return {
        "first": small_models.perceptron(folder / "first.onnx", seed=3, width=4096),
        "second": small_models.perceptron(folder / "second.onnx", seed=4, width=4096),
        "sums": sums(folder / "sums.onnx"),
        "found": found(folder / "found.onnx"),
        "halves": halves(folder / "halves.onnx"),
    }


@pytest.fixture(scope="module")
def repository(files, folder):
    """A folder of pipelines beside a store with their models."""
    serving.add(folder / "store", *files.values())
    repository = folder / "repository"
    repository.mkdir()
    texts = {"vote": VOTE, "found_half": FOUND, "loop": LOOP, "missing": MISSING, "mismatch": MISMATCH}
    for name, text in texts.items():
        (repository / f"{name}.pipeline.yaml").write_text(text)
    for name, (text, _) in MALFORMED.items():
        (repository / f"{name}.pipeline.yaml").write_text(text)
    (repository / "shifted.pipeline.json").write_text(SHIFTED)
    (repository / "documented.pipeline.yaml").write_text(documented())
    return repository


def documented():
    """The complete example of the document."""
    return re.search(r"```yaml\n(# documented.*?)```", DOCUMENT.read_text(), re.DOTALL)[1]


@pytest.fixture(scope="module")
def pipelines(repository, folder):
    with serving.Server(folder / "store", "--repository", repository) as server:
        yield server


@pytest.fixture(scope="module")
def votes(files):
    left = small_models.answer(files["first"], x=X)["y"]
    right = small_models.answer(files["second"], x=X)["y"]
    return left, small_models.answer(files["sums"], a=left, b=right)["y"]


def ask(client, module, model, outputs=None, **inputs):
    kinds = {np.dtype(np.float32): "FP32", np.dtype(np.float64): "FP64"}
    given = []
    for name, array in inputs.items():
        given.append(module.InferInput(name, array.shape, kinds[array.dtype]))
        given[-1].set_data_from_numpy(array)
    wanted = outputs and [module.InferRequestedOutput(name) for name in outputs]
    return client.infer(model, given, outputs=wanted)


@pytest.fixture(params=["http", "grpc"])
def client(request, pipelines):
    module = getattr(tritonclient, request.param)
    with module.InferenceServerClient(getattr(pipelines, request.param)) as client:
        yield client, module


def test_answers_as_its_stages_one_after_the_other(client, votes):
    result = ask(*client, "vote", image=X)
    np.testing.assert_allclose(result.as_numpy("score"), votes[1], rtol=1e-5)
    np.testing.assert_allclose(result.as_numpy("left"), votes[0].ravel(), rtol=1e-5)


def test_outputs_that_are_asked_for(client, votes):
    result = ask(*client, "vote", outputs=["left"], image=X)
    assert result.as_numpy("score") is None
    np.testing.assert_allclose(result.as_numpy("left"), votes[0].ravel(), rtol=1e-5)


def test_casts_and_constants(client):
    x = np.arange(20, dtype=np.float64).reshape(2, 10) + 0.75
    expected = (x.astype(np.float32) + np.arange(1, 11, dtype=np.float32)).astype(np.int64)
    np.testing.assert_array_equal(ask(*client, "shifted", x=x).as_numpy("y"), expected)


def test_a_shape_that_depends_on_data(client):
    x = np.array([0, 3, -1, 5, 2], dtype=np.float32)
    np.testing.assert_array_equal(ask(*client, "found_half", x=x).as_numpy("y"), [0.5, 1.5, 2])
    x = np.array([1, 1, 1, 1, 1, -1, 1], dtype=np.float32)
    np.testing.assert_array_equal(ask(*client, "found_half", x=x).as_numpy("y"), [0, 0.5, 1, 1.5, 2, 3])


def test_the_documents_example(client, votes):
    result = ask(*client, "documented", image=X)
    np.testing.assert_allclose(result.as_numpy("score"), votes[1], rtol=1e-5)


def get(server, path, body=None):
    with urllib.request.urlopen(urllib.request.Request(server.url + path, body)) as response:
        return json.loads(response.read() or "{}")


def test_it_is_a_model_to_clients(pipelines):
    client = tritonclient.http.InferenceServerClient(pipelines.http)
    assert client.is_model_ready("vote") and client.is_model_ready("vote", "1")
    assert not client.is_model_ready("vote", "2")
    metadata = client.get_model_metadata("vote")
    assert (metadata["platform"], metadata["versions"]) == ("ensemble", ["1"])
    assert metadata["inputs"] == [{"name": "image", "datatype": "FP32", "shape": [-1, 16]}]
    assert [output["name"] for output in metadata["outputs"]] == ["score", "left"]
    assert client.get_model_config("vote")["platform"] == "ensemble"
    ask(client, tritonclient.http, "vote", image=X)
    stats = client.get_inference_statistics("vote")["model_stats"][0]
    assert stats["inference_stats"]["success"]["count"] >= 1


def test_a_key_for_a_pipeline_runs_its_models_through_it_alone(repository, folder, tmp_path):
    """Decision 20: a pipeline is like a view of a database."""
    keys = tmp_path / "keys.yaml"
    keys.write_text(f"keys:\n  - {{name: viewer, models: [vote], sha256: {hashlib.sha256(b'open sesame').hexdigest()}}}\n")
    inputs = {"vote": "image", "first": "x"}
    with serving.Server(folder / "store", "--repository", repository, "--keys", keys) as server:

        def status(model):
            tensor = {"name": inputs[model], "datatype": "FP32", "shape": [2, 16], "data": X.ravel().tolist()}
            request = urllib.request.Request(
                f"{server.url}/v2/models/{model}/infer", json.dumps({"inputs": [tensor]}).encode(), {"X-API-Key": "open sesame"})  # fmt: skip
            try:
                with urllib.request.urlopen(request) as response:
                    return response.status
            except urllib.error.HTTPError as error:
                return error.code

        assert (status("vote"), status("first")) == (200, 403)


def test_each_stages_times(pipelines):
    body = {
        "inputs": [{"name": "image", "datatype": "FP32", "shape": [2, 16], "data": X.ravel().tolist()}],
        "parameters": {"timing": True},
    }
    parameters = get(pipelines, "/v2/models/vote/infer", json.dumps(body).encode())["parameters"]
    for stage in ("left", "right", "both"):
        assert parameters[f"stages.{stage}.compute_us"] > 0
    # Members of one program.
    assert parameters["program_width"] == 3


@pytest.mark.parametrize(
    "name, words",
    [
        ("loop", ["'one'", "form a cycle", "→"]),
        ("missing", ["stage 's'", "no model 'later'"]),
        ("mismatch", ["stage 's'", "FP32", "INT64", "cast"]),
    ],
)
def test_what_cannot_be_served_says_why(pipelines, name, words):
    client = tritonclient.grpc.InferenceServerClient(pipelines.grpc)
    rows = {row.name: row for row in client.get_model_repository_index().models}
    assert rows["vote"].state == "READY"
    assert rows[name].state == "UNAVAILABLE"
    for word in words:
        assert word in rows[name].reason
    assert not client.is_model_ready(name)


@pytest.mark.parametrize("name", MALFORMED)
def test_malformed_files_are_refused_and_hurt_nobody(pipelines, name):
    client = tritonclient.grpc.InferenceServerClient(pipelines.grpc)
    row = next(row for row in client.get_model_repository_index().models if row.name == name)
    assert row.state == "UNAVAILABLE"
    assert MALFORMED[name][1] in row.reason
    assert client.is_model_ready("vote")


def test_inputs_that_do_not_fit(pipelines):
    client = tritonclient.http.InferenceServerClient(pipelines.http)
    with pytest.raises(Exception, match="is FP32"):
        ask(client, tritonclient.http, "vote", image=X.astype(np.float64))
    with pytest.raises(Exception, match="has no input 'nothing'"):
        ask(client, tritonclient.http, "vote", nothing=X)


def test_an_output_is_given_once(client):
    x = np.ones((2, 10), np.float64)
    with pytest.raises(tritonclient.utils.InferenceServerException, match="'y' is requested twice") as error:
        ask(*client, "shifted", outputs=["y", "y"], x=x)
    assert error.value.status() in ("400", "StatusCode.INVALID_ARGUMENT")


def test_casts_that_do_not_fit_what_is_held_are_not_made(repository, folder):
    """The answer is as large as the request, and does not fit beside it."""
    x = np.ones((2000, 10), np.float64)
    with serving.Server(folder / "store", "--repository", repository, "--max-body-in-flight", "170KB") as server:
        with tritonclient.http.InferenceServerClient(server.http) as client:
            with pytest.raises(tritonclient.utils.InferenceServerException) as error:
                ask(client, tritonclient.http, "shifted", x=x)
            assert error.value.status() == "503"
            assert len(ask(client, tritonclient.http, "shifted", x=x[:100]).as_numpy("y")) == 100


def test_beside_models_in_one_call(pipelines, votes):
    image = {"name": "image", "datatype": "FP32", "shape": [2, 16], "data": X.ravel().tolist()}
    requests = [{"model_name": "vote", "inputs": [image]}, {"model_name": "first", "inputs": [{**image, "name": "x"}]}]
    request = urllib.request.Request(pipelines.url + "/v2/fused/infer", json.dumps({"requests": requests}).encode())
    with urllib.request.urlopen(request) as response:
        answers = {line["index"]: line for line in map(json.loads, response)}
    np.testing.assert_allclose(np.reshape(answers[0]["outputs"][0]["data"], (2, 10)), votes[1], rtol=1e-5)
    np.testing.assert_allclose(np.reshape(answers[1]["outputs"][0]["data"], (2, 10)), votes[0], rtol=1e-5)


def test_more_than_the_budget_at_once(repository, folder, votes):
    """Each of the two classifiers takes more than half of the budget."""
    with serving.Server(folder / "store", "--repository", repository, "--budget", "2MB") as server:
        with tritonclient.http.InferenceServerClient(server.http) as client:
            for _ in range(20):
                result = ask(client, tritonclient.http, "vote", image=X)
                np.testing.assert_allclose(result.as_numpy("score"), votes[1], rtol=1e-5)


def test_its_models_are_unloaded_with_it_where_that_is_asked_for(repository, folder):
    """As Triton does: all but those that another pipeline needs; a load brings them back."""
    with serving.Server(folder / "store", "--repository", repository) as server:
        client = tritonclient.http.InferenceServerClient(server.http)

        def ready():
            rows = client.get_model_repository_index()
            return {row["name"] for row in rows if row["state"] == "READY"} & {"found_half", "found", "halves"}

        assert "model_repository(unload_dependents)" in client.get_server_metadata()["extensions"]
        x = np.array([1, -1, 2], np.float32)
        before = ask(client, tritonclient.http, "found_half", x=x).as_numpy("y")
        client.unload_model("found_half", unload_dependents=True)
        assert ready() == {"halves"}
        client.load_model("found_half")
        assert ready() == {"found_half", "found", "halves"}
        np.testing.assert_array_equal(ask(client, tritonclient.http, "found_half", x=x).as_numpy("y"), before)
        client.unload_model("found_half")
        assert ready() == {"found", "halves"}
        client.close()


def test_inputs_are_as_large_as_their_model_was_added_for(tmp_path):
    halves(tmp_path / "halves.onnx")
    serving.add(tmp_path / "store", tmp_path / "halves.onnx", shape="x=6")
    (tmp_path / "repository").mkdir()
    (tmp_path / "repository" / "half.pipeline.yaml").write_text(
        "{inputs: [x], stages: [{name: h, model: halves, inputs: {x: x}}], outputs: [{name: y, from: h.y}]}")
    with serving.Server(tmp_path / "store", "--repository", tmp_path / "repository") as server:
        with tritonclient.http.InferenceServerClient(server.http) as client:
            assert client.get_model_metadata("half")["inputs"] == [{"name": "x", "datatype": "FP32", "shape": [6]}]
            x = tritonclient.http.InferInput("x", [5], "FP32").set_data_from_numpy(np.zeros(5, np.float32))
            with pytest.raises(tritonclient.utils.InferenceServerException, match="6"):
                client.infer("half", [x])


def test_a_folder_of_a_relative_name_is_read_once(repository, folder):
    with serving.Server(folder / "store", "--repository", os.path.relpath(repository)) as server:
        time.sleep(0.5)
        assert get(server, "/v2/models/vote")["versions"] == ["1"]


def test_the_first_index_says_why_a_pipeline_that_came_later_cannot_be_served(tmp_path):
    halves(tmp_path / "halves.onnx")
    serving.add(tmp_path / "store", tmp_path / "halves.onnx", shape="x=6")
    (tmp_path / "repository").mkdir()
    with serving.Server(tmp_path / "store", "--repository", tmp_path / "repository", log=tmp_path / "log") as server:
        (tmp_path / "repository" / "half.pipeline.yaml").write_text(
            "{inputs: [x], stages: [{name: h, model: halves, inputs: {z: x}}], outputs: [{name: y, from: h.y}]}")
        while "the pipeline was read" not in (tmp_path / "log").read_text():
            time.sleep(0.02)
        with tritonclient.http.InferenceServerClient(server.http) as client:
            rows = {row["name"]: row for row in client.get_model_repository_index()}
        assert rows["half"]["state"] == "UNAVAILABLE"
        assert "'z'" in rows["half"]["reason"]
