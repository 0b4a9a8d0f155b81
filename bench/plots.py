"""A run's results as pictures: SVG files in a folder beside them."""

import matplotlib

matplotlib.use("svg")

import matplotlib.pyplot as pyplot  # noqa: E402 - the backend comes first
import numpy as np  # noqa: E402

from field import OURS  # noqa: E402
from figures import best, growth, middle, rates  # noqa: E402
from measure import median  # noqa: E402

COLOURS = {
    OURS: "#c8402f", "onnxruntime": "#3f6c9b", "openvino": "#7d95ad", "pytorch": "#c9a24b", "in-turn": "#e3a79e",
    "one-module": "#e3cf9c",
}
LABELS = {OURS: "FusedInf", "onnxruntime": "ONNX Runtime", "openvino": "OpenVINO", "pytorch": "PyTorch"}
FAMILIES = ["onnxruntime", "openvino", "pytorch"]
STYLE = {
    "font.size": 9, "font.family": "sans-serif", "axes.spines.top": False, "axes.spines.right": False,
    "axes.grid": True, "axes.grid.axis": "y", "grid.color": "#e4e4e4", "axes.axisbelow": True,
    "axes.edgecolor": "#888888", "xtick.color": "#333333", "ytick.color": "#333333", "axes.titlesize": 10,
    "axes.titlelocation": "left", "axes.titleweight": "bold", "legend.frameon": False, "svg.fonttype": "none",
    # Equal results give equal files.
    "svg.hashsalt": "fusedinf",
}


def groups(axes, names, series):
    """Bars side by side: series is [(label, colour, a value or None for each name)]."""
    series = [(label, colour, values) for label, colour, values in series if any(values)]
    width = 0.8 / max(len(series), 1)
    for index, (label, colour, values) in enumerate(series):
        at = np.arange(len(names)) + (index - (len(series) - 1) / 2) * width
        known = [(place, value) for place, value in zip(at, values) if value]
        axes.bar(*zip(*known), width * 0.92, color=colour, label=label)
    axes.set_xticks(range(len(names)), names, rotation=35, ha="right")
    axes.tick_params(axis="x", length=0)
    axes.margins(x=0.01)


def legend(figure, axes):
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))


def canvas(height=3.6, rows=1, columns=1):
    return pyplot.subplots(rows, columns, figsize=(9.6, height), layout="constrained", squeeze=False)


def single(height=3.6):
    figure, panels = canvas(height)
    return figure, panels[0][0]


def warm(sections):
    models = {name: one for name, one in sections["warm"]["models"].items() if middle(one, OURS)}
    figure, axes = single()
    series = [
        (LABELS[family], COLOURS[family], [
            best(one, family) and best(one, family) / middle(one, OURS) for one in models.values()])
        for family in FAMILIES]
    groups(axes, list(models), series)
    axes.axhline(1, color=COLOURS[OURS], linewidth=1.6, label="FusedInf = 1")
    axes.set_title("Warm latency over FusedInf's: above the line, FusedInf is faster")
    legend(figure, axes)
    return figure


def swap(sections):
    models = {name: one for name, one in sections["swap"]["models"].items() if middle(one["warm"], OURS)}
    figure, panels = canvas(7, rows=2)
    for axes, way, title in zip(panels[:, 0], ("warm", "cold"), ("files in the page cache", "files on the disk alone")):
        series = [(LABELS[OURS], COLOURS[OURS], [middle(one[way], OURS) for one in models.values()])]
        series += [
            (LABELS[family], COLOURS[family], [best(one[way], family) for one in models.values()])
            for family in FAMILIES]
        groups(axes, list(models), series)
        own = [median(one["own_warm"]) for one in models.values()]
        axes.plot(range(len(own)), own, "_", color="black", markersize=16, label="FusedInf, warm run")
        axes.set_yscale("log")
        axes.set_ylabel("ms")
        axes.set_title(f"Swap-in to the first answer, {title}")
    legend(figure, panels[0][0])
    return figure


def sets(sections):
    measured = {title: one["times"] for title, one in sections["sets"]["sets"].items()}
    measured = {title: times for title, times in measured.items() if middle(times, f"{OURS} fused")}

    def relative(value, times):
        return value and value / middle(times, f"{OURS} fused")

    def of_family(times, family):
        known = [
            middle(times, name) for name in times
            if name.split("-")[0].split()[0] == family and not name.endswith("one-module")]
        return min(known, default=None)

    figure, axes = single(4.2)
    series = [("FusedInf, one by one", COLOURS["in-turn"], [
        relative(middle(times, f"{OURS} in-turn"), times) for times in measured.values()])]
    series += [
        (LABELS[family], COLOURS[family], [relative(of_family(times, family), times) for times in measured.values()])
        for family in FAMILIES]
    series.append(("PyTorch, one module", COLOURS["one-module"], [
        relative(middle(times, "pytorch one-module"), times) for times in measured.values()]))
    groups(axes, list(measured), series)
    axes.axhline(1, color=COLOURS[OURS], linewidth=1.6, label="fused = 1")
    axes.set_title("A set one by one, over the fused program: above the line, fusing is faster")
    legend(figure, axes)
    return figure


def memory(sections):
    measured = {
        title: one["processes"] for title, one in sections["memory"]["sets"].items() if one["processes"].get(OURS)}

    def taken(processes, family):
        known = [growth(held) for name, held in processes.items() if name.split("-")[0] == family and held]
        return min(known) / 2**20 if known else None

    figure, axes = single()
    series = [
        (LABELS[family], COLOURS[family], [taken(processes, family) for processes in measured.values()])
        for family in [OURS, *FAMILIES]]
    groups(axes, list(measured), series)
    weights = [processes[OURS][0]["unique_weight_bytes"] / 2**20 for processes in measured.values()]
    at = np.arange(len(weights))
    axes.hlines(weights, at - 0.45, at + 0.45, color="black", linewidth=1.2, label="unique packed weights")
    axes.set_ylabel("MiB")
    axes.set_xticks(range(len(measured)), list(measured), rotation=0, ha="center")
    axes.set_title("Memory of a set whose models have all run, over an empty process (PSS)")
    legend(figure, axes)
    return figure


def storm(sections):
    way = "limited" if sections["storm"]["limited"] else "free"
    measured = sections["storm"][way]
    per_second = rates(measured)
    figure, ((left, right),) = canvas(columns=2)
    families = [family for family in [OURS, *FAMILIES] if any(name.startswith(family) for name in measured)]
    chosen = [
        max((name for name in measured if name.startswith(family)), key=per_second.get) for family in families]
    colours = [COLOURS[family] for family in families]
    names = [LABELS[family] for family in families]
    left.bar(names, [per_second[name] for name in chosen], color=colours, width=0.6)
    left.set_title("Swap storm: requests per second")
    for family, name in zip(families, chosen):
        values = [value for served in measured[name] for value in served["ms"]]
        shares = np.linspace(0, 100, 400)
        right.plot(shares, np.percentile(values, shares), color=COLOURS[family], label=LABELS[family], linewidth=1.8)
    right.set_yscale("log")
    right.set_xticks([0, 25, 50, 75, 95], ["0", "25", "50", "75", "95"])
    right.set_xlabel("percentile")
    right.set_title("Latency of a request, ms")
    legend(figure, right)
    return figure


def ablations(sections):
    measured = sections["ablations"]["sets"]
    figure, (panels,) = canvas(2.9, columns=len(measured))
    for axes, (title, one) in zip(panels, measured.items()):
        steps = list(one["swap"])
        values = [median(one["swap"][step]["ms"]) for step in steps]
        shades = pyplot.get_cmap("Reds")(np.linspace(0.25, 0.75, len(steps)))
        axes.barh(steps, values, color=shades)
        for place, value in enumerate(values):
            axes.text(value, place, f" {value:.0f}", va="center", fontsize=8)
        axes.invert_yaxis()
        axes.grid(visible=False)
        axes.set_title(title, fontsize=8)
        axes.margins(x=0.18)
        if axes is not panels[0]:
            axes.set_yticklabels([])
    figure.suptitle("Swap-in of a whole set, ms: one idea after the other", x=0.01, ha="left", fontsize=10, weight="bold")
    return figure


def draw(results, folder):
    """Draws what was measured; {section: file}."""
    files = {}
    with pyplot.rc_context(STYLE):
        for draws in (warm, swap, sets, memory, storm, ablations):
            name = draws.__name__
            if name not in results["sections"]:
                continue
            folder.mkdir(parents=True, exist_ok=True)
            figure = draws(results["sections"])
            files[name] = folder / f"{name}.svg"
            figure.savefig(files[name], metadata={"Date": None})
            pyplot.close(figure)
    return files
