#!/usr/bin/env python3
"""Computes onnxruntime's answers for every model in .cache/real, and writes .cache/real/manifest.json.

The manifest has the form of make-references.py's, with the rule of comparison of each model and what the rule needs:
the scale of an int8 output, the answers of the f32 model for f16, and the axis of the scores whose largest must agree.

Usage: references.py [MODEL…]
"""

import json
import shutil
import sys

import numpy as np
import onnx
import onnxruntime

import folder


def session(path, level=onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    options.intra_op_num_threads = 2
    options.graph_optimization_level = level
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


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
            for item in listed:
                item["exact"] = relative(folder.REAL / facts["origin"] / "answers" / case / folder.file_name(item["name"]))
        if facts["rule"] == "int8":
            plain = session(place / "model.onnx", onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL).run(None, feed)
            for item, value in zip(listed, plain):
                if value.dtype.kind == "f":
                    item["spread"] = float(np.abs(value.astype(np.float64) - answers[-1][item["name"]]).max(initial=0))
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
    for name in names:
        fresh = (folder.REAL / name / "about.json").stat().st_mtime_ns
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
