"""Compiled models that are altered on the disk: found, said, compiled again from their sources, and nobody else's fault."""

import json
import os
import re
import subprocess
import time
import urllib.error
import urllib.request

import numpy as np
import pytest

import serving
import small_models

INPUT = np.arange(32, dtype=np.float32).reshape(2, 16) / 32


def infer(server, model, values=INPUT):
    """The status, and the output or the error."""
    body = {"inputs": [{"name": "x", "shape": values.shape, "datatype": "FP32", "data": values.flatten().tolist()}]}
    request = urllib.request.Request(f"{server.url}/v2/models/{model}/infer", json.dumps(body).encode())
    try:
        with urllib.request.urlopen(request, timeout=60) as response:
            output = json.load(response)["outputs"][0]
            return 200, np.array(output["data"], np.float32).reshape(output["shape"])
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)["error"]


def compiled(store, name):
    return store / "models" / name / "1" / "model.fused"


def cut(path):
    """Another program cuts the file short, through its own name."""
    os.chmod(path, 0o600)
    os.truncate(path, path.stat().st_size // 2 // 4096 * 4096)


def flip(path):
    """One bit of a weight, in place, so that those who have the file mapped see it too; the index lies behind them."""
    os.chmod(path, 0o600)
    data = path.read_bytes()
    place = len(data[:-65536].rstrip(b"\0")) - 1
    with open(path, "r+b") as file:
        file.seek(place)
        file.write(bytes([data[place] ^ 0x40]))
    os.chmod(path, 0o444)


def verify(store):
    return subprocess.run([serving.PROGRAM, "verify", "--store", store], capture_output=True, text=True)


class Stored:
    """A store with two perceptrons, and a server on it."""

    def __init__(self, folder):
        self.store, self.log = folder / "store", folder / "log"
        self.sources = [
            small_models.perceptron(folder / "first.onnx", seed=1, width=4096),
            small_models.perceptron(folder / "second.onnx", seed=2, width=4096),
        ]
        serving.add(self.store, *self.sources)
        self.expected = {path.stem: small_models.answer(path, x=INPUT)["y"] for path in self.sources}

    def start(self, *options):
        return serving.Server(self.store, *options, log=self.log)

    def check(self, server, name):
        status, output = infer(server, name)
        assert status == 200, output
        np.testing.assert_allclose(output, self.expected[name], rtol=1e-4, atol=1e-6)

    def until_mended(self, server, name, seconds=60):
        """Asks until it is answered as it should be; the others are, all the while."""
        end = time.monotonic() + seconds
        refusals = []
        while True:
            self.check(server, "second")
            status, output = infer(server, name)
            if status == 200 and np.allclose(output, self.expected[name], rtol=1e-4, atol=1e-6):
                return refusals
            if status != 200:
                assert status == 503 and name in output, (status, output)
                refusals.append(output)
            assert time.monotonic() < end, (status, output, self.log.read_text()[-2000:])
            time.sleep(0.02)


@pytest.fixture
def stored(tmp_path):
    return Stored(tmp_path)


@pytest.mark.parametrize("state", ["resident", "evicted"])
def test_cut_short_it_is_refused_by_name_and_compiled_again(stored, state):
    with stored.start() as server:
        stored.check(server, "first")
        if state == "evicted":
            for call in ("unload", "load"):
                urllib.request.urlopen(f"{server.url}/v2/repository/models/first/{call}", b"").close()
        cut(compiled(stored.store, "first"))
        stored.until_mended(server, "first")
        assert server.process.poll() is None
    assert verify(stored.store).returncode == 0


def test_clients_are_not_told_where_files_lie(stored):
    """Neither by the refusal, nor by the index; the log says it."""
    cut(compiled(stored.store, "first"))
    for path in (stored.store / "models" / "first").rglob("*"):
        if path.is_file() and path.name != "model.fused":
            os.chmod(path, 0o600)
            path.write_bytes(b"")
    with stored.start() as server:
        status, text = infer(server, "first")
        assert status == 503 and "first" in text, (status, text)
        with urllib.request.urlopen(f"{server.url}/v2/repository/index", b"") as response:
            text += response.read().decode()
        assert str(stored.store) not in text, text
        assert str(stored.store) in stored.log.read_text()


def test_cut_short_while_it_is_open_and_not_in_memory(stored):
    with stored.start("--keep-alive", "1ms") as server:
        stored.check(server, "first")
        time.sleep(0.5)
        cut(compiled(stored.store, "first"))
        refusals = stored.until_mended(server, "first")
        assert refusals
        assert server.process.poll() is None
        with urllib.request.urlopen(f"{server.url}/metrics") as response:
            failures = re.findall(r'nv_inference_request_failure\{(.*)\} ([1-9].*)', response.read().decode())
        assert failures and all('model="first"' in labels for labels, _ in failures)
        assert any('"BACKEND"' in labels for labels, _ in failures), "the server's fault"
    assert verify(stored.store).returncode == 0


def test_bits_that_flipped_before_the_start_are_found_in_the_background(stored):
    flip(compiled(stored.store, "first"))
    found = verify(stored.store)
    assert found.returncode == 1 and "first v1: " in found.stdout and "checksums are wrong" in found.stdout
    with stored.start() as server:
        stored.until_mended(server, "first")
    assert verify(stored.store).returncode == 0


@pytest.mark.parametrize("pinned", [False, True])
def test_bits_that_flip_in_memory_are_found_in_the_background(stored, pinned):
    with stored.start("--verify-interval", "100ms", *(["--pin", "first"] if pinned else [])) as server:
        stored.check(server, "first")
        flip(compiled(stored.store, "first"))
        stored.until_mended(server, "first")
        end = time.monotonic() + 60
        while verify(stored.store).returncode != 0:
            assert time.monotonic() < end, stored.log.read_text()[-2000:]
        stored.check(server, "first")
    assert "damaged on disk" in stored.log.read_text()


def test_without_its_source_it_says_what_to_do_until_it_is_added_again(stored):
    for path in (stored.store / "models" / "first" / "1" / "source").rglob("*.onnx"):
        os.chmod(path.parent, 0o700)
        path.unlink()
    flip(compiled(stored.store, "first"))
    with stored.start() as server:
        end = time.monotonic() + 60
        while (found := infer(server, "first"))[0] == 200 or "add the model again" not in found[1]:
            assert time.monotonic() < end, found
            time.sleep(0.02)
        assert found[0] == 503 and "'first'" in found[1] and "checksums are wrong" in found[1]
        stored.check(server, "second")
        serving.add(stored.store, stored.sources[0])
        while infer(server, "first")[0] != 200:
            assert time.monotonic() < end
            time.sleep(0.02)
        stored.check(server, "first")
