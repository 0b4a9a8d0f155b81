"""The contenders of one run: started, given models, checked, and asked in alternation."""

import dataclasses
import hashlib
import json
import pathlib
import shutil
import tempfile
import time

import numpy as np

import catalogue
from places import BENCH, ROOT, WORK
from process import Contender, ContenderDied, ContenderError

OURS = "fusedinf"
PROGRAM = ROOT / ".build" / "release" / "fusedinf-bench"
# A contender's threads may spin for a while after its last run, and what it gave back is cleared; the next one waits it out.
SETTLE_SECONDS = 0.15


@dataclasses.dataclass
class Peer:
    """How a peer is started, and which models it takes."""

    program: str
    settings: dict
    venv: str = ".venv-bench"
    models: frozenset | None = None

    @property
    def python(self):
        return ROOT / self.venv / "bin" / "python"


def pytorch(**settings):
    models = frozenset(catalogue.CLASSIFIERS + catalogue.TENANTS + catalogue.HEADS)
    return Peer("torch_peer.py", settings, ".venv-torch", models)


PEERS = {
    "onnxruntime": Peer("onnxruntime_peer.py", {"form": "onnx"}),
    "onnxruntime-saved": Peer("onnxruntime_peer.py", {"form": "saved"}),
    "onnxruntime-mapped": Peer("onnxruntime_peer.py", {"form": "mapped"}),
    "onnxruntime-no-arena": Peer("onnxruntime_peer.py", {"form": "onnx", "arena": False}),
    "openvino": Peer("openvino_peer.py", {"cached": True}),
    "openvino-uncached": Peer("openvino_peer.py", {"cached": False}),
    "pytorch": pytorch(folds=True),
    "pytorch-plain": pytorch(folds=False),
    "pytorch-compiled": pytorch(folds=True, compiled=True),
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
        # PyTorch may not be there: it does not install everywhere.
        there = [name for name in names if name == OURS or PEERS[name].python.exists()]
        self.contenders = {
            name: self.make(name, {"threads": threads} | options, budget) for name in there}

    @staticmethod
    def make(name, settings, budget):
        if name == OURS:
            store = {"store": str(WORK / OURS / "store"), "budget": budget}
            return Contender(name, [PROGRAM], settings | store)
        peer = PEERS[name]
        # Forms of one peer share what they have prepared.
        work = WORK / name.split("-")[0]
        return Contender(
            name, [peer.python, BENCH / "contenders" / peer.program],
            settings | peer.settings | {"work": str(work)})

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
            models = arguments.get("models", [arguments["model"]] if "model" in arguments else [])
            subject = [model["name"] if isinstance(model, dict) else model for model in models]
            self.note(name, command, subject, str(error), isinstance(error, ContenderDied))
            return None

    def note(self, name, command, subject, error, died=False):
        """Keeps what went wrong for the report."""
        subject = ", ".join(subject)
        self.errors.append({
            "contender": name, "command": command, "subject": subject, "error": error[:1000], "died": died})
        say(f"  {name}: {command} {subject}: {error.splitlines()[0][:200]}")

    def open(self, *entries):
        """Opens models in every contender; the names of those that give the right answers for all of them."""
        return [name for name in self.contenders if self.open_in(name, entries)]

    def open_in(self, name, entries):
        if not self.takes(name, entries):
            return False
        if not all([self.prepare(name, entry) for entry in entries]):
            return False
        if self.ask(name, "open", models=entries) is None:
            return False
        problem = self.check(name, entries)
        if problem:
            self.note(name, "answers", [entry["name"] for entry in entries], problem)
            self.ask(name, "close", models=[entry["name"] for entry in entries])
        return not problem

    @staticmethod
    def takes(name, entries):
        """Whether a contender is made for these models at all."""
        models = None if name == OURS else PEERS[name].models
        return models is None or all(entry["name"] in models for entry in entries)

    def close(self, *entries):
        for name, contender in self.contenders.items():
            if contender.process is not None:
                self.ask(name, "close", models=[entry["name"] for entry in entries])

    def prepare(self, name, entry):
        """Lets a contender make its own files of a model, once for each version of both."""
        maker = PROGRAM if name == OURS else PEERS[name].python.parent.parent / "made-from.txt"
        key = digest(maker) + digest(entry["onnx"]) + json.dumps(
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

    def check(self, name, entries):
        """Compares a contender's answers with the references; what is wrong with them."""
        with tempfile.TemporaryDirectory() as folder:
            models = [entry["name"] for entry in entries]
            if self.ask(name, "answers", models=models, folder=folder) is None:
                return "no answer"
            for entry in entries:
                for item in entry["outputs"]:
                    file = pathlib.Path(folder) / entry["name"] / (item["name"].replace("/", "_") + ".npy")
                    problem = deviation(np.load(file), np.load(item["file"]), item.get("within"))
                    if problem:
                        return f"{entry['name']}: output {item['name']} {problem}"
        return None

    def rounds(self, count, names, command, **arguments):
        """Asks contenders the same in turn, `count` times over: {name: answers}."""
        return self.alternate(count, {name: (name, command, arguments) for name in names})

    def alternate(self, count, questions):
        """Asks {key: (contender, command, arguments)} in turn, `count` times over: {key: answers}. What fails once is
        left out from then on."""
        answers = {key: [] for key in questions}
        for _ in range(count):
            for key in list(answers):
                name, command, arguments = questions[key]
                time.sleep(SETTLE_SECONDS)
                answer = self.ask(name, command, **arguments)
                if answer is None:
                    del answers[key]
                else:
                    answers[key].append(answer)
        return answers


def deviation(got, reference, within=None):
    """What is wrong with an answer; None when nothing is. `within` bounds the root mean square of the differences over that of
    the reference, in place of the bound of each element."""
    got, reference = got.astype(np.float64), reference.astype(np.float64)
    if got.shape != reference.shape:
        return f"has shape {got.shape}, not {reference.shape}"
    if within is not None:
        far = float(np.sqrt(np.square(got - reference).mean() / np.square(reference).mean()))
        return None if far <= within else f"is {far:.3g} from the reference, not {within:.3g}"
    bound = 1e-4 * np.abs(reference).max() + 1e-3 * np.abs(reference)
    # A comparison with what is not a number is false.
    return None if (np.abs(got - reference) <= bound).all() else "is beyond the tolerance"
