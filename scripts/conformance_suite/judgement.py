"""Judges the results of the runners: passed, failed, refused, crashed."""

from . import comparison, values

ALONE = {"optimised-fused": "optimised", "unoptimised-fused": "unoptimised"}


def judge(case, result, folder, companion=None, problem=comparison.problem):
    """Returns {"status", "message", "ways": {way: {"status", "stage", "message"}}} for the result of one case.

    A case passes if all its ways do. It is refused if all ways refuse it, and has failed if the ways differ.
    - problem: compares a list of outputs with the expected ones, for the case; returns the first difference, or `None`.
    """
    if "ended" in result:
        return {"status": "crashed", "message": result["ended"], "ways": {}}
    expected = [values.read(value, folder) for value in case["expected"]]
    outputs = {way["way"]: [values.read(value, folder) for value in way["outputs"]]
               for way in result["ways"] if way["status"] == "answered"}
    ways = {way["way"]: judge_way(case, way, outputs, expected, folder, companion, problem) for way in result["ways"]}
    kinds = {way["status"] for way in ways.values()}
    status = kinds.pop() if len(kinds) == 1 else "failed"
    message = next((f"{name}: {way['message']}" for name, way in ways.items() if way["status"] != "passed"), None)
    return {"status": status, "message": message, "ways": ways}


def judge_way(case, way, outputs, expected, folder, companion, compare):
    name = way["way"]
    if way["status"] != "answered":
        status = "refused" if way["status"] == "refused" else "failed"
        return {"status": status, "stage": way["stage"], "message": way["message"]}
    problem = compare(outputs[name], comparison.served(expected, outputs[name]), case)
    alone = outputs.get(ALONE.get(name))
    if problem is None and alone is not None and not case["random"] and not comparison.same_bits(outputs[name], alone):
        problem = "the answer differs from the model's answer alone"
    if problem is None and "companion" in way:
        answer = [values.read(value, folder) for value in way["companion"]]
        if not comparison.same_bits(answer, companion):
            problem = "the companion's answer is wrong"
    return {"status": "failed" if problem else "passed", "stage": "run" if problem else None, "message": problem}
