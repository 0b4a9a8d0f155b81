#!/usr/bin/env python3
"""Runs random small graphs of all operators with FusedInf, and compares every output with onnxruntime's: `make fuzz-graphs`.

Expected values come from onnxruntime without graph optimisations, or from ONNX's reference implementation where onnxruntime lacks an
operator or type. FusedInf runs each graph with passes and without, alone and fused with another model. A graph fails if an output
differs by more than rounding excuses (scripts/fuzz_graphs/evaluation.py), if a signal ends a process, or if it takes too long. The
same seed makes the same graph. The kept graphs of Tests/Fixtures/graphs run first.
"""

import argparse
import os
import pathlib
import sys
import tempfile
import time

from fuzz_graphs import campaign, confirmation, self_test, tally
from program import ROOT

KEPT = ROOT / "Tests" / "Fixtures" / "graphs"
BATCH = 400
# Files of cases are synced; a folder in memory makes that free.
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


def chunks(options, done):
    """Yields lists of items until the time or the count is over."""
    if options.replay:
        yield [{"name": path.stem, "replay": str(path.resolve())} for path in options.replay]
        return
    kept = sorted(KEPT.glob("*.onnx"))
    if kept and not options.only and not done:
        yield [{"name": f"kept-{path.stem}", "replay": str(path)} for path in kept]
    end, seed = time.monotonic() + options.seconds, max(options.seed, done)
    while (seed < options.seed + options.count) if options.count else (time.monotonic() < end):
        size = min(BATCH, options.seed + options.count - seed) if options.count else BATCH
        yield [{"name": f"{one}", "seed": one, "only": options.only} for one in range(seed, seed + size)]
        seed += size


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=180)
    parser.add_argument("--count", type=int, help="stop after so many graphs, however long they take")
    parser.add_argument("--seed", type=int, default=1, help="of the first graph; the next ones count on")
    parser.add_argument("--only", metavar="OP", help="graphs that contain this operator")
    parser.add_argument("--replay", metavar="FILE", type=pathlib.Path, nargs="+", help="run kept graphs")
    parser.add_argument("--jobs", type=int, default=min(os.cpu_count() or 1, 4), help="graphs at a time")
    parser.add_argument("--results", type=pathlib.Path, help="a file for the figures; a run that was interrupted continues from it")
    parser.add_argument("--limit", type=float, default=30, help="the seconds that a graph may take")
    parser.add_argument("--keep", type=pathlib.Path, default=ROOT / ".cache" / "fuzz-graphs", help="a folder for the graphs that failed")
    parser.add_argument("--refusals", action="store_true", help="list every refusal with its graph")
    options = parser.parse_args()
    self_test.run()
    counted, failed = tally.Tally(options.results), []
    with tempfile.TemporaryDirectory(prefix="fuzz-graphs-", dir=MEMORY) as name:
        running = campaign.Campaign(pathlib.Path(name), options.limit, options.jobs)
        for items in chunks(options, counted.next_seed):
            for case, found in confirmation.confirmed(running, running.run(items), options.keep).items():
                counted.add(case, found)
                message = str(found["message"]).replace("\n", " ")
                operators = " ".join(found["operators"])
                if found.get("peer_ended"):
                    print(f"{case}: a peer {message}", flush=True)
                if found["status"] in ("failed", "crashed"):
                    failed.append(case)
                    print(f"{case} {found['status']}: {message} [{operators}]", flush=True)
                if found["status"] == "refused" and options.refusals:
                    print(f"{case} refused: {message} [{operators}]", flush=True)
            counted.advance(items)
            running.clear()
            if options.results:
                counted.save()
                print(f"{time.strftime('%H:%M:%S')} {counted.summary()}", flush=True)
    counted.report(is_whole=not options.only and not options.replay)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
