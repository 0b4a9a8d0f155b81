"""A run's results as Markdown."""

from figures import figures, middle
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


def goals(results):
    yield "## Figures to reach\n"
    verdict = {None: "not measured", True: "met", False: "**missed**"}
    yield from table(
        ["figure", "measured", "goal", "", "worst model"],
        [
            [
                figure.name.replace("  of these:", "&emsp;of these:"),
                f"{number(figure.value)} {figure.unit}" if figure.value is not None else "–", goal(figure),
                verdict[figure.met],
                f"{figure.worst_model} {number(figure.worst)}" if figure.worst_model else ""]
            for figure in figures(results)])
    for figure in figures(results):
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


def problems(results):
    errors = [
        (section, error) for section, measured in results["sections"].items()
        for error in measured.get("errors", [])]
    if not errors:
        return
    yield "## What could not be measured\n"
    for section, error in errors:
        text = " ".join(str(error["error"]).split())[:240]
        yield f"- {section}: {error['contender']}, `{error['command']}` {error['subject']}: {text}"
    yield ""


def markdown(results):
    machine = results["machine"]
    yield f"# Benchmark of {results['date']}, commit {results['commit']}\n"
    if results["uncommitted"]:
        yield "The sources held changes that are not committed.\n"
    memory = (machine["memory_bytes"] or 0) / 2**30
    yield (
        f"{machine['cpu']}, {machine['cores']} cores, AVX-512 {'yes' if machine['avx512'] else 'no'}, "
        f"{memory:.0f} GiB, Linux {machine['kernel']}; {results['threads']} threads, f32. "
        "Ratios are ours over theirs: below 1 is faster, or less.\n")
    yield from goals(results)
    sections = results["sections"]
    if "warm" in sections:
        yield from latencies("Warm latency", sections["warm"]["models"])
    if "swap" in sections:
        models = sections["swap"]["models"]
        for way, words in (("warm", "files in the page cache"), ("cold", "files on the disk alone")):
            yield from latencies(
                f"Swap-in to the first answer, {words}", {name: model[way] for name, model in models.items()})
    yield from problems(results)
