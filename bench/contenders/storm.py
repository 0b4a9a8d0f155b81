"""A swap storm as a peer serves it: sessions under a budget, the least recently used leaving first."""

import collections
import threading
import time

from memory import give_back, proportional_set_size


def charges(entries, load):
    """Bytes that each model's session takes, with the memory of a run: {name: bytes}."""
    result = {}
    for entry in entries:
        give_back()
        before = proportional_set_size()
        session = load(entry)
        session.run()
        give_back()
        result[entry.name] = max(proportional_set_size() - before, 0)
        del session
    give_back()
    return result


class Sessions:
    """Those that are there, and who uses them. Several threads may use it; one session runs for one of them at a time."""

    def __init__(self, budget, charges, load):
        self.budget = budget
        self.charges = charges
        self.load = load
        self.changed = threading.Condition()
        # name: [session or None while it loads, users, lock], the least recently used first.
        self.present = collections.OrderedDict()
        self.bytes = 0
        self.loads = 0

    def serve(self, entry, *arguments):
        """One request; the arguments and the result are those of the run."""
        held, is_new = self.take(entry.name)
        try:
            with held[2]:
                if is_new:
                    held[0] = self.load(entry)
                    # What only loading took is no part of the charge.
                    give_back()
                return held[0].run(*arguments)
        finally:
            with self.changed:
                held[1] -= 1
                self.changed.notify_all()

    def take(self, name):
        """Holds a place for the session; who gets a new place loads it."""
        charge = self.charges[name]
        if charge > self.budget:
            raise MemoryError(f"'{name}' takes {charge} bytes of a budget of {self.budget}")
        with self.changed:
            while name not in self.present and not self.make_room(charge):
                self.changed.wait()
            if name in self.present:
                self.present.move_to_end(name)
                self.present[name][1] += 1
                return self.present[name], False
            held = self.present[name] = [None, 1, threading.Lock()]
            # Nobody else may run it before it is loaded: the holder of the lock loads.
            self.bytes += charge
            self.loads += 1
            return held, True

    def make_room(self, charge):
        """Drops idle sessions until `charge` fits; False when it does not even so."""
        for name in list(self.present):
            if self.bytes + charge <= self.budget:
                return True
            if self.present[name][1] == 0:
                del self.present[name]
                self.bytes -= self.charges[name]
                give_back()
        return self.bytes + charge <= self.budget


def serve_all(requests, workers, sessions, seconds):
    """Serves entries in their order with some workers, and takes no more when the seconds are over: milliseconds of each
    that was served, and of all."""
    latencies = []
    failures = []
    numbers = iter(range(len(requests)))
    lock = threading.Lock()

    def work():
        while not failures:
            with lock:
                index = next(numbers, None)
            begun = time.perf_counter()
            if index is None or begun - start > seconds:
                return
            try:
                sessions.serve(requests[index])
            except Exception as error:
                failures.append(error)
                return
            latencies.append((time.perf_counter() - begun) * 1e3)

    start = time.perf_counter()
    threads = [threading.Thread(target=work) for _ in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return {"ms": latencies, "wall_ms": (time.perf_counter() - start) * 1e3, "loads": sessions.loads}
