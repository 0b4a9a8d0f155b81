"""What all tests of the clients share: one store of small models and one server on it."""

import json
import re
import signal
import subprocess
import urllib.request

import pytest

import serving
import small_models


@pytest.fixture(autouse=True)
def time_limit():
    """A test that waits for what never comes fails, and the others run."""

    def give_up(*_):
        raise TimeoutError("the test has taken five minutes")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.alarm(300)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(scope="session")
def models(tmp_path_factory):
    """The small models' files, by name."""
    folder = tmp_path_factory.mktemp("onnx")
    return {
        "identity": small_models.identity(folder / "identity.onnx"),
        "add_sub": small_models.add_sub(folder / "add_sub.onnx"),
        "perceptron": small_models.perceptron(folder / "perceptron.onnx"),
    }


@pytest.fixture(scope="session")
def store(models, tmp_path_factory):
    folder = tmp_path_factory.mktemp("data") / "store"
    serving.add(folder, *models.values())
    return folder


@pytest.fixture(scope="session")
def server(store):
    with serving.Server(store) as running:
        yield running


@pytest.fixture(scope="session")
def knobs():
    """Every setting, by its option's name."""
    told = subprocess.run([serving.PROGRAM, "config", "--json"], check=True, capture_output=True).stdout
    return {knob["name"]: knob for knob in json.loads(told)["knobs"]}


@pytest.fixture(scope="session")
def series(store):
    """The values that each label of each metric has, once a model has been asked."""
    with serving.Server(store) as running:
        body = json.dumps({"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 16], "data": [0.5] * 16}]}).encode()
        # The first brings the weights in, the second finds them.
        for _ in range(2):
            urllib.request.urlopen(f"{running.url}/v2/models/perceptron/infer", body).close()
        with urllib.request.urlopen(running.url + "/metrics") as response:
            text = response.read().decode()
    found = {}
    for name, labels in re.findall(r"^([a-z_]+)(?:\{(.*)\})? ", text, flags=re.M):
        # Prometheus adds these.
        labels_of = found.setdefault(name, {"instance": set(), "job": set()})
        for label, value in re.findall(r'(\w+)="([^"]*)"', labels):
            labels_of.setdefault(label, set()).add(value)
    return found
