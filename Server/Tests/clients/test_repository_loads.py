"""Load requests where something is broken: sound versions are served all the same, and a refused upload changes nothing."""

import base64
import json
import urllib.error
import urllib.request

import pytest
from tritonclient.utils import InferenceServerException

import serving
import small_models
from test_repository import drop, expected, large, load, pinned_bytes, watched  # noqa: F401 (a fixture)
from test_repository_sources import answers, logged


def refused(here, name, status, **parameters):
    """The error with which a load request is refused."""
    with pytest.raises(urllib.error.HTTPError) as caught:
        load(here.server, name, **parameters)
    assert caught.value.code == status
    return json.load(caught.value)["error"]


def content(path):
    return base64.b64encode(path.read_bytes()).decode()


def sound(here, number, seed):
    """A version of the model t."""
    (here.folder / "t" / str(number)).mkdir(parents=True, exist_ok=True)
    return drop(here.folder / "t" / str(number) / "model.onnx", seed=seed)


def is_broken(index):
    return index.get(("t", ""), [""])[0] == "UNAVAILABLE"


@pytest.mark.parametrize("kind", ["version", "file", "configuration", "conflict"])
def test_a_load_serves_what_is_sound_beside_what_is_broken(watched, tmp_path, kind):
    here = watched()
    if kind == "conflict":
        mine = small_models.perceptron(tmp_path / "t.onnx", seed=5)
        serving.add(here.store, mine)
        sound(here, 1, seed=1)
    elif kind == "file":
        mine = drop(here.folder / "t.onnx", seed=1)
    else:
        mine = sound(here, 1, seed=1)
    wanted = expected(mine)
    here.start()
    here.until(lambda index: index.get(("t", "1"), [""])[0] == "READY")
    if kind == "version":
        sound(here, 2, seed=2).write_bytes(b"junk")
    elif kind == "file":
        (here.folder / "t.onnx").write_bytes(b"junk")
    elif kind == "configuration":
        (here.folder / "t" / "config.pbtxt").write_text("garbage {")
    reason = here.until(is_broken)["t", ""][1]
    for _ in range(2):
        here.client.unload_model("t")
        assert not here.client.is_model_ready("t")
        here.client.load_model("t")
        index = here.index()
        assert index["t", "1"][0] == "READY" and index["t", ""] == ("UNAVAILABLE", reason)
        assert (here.ask("t").as_numpy("y") == here.ask("t", "1").as_numpy("y")).all()
        assert abs(here.ask("t").as_numpy("y") - wanted).max() < 1e-4


def test_a_load_is_refused_where_nothing_is_served(watched):
    here = watched().start()
    (here.folder / "t.onnx").write_bytes(b"junk")
    here.until(is_broken)
    with pytest.raises(InferenceServerException, match="could not be compiled"):
        here.client.load_model("t")


def test_of_several_new_versions_all_sound_ones_are_served_when_a_load_is_answered(watched):
    here = watched()
    drop(here.folder / "other.onnx")
    here.start()
    here.ready("other", 1)
    sources = {number: sound(here, number, seed=number) for number in (1, 2)}
    (here.folder / "t" / "3").mkdir()
    (here.folder / "t" / "3" / "model.onnx").write_bytes(b"junk")
    (here.folder / "t" / "config.pbtxt").write_text("version_policy: { all { } }\n")
    here.client.load_model("t")
    for number, path in sources.items():
        answers(here, "t", path, str(number))
    assert here.index()["t", ""][1].startswith("version 3: ")


def test_a_pipeline_is_loaded_though_a_file_of_its_model_is_broken(watched):
    here = watched()
    drop(here.folder / "t.onnx")
    drop(here.folder / "u.onnx", seed=2)
    (here.folder / "p.pipeline.yaml").write_text(
        "inputs: [x]\nstages:\n  - {name: s, model: t, inputs: {x: x}}\n  - {name: u, model: u, inputs: {x: x}}\n"
        "outputs:\n  - {name: y, from: s.y}\n  - {name: z, from: u.y}\n"
    )
    here.start()
    here.ready("t", 1)
    here.ready("u", 1)
    (here.folder / "t.onnx").write_bytes(b"junk")
    here.until(is_broken)
    here.client.unload_model("p", unload_dependents=True)
    assert not here.client.is_model_ready("t")
    here.client.load_model("p")
    here.until(lambda index: index["p", "1"][0] == index["t", "1"][0] == index["u", "1"][0] == "READY")
    here.ask("p")


@pytest.fixture
def sent(watched, tmp_path):
    """A server with the model g, version 1 of which was sent; and the files of seeds 1 to 5."""
    here = watched("--uploads", "--budget", "64MiB").start()
    files = {seed: small_models.perceptron(tmp_path / f"{seed}.onnx", seed=seed) for seed in range(1, 6)}
    load(here.server, "g", **{"file:1/model.onnx": content(files[1])})
    answers(here, "g", files[1])
    return here, files


def unchanged(here, path):
    """The model g is what it was when it was made from this file."""
    rows = {key: row for key, row in here.index().items() if key[0] == "g"}
    assert rows == {("g", "1"): ("READY", "")}
    answers(here, "g", path)
    assert here.ask("g").get_response().model_version == "1"
    assert here.versions("g") == [1]
    assert list((here.store / "uploads").iterdir()) == []


@pytest.mark.parametrize("number", [1, 2], ids=["replaced", "new"])
def test_an_upload_with_a_refused_configuration_changes_nothing(sent, number):
    here, files = sent
    file = {f"file:{number}/model.onnx": content(files[2])}
    assert "'max_batch_size', which cannot be followed" in refused(here, "g", 501, config='{"max_batch_size": 4}', **file)
    unchanged(here, files[1])
    own = here.client.get_model_config("g", as_json=True)["config"]
    load(here.server, "g", config=json.dumps(own), **file)
    answers(here, "g", files[2])


def test_of_several_versions_all_are_added_or_none(sent):
    here, files = sent
    junk = base64.b64encode(b"junk").decode()
    error = refused(here, "g", 400, **{"file:1/model.onnx": content(files[2]), "file:4/model.onnx": content(files[3]), "file:5/model.onnx": junk})
    assert "could not be compiled" in error
    unchanged(here, files[1])
    refused(here, "new", 400, **{"file:1/model.onnx": content(files[2]), "file:2/model.onnx": junk})
    assert not any(name == "new" for name, _ in here.index())
    load(here.server, "g", **{"file:1/model.onnx": content(files[2]), "file:4/model.onnx": content(files[3])})
    answers(here, "g", files[2], "1")
    answers(here, "g", files[3], "4")


def test_an_unloaded_model_stays_unloaded_when_an_upload_is_refused(sent):
    here, files = sent
    here.client.unload_model("g")
    refused(here, "g", 501, config='{"max_batch_size": 4}', **{"file:2/model.onnx": content(files[2])})
    assert {key: row for key, row in here.index().items() if key[0] == "g"} == {("g", "1"): ("UNAVAILABLE", "unloaded")}
    here.client.load_model("g")
    unchanged(here, files[1])


def test_an_upload_whose_pin_has_no_room_changes_nothing(sent, tmp_path):
    here, files = sent
    big = {}
    for seed in (1, 2):
        # 34 MB of weights, of a budget of 64 MiB.
        large(tmp_path / f"big{seed}.onnx", seed=seed, size=1030)
        big[seed] = content(tmp_path / f"big{seed}.onnx")
    load(here.server, "big", pin=True, **{"file:1/model.onnx": big[1]})
    pinned = pinned_bytes(here.server)
    assert pinned > 30e6
    refused(here, "big2", 413, pin=True, **{"file:1/model.onnx": big[2]})
    assert not any(name == "big2" for name, _ in here.index())
    with pytest.raises(InferenceServerException, match="no model"):
        here.client.get_model_metadata("big2")
    refused(here, "g", 413, pin=True, keep_alive=5, **{"file:1/model.onnx": big[2]})
    unchanged(here, files[1])
    assert pinned_bytes(here.server) == pinned
    # A version in the place of the pinned one fits.
    load(here.server, "big", pin=True, **{"file:2/model.onnx": big[2]})
    assert abs(pinned_bytes(here.server) - pinned) < 1e6
    # Without the pin, it is served.
    load(here.server, "big2", **{"file:1/model.onnx": big[2]})
    assert here.client.is_model_ready("big2")


def test_the_name_in_a_configuration_is_that_of_the_model(sent):
    here, files = sent
    error = refused(here, "g", 400, config='{"name": "other"}', **{"file:2/model.onnx": content(files[2])})
    assert error == "the 'name' in 'config' must be that of the model, 'g', or be left out"
    assert "'platform' in 'config' must be a string" in refused(here, "g", 400, config='{"platform": 5}')
    unchanged(here, files[1])
    load(here.server, "g", config='{"name": "g", "backend": null}')
