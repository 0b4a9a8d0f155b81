"""The figures to reach, out of the results of a run."""

import math

from figures import Figure
from measure import geometric_mean, median
from serving import kinds

OURS = kinds.OURS


def base(name):
    """The contender's name without how it uses its threads."""
    return name.split()[0]


def goodputs(measured, pattern=None):
    """{contender: the best goodput at any load}, the median of rounds at each load."""
    result = {}
    for name, rounds in measured["contenders"].items():
        by_load = {}
        for served in rounds:
            for run in served["runs"]:
                if pattern in (None, run["pattern"]):
                    by_load.setdefault((run["pattern"], run["rate"]), []).append(run["goodput"])
        if by_load:
            result[name] = max(median(values) for values in by_load.values())
    return result


def best_peer(values, best=max):
    """(name, value) of the best of the peers; (None, None) where none was measured."""
    peers = {name: value for name, value in values.items() if base(name) in kinds.PEERS}
    return best(peers.items(), key=lambda item: item[1]) if peers else (None, None)


def flat(measured, name, subject):
    """All samples of all rounds."""
    rounds = measured["contenders"].get(name, {}).get(subject, [])
    return [value for samples in rounds for value in (samples if isinstance(samples, list) else [samples])]


def middles(measured, subject):
    """{contender: median}."""
    return {name: median(samples) for name in measured["contenders"] if (samples := flat(measured, name, subject))}


def small_models(measured):
    """{model: (ours, the best peer's, its name)} of the p50 of one client."""
    result = {}
    for subject in measured["contenders"].get(OURS, {}):
        if subject.startswith("identity") or subject.endswith("connections"):
            continue
        values = middles(measured, subject)
        name, peer = best_peer(values, min)
        if peer:
            result[subject] = values[OURS], peer, name
    return result


def goodput_figures(measured):
    from serving.arrivals import PATTERNS

    for pattern in PATTERNS:
        values = goodputs(measured, pattern)
        name, peer = best_peer(values)
        ratio = None
        if name and OURS in values:
            # No peer may have had an answer in time.
            ratio = values[OURS] / peer if peer else math.inf if values[OURS] else None
        note = f"best goodput {values[OURS]:.1f}/s against {peer:.1f}/s of {name}" if ratio else None
        yield Figure(f"goodput over the best peer's, {pattern}", ratio, 5, "×", at_least=True, note=note)


def latency_figures(measured):
    ratios = {model: ours / peer for model, (ours, peer, _) in small_models(measured).items()}
    worst = max(ratios, key=ratios.get) if ratios else None
    yield Figure(
        "p50 of warm small models, one client / best peer", geometric_mean(ratios.values()) if ratios else None, 0.7, "×",
        worst_model=worst, worst=ratios.get(worst))
    engine = [value for samples in measured["engine_ms"] for value in samples]
    for subject, words, bound in (("identity", "HTTP", 200), ("identity over gRPC", "gRPC", 500)):
        ours = flat(measured, OURS, subject)
        over = (median(ours) - median(engine)) * 1e3 if ours and engine else None
        yield Figure(f"what {words} adds to the engine at p50, one client", over, bound, "µs")
    ours, triton, python = {}, {}, {}
    for subject in sorted({subject for own in measured["contenders"].values() for subject in own if subject.endswith("connections")}):
        values = middles(measured, subject)
        ours[subject] = values.get(OURS)
        triton[subject] = values.get("triton")
        python[subject] = max((values[name] for name in ("ray", "litserve") if name in values), default=None)
    for words, theirs, goal in (("Triton's", triton, 1), ("the best Python server's", python, 3)):
        ratios = {subject: ours[subject] / theirs[subject] for subject in ours if ours[subject] and theirs[subject]}
        worst = min(ratios, key=ratios.get) if ratios else None
        yield Figure(
            f"identities a second over {words}, worst number of connections", ratios.get(worst), goal, "×", at_least=True,
            note=worst and f"at {worst}")


def figures(results):
    sections = results["sections"]
    found = []
    if "goodput" in sections:
        found += goodput_figures(sections["goodput"])
    if "latency" in sections:
        found += latency_figures(sections["latency"])
    return found
