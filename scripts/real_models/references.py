#!/usr/bin/env python3
"""Computes onnxruntime's answers for every model in .cache/real, and writes .cache/real/manifest.json.

The manifest has the form of make-references.py's, with the rule of comparison of each model and what the rule needs, which
tolerances.py explains: the scale of an int8 output, the axis of the scores whose largest must agree, the answers of the f32
model for f16, and distances between answers of onnxruntime.

Usage: references.py [MODEL…]
"""

import hashlib
import json
import pathlib
import shutil
import sys

import numpy as np
import onnx
import onnxruntime

import folder
import halves

PLAIN = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
# Inputs that differ by one part in a million, which rounds some other way, and their number.
JITTER, DRAWS = 1e-6, 8


def session(path, level=onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 2
    options.graph_optimization_level = level
    model = path.SerializeToString() if isinstance(path, onnx.ModelProto) else str(path)
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def tensor(value):
    """An output as the command line writes it: a list of maps from classes to scores is one matrix."""
    if isinstance(value, list):
        return np.array([list(row.values()) for row in value], np.float32)
    return np.asarray(value)


def check_spread(answers):
    """Refuses answers that a broken engine could meet by luck."""
    telling = False
    for output in answers[0]:
        values = [answer[output] for answer in answers]
        if any(value.size == 0 for value in values):
            raise ValueError(f"output {output} is empty")
        if values[0].dtype.kind != "f":
            telling = True
            continue
        flat = np.concatenate([value.ravel() for value in values]).astype(np.float64)
        if not np.isfinite(flat).all():
            raise ValueError(f"output {output} is not finite")
        if np.abs(flat).max() < 1e-3:
            raise ValueError(f"output {output} is all but zero")
        alike = values[0].shape == values[1].shape and np.abs(values[0].astype(float) - values[1]).max() < 0.01 * np.abs(flat).max()
        telling |= np.ptp(flat) > 0.05 * np.abs(flat).max() and not alike
    if not telling:
        raise ValueError("the outputs hardly depend on the inputs")


def scales(path):
    """The scale of every output that a node dequantises last."""
    graph = onnx.load(path).graph
    constants = {item.name: onnx.numpy_helper.to_array(item) for item in graph.initializer}
    made = {name: node for node in graph.node for name in node.output}
    found = {}
    for output in graph.output:
        node = made.get(output.name)
        while node is not None and node.op_type in ("Reshape", "Transpose", "Squeeze", "Identity", "Flatten"):
            node = made.get(node.input[0])
        if node is not None and node.op_type == "DequantizeLinear" and node.input[1] in constants:
            found[output.name] = float(constants[node.input[1]].max())
    return found


def jittered(feed, seed):
    """Inputs of which the real numbers differ a little; `None` if there are none."""
    if not any(value.dtype.kind == "f" for value in feed.values()):
        return None
    random = np.random.default_rng(seed)
    return {key: (value * (1 + JITTER * random.uniform(-1, 1, value.shape))).astype(value.dtype) if value.dtype.kind == "f"
            else value for key, value in feed.items()}


def spreads(run, place, feed, answer, rule):
    """The largest distances of onnxruntime's other answers: without optimisations, and for int8 to jittered inputs."""
    others = [session(place / "model.onnx", PLAIN).run(None, feed)]
    if rule == "int8":
        others += [run.run(None, inputs) for seed in range(DRAWS) if (inputs := jittered(feed, seed))]
    found = {}
    for key, *values in zip(answer, *others):
        values = [tensor(value) for value in values]
        if answer[key].dtype.kind == "f" and all(value.shape == answer[key].shape for value in values):
            found[key] = max(float(np.abs(value.astype(np.float64) - answer[key]).max(initial=0)) for value in values)
    return found


def rounding(place, feed, exact):
    """The distances from the f32 model's answers if every node rounds to f16: the largest, and the root of the mean square."""
    given = {key: halves.rounded(value) for key, value in feed.items()}
    answers = session(halves.rounding_model(place / "model.onnx"), PLAIN).run(None, given)
    distances = [np.abs(tensor(answer).astype(np.float64) - value) for answer, value in zip(answers, exact)]
    return [[float(distance.max(initial=0)), float(np.sqrt((distance**2).mean()))] for distance in distances]


def relative(path):
    return str(path.relative_to(folder.REAL))


def entry(name):
    """One model's entry of the manifest; its answers are written down."""
    place, facts = folder.REAL / name, folder.about(name)
    run = session(place / "model.onnx")
    shutil.rmtree(place / "answers", ignore_errors=True)
    outputs = [item.name for item in run.get_outputs()]
    cases, answers = [], []
    for case, given in folder.inputs(name, run):
        feed = {key: value for key, (_, value) in given.items()}
        answers.append({key: tensor(value) for key, value in zip(outputs, run.run(None, feed))})
        into = place / "answers" / case
        for key, value in answers[-1].items():
            folder.save(into, key, value)
        listed = [{"name": key, "file": relative(into / folder.file_name(key))} for key in outputs]
        if facts["rule"] == "f16":
            origin = folder.REAL / facts["origin"]
            exact = [origin / "answers" / case / folder.file_name(key) for key in outputs]
            for item, path, distances in zip(listed, exact, rounding(origin, feed, [np.load(path) for path in exact])):
                item |= {"exact": relative(path), "rounding": distances}
        else:
            found = spreads(run, place, feed, answers[-1], facts["rule"])
            for item in listed:
                item["spread"] = found.get(item["name"], 0)
        cases.append({
            "name": case, "outputs": listed,
            "inputs": [{"name": key, "file": relative(path)} for key, (path, _) in given.items()]})
    check_spread(answers)
    kept = {key: facts[key] for key in ("family", "exporter", "rule", "axis", "strings") if key in facts}
    if facts["rule"] == "int8":
        kept["scales"] = scales(place / "model.onnx")
    return {"name": name, "model": f"{name}/model.onnx", **kept, "cases": cases}


def main():
    names = sorted(path.parent.name for path in folder.REAL.glob("*/about.json"))
    # The answers of an f32 model are needed by its f16 form.
    names.sort(key=lambda name: "origin" in folder.about(name))
    manifest_path = folder.REAL / "manifest.json"
    known = {}
    if manifest_path.exists():
        known = {item["name"]: item for item in json.loads(manifest_path.read_text())["models"]}
    made, problems = 0, []
    made_by = hashlib.sha256(b"".join(pathlib.Path(source).read_bytes() for source in (__file__, halves.__file__))).hexdigest()
    for name in names:
        fresh = f"{made_by} {(folder.REAL / name / 'about.json').stat().st_mtime_ns}"
        if (sys.argv[1:] and name not in sys.argv[1:]) or known.get(name, {}).get("made_from") == fresh:
            continue
        try:
            known[name] = entry(name) | {"made_from": fresh}
            made += 1
        except Exception as error:  # onnxruntime's errors have no common class
            known.pop(name, None)
            problems.append(f"{name}: {error}")
    manifest_path.write_text(json.dumps({"models": [known[name] for name in names if name in known]}, indent=1) + "\n")
    print(f"real-models: {len(names)} models have answers in .cache/real ({made} computed now)")
    if problems:
        sys.exit("real-models: no usable answers: " + "; ".join(problems))


if __name__ == "__main__":
    main()
