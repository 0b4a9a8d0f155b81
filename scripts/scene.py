"""What the demo's box sees, hears and is sent: inputs for each of its models, and their answers in words."""

import ast
import functools
import json
import pathlib

import numpy as np
import onnx

import answers
import pictures
import png

ROOT = pathlib.Path(__file__).resolve().parent.parent
MODELS = ROOT / ".cache" / "models"
# Samples a second, new samples a step, and samples of the step before that the voice model sees again.
RATE, STEP, CONTEXT = 16000, 512, 64


def only_output(model):
    """The one output of a model, or the first."""
    return next(iter(model["values"].values()))


def metadata(file, key):
    """A property that an ONNX file carries about itself."""
    properties = {item.key: item.value for item in onnx.load(MODELS / file, load_external_data=False).metadata_props}
    return properties[key]


@functools.cache
def characters():
    """The text recogniser's alphabet."""
    return metadata("rec.onnx", "character").splitlines()


@functools.cache
def class_names():
    """The person detector's classes."""
    return ast.literal_eval(metadata("nudenet.onnx", "names"))


class Scene:
    """What the box sees, hears and is sent, and what the models made of it so far."""

    def __init__(self):
        random = np.random.default_rng(5)
        self.image = png.read(ROOT / "docs" / "shop.png")
        self.file = ROOT / "README.md"
        self.labels = json.loads((MODELS / "magika.json").read_text())["target_labels_space"]
        self.sound = np.concatenate([
            answers.stillness(0.45, RATE, random), answers.voice(0.8, RATE, random),
            answers.stillness(0.4, RATE, random)])
        self.state = np.zeros((2, 1, 128), np.float32)
        self.boxes = []

    def voice_input(self, step):
        """One step of sound with the end of the one before, and the state that the model carries."""
        padded = np.concatenate([np.zeros(CONTEXT, np.float32), self.sound])
        part = padded[step * STEP : step * STEP + STEP + CONTEXT]
        return {"input": part[None], "state": self.state, "sr": np.array(RATE, np.int64)}

    def steps(self):
        """How many steps the sound lasts."""
        return len(self.sound) // STEP

    def inputs(self):
        """One input for each model."""
        lines = self.boxes or [(30, 338, 92, 632)]
        return {
            "text-direction": {"x": answers.line_crops(self.image, lines, 48, 192)},
            "voice-activity": self.voice_input(0),
            "file-type": {"bytes": answers.file_window(self.file.read_bytes())},
            "text-detection": {"x": pictures.symmetric(self.image)[None]},
            "text-recognition": {"x": answers.line_crops(self.image, lines, 48, 320)},
            "person-detection": {"images": self.square()[None]},
            "nsfw-rating": {"input:0": pictures.caffe(pictures.resized(self.image, 224, 224))[None]},
        }

    def square(self):
        """The picture on a square, as the person detector wants it."""
        return pictures.unit(np.pad(pictures.resized(self.image, 240, 320), ((0, 80), (0, 0), (0, 0))))

    def words(self, name, model):
        """A model's answer in words."""
        value = only_output(model)
        if name == "text-direction":
            upright = int((value[:, 0] > value[:, 1]).sum())
            return f"{upright} of {len(value)} lines upright"
        if name == "voice-activity":
            return f"somebody speaks: {float(value.ravel()[0]):.0%}"
        if name == "file-type":
            return f"{self.file.name} is {self.labels[int(value.argmax())]} ({float(value.max()):.1%})"
        if name == "text-detection":
            return f"{len(answers.text_boxes(value[0, 0]))} lines of text"
        if name == "text-recognition":
            return ", ".join(f"“{answers.recognised(line, characters())[0]}”" for line in value)
        if name == "person-detection":
            found = [
                f"{class_names()[kind].lower().replace('_', ' ')} ({score:.0%})"
                for kind, score, _ in answers.detections(value[0], 0.3)]
            return ", ".join(found) or "nobody"
        return f"not safe for work: {float(value[0, 1]):.1%}"
