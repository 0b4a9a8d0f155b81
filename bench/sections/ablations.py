"""What each idea is worth: from models on their own with Conv+BN folded, one idea after the other added."""

import shutil

import catalogue
from field import OURS, PROGRAM, Field, say
from measure import joined, median
from places import WORK
from process import Contender

# Each step has all that the ones before have. The last is about the store: how its files came into the page cache.
STEPS = {
    "fold only": {"is_separate": True, "uses_lanes": False, "loads_inside": False, "keeps_plans": False},
    "+ one arena, equal weights once": {"is_separate": False},
    "+ lanes": {"uses_lanes": True},
    "+ loads inside the DAG": {"loads_inside": True},
    "+ plans kept": {"keeps_plans": True},
    "+ huge-page mapping": {},
}
SMALL_PAGES = WORK / OURS / "small-pages"
STORE = WORK / OURS / "store"


def write_in_small_pieces(names):
    """A second store with the same files, written 4 KiB at a time: so the page cache holds them in small pages."""
    shutil.rmtree(SMALL_PAGES, ignore_errors=True)
    for name in names:
        source = STORE / "models" / name
        shutil.copytree(source, SMALL_PAGES / "models" / name, ignore=shutil.ignore_patterns("*.fused"))
        for file in source.rglob("*.fused"):
            target = SMALL_PAGES / file.relative_to(STORE)
            with open(file, "rb") as original, open(target, "wb", buffering=0) as copy:
                while piece := original.read(4096):
                    copy.write(piece)


def questions(models, sampling):
    """{step: (contender, command, arguments)}, for warm runs and for swap-in."""
    result = {"warm": {}, "swap": {}}
    settings = {}
    for step, change in STEPS.items():
        settings |= change
        name = OURS if step == "+ huge-page mapping" else "small pages"
        common = {"models": models, "sampling": sampling}
        result["swap"][step] = (name, "ablate", common | settings | {"swaps": True})
        # Warm runs load nothing and find their plans.
        if "is_separate" in change or "uses_lanes" in change:
            warm = settings | {"loads_inside": True, "keeps_plans": True, "swaps": False}
            result["warm"][step] = (OURS, "ablate", common | warm)
    return result


def run(plan):
    results = {}
    entries = catalogue.entries()
    for title, models in plan.memory_sets().items():
        chosen = [entries[name] for name in models]
        with Field([OURS], plan.threads) as field:
            # Answers are compared here; the second store holds the same files.
            if OURS not in field.open(*chosen):
                return {"sets": results, "errors": field.errors}
            write_in_small_pieces(models)
            settings = field.contenders[OURS].settings | {"store": str(SMALL_PAGES)}
            field.contenders["small pages"] = Contender("fusedinf-small-pages", [PROGRAM], settings)
            field.ask("small pages", "open", models=chosen)
            sampling = {"seconds": plan.seconds * 2, "least": 2, "most": 100}
            result = {"models": models}
            for way, asked in questions(models, sampling).items():
                answers = field.alternate(plan.rounds, asked)
                result[way] = {
                    step: given | {key: answers[step][0][key] for key in ("weight_bytes", "arena_bytes")}
                    for step, given in joined(answers).items()}
                for step, given in result[way].items():
                    say(f"ablation {way} {title}: {step} {median(given['ms']):.2f} ms")
            results[title] = result
            errors = field.errors
    shutil.rmtree(SMALL_PAGES, ignore_errors=True)
    return {"sets": results, "errors": errors}
