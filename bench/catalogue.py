"""The models that are measured, with the inputs that they are run on: the same to every contender."""

import json

from places import REFERENCES, WORK

REAL = ["det", "cls", "rec", "nudenet", "open-nsfw", "magika", "silero-vad", "silero-vad-16k"]
CLASSIFIERS = [
    "resnet18", "resnet50", "mobilenet-v2", "densenet121", "googlenet", "vgg16", "squeezenet", "alexnet",
]
QUICK = ["det", "rec", "magika", "silero-vad-16k", "resnet18", "mobilenet-v2", "squeezenet"]
MADE = WORK / "models"


def entries():
    """{name: entry} of all models; an entry holds absolute paths, and goes to contenders as it is."""
    result = {}
    for folder in (REFERENCES, MADE):
        manifest = folder / "manifest.json"
        if not manifest.exists():
            continue
        for model in json.loads(manifest.read_text())["models"]:
            case = model["cases"][0]
            result[model["name"]] = {
                "name": model["name"],
                "onnx": str((folder / model["model"]).resolve()),
                **{
                    side: [
                        {"name": item["name"], "file": str(folder / item["file"]), "shape": item["shape"]}
                        for item in case[side]]
                    for side in ("inputs", "outputs")},
            }
    return result
