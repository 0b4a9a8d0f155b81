"""What all tests of the clients share: one store of small models and one server on it."""

import pytest

import serving
import small_models


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
