#!/usr/bin/env python3
"""Runs the server for half an hour under everything at once, and compares its memory with the sum that docs/serving.md states.

Usage: soak.py [--seconds N] [--output FILE]    N: 1800, or SOAK_SECONDS

Clients ask over HTTP and gRPC in 10,000 shapes, load and unload models 1,000 times, and send damaged models and malformed
requests (in proportion for other lengths). Each second the script samples the process's resident memory and its descriptors. It
fails if an answer is wrong, if a valid request is not served, if memory or descriptors grow over the second half, or if memory
ever exceeds the sum of fusedinf_memory_limit_bytes, with the whole budget or with the part of it that is in use. It writes samples and verdict to FILE, bench/results/soak.json if none is
given.
"""

import argparse
import base64
import collections
import http.client
import json
import os
import pathlib
import platform
import random
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "Server" / "Tests" / "clients"))

import numpy as np
import onnx
import tritonclient.grpc
from onnx import TensorProto, helper, numpy_helper
from tritonclient.utils import InferenceServerException

import serving

SHAPES, LOADS, FULL_SECONDS = 10_000, 1_000, 1800
OPTIONS = [
    "--budget", "96MiB", "--plan-cache", "24MiB", "--model-cache", "8MiB", "--max-body", "8MiB", "--max-body-in-flight",
    "32MiB", "--max-queue-bytes", "16MiB", "--max-connections", "128", "--idle-timeout", "10s", "--header-timeout", "2s",
    "--body-timeout", "2s", "--repository-poll", "1s", "--uploads"]
# Between the medians of the third and the last quarter: noise of the heap, and a connection that comes or goes.
GROWTH_BYTES, GROWTH_DESCRIPTORS = 4 << 20, 3
# What may be answered to a request that is in order: the server is busy, or the model is being unloaded at this moment.
BUSY = {429, 503}


def save(path, nodes, inputs, outputs, constants=()):
    graph = helper.make_graph(nodes, path.stem, inputs, outputs, list(constants))
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return path


def picture(path, channels):
    """A convolution of the mean of 3×3 pixels, and the sums of its channels, of pictures of any size."""
    weight = np.full((channels, 3, 3, 3), 1 / 27, np.float32)
    return save(
        path,
        [helper.make_node("Conv", ["x", "w"], ["c"], pads=[1, 1, 1, 1]), helper.make_node("Relu", ["c"], ["r"]),
            helper.make_node("ReduceSum", ["r", "axes"], ["y"], keepdims=0)],
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, (1, 3, "height", "width"))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)],
        [numpy_helper.from_array(weight, "w"), numpy_helper.from_array(np.array([2, 3]), "axes")])


def rows(path, seed):
    """A product with 256 KiB of weights of its own, of any number of rows."""
    weight = np.random.default_rng(seed).standard_normal((64, 1024)).astype(np.float32)
    save(
        path, [helper.make_node("MatMul", ["x", "w"], ["y"])],
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ("rows", 64))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ("rows", 1024))], [numpy_helper.from_array(weight, "w")])
    return weight


def found(path):
    """The positions of what is not zero: the rest is planned when they are known."""
    return save(
        path, [helper.make_node("NonZero", ["x"], ["at"]), helper.make_node("Cast", ["at"], ["y"], to=TensorProto.FLOAT)],
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ("n",))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)])


def long(path, nodes):
    """A chain of so many nodes: its graph takes much memory, its weights none."""
    return save(
        path,
        [helper.make_node("Neg", ["x" if i == 0 else f"v{i - 1}"], [f"v{i}" if i < nodes - 1 else "y"]) for i in range(nodes)],
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ("n",))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)])


class Soak:
    """The server's clients, and what they saw."""

    def __init__(self, server, folder, seconds):
        self.server, self.folder = server, folder
        self.end = time.monotonic() + seconds
        self.share = seconds / FULL_SECONDS
        self.counts = collections.Counter()
        self.problems = []
        self.lock = threading.Lock()

    @property
    def is_over(self):
        return time.monotonic() >= self.end or self.server.process.poll() is not None

    def note(self, what, problem=None):
        with self.lock:
            self.counts[what] += 1
            if problem and len(self.problems) < 50:
                self.problems.append(f"{what}: {problem}")

    def post(self, connection, path, body, headers=()):
        connection.request("POST", path, body, dict(headers))
        answer = connection.getresponse()
        return answer.status, answer.read(), dict(answer.getheaders())

    def connect(self):
        return http.client.HTTPConnection("127.0.0.1", self.server.http_port, timeout=60)

    def infer(self, connection, model, x, what):
        """The output as an array; None when the server is busy."""
        header = json.dumps({
            "inputs": [{"name": "x", "datatype": "FP32", "shape": x.shape, "parameters": {"binary_data_size": x.nbytes}}],
            "outputs": [{"name": "y", "parameters": {"binary_data": True}}]}).encode()
        status, body, headers = self.post(
            connection, f"/v2/models/{model}/infer", header + x.tobytes(),
            {"Inference-Header-Content-Length": str(len(header))})
        if status in BUSY:
            return self.note(f"{what}: busy")
        if status != 200:
            return self.note(what, f"{model} {x.shape}: {status} {body[:200]!r}")
        length = int(next(value for name, value in headers.items() if name.lower() == "inference-header-content-length"))
        told = json.loads(body[:length])["outputs"][0]
        self.note(what)
        return np.frombuffer(body[length:], np.float32).reshape(told["shape"])

    def check(self, what, got, expected):
        if got is not None and (got.shape != expected.shape or not np.allclose(got, expected, rtol=1e-3, atol=1e-3)):
            self.note(what, f"the answer of shape {got.shape} is wrong")

    # The clients.

    def shapes(self, part):
        """Every other of the shapes: pictures of all sizes from 4×4 to 103×103, and positions of what is not zero."""
        connection = self.connect()
        number, wanted = part, max(int(SHAPES * self.share), 1)
        while not self.is_over:
            height, width = 4 + number // 100 % 100, 4 + number % 100
            self.infer(connection, "picture", np.zeros((1, 3, height, width), np.float32), "shapes")
            if number % 10 == 0:
                x = np.zeros(16 + number % 500, np.float32)
                x[:1 + number % 13] = 1
                self.check("nonzero", self.infer(connection, "found", x, "nonzero"),
                    np.nonzero(x)[0].astype(np.float32).reshape(1, -1))
            number += 2
            # Evenly over the time, so that the second half is like the first.
            self.pace(number / wanted)

    def pace(self, done):
        """Waits until so much of the time is over, a second at the most."""
        ahead = self.end - self.share * FULL_SECONDS * (1 - min(done, 1)) - time.monotonic()
        if done < 1 and ahead > 0:
            time.sleep(min(ahead, 1))

    def loads(self):
        """Load, ask, unload."""
        connection = self.connect()
        number, wanted = 0, max(int(LOADS * self.share), 1)
        names = list(self.weights)
        while not self.is_over:
            name = names[number % len(names)]
            status, body, _ = self.post(connection, f"/v2/repository/models/{name}/load", b"{}")
            if status != 200:
                self.note("loads", f"load of {name}: {status} {body[:200]!r}")
            x = np.ones((1 + number % 7, 64), np.float32)
            self.check("loads", self.infer(connection, name, x, "infers of loaded"), x @ self.weights[name])
            status, body, _ = self.post(connection, f"/v2/repository/models/{name}/unload", b"{}")
            self.note("loads", None if status == 200 else f"unload of {name}: {status} {body[:200]!r}")
            number += 1
            self.pace(number / wanted)

    def grpc(self):
        client = tritonclient.grpc.InferenceServerClient(self.server.grpc)
        number = 0
        while not self.is_over:
            x = np.ones((1 + number % 300, 64), np.float32)
            tensor = tritonclient.grpc.InferInput("x", x.shape, "FP32")
            tensor.set_data_from_numpy(x)
            try:
                got = client.infer("steady", [tensor], client_timeout=60).as_numpy("y")
                self.note("grpc")
                self.check("grpc", got, x @ self.steady)
            except InferenceServerException as error:
                busy = error.status() in ("StatusCode.UNAVAILABLE", "StatusCode.RESOURCE_EXHAUSTED")
                self.note("grpc: busy" if busy else "grpc", None if busy else str(error))
            number += 1
            time.sleep(0.02)

    def longs(self):
        """Graphs that do not fit the model cache together."""
        connection = self.connect()
        number = 0
        while not self.is_over:
            x = np.full(1 + number % 5, 2, np.float32)
            self.check("long graphs", self.infer(connection, f"long{number % 4}", x, "long graphs"), x)
            number += 1
            time.sleep(1)

    def damage(self):
        """Damaged models, dropped into the watched folder and sent with loads."""
        connection = self.connect()
        whole = (self.folder / "models" / "steady.onnx").read_bytes()
        random_ = random.Random(1)
        number = 0
        while not self.is_over:
            content = bytearray(whole[:random_.randrange(1, len(whole))] if number % 2 else whole)
            for _ in range(64):
                content[random_.randrange(min(len(content), 400))] = random_.randrange(256)
            if number % 4 < 2:
                (self.folder / "watched" / f"damaged{number % 8}.onnx").write_bytes(content)
                self.note("damaged files")
            else:
                body = json.dumps({"parameters": {"file:1/model.onnx": base64.b64encode(content).decode()}})
                status, body, _ = self.post(connection, f"/v2/repository/models/sent{number % 8}/load", body)
                expected = status in (200, 400, 503)
                self.note("damaged uploads", None if expected else f"{status} {body[:200]!r}")
            number += 1
            time.sleep(2)

    def malformed(self):
        """Requests that are not in order, and connections that are left alone."""
        random_ = random.Random(2)
        left = collections.deque(maxlen=16)
        while not self.is_over:
            kind = random_.randrange(6)
            try:
                if kind < 4:
                    plain = socket.create_connection(("127.0.0.1", self.server.http_port), timeout=5)
                    text = [
                        b"GET / HTTP/9.9\r\n\r\n", b"POST /v2/models/steady/infer HTTP/1.1\r\nHost: localhost\r\n"
                        b"Content-Length: 1000000\r\n\r\n{", os.urandom(300),
                        b"POST /v2/models/steady/infer HTTP/1.1\r\nHost: localhost\r\nContent-Length: 11\r\n\r\n{\"inputs\":[}",
                    ][kind]
                    plain.sendall(text)
                    left.append(plain)
                elif kind == 4:
                    connection = self.connect()
                    status, body, _ = self.post(connection, "/v2/models/steady/infer", json.dumps({
                        "inputs": [{"name": "x", "datatype": "FP32", "shape": [1 << 40, 64], "data": []}]}))
                    if status not in (400, 413):
                        self.note("malformed", f"an impossible shape: {status} {body[:200]!r}")
                    connection.close()
                else:
                    plain = socket.create_connection(("127.0.0.1", self.server.grpc_port), timeout=5)
                    plain.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + os.urandom(200))
                    left.append(plain)
            except OSError:
                pass
            self.note("malformed")
            if len(left) == left.maxlen:
                left.popleft().close()
            time.sleep(0.1)

    def run(self):
        """Runs all clients to the end of the time."""
        clients = [lambda: self.shapes(0), lambda: self.shapes(1), self.loads, self.grpc, self.longs, self.damage,
            self.malformed]
        threads = [threading.Thread(target=self.guarded, args=(client,), daemon=True) for client in clients]
        for thread in threads:
            thread.start()
        samples = []
        began = time.monotonic()
        while not self.is_over:
            try:
                before = resident(self.server)
                taken = sample(self.server.process.pid, time.monotonic() - began)
                samples.append(taken | {"beside": taken["rss"] - max(before, resident(self.server))})
            except OSError as error:
                self.note("broken connections", None if self.is_over else f"metrics: {error!r}")
            time.sleep(1)
        for thread in threads:
            thread.join(60)
        return samples

    def guarded(self, client):
        """Starts a client again whose connection ended."""
        while not self.is_over:
            try:
                client()
            except (OSError, http.client.HTTPException) as error:
                self.note("broken connections", None if self.is_over else repr(error))
                time.sleep(0.5)


def sample(pid, second):
    """Seconds, bytes of resident memory, of its proportional share and of its anonymous part, and descriptors."""
    folder = pathlib.Path(f"/proc/{pid}")
    text = (folder / "smaps_rollup").read_text()
    rss, pss, anonymous = (
        int(re.search(rf"^{name}:\s*(\d+)", text, re.M)[1]) * 1024 for name in ("Rss", "Pss", "Anonymous"))
    return {"second": round(second, 1), "rss": rss, "pss": pss, "anonymous": anonymous,
        "descriptors": len(os.listdir(folder / "fd"))}


def resident(server):
    """Bytes of the budget that are in use."""
    with urllib.request.urlopen(server.url + "/metrics", timeout=60) as answer:
        return int(float(re.search(r"^fusedinf_resident_bytes (\S+)", answer.read().decode(), re.M)[1]))


def limits(server):
    """{part: bytes}: the sum of docs/serving.md, part by part, as the server's metrics state it."""
    with urllib.request.urlopen(server.url + "/metrics") as answer:
        text = answer.read().decode()
    return {part: int(float(value)) for part, value in re.findall(
        r'^fusedinf_memory_limit_bytes\{part="(\w+)"\} (\S+)', text, re.M)}


def quarters(samples, name):
    """The medians of the third and of the last quarter."""
    count = len(samples)
    return tuple(int(statistics.median(sample[name] for sample in part))
        for part in (samples[count // 2:count * 3 // 4], samples[count * 3 // 4:]))


def verdict(samples, parts, counts, share):
    """What is not as promised, of the figures alone."""
    problems = []
    if len(samples) < 20:
        return ["the server ended, or the time is too short to judge"]
    most = sum(parts.values())
    for name, limit in (("rss", most), ("beside", most - parts["budget"])):
        peak = max(samples, key=lambda sample: sample[name])
        if peak[name] > limit:
            problems.append(f"{name}: {peak[name]} bytes at second {peak['second']}, more than the sum of {limit}")
    # Arenas and weights come and go within the budget.
    for name, allowed in (("beside", GROWTH_BYTES), ("descriptors", GROWTH_DESCRIPTORS)):
        before, after = quarters(samples, name)
        if after - before > allowed:
            problems.append(f"{name} grew from {before} to {after} over the second half")
    for what, wanted in (("shapes", SHAPES), ("loads", LOADS)):
        if counts[what] < 0.95 * wanted * min(share, 1):
            problems.append(f"only {counts[what]} {what} of {wanted * min(share, 1):.0f}")
    return problems


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=float(os.environ.get("SOAK_SECONDS", FULL_SECONDS)))
    parser.add_argument("--output", type=pathlib.Path, default=ROOT / "bench" / "results" / "soak.json")
    options = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="fusedinf-soak-"))
    try:
        (folder / "models").mkdir()
        (folder / "watched").mkdir()
        paths = [picture(folder / "models" / "picture.onnx", 16), found(folder / "models" / "found.onnx")]
        # Even numbers, so that the answer is the input.
        paths += [long(folder / "models" / f"long{i}.onnx", 2500 + 2 * i) for i in range(4)]
        weights = {f"turn{i}": rows(folder / "models" / f"turn{i}.onnx", i) for i in range(4)}
        steady = rows(folder / "models" / "steady.onnx", 99)
        paths += [folder / "models" / f"{name}.onnx" for name in [*weights, "steady"]]
        serving.add(folder / "store", *paths)
        with serving.Server(folder / "store", *OPTIONS, "--repository", folder / "watched", log=folder / "log") as server:
            parts = limits(server)
            most = sum(parts.values())
            idle = sample(server.process.pid, 0)
            print(f"soak: {options.seconds:.0f} s; idle {idle['rss'] >> 20} MiB; the sum is {most >> 20} MiB: "
                + ", ".join(f"{name} {size >> 20}" for name, size in sorted(parts.items())), flush=True)
            soak = Soak(server, folder, options.seconds)
            soak.weights, soak.steady = weights, steady
            samples = soak.run()
            problems = soak.problems + verdict(samples, parts, soak.counts, soak.share)
            if server.process.poll() is not None:
                problems.append(f"the server ended with status {server.process.returncode}: "
                    + (folder / "log").read_text(errors="replace")[-2000:])
            else:
                known = limits(server)
                if known != parts:
                    problems.append("the limits changed")
                if server.stop() != 0:
                    problems.append("the server did not end in order")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    commit = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"], capture_output=True, text=True)
    result = {
        "commit": commit.stdout.strip(), "seconds": options.seconds, "machine": f"{os.cpu_count()} x {platform.processor() or platform.machine()}",
        "limits": parts, "sum": most, "idle": idle, "peak": {name: max((s[name] for s in samples), default=0) for name in ("rss", "beside", "anonymous", "descriptors")},
        "quarters": {name: quarters(samples, name) for name in ("rss", "beside", "anonymous", "descriptors")} if len(samples) > 8 else {},
        "counts": dict(soak.counts), "problems": problems,
        # One in ten seconds draws the curve.
        "samples": samples[::10]}
    options.output.parent.mkdir(parents=True, exist_ok=True)
    options.output.write_text(json.dumps(result, indent=1) + "\n")
    print("soak: " + ", ".join(f"{count} {what}" for what, count in sorted(soak.counts.items())))
    print(f"soak: peak {result['peak']['rss'] >> 20} MiB of {most >> 20}, {result['peak']['beside'] >> 20} of {most - parts['budget'] >> 20} beside the budget; medians of the third and the last quarter: {result['quarters']}")
    for problem in problems:
        print(f"soak: FAILED: {problem}")
    print(f"soak: {'failed' if problems else 'all is as promised'}; {options.output}")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
