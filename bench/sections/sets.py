"""Several models at once: as one fused program, and one by one."""

import catalogue
from field import OURS, Field, say
from measure import joined, shown

CONTENDERS = [OURS, "onnxruntime", "openvino", "pytorch-plain", "pytorch"]
# PyTorch's "one-module" is the paper's method: with "pytorch" it has what the separate models have too, the fold.
MODES = {
    OURS: ["fused", "in-turn"], "pytorch-plain": ["in-turn"], "pytorch": ["in-turn", "side-by-side", "one-module"],
}


def run(plan):
    results = {}
    entries = catalogue.entries()
    # What lanes could reach at most: FusedInf on one thread, as if the threads shared that work without a rest.
    with Field(plan.contenders(CONTENDERS), plan.threads) as field, Field([OURS], 1) as single:
        for title, models in plan.sets().items():
            chosen = [entries[name] for name in models]
            names = field.open(*chosen)
            sampling = {"seconds": plan.seconds * 2, "least": 2, "most": 200}
            questions = {}
            for name in names:
                for mode in MODES.get(name, ["in-turn", "side-by-side"]):
                    arguments = {"models": models, "mode": mode, "sampling": sampling}
                    questions[f"{name} {mode}"] = (name, "set", arguments)
            result = {"models": models, "times": joined(field.alternate(plan.rounds, questions))}
            if OURS in names:
                linked = field.ask(
                    OURS, "link", models=models, sampling={"seconds": 0.2, "least": 20, "most": 500})
                result["link_ms"] = linked["ms"]
            if OURS in single.open(*chosen):
                arguments = {"models": models, "mode": "in-turn", "sampling": sampling}
                result["one_thread"] = joined(single.rounds(plan.rounds, [OURS], "set", **arguments))[OURS]
            single.close(*chosen)
            results[title] = result
            field.close(*chosen)
            say(f"set {title:20} {shown(result['times'])}")
        return {"sets": results, "errors": field.errors + single.errors}
