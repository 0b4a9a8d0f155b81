"""Goodput under a limit on memory: twenty models, memory for a quarter of them, answers within the deadline a second.

Each server sits in a control group whose limit is the budget, what its processes take before the first model, and a
slack. Requests come when they are due, however slow the server is; the client goes away at the deadline.
"""

import asyncio
import collections
import contextlib
import dataclasses
import time

import numpy as np

from cgroup import MemoryGroup, Unavailable, forget_page_cache
from field import say
from places import ROOT
from serving import charges, kinds
from serving.arrivals import PATTERNS, SEED, arrivals, popularity
from serving.client import HTTPClient, open_loop
from serving.models import FLOOR_SECONDS, WARM_RUNS, many
from serving.server import Failed

# More for who is ended for taking more.
SLACKS = [32 << 20, 128 << 20, 512 << 20]
GROUP = "fusedinf-serving"
# Before each load the server gets so much of it that its state is that load's.
WARM_UP_SECONDS = 2
SHARES = (0.5, 0.9, 0.99)


def ideal_rate(models):
    """Requests a second that onnxruntime would answer one after the other on all threads, with every model resident."""
    ranked, probabilities = popularity([model.name for model in models])
    warm = {model.name: model.warm_ms for model in models}
    return float(1e3 / sum(warm[name] * share for name, share in zip(ranked, probabilities)))


def percentiles(outcomes):
    """[p50, p90, p99] in milliseconds over all requests; None where a request was not answered in time."""
    if not outcomes:
        return [None] * len(SHARES)
    ordered = sorted(outcome.ms if outcome.kind == "in time" else np.inf for outcome in outcomes)
    values = [ordered[min(int(len(ordered) * share), len(ordered) - 1)] for share in SHARES]
    return [round(value, 3) if np.isfinite(value) else None for value in values]


def summary(outcomes, seconds, models):
    """What became of the requests of one load, in all and by kind of model."""
    kind_of = {model.name: model.kind for model in models}
    by_kind = collections.defaultdict(list)
    for outcome in outcomes:
        by_kind[kind_of[outcome.model]].append(outcome)
    good = sum(outcome.kind == "in time" for outcome in outcomes)
    return {
        "requests": len(outcomes), "seconds": seconds, "goodput": good / seconds,
        "outcomes": dict(collections.Counter(outcome.kind for outcome in outcomes).most_common(12)),
        "percentiles": percentiles(outcomes),
        "kinds": {
            kind: {
                "requests": len(own), "in_time": sum(outcome.kind == "in time" for outcome in own),
                "percentiles": percentiles(own)}
            for kind, own in sorted(by_kind.items())}}


class Killed(Failed):
    """It took more memory than the group has."""


async def check(server, client, models):
    """Every model answers as its reference does."""
    for model in models:
        # It may be planned and loaded for the first time; nobody waits for it.
        async with asyncio.timeout(60):
            status, headers, body = await server.infer(
                client, dataclasses.replace(model, tells_deadline=False), time.time() + 60)
        if status != 200:
            raise Failed(f"{model.name}: status {status}: {bytes(body[:300]).decode(errors='replace')}")
        problem = model.problem(server.wire.answers(model, headers, body))
        if problem:
            raise Failed(problem)


async def loads(server, models, plan, rates, name, runs):
    """Every load in turn on one server that runs: its summaries, as they come, into `runs`."""
    async with HTTPClient(server.port) as http:
        client = server.client(http)
        await check(server, client, models)
        for pattern in PATTERNS:
            for rate in rates:
                await open_loop(server, client, arrivals(models, pattern, rate, WARM_UP_SECONDS, SEED + 1))
                before = server.disk_bytes()
                outcomes = await open_loop(server, client, arrivals(models, pattern, rate, plan.load_seconds))
                run = {"pattern": pattern, "rate": rate} | summary(outcomes, plan.load_seconds, models)
                run |= {"disk_bytes": server.disk_bytes() - before, "pss": server.proportional_set_size()}
                runs.append(run)
                say(
                    f"goodput {name:28} {pattern:8} {rate:6.1f}/s offered: {run['goodput']:6.1f}/s in time, "
                    + ", ".join(f"{count} {kind[:60]}" for kind, count in run["outcomes"].items()))
                if server.process.poll() is not None:
                    raise Failed(f"{name} ended with status {server.process.returncode}: {server.last_words()}")


def serve(name, kind, options, models, budget, plan, rates, slack):
    """One server through all loads inside a control group, where one can be had. What it has done before it failed is in the
    error's `served`."""
    server = kind(models, budget, threads=plan.threads, **options)
    server.prepare()
    with contextlib.ExitStack() as stack:
        group = server.group = stack.enter_context(MemoryGroup(GROUP)) if slack is not None else None
        if group:
            forget_page_cache()
        stack.enter_context(server)
        time.sleep(1)
        empty = group.used_bytes if group else server.proportional_set_size()
        if group:
            group.limit(budget + empty + slack)
        served = {"note": kind.note, "empty": empty, "slack": slack, "runs": [], "peak": None}
        try:
            try:
                asyncio.run(loads(server, models, plan, rates, name, served["runs"]))
            finally:
                served["peak"] = group.peak_bytes if group else None
                kills = group.kills if group else 0
            if kills:
                raise Failed("it went on without them")
        except Exception as error:
            if kills:
                error = Killed(f"{kills} of its processes were ended for their memory; {error}")
            error.served = served
            raise error
        return served


def contenders(plan, models, budget):
    """{name: (kind, options)}: a peer computes one model at once on all threads, or as many as there are threads."""
    session = charges.session_charges(models)
    result = {}
    for name in plan.contenders(kinds.KINDS):
        kind = kinds.KINDS[name]
        if name not in kinds.PEERS:
            result[name] = kind, {}
            continue
        own = charges.triton_charges(models, session) if name == kinds.Triton.name else session
        for mode, workers in (("in turn", 1), ("side by side", plan.threads)):
            if not plan.quick or mode == kind.better_mode:
                result[f"{name} {mode}"] = kind, {"charges": own, "workers": workers}
    return result


def run(plan):
    models = many(plan.threads, plan.quick)
    budget = sum(model.file_bytes for model in models) // 4
    ideal = ideal_rate(models)
    rates = [round(share * ideal, 1) for share in plan.shares]
    say(f"goodput: budget {budget >> 20} MiB, ideal {ideal:.1f}/s, loads {rates}")
    results = {
        "budget": budget, "seed": SEED, "ideal_rate": ideal, "warm_runs": WARM_RUNS, "floor_ms": FLOOR_SECONDS * 1e3,
        "models": [
            {"name": model.name, "kind": model.kind, "warm_ms": model.warm_ms, "deadline_ms": model.deadline * 1e3}
            for model in models],
        "contenders": {}, "errors": []}
    slacks = SLACKS
    try:
        with MemoryGroup(GROUP):
            forget_page_cache()
    except Unavailable as error:
        results["not_limited"] = str(error)
        slacks = [None]
    for _ in range(plan.rounds):
        for name, (kind, options) in contenders(plan, models, budget).items():
            if any(error["contender"] == name for error in results["errors"]):
                continue
            failure = None
            for slack in slacks:
                try:
                    served = serve(name, kind, options, models, budget, plan, rates, slack)
                except Exception as error:  # whatever a server does is for the report
                    text = f"{type(error).__name__}: {error}".replace(f"{ROOT}/", "")
                    partly = getattr(error, "served", {"runs": []})
                    failure = {"contender": name, "command": "goodput", "subject": f"slack {slack}", "error": text[:1000]}
                    say(f"  {name}: {text[:300]}")
                    if isinstance(error, Killed):
                        continue
                else:
                    failure = None
                    results["contenders"].setdefault(name, []).append(served)
                break
            if failure:
                # What it answered before it ended counts.
                if partly["runs"]:
                    results["contenders"].setdefault(name, []).append(partly)
                results["errors"].append(failure)
            plan.save("goodput", results)
    return results
