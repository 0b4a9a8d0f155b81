"""Starts the server on ports that are free, and stops it."""

import os
import pathlib
import signal
import socket
import subprocess
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parents[3]
SERVER = pathlib.Path(os.environ.get("FUSEDINF_SERVER", ROOT / "Server" / ".build" / "release" / "fusedinf-server"))
PROGRAM = pathlib.Path(os.environ.get("FUSEDINF", ROOT / ".build" / "release" / "fusedinf"))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A running server. `http` and `grpc` are addresses as clients take them."""

    def __init__(self, store, *options, log=None, http_port=None):
        self.http_port, self.grpc_port = http_port or free_port(), free_port()
        self.http, self.grpc = f"127.0.0.1:{self.http_port}", f"127.0.0.1:{self.grpc_port}"
        self.url = f"http://{self.http}"
        arguments = ["--store", store, "--http-port", self.http_port, "--grpc-port", self.grpc_port, *options]
        self.log = open(log, "ab") if log else subprocess.DEVNULL
        self.process = subprocess.Popen([SERVER, *map(str, arguments)], stdout=self.log, stderr=self.log)
        self._wait()

    def _wait(self):
        end = time.monotonic() + 30
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise RuntimeError(f"the server ended with status {self.process.returncode}")
            try:
                with urllib.request.urlopen(self.url + "/v2/health/live", timeout=1):
                    with socket.create_connection(("127.0.0.1", self.grpc_port), timeout=1):
                        return
            except OSError:
                time.sleep(0.02)
        raise RuntimeError("the server did not come up in 30 s")

    def stop(self, sign=signal.SIGTERM, timeout=30):
        """Ends it, and returns its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(sign)
        return self.process.wait(timeout)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()


def add(store, *paths, **options):
    """Compiles models into a store."""
    extra = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    subprocess.run([PROGRAM, "add", "--store", store, *map(str, paths), *extra], check=True, stdout=subprocess.DEVNULL)
