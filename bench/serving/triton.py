"""Triton: the server's own binary out of the wheel of pytriton, with its Python backend."""

import asyncio
import collections
import json
import pathlib
import re
import shutil
import subprocess

from serving.charges import prepared_sessions
from serving.models import DATATYPES
from serving.server import PeerServer
from serving.wire import KServe

PROGRAMS = pathlib.Path(__file__).resolve().parent / "programs"
CONFIGURATION = """\
name: "{name}"
backend: "python"
max_batch_size: 0
input [ {inputs} ]
output [ {outputs} ]
instance_group [ {{ kind: KIND_CPU count: 1 }} ]
parameters {{ key: "configuration" value {{ string_value: "{configuration}" }} }}
parameters {{ key: "programs" value {{ string_value: "{programs}" }} }}
"""


def _tensors(items):
    def type_of(item):
        return "TYPE_" + DATATYPES[item["dtype"]]

    return ", ".join(
        f'{{ name: "{item["name"]}" data_type: {type_of(item)} dims: {item["shape"] or [1]} }}' for item in items)


class Triton(PeerServer):
    name = "triton"
    speaks_grpc = True
    note = "Triton, its Python backend with onnxruntime; the client loads and unloads by LRU, which counts"

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **options)
        self.wire = KServe(expires_in_parameters=True)

    @property
    def packages(self):
        return next((self.venv / "lib").glob("python*/site-packages"))

    def prepare(self):
        """Its repository, and its backend with the stub for this Python beside it."""
        prepared_sessions([model for model in self.models if model.name != "identity"])
        version = re.search(r"\d+\.\d+", self.packages.parent.name)[0]
        wheel = self.packages / "pytriton" / "tritonserver"
        backends = self.folder / "backends"
        shutil.rmtree(backends, ignore_errors=True)
        shutil.copytree(wheel / "backends", backends)
        shutil.copy2(wheel / "python_backend_stubs" / version / "triton_python_backend_stub", backends / "python")
        self.repository = self.folder / "repository"
        shutil.rmtree(self.repository, ignore_errors=True)
        configuration = self.configuration()
        for model in self.models:
            place = self.repository / model.name / "1"
            place.mkdir(parents=True)
            shutil.copy(PROGRAMS / "triton_model.py", place / "model.py")
            described = model.described()
            (place.parent / "config.pbtxt").write_text(CONFIGURATION.format(
                name=model.name, inputs=_tensors(described["inputs"]), outputs=_tensors(described["outputs"]),
                configuration=configuration, programs=PROGRAMS))

    def environment(self):
        # The stub asks the loader for the Python that the environment was made with.
        home = subprocess.run(
            [self.python, "-c", "import sysconfig; print(sysconfig.get_config_var('LIBDIR'))"], capture_output=True,
            text=True, check=True).stdout.strip()
        return {
            "LD_LIBRARY_PATH": f"{self.packages.parent.parent.parent}/lib:{self.packages / 'nvidia_pytriton.libs'}:{home}",
            "PYTHONPATH": str(self.packages), "PATH": f"{self.venv / 'bin'}:/usr/bin:/bin", "VIRTUAL_ENV": str(self.venv)}

    def command(self):
        return [
            self.packages / "pytriton" / "tritonserver" / "bin" / "tritonserver", "--model-repository", self.repository,
            "--model-control-mode", "explicit", "--backend-directory", self.folder / "backends", "--http-address", "127.0.0.1",
            "--http-port", self.port, "--grpc-address", "127.0.0.1", "--grpc-port", self.grpc_port, "--allow-metrics", "false",
            "--log-verbose", "0", "--disable-auto-complete-config", "--exit-timeout-secs", "3",
            "--strict-readiness", "false", "--backend-config", "python,shm-default-byte-size=4194304"]

    def client(self, http):
        return Loader(http, self.budget, self.charges)

    async def infer(self, client, model, expires):
        async with client.held(model.name):
            status, headers, body = await client.http.exchange(*self.wire.request(model, expires))
        # Triton has no status of its own for what the program refuses.
        if status != 200 and b"too late" in body[:200]:
            status = 504
        return status, headers, body


class Loader:
    """Loads models on demand and unloads the least recently used that nobody waits for, under the budget."""

    def __init__(self, http, budget, charges):
        self.http = http
        self.budget = budget
        self.charges = charges
        self.present = collections.OrderedDict()
        self.loading = {}
        self.bytes = 0
        self.changed = asyncio.Condition()

    def held(self, name):
        return _Held(self, name)

    async def take(self, name):
        """Returns when the model is loaded, and held."""
        charge = self.charges.get(name, 0)
        if charge > self.budget:
            raise MemoryError(f"'{name}' takes {charge} bytes of a budget of {self.budget}")
        while True:
            if name in self.present:
                self.present[name] += 1
                self.present.move_to_end(name)
                return
            if name not in self.loading:
                # One that gives up does not end the load: the next request for the model will want it.
                self.loading[name] = asyncio.create_task(self.load(name, charge))
            await asyncio.shield(self.loading[name])

    async def give(self, name):
        self.present[name] -= 1
        async with self.changed:
            self.changed.notify_all()

    async def load(self, name, charge):
        try:
            while self.bytes + charge > self.budget:
                victim = next((other for other, users in self.present.items() if users == 0), None)
                if victim is None:
                    async with self.changed:
                        await self.changed.wait()
                else:
                    del self.present[victim]
                    await self.unload(victim)
                    self.bytes -= self.charges.get(victim, 0)
            self.bytes += charge
            status, _, body = await self.http.call("POST", f"/v2/repository/models/{name}/load")
            if status != 200:
                self.bytes -= charge
                raise OSError(f"load: {bytes(body[:200]).decode(errors='replace')}")
            self.present[name] = 0
        finally:
            self.loading.pop(name, None)
            async with self.changed:
                self.changed.notify_all()

    async def unload(self, name):
        """Returns when it has left: Triton unloads in the background."""
        await self.http.call("POST", f"/v2/repository/models/{name}/unload")
        for _ in range(500):
            _, _, body = await self.http.call("POST", "/v2/repository/index")
            state = next((item for item in json.loads(bytes(body)) if item["name"] == name), {})
            if state.get("state") == "UNAVAILABLE" and "unloading" not in state.get("reason", ""):
                return
            await asyncio.sleep(0.01)


class _Held:
    def __init__(self, loader, name):
        self.loader = loader
        self.name = name

    async def __aenter__(self):
        await self.loader.take(self.name)

    async def __aexit__(self, *_):
        await self.loader.give(self.name)
