#!/usr/bin/env python3
"""LitServe with sessions by LRU under a budget of bytes. Usage: litserve_app.py CONFIGURATION.json"""

import asyncio
import concurrent.futures
import pathlib
import sys
from typing import Annotated

import litserve
from fastapi import Depends, HTTPException, Request, Response

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent.parent / "contenders")]

import sessions
import storm


class Entry:
    """A model as the storm's sessions name it."""

    def __init__(self, model):
        self.name = model["name"]
        self.model = model


async def tensors(request: Request):
    """Tensors come as they are in the body: LitServe's own decoding takes JSON."""
    return request.headers["model"], float(request.headers["expires-at"]), await request.body()


class Models(litserve.LitAPI):
    def __init__(self, configuration, models):
        super().__init__(enable_async=True)
        self.configuration = configuration
        self.models = models

    def setup(self, device):
        self.workers = concurrent.futures.ThreadPoolExecutor(self.configuration["workers"])
        charges = {name: self.configuration["charges"].get(name, 1 << 20) for name in self.models}
        self.entries = {name: Entry(model) for name, model in self.models.items()}
        self.sessions = storm.Sessions(
            self.configuration["budget"], charges, lambda entry: sessions.Session(entry.model, self.configuration))

    def serve(self, name, expires, body):
        if expires and sessions.time.time() > expires:
            raise sessions.Expired
        return self.sessions.serve(self.entries[name], body, expires)

    async def decode_request(self, request: Annotated[tuple, Depends(tensors)]):
        return request

    async def predict(self, request):
        try:
            return await asyncio.get_running_loop().run_in_executor(self.workers, self.serve, *request)
        except sessions.Expired:
            raise HTTPException(504, "too late") from None

    async def encode_response(self, output) -> Response:
        return Response(output, media_type="application/octet-stream")


if __name__ == "__main__":
    configuration, models = sessions.read(sys.argv[1])
    server = litserve.LitServer(
        Models(configuration, models), accelerator="cpu", devices=1, workers_per_device=1, timeout=False, fast_queue=True)
    server.run(host="127.0.0.1", port=configuration["port"], num_api_servers=1, generate_client_file=False, log_level="warning")
