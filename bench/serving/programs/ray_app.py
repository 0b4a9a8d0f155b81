#!/usr/bin/env python3
"""Ray Serve with its model multiplexing: one replica, sessions by LRU, as many as fit the budget in the mean.

Usage: ray_app.py CONFIGURATION.json
"""

import asyncio
import concurrent.futures
import pathlib
import signal
import sys
import tempfile
import threading

import ray
from ray import serve
from starlette.requests import Request
from starlette.responses import Response

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))

import sessions

CONFIGURATION, MODELS = sessions.read(sys.argv[1])
CHARGES = [CONFIGURATION["charges"].get(name, 1 << 20) for name in MODELS]
MOST = max(int(CONFIGURATION["budget"] // (sum(CHARGES) / len(CHARGES))), 1)


@serve.deployment(num_replicas=1, max_ongoing_requests=1000, max_queued_requests=-1, ray_actor_options={"num_cpus": 1})
class Multiplexed:
    def __init__(self, configuration, models):
        self.configuration = configuration
        self.models = models
        self.workers = concurrent.futures.ThreadPoolExecutor(configuration["workers"])

    async def in_thread(self, function, *arguments):
        return await asyncio.get_running_loop().run_in_executor(self.workers, function, *arguments)

    @serve.multiplexed(max_num_models_per_replica=MOST)
    async def session(self, name):
        return await self.in_thread(sessions.Session, self.models[name], self.configuration)

    async def __call__(self, request: Request):
        name = serve.get_multiplexed_model_id()
        expires = float(request.headers["expires-at"])
        body = await request.body()
        try:
            session = await self.session(name)
            return Response(await self.in_thread(session.run, body, expires), media_type="application/octet-stream")
        except sessions.Expired:
            return Response(b'{"error": "too late"}', 504, media_type="application/json")


def main():
    with tempfile.TemporaryDirectory(prefix="fusedinf-ray-", dir="/tmp") as folder:
        ray.init(
            num_cpus=2, include_dashboard=False, object_store_memory=80 << 20, _temp_dir=folder, log_to_driver=True,
            runtime_env={"env_vars": {"PYTHONPATH": str(pathlib.Path(__file__).resolve().parent)}})
        serve.start(http_options={"host": "127.0.0.1", "port": CONFIGURATION["port"]})
        serve.run(Multiplexed.bind(CONFIGURATION, MODELS), route_prefix="/")
        print(f"sessions at most: {MOST}", flush=True)
        ended = threading.Event()
        signal.signal(signal.SIGTERM, lambda *_: ended.set())
        while not ended.wait(1):
            pass
        ray.shutdown()


main()
