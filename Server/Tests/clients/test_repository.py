"""Models come and go while the server runs: through the watched folder, the store, and loads."""

import os
import urllib.request
import urllib.error
import re
import json
import pathlib
import shutil
import signal
import subprocess
import threading
import time

import numpy as np
import onnx
import pytest
import tritonclient.grpc as grpcclient
from tritonclient.utils import InferenceServerException

import serving
import small_models
import test_grpc_calls

INPUT = np.arange(32, dtype=np.float32).reshape(2, 16) / 32


class Watched:
    """A server on a store and a folder of its own."""

    def __init__(self, folder, *options):
        self.store, self.folder, self.options = folder / "store", folder / "models", options
        self.folder.mkdir()
        self.log = folder / "log"

    def start(self):
        self.server = serving.Server(self.store, "--repository", self.folder, *self.options, log=self.log)
        self.client = grpcclient.InferenceServerClient(self.server.grpc)
        return self

    def index(self):
        rows = self.client.get_model_repository_index().models
        return {(row.name, row.version): (row.state, row.reason) for row in rows}

    def until(self, condition, seconds=60):
        """Waits until the index is as it should be, and returns it."""
        end = time.monotonic() + seconds
        while True:
            index = self.index()
            if condition(index):
                return index
            assert time.monotonic() < end, (index, self.log.read_text()[-3000:])
            time.sleep(0.02)

    def ready(self, name, version):
        return self.until(lambda index: index.get((name, str(version)), [""])[0] == "READY" and (name, "") not in index)

    def ask(self, name, version=""):
        tensor = grpcclient.InferInput("x", INPUT.shape, "FP32")
        tensor.set_data_from_numpy(INPUT)
        return self.client.infer(name, [tensor], model_version=version)

    def compilers(self):
        """The processes that compile for this server."""
        found = []
        for entry in pathlib.Path("/proc").iterdir():
            if entry.name.isdigit():
                try:
                    words = (entry / "cmdline").read_bytes().split(b"\0")
                except OSError:
                    continue
                if b"add-model" in words and str(self.store).encode() in b"".join(words):
                    found.append(int(entry.name))
        return found

    def versions(self, name):
        return sorted(int(path.name) for path in (self.store / "models" / name).glob("[0-9]*") if path.is_dir())


@pytest.fixture
def watched(tmp_path):
    made = []

    def make(*options):
        made.append(Watched(tmp_path, *options))
        return made[-1]

    yield make
    for watched in made:
        watched.client.close()
        watched.server.stop(signal.SIGKILL)


def drop(path, **options):
    """Puts a model where it is found, in one step."""
    hidden = path.with_name("." + path.name)
    small_models.perceptron(hidden, **options)
    hidden.rename(path)
    return path


def expected(path):
    return small_models.answer(path, x=INPUT)["y"]


def large(path, seed=1, size=3000):
    """A model whose compilation takes a while: eight square matrices."""
    random = np.random.default_rng(seed)
    names = [f"w{i}" for i in range(8)]
    nodes = [
        onnx.helper.make_node("MatMul", ["x" if i == 0 else f"h{i}", name], ["y" if i == 7 else f"h{i + 1}"])
        for i, name in enumerate(names)
    ]
    graph = onnx.helper.make_graph(
        nodes,
        "large",
        [onnx.helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, (1, size))],
        [onnx.helper.make_tensor_value_info("y", onnx.TensorProto.FLOAT, (1, size))],
        [onnx.numpy_helper.from_array(random.standard_normal((size, size)).astype(np.float32), n) for n in names],
    )
    hidden = path.with_name("." + path.name)
    onnx.save(onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=9), hidden)
    hidden.rename(path)


@pytest.mark.parametrize("options", [(), ("--repository-poll", "100ms")], ids=["events", "polling"])
def test_a_dropped_file_is_served_replaced_and_removed(watched, options):
    here = watched(*options).start()
    path = drop(here.folder / "p.onnx", seed=1)
    here.ready("p", 1)
    first = expected(path)
    np.testing.assert_allclose(here.ask("p").as_numpy("y"), first, rtol=1e-5, atol=1e-6)

    drop(path, seed=2)
    here.ready("p", 2)
    second = expected(path)
    assert not np.allclose(first, second)
    answer = here.ask("p")
    assert answer.get_response().model_version == "2"
    np.testing.assert_allclose(answer.as_numpy("y"), second, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(here.ask("p", "1").as_numpy("y"), first, rtol=1e-5, atol=1e-6)

    path.unlink()
    here.until(lambda index: not index)
    with pytest.raises(InferenceServerException, match="no model"):
        here.ask("p")
    assert here.versions("p") == []


def test_two_versions_stay(watched):
    here = watched().start()
    path = here.folder / "p.onnx"
    for seed in (1, 2, 3):
        drop(path, seed=seed)
        here.ready("p", seed)
    here.until(lambda index: set(index) == {("p", "2"), ("p", "3")})


def test_a_replacement_under_load_fails_no_request(watched):
    here = watched("--keep-versions", "1").start()
    path = drop(here.folder / "p.onnx", seed=0)
    here.ready("p", 1)
    answers, failures, ended = [], [], threading.Event()

    def ask():
        with grpcclient.InferenceServerClient(here.server.grpc) as client:
            tensor = grpcclient.InferInput("x", INPUT.shape, "FP32")
            tensor.set_data_from_numpy(INPUT)
            while not ended.is_set():
                try:
                    answer = client.infer("p", [tensor])
                    answers.append((int(answer.get_response().model_version), answer.as_numpy("y")))
                except InferenceServerException as error:
                    failures.append(str(error))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    wanted = {1: expected(path)}
    for version in (2, 3, 4):
        drop(path, seed=version)
        wanted[version] = expected(path)
        here.until(lambda index: set(index) == {("p", str(version))} and index["p", str(version)][0] == "READY")
    ended.set()
    for thread in threads:
        thread.join()
    assert not failures
    assert {version for version, _ in answers} == {1, 2, 3, 4}
    for version, values in answers:
        np.testing.assert_allclose(values, wanted[version], rtol=1e-5, atol=1e-6)


def test_a_broken_file_says_why_and_is_tried_again_when_it_changes(watched):
    here = watched().start()
    path = here.folder / "b.onnx"
    path.write_bytes(b"no model at all")
    index = here.until(lambda index: index.get(("b", ""), [""])[0] == "UNAVAILABLE")
    assert "not an ONNX model" in index["b", ""][1]
    with pytest.raises(InferenceServerException, match="could not be compiled"):
        here.ask("b")
    drop(path)
    here.ready("b", 1)
    path.write_bytes(b"broken again")
    here.until(lambda index: index.get(("b", ""), [""])[0] == "UNAVAILABLE")
    assert here.ask("b").get_response().model_version == "1"


def test_a_half_written_file_is_waited_for(watched, tmp_path):
    here = watched().start()
    content = small_models.perceptron(tmp_path / "whole.onnx").read_bytes()
    with open(here.folder / "h.onnx", "wb") as file:
        for start in range(0, len(content), 1000):
            file.write(content[start : start + 1000])
            file.flush()
            time.sleep(0.4)
            assert here.index()["h", ""][0] == "LOADING"
    here.ready("h", 1)
    assert "could not be compiled" not in here.log.read_text()


def test_tritons_layout_external_data_and_a_sidecar(watched, tmp_path):
    here = watched().start()
    source = small_models.perceptron(tmp_path / "plain.onnx")
    for version in (1, 3):
        (here.folder / "t" / str(version)).mkdir(parents=True)
    shutil.copy(source, here.folder / "t" / "1" / "model.onnx")
    onnx.save(
        onnx.load(source), here.folder / "t" / "3" / "model.onnx", save_as_external_data=True, location="weights.bin", size_threshold=0
    )
    (here.folder / "t.yaml").write_text("shapes: {x: 1..4x16}\nkeep_alive: 60\n")
    here.ready("t", 1)
    np.testing.assert_allclose(here.ask("t").as_numpy("y"), expected(source), rtol=1e-5, atol=1e-6)
    with pytest.raises(InferenceServerException):
        tensor = grpcclient.InferInput("x", (9, 16), "FP32")
        tensor.set_data_from_numpy(np.zeros((9, 16), np.float32))
        here.client.infer("t", [tensor])
    (here.folder / "t.yaml").write_text("shape: 3\n")
    index = here.until(lambda index: index.get(("t", ""), [""])[0] == "UNAVAILABLE")
    assert "not a setting" in index["t", ""][1]


def test_the_same_content_is_not_compiled_again(watched):
    here = watched().start()
    path = drop(here.folder / "p.onnx")
    here.ready("p", 1)
    os.utime(path)
    here.until(lambda index: ("p", "") in index)
    here.ready("p", 1)
    assert here.versions("p") == [1]


@pytest.mark.parametrize("limit", [("--compile-memory", "600MB"), ("--compile-time", "1s")], ids=["memory", "time"])
def test_a_compilation_beyond_its_limits_ends_alone(watched, limit):
    here = watched(*limit).start()
    if limit[0] == "--compile-time":
        # Stopped, it takes as long as anybody wants.
        large(here.folder / "big.onnx")
        end = time.monotonic() + 30
        while not (found := here.compilers()):
            assert time.monotonic() < end
        os.kill(found[0], signal.SIGSTOP)
    else:
        large(here.folder / "big.onnx", size=3800)
    index = here.until(lambda index: index.get(("big", ""), [""])[0] == "UNAVAILABLE")
    assert index["big", ""][1]
    assert here.client.is_server_live()
    assert here.compilers() == []
    drop(here.folder / "p.onnx")
    here.ready("p", 1)


def test_a_compiler_that_is_killed_is_started_again(watched):
    here = watched().start()
    large(here.folder / "big.onnx")
    end = time.monotonic() + 30
    while not (found := here.compilers()):
        assert time.monotonic() < end
    os.kill(found[0], signal.SIGKILL)
    index = here.until(lambda index: index.get(("big", ""), [""])[0] == "UNAVAILABLE")
    assert "killed" in index["big", ""][1]
    here.ready("big", 1)


def test_killed_while_it_compiles_the_server_starts_again_with_nothing_torn(watched):
    here = watched().start()
    drop(here.folder / "p.onnx")
    here.ready("p", 1)
    large(here.folder / "big.onnx")
    end = time.monotonic() + 30
    while not here.compilers():
        assert time.monotonic() < end
    here.server.stop(signal.SIGKILL)
    here.client.close()
    while here.compilers():
        assert time.monotonic() < end, "the compiler outlives the server"
    here.start()
    assert here.ask("p").get_response().model_version == "1"
    here.ready("big", 1)
    assert here.versions("p") == [1] and here.versions("big") == [1]
    assert list((here.store / "staging").iterdir()) == []


def test_a_model_that_another_program_adds_is_seen(watched, tmp_path):
    here = watched().start()
    serving.add(here.store, small_models.perceptron(tmp_path / "other.onnx"))
    here.ready("other", 1)
    subprocess.run([serving.PROGRAM, "remove", "--store", here.store, "other"], check=True)
    here.until(lambda index: not index)


def test_a_model_is_sent_with_a_load(watched, tmp_path):
    here = watched("--uploads").start()
    source = small_models.perceptron(tmp_path / "sent.onnx")
    content = {"file:1/model.onnx": source.read_bytes()}
    here.client.load_model("sent", config='{"backend": "onnxruntime"}', files=content)
    np.testing.assert_allclose(here.ask("sent").as_numpy("y"), expected(source), rtol=1e-5, atol=1e-6)
    here.client.load_model("sent", config="{}", files=content)
    assert here.versions("sent") == [1], "the same content is the same version"
    with pytest.raises(InferenceServerException, match="could not be compiled"):
        here.client.load_model("bad", config="{}", files={"file:1/model.onnx": b"nothing"})
    for path in ("../model.onnx", "/etc/model.onnx", "1/../../model.onnx", "1/.hidden.onnx"):
        with pytest.raises(InferenceServerException):
            here.client.load_model("bad", config="{}", files={"file:" + path: b"nothing"})
    assert list((here.store / "uploads").iterdir()) == []
    here.server.stop(signal.SIGKILL)
    here.client.close()
    here.start()
    assert here.ask("sent").get_response().model_version == "1"


def test_a_model_is_sent_where_that_is_allowed_alone(watched, tmp_path):
    here = watched().start()
    content = small_models.perceptron(tmp_path / "sent.onnx").read_bytes()
    with pytest.raises(InferenceServerException, match="--uploads"):
        here.client.load_model("sent", config="{}", files={"file:1/model.onnx": content})


def test_unloaded_and_loaded(watched):
    here = watched().start()
    drop(here.folder / "p.onnx")
    here.ready("p", 1)
    here.client.unload_model("p")
    assert here.index() == {("p", "1"): ("UNAVAILABLE", "unloaded")}
    assert not here.client.is_model_ready("p")
    with pytest.raises(InferenceServerException, match="unloaded"):
        here.ask("p")
    here.client.load_model("p")
    assert here.client.is_model_ready("p")
    here.ask("p")
    with pytest.raises(InferenceServerException, match="no model"):
        here.client.load_model("nobody")
    with pytest.raises(InferenceServerException, match="no model"):
        here.client.unload_model("nobody")
    with pytest.raises(InferenceServerException, match="cannot be followed"):
        here.client.load_model("p", config='{"max_batch_size": 4}')


@pytest.mark.parametrize("kind", ["limit", "disk"])
def test_a_full_disk_is_said_and_the_server_goes_on(watched, kind):
    here = watched(*(("--compile-file", "16MB") if kind == "limit" else ()))
    if kind == "disk":
        here.store.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", "size=32m", "none", str(here.store)]
        if subprocess.run(mount, capture_output=True).returncode != 0:
            pytest.skip("mounting a small disk takes root")
    try:
        here.start()
        drop(here.folder / "p.onnx")
        here.ready("p", 1)
        large(here.folder / "big.onnx")
        index = here.until(lambda index: index.get(("big", ""), [""])[0] == "UNAVAILABLE")
        assert "no space" in index["big", ""][1]
        here.ask("p")
        assert here.versions("big") == []
    finally:
        if kind == "disk":
            here.server.stop(signal.SIGKILL)
            while here.compilers():
                time.sleep(0.02)
            subprocess.run(["umount", here.store], check=True)


def load(server, model, **parameters):
    body = json.dumps({"parameters": parameters}).encode()
    urllib.request.urlopen(f"{server.url}/v2/repository/models/{model}/load", body).close()


def pinned_bytes(server):
    with urllib.request.urlopen(server.url + "/metrics") as response:
        return float(re.search(r"^fusedinf_pinned_bytes (\S+)", response.read().decode(), re.M)[1])


@pytest.mark.parametrize("how", ["option", "sidecar", "load"])
def test_a_pin_goes_to_the_version_that_is_the_newest(watched, how):
    """Also where there is no room for both."""
    here = watched("--budget", "12MiB")
    path = here.folder / "m.onnx"
    large(path, size=500)
    if how == "sidecar":
        (here.folder / "m.yaml").write_text("pin: true\n")
    here.start()
    here.ready("m", 1)
    if how == "option":
        here.client.close()
        here.server.stop()
        here.options += ("--pin", "m")
        here.start()
    elif how == "load":
        load(here.server, "m", pin=True)
    test_grpc_calls.eventually(lambda: pinned_bytes(here.server) >= 8 * 500 * 500 * 4)
    assert pinned_bytes(here.server) < 8 * 540 * 540 * 4
    large(path, seed=2, size=550)
    here.ready("m", 2)
    test_grpc_calls.eventually(lambda: 8 * 550 * 550 * 4 <= pinned_bytes(here.server) < 12 << 20)
    path.unlink()
    (here.folder / "m.yaml").unlink(missing_ok=True)
    large(here.folder / "other.onnx", seed=3, size=540)
    here.until(lambda index: set(index) == {("other", "1")})
    test_grpc_calls.eventually(lambda: pinned_bytes(here.server) == 0)
    # Nothing is counted any more for what is gone.
    load(here.server, "other", pin=True)
    assert pinned_bytes(here.server) >= 8 * 540 * 540 * 4


def test_a_model_that_has_yet_to_be_compiled_is_pinned_when_it_is_there(watched):
    here = watched("--budget", "12MiB", "--pin", "m")
    large(here.folder / "m.onnx", size=500)
    here.start()
    here.ready("m", 1)
    test_grpc_calls.eventually(lambda: pinned_bytes(here.server) >= 8 * 500 * 500 * 4)


def test_a_folder_whose_disk_is_not_mounted_removes_nothing(watched):
    here = watched()
    path = drop(here.folder / "m.onnx")
    here.start()
    here.ready("m", 1)
    # The disk goes: what is seen at its place is another folder, and empty.
    disk = here.folder.with_name("disk")
    here.folder.rename(disk)
    here.folder.mkdir()
    test_grpc_calls.eventually(lambda: "mounted" in here.log.read_text())
    for _ in range(2):
        time.sleep(1)
        here.ask("m")
        # Nor when the server starts without it.
        here.client.close()
        here.server.stop()
        here.start()
    here.server.stop()
    here.folder.rmdir()
    disk.rename(here.folder)
    here.start()
    here.ready("m", 1)
    path.unlink()
    here.until(lambda index: not index)


def test_an_unload_among_requests_refuses_or_answers(watched):
    """No request fails otherwise than with what a client of an unloaded model is told."""
    here = watched()
    drop(here.folder / "m.onnx")
    here.start()
    here.ready("m", 1)
    statuses, over = set(), threading.Event()
    values = json.dumps({"inputs": [{"name": "x", "shape": [2, 16], "datatype": "FP32", "data": INPUT.tolist()}]}).encode()

    def ask():
        while not over.is_set():
            try:
                with urllib.request.urlopen(here.server.url + "/v2/models/m/infer", values) as response:
                    statuses.add(response.status)
            except urllib.error.HTTPError as error:
                statuses.add((error.code, json.load(error)["error"]))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(50):
        here.client.unload_model("m")
        with urllib.request.urlopen(here.server.url + "/metrics") as response:
            text = response.read().decode()
        rows = re.findall(r"^fusedinf_weights_resident_bytes\S* (\S+)$", text, re.M)
        assert rows and sum(map(float, rows)) == 0, rows
        here.client.load_model("m")
    over.set()
    for thread in threads:
        thread.join()
    assert statuses <= {200, (503, "model 'm' is unloaded; load it with POST v2/repository/models/m/load")}, statuses
    assert 200 in statuses
