"""The servers that are measured."""

import pathlib
import subprocess

from field import digest
from places import ROOT
from serving.charges import prepared_sessions
from serving.models import FOLDER
from serving.server import Failed, PeerServer, Server
from serving.triton import Triton
from serving.wire import KServe, Plain

PROGRAMS = pathlib.Path(__file__).resolve().parent / "programs"
OURS = "fusedinf"


class FusedInf(Server):
    name = OURS
    note = "KServe v2 over HTTP, binary tensors"
    speaks_grpc = True
    program = ROOT / ".build" / "release" / "fusedinf"
    binary = ROOT / "Server" / ".build" / "release" / "fusedinf-server"
    # What an ablation adds to the command line.
    options = ()

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.wire = KServe()
        self.store = FOLDER / OURS / "store"

    def prepare(self):
        """Compiles the models for the shapes that they are run with, once for each build of the program."""
        program = digest(self.program)
        for model in self.models:
            stamp = FOLDER / OURS / "prepared" / model.name
            key = f"{program} {model.onnx} {pathlib.Path(model.onnx).stat().st_mtime_ns}"
            if stamp.exists() and stamp.read_text() == key:
                continue
            shapes = [
                f"{item['name']}={'x'.join(map(str, item['shape']))}" for item in model.described()["inputs"] if item["shape"]]
            add = [self.program, "add", model.onnx, "--name", model.name, "--store", self.store]
            declared = [word for shape in shapes for word in ("--shape", shape)]
            if subprocess.run([*add, *declared], capture_output=True).returncode:
                done = subprocess.run(add, capture_output=True, text=True)
                if done.returncode:
                    raise Failed(f"{model.name} was not compiled: {done.stderr[-300:]}")
            stamp.parent.mkdir(parents=True, exist_ok=True)
            stamp.write_text(key)

    def command(self):
        return [
            self.binary, "--store", self.store, "--budget", self.budget, "--http-port", self.port, "--grpc-port",
            self.grpc_port, *self.options]


class OneModelAtATime(FusedInf):
    name = "fusedinf one model a program"
    note = "the same, programs of one model"
    options = ("--one-model-at-a-time",)


class NoBatching(FusedInf):
    name = "fusedinf without batching"
    note = "the same, one request at a time in a model"
    options = ("--max-batch", "1")


class Ray(PeerServer):
    name = "ray"
    note = "Ray Serve, `@serve.multiplexed`, onnxruntime"
    ready_path = "/-/healthz"

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.wire = Plain("/", "serve_multiplexed_model_id")

    def prepare(self):
        prepared_sessions(self.models)

    def environment(self):
        # Its watch on memory ends replicas before the control group's limit is reached.
        return {"RAY_memory_monitor_refresh_ms": "0", "RAY_USAGE_STATS_ENABLED": "0", "RAY_DEDUP_LOGS": "0"}

    def command(self):
        return [self.python, PROGRAMS / "ray_app.py", self.configuration()]


class LitServe(PeerServer):
    name = "litserve"
    note = "LitServe, sessions of onnxruntime by LRU under the budget"
    ready_path = "/health"

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.wire = Plain("/predict", "Model")

    def prepare(self):
        prepared_sessions(self.models)

    def command(self):
        return [self.python, PROGRAMS / "litserve_app.py", self.configuration()]


KINDS = {kind.name: kind for kind in (FusedInf, OneModelAtATime, NoBatching, Triton, Ray, LitServe)}
PEERS = [Triton.name, Ray.name, LitServe.name]
ABLATIONS = [OneModelAtATime.name, NoBatching.name]


def is_there(name):
    """Whether what it needs is installed."""
    kind = KINDS[name]
    return kind.binary.exists() if issubclass(kind, FusedInf) else (ROOT / f".venv-{name}" / "made-from.txt").exists()
