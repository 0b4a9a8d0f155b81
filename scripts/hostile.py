"""Inputs that a program must survive: damaged and lying model files, tensors that do not fit."""

import subprocess
import time

import numpy as np
import onnx
from onnx import TensorProto, helper

from program import PROGRAM, ProgramError


def meanwhile(action, after, *arguments):
    """Runs the program, and does something else to it while it runs; its status and what it complained about."""
    process = subprocess.Popen(
        [PROGRAM, *map(str, arguments)], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        time.sleep(after)
        if after > 0 and process.poll() is not None:
            raise ProgramError(f"the program ended too early, with status {process.poll()}")
        action()
        _, message = process.communicate(timeout=300)
        return process.returncode, message.strip()
    finally:
        process.kill()


def flipped(content, seed):
    """One bit in ten thousand bytes turned, eight at least."""
    random = np.random.default_rng(seed)
    changed = bytearray(content)
    for at in random.integers(0, len(changed), max(8, len(changed) // 10_000)):
        changed[at] ^= 1 << int(random.integers(8))
    return bytes(changed)


def model(nodes, inputs, outputs, initializers=()):
    """A small model's bytes, unchecked."""
    def values(names):
        return [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4]) for name in names]

    graph = helper.make_graph(nodes, "hostile", values(inputs), values(outputs), list(initializers))
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def claim():
    """A tensor that says it holds four gigabytes and holds four bytes."""
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1 << 30], raw_data=b"\0\0\0\0")
    return model([helper.make_node("Add", ["x", "w"], ["y"])], ["x"], ["y"], [tensor])


def outside():
    """External data in a file that is none of the model's business."""
    tensor = TensorProto(name="w", data_type=TensorProto.FLOAT, dims=[1, 4], data_location=TensorProto.EXTERNAL)
    for key, value in (("location", "../../../../etc/passwd"), ("offset", "0"), ("length", "16")):
        tensor.external_data.add(key=key, value=value)
    return model([helper.make_node("Add", ["x", "w"], ["y"])], ["x"], ["y"], [tensor])


def nested(levels):
    """An If within an If and so on; written byte by byte, since protobuf's own writer refuses it."""
    def field(number, payload):
        length = len(payload)
        size = bytearray()
        while length > 127:
            size.append(length & 127 | 128)
            length >>= 7
        return bytes([number << 3 | 2]) + bytes([*size, length]) + payload

    graph = b""
    for _ in range(levels):
        kind = b"\xa0\x01\x05"  # AttributeProto.type = GRAPH
        attribute = field(1, b"then_branch") + field(6, graph) + kind
        graph = field(1, field(4, b"If") + field(5, attribute))
    opset = field(1, b"") + b"\x10\x11"
    return b"\x08\x08" + field(7, graph) + field(8, opset)


def models(whole):
    """(what it is, its bytes, whether it may still be a model)."""
    yield "an empty file", b"", False
    yield "text", b"this is no model\n" * 40, False
    for share in (0.01, 0.3, 0.6, 0.95):
        yield f"a file cut at {share:.0%}", whole[: int(len(whole) * share)], False
    for seed in range(12):
        yield f"a file with bits turned (seed {seed})", flipped(whole, seed), True
    node = helper.make_node
    lies = {
        "a claim of 4 GB": claim(),
        "external data outside the folder": outside(),
        "a cycle": model([node("Add", ["x", "b"], ["a"]), node("Relu", ["a"], ["b"])], ["x"], ["b"]),
        "an input that nothing makes": model([node("Add", ["x", "nothing"], ["y"])], ["x"], ["y"]),
        "a name made twice": model([node("Relu", ["x"], ["y"]), node("Neg", ["x"], ["y"])], ["x"], ["y"]),
        "an output that nothing makes": model([node("Relu", ["x"], ["z"])], ["x"], ["y"]),
        "an unknown operator": model([node("Frobnicate", ["x"], ["y"])], ["x"], ["y"]),
        "an attribute of the wrong type": model([node("Softmax", ["x"], ["y"], axis="one")], ["x"], ["y"]),
        "an axis out of range": model([node("Softmax", ["x"], ["y"], axis=9)], ["x"], ["y"]),
    }
    for what, lie in lies.items():
        yield what, lie.SerializeToString(), False
    yield "branches within branches", nested(5000), False


def tensors():
    """(what it is, the array, whether it may still be taken) for the text-direction model; None is a broken file."""
    yield "another element type", np.zeros((1, 3, 48, 192), np.float64), False
    yield "integers", np.zeros((1, 3, 48, 192), np.int64), False
    yield "a missing axis", np.zeros((3, 48, 192), np.float32), False
    yield "four channels", np.zeros((1, 4, 48, 192), np.float32), False
    yield "an empty batch", np.zeros((0, 3, 48, 192), np.float32), True
    yield "a height of nothing", np.zeros((1, 3, 0, 192), np.float32), True
    yield "one pixel", np.zeros((1, 3, 1, 1), np.float32), True
    yield "not a number", np.full((1, 3, 48, 192), np.nan, np.float32), True
    yield "a broken file", None, False
