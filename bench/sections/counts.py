"""Latency of models of which the inputs decide a count: the same count each time, and another one each time.

A detector whose threshold lets 1 to 1,023 boxes pass NonMaxSuppression, and a Loop of 1 to 64 rounds, from Tests/Fixtures/counts.
"""

import numpy as np

from field import OURS, Field, say
from measure import joined, shown
from places import ROOT, WORK

FIXTURES = ROOT / "Tests" / "Fixtures" / "counts"
MADE = WORK / "counts"
RUNS = 200


def saved(name, array):
    path = MADE / f"{name}.npy"
    np.save(path, array)
    return str(path)


def entry(name, feed):
    return {
        "name": f"counts-{name}", "onnx": str(FIXTURES / f"{name}.onnx"), "outputs": [],
        "inputs": [{"name": key, "file": file, "shape": list(np.load(file).shape)} for key, file in feed.items()]}


def detector(random):
    """The entry, and the inputs of one count and of many."""
    image = str(FIXTURES / "detector.image.npy")
    thresholds = np.load(FIXTURES / "detector.thresholds.npy")
    files = [saved(f"threshold-{index}", thresholds[place:place + 1])
             for index, place in enumerate(random.permutation(len(thresholds))[:RUNS])]
    middle = saved("threshold", thresholds[len(thresholds) // 2, None])
    return entry("detector", {"image": image, "threshold": middle}), [[image, middle]], [[image, file] for file in files]


def loop(random):
    # The mean of as many rounds takes as long as half of the most rounds.
    start = str(FIXTURES / "loop.start.npy")
    files = [saved(f"rounds-{rounds}", np.array(rounds)) for rounds in range(1, 65)]
    order = random.permutation(64)
    middle = files[31]
    return entry("loop", {"rounds": middle, "start": start}), [[middle, start]], [[files[place], start] for place in order]


def run(plan):
    MADE.mkdir(parents=True, exist_ok=True)
    results = {}
    with Field([OURS], plan.threads) as field:
        for model, one, many in (detector(np.random.default_rng(1)), loop(np.random.default_rng(2))):
            if not field.prepare(OURS, model) or field.ask(OURS, "open", models=[model]) is None:
                continue
            sampling = {"seconds": plan.seconds, "least": RUNS, "most": 2000}
            questions = {
                kind: (OURS, "warm", {"model": model["name"], "sampling": sampling, "feeds": feeds})
                for kind, feeds in (("one count", one), ("many counts", many))}
            results[model["name"]] = joined(field.alternate(plan.rounds, questions))
            field.close(model)
            say(f"counts {model['name']:16} {shown(results[model['name']])}")
        return {"models": results, "errors": field.errors}
