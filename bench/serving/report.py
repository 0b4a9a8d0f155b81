#!/usr/bin/env python3
"""The results of a run of run_serving.py as Markdown. Usage: python -m serving.report FILE.json, in bench/."""

import json
import pathlib
import sys

from measure import median
from report import goals, mebibytes, number, problems, spread, table
from serving.figures import figures, flat, goodputs
from serving.kinds import OURS


def by_ours_first(names):
    return sorted(names, key=lambda name: (name != OURS, not name.startswith(OURS), name))


def middle_percentiles(runs):
    """The medians of rounds of [p50, p90, p99]; an answer that did not come in time makes it a dash."""
    columns = zip(*runs)
    return [number(None if None in column else median(column)) for column in columns]


def grouped(rounds):
    """{(pattern, rate): the runs of all rounds}."""
    result = {}
    for served in rounds:
        for run in served["runs"]:
            result.setdefault((run["pattern"], run["rate"]), []).append(run)
    return result


def kinds_of_outcomes(runs):
    total = {}
    for run in runs:
        for kind, count in run["outcomes"].items():
            total[kind] = total.get(kind, 0) + count
    requests = sum(run["requests"] for run in runs)
    return ", ".join(
        f"{count / requests:.0%} {kind[:48]}" for kind, count in sorted(total.items(), key=lambda item: -item[1])
        if kind != "in time")


def goodput(measured):
    yield "## Goodput under a limit on memory\n"
    yield (
        f"{len(measured['models'])} models, requests by Zipf's law, {mebibytes(measured['budget'])} MiB for models; onnxruntime with "
        f"every model resident would answer {number(measured['ideal_rate'])} a second one after the other. An answer is in time "
        f"within {measured['warm_runs']} of onnxruntime's warm runs, {measured['floor_ms']:.0f} ms at least, counted from when the "
        "request was due; then the client goes away. Percentiles are over all requests, in milliseconds: a dash is a request "
        "that was not answered in time. *Slack* is what the control group granted beside the budget and the server before its "
        "first model (*empty*).\n")
    if "not_limited" in measured:
        yield f"No control group here: {measured['not_limited']}.\n"
    names = by_ours_first(measured["contenders"])
    yield from table(
        ["server", "best goodput, requests/s", "with bursts", "empty, MiB", "slack, MiB", "peak, MiB", "what it is"],
        [
            [
                name, number(goodputs(measured, "poisson").get(name)), number(goodputs(measured, "bursts").get(name)),
                mebibytes(rounds[0]["empty"]), mebibytes(max((served["slack"] or 0 for served in rounds))),
                mebibytes(max((served["peak"] or 0 for served in rounds))), rounds[0]["note"]]
            for name in names for rounds in [measured["contenders"][name]]])
    for pattern in ("poisson", "bursts"):
        yield f"### Arrivals: {pattern}\n"
        rows = []
        for name in names:
            for (of, rate), runs in grouped(measured["contenders"][name]).items():
                if of == pattern:
                    rows.append([
                        name, number(rate), number(median([run["goodput"] for run in runs])),
                        *middle_percentiles([run["percentiles"] for run in runs]),
                        mebibytes(median([run["pss"] for run in runs])), mebibytes(median([run["disk_bytes"] for run in runs])),
                        kinds_of_outcomes(runs)])
        yield from table(
            ["server", "offered/s", "in time/s", "p50", "p90", "p99", "PSS, MiB", "from disk, MiB", "the others"], rows)
    yield "### By kind of model\n"
    yield "At the load at which the server's goodput was best: share in time; p50, p90 and p99 in milliseconds.\n"
    rows = []
    for name in names:
        for pattern in ("poisson", "bursts"):
            loads = {load: runs for load, runs in grouped(measured["contenders"][name]).items() if load[0] == pattern}
            if not loads:
                continue
            load, runs = max(loads.items(), key=lambda item: median([run["goodput"] for run in item[1]]))
            for kind in runs[0]["kinds"]:
                own = [run["kinds"][kind] for run in runs if kind in run["kinds"]]
                share = sum(one["in_time"] for one in own) / max(sum(one["requests"] for one in own), 1)
                rows.append([
                    f"{name}, {pattern}, {number(load[1])}/s", kind, f"{share:.0%}",
                    *middle_percentiles([one["percentiles"] for one in own])])
    yield from table(["server and load", "models", "in time", "p50", "p90", "p99"], rows)
    yield "### Deadlines\n"
    yield from table(
        ["model", "kind", "onnxruntime, warm, ms", "deadline, ms"],
        [[model["name"], model["kind"], number(model["warm_ms"]), number(model["deadline_ms"])] for model in measured["models"]])


def latency(measured):
    yield "## One client\n"
    yield "Milliseconds: median (least–most), or answers a second. Each server runs alone, started anew in each round.\n"
    names = by_ours_first(measured["contenders"])
    subjects = list(dict.fromkeys(subject for name in names for subject in measured["contenders"][name]))
    rows = [[subject, *[spread(flat(measured, name, subject)) for name in names]] for subject in subjects]
    if measured["engine_ms"]:
        engine = [value for samples in measured["engine_ms"] for value in samples]
        rows.append(["identity in FusedInf's engine", spread(engine), *[""] * (len(names) - 1)])
    yield from table(["", *names], rows)
    yield (
        "The identity takes and gives sixteen floats, as binary tensors. Triton's is one of its Python backend, which the wheel "
        "ships alone.\n")


def markdown(results):
    machine = results["machine"]
    yield f"# Benchmark of the server of {results['date']}, commit {results['commit']}\n"
    if results["uncommitted"]:
        yield "The sources held changes that are not committed.\n"
    yield (
        f"{machine['cpu']}, {machine['cores']} cores, AVX-512 {'yes' if machine['avx512'] else 'no'}, "
        f"{(machine['memory_bytes'] or 0) / 2**30:.0f} GiB, Linux {machine['kernel']}; {results['threads']} threads. The client runs on "
        f"the same cores, with a priority of {results['client_priority']}.\n")
    yield from goals(figures(results))
    sections = results["sections"]
    if "goodput" in sections:
        yield from goodput(sections["goodput"])
    if "latency" in sections:
        yield from latency(sections["latency"])
    yield from problems(results)


def write(path):
    """Writes the tables of the results in `path` beside them."""
    tables = path.with_suffix(".md")
    tables.write_text("\n".join(markdown(json.loads(path.read_text()))))
    return tables


if __name__ == "__main__":
    write(pathlib.Path(sys.argv[1]))
