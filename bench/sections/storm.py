"""A swap storm: twenty models, requests drawn by Zipf's law, memory for a quarter of them.

Everybody serves the same sequence under the same budget, in turn on all threads and with as many workers as there are
threads: in a control group whose limit is the budget, what the contender's empty process takes, and some slack; and
once more without a group. A peer keeps sessions up to the budget, by the memory that each was seen to take, and drops
the least recently used.
"""

import pathlib

import numpy as np

import catalogue
from cgroup import MemoryGroup, Unavailable, forget_page_cache
from field import OURS, Field, say
from measure import median

CONTENDERS = [OURS, "onnxruntime", "onnxruntime-mapped", "openvino", "openvino-uncached"]
# What the group grants beside the budget and the empty process: more for who is ended for taking more.
SLACKS = [32 << 20, 64 << 20, 128 << 20, 256 << 20, 512 << 20, 1 << 30]
SEED = 11
# A peer that reads everything again and again serves what it can in this time.
LONGEST_SECONDS = 30
GROUP = "fusedinf-bench"


def sequence(models, count):
    """Names drawn by Zipf's law; which model is how popular is drawn too."""
    random = np.random.default_rng(SEED)
    ranked = random.permutation(models)
    weights = 1 / np.arange(1, len(models) + 1)
    return [str(name) for name in random.choice(ranked, count, p=weights / weights.sum())]


class Storm:
    """What is served, and how it is measured."""

    def __init__(self, plan):
        entries = catalogue.entries()
        self.entries = [entries[name] for name in catalogue.STORM]
        weights = sum(pathlib.Path(entry["onnx"]).stat().st_size for entry in self.entries)
        self.budget = weights // 4
        self.threads = plan.threads
        count = 40 if plan.quick else 100
        self.warm_up = count // 10
        self.requests = sequence(catalogue.STORM, self.warm_up + count)
        self.errors = []

    def serve(self, name, workers, group=None, slack=None):
        """One process serves the sequence; None when it could not."""
        with Field([name], self.threads, budget=self.budget) as field:
            field.contenders[name].inside = group and group.join
            field.ask(name, "memory")
            empty = group.used_bytes if group else None
            command = "open" if name == OURS else "charges"
            served = field.ask(name, command, models=self.entries)
            if served and group:
                group.limit(self.budget + empty + slack)
            elif served and name == OURS:
                # A peer has read its files by now.
                for model in served["models"]:
                    pathlib.Path(model["file"]).read_bytes()
            # The first requests meet a process that has served nothing yet, and are not counted.
            for requests in (self.requests[: self.warm_up], self.requests[self.warm_up :]):
                before = field.contenders[name].disk_bytes if served else 0
                served = served and field.ask(
                    name, "storm", requests=requests, workers=workers,
                    **({} if name == OURS else {"budget": self.budget, "seconds": LONGEST_SECONDS}))
            if served is None:
                self.errors.append(field.errors[-1] | {"subject": f"storm, {workers} workers, slack {slack}"})
                return None
            served["disk_bytes"] = field.contenders[name].disk_bytes - before
        return served | ({"empty": empty, "slack": slack} if group else {})

    def serve_limited(self, name, workers):
        """The same in a group, with the least slack that the contender lives through."""
        for slack in SLACKS:
            forget_page_cache()
            with MemoryGroup(GROUP) as group:
                served = self.serve(name, workers, group, slack)
            if served or not self.errors[-1]["died"]:
                return served
        return None


def prepare(storm, names):
    with Field(names, storm.threads) as field:
        return [name for name in names if all([field.prepare(name, entry) for entry in storm.entries])]


def run(plan):
    storm = Storm(plan)
    results = {
        "models": catalogue.STORM, "budget": storm.budget, "seed": SEED,
        "requests": len(storm.requests) - storm.warm_up, "free": {}, "limited": {}}
    names = prepare(storm, plan.contenders(CONTENDERS))
    if plan.quick:
        # Its sessions take so much while they are made that it is ended several times first.
        names.remove("onnxruntime")
    ways = {"limited": storm.serve_limited, "free": storm.serve}
    try:
        with MemoryGroup(GROUP):
            forget_page_cache()
        if plan.quick:
            del ways["free"]
    except Unavailable as error:
        results["not_limited"] = str(error)
        del ways["limited"]
    for way, serve in ways.items():
        for name in names:
            for mode, workers in (("in-turn", 1), ("side-by-side", plan.threads)):
                served = serve(name, workers)
                if served is None:
                    continue
                results[way][f"{name} {mode}"] = [served]
                rate = len(served["ms"]) / served["wall_ms"] * 1e3
                say(f"storm {way:8} {name} {mode}: {rate:.1f} requests/s, median {median(served['ms']):.1f} ms")
    return results | {"errors": storm.errors}
