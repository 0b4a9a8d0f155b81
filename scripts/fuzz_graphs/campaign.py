"""Runs seeds: a child draws the graphs and computes what is expected, another runs FusedInf, and the answers are compared."""

import concurrent.futures
import os
import pathlib
import shutil
import sys

from conformance_suite import batches, cases, judgement, values
from program import ROOT

from . import comparing

RUNNER = pathlib.Path(os.environ.get("FUSEDINF_CONFORMANCE_RUNNER", ROOT / ".build" / "release" / "fusedinf-conformance"))
SCRIPTS = ROOT / "scripts"


class Campaign:
    """A folder for the cases, and the companion that each is fused with."""

    def __init__(self, folder, limit=30, jobs=1):
        self.folder, self.limit, self.jobs = folder, limit, jobs
        self.companion, self.answer = cases.companion(folder)
        self.batch, self.folders = 0, {}

    def run(self, items):
        """Runs the items; returns each one's outcome by name: {"status", "message", "operators", "left_out"}.

        The status is passed, failed, crashed, rejected (FusedInf compiles no program for it), refused (by the importer), or
        unanswered, where no peer has an answer.
        """
        self.batch += 1
        scratch, outcomes = self.folder / f"batch-{self.batch}", {}
        jobs = min(self.jobs, len(items))
        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            for found in pool.map(lambda job: self.part(items[job::jobs], scratch / f"{job}"), range(jobs)):
                outcomes.update(found)
        return outcomes

    def part(self, items, scratch):
        """Runs some of the items of a batch."""
        authored, outcomes = {}, {}
        items = [item | {"folder": str(scratch / "cases" / item["name"])} for item in items]
        batches.run_batch(lambda listed, _: [sys.executable, "-m", "fuzz_graphs.authoring", listed], items, SCRIPTS,
                          scratch / "authoring", self.limit, lambda found: authored.update({found["name"]: found}))
        for name, found in authored.items():
            if "case" not in found:
                outcomes[name] = {"status": "unanswered", "message": found.get("ended") or "; ".join(found.get("left_out", []))[:300],
                                  "operators": [], "left_out": found.get("left_out", []), "peer_ended": "ended" in found}
        known = {name: found["case"] for name, found in authored.items() if "case" in found}

        def report(result):
            case = known[result["name"]]
            outcomes[result["name"]] = judged(case, result, self.answer) | {
                key: authored[result["name"]][key] for key in ("operators", "left_out")}

        sent = [{key: case[key] for key in ("name", "model", "inputs")} | {"outputs": f"{case['folder']}/outputs"} for case in known.values()]
        batches.run_batch(lambda listed, own: [RUNNER, self.companion, listed, own / "store"], sent, self.folder, scratch / "running",
                          self.limit, report)
        self.folders.update({name: case["folder"] for name, case in known.items()})
        return outcomes

    def kept(self, name):
        """The file that replays a case of a batch; `None` if it has no expected values."""
        return pathlib.Path(self.folders[name]) / "kept.onnx" if name in self.folders else None

    def clear(self):
        """Removes the files of the batches."""
        for folder in self.folder.glob("batch-*"):
            shutil.rmtree(folder, ignore_errors=True)
        self.folders.clear()


def judged(case, result, companion):
    """The outcome of a case. Only the importer may refuse a model: a run that fails in all ways has failed."""
    found = judgement.judge(case, result, pathlib.Path(case["folder"]), companion, comparing.problem)
    if found["status"] == "refused" and any(way["stage"] != "import" for way in found["ways"].values()):
        found["status"] = "rejected"
    return {key: found[key] for key in ("status", "message")}
