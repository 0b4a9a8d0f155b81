"""A server's processes: started, waited for, looked at, and ended to the last one."""

import os
import pathlib
import signal
import socket
import subprocess
import time
import uuid

from places import ROOT
from serving.models import FOLDER, write

MARK = "FUSEDINF_BENCH_SERVER"


class Failed(Exception):
    """A server that could not be started or gave a wrong answer."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A kind of server says how it is started and how it is asked; the rest is alike.

    Use as a context after `prepare`: it answers when it is entered, and none of its processes is there afterwards.
    """

    name = "?"
    # What the tables say of it.
    note = ""
    start_seconds = 120
    speaks_grpc = False

    def __init__(self, models, budget, workers=1, threads=2, group=None):
        """`budget`: bytes for models. `workers`: how many models compute at once; they share the threads."""
        self.models = models
        self.budget = budget
        self.workers = workers
        self.threads = max(threads // workers, 1)
        self.group = group
        self.port, self.grpc_port = free_port(), free_port()
        self.mark = uuid.uuid4().hex
        self.folder = FOLDER / self.name.split()[0]
        self.process = None

    # What a kind of server tells.

    def prepare(self):
        """Makes what it takes from disk; called before it is entered, and before the page cache is emptied."""

    def command(self):
        raise NotImplementedError

    def environment(self):
        return {}

    def client(self, http):
        """What the open loop asks through; `http` is an HTTPClient of this server."""
        return http

    async def infer(self, client, model, expires):
        """(status, headers, body)."""
        return await client.exchange(*self.wire.request(model, expires))

    # What is alike.

    def __enter__(self):
        logs = FOLDER / "logs"
        logs.mkdir(parents=True, exist_ok=True)
        self.log = logs / f"{self.name.replace(' ', '-')}.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [str(part) for part in self.command()], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=ROOT,
                env=os.environ | self.environment() | {MARK: self.mark}, start_new_session=True,
                preexec_fn=self.inside)
        try:
            self.wait()
        except BaseException:
            self.end()
            raise
        return self

    def __exit__(self, *_):
        self.end()

    def inside(self):
        """In the new process, before the program begins: a priority of the client is not the server's."""
        os.setpriority(os.PRIO_PROCESS, 0, 0)
        if self.group:
            self.group.join()

    ready_path = "/v2/health/ready"

    def wait(self):
        end = time.monotonic() + self.start_seconds
        request = f"GET {self.ready_path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise Failed(f"{self.name} ended with status {self.process.returncode}: {self.last_words()}")
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
                    connection.settimeout(5)
                    connection.sendall(request)
                    if b" 200 " in connection.recv(4096).split(b"\r\n")[0]:
                        return
            except OSError:
                pass
            time.sleep(0.05)
        raise Failed(f"{self.name} did not come up in {self.start_seconds} s: {self.last_words()}")

    def last_words(self):
        return " ".join(self.log.read_text(errors="replace").split())[-400:]

    def processes(self):
        """The ids of all processes that stem from this server, orphans too."""
        result = []
        for folder in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if self.mark.encode() in (folder / "environ").read_bytes():
                    result.append(int(folder.name))
            except OSError:
                pass
        return result

    def end(self):
        """First by asking its first process, then all of them, then by force."""
        steps = [(signal.SIGTERM, 10, True), (signal.SIGTERM, 5, False), (signal.SIGKILL, 10, False)]
        for sign, seconds, is_for_first in steps:
            everyone = self.processes()
            for pid in [self.process.pid] if is_for_first and self.process.pid in everyone else everyone:
                try:
                    os.kill(pid, sign)
                except ProcessLookupError:
                    pass
            end = time.monotonic() + seconds
            while time.monotonic() < end and (self.process.poll() is None or self.processes()):
                time.sleep(0.05)
            if self.process.poll() is not None and not self.processes():
                return
        raise Failed(f"{self.name}: processes {self.processes()} do not end")

    def proportional_set_size(self):
        """Bytes of all its processes."""
        total = 0
        for pid in self.processes():
            try:
                for line in pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
                    if line.startswith("Pss:"):
                        total += int(line.split()[1]) * 1024
            except OSError:
                pass
        return total

    def disk_bytes(self):
        """What its processes, and those that they have waited for, have had read from the disk."""
        total = 0
        for pid in self.processes():
            try:
                lines = pathlib.Path(f"/proc/{pid}/io").read_text().splitlines()
            except OSError:
                continue
            total += next(int(line.split()[1]) for line in lines if line.startswith("read_bytes:"))
        return total


class PeerServer(Server):
    """A server of Python on onnxruntime: it is given models in their optimised form, whose weights onnxruntime maps."""

    # Which way of using the threads served more under the limit; the quick run measures that alone.
    better_mode = "side by side"

    def __init__(self, models, budget, charges=None, **options):
        """`charges`: bytes that each model's session takes, {name: bytes}."""
        super().__init__(models, budget, **options)
        self.charges = charges or {}

    @property
    def venv(self):
        return ROOT / f".venv-{self.name.split()[0]}"

    @property
    def python(self):
        return self.venv / "bin" / "python"

    def configuration(self):
        """The file that its program reads."""
        mapped = FOLDER / "onnxruntime"
        return write(
            self.models, self.folder / f"{self.mark}.json", mapped=str(mapped), charges=self.charges, budget=self.budget,
            workers=self.workers, threads=self.threads, port=self.port)

    def end(self):
        super().end()
        (self.folder / f"{self.mark}.json").unlink(missing_ok=True)
