#!/usr/bin/env python3
"""Writes Tests/Fixtures/counts: a detector with NonMaxSuppression inside, and a Loop, with onnxruntime's answers.

    .venv/bin/python scripts/make-count-fixtures.py

The detector takes the threshold of scores as an input. Its boxes do not overlap, so a lower threshold adds detections after those of
a higher one, and one answer of onnxruntime holds the answers to all thresholds. So does the answer of the Loop's most rounds. The script
checks both with onnxruntime.
"""

import pathlib

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

FOLDER = pathlib.Path(__file__).parent.parent / "Tests" / "Fixtures" / "counts"
SIDE, GRID, WIDTH, ROUNDS = 64, 32, 24, 64
BOXES = GRID * GRID
FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64
rng = np.random.default_rng(23)
node = helper.make_node


def normal(*shape):
    fan = np.prod(shape[1:]) if len(shape) > 1 else 1
    return (rng.standard_normal(shape) * np.sqrt(2 / fan)).astype(np.float32)


def info(name, *shape, type=FLOAT):
    return helper.make_tensor_value_info(name, type, shape)


def save(name, nodes, inputs, outputs, constants):
    graph = helper.make_graph(
        nodes, name, inputs, outputs, [numpy_helper.from_array(np.asarray(array), key) for key, array in constants.items()])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, FOLDER / f"{name}.onnx")
    return onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])


def convolution(source, result, *, stride=1, size=3, bent=True):
    padding = [size // 2] * 4
    made = f"{result}.made" if bent else result
    yield node("Conv", [source, f"{result}.w", f"{result}.b"], [made], strides=[stride] * 2, pads=padding, name=result)
    if bent:
        yield node("Relu", [made], [result])


def detector():
    rows, columns = np.mgrid[:GRID, :GRID].astype(np.float32)
    corners = np.stack([rows, columns], -1).reshape(1, BOXES, 2)
    constants = {
        "stem.w": normal(16, 3, 3, 3), "stem.b": normal(16), "mix.w": normal(32, 16, 3, 3), "mix.b": normal(32),
        "deep.w": normal(32, 32, 3, 3), "deep.b": normal(32), "score.w": normal(1, 32, 1, 1), "score.b": normal(1),
        "size.w": normal(4, 32, 1, 1), "size.b": normal(4),
        "first": corners, "by.score": np.array([1, 1, BOXES], np.int64), "by.box": np.array([1, 4, BOXES], np.int64),
        "tenth": np.float32(0.1), "most": np.array([BOXES], np.int64), "overlap": np.float32([0.5]),
        "two": np.array([2], np.int64), "last": np.array([1], np.int64), "flat": np.array([BOXES, 4], np.int64),
        "row": np.array([-1], np.int64), "scale": np.float32([4, 4, 4, 4]),
    }
    nodes = [
        *convolution("image", "stem", stride=2), *convolution("stem", "mix"), *convolution("mix", "deep"),
        *convolution("deep", "score", size=1, bent=False),
        *convolution("deep", "size", size=1, bent=False),
        node("Sigmoid", ["score"], ["score.map"]), node("Reshape", ["score.map", "by.score"], ["scores"]),
        # Each box lies within its cell.
        node("Sigmoid", ["size"], ["size.map"]), node("Reshape", ["size.map", "by.box"], ["size.rows"]),
        node("Transpose", ["size.rows"], ["sizes"], perm=[0, 2, 1]), node("Mul", ["sizes", "tenth"], ["margins"]),
        node("Split", ["margins"], ["near", "far"], axis=2), node("Add", ["first", "near"], ["low"]),
        node("Add", ["first", "one"], ["end"]), node("Sub", ["end", "far"], ["high"]),
        node("Concat", ["low", "high"], ["boxes"], axis=2),
        node("NonMaxSuppression", ["boxes", "scores", "most", "overlap", "threshold"], ["kept"]),
        node("Gather", ["kept", "two"], ["column"], axis=1), node("Squeeze", ["column", "last"], ["index"]),
        node("Reshape", ["boxes", "flat"], ["box.rows"]), node("Reshape", ["scores", "row"], ["score.row"]),
        node("Gather", ["box.rows", "index"], ["chosen"]), node("Gather", ["score.row", "index"], ["confidence"]),
        node("Mul", ["chosen", "scale"], ["detections"]),
    ]
    constants["one"] = np.float32(1)
    session = save(
        "detector", nodes, [info("image", 1, 3, SIDE, SIDE), info("threshold", 1)],
        [info("detections", "n", 4), info("confidence", "n"), info("index", "n", type=INT64)], constants)
    image = rng.random((1, 3, SIDE, SIDE), np.float32)

    def answers(threshold):
        return session.run(None, {"image": image, "threshold": np.float32([threshold])})

    everything = answers(0)
    confidence = everything[1]
    assert len(confidence) == BOXES and (np.diff(confidence) <= 0).all()
    # Halfway between neighbours that are far enough apart for any rounding.
    gaps = np.flatnonzero(confidence[:-1] - confidence[1:] > 2e-6)
    thresholds = np.array([(confidence[gap] + confidence[gap + 1]) / 2 for gap in gaps], np.float32)
    counts = gaps + 1
    for threshold, count in zip(thresholds, counts):
        for got, whole in zip(answers(threshold), everything):
            assert np.array_equal(got, whole[:count])
    print(f"detector: {len(counts)} numbers of detections from {counts.min()} to {counts.max()}")
    for name, array in {
        "image": image, "thresholds": thresholds, "numbers": counts.astype(np.int64), "detections": everything[0],
        "confidence": confidence, "index": everything[2],
    }.items():
        np.save(FOLDER / f"detector.{name}.npy", array)


def loop():
    body = helper.make_graph(
        [
            node("MatMul", ["state", "mix"], ["mixed"]), node("Tanh", ["mixed"], ["next"]),
            node("ReduceSum", ["next", "inner"], ["total"], keepdims=0), node("Identity", ["go"], ["on"]),
        ], "round", [info("number", type=INT64), info("go", type=TensorProto.BOOL), info("state", 4, WIDTH)],
        [info("on", type=TensorProto.BOOL), info("next", 4, WIDTH), info("total", 4)])
    session = save(
        "loop", [
            node("Loop", ["rounds", "", "start"], ["final", "totals"], body=body),
            node("Mul", ["totals", "totals"], ["energies"]),
        ], [info("rounds", type=INT64), info("start", 4, WIDTH)], [info("final", 4, WIDTH), info("energies", "n", 4)],
        {"mix": normal(WIDTH, WIDTH) * np.float32(0.9), "inner": np.array([1], np.int64)})
    start = rng.standard_normal((4, WIDTH)).astype(np.float32)
    answers = [session.run(None, {"rounds": np.array(rounds), "start": start}) for rounds in range(1, ROUNDS + 1)]
    for rounds, (_, energies) in enumerate(answers, 1):
        assert np.array_equal(energies, answers[-1][1][:rounds])
    np.save(FOLDER / "loop.start.npy", start)
    np.save(FOLDER / "loop.finals.npy", np.stack([final for final, _ in answers]))
    np.save(FOLDER / "loop.energies.npy", answers[-1][1])


FOLDER.mkdir(parents=True, exist_ok=True)
detector()
loop()
