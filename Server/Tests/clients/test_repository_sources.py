"""What a model is made of, and what it is called: external data, Triton's version folders and configurations, odd files."""

import json
import os
import pathlib
import shutil
import subprocess
import time
import urllib.error
import urllib.request

import numpy as np
import onnx
import pytest
import tritonclient.grpc as grpcclient
import tritonclient.http as httpclient
from tritonclient.utils import InferenceServerException

import serving
import small_models
from test_repository import INPUT, drop, expected, watched  # noqa: F401 (a fixture)

BOMB = pathlib.Path(__file__).parent / "alias_bomb.yaml"


def external(path, seed, location="weights.bin"):
    """A perceptron whose file is the same for each seed, and whose weights are not."""
    plain = small_models.perceptron(path.with_name(".plain.onnx"), seed=seed)
    model = onnx.load(plain)
    weights, hidden = path.parent / location, path.with_name("." + path.name)
    weights.parent.mkdir(parents=True, exist_ok=True)
    weights.unlink(missing_ok=True)
    onnx.save(model, hidden, save_as_external_data=True, location=location, size_threshold=0)
    plain.unlink()
    hidden.rename(path)
    return path


def answers(here, name, path, version=""):
    np.testing.assert_allclose(here.ask(name, version).as_numpy("y"), expected(path), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("location", ["p.data", "weights.bin", "sub/deep/weights.bin"])
@pytest.mark.parametrize("name", ["p.onnx", "p/1/model.onnx"])
def test_new_external_data_is_served_though_the_model_is_the_same(watched, tmp_path, name, location):
    here = watched().start()
    (here.folder / name).parent.mkdir(parents=True, exist_ok=True)
    path = external(here.folder / name, 1, location)
    model = path.read_bytes()
    here.until(lambda index: ("p", "") not in index and any(row[0] == "READY" for row in index.values()))
    answers(here, "p", path)
    external(path, 2, location)
    assert path.read_bytes() == model
    # Written in place, as `cp` does, and by renaming.
    here.client.load_model("p")
    answers(here, "p", path)
    here.client.close()
    here.server.stop()
    external(path, 3, location)
    here.start()
    here.client.load_model("p")
    answers(here, "p", path)


def test_new_external_data_is_served_without_a_load(watched):
    here = watched().start()
    path = external(here.folder / "p.onnx", 1)
    here.ready("p", 1)
    source = external(here.folder.parent / "p.onnx", 2)
    shutil.copy(source.parent / "weights.bin", here.folder / "weights.bin")
    here.ready("p", 2)
    answers(here, "p", path)
    np.testing.assert_allclose(expected(path), expected(source))


def test_new_external_data_is_served_when_it_is_sent(watched, tmp_path):
    here = watched("--uploads", "on").start()
    for seed in (1, 2):
        (tmp_path / str(seed)).mkdir()
        path = external(tmp_path / str(seed) / "model.onnx", seed)
        files = {f"file:1/{name}": (path.parent / name).read_bytes() for name in ("model.onnx", "weights.bin")}
        here.client.load_model("sent", config="{}", files=files)
        answers(here, "sent", path)
        assert here.ask("sent").get_response().model_version == "1"


def test_versions_are_folders_numbers(watched, tmp_path):
    here = watched()
    sources = {}
    for number in (1, 3):
        (here.folder / "t" / str(number)).mkdir(parents=True)
        sources[number] = small_models.perceptron(here.folder / "t" / str(number) / "model.onnx", seed=number)
    here.start()
    here.ready("t", 1)
    here.ready("t", 3)
    for number in (1, 3):
        answers(here, "t", sources[number], str(number))
        assert here.ask("t", str(number)).get_response().model_version == str(number)
    assert here.ask("t").get_response().model_version == "3"
    with pytest.raises(InferenceServerException, match="no version 2"):
        here.ask("t", "2")
    # What changes in a folder answers under its number.
    hidden = small_models.perceptron(here.folder / "t" / "3" / ".model.onnx", seed=33)
    before = here.ask("t", "3").as_numpy("y")
    hidden.rename(sources[3])
    end = time.monotonic() + 60
    while np.array_equal(here.ask("t", "3").as_numpy("y"), before):
        assert time.monotonic() < end
        time.sleep(0.05)
    answers(here, "t", sources[3], "3")
    # A third folder: two versions stay.
    (here.folder / "t" / "7").mkdir()
    drop(here.folder / "t" / "7" / "model.onnx", seed=7)
    here.until(lambda index: set(index) == {("t", "3"), ("t", "7")})
    shutil.rmtree(here.folder / "t" / "7")
    here.until(lambda index: set(index) == {("t", "1"), ("t", "3")})
    here.client.close()
    here.server.stop()
    here.start()
    answers(here, "t", sources[1], "1")
    answers(here, "t", sources[3], "3")


def test_a_version_of_fusedinf_add_is_not_replaced(watched, tmp_path):
    here = watched()
    mine = small_models.perceptron(tmp_path / "t.onnx", seed=5)
    serving.add(here.store, mine)
    (here.folder / "t" / "1").mkdir(parents=True)
    small_models.perceptron(here.folder / "t" / "1" / "model.onnx", seed=1)
    here.start()
    index = here.until(lambda index: index.get(("t", ""), [""])[0] == "UNAVAILABLE")
    assert "version 1 of 't' is there already" in index["t", ""][1]
    answers(here, "t", mine)


@pytest.mark.parametrize(
    "policy, served",
    [
        ("latest { num_versions: 1 }", {"4"}),
        ("all { }", {"1", "2", "4"}),
        ("specific { versions: [ 1, 2 ] }", {"1", "2"}),
    ],
)
def test_a_version_policy_is_followed(watched, policy, served):
    here = watched()
    for number in (1, 2, 4):
        (here.folder / "t" / str(number)).mkdir(parents=True)
        small_models.perceptron(here.folder / "t" / str(number) / "model.onnx", seed=number)
    (here.folder / "t" / "config.pbtxt").write_text(f"version_policy: {{ {policy} }}\n")
    here.start()
    here.until(lambda index: {row for row in index} == {("t", version) for version in served})
    here.until(lambda index: all(row[0] == "READY" for row in index.values()))
    config = here.client.get_model_config("t").config
    assert config.version_policy.WhichOneof("policy_choice") == policy.split()[0]
    (here.folder / "t" / "config.pbtxt").unlink()
    here.until(lambda index: set(index) == {("t", "2"), ("t", "4")})


def test_a_configuration_is_followed_or_named(watched):
    here = watched()
    (here.folder / "t" / "1").mkdir(parents=True)
    small_models.perceptron(here.folder / "t" / "1" / "net.onnx")
    config = here.folder / "t" / "config.pbtxt"
    config.write_text(
        'name: "t"\nplatform: "onnxruntime_onnx"\nmax_batch_size: 3\ndefault_model_filename: "net.onnx"\n'
        'input [ { name: "x" data_type: TYPE_FP32 dims: [ 16 ] } ]\noutput [ { name: "y" data_type: TYPE_FP32 dims: [ 10 ] } ]\n'
        "instance_group [ { count: 4 } ]\n"
    )
    here.start()
    here.ready("t", 1)
    with httpclient.InferenceServerClient(here.server.http) as client:
        told = client.get_model_config("t")
    assert told["max_batch_size"] == 3 and told["default_model_filename"] == "net.onnx"
    assert told["input"][0]["dims"] == [16]
    here.ask("t")
    with pytest.raises(InferenceServerException, match="at most 3"):
        tensor = grpcclient.InferInput("x", (4, 16), "FP32")
        tensor.set_data_from_numpy(np.zeros((4, 16), np.float32))
        here.client.infer("t", [tensor])
    logged(here, "model 't': config.pbtxt sets what is not followed: instance_group")
    for text, reason in [
        ('name: "other"', "names the model 'other'"),
        ('backend: "python"', "'python'"),
        ('input { name: "z" }', "the input 'z'"),
        ('input { name: "x" data_type: TYPE_FP16 }', "TYPE_FP16"),
        ("max_batch_size: [", "line 3: a value was expected"),
    ]:
        config.write_text(f'default_model_filename: "net.onnx"\n{text}\n')
        index = here.until(lambda index: reason in index.get(("t", ""), ["", ""])[1])
        assert index["t", "1"][0] == "READY"
        here.ask("t")


def logged(here, text, seconds=40):
    end = time.monotonic() + seconds
    while text not in here.log.read_text():
        assert time.monotonic() < end, here.log.read_text()[-3000:]
        time.sleep(0.05)


def test_what_triton_completes_is_reported(server, models):
    """The configuration and the metadata of a model with an open first dimension, as perf_analyzer reads them: its own
    first dimension is the batch, and the rest is in both the same."""
    with httpclient.InferenceServerClient(server.http) as client, grpcclient.InferenceServerClient(server.grpc) as other:
        for name in models:
            config, metadata = client.get_model_config(name), client.get_model_metadata(name)
            message = other.get_model_config(name).config
            assert message.max_batch_size == config["max_batch_size"]
            is_open = all(tensor["shape"][0] == -1 for tensor in metadata["inputs"] + metadata["outputs"])
            assert (config["max_batch_size"] > 0) == is_open == (name != "add_sub")
            for kind in ("input", "output"):
                for tensor, declared, third in zip(config[kind], metadata[kind + "s"], getattr(message, kind)):
                    whole = ([-1] if is_open else []) + tensor["dims"]
                    assert whole == declared["shape"] and list(third.dims) == tensor["dims"]
            assert ("dynamic_batching" in config) == is_open
        # A batch of two, as `perf_analyzer -b 2` sends it.
        config = client.get_model_config("perceptron")
        assert config["max_batch_size"] >= 2
        shape = [2, *config["input"][0]["dims"]]
        tensor = httpclient.InferInput("x", shape, "FP32")
        tensor.set_data_from_numpy(np.ones(shape, np.float32))
        assert client.infer("perceptron", [tensor]).as_numpy("y").shape == (2, *config["output"][0]["dims"])


def test_a_configuration_equal_to_the_servers_own_is_taken(server, models):
    with httpclient.InferenceServerClient(server.http) as client, grpcclient.InferenceServerClient(server.grpc) as other:
        for name in models:
            own = client.get_model_config(name)
            client.load_model(name, config=json.dumps(own))
            # As it comes over gRPC: numbers of 64 bits are texts, and defaults are left out.
            over = other.get_model_config(name, as_json=True)["config"]
            client.load_model(name, config=json.dumps(over))
            other.load_model(name, config=json.dumps({"max_batch_size": 0, "backend": "onnxruntime", "optimization": {}}))
            for field, value in [
                ("input", [{**own["input"][0], "dims": [5, 5, 5]}]),
                ("max_batch_size", 77),
                ("instance_group", [{"count": 3}]),
                ("version_policy", {"latest": {"num_versions": 1}}),
                ("sequence_batching", {"max_sequence_idle_microseconds": 5}),
            ]:
                with pytest.raises(InferenceServerException, match=f"'{field}', which cannot be followed"):
                    client.load_model(name, config=json.dumps({**own, field: value}))


def test_several_versions_are_sent_at_once(watched, tmp_path):
    here = watched("--uploads").start()
    sources = {number: small_models.perceptron(tmp_path / f"{number}.onnx", seed=number) for number in (2, 5)}
    files = {f"file:{number}/model.onnx": path.read_bytes() for number, path in sources.items()}
    here.client.load_model("sent", config="{}", files=files)
    for number, path in sources.items():
        answers(here, "sent", path, str(number))
    with pytest.raises(InferenceServerException, match="no version 1"):
        here.ask("sent", "1")


@pytest.mark.parametrize("keep", [-1, "-1", "5m", "1h30m", 0, 60, 1.5, "2"])
def test_a_model_is_kept_as_ollama_writes_it(server, keep):
    with httpclient.InferenceServerClient(server.http) as client:
        tensor = httpclient.InferInput("x", [1, 16], "FP32")
        tensor.set_data_from_numpy(np.ones((1, 16), np.float32))
        client.infer("perceptron", [tensor], parameters={"keep_alive": keep})
        client.load_model("perceptron", config=json.dumps({"parameters": {"keep_alive": {"string_value": str(keep)}}}))
    body = json.dumps({"parameters": {"keep_alive": keep}}).encode()
    urllib.request.urlopen(f"{server.url}/v2/repository/models/perceptron/load", body).close()


def test_no_file_of_the_folder_holds_anything_up(watched):
    here = watched()
    os.mkfifo(here.folder / "p.pipeline.yaml")
    os.mkfifo(here.folder / "q.yaml")
    os.mkfifo(here.folder / "pipe.onnx")
    shutil.copy(BOMB, here.folder / "bomb.yaml")
    shutil.copy(BOMB, here.folder / "wired.pipeline.yaml")
    (here.folder / "folder").mkdir()
    os.mkfifo(here.folder / "folder" / "config.pbtxt")
    drop(here.folder / "bomb.onnx")
    here.start()
    index = here.until(lambda index: index.get(("bomb", ""), [""])[0] == "UNAVAILABLE")
    assert "anchors" in index["bomb", ""][1] and "anchors" in index["wired", "1"][1]
    drop(here.folder / "good.onnx")
    drop(here.folder / "q.onnx", seed=2)
    here.ready("good", 1)
    here.ready("q", 1)
    assert "not a regular file" in here.index()["p", "1"][1]
    logged(here, "pipe.onnx' is not served: it is not a regular file")
    start = time.monotonic()
    here.server.stop()
    assert time.monotonic() - start < 10


def test_names_are_served_or_told(watched):
    here = watched()
    composed, decomposed = "caf\u00e9", "cafe\u0301"
    files = {"X.ONNX": 1, composed + ".onnx": 2, decomposed + ".onnx": 3, "a\nINFO forged line.onnx": 4}
    for name, seed in files.items():
        small_models.perceptron(here.folder / name, seed=seed)
    (here.folder / "empty" / "1").mkdir(parents=True)
    here.start()
    here.ready("X", 1)
    here.ready(composed, 1)
    answers(here, "X", here.folder / "X.ONNX")
    answers(here, composed, here.folder / (composed + ".onnx"))
    for ask in (lambda: here.ask(decomposed), lambda: here.client.get_model_metadata(decomposed)):
        with pytest.raises(InferenceServerException, match="no model"):
            ask()
    for administer in (here.client.load_model, here.client.unload_model):
        with pytest.raises(InferenceServerException, match="no model"):
            administer(decomposed)
    assert not here.client.is_model_ready(decomposed)
    for text in (decomposed + ".onnx' is not served", "forged line.onnx' is not served", "/empty/1' is not served"):
        logged(here, text)
    assert not any(line.startswith("INFO") for line in here.log.read_text().splitlines())


def test_an_overwritten_target_of_a_link_is_served(watched, tmp_path):
    here = watched()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    target = small_models.perceptron(elsewhere / "target.onnx", seed=1)
    (here.folder / "linked.onnx").symlink_to(target)
    here.start()
    here.ready("linked", 1)
    content = small_models.perceptron(tmp_path / "new.onnx", seed=2).read_bytes()
    target.write_bytes(content)
    here.ready("linked", 2)
    answers(here, "linked", target)


def test_the_version_has_one_owner(server):
    with urllib.request.urlopen(server.url + "/v2") as response:
        told = json.load(response)["version"]
    source = (serving.ROOT / "Sources" / "Settings" / "ProductVersion.swift").read_text()
    assert f'"{told}"' in source
    for program in (serving.PROGRAM, serving.SERVER):
        assert subprocess.run([program, "--version"], capture_output=True, text=True).stdout.strip() == told
