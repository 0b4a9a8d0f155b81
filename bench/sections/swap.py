"""Swap-in to the first answer: with the model's files in the page cache, and from the disk."""

from disk import read_milliseconds
from field import OURS, Field, say
from measure import joined, shown

CONTENDERS = [
    OURS, "onnxruntime", "onnxruntime-saved", "onnxruntime-mapped", "openvino", "openvino-uncached",
    "pytorch",
]


def run(plan):
    results = {}
    with Field(plan.contenders(CONTENDERS), plan.threads) as field:
        for entry in plan.models():
            names = field.open(entry)
            result = {}
            for way in ("warm", "cold"):
                # A fast contender takes as long as a slow one: its first samples follow on somebody else's last.
                sampling = {"seconds": plan.seconds, "least": 1, "most": 200}
                result[way] = joined(field.rounds(
                    plan.rounds, names, "swap", model=entry["name"], way=way, sampling=sampling))
                say(f"swap {way} {entry['name']:15} {shown(result[way])}")
            for name, samples in result["cold"].items():
                if samples["cached_share"] > 0.01:
                    problem = f"{samples['cached_share']:.0%} of its files stayed in the page cache"
                    field.note(name, "swap cold", [entry["name"]], problem)
            if OURS in names:
                result |= own_limits(field, entry, plan)
            field.close(entry)
            results[entry["name"]] = result
        return {"models": results, "errors": field.errors}


def own_limits(field, entry, plan):
    """What FusedInf's swap-in is compared with: its warm run, and reading its file at the disk's rate, both here and
    now, beside the swap-in without the arena that a server keeps."""
    name = entry["name"]
    opened = field.ask(OURS, "open", models=[entry])
    path = opened["models"][0]["file"]
    result = {"own_warm": [], "own_read": [], "own_without_arena": []}
    for _ in range(plan.rounds):
        few = {"seconds": plan.seconds / 2, "least": 3, "most": 100}
        result["own_warm"] += field.ask(OURS, "warm", model=name, sampling=few)["ms"]
        result["own_read"].append(read_milliseconds(path))
        result["own_without_arena"] += field.ask(
            OURS, "swap", model=name, way="warm", drops_arena=True,
            sampling={"seconds": plan.seconds / 2, "least": 1, "most": 10})["ms"]
    return result
