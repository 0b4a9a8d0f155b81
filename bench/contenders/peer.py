"""What every peer's program does alike: the protocol, the clock, files and memory."""

import collections
import concurrent.futures
import ctypes
import gc
import json
import mmap
import os
import pathlib
import sys
import time

import numpy as np

import storm
from memory import give_back, proportional_set_size


def cached_share(path):
    """The share of a file's pages that are in the page cache."""
    size = os.path.getsize(path)
    if size == 0:
        return 0.0
    with open(path, "rb") as file, mmap.mmap(file.fileno(), size, mmap.MAP_PRIVATE) as mapping:
        pages = (ctypes.c_ubyte * ((size + 4095) // 4096))()
        first = ctypes.c_char.from_buffer(mapping)
        ctypes.CDLL(None).mincore(ctypes.c_void_p(ctypes.addressof(first)), ctypes.c_size_t(size), pages)
        # The mapping cannot be closed while something points into it.
        del first
        return sum(page & 1 for page in pages) / len(pages)


def drop_from_page_cache(path):
    with open(path, "rb") as file:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def read_into_page_cache(path):
    with open(path, "rb") as file:
        while file.read(8 << 20):
            pass


class Entry:
    """A model as the orchestrator names it, with its inputs read."""

    def __init__(self, described):
        self.name = described["name"]
        self.onnx = described["onnx"]
        self.feed = {item["name"]: np.load(item["file"]) for item in described["inputs"]}
        self.outputs = [item["name"] for item in described["outputs"]]


class Peer:
    """A peer says how sessions are made; the rest is alike.

    A session is what `load` returns: it has `run()`, which gives the outputs in the entry's order, and holds nothing
    after it is dropped.
    """

    def start(self, threads, work, **options):
        """Called once. `work`: a folder for what `prepare` makes."""
        self.threads = threads
        self.work = pathlib.Path(work)
        self.work.mkdir(parents=True, exist_ok=True)
        self.sessions = {}
        # With one thread each, and how long a run of them takes.
        self.single = {}
        self.workers = concurrent.futures.ThreadPoolExecutor(threads)
        self.entries = {}
        # Those that were there after the last part of a storm.
        self.storm_sessions = None
        return {"versions": self.versions()}

    def versions(self):
        raise NotImplementedError

    def prepare(self, entry):
        """Makes what a later load takes from disk, beside the .onnx file."""

    def load(self, entry, threads):
        raise NotImplementedError

    def files(self, entry):
        """The files that a load reads."""
        raise NotImplementedError

    # Commands.

    def do_start(self, **arguments):
        return self.start(**arguments)

    def do_prepare(self, models):
        for described in models:
            self.prepare(Entry(described))
        # What is not on the disk yet cannot be dropped from the page cache.
        os.sync()
        return {}

    def do_open(self, models):
        opened = []
        for described in models:
            entry = Entry(described)
            self.entries[entry.name] = entry
            start = time.perf_counter()
            self.sessions[entry.name] = self.load(entry, self.threads)
            opened.append({"name": entry.name, "open_ms": (time.perf_counter() - start) * 1e3})
        return {"models": opened}

    def do_close(self, models):
        for name in models:
            self.sessions.pop(name, None)
            self.single.pop(name, None)
            self.entries.pop(name, None)
        gc.collect()
        return {}

    def do_answers(self, models, folder):
        for model in models:
            place = pathlib.Path(folder) / model
            place.mkdir()
            for name, value in zip(self.entries[model].outputs, self.sessions[model].run()):
                np.save(place / (name.replace("/", "_") + ".npy"), value)
        return {}

    def do_warm(self, model, sampling):
        session = self.sessions[model]
        session.run()
        return {"ms": sample(sampling, session.run)}

    def do_swap(self, model, way, sampling):
        """From no session to the first answer. Leaves the model without a session."""
        entry = self.entries[model]
        self.sessions.pop(model, None)
        gc.collect()
        session = None
        share = 0.0

        def unload():
            nonlocal session, share
            session = None
            gc.collect()
            for path in self.files(entry):
                if way == "cold":
                    drop_from_page_cache(path)
                    share = max(share, cached_share(path))
                elif cached_share(path) < 1:
                    read_into_page_cache(path)

        def swap_in():
            nonlocal session
            session = self.load(entry, self.threads)
            session.run()

        samples = sample(sampling, swap_in, before=unload)
        # A session that stayed could hold pages of files that another form of this peer drops.
        session = None
        return {"ms": samples} | ({"cached_share": share} if way == "cold" else {})

    def do_set(self, models, mode, sampling):
        """All models once: one after the other on all threads, or each on one thread, as many at once as there are
        threads, the longest first."""
        if mode == "in-turn":
            sessions = [self.sessions[name] for name in models]

            def once():
                for session in sessions:
                    session.run()
        else:
            once = self.side_by_side(models)
        once()
        return {"ms": sample(sampling, once)}

    def side_by_side(self, models):
        for name in models:
            if name not in self.single:
                session = self.load(self.entries[name], 1)
                session.run()
                self.single[name] = session, min(sample({"seconds": 0, "least": 3, "most": 3}, session.run))
        order = [session for session, _ in sorted((self.single[name] for name in models), key=lambda item: -item[1])]

        def once():
            # A queue that workers take from: appending and popping are atomic.
            waiting = collections.deque(order)

            def work(_):
                while waiting:
                    try:
                        session = waiting.popleft()
                    except IndexError:
                        return
                    session.run()

            list(self.workers.map(work, range(self.threads)))

        return once

    def do_charges(self, models):
        entries = [Entry(described) for described in models]
        self.charges = storm.charges(entries, lambda entry: self.load(entry, self.threads))
        self.entries |= {entry.name: entry for entry in entries}
        return {"bytes": self.charges}

    def do_storm(self, requests, workers, budget, seconds):
        threads = self.threads if workers == 1 else 1
        if self.storm_sessions is None:
            self.storm_sessions = storm.Sessions(
                budget, self.charges, lambda entry: self.load(entry, threads))
        return storm.serve_all([self.entries[name] for name in requests], workers, self.storm_sessions, seconds)

    def do_memory(self, models=None):
        give_back()
        return {"pss": proportional_set_size()}


def sample(sampling, body, before=None):
    """Milliseconds of `body`, measured until the seconds are over, between `least` and `most` times."""
    end = time.perf_counter() + sampling["seconds"]
    samples = []
    while len(samples) < sampling["least"] or (len(samples) < sampling["most"] and time.perf_counter() < end):
        if before:
            before()
        start = time.perf_counter()
        body()
        samples.append((time.perf_counter() - start) * 1e3)
    return samples


def serve(peer):
    """Answers commands until `quit`. What libraries print goes to standard error."""
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    for line in sys.stdin:
        arguments = json.loads(line)
        command = arguments.pop("command")
        if command == "quit":
            # At once: taking libraries apart measures nothing, and some crash at it.
            answers.flush()
            os._exit(0)
        try:
            answer = getattr(peer, "do_" + command)(**arguments)
        except Exception as error:  # whatever a library raises is the orchestrator's to record
            answer = {"error": f"{type(error).__name__}: {error}"[:2000]}
        answers.write(json.dumps(answer) + "\n")
