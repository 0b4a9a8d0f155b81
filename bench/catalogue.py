"""The models that are measured, with the inputs that they are run on: the same to every contender."""

import json

from places import REFERENCES, WORK

# OpenVINO reads all but the last two.
REAL = ["det", "cls", "rec", "nudenet", "open-nsfw", "magika", "silero-vad", "silero-vad-16k"]
CLASSIFIERS = [
    "resnet18", "resnet50", "mobilenet-v2", "densenet121", "googlenet", "vgg16", "squeezenet", "alexnet",
]
QUICK = ["det", "rec", "magika", "silero-vad-16k", "resnet18", "mobilenet-v2", "squeezenet"]
MADE = WORK / "models"
TENANTS = [f"tenant-{i}" for i in range(10)]
HEADS = [f"head-{i}" for i in range(5)]
# Twenty that every contender can run.
STORM = TENANTS + [
    "det", "cls", "rec", "nudenet", "open-nsfw", "magika", "mobilenet-v2", "squeezenet", "googlenet", "densenet121",
]
# Several models on one picture, as in the papers on fusing classifiers.
PAIRS = [
    ["resnet18", "resnet50"], ["resnet18", "mobilenet-v2"], ["googlenet", "squeezenet"],
    ["densenet121", "mobilenet-v2"], ["vgg16", "alexnet"],
]
TRIPLES = [
    ["resnet18", "googlenet", "squeezenet"], ["resnet50", "densenet121", "mobilenet-v2"],
    ["alexnet", "mobilenet-v2", "squeezenet"],
]


def sets(quick):
    """{title: models}."""
    if quick:
        return {
            "+".join(PAIRS[1]): PAIRS[1], "six real models": REAL[:6], "ten tenants": TENANTS,
        }
    return {"+".join(models): models for models in PAIRS + TRIPLES} | large_sets(quick)


def large_sets(quick):
    """{title: models} of the sets whose memory is measured."""
    sets = {"all real models": REAL, "six real models": REAL[:6], "ten tenants": TENANTS, "five heads on one backbone": HEADS}
    return {title: sets[title] for title in ["six real models", "ten tenants"]} if quick else sets


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
