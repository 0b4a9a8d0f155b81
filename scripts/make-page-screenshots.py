#!/usr/bin/env python3
"""Makes docs/page-*.png: the web page of a server with the demo's models, idle and under load; wide, narrow and dark.

Usage: .venv-clients/bin/python scripts/make-page-screenshots.py [FOLDER]      docs when it is left out
Needs Chromium, what `make serve` needs, and .venv-clients (make venv-clients).
"""

import os
import pathlib
import random
import subprocess
import sys
import threading
import time

import numpy as np
import tritonclient.http as triton

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "Server" / "Tests" / "clients"))
import browser  # noqa: E402
import serving  # noqa: E402

TYPES = {"FP32": np.float32, "INT32": np.int32, "INT64": np.int64}
# What each takes, as `scripts/serve.sh` adds it.
SHAPES = {
    "x": {"text-direction": [1, 3, 48, 192], "text-detection": [1, 3, 480, 640], "text-recognition": [1, 3, 48, 320]},
    "input": {"voice-activity": [1, 576]}, "state": {"voice-activity": [2, 1, 128]}, "bytes": {"file-type": [1, 2048]},
    "images": {"person-detection": [1, 3, 320, 320]}, "input:0": {"nsfw-rating": [1, 224, 224, 3]},
}
# How often each is asked for.
WEIGHTS = {
    "file-type": 6, "voice-activity": 6, "text-direction": 4, "text-detection": 1, "text-recognition": 3,
    "person-detection": 3, "nsfw-rating": 2,
}


class Load:
    """Asks for models at random from several threads, with a pause now and then."""

    def __init__(self, address, threads=4):
        self.address, self.over = address, threading.Event()
        self.threads = [threading.Thread(target=self.work, args=(seed,)) for seed in range(threads)]

    def work(self, seed):
        client, chance = triton.InferenceServerClient(self.address, network_timeout=60), random.Random(seed)
        requests = {name: self.request(client, name) for name in WEIGHTS}
        while not self.over.is_set():
            name, = chance.choices(list(WEIGHTS), WEIGHTS.values())
            for _ in range(chance.randint(1, 4)):
                client.infer(name, requests[name])
            if chance.random() < 0.1:
                time.sleep(chance.random() * 0.2)

    @staticmethod
    def request(client, name):
        inputs = []
        for declared in client.get_model_metadata(name)["inputs"]:
            shape = SHAPES.get(declared["name"], {}).get(name) or list(map(int, declared["shape"]))
            tensor = triton.InferInput(declared["name"], shape, declared["datatype"])
            tensor.set_data_from_numpy(np.random.default_rng(1).random(shape).astype(TYPES[declared["datatype"]]))
            inputs.append(tensor)
        return inputs

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        for thread in self.threads:
            thread.join()


def start(budget):
    """The server of `make serve`, and its address."""
    http, grpc = serving.free_port(), serving.free_port()
    process = subprocess.Popen(
        [ROOT / "scripts" / "serve.sh"], cwd=ROOT, stdout=subprocess.DEVNULL,
        env={**os.environ, "BUDGET": budget, "HTTP_PORT": str(http), "GRPC_PORT": str(grpc),
             "FUSEDINF_SERVER": str(serving.SERVER)})
    client = triton.InferenceServerClient(f"127.0.0.1:{http}")
    while process.poll() is None:
        try:
            if client.is_server_ready():
                return process, f"127.0.0.1:{http}"
        except OSError:
            pass
        time.sleep(0.2)
    raise SystemExit("make-page-screenshots: the server did not start")


def take(window, name, folder, try_it):
    """A picture in each of the three forms."""
    for form, width, dark in [("wide", 1280, False), ("narrow", 360, False), ("dark", 1280, True)]:
        window.scheme(dark)
        window.resize(width, 800)
        if try_it:
            window.run("""(() => { const select = document.getElementById('try-model');
              select.value = 'file-type'; select.dispatchEvent(new Event('change')); })()""")
            window.wait("document.querySelector('#try-inputs legend')?.textContent.startsWith('bytes')")
            window.run("document.getElementById('try-form').requestSubmit()")
            window.wait("document.getElementById('try-result').childElementCount > 0")
        # The picture is of the page in its whole length, once that has settled.
        time.sleep(0.5)
        window.resize(width, int(window.run("document.documentElement.scrollHeight")))
        time.sleep(1)
        path = folder / f"page-{name}-{form}.png"
        window.screenshot(path)
        print(f"{path}: {path.stat().st_size // 1000} kB")


def main():
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / "docs")
    if browser.PROGRAM is None:
        raise SystemExit("make-page-screenshots: there is no Chromium here")
    process, address = start("60MB")
    try:
        with browser.Browser() as window:
            window.open(f"http://{address}/")
            with Load(address, threads=1):
                time.sleep(8)
            time.sleep(4)
            take(window, "idle", folder, try_it=False)
            with Load(address):
                # A shorter time shows more of each run.
                window.run("document.querySelector('[data-span=\"3\"]').click()")
                time.sleep(12)
                take(window, "load", folder, try_it=True)
            for problem in window.problems:
                print(f"make-page-screenshots: the page complains: {problem}", file=sys.stderr)
    finally:
        process.terminate()
        process.wait()


main()
