#!/usr/bin/env python3
"""Runs ONNX's backend tests with FusedInf, and with onnxruntime when asked to: `make conformance`.

Writes .cache/conformance/results.json. Fails if a case of Tests/Conformance/passing.txt does not pass, if another case passes, or if
docs/conformance.md is out of date; --update accepts the changes, and runs onnxruntime anew. Before it runs the cases, the script tests itself.
"""

import argparse
import collections
import json
import shutil
import sys

import onnx
import onnxruntime

from conformance_suite import batches, cases, judgement, manifest, page, self_test
from program import ROOT

CACHE = ROOT / ".cache" / "conformance"
RESULTS = CACHE / "results.json"
RUNNER = ROOT / ".build" / "release" / "fusedinf-conformance"
PASSING = ROOT / "Tests" / "Conformance" / "passing.txt"
PAGE = ROOT / "docs" / "conformance.md"
PEER_RESULTS = ROOT / "Tests" / "Conformance" / "onnxruntime.txt"
PEER = ROOT / "scripts" / "conformance_suite" / "onnxruntime_runner.py"


def run(title, command, chosen, folder, companion, limit):
    """Runs the cases, and returns each one's judgement by its name."""
    scratch = CACHE / title
    shutil.rmtree(scratch, ignore_errors=True)
    known = {case["name"]: case for case in chosen}
    found = {}

    def report(result):
        name = result["name"]
        found[name] = judgement.judge(known[name], result, folder, companion)
        shutil.rmtree(scratch / "outputs" / name, ignore_errors=True)
        if found[name]["status"] in ("failed", "crashed"):
            print(f"{title}: {name} {found[name]['status']}: {found[name]['message']}", flush=True)
        if len(found) % 500 == 0:
            print(f"{title}: {len(found)} of {len(chosen)}", flush=True)

    sent = [{key: case[key] for key in ("name", "model", "inputs")} | {"outputs": str(scratch / "outputs" / case["name"])}
            for case in chosen]
    batches.run(command, sent, folder, scratch, limit, report)
    shutil.rmtree(scratch)
    return found


def run_fusedinf(chosen, folder, limit):
    companion, answer = cases.companion(CACHE)
    return run("fusedinf", lambda listed, scratch: [RUNNER, companion, listed, scratch / "store"], chosen, folder, answer, limit)


def run_onnxruntime(chosen, folder, limit, update):
    """onnxruntime's results by the name of the case. They are committed, for a few of them depend on the processor; with `update`,
    they are computed."""
    title = f"onnxruntime {onnxruntime.__version__}, onnx {onnx.__version__}"
    kept = PEER_RESULTS.read_text().splitlines() if PEER_RESULTS.exists() else []
    if update or kept[:1] != [title]:
        found = run("onnxruntime", lambda listed, _: [sys.executable, PEER, listed], chosen, folder, None, limit)
        lines = sorted(f"{name} {result['status']}" for name, result in found.items() if result["status"] != "passed")
        kept = [title, *lines]
    if update:
        PEER_RESULTS.write_text("".join(f"{line}\n" for line in kept))
    others = dict(line.split() for line in kept[1:])
    return {case["name"]: {"status": others.get(case["name"], "passed")} for case in chosen}


def check(chosen, results, update):
    """Compares with the committed list and page; returns the differences. With `update`, writes both first."""
    passed = {case["name"] for case in chosen if results[case["name"]]["fusedinf"]["status"] == "passed"}
    versions = {"onnx": onnx.__version__, "onnxruntime": onnxruntime.__version__}
    text = "".join(page.page(chosen, results, versions))
    if update:
        PASSING.write_text("".join(f"{name}\n" for name in sorted(passed)))
        PAGE.write_text(text)
    listed = PASSING.read_text().split() if PASSING.exists() else []
    problems = manifest.problems(listed, passed, {name: result["fusedinf"] for name, result in results.items()})
    if not PAGE.exists() or PAGE.read_text() != text:
        problems.append(f"{PAGE.relative_to(ROOT)} is out of date; {manifest.UPDATE}")
    return problems


def show(status):
    """Prints the cases of the last run with a status, and the operators that they use."""
    results = json.loads(RESULTS.read_text())
    operators = collections.Counter()
    for name, result in results.items():
        if result["fusedinf"]["status"] == status:
            message = (result["fusedinf"]["message"] or "").replace("\n", " ")
            print(f"{name} [{result['suite']}; onnxruntime: {result['onnxruntime']['status']}] {message}")
            operators.update({result["operator"]} if result["operator"] else result["operators"])
    print("\n" + "\n".join(f"{count:5} {operator}" for operator, count in operators.most_common()))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--update", action="store_true", help="write the list and the page instead of failing")
    parser.add_argument("--list", metavar="STATUS", choices=["passed", "failed", "refused", "crashed"],
                        help="list the cases of the last run with this status, and their operators")
    parser.add_argument("--only", metavar="TEXT", help="run only cases whose name contains TEXT, and print each result")
    parser.add_argument("--limit", type=float, default=60, help="the seconds that a case may take")
    options = parser.parse_args()
    if options.list:
        return show(options.list)
    self_test.run()
    folder, chosen = cases.prepare(CACHE)
    if options.only:
        chosen = [case for case in chosen if options.only in case["name"]]
        for name, found in sorted(run_fusedinf(chosen, folder, options.limit).items()):
            print(f"{name}: {found['status']}{': ' if found['message'] else ''}{found['message'] or ''}")
        return None
    peer = run_onnxruntime(chosen, folder, options.limit, options.update)
    own = run_fusedinf(chosen, folder, options.limit)
    results = {case["name"]: {key: case[key] for key in ("suite", "operator", "operators")}
               | {"fusedinf": own[case["name"]], "onnxruntime": peer[case["name"]]} for case in chosen}
    RESULTS.write_text(json.dumps(results, indent=1))
    problems = check(chosen, results, options.update)
    for problem in problems:
        print(f"conformance: {problem}", file=sys.stderr)
    print(f"conformance: {sum(result['status'] == 'passed' for result in own.values())} of {len(chosen)}")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
