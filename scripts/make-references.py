#!/usr/bin/env python3
"""Computes reference answers with onnxruntime: .cache/references/MODEL/CASE/{inputs,outputs}/NAME.npy.

Every model gets at least three seeded inputs, in two sizes where it is dynamic and in batches of one and two. A
reference that is all zeros, saturated, or the same whatever goes in would test nothing, so such a one fails this
script with its name. `manifest.json` beside them lists models, cases, files, element types and shapes; paths in it
are relative to it.

Usage: make-references.py [MODEL…]    computes what is missing or out of date, of the named models or of all
"""

import hashlib
import json
import pathlib
import re
import shutil
import sys

import numpy as np
import onnx
import onnxruntime

import pictures

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODELS = ROOT / ".cache" / "models"
REFERENCES = ROOT / ".cache" / "references"
SOURCES = [pathlib.Path(__file__), pathlib.Path(pictures.__file__)]

WORDS = [
    ["FRESH BREAD", "2.40 EUR", "OPEN 8-18"], ["ORANGES 1 KG", "SALE -30%"], ["COFFEE", "TEA 1.20", "CAKE 3.50"],
]


def generator(seed):
    return np.random.default_rng(1000 + seed)


def images(make, prepare, sizes, name="x"):
    """Three seeds at every size, and a batch of two at the first."""
    for height, width in sizes:
        for seed in range(3):
            shot = prepare(make(generator(seed), height, width, seed))
            yield f"{height}x{width}-seed{seed}", {name: shot[None]}
    height, width = sizes[0]
    pair = [prepare(make(generator(10 + seed), height, width, seed)) for seed in range(2)]
    yield f"{height}x{width}-batch2", {name: np.stack(pair)}


def photo(random, height, width, _):
    return pictures.photo(random, height, width)


def signs(random, height, width, seed):
    return pictures.signs(random, height, width, WORDS[seed])


def label(random, height, width, seed):
    return pictures.label(random, WORDS[seed][0], height, width)


def label_either_way(random, height, width, seed):
    """Upside down every other time, for the model that tells the direction."""
    upright = label(random, height, width, seed)
    return upright[::-1, ::-1] if seed % 2 else upright


def file_bytes():
    """Whole files as the type detector sees them: the first and the last 1,024 bytes, 256 where there are none."""
    random = generator(0)
    python = pathlib.Path(__file__).read_bytes()
    table = "\n".join(f"{i},{random.normal():.4f},item {i % 7}" for i in range(60)).encode()
    program = b"\x7fELF\x02\x01\x01" + bytes(9) + bytes(random.integers(0, 256, 3000, np.uint8))
    rows = []
    for content in (python, table, program):
        row = np.full(2048, 256, np.int32)
        head, tail = content[:1024], content[-1024:]
        row[: len(head)] = list(head)
        row[2048 - len(tail) :] = list(tail)
        rows.append(row)
    for name, row in zip(("python", "csv", "elf"), rows):
        yield name, {"bytes": row[None]}
    yield "batch2", {"bytes": np.stack(rows[:2])}
    yield "random", {"bytes": random.integers(0, 257, (1, 2048), np.int32)}


def voices(rates):
    """A few steps of sound with the state carried on, as in use; every second step is a case."""
    def cases(run):
        for rate in rates:
            for batch, seed in ((1, 0), (1, 1), (1, 2), (2, 3)):
                random = generator(20 + seed)
                step, context = (512, 64) if rate == 16000 else (256, 32)
                pitch = random.uniform(100, 220, (batch, 1))
                at = np.arange(step * 6 + context) / rate
                # A voice of sorts: harmonics under a slow envelope, with a breath of noise.
                sound = sum(np.sin(2 * np.pi * k * pitch * at + random.uniform(0, 6)) / k for k in range(1, 12))
                sound = sound * (0.55 + 0.45 * np.sin(2 * np.pi * 5 * at)) * 0.12
                sound = (sound + random.normal(0, 0.01, sound.shape)).astype(np.float32)
                state = np.zeros((2, batch, 128), np.float32)
                for index in range(6):
                    feed = {
                        "input": sound[:, index * step : index * step + step + context], "state": state,
                        "sr": np.array(rate, np.int64),
                    }
                    if index in (1, 5):
                        yield f"{rate}-batch{batch}-seed{seed}-step{index}", feed
                    state = run(feed)["stateN"]
    return cases


OCR_SIZES = [(48, 320), (48, 160)]
# model: its cases, or a function that makes them with the model at hand
CASES = {
    "det": lambda: images(signs, pictures.symmetric, [(320, 320), (192, 256)]),
    "cls": lambda: images(label_either_way, pictures.symmetric, [(48, 192), (48, 128)]),
    "rec": lambda: images(label, pictures.symmetric, OCR_SIZES),
    "nudenet": lambda: images(photo, pictures.unit, [(320, 320), (256, 320)], "images"),
    "open-nsfw": lambda: images(photo, pictures.caffe, [(224, 224)], "input:0"),
    "magika": file_bytes,
    "silero-vad": voices([16000, 8000]),
    "silero-vad-16k": voices([16000]),
}
NORMALISED = ["resnet18", "resnet50", "mobilenet-v2", "densenet121", "googlenet", "resnet18-a", "resnet18-b"]
CLASSIFIERS = NORMALISED + ["vgg16", "squeezenet", "alexnet"]
for classifier in CLASSIFIERS:
    CASES[classifier] = lambda: images(photo, pictures.imagenet, [(224, 224)], "image")
CASES_NEED_THE_MODEL = ("silero-vad", "silero-vad-16k")


def file_name(name):
    """A tensor's name as a file name, as the command line writes it."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", name) + ".npy"


def check_spread(name, results):
    """Refuses references that a broken engine could meet by luck."""
    for output in results[0]:
        values = [result[output] for result in results]
        flat = np.concatenate([value.ravel() for value in values])
        peak = np.abs(flat).max()
        if not np.isfinite(flat).all():
            sys.exit(f"references: {name}: output {output} is not finite")
        if peak < 1e-3:
            sys.exit(f"references: {name}: output {output} is all but zero")
        if ((flat > 1e-4) & (flat < 1 - 1e-4)).sum() < 2 and 0 <= flat.min() and flat.max() <= 1:
            sys.exit(f"references: {name}: output {output} is saturated")
        alike = {}
        for value in values:
            alike.setdefault(value.shape, []).append(value)
        for shape, group in alike.items():
            if len(group) > 1 and np.max(np.ptp(np.stack(group), axis=0)) < 0.01 * peak:
                sys.exit(f"references: {name}: output {output} {shape} hardly depends on the input")


def check_normalised(name, path):
    """BatchNorm must still be in the exported file: folding it is what these models test."""
    graph = onnx.load(path, load_external_data=False).graph
    if not any(node.op_type == "BatchNormalization" for node in graph.node):
        sys.exit(f"references: {name}: the exported file holds no BatchNormalization")


def save(folder, values):
    folder.mkdir(parents=True)
    listed = []
    for name, value in values.items():
        value = np.asarray(value, order="C")
        np.save(folder / file_name(name), value)
        listed.append({
            "name": name, "file": str((folder / file_name(name)).relative_to(REFERENCES)),
            "dtype": str(value.dtype), "shape": list(value.shape),
        })
    return listed


def make(name, path):
    """All cases of one model, written down; returns its entry of the manifest."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    outputs = [output.name for output in session.get_outputs()]

    def run(feed):
        return dict(zip(outputs, session.run(outputs, feed)))

    if name in NORMALISED:
        check_normalised(name, path)
    shutil.rmtree(REFERENCES / name, ignore_errors=True)
    cases, results = [], []
    for case, feed in CASES[name](run) if name in CASES_NEED_THE_MODEL else CASES[name]():
        results.append(run(feed))
        folder = REFERENCES / name / case
        cases.append({
            "name": case, "inputs": save(folder / "inputs", feed), "outputs": save(folder / "outputs", results[-1]),
        })
    check_spread(name, results)
    ranges = ", ".join(
        f"{output} {min(r[output].min() for r in results):.3g}…{max(r[output].max() for r in results):.3g}"
        for output in outputs)
    print(f"references: {name:15} {len(cases):2} cases   {ranges}", flush=True)
    return {"name": name, "model": f"../models/{path.name}", "cases": cases}


def main():
    REFERENCES.mkdir(parents=True, exist_ok=True)
    manifest_path = REFERENCES / "manifest.json"
    manifest = json.loads(manifest_path.read_text()) if manifest_path.exists() else {"models": []}
    known = {entry["name"]: entry for entry in manifest["models"]}
    unknown = set(sys.argv[1:]) - set(CASES)
    if unknown:
        sys.exit(f"references: no such model: {', '.join(sorted(unknown))}; there are {', '.join(CASES)}")
    script = hashlib.sha256(b"".join(path.read_bytes() for path in SOURCES)).hexdigest()
    absent = []
    for name in sys.argv[1:] or CASES:
        path = MODELS / f"{name}.onnx"
        if not path.exists():
            absent.append(name)
            continue
        with open(path, "rb") as file:
            made_from = hashlib.file_digest(file, "sha256").hexdigest() + script
        if known.get(name, {}).get("made_from") == made_from:
            continue
        known[name] = make(name, path) | {"made_from": made_from}
        partial = manifest_path.with_suffix(".partial")
        partial.write_text(json.dumps({"models": [known[n] for n in CASES if n in known]}, indent=1) + "\n")
        partial.replace(manifest_path)
    if absent:
        sys.exit(f"references: no model files for {', '.join(absent)}: run `make models classifiers`")
    print(f"references: {len(known)} models are in .cache/references")


main()
