"""Confirms a failure: against more variants, against doubles rounded once, and against ONNX's reference implementation.

An answer that agrees with one of them is right. The graph of a confirmed failure is made as small as possible and kept.
"""

import itertools
import shutil

import onnx

FAILED = ("failed", "crashed")
ARBITERS = ({}, {"wide": True}, {"by": "reference"}, {"by": "reference", "wide": True})


def confirmed(running, outcomes, keep):
    """Returns the outcomes of a batch after confirmation, and keeps the graphs of those that failed in the folder."""
    paths = {}
    for name, found in outcomes.items():
        if found["status"] in FAILED and (model := running.kept(name)):
            keep.mkdir(parents=True, exist_ok=True)
            paths[name] = keep / f"{name}.onnx"
            shutil.copy(model, paths[name])
    outcomes = dict(outcomes)
    for name, judged in against_arbiters(running, {name: {"replay": str(path)} for name, path in paths.items()}).items():
        if judged["status"] in FAILED:
            smaller = minimised(running, paths[name], judged)
            outcomes[name] = outcomes[name] | {"message": judged["message"], "operators": smaller}
        else:
            paths[name].unlink()
            outcomes[name] = outcomes[name] | {"status": "passed"}
    return outcomes


def against_arbiters(running, items):
    """Runs the items with each arbiter in turn while they fail; returns the last outcomes by name."""
    outcomes, first = {}, {}
    for index, arbiter in enumerate(ARBITERS):
        left = [name for name in items if name not in outcomes or outcomes[name]["status"] in FAILED]
        sent = [{"name": f"{name}~{index}", **items[name], **arbiter} for name in left]
        for name, found in (running.run(sent) if sent else {}).items():
            name = name.rpartition("~")[0]
            # An arbiter without an answer has no say.
            if found["status"] != "unanswered" or name not in outcomes:
                outcomes[name] = found
            first.setdefault(name, found)
    return {name: first[name] if found["status"] in FAILED else found for name, found in outcomes.items()}


def minimised(running, path, judged):
    """Replaces the graph of the file by its smallest part that fails; returns the operators of that."""
    nodes = [node.op_type for node in onnx.load(path).graph.node]
    for size in range(1, min(len(nodes), 4)):
        items = {"-".join(map(str, chosen)): {"replay": str(path), "nodes": chosen}
                 for chosen in itertools.combinations(range(len(nodes)), size)}
        for name, found in against_arbiters(running, items).items():
            if found["status"] in FAILED and (part := running.kept(f"{name}~0")):
                shutil.copy(part, path)
                judged["message"] = found["message"]
                return found["operators"]
    return nodes
