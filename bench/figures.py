"""The figures that are to be reached, worked out of a run's samples."""

from dataclasses import dataclass, field

from field import OURS
from measure import geometric_mean, median


@dataclass
class Figure:
    """One line of the table: a value, what it should be at most (or at least), and the worst single model."""

    name: str
    value: float | None
    goal: float
    unit: str = "×"
    at_least: bool = False
    worst: float | None = None
    worst_goal: float | None = None
    worst_model: str | None = None
    models: dict = field(default_factory=dict)
    note: str = ""

    @property
    def met(self):
        if self.value is None:
            return None
        whole = self.value >= self.goal if self.at_least else self.value <= self.goal
        return whole and (self.worst_goal is None or self.worst <= self.worst_goal)


def ratios(name, pairs, goal, worst_goal=None, note=""):
    """A figure that is the geometric mean over models of {model: (ours, theirs)}."""
    models = {model: ours / theirs for model, (ours, theirs) in pairs.items() if ours and theirs}
    if not models:
        return Figure(name, None, goal, note=note)
    worst = max(models, key=models.get)
    return Figure(
        name, geometric_mean(models.values()), goal, worst=models[worst], worst_goal=worst_goal,
        worst_model=worst, models=models, note=note)


def middle(samples, name):
    """A contender's median; None when it has none."""
    return median(samples[name]["ms"]) if samples.get(name, {}).get("ms") else None


def best(samples, family):
    """The median of a peer's fastest form."""
    known = [
        middle(samples, name) for name in samples
        if name.split("-")[0] == family and samples[name]["ms"]]
    return min(known, default=None)


def swap_in(sections):
    models = sections.get("swap", {}).get("models", {})
    ours = {
        way: {name: middle(model[way], OURS) for name, model in models.items()} for way in ("warm", "cold")}
    own = {name: median(model["own_warm"]) for name, model in models.items() if model.get("own_warm")}

    def against(measure):
        return {name: (ours["warm"][name], measure(model["warm"])) for name, model in models.items()}

    yield ratios(
        "swap-in, page cache / own warm run", {name: (ours["warm"][name], own[name]) for name in own}, 1.15, 1.4)
    yield ratios(
        "swap-in, page cache / ONNX Runtime, best form", against(lambda samples: best(samples, "onnxruntime")),
        0.2, note="the fastest of three forms for each model")
    for form, words in (("", "from .onnx"), ("-saved", "saved"), ("-mapped", "saved, weights mapped")):
        yield ratios(
            f"  of these: {words}", against(lambda samples: middle(samples, "onnxruntime" + form)), 0.2)
    yield ratios(
        "swap-in, page cache / OpenVINO, best form", against(lambda samples: best(samples, "openvino")), 0.25,
        note="the faster of with and without its cache for each model")
    yield ratios("  of these: cached", against(lambda samples: middle(samples, "openvino")), 0.25)
    yield ratios(
        "swap-in, cold disk / max(reading the file, own warm run)",
        {
            name: (ours["cold"][name], max(median(models[name]["own_read"]), own[name])) for name in own},
        1.15, note="the file read past the page cache in the same rounds, 4 MiB × 2")


def warm(sections):
    models = sections.get("warm", {}).get("models", {})
    for peer, words, goal, worst in (("onnxruntime", "ONNX Runtime", 0.9, 1.05), ("openvino", "OpenVINO", 1.0, 1.15)):
        yield ratios(
            f"warm / {words}",
            {name: (middle(samples, OURS), middle(samples, peer)) for name, samples in models.items()},
            goal, worst)


def figures(results):
    sections = results["sections"]
    return [*swap_in(sections), *warm(sections)]
