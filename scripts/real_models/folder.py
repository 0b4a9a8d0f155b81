"""The folder of a real model: .cache/real/NAME/{model.onnx, about.json, inputs/CASE/INPUT.npy, answers/CASE/OUTPUT.npy}."""

import json
import pathlib
import re
import shutil

import numpy as np

REAL = pathlib.Path(__file__).resolve().parents[2] / ".cache" / "real"


def file_name(name):
    """A tensor's name as a file name, as the command line writes it."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", name) + ".npy"


def begin(name):
    """An empty folder for a model."""
    shutil.rmtree(REAL / name, ignore_errors=True)
    (REAL / name).mkdir(parents=True)
    return REAL / name


def describe(name, **facts):
    """Writes about.json, which also says that the model is complete."""
    (REAL / name / "about.json").write_text(json.dumps(facts, indent=1) + "\n")


def about(name):
    return json.loads((REAL / name / "about.json").read_text())


def save_inputs(name, cases):
    """Writes the inputs of each case: dictionaries from an input's name to an array."""
    for index, case in enumerate(cases):
        for key, value in case.items():
            save(REAL / name / "inputs" / str(index), key, value)


def save(into, name, value):
    into.mkdir(parents=True, exist_ok=True)
    value = np.asarray(value, order="C")
    # The command line reads and writes texts of one width, not Python's objects.
    np.save(into / file_name(name), value.astype(str) if value.dtype.kind == "O" else value)


def inputs(name, session):
    """The inputs of each case, for an onnxruntime session of the model."""
    origin = about(name).get("origin", name)
    folders = sorted((REAL / origin / "inputs").iterdir())
    return [
        (folder.name, {
            item.name: (folder / file_name(item.name), np.load(folder / file_name(item.name), allow_pickle=True))
            for item in session.get_inputs() if (folder / file_name(item.name)).exists()
        }) for folder in folders]
