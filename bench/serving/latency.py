"""One client at a time: latency of small warm models, what a server adds to its engine for a tiny one, and how many of those it
answers a second. Servers are started anew in each round, one after the other, so that none runs beside another."""

import asyncio
import time

from field import OURS, PROGRAM, say
from measure import median
from process import Contender
from serving import charges, kinds
from serving.client import HTTPClient
from serving.closed import grpc_request, many_connections, one_client, one_grpc_client
from serving.goodput import check
from serving.models import FOLDER, few

CONNECTIONS = [1, 4, 16, 64]
# Memory is no question here.
BUDGET = 4 << 30
# What is kept of the samples of one round.
MOST_SAMPLES = 1000


async def checked(server, models):
    async with HTTPClient(server.port) as http:
        await check(server, server.client(http), models)


def thinned(samples):
    """Evenly, and as many decimals as mean something."""
    step = -(-len(samples) // MOST_SAMPLES)
    return [round(value, 4) for value in samples[::step]]


def ask(server, models, seconds):
    """All of one server in one round: {subject: samples or rate}."""
    asyncio.run(checked(server, models))
    requests = {model.name: b"".join(server.wire.request(model)) for model in models}
    answers = {}
    for name, request in requests.items():
        one_client(server.port, request, seconds / 4)
        answers[name] = thinned(one_client(server.port, request, seconds))
    if server.speaks_grpc:
        request = grpc_request(models[-1])
        one_grpc_client(server.grpc_port, request, seconds / 4)
        answers["identity over gRPC"] = thinned(one_grpc_client(server.grpc_port, request, seconds))
    for count in CONNECTIONS:
        answers[f"{count} connections"] = many_connections(server.port, requests["identity"], count, seconds)
    return answers


def engine_milliseconds(model, seconds):
    """The identity in FusedInf's engine itself, without a server."""
    entry = charges.entries([model])[0]
    settings = {"threads": 2, "store": str(FOLDER / OURS / "engine"), "budget": BUDGET}
    with Contender("fusedinf-engine", [PROGRAM], settings) as engine:
        engine.ask("prepare", models=[entry])
        engine.ask("open", models=[entry])
        sampling = {"seconds": seconds, "least": 20, "most": 1_000_000}
        return thinned(engine.ask("warm", model=model.name, sampling=sampling)["ms"])


def run(plan):
    models = few()
    session = charges.session_charges(models)
    names = [name for name in plan.contenders(kinds.KINDS) if name not in kinds.ABLATIONS]
    results = {"contenders": {}, "notes": {}, "engine_ms": [], "errors": []}
    for _ in range(plan.latency_rounds):
        for name in list(names):
            kind = kinds.KINDS[name]
            options = {"charges": session} if name in kinds.PEERS else {}
            try:
                server = kind(models, BUDGET, threads=plan.threads, **options)
                server.prepare()
                with server:
                    time.sleep(1)
                    answers = ask(server, models, plan.latency_seconds)
            except Exception as error:  # whatever a server does is for the report
                results["errors"].append({"contender": name, "command": "latency", "subject": "", "error": str(error)[:1000]})
                say(f"  {name}: {str(error)[:300]}")
                names.remove(name)
                continue
            results["notes"][name] = kind.note
            for subject, value in answers.items():
                results["contenders"].setdefault(name, {}).setdefault(subject, []).append(value)
            say(f"latency {name:12} " + ", ".join(
                f"{subject} {median(value):.3f} ms" if isinstance(value, list) else f"{subject} {value:.0f}/s"
                for subject, value in answers.items()))
        if PROGRAM.exists():
            try:
                results["engine_ms"].append(engine_milliseconds(models[-1], plan.latency_seconds / 2))
            except Exception as error:
                results["errors"].append({
                    "contender": "fusedinf's engine", "command": "warm", "subject": "identity", "error": str(error)[:1000]})
        plan.save("latency", results)
    return results
