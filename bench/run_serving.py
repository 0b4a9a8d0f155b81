#!/usr/bin/env python3
"""Measures FusedInf's server beside Triton, Ray Serve and LitServe, and writes bench/results/DATE-COMMIT-serving.{json,md}.

Sections that are not named are kept as they are in the results of this commit, so a run can go on where one ended.
"""

import argparse
import datetime
import importlib
import json
import os
import pathlib
import signal
import sys
import time

import machine
import make_models
from field import say
from places import RESULTS
from serving import kinds, report

SECTIONS = ["latency", "goodput"]


class Plan:
    """What is measured, how thoroughly, and where results are kept as they come."""

    def __init__(self, options, path, results):
        self.threads = options.threads
        self.quick = options.quick
        self.rounds = options.rounds or (1 if options.quick else 2)
        self.load_seconds = options.seconds or (8 if options.quick else 20)
        # Of what onnxruntime would answer with every model resident.
        self.shares = options.loads or ([0.5, 1, 2] if options.quick else [0.25, 0.5, 1, 2])
        self.latency_rounds = options.rounds or (2 if options.quick else 5)
        self.latency_seconds = 1 if options.quick else 2
        self.chosen = options.contenders
        self.path = path
        self.results = results

    def contenders(self, names):
        """Those that take part, and are installed."""
        return [name for name in names if (not self.chosen or name in self.chosen) and kinds.is_there(name)]

    def save(self, section, measured):
        """Keeps what there is so far."""
        self.results["sections"][section] = measured
        partial = self.path.with_suffix(".partial")
        partial.write_text(json.dumps(self.results) + "\n")
        partial.replace(self.path)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)

    def words(text):
        return text.split(",")

    parser.add_argument("--sections", type=words, default=SECTIONS)
    parser.add_argument("--contenders", type=words, help=f"of {', '.join(kinds.KINDS)}")
    parser.add_argument("--loads", type=lambda text: [float(word) for word in text.split(",")])
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float, help="how long each load is offered")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--quick", action="store_true", help="fewer loads and rounds: twelve minutes at most")
    parser.add_argument(
        "--output", type=pathlib.Path, metavar="FILE.json", help="instead of bench/results/DATE-COMMIT-serving.json")
    return parser.parse_args()


def main():
    options = arguments()
    # Servers are ended on the way out, however it comes to that.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    make_models.make()
    facts = machine.facts()
    date = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d")
    name = f"{date}-{facts['commit']}-serving{'-quick' if options.quick else ''}.json"
    path = (options.output or RESULTS / name).resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    results = json.loads(path.read_text()) if path.exists() else {"sections": {}}
    results |= {"date": date, "threads": options.threads, **facts}
    plan = Plan(options, path, results)
    try:
        # The client is to send when a request is due, whatever the server does with the cores: alike for all of them.
        os.setpriority(os.PRIO_PROCESS, 0, -5)
        results["client_priority"] = -5
    except OSError:
        results["client_priority"] = 0
    for section in options.sections:
        start = time.monotonic()
        measured = importlib.import_module(f"serving.{section}").run(plan)
        measured |= {"commit": facts["commit"], "seconds": round(time.monotonic() - start), "rounds": plan.rounds}
        plan.save(section, measured)
    say(f"bench: results are in {path} and {report.write(path).name} beside it")


main()
