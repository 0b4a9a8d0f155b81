"""Latency of int8 models with everything resident, beside the same models in f32; and the bytes of their weights."""

import make_quantised
from field import OURS, Field, say
from measure import joined, shown

CONTENDERS = [OURS, "onnxruntime", "openvino"]
QUICK = {"resnet18", "mobilenet-v2", "bert"}


def weight_bytes(field, entry, times):
    """Bytes that FusedInf's packed weights of the model take when they are resident; None if it did not run."""
    answer = field.ask(OURS, "open", models=[entry]) if times else None
    return answer["models"][0]["weight_bytes"] if answer else None


def run(plan):
    make_quantised.make()
    results = {}
    with Field(plan.contenders(CONTENDERS), plan.threads) as field:
        entries = make_quantised.entries()
        if plan.chosen or plan.quick:
            entries = [entry for entry in entries if entry["base"] in (plan.chosen or QUICK)]
        floats = {entry["base"]: entry for entry in entries if entry["kind"] == "f32"}
        for entry in entries:
            if entry["kind"] == "f32":
                continue
            whole = floats[entry["base"]]
            questions = {}
            sampling = {"seconds": plan.seconds, "least": 3, "most": 300}
            # In the same rounds, so that both see the same machine.
            for model, suffix in ((entry, ""), (whole, " f32")):
                for name in field.open(model):
                    questions[name + suffix] = (name, "warm", {"model": model["name"], "sampling": sampling})
            times = joined(field.alternate(plan.rounds, questions))
            results[entry["name"]] = {
                "kind": entry["kind"], "times": times,
                "weight_bytes": weight_bytes(field, entry, times.get(OURS)),
                "f32_weight_bytes": weight_bytes(field, whole, times.get(f"{OURS} f32"))}
            field.close(entry, whole)
            say(f"quantised {entry['name']:22} {shown(times)}")
        return {"models": results, "errors": field.errors}
