"""`kill -9` at any moment: the next start serves at once, nothing is torn, and answers are onnxruntime's."""

import json
import random
import signal
import subprocess
import threading
import time
import urllib.error
import urllib.request

import numpy as np
import pytest

import serving
import small_models

INPUT = np.arange(32, dtype=np.float32).reshape(2, 16) / 32
BODY = json.dumps(
    {"inputs": [{"name": "x", "shape": INPUT.shape, "datatype": "FP32", "data": INPUT.flatten().tolist()}]}
).encode()


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    """A store of eight models of a megabyte each, and what each answers."""
    folder = tmp_path_factory.mktemp("kill")
    paths = [small_models.perceptron(folder / f"p{seed}.onnx", seed=seed, width=8192) for seed in range(8)]
    serving.add(folder / "store", *paths)
    return folder / "store", {path.stem: small_models.answer(path, x=INPUT)["y"] for path in paths}


def infer(server, model):
    request = urllib.request.Request(f"{server.url}/v2/models/{model}/infer", BODY)
    with urllib.request.urlopen(request, timeout=30) as response:
        output = json.load(response)["outputs"][0]
    return np.array(output["data"], np.float32).reshape(output["shape"])


def check_all(server, expected):
    for name, values in expected.items():
        np.testing.assert_allclose(infer(server, name), values, rtol=1e-4, atol=1e-6)


def check_store(store):
    done = subprocess.run([serving.PROGRAM, "verify", "--store", store], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def load(server, names, answered, seed):
    """Asks for models in no order until the server is gone."""
    generator = random.Random(seed)
    try:
        while True:
            name = generator.choice(names)
            answered.append((name, infer(server, name)))
    except (OSError, ValueError, EOFError, urllib.error.URLError):
        pass
    except Exception as error:  # noqa: BLE001 - http.client's own for answers that end early
        if type(error).__module__ != "http.client":
            raise


@pytest.mark.parametrize("options", [(), ("--budget", "3MiB")], ids=["serving", "swapping"])
def test_under_load(stored, options):
    store, expected = stored
    for round_ in range(4):
        with serving.Server(store, *options) as server:
            answered = []
            clients = [
                threading.Thread(target=load, args=(server, list(expected), answered, 10 * round_ + number))
                for number in range(6)
            ]
            for client in clients:
                client.start()
            end = time.monotonic() + 30
            while len(answered) < 40 + 17 * round_:
                assert time.monotonic() < end, len(answered)
                time.sleep(0.001)
            server.stop(signal.SIGKILL)
            for client in clients:
                client.join(30)
                assert not client.is_alive()
        for name, values in answered:
            np.testing.assert_allclose(values, expected[name], rtol=1e-4, atol=1e-6)
    with serving.Server(store, *options) as server:
        check_all(server, expected)
    check_store(store)


def test_while_models_are_added(stored, tmp_path):
    store, expected = stored
    source = small_models.perceptron(tmp_path / "added.onnx", seed=99, width=65536)
    whole = time.monotonic()
    serving.add(tmp_path / "other", source)
    whole = time.monotonic() - whole
    with serving.Server(store) as server:
        for part in range(1, 9):
            adding = subprocess.Popen([serving.PROGRAM, "add", "--store", store, source], stdout=subprocess.DEVNULL)
            time.sleep(whole * part / 9)
            adding.kill()
            adding.wait()
            check_store(store)
            check_all(server, expected)
        serving.add(store, source)
        assert list((store / "staging").iterdir()) == []
        end = time.monotonic() + 30
        while True:
            try:
                answer = infer(server, "added")
                break
            except urllib.error.HTTPError:
                assert time.monotonic() < end
                time.sleep(0.02)
        np.testing.assert_allclose(answer, small_models.answer(source, x=INPUT)["y"], rtol=1e-4, atol=1e-6)
