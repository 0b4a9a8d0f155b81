"""Latency of single models with everything resident."""

import operations
from field import OURS, Field, say
from measure import joined, shown

CONTENDERS = [OURS, "onnxruntime", "openvino", "pytorch", "pytorch-compiled"]


def run(plan):
    results = {}
    with Field(plan.contenders(CONTENDERS), plan.threads) as field:
        for entry in plan.models():
            names = field.open(entry)
            answers = field.rounds(
                plan.rounds, names, "warm", model=entry["name"],
                sampling={"seconds": plan.seconds, "least": 3, "most": 300})
            results[entry["name"]] = joined(answers)
            if OURS in answers:
                results[entry["name"]][OURS]["operations"] = operations.count(entry)
            field.close(entry)
            say(f"warm {entry['name']:15} {shown(results[entry['name']])}")
        return {"models": results, "errors": field.errors}
