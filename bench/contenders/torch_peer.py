#!/usr/bin/env python3
"""PyTorch on classifiers, in channels-last layout: eager or compiled, with Conv+BN folded or not."""

import os

import torch

import torch_model
from peer import Peer, sample, serve


class Session:
    def __init__(self, module, entry):
        self.module = module
        image, = entry.feed.values()
        self.image = torch.from_numpy(image).contiguous(memory_format=torch.channels_last)

    def run(self):
        with torch.inference_mode():
            return [value.numpy() for value in self.module(self.image)]


class Together(torch.nn.Module):
    """The paper's way: one module that holds all models."""

    def __init__(self, modules):
        super().__init__()
        self.parts = torch.nn.ModuleList(modules)

    def forward(self, images):
        return [part(image) for part, image in zip(self.parts, images)]


class PyTorch(Peer):
    def start(self, folds=True, compiled=False, **arguments):
        self.folds = folds
        self.compiled = compiled
        torch.set_num_threads(arguments["threads"])
        if compiled:
            os.environ["TORCHINDUCTOR_CACHE_DIR"] = os.path.join(arguments["work"], "inductor")
            from torch._inductor import config

            config.freezing = True
        return super().start(**arguments)

    def versions(self):
        return {"torch": torch.__version__}

    def path(self, entry):
        return self.work / f"{entry.name}{'' if self.folds else '.plain'}.pt"

    def prepare(self, entry):
        torch.save(torch_model.built(entry.onnx, self.folds), self.path(entry))

    def load(self, entry, threads):
        module = torch.load(self.path(entry), weights_only=False, mmap=True)
        return Session(torch.compile(module) if self.compiled else module, entry)

    def files(self, entry):
        return [self.path(entry)]

    def do_set(self, models, mode, sampling):
        if mode == "side-by-side":
            # A thread's own setting, which starts from the process's: one for each worker.
            torch.set_num_threads(1)
            try:
                return super().do_set(models, mode, sampling)
            finally:
                torch.set_num_threads(self.threads)
        if mode == "in-turn":
            return super().do_set(models, mode, sampling)
        sessions = [self.sessions[name] for name in models]
        together = Together([session.module for session in sessions])
        images = [session.image for session in sessions]

        def once():
            with torch.inference_mode():
                return [[value.numpy() for value in answers] for answers in together(images)]

        once()
        return {"ms": sample(sampling, once)}


serve(PyTorch())
