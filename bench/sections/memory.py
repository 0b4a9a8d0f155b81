"""Memory of a set of models that have all run: what a process takes over an empty one, and FusedInf's own accounts."""

import threading
import time

import catalogue
from field import OURS, Field, say

CONTENDERS = [
    OURS, "onnxruntime", "onnxruntime-mapped", "onnxruntime-no-arena", "openvino", "openvino-uncached",
    "pytorch",
]
PERIOD_SECONDS = 0.01


def proportional_set_size(process):
    """Bytes; None when the process has ended."""
    try:
        with open(f"/proc/{process}/smaps_rollup") as file:
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith("Pss:"))
    except (OSError, StopIteration):
        return None


class Watch:
    """Looks at a process again and again; `peak` is the most that it was seen to take."""

    def __init__(self, process):
        self.process = process
        self.peak = 0
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.look)

    def look(self):
        while not self.over.wait(PERIOD_SECONDS):
            self.peak = max(self.peak, proportional_set_size(self.process) or 0)

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()


def measure(name, entries, plan, errors):
    """One process from its start to all models having run."""
    models = [entry["name"] for entry in entries]
    with Field([name], plan.threads) as field:
        if name not in field.contenders or not field.takes(name, entries):
            return None
        ready = all([field.prepare(name, entry) for entry in entries])
        errors += field.errors
        if not ready:
            return None
    with Field([name], plan.threads) as field:
        empty = field.ask(name, "memory")["pss"]
        with Watch(field.contenders[name].pid) as watch:
            opened = field.ask(name, "open", models=entries)
            mode = "fused" if name == OURS else "in-turn"
            once = {"seconds": 0, "least": 2, "most": 2}
            ran = opened and field.ask(name, "set", models=models, mode=mode, sampling=once)
            time.sleep(PERIOD_SECONDS * 2)
            held = ran and field.ask(name, "memory", models=models)
        errors += field.errors
    return held and {"empty": empty, "peak": watch.peak, **held}


def run(plan):
    results, errors = {}, []
    entries = catalogue.entries()
    for title, models in plan.memory_sets().items():
        chosen = [entries[name] for name in models]
        results[title] = {"models": models, "processes": {name: [] for name in plan.contenders(CONTENDERS)}}
        for _ in range(1 if plan.quick else 2):
            for name, measured in results[title]["processes"].items():
                held = measure(name, chosen, plan, errors)
                if held:
                    measured.append(held)
        say(f"memory {title:16} " + "  ".join(
            f"{name} {(held[0]['pss'] - held[0]['empty']) / 2**20:.0f} MiB (peak "
            f"{(held[0]['peak'] - held[0]['empty']) / 2**20:.0f})"
            for name, held in results[title]["processes"].items() if held))
    return {"sets": results, "errors": errors}
