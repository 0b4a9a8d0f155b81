"""Counts the outcomes of graphs, and keeps them in a file, from which an interrupted run continues."""

import collections
import json
import re

from . import registry


class Tally:
    def __init__(self, path=None):
        self.path = path
        known = json.loads(path.read_text()) if path and path.exists() else {}
        # The seed after the last one that was run; 0 before the first.
        self.next_seed, self.first_seed = known.get("next_seed", 0), known.get("first_seed")
        self.counts, self.used, self.refusals = (
            collections.Counter(known.get(key, {})) for key in ("outcomes", "graphs_by_operator", "refusals"))
        self.failed = known.get("failed", {})

    def add(self, name, found):
        self.counts[found["status"]] += 1
        self.used.update(set(found["operators"]))
        if found["status"] in ("failed", "crashed"):
            self.failed[name] = f"{found['message']} [{' '.join(found['operators'])}]"
        if found["status"] == "refused":
            self.refusals[re.sub(r"'[^']*'|\d+", "…", found["message"].replace("\n", " "))[:200]] += 1

    def advance(self, items):
        seeds = [item["seed"] for item in items if "seed" in item]
        if seeds:
            self.first_seed = seeds[0] if self.first_seed is None else self.first_seed
            self.next_seed = max(seeds) + 1

    @property
    def seeds(self):
        return self.next_seed - (self.first_seed or 0)

    def save(self):
        self.path.write_text(json.dumps({
            "first_seed": self.first_seed, "next_seed": self.next_seed, "outcomes": dict(self.counts), "failed": self.failed,
            "refusals": dict(self.refusals.most_common()), "graphs_by_operator": dict(sorted(self.used.items()))}, indent=1) + "\n")

    def summary(self):
        graphs = sum(self.counts.values()) - self.counts["unanswered"]
        return (f"fuzz-graphs: {graphs} graphs, {self.seeds} seeds, {self.counts['refused']} refused by FusedInf, "
                f"{self.counts['unanswered']} without an answer of a peer, {len(self.failed)} failed")

    def report(self, is_whole):
        for message, count in self.refusals.most_common():
            print(f"{count:5} refused: {message}")
        missing = sorted({op for _, op in registry.GENERATORS} - set(self.used))
        if missing and is_whole:
            print(f"operators in no graph: {' '.join(missing)}")
        print(self.summary())
