"""The contenders of one run: started, given models, checked, and asked in alternation."""

import hashlib
import json
import pathlib
import shutil
import sys
import tempfile
import time

import numpy as np

from places import BENCH, ROOT, WORK
from process import Contender, ContenderDied, ContenderError

OURS = "fusedinf"
PROGRAM = ROOT / ".build" / "release" / "fusedinf-bench"
# A contender's threads may spin for a while after its last run; the next one waits it out.
SETTLE_SECONDS = 0.06
# name: (program, settings)
PEERS = {
    "onnxruntime": ("onnxruntime_peer.py", {"form": "onnx"}),
    "onnxruntime-saved": ("onnxruntime_peer.py", {"form": "saved"}),
    "onnxruntime-mapped": ("onnxruntime_peer.py", {"form": "mapped"}),
    "onnxruntime-no-arena": ("onnxruntime_peer.py", {"form": "onnx", "arena": False}),
    "openvino": ("openvino_peer.py", {"cached": True}),
    "openvino-uncached": ("openvino_peer.py", {"cached": False}),
}


def say(text):
    print(text, flush=True)


def digest(path):
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


class Field:
    """Use as a context: contenders start when they are first asked, and all have ended afterwards."""

    def __init__(self, names, threads=2, budget=8 << 30, **options):
        """`options` are added to every contender's settings."""
        self.errors = []
        self.contenders = {
            name: self.make(name, {"threads": threads} | options, budget) for name in names}

    @staticmethod
    def make(name, settings, budget):
        if name == OURS:
            store = {"store": str(WORK / OURS / "store"), "budget": budget}
            # As the command-line program sets it for itself: lanes sleep passively.
            return Contender(name, [PROGRAM], settings | store, {"OMP_WAIT_POLICY": "passive"})
        program, own = PEERS[name]
        # Forms of one peer share what they have prepared.
        work = WORK / name.split("-")[0]
        return Contender(
            name, [sys.executable, BENCH / "contenders" / program], settings | own | {"work": str(work)})

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for contender in self.contenders.values():
            contender.end()

    def ask(self, name, command, **arguments):
        """A contender's answer; None when it has failed, which is noted."""
        try:
            return self.contenders[name].ask(command, **arguments)
        except ContenderError as error:
            subject = arguments.get("model") or [
                model["name"] if isinstance(model, dict) else model for model in arguments.get("models", [])]
            self.errors.append({
                "contender": name, "command": command, "subject": subject, "error": str(error)[:1000],
                "died": isinstance(error, ContenderDied)})
            say(f"  {name}: {command} {subject}: {str(error).splitlines()[0][:200]}")
            return None

    def open(self, entry):
        """Opens a model in every contender; the names of those that give the right answers."""
        return [name for name in self.contenders if self.open_in(name, entry)]

    def open_in(self, name, entry):
        if not self.prepare(name, entry):
            return False
        if self.ask(name, "open", models=[entry]) is None:
            return False
        problem = self.check(name, entry)
        if problem:
            self.errors.append({
                "contender": name, "command": "answers", "subject": entry["name"], "error": problem,
                "died": False})
            say(f"  {name}: {entry['name']}: wrong answer: {problem}")
            self.ask(name, "close", models=[entry["name"]])
        return not problem

    def close(self, entry):
        for name, contender in self.contenders.items():
            if contender.process is not None:
                self.ask(name, "close", models=[entry["name"]])

    def prepare(self, name, entry):
        """Lets a contender make its own files of a model, once for each version of both."""
        program = PROGRAM if name == OURS else ROOT / "scripts" / "requirements" / "bench.txt"
        key = digest(program) + digest(entry["onnx"]) + json.dumps(
            [item["shape"] for item in entry["inputs"]])
        stamp = WORK / "prepared" / name / entry["name"]
        if stamp.exists() and stamp.read_text() == key:
            return True
        if name == OURS:
            shutil.rmtree(WORK / OURS / "store" / "models" / entry["name"], ignore_errors=True)
        if self.ask(name, "prepare", models=[entry]) is None:
            return False
        stamp.parent.mkdir(parents=True, exist_ok=True)
        stamp.write_text(key)
        return True

    def check(self, name, entry):
        """Compares a contender's answers with the references; what is wrong with them."""
        with tempfile.TemporaryDirectory() as folder:
            if self.ask(name, "answers", model=entry["name"], folder=folder) is None:
                return "no answer"
            for item in entry["outputs"]:
                file = pathlib.Path(folder) / (item["name"].replace("/", "_") + ".npy")
                got = np.load(file).astype(np.float64)
                reference = np.load(item["file"]).astype(np.float64)
                if got.shape != reference.shape:
                    return f"output {item['name']} has shape {got.shape}, not {reference.shape}"
                bound = 1e-4 * np.abs(reference).max() + 1e-3 * np.abs(reference)
                # A comparison with what is not a number is false.
                if not (np.abs(got - reference) <= bound).all():
                    return f"output {item['name']} is beyond the tolerance"
        return None

    def rounds(self, count, names, command, **arguments):
        """Asks contenders in turn, `count` times over: {name: samples}. One that fails is left out from then on."""
        samples = {name: [] for name in names}
        for _ in range(count):
            for name in list(samples):
                time.sleep(SETTLE_SECONDS)
                answer = self.ask(name, command, **arguments)
                if answer is None:
                    del samples[name]
                else:
                    samples[name].append(answer)
        return samples
