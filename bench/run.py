#!/usr/bin/env python3
"""Measures FusedInf and its peers in alternation, in one run, and writes bench/results/DATE-COMMIT.{json,md} and plots.

Sections that are not named are kept as they are in the results of this commit, so a run can go on where one ended.
"""

import argparse
import datetime
import importlib
import json
import os
import pathlib
import time

import catalogue
import machine
import make_models
import report
from field import OURS, say
from places import RESULTS

SECTIONS = ["limits", "warm", "quantised", "counts", "swap", "sets", "memory", "storm", "ablations"]
# PyTorch takes long to install, and the others are slower forms of those that stay.
QUICK_CONTENDERS = {OURS, "onnxruntime", "onnxruntime-mapped", "openvino"}


class Plan:
    """What is measured, and how thoroughly."""

    def __init__(self, options):
        self.threads = options.threads
        self.rounds = options.rounds or (2 if options.quick else 5)
        self.seconds = options.seconds or (0.2 if options.quick else 0.4)
        self.quick = options.quick
        self.chosen = options.models

    def models(self):
        """The entries of the models that are measured one by one."""
        entries = catalogue.entries()
        names = self.chosen or (catalogue.QUICK if self.quick else catalogue.REAL + catalogue.CLASSIFIERS)
        return [entries[name] for name in names]

    def contenders(self, names):
        """Those of them that take part."""
        return [name for name in names if not self.quick or name in QUICK_CONTENDERS]

    def sets(self):
        return catalogue.sets(self.quick)

    def memory_sets(self):
        return catalogue.large_sets(self.quick)


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sections", type=lambda text: text.split(","), default=SECTIONS)
    parser.add_argument("--models", type=lambda text: text.split(","))
    parser.add_argument("--rounds", type=int)
    parser.add_argument("--seconds", type=float, help="how long one contender is measured in one round")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--quick", action="store_true", help="fewer models and rounds")
    parser.add_argument(
        "--output", type=pathlib.Path, metavar="FILE.json", help="instead of bench/results/DATE-COMMIT.json")
    return parser.parse_args()


def main():
    options = arguments()
    make_models.make()
    plan = Plan(options)
    facts = machine.facts()
    date = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d")
    name = f"{date}-{facts['commit']}{'-quick' if options.quick else ''}.json"
    path = (options.output or RESULTS / name).resolve()
    path.parent.mkdir(parents=True, exist_ok=True)
    results = json.loads(path.read_text()) if path.exists() else {"sections": {}}
    results |= {"date": date, "threads": plan.threads, **facts}
    for section in options.sections:
        start = time.monotonic()
        measured = importlib.import_module(f"sections.{section}").run(plan)
        measured |= {"commit": facts["commit"], "seconds": round(time.monotonic() - start), "rounds": plan.rounds}
        results["sections"][section] = measured
        partial = path.with_suffix(".partial")
        partial.write_text(json.dumps(results) + "\n")
        partial.replace(path)
    say(f"bench: results are in {path} and {report.write(path).name} beside it")


main()
