"""Confirms a failure: against more variants, against doubles rounded once, and against ONNX's reference implementation.

An answer that agrees with one of them is right. A graph for which FusedInf has no program is refused if one of the peers has no
kernel either; otherwise it has failed. The graph of a confirmed failure is made as small as possible and kept.
"""

import itertools
import shutil

import onnx

# Parts of one size that are tried.
MOST = 60
FAILED = ("failed", "crashed")
PEERS = ("onnxruntime", "reference")
ARBITERS = ({}, {"wide": True}, {"by": "reference first"}, {"by": "reference first", "wide": True})


def confirmed(running, outcomes, keep):
    """Returns the outcomes of a batch after confirmation, and keeps the graphs of those that failed in the folder."""
    outcomes, paths = settled(running, outcomes), {}
    for name, found in outcomes.items():
        if found["status"] in FAILED and (model := running.kept(name)):
            keep.mkdir(parents=True, exist_ok=True)
            paths[name] = keep / f"{name}.onnx"
            shutil.copy(model, paths[name])
    for name, judged in against_arbiters(running, {name: {"replay": str(path)} for name, path in paths.items()}).items():
        if judged["status"] in FAILED:
            outcomes[name] = outcomes[name] | {"message": judged["message"]}
        else:
            paths.pop(name).unlink()
            outcomes[name] = outcomes[name] | {"status": "passed"}
    return outcomes | minimised(running, paths, outcomes)


def settled(running, outcomes):
    """The outcomes with each rejected graph refused or failed: a node that is rejected alone decides."""
    outcomes, alone = dict(outcomes), {}
    for name, found in outcomes.items():
        if found["status"] == "rejected":
            path = str(running.kept(name))
            alone |= {f"{name}~{index}": {"replay": path, "nodes": [index], "variants": 0} for index in range(len(found["operators"]))}
    rejected = [name for name, found in running.run([{"name": name, **item} for name, item in alone.items()]).items()
                if found["status"] == "rejected"] if alone else []
    judges = {f"{name}~{peer}": alone[name] | {"by": peer} for name in rejected for peer in PEERS}
    answers = running.run([{"name": name, **item} for name, item in judges.items()]) if judges else {}
    for name, found in outcomes.items():
        if found["status"] == "rejected":
            mine = [one for one in rejected if one.rpartition("~")[0] == name]
            is_common = mine and all(any(answers[f"{one}~{peer}"]["status"] == "unanswered" for peer in PEERS) for one in mine)
            outcomes[name] = found | {"status": "refused" if is_common else "failed"}
    return outcomes


def against_arbiters(running, items):
    """Runs the items with each arbiter in turn while they fail; returns the last outcomes by name."""
    outcomes, first = {}, {}
    for index, arbiter in enumerate(ARBITERS):
        # No expected value excuses a process that ends.
        left = [name for name in items if name not in outcomes or outcomes[name]["status"] == "failed"]
        sent = [{"name": f"{name}~{index}", **items[name], **arbiter} for name in left]
        for name, found in (settled(running, running.run(sent)) if sent else {}).items():
            name = name.rpartition("~")[0]
            # An arbiter without an answer has no say.
            if found["status"] != "unanswered" or name not in outcomes:
                outcomes[name] = found
            first.setdefault(name, found)
    return {name: first[name] if found["status"] in FAILED else found for name, found in outcomes.items()}


def minimised(running, paths, outcomes):
    """Replaces the graph of each file by its smallest part that fails; returns the outcomes with the operators and messages of these."""
    smaller, nodes = {}, {name: len(onnx.load(path).graph.node) for name, path in paths.items()}
    for size in range(1, 4):
        items = {f"{name}~{'-'.join(map(str, chosen))}": {"replay": str(paths[name]), "nodes": chosen}
                 for name, count in nodes.items() if name not in smaller and size < count
                 for chosen in itertools.islice(itertools.combinations(range(count), size), MOST)}
        found = settled(running, running.run([{"name": name, **item} for name, item in items.items()])) if items else {}
        suspects = {name: items[name] for name, one in found.items() if one["status"] in FAILED}
        for part, one in against_arbiters(running, suspects).items():
            name = part.rpartition("~")[0]
            if one["status"] in FAILED and name not in smaller and (model := running.kept(part)):
                smaller[name] = outcomes[name] | {"message": one["message"], "operators": one["operators"]}
                shutil.copy(model, paths[name].with_suffix(".part"))
    for name in smaller:
        paths[name].with_suffix(".part").replace(paths[name])
    return smaller
