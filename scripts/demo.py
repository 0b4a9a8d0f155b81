#!/usr/bin/env python3
"""Plays a box that watches a shop: seven models, one picture, a file, a microphone, and too little memory for all.

Everything goes through the command-line program; this script prepares inputs, and turns outputs into words.
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import time

import numpy as np

import answers
import timeline
from scene import MODELS, Scene, only_output

ROOT = pathlib.Path(__file__).resolve().parent.parent
PROGRAM = pathlib.Path(os.environ.get("FUSEDINF", ROOT / ".build" / "release" / "fusedinf"))
WORK = ROOT / ".cache" / "demo"
STORE = WORK / "store"
ROUNDS = 6
BEGAN = time.monotonic()

# name: (file, the shapes it is used with). The smallest comes first: its answer takes seconds.
WATCHERS = {
    "text-direction": ("cls", "x=1..8x3x48x192"),
    "voice-activity": ("silero-vad-16k", "input=1x576", "state=2x1x128"),
    "file-type": ("magika", "bytes=1x2048"),
    "text-detection": ("det", "x=1x3x480x640"),
    "text-recognition": ("rec", "x=1..8x3x48x320"),
    "person-detection": ("nudenet", "images=1x3x320x320"),
    "nsfw-rating": ("open-nsfw", "input:0=1x224x224x3"),
}
BOLD, DIM, PLAIN = ("\033[1m", "\033[2m", "\033[0m") if sys.stdout.isatty() else ("", "", "")


def say(text=""):
    print(text, flush=True)


def heading(text):
    say(f"\n{BOLD}{text}{PLAIN}  {DIM}[{time.monotonic() - BEGAN:.1f} s]{PLAIN}")


def size(count):
    return f"{count / 2**20:.1f} MiB"


def fusedinf(*arguments):
    """Runs the program; what it has to complain about goes to the terminal and ends the demo."""
    result = subprocess.run([PROGRAM, *map(str, arguments)], stdout=subprocess.PIPE, text=True)
    if result.returncode != 0:
        sys.exit(f"demo: fusedinf {' '.join(map(str, arguments[:2]))} … ended with status {result.returncode}")
    return result.stdout


def run(inputs, *options):
    """Runs models as one fused program: {model: {input: array}} to the report and {model: {output: array}}."""
    given, out = WORK / "inputs", WORK / "outputs"
    shutil.rmtree(out, ignore_errors=True)
    arguments = ["run", *inputs, "--store", STORE, "--output", out, "--json"]
    for model, arrays in inputs.items():
        for index, (name, array) in enumerate(arrays.items()):
            file = given / f"{model}-{index}.npy"
            np.save(file, array)
            arguments += ["--input", f"{model}/{name}={file}"]
    report = json.loads(fusedinf(*arguments, *options))
    for model in report["models"]:
        model["values"] = {
            output["name"]: np.load(out / model["name"] / (output["name"].replace("/", "_") + ".npy"))
            for output in model["outputs"]}
    return report, {model["name"]: model for model in report["models"]}


def compile_model(name):
    file, *shapes = WATCHERS[name]
    bounds = [argument for shape in shapes for argument in ("--shape", shape)]
    summary = fusedinf("add", MODELS / f"{file}.onnx", "--name", name, "--store", STORE, *bounds).strip()
    say(f"  {summary.splitlines()[-1] if summary else name}")


def table(models, scene):
    say(f"  {'':17} {'loaded':>10} {'swap-in':>9} {'first':>9} {'warm':>9}   answer")
    for name, model in models.items():
        # From the second repetition on: plans are made, code is warm.
        later = model["run_ms"][1:] or model["run_ms"]
        say(f"  {name:17} {size(model['bytes_loaded']):>10} {model['swap_in_ms']:6.1f} ms {model['first_ms']:6.1f} ms "
            f"{np.median(later):6.1f} ms   {scene.words(name, model)}")


def bar(share, width=40):
    filled = round(min(1.0, share) * width)
    return "█" * filled + "░" * (width - filled)


def first_answer(scene):
    heading("The smallest model first")
    compile_model("text-direction")
    report, models = run({"text-direction": scene.inputs()["text-direction"]})
    model = models["text-direction"]
    say(f"  {BOLD}first answer{PLAIN} after {model['first_ms']:.1f} ms: {scene.words('text-direction', model)}")


def one_by_one(scene):
    """Each model alone, in a process of its own; what they need decides the budget."""
    heading("Each model alone")
    # Where the text is decides what the reader reads: the detector goes first.
    _, models = run({"text-detection": scene.inputs()["text-detection"]})
    scene.boxes = answers.text_boxes(only_output(models["text-detection"])[0, 0])[:8]
    for step in range(14, 19):
        _, models = run({"voice-activity": scene.voice_input(step)})
        scene.state = models["voice-activity"]["values"]["stateN"]
    alone = {}
    for name, arrays in scene.inputs().items():
        # What it needs shows in a single run; how fast it is, in several.
        needs, _ = run({name: arrays})
        _, models = run({name: arrays}, "--repeat", ROUNDS)
        alone[name] = needs | {"model": models[name]}
    table({name: report["model"] for name, report in alone.items()}, scene)
    return alone


def choose_budget(alone):
    heading("A budget that does not hold them")
    needs = {name: report["peak_resident_bytes"] for name, report in alone.items()}
    weights = {name: report["unique_weight_bytes"] for name, report in alone.items()}
    largest = max(needs, key=needs.get)
    others = sum(count for name, count in weights.items() if name != largest)
    budget = needs[largest] + others // 3
    say(f"  {largest} needs the most: {size(needs[largest])} with its activations")
    say(f"  the others' weights come to {size(others)}; a third of them is granted")
    say(f"  {BOLD}budget {size(budget)}{PLAIN}; side by side, all resident, they would hold {size(sum(needs.values()))}")
    return budget


def fused(scene, alone, budget):
    heading(f"All seven as one fused program, {ROUNDS} rounds")
    trace = WORK / "trace.json"
    report, models = run(
        scene.inputs(), "--budget", budget, "--repeat", ROUNDS, "--trace", trace)
    say(f"  linked in {report['link_us'] / 1000:.1f} ms: {size(report['unique_weight_bytes'])} of weights, one arena of "
        f"{size(report['arena_bytes'])} for all")
    table(models, scene)
    say(f"  {DIM}from the start of a round, waiting for memory included{PLAIN}\n")
    tell_rounds(trace, report["wall_ms"])
    share = report["peak_resident_bytes"] / report["budget_bytes"]
    say(f"  memory  {bar(share)} {size(report['peak_resident_bytes'])} at most, of {size(report['budget_bytes'])}")
    together = float(np.median(report["wall_ms"][1:]))
    apart = sum(float(np.median(entry["model"]["run_ms"][1:])) for entry in alone.values())
    say(f"  a round of all seven takes {together:.0f} ms while swapping; one by one with all weights resident, {apart:.0f} ms")
    return trace


def owners():
    """Which model an extent belongs to, by the start of its hash."""
    found = {}
    for name in WATCHERS:
        for extent in json.loads(fusedinf("inspect", name, "--store", STORE, "--json"))["extents"]:
            found[str(extent["hash"])[:12]] = name
    return found


def tell_rounds(trace, walls):
    """What each round brought in and threw out, and the last one drawn."""
    cut = timeline.rounds(trace, owners(), WATCHERS)
    for number, (events, wall) in enumerate(zip(cut, walls), 1):
        told = timeline.swapped(events)
        moved = "all seven" if len(told["models"]) == len(WATCHERS) else ", ".join(told["models"])
        say(f"  round {number}  {wall:6.0f} ms   in {size(told['in']):>9}   out {size(told['out']):>9} "
            f"in {told['evictions']} evictions   {DIM}{moved}{PLAIN}")
    marks = dict(zip(WATCHERS, "ABCDEFG"))
    say("\n  the last round over time:")
    for track, line in timeline.drawing(cut[-1], marks) if cut else []:
        say(f"  {track:7} {line}")
    for group in (list(marks)[:4], list(marks)[4:]):
        say(f"  {'':7} " + "   ".join(f"{marks[name]} {name}" for name in group))
    say()


def listen(scene):
    heading("Listening: 32 ms of sound a run, the model's state carried on")
    scene.state = np.zeros((2, 1, 128), np.float32)
    line = ""
    for step in range(6, scene.steps() - 4):
        _, models = run({"voice-activity": scene.voice_input(step)})
        scene.state = models["voice-activity"]["values"]["stateN"]
        line += " ▁▂▃▄▅▆▇█"[min(8, int(float(only_output(models["voice-activity"]).ravel()[0]) * 8.99))]
    say(f"  quiet, a synthetic voice, quiet:  |{line}|")


def main():
    if not PROGRAM.exists():
        sys.exit("demo: the program is not built: run `make demo`")
    shutil.rmtree(WORK, ignore_errors=True)
    (WORK / "inputs").mkdir(parents=True)
    scene = Scene()
    say(f"{BOLD}A box that watches a shop.{PLAIN} It has one camera picture (docs/shop.png), a file that just came in")
    say(f"({scene.file.name}), a microphone, seven models, and too little memory for all of them.")
    first_answer(scene)
    heading("Compiling the rest")
    for name in list(WATCHERS)[1:]:
        compile_model(name)
    alone = one_by_one(scene)
    budget = choose_budget(alone)
    trace = fused(scene, alone, budget)
    listen(scene)
    heading("What to try next")
    program, store = PROGRAM.relative_to(ROOT) if PROGRAM.is_relative_to(ROOT) else PROGRAM, STORE.relative_to(ROOT)
    say(f"  open {trace.relative_to(ROOT)} in https://ui.perfetto.dev: loads, kernels and lanes over time")
    say(f"  {program} graph text-detection text-recognition --store {store} -o fused.svg")
    say(f"  {program} run text-detection nsfw-rating --store {store} --swap cold --repeat 5 --json")
    say(f"  {program} add YOUR.onnx --store {store}")


main()
