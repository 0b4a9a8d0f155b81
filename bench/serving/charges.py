"""What peers need to know before: models in the form that onnxruntime maps, and what each session takes."""

import asyncio
import hashlib
import json
import pathlib
import sys

import numpy as np
import onnxruntime

from places import BENCH
from process import Contender
from serving.client import HTTPClient
from serving.models import FOLDER

WORK = FOLDER / "onnxruntime"


def _key(models):
    files = [[model.name, model.onnx, pathlib.Path(model.onnx).stat().st_mtime_ns] for model in models]
    return hashlib.sha256(json.dumps([onnxruntime.__version__, files]).encode()).hexdigest()


def _program():
    return Contender(
        "onnxruntime-mapped", [sys.executable, BENCH / "contenders" / "onnxruntime_peer.py"],
        {"threads": 2, "form": "mapped", "work": str(WORK)})


def entries(models):
    """Entries as the contender's protocol has them; inputs are written where there is no file of them."""
    result = []
    for model in models:
        inputs = []
        for index, (name, value) in enumerate(model.inputs.items()):
            file = WORK / "inputs" / f"{model.name}-{index}.npy"
            file.parent.mkdir(parents=True, exist_ok=True)
            np.save(file, value)
            inputs.append({"name": name, "file": str(file), "shape": list(value.shape)})
        result.append({
            "name": model.name, "onnx": model.onnx, "inputs": inputs, "outputs": [{"name": name} for name in model.outputs]})
    return result


def prepared_sessions(models):
    """Makes the optimised models with their weights in files beside them, once."""
    stamp = WORK / f"prepared-{_key(models)}"
    if stamp.exists():
        return
    WORK.mkdir(parents=True, exist_ok=True)
    with _program() as program:
        program.ask("prepare", models=entries(models))
    stamp.touch()


def session_charges(models):
    """{name: bytes} by which a process grows when it makes that session and runs it."""
    prepared_sessions(models)
    file = WORK / f"charges-{_key(models)}.json"
    if not file.exists():
        with _program() as program:
            file.write_text(json.dumps(program.ask("charges", models=entries(models))["bytes"]))
    return json.loads(file.read_text())


def triton_charges(models, session):
    """The same in Triton, where each model's session has a process of Python around it."""
    from serving.kinds import Triton

    file = WORK / f"triton-{_key(models)}.json"
    if not file.exists():
        server = Triton(models, 1 << 50, charges=session)
        server.prepare()
        with server:
            file.write_text(json.dumps(asyncio.run(_growth(server, models))))
    return json.loads(file.read_text())


async def _growth(server, models):
    """{name: bytes} by which the server grows for each model when it is alone there. Tenants are alike."""
    result = {}
    async with HTTPClient(server.port) as http:
        loader = server.client(http)
        for model in models:
            alike = "tenant" if model.name.startswith("tenant") else model.name
            if alike not in result:
                before = server.proportional_set_size()
                await loader.load(model.name, 0)
                await http.exchange(*server.wire.request(model))
                result[alike] = max(server.proportional_set_size() - before, 0)
                await loader.unload(model.name)
            result[model.name] = result[alike]
    return result
