#!/usr/bin/env python3
"""A run's results as Markdown. Usage: report.py FILE.json, which is what a run does at its end."""

import json
import pathlib
import sys

from figures import figures, growth, middle, rates
from field import OURS
from measure import median


def table(head, rows):
    yield "| " + " | ".join(head) + " |"
    yield "|" + "|".join("---" if index == 0 else "---:" for index in range(len(head))) + "|"
    for row in rows:
        yield "| " + " | ".join(row) + " |"
    yield ""


def number(value):
    """Three digits that count."""
    if value is None:
        return "–"
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def spread(samples):
    """Median and range."""
    if not samples:
        return "–"
    return f"{number(median(samples))} ({number(min(samples))}–{number(max(samples))})"


def goal(figure):
    sign = "≥" if figure.at_least else "≤"
    text = f"{sign} {figure.goal:g}"
    return text if figure.worst_goal is None else f"{text}; each ≤ {figure.worst_goal:g}"


def goals(found):
    yield "## Figures to reach\n"
    verdict = {None: "not measured", True: "met", False: "**missed**"}
    yield from table(
        ["figure", "measured", "goal", "", "worst model"],
        [
            [
                figure.name.replace("  ", "&emsp;"),
                f"{number(figure.value)} {figure.unit}" if figure.value is not None else "–", goal(figure),
                verdict[figure.met],
                f"{figure.worst_model} {number(figure.worst)}" if figure.worst_model else ""]
            for figure in found])
    for figure in found:
        if figure.note:
            yield f"- {figure.name.strip()}: {figure.note}."
    yield ""


def latencies(title, models):
    """A table of milliseconds, a model a line, a contender a column."""
    names = sorted({name for samples in models.values() for name in samples}, key=lambda name: (name != OURS, name))
    yield f"## {title}\n"
    yield "Milliseconds: median (least–most).\n"
    rows = []
    for model, samples in models.items():
        ours = middle(samples, OURS)
        row = [model]
        for name in names:
            text = spread(samples.get(name, {}).get("ms"))
            theirs = middle(samples, name)
            row.append(f"{text} {ours / theirs:.2f}×" if name != OURS and ours and theirs else text)
        rows.append(row)
    yield from table(["model", *names], rows)


def limits(measured):
    yield "## Limits of the machine\n"
    rows = [
        [f"memory, read by {threads} threads", f"{spread(values)} GB/s"]
        for threads, values in measured["bandwidth_gb_s"].items()]
    rows.append(["disk, read past the page cache, 4 MiB × 2", f"{spread(measured['disk_gb_s'])} GB/s"])
    rows.append(["best direct convolution (oneDNN's, in OpenVINO)", f"{measured['gflop_s']:.0f} GFLOP/s"])
    yield from table(["limit", "measured"], rows)
    yield "Chains of four convolutions, in GFLOP/s of the direct algorithm; FusedInf computes large ones of 3×3 with fewer.\n"
    rows = [
        [name.removeprefix("peak-"), number(given.get(OURS)), number(given.get("openvino"))]
        for name, given in measured["convolutions"].items()]
    yield from table(["channels, size, kernel", "FusedInf", "OpenVINO"], rows)


def arithmetic(models, limit):
    """What part of the best convolution's GFLOP/s whole models reach."""
    rows = []
    for model, samples in models.items():
        ours, work = middle(samples, OURS), samples.get(OURS, {}).get("operations")
        if ours and work:
            rate = work / ours / 1e6
            rows.append([model, f"{work / 1e9:.2f}", f"{rate:.0f}", f"{rate / limit:.0%}"])
    yield "## Arithmetic\n"
    yield "Operations of convolutions and matrix products, two for a multiplication with its addition.\n"
    yield from table(["model", "GFLOP", "GFLOP/s", "of the best direct convolution"], rows)


def quantised(models):
    """Times of int8 models, and how they compare with the peers' and with f32."""
    yield "## int8\n"
    yield (
        "Milliseconds: median (least–most) and ours over theirs; *f32*: the same model before it was quantised, in FusedInf. "
        "*Weights*: MiB that are resident, and their share of the f32 model's.\n")
    rows = []
    for model, one in models.items():
        times = one["times"]
        ours = middle(times, OURS)
        row = [model, spread(times.get(OURS, {}).get("ms"))]
        for name in ("onnxruntime", "openvino", f"{OURS} f32"):
            theirs = middle(times, name)
            ratio = f" {ours / theirs:.2f}×" if ours and theirs else ""
            row.append(spread(times.get(name, {}).get("ms")) + ratio)
        own, whole = one["weight_bytes"], one["f32_weight_bytes"]
        row += [mebibytes(own), f"{own / whole:.2f}×" if own and whole else "–"]
        rows.append(row)
    yield from table(["model", OURS, "onnxruntime", "openvino", f"{OURS} f32", "weights", "of f32"], rows)


def counts(models):
    """Times of models whose inputs decide a count, with one count and with many."""
    yield "## Counts that inputs decide\n"
    yield "Milliseconds: median (least–most), and the ratio of the medians. *Many*: each run has another count than the one before.\n"
    rows = []
    for model, times in models.items():
        one, many = middle(times, "one count"), middle(times, "many counts")
        rows.append([
            model, spread(times.get("one count", {}).get("ms")), spread(times.get("many counts", {}).get("ms")),
            f"{many / one:.2f}×" if one and many else "–"])
    yield from table(["model", "one count", "many counts", "many over one"], rows)


def set_times(sets, threads):
    yield "## Sets of models\n"
    yield (
        "Milliseconds for all of a set: median (least–most). *In turn*: on all threads; *side by side*: one thread each. "
        "*Least*: FusedInf's time in turn on one thread, divided by the threads: what lanes would take that never rest.\n")
    names = sorted({name for one in sets.values() for name in one["times"]}, key=lambda name: (OURS not in name, name))
    rows = []
    for title, one in sets.items():
        link = f"{median(one['link_ms']) * 1e3:.0f}" if "link_ms" in one else "–"
        least = number(median(one["one_thread"]["ms"]) / threads) if "one_thread" in one else "–"
        rows.append([title, *[spread(one["times"].get(name, {}).get("ms")) for name in names], least, link])
    yield from table(["set", *names, "least", "link, µs"], rows)


def mebibytes(count):
    return "–" if count is None else f"{count / 2**20:.1f}"


def memory(sets):
    yield "## Memory\n"
    yield "MiB over an empty process of the same contender, all models of the set having run: PSS then, and at its peak.\n"
    rows = []
    for title, one in sets.items():
        for name, held in one["processes"].items():
            if held:
                own = [mebibytes(held[0].get(key)) for key in ("unique_weight_bytes", "arena_bytes", "plan_bytes", "resident_bytes")]
                rows.append([title, name, mebibytes(growth(held)), mebibytes(growth(held, "peak")), *own])
    yield from table(
        ["set", "contender", "PSS", "peak", "unique weights", "arena", "plans", "counted against the budget"], rows)


def storm(measured):
    yield "## Swap storm\n"
    yield (
        f"{len(measured['models'])} models, {measured['requests']} requests by Zipf's law, a budget of "
        f"{mebibytes(measured['budget'])} MiB. Milliseconds of a request. *Slack* is what the control group granted beside "
        "the budget and the empty process; *from disk*, what the contender had read while it served.\n")
    if "not_limited" in measured:
        yield f"No control group here: {measured['not_limited']}.\n"
    for way, words in (("limited", "In a control group"), ("free", "Without a control group")):
        if not measured[way]:
            continue
        yield f"### {words}\n"
        rows = []
        for name, rate in sorted(rates(measured[way]).items(), key=lambda item: -item[1]):
            rounds = measured[way][name]
            ordered = sorted(value for served in rounds for value in served["ms"])
            percentiles = [number(ordered[min(int(len(ordered) * share), len(ordered) - 1)]) for share in (0.5, 0.95, 0.99)]
            slack = mebibytes(max(served["slack"] for served in rounds)) if way == "limited" else "–"
            disk = mebibytes(median([served["disk_bytes"] for served in rounds]) if "disk_bytes" in rounds[0] else None)
            seconds = number(median([served["wall_ms"] / 1e3 for served in rounds]))
            rows.append([name, number(rate), *percentiles, seconds, disk, slack])
        yield from table(
            ["contender", "requests/s", "p50", "p95", "p99", "seconds in all", "from disk, MiB", "slack, MiB"], rows)


def ablations(sets):
    yield "## What each idea is worth\n"
    yield (
        "A step has all that the ones before it have. Milliseconds of a whole set: swapped in from the page cache, and with "
        "everything resident where the step changes that; MiB that are held for it.\n")
    rows = []
    for title, one in sets.items():
        for step, given in one["swap"].items():
            warm = one["warm"].get(step, {}).get("ms")
            rows.append([
                title, step, spread(given["ms"]), spread(warm) if warm else "", mebibytes(given["weight_bytes"]),
                mebibytes(given["arena_bytes"])])
    yield from table(["set", "step", "swapped in", "resident", "weights", "arenas"], rows)


def problems(results):
    errors = [
        (section, error) for section, measured in results["sections"].items()
        for error in measured.get("errors", [])]
    if not errors:
        return
    yield "## What could not be measured\n"
    lines = {}
    for section, error in errors:
        text = " ".join(str(error["error"]).split())[:240]
        lines.setdefault(f"{error['contender']}, `{error['command']}` {error['subject']}: {text}", set()).add(section)
    for line, where in lines.items():
        yield f"- {', '.join(sorted(where))}: {line}"
    yield ""


def markdown(results, pictures):
    machine = results["machine"]
    yield f"# Benchmark of {results['date']}, commit {results['commit']}\n"
    elsewhere = {
        name: measured["commit"] for name, measured in results["sections"].items()
        if measured.get("commit", results["commit"]) != results["commit"]}
    if elsewhere:
        yield "Measured at another commit: " + ", ".join(f"{name} at {at}" for name, at in elsewhere.items()) + ".\n"
    if results["uncommitted"]:
        yield "The sources held changes that are not committed.\n"
    gibibytes = (machine["memory_bytes"] or 0) / 2**30
    yield (
        f"{machine['cpu']}, {machine['cores']} cores, AVX-512 {'yes' if machine['avx512'] else 'no'}, "
        f"{gibibytes:.0f} GiB, Linux {machine['kernel']}; {results['threads']} threads, f32 unless int8 is said. "
        "Ratios are ours over theirs: below 1 is faster, or less.\n")
    yield from goals(figures(results))
    sections = results["sections"]

    def picture(name, words):
        if name in pictures:
            yield f"![{words}]({pictures[name]})\n"

    if "limits" in sections:
        yield from limits(sections["limits"])
    if "warm" in sections:
        yield from latencies("Warm latency", sections["warm"]["models"])
        yield from picture("warm", "Warm latency of the peers over FusedInf's")
        if "limits" in sections:
            yield from arithmetic(sections["warm"]["models"], sections["limits"]["gflop_s"])
    if "quantised" in sections:
        yield from quantised(sections["quantised"]["models"])
    if "counts" in sections:
        yield from counts(sections["counts"]["models"])
    if "swap" in sections:
        models = sections["swap"]["models"]
        for way, words in (("warm", "files in the page cache"), ("cold", "files on the disk alone")):
            yield from latencies(
                f"Swap-in to the first answer, {words}", {name: model[way] for name, model in models.items()})
        yield from picture("swap", "Swap-in to the first answer")
    if "sets" in sections:
        yield from set_times(sections["sets"]["sets"], results["threads"])
        yield from picture("sets", "Sets one by one over the fused program")
    if "memory" in sections:
        yield from memory(sections["memory"]["sets"])
        yield from picture("memory", "Memory of sets")
    if "storm" in sections:
        yield from storm(sections["storm"])
        yield from picture("storm", "Swap storm")
    if "ablations" in sections:
        yield from ablations(sections["ablations"]["sets"])
        yield from picture("ablations", "Swap-in of a set, one idea after the other")
    yield from problems(results)


def write(path):
    """Writes tables and pictures of the results in `path` beside them."""
    # Only pictures need matplotlib, and the server's benchmark draws none.
    import plots

    results = json.loads(path.read_text())
    pictures = plots.draw(results, path.with_suffix(""))
    tables = path.with_suffix(".md")
    tables.write_text("\n".join(markdown(
        results, {name: f"{file.parent.name}/{file.name}" for name, file in pictures.items()})))
    return tables


if __name__ == "__main__":
    write(pathlib.Path(sys.argv[1]))
