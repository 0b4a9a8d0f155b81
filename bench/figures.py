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


def quantised(sections):
    models = sections.get("quantised", {}).get("models", {})

    def against(kinds, peer):
        return {
            name: (middle(one["times"], OURS), middle(one["times"], peer))
            for name, one in models.items() if one["kind"] in kinds}

    yield ratios("int8, static / ONNX Runtime", against(("static", "operators"), "onnxruntime"), 1.0)
    yield ratios("int8, static / OpenVINO", against(("static", "operators"), "openvino"), 1.0)
    yield ratios(
        "int8, static / f32 in FusedInf", against(("static", "operators"), f"{OURS} f32"), 0.6,
        note="less where the model is bound by arithmetic")
    yield ratios("int8, dynamic / ONNX Runtime", against(("dynamic",), "onnxruntime"), 1.1)
    yield ratios(
        "int8, resident bytes of the weights / f32",
        {name: (one["weight_bytes"], one["f32_weight_bytes"]) for name, one in models.items()}, 0.3)


def fused(sections):
    sets = sections.get("sets", {}).get("sets", {})
    ours = {title: middle(one["times"], f"{OURS} fused") for title, one in sets.items()}

    def of_peers(times):
        known = [middle(times, name) for name in times if not name.startswith(OURS) and times[name]["ms"]]
        return min(known, default=None)

    yield ratios(
        "fused set / one by one in the best peer",
        {title: (ours[title], of_peers(one["times"])) for title, one in sets.items()}, 0.7,
        note="the best peer in its better way: in turn on all threads, or one-threaded sessions side by side")
    yield ratios(
        "fused set / one by one in FusedInf",
        {title: (ours[title], middle(one["times"], f"{OURS} in-turn")) for title, one in sets.items()}, 0.78)
    ten = sets.get("ten tenants", {}).get("link_ms")
    yield Figure("link of ten models, plans cached", median(ten) * 1e3 if ten else None, 200, unit="µs")


def growth(processes, measure="pss"):
    """Median bytes over an empty process; None where nothing was measured."""
    return median([held[measure] - held["empty"] for held in processes]) if processes else None


def memory(sections):
    sets = sections.get("memory", {}).get("sets", {})
    ours = {title: growth(one["processes"][OURS]) for title, one in sets.items()}
    accounts = {title: one["processes"][OURS][0] for title, one in sets.items() if one["processes"][OURS]}
    weights = {title: account["unique_weight_bytes"] for title, account in accounts.items()}

    def without_arena(taken):
        return {
            title: (taken[title] - account["arena_bytes"], weights[title]) for title, account in accounts.items()}

    def against(family):
        pairs = {}
        for title, one in sets.items():
            known = [
                growth(held) for name, held in one["processes"].items() if name.split("-")[0] == family and held]
            pairs[title] = (ours[title], min(known, default=None))
        return pairs

    yield ratios(
        "memory of a set less one arena / unique packed weights", without_arena(ours), 1.10,
        note="the process's PSS over an empty one: plans and compiled code are in it")
    yield ratios(
        "  by our accounts",
        without_arena({title: account["resident_bytes"] for title, account in accounts.items()}), 1.10,
        note="what counts against the budget")
    yield ratios("memory of a set / ONNX Runtime, best form", against("onnxruntime"), 0.6)
    yield ratios("memory of a set / OpenVINO, best form", against("openvino"), 0.4)


def rates(storm):
    """Requests per second: {contender and mode: median of its rounds}."""
    return {
        name: median([len(served["ms"]) / served["wall_ms"] * 1e3 for served in rounds])
        for name, rounds in storm.items() if rounds}


def storm(sections):
    for way, words in (("limited", "swap storm, requests/s over the best peer"), ("free", "  without a limit by the kernel")):
        known = rates(sections.get("storm", {}).get(way, {}))
        ours = max((rate for name, rate in known.items() if name.startswith(OURS)), default=None)
        peers = max((rate for name, rate in known.items() if not name.startswith(OURS)), default=None)
        yield Figure(words, ours / peers if ours and peers else None, 5, at_least=True)


def counts(sections):
    models = sections.get("counts", {}).get("models", {})
    yield ratios(
        "many counts / one count",
        {name: (middle(times, "many counts"), middle(times, "one count")) for name, times in models.items()}, 1.1)


def figures(results):
    sections = results["sections"]
    return [*swap_in(sections), *warm(sections), *quantised(sections), *counts(sections), *fused(sections), *memory(sections), *storm(sections)]
