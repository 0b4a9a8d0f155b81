#!/usr/bin/env python3
"""Shows that the server bears more than it can do: twenty models, memory for a quarter of them, arrivals independent and in
bursts, at one, two and four times its capacity.

Usage: load.py [--seconds N]    how long each of the six loads lasts: 300, or LOAD_SECONDS

Checked: every request is answered, or refused in good form (429, 503 or 504, with a JSON body that says why, and when to
try again where that helps); the budget is never exceeded; memory and descriptors do not grow; every model is served at every
load, and no admitted request waits longer than the server promises; and what is answered in time does not fall much when
more is asked.
"""

import argparse
import asyncio
import collections
import contextlib
import dataclasses
import json
import os
import pathlib
import re
import statistics
import sys
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "bench"))

import numpy as np

import make_models
from cgroup import MemoryGroup, Unavailable
from serving.arrivals import PATTERNS, arrivals
from serving.client import Broken, HTTPClient, open_loop
from serving.goodput import WARM_UP_SECONDS, check
from serving.kinds import FusedInf
from serving.models import FOLDER, many

FACTORS = [1, 2, 4]
QUEUE_BYTES, BODY_BYTES, PLAN_BYTES = 64 << 20, 96 << 20, 96 << 20
# Room beside the budget and the empty server: requests and answers, plans, and what docs/serving.md says of the heap.
SLACK = BODY_BYTES + PLAN_BYTES + (64 << 20)
MAX_DELAY_SECONDS = 2
# What an admitted request may take beyond the longest wait: to be swapped in, computed, and sent over a busy machine.
RUN_SECONDS = 3
# Nobody waits longer: what has not come by then is lost.
PATIENCE_SECONDS = 60
# Requests that say how long an answer is of use; the others leave it to the server's longest wait.
WITH_DEADLINE = 0.75
GOODPUT_SHARE = 0.9
# What may stay behind between the end of the first load and the last: the heap's holes, and plans up to their own bound.
GROWTH_BYTES, GROWTH_DESCRIPTORS = 48 << 20, 4


class Watch(threading.Thread):
    """Looks at the server's process every second: anonymous memory, and open descriptors."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.folder = pathlib.Path(f"/proc/{pid}")
        self.samples = []
        self.ended = threading.Event()

    def look(self):
        """(seconds, bytes of anonymous memory, descriptors). Weights are mapped from files and come and go under the budget."""
        rollup = (self.folder / "smaps_rollup").read_text()
        anonymous = int(re.search(r"^Anonymous:\s*(\d+)", rollup, re.M)[1]) * 1024
        return time.monotonic(), anonymous, len(os.listdir(self.folder / "fd"))

    def run(self):
        while not self.ended.wait(1):
            try:
                self.samples.append(self.look())
            except OSError:
                return


class Counters:
    """What has happened so far, for differences: by the server's metrics, and by the machine's clocks of processor time."""

    def __init__(self, known, pid):
        self.known = known
        ticks = [int(field) for field in pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
        self.all, self.idle = sum(ticks), ticks[3] + ticks[4]
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        self.server = int(stat[11]) + int(stat[12])
        times = os.times()
        self.client = (times.user + times.system) * os.sysconf("SC_CLK_TCK")

    def since(self, before):
        """{what: number} of what has happened between."""
        def grown(name):
            return self.known.get(name, 0) - before.known.get(name, 0)

        def share(name):
            return (getattr(self, name) - getattr(before, name)) / max(self.all - before.all, 1)

        return {
            "batch": grown("fusedinf_batch_size_sum") / max(grown("fusedinf_batch_size_count"), 1),
            "width": grown("fusedinf_program_width_sum") / max(grown("fusedinf_program_width_count"), 1),
            "loaded": grown("fusedinf_loaded_bytes_total"), "from_disk": grown("fusedinf_storage_read_bytes_total"),
            "server": share("server"), "client": share("client"),
            "others": 1 - share("idle") - share("server") - share("client")}


def slope(samples, column):
    """Growth in a minute of what is left of the samples after a third of them, for warming up."""
    kept = samples[len(samples) // 3:]
    if len(kept) < 10:
        return 0.0
    return statistics.linear_regression([sample[0] for sample in kept], [sample[column] for sample in kept]).slope * 60


def malformed(status, headers, body):
    """What is wrong with a refusal; None when it tells a client what it needs."""
    try:
        error = json.loads(bytes(body))["error"]
    except (ValueError, KeyError, TypeError):
        return f"malformed {status}: {bytes(body[:80]).decode(errors='replace')}"
    if not isinstance(error, str) or not error:
        return f"malformed {status}: no words"
    if status in (429, 503) and not headers.get("retry-after", "").isdigit():
        return f"malformed {status}: no Retry-After"
    return None


def without_deadline(model):
    """The same for a client that leaves it to the server how long a request may wait."""
    return dataclasses.replace(model, deadline=MAX_DELAY_SECONDS + RUN_SECONDS, tells_deadline=False)


async def capacity(server, http, models, seconds):
    """Answers a second with sixteen requests always under way."""
    drawn = iter(arrivals(models, "poisson", 1000, seconds))
    end = time.monotonic() + seconds
    answered = 0

    async def work():
        nonlocal answered
        while time.monotonic() < end and (drawn_one := next(drawn, None)):
            status, _, _ = await server.infer(http, drawn_one[1], 0)
            answered += status == 200

    start = time.monotonic()
    await asyncio.gather(*(work() for _ in range(16)))
    return answered / (time.monotonic() - start)


async def metrics(http):
    """{name: value}, the sum over all labels."""
    _, _, body = await http.call("GET", "/metrics")
    known = collections.defaultdict(float)
    for line in bytes(body).decode().splitlines():
        if line and line[0] != "#":
            name, _, value = line.rpartition(" ")
            known[name.partition("{")[0]] += float(value)
    return dict(known)


async def drained(http):
    """Returns when nothing waits or runs any more."""
    for _ in range(100):
        known = await metrics(http)
        if not known.get("fusedinf_queue_requests") and not known.get("fusedinf_running_members"):
            break
        await asyncio.sleep(0.1)
    await asyncio.sleep(1)


class Load:
    """One load's outcomes and what is wrong with them."""

    def __init__(self, pattern, factor, rate, seconds, outcomes, samples, happened):
        self.title = f"{factor}× {pattern}"
        self.pattern, self.factor = pattern, factor
        self.rate = rate
        self.goodput = sum(outcome.kind == "in time" for outcome in outcomes) / seconds
        self.kinds = collections.Counter(outcome.kind for outcome in outcomes)
        self.statuses = collections.Counter(outcome.status for outcome in outcomes if outcome.kind == "refused")
        self.slope_bytes, self.slope_descriptors = slope(samples, 1), slope(samples, 2)
        answered = [outcome for outcome in outcomes if outcome.status == 200]
        self.peak_bytes = max((sample[1] for sample in samples), default=0)
        self.happened = happened
        self.answered = len(answered)
        self.longest = max((outcome.ms / 1e3 for outcome in answered), default=0)
        asked = collections.Counter(outcome.model for outcome in outcomes)
        served = collections.Counter(outcome.model for outcome in answered)
        # Of one that was asked for a few times only, all may have been refused for their deadlines.
        self.starved = sorted(name for name, count in asked.items() if count >= 20 and not served[name])

    def row(self):
        others = ", ".join(f"{count} {kind}" for kind, count in self.kinds.items() if kind not in ("in time", "refused"))
        refused = " ".join(f"{status}×{count}" for status, count in sorted(self.statuses.items()))
        return (
            f"{self.title:12} offered {self.rate:6.1f}/s  in time {self.goodput:6.1f}/s  longest {self.longest:5.2f} s  "
            f"refused {refused or '–'}  {others}")

    def details(self):
        """Why it was so."""
        known = self.happened
        return (
            f"{'':12} batches of {known['batch']:.2f}, programs of {known['width']:.2f}; an answer swapped "
            f"{known['loaded'] / max(self.answered, 1) / 2**20:.1f} MiB in, of which the disk gave "
            f"{known['from_disk'] / max(self.answered, 1) / 2**20:.2f}; {self.peak_bytes >> 20} MiB of heap; processors: server "
            f"{known['server']:.0%}, client {known['client']:.0%}, others {known['others']:.0%}")

    def problems(self):
        for kind, count in self.kinds.items():
            if kind not in ("in time", "late", "refused"):
                yield f"{self.title}: {count} × {kind}"
        if self.longest > MAX_DELAY_SECONDS + RUN_SECONDS:
            yield f"{self.title}: an admitted request took {self.longest:.1f} s"
        if self.starved:
            yield f"{self.title}: never served: {', '.join(self.starved)}"


async def load(server, models, watch, seconds):
    """All loads in turn: (loads, problems)."""
    patient = {model.name: without_deadline(model) for model in models}
    loads, problems, at_rest = [], [], []
    async with HTTPClient(server.port) as http:
        await check(server, http, models)
        # Twice: the first time makes the plans, of batches too.
        for _ in range(2):
            rate = await capacity(server, http, patient.values(), min(seconds, 20))
        print(f"load: capacity {rate:.1f} requests/s", flush=True)
        for pattern in PATTERNS:
            for factor in FACTORS:
                await open_loop(server, http, arrivals(models, pattern, rate * factor, WARM_UP_SECONDS), patience=PATIENCE_SECONDS)
                first = len(watch.samples)
                before = Counters(await metrics(http), server.process.pid)
                drawn = arrivals(models, pattern, rate * factor, seconds)
                tells = np.random.default_rng(factor).random(len(drawn)) < WITH_DEADLINE
                outcomes = await open_loop(
                    server, http, [
                        (at, model if told else patient[model.name]) for (at, model), told in zip(drawn, tells)],
                    refusal=malformed, patience=PATIENCE_SECONDS)
                happened = Counters(await metrics(http), server.process.pid).since(before)
                loads.append(Load(pattern, factor, rate * factor, seconds, outcomes, watch.samples[first:], happened))
                print("load:", loads[-1].row(), flush=True)
                print("load:", loads[-1].details(), flush=True)
                http.close_idle()
                await drained(http)
                at_rest.append(watch.look())
        known = await metrics(http)
    for one in loads:
        problems += one.problems()
    for one in loads:
        # Of what was asked up to here: where more of it is patient, more of it can be in time.
        best = max(other.goodput for other in loads if other.pattern == one.pattern and other.factor <= one.factor)
        if one.factor > 1 and one.goodput < GOODPUT_SHARE * best:
            problems.append(f"{one.title}: {one.goodput:.1f} a second in time, where {best:.1f} are possible")
    peak, budget = known.get("fusedinf_peak_resident_bytes"), known.get("fusedinf_budget_bytes")
    if peak is None or budget is None:
        problems.append("/metrics tells neither the budget nor the peak")
    elif peak > budget:
        problems.append(f"{peak:.0f} bytes were held of a budget of {budget:.0f}")
    else:
        print(f"load: {peak / 2**20:.1f} MiB held at most, of a budget of {budget / 2**20:.1f}")
    print("load: at rest " + ", ".join(f"{sample[1] >> 20} MiB {sample[2]} descriptors" for sample in at_rest))
    print("load: growth within loads, a minute: " + ", ".join(
        f"{one.slope_bytes / 2**20:+.2f} MiB {one.slope_descriptors:+.1f}" for one in loads))
    if at_rest[-1][1] - at_rest[0][1] > GROWTH_BYTES:
        problems.append(f"memory at rest grew from {at_rest[0][1]} to {at_rest[-1][1]} bytes")
    if at_rest[-1][2] - at_rest[0][2] > GROWTH_DESCRIPTORS:
        problems.append(f"descriptors at rest grew from {at_rest[0][2]} to {at_rest[-1][2]}")
    return loads, problems


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=float(os.environ.get("LOAD_SECONDS", 300)))
    options = parser.parse_args()
    make_models.make()
    models = many(os.cpu_count(), quick=True)
    budget = sum(model.file_bytes for model in models) // 4
    print(f"load: {len(models)} models, a budget of {budget >> 20} MiB, {options.seconds:.0f} s each load", flush=True)
    kind = type("Loaded", (FusedInf,), {
        "options": ("--max-delay", f"{MAX_DELAY_SECONDS}s", "--max-queue-bytes", QUEUE_BYTES,
            "--max-body-in-flight", BODY_BYTES, "--plan-cache", PLAN_BYTES)})
    server = kind(models, budget)
    server.prepare()
    with contextlib.ExitStack() as stack:
        try:
            group = server.group = stack.enter_context(MemoryGroup("fusedinf-load"))
        except Unavailable as error:
            print(f"load: no control group here: {error}")
            group = None
        stack.enter_context(server)
        watch = Watch(server.process.pid)
        if group:
            group.limit(group.used_bytes + budget + SLACK)
        watch.start()
        try:
            loads, problems = asyncio.run(load(server, models, watch, options.seconds))
        except (OSError, Broken) as error:
            loads, problems = [], [f"the server does not answer any more: {error}"]
        watch.ended.set()
        if server.process.poll() is not None:
            problems.append(f"the server ended with status {server.process.returncode}: {server.last_words()}")
        if group and group.kills:
            problems.append("the kernel ended the server for its memory")
    for problem in problems:
        print(f"load: FAILED: {problem}")
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "load.json").write_text(json.dumps({
        "seconds": options.seconds, "budget": budget, "problems": problems,
        "loads": [vars(one) for one in loads]}) + "\n")
    print(f"load: {'failed' if problems else 'all is as promised'}")
    sys.exit(bool(problems))


if __name__ == "__main__":
    main()
