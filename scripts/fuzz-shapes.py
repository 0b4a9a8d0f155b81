#!/usr/bin/env python3
"""Throws random and extreme sizes at every operator: as sizes that a file states, through `add`; as sizes of a request's
tensors and as shapes that a request's data decide, through `run`.

Each case is a child process under a budget of 64 MiB and an address-space limit. It fails when a signal ends the child, when
it takes longer than five seconds, or when its peak of resident memory is above the sum of what is promised. Cases that multiply
and add more than a thousand million times may take a second longer for each. A refusal is an answer. The same seed makes the
same cases.
"""

import argparse
import collections
import os
import pathlib
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from program import PROGRAM

MIB = 1 << 20
BUDGET = 64 * MIB
PLANS = 16 * MIB
# What the program takes that no setting names: code, heap, stacks, and one model's file.
PROGRAM_ITSELF = 96 * MIB
ADDRESS_SPACE = 1024 * MIB
WORK_A_SECOND = 10**9
F32, I64 = TensorProto.FLOAT, TensorProto.INT64

SMALL = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 64, 100, 127, 224, 256]
MEDIUM = [500, 900, 1000, 1024, 2047, 4096, 8192, 10_000, 65_535, 65_536, 100_000, 1 << 20]
EXTREME = [10**7, 1 << 24, 1 << 26, 1 << 28, 536_870_912, (1 << 30) - 1, 1 << 30, (1 << 31) - 1, 1 << 31, (1 << 32) + 1,
           10**10, 1 << 40, 1 << 62, (1 << 63) - 1]


class Draw(random.Random):
    """Sizes: mostly small, one of them often large or absurd."""

    def size(self, wild=0.25):
        kind = self.random()
        if kind < wild * 0.5:
            return self.choice(EXTREME)
        if kind < wild:
            return self.choice(MEDIUM)
        return self.choice(SMALL)

    def shape(self, rank, wild=0.25):
        return [self.size(wild) for _ in range(rank)]


class Case:
    """One model: its nodes, inputs with their sizes, and constants."""

    def __init__(self, draw):
        self.draw = draw
        self.nodes, self.inputs, self.constants = [], {}, {}
        # The multiplications and additions of one run, at most.
        self.work = 0

    def tensor(self, name, shape, kind=F32, values=None):
        self.inputs[name] = (kind, list(shape), values)
        return name

    def numbers(self, name, values, kind=I64):
        """Numbers that steer an operator: a constant, or an input of the request."""
        array = np.array(values, np.float32 if kind == F32 else np.int64)
        if self.draw.random() < 0.5:
            self.constants[name] = array
        else:
            self.tensor(name, array.shape, kind, array)
        return name

    def kernel(self, name, shape):
        """Weights: a constant where they are small."""
        count = int(np.prod([int(d) for d in shape], dtype=object))
        if 0 < count < 100_000 and self.draw.random() < 0.7:
            self.constants[name] = np.ones(shape, np.float32)
            return name
        return self.tensor(name, shape)

    def node(self, op, inputs, outputs=("y",), **attributes):
        self.nodes.append(helper.make_node(op, list(inputs), list(outputs), **attributes))

    def model(self, is_open):
        values = []
        for name, (kind, shape, data) in self.inputs.items():
            dims = [f"{name}{i}" for i in range(len(shape))] if is_open and data is None else shape
            values.append(helper.make_tensor_value_info(name, kind, dims))
        graph = helper.make_graph(
            self.nodes, "case", values, [helper.make_tensor_value_info("y", self.result, None)],
            [numpy_helper.from_array(v, n) for n, v in self.constants.items()])
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)

    result = F32


def window(case, rank):
    draw = case.draw
    found = {}
    if draw.random() < 0.6:
        found["strides"] = [draw.size(0.2) for _ in range(rank)]
    if draw.random() < 0.4:
        found["dilations"] = [draw.size(0.2) for _ in range(rank)]
    if draw.random() < 0.5:
        found["pads"] = [draw.size(0.15) for _ in range(2 * rank)]
    elif draw.random() < 0.3:
        found["auto_pad"] = draw.choice(["SAME_UPPER", "SAME_LOWER", "VALID"])
    return found


def product_of(sizes):
    return int(np.prod(np.array(sizes, dtype=object)))


def convolution(case, op="Conv"):
    draw = case.draw
    rank = draw.choice([1, 2, 2, 3])
    groups = draw.choice([1, 1, 1, 2, 8])
    channels, kernels = groups * draw.choice([1, 1, 3, 8, 16, 64]), draw.choice([1, 4, 8, 64])
    size = [max(1, draw.size(0.1)) for _ in range(rank)]
    shape = [channels, kernels] if op == "ConvTranspose" else [groups * kernels, channels // groups]
    x = case.tensor("x", [draw.choice([1, 1, 2, draw.size()]), channels] + draw.shape(rank))
    w, attributes = case.kernel("w", shape + size), window(case, rank)
    case.node(op, [x, w], group=groups, **attributes)
    image = case.inputs["x"][1]
    if op == "ConvTranspose":
        case.work = product_of(image + shape[1:] + size)
    else:
        pads = attributes.get("pads", [e * 2 if "auto_pad" in attributes else 0 for e in size] * 2)
        places = [(i + before + after) // stride + 1 for i, before, after, stride in zip(
            image[2:], pads, pads[rank:], attributes.get("strides", [1] * rank)) if stride]
        case.work = product_of(image[:1] + places + shape + size)


def transposed(case):
    convolution(case, "ConvTranspose")


def pool(case):
    draw = case.draw
    rank = draw.choice([1, 2, 2, 3])
    op = draw.choice(["MaxPool", "AveragePool", "GlobalMaxPool", "GlobalAveragePool"])
    attributes = {} if op.startswith("Global") else {"kernel_shape": [max(1, draw.size(0.1)) for _ in range(rank)]}
    if attributes:
        attributes |= window(case, rank)
        if op == "AveragePool":
            attributes.pop("dilations", None)
    case.node(op, [case.tensor("x", draw.shape(2 + rank))], **attributes)


def product(case):
    draw = case.draw
    inner = draw.size()
    batch = draw.shape(draw.choice([0, 0, 1, 2]))
    other = [d if draw.random() < 0.6 else 1 for d in batch]
    rows, columns = draw.size(), draw.size()
    x, w = case.tensor("x", batch + [rows, inner]), case.kernel("w", other + [inner, columns])
    case.work = product_of(batch + [rows, inner, columns])
    case.node("MatMul", [x, w])


def gemm(case):
    draw = case.draw
    m, k, n = draw.shape(3)
    case.work = m * k * n
    a, b = draw.random() < 0.5, draw.random() < 0.5
    x, w = case.tensor("x", [k, m] if a else [m, k]), case.kernel("w", [n, k] if b else [k, n])
    case.node("Gemm", [x, w], transA=int(a), transB=int(b))


def resize(case):
    draw = case.draw
    rank = draw.choice([3, 4, 4, 5])
    shape = draw.shape(rank)
    attributes = {
        "mode": draw.choice(["nearest", "linear", "cubic"]),
        "coordinate_transformation_mode": draw.choice(["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"]),
    }
    if draw.random() < 0.5:
        scales = [1.0, 1.0] + [draw.choice([0.5, 1, 2, 4, 1e-3, 100, 1e5, 1e9, 1e30, 0.0, -1.0]) for _ in range(rank - 2)]
        inputs = [case.tensor("x", shape), "", case.numbers("s", scales, F32)]
    else:
        inputs = [case.tensor("x", shape), "", "", case.numbers("s", shape[:2] + draw.shape(rank - 2, 0.4))]
    case.node("Resize", inputs, **attributes)


def elementwise(case):
    draw = case.draw
    shape = draw.shape(draw.choice([1, 2, 3, 4]))
    if draw.random() < 0.5:
        case.node(draw.choice(["Relu", "Sigmoid", "Exp", "Erf", "Tanh", "Neg", "Floor"]), [case.tensor("x", shape)])
    else:
        other = [d if draw.random() < 0.7 else 1 for d in shape]
        case.node(draw.choice(["Add", "Mul", "Div", "Pow", "Max"]), [case.tensor("x", shape), case.tensor("z", other)])


def normalisation(case):
    draw = case.draw
    shape = draw.shape(draw.choice([2, 3, 4]))
    kind = draw.choice(["Softmax", "LogSoftmax", "LRN", "LayerNormalization", "InstanceNormalization"])
    x = case.tensor("x", shape)
    if kind in ("Softmax", "LogSoftmax"):
        case.node(kind, [x], axis=draw.randrange(len(shape)))
    elif kind == "LRN":
        case.node(kind, [x], size=max(1, draw.size(0.3) & 0x7FFFFFFF))
    elif kind == "LayerNormalization":
        case.node(kind, [x, case.tensor("scale", shape[-1:])], axis=-1)
    else:
        case.node(kind, [x, case.tensor("scale", shape[1:2]), case.tensor("bias", shape[1:2])])


def reduction(case):
    draw = case.draw
    shape = draw.shape(draw.choice([1, 2, 3, 4]))
    op = draw.choice(["ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL2", "ReduceLogSumExp", "ArgMax", "CumSum"])
    x = case.tensor("x", shape)
    if op == "ArgMax":
        case.result = I64
        case.node(op, [x], axis=draw.randrange(len(shape)))
    elif op == "CumSum":
        case.node(op, [x, case.numbers("a", draw.randrange(len(shape)))])
    else:
        case.node(op, [x], axes=[draw.randrange(len(shape))])


def recurrent(case):
    draw = case.draw
    op, gates = draw.choice([("LSTM", 4), ("GRU", 3)])
    steps, batch, size, hidden = draw.shape(4, 0.3)
    x, w = case.tensor("x", [steps, batch, size]), case.kernel("w", [1, gates * hidden, size])
    case.work = steps * batch * gates * hidden * (size + hidden)
    case.node(op, [x, w, case.kernel("r", [1, gates * hidden, hidden])], hidden_size=hidden)


def made_by_data(case):
    """Operators whose result's shape is data of the request."""
    draw = case.draw
    kind = draw.choice(["Expand", "Tile", "Pad", "ConstantOfShape", "Range", "OneHot", "Reshape", "TopK", "Slice", "Trilu"])
    rank = draw.choice([1, 2, 3])
    shape = draw.shape(rank, 0.1)
    if kind == "Expand":
        ones = [1 if draw.random() < 0.7 else d for d in shape]
        case.node(kind, [case.tensor("x", ones), case.numbers("s", draw.shape(rank, 0.5))])
    elif kind == "Tile":
        case.node(kind, [case.tensor("x", shape), case.numbers("s", draw.shape(rank, 0.4))])
    elif kind == "Pad":
        pads = [draw.size(0.3) * draw.choice([1, 1, 1, -1]) for _ in range(2 * rank)]
        pads = [max(p, -(1 << 63)) for p in pads]
        case.node(kind, [case.tensor("x", shape), case.numbers("s", pads)], mode=draw.choice(["constant", "reflect", "edge"]))
    elif kind == "ConstantOfShape":
        case.node(kind, [case.numbers("s", draw.shape(rank, 0.5))])
    elif kind == "Range":
        case.result = I64
        names = [case.numbers(n, v) for n, v in (("a", 0), ("b", draw.size(0.6)), ("c", draw.choice([1, 1, 2, -1])))]
        case.node(kind, names)
    elif kind == "OneHot":
        indices = case.tensor("x", shape, I64, np.zeros([min(d, 9) for d in shape], np.int64))
        case.constants["v"] = np.array([0, 1], np.float32)
        case.node(kind, [indices, case.numbers("s", [draw.size(0.6)]), "v"])
    elif kind == "Reshape":
        case.node(kind, [case.tensor("x", shape), case.numbers("s", draw.shape(rank, 0.3))])
    elif kind == "TopK":
        case.node(kind, [case.tensor("x", shape), case.numbers("s", [draw.size(0.4)])], ["y", "i"])
    elif kind == "Slice":
        case.node(kind, [case.tensor("x", shape), case.numbers("s", [draw.size()]), case.numbers("e", [draw.size()])])
    else:
        case.node(kind, [case.tensor("x", draw.shape(2)), case.numbers("s", draw.size(0.4))])


def kernels_by_data(case):
    """Weights that a request's data make as large as they like."""
    draw = case.draw
    case.constants["k"] = np.ones([1, 1, 1], np.float32)
    case.node("Expand", ["k", case.numbers("s", [draw.size(0.4), draw.size(0.4), draw.size(0.4)])], ["w"])
    op = draw.choice(["Conv", "ConvTranspose", "MatMul"])
    case.node(op, [case.tensor("x", [1, draw.choice([1, 1, 8]), draw.size(0.2)]), "w"])


MAKERS = [convolution, transposed, pool, product, gemm, resize, elementwise, normalisation, reduction, recurrent,
          made_by_data, kernels_by_data]


def limits():
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def run(arguments, limit):
    """Runs the program; the reason why that is a failure or `None`, its status, seconds, and peak in bytes."""
    start = time.monotonic()
    with tempfile.TemporaryFile() as said:
        child = subprocess.Popen(
            [PROGRAM, *map(str, arguments)], stdout=said, stderr=subprocess.STDOUT, preexec_fn=limits)
        reason, status, usage = None, None, None
        while status is None:
            found, code, usage = os.wait4(child.pid, os.WNOHANG)
            if found:
                status = os.waitstatus_to_exitcode(code)
            elif time.monotonic() - start > limit:
                child.kill()
                _, code, usage = os.wait4(child.pid, 0)
                status, reason = os.waitstatus_to_exitcode(code), f"takes longer than {limit:g} s"
            else:
                time.sleep(0.002)
        child.returncode = status
        said.seek(0)
        text = said.read().decode(errors="replace").strip()
    peak = usage.ru_maxrss * 1024
    if reason is None and status < 0:
        reason = f"ended by signal {-status}"
    if reason is None and status not in (0, 1):
        reason = f"status {status}"
    if reason is None and peak > BUDGET + PLANS + PROGRAM_ITSELF:
        reason = f"a peak of {peak // MIB} MiB"
    return reason, status, time.monotonic() - start, peak, text


def attempt(seed, folder, limit):
    """One case: added, and run where that is possible. Yields (reason, seconds, peak, what was done)."""
    draw = Draw(seed)
    case = Case(draw)
    maker = draw.choice(MAKERS)
    maker(case)
    # What neither a file nor a command line can say.
    if any(size >= 1 << 63 for _, shape, _ in case.inputs.values() for size in shape):
        return
    limit += case.work / WORK_A_SECOND
    is_open = draw.random() < 0.5
    path = folder / "case.onnx"
    try:
        onnx.save(case.model(is_open), path)
    except (ValueError, OverflowError, TypeError):
        return
    store = folder / "store"
    shutil.rmtree(store, ignore_errors=True)
    common = ["--store", store, "--budget", "64MiB", "--plan-cache", "16MiB", "--threads", "2"]
    declared = []
    if is_open and draw.random() < 0.3:
        for name, (_, shape, data) in case.inputs.items():
            if data is None:
                declared += ["--shape", f"{name}={'x'.join(f'0..{size}' for size in shape)}"]
    added = run(["add", path, "--name", "case", *declared, *common], limit)
    yield maker.__name__, "add", added
    if added[1] != 0:
        return
    given = []
    for name, (_, shape, data) in case.inputs.items():
        if data is not None:
            np.save(folder / f"{name}.npy", data)
            given += ["--input", f"case/{name}={folder / name}.npy"]
        elif is_open:
            given += ["--shape", f"case/{name}={'x'.join(map(str, shape))}"]
    yield maker.__name__, "run", run(["run", "case", *given, *common], limit)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=180)
    parser.add_argument("--count", type=int, help="stop after so many cases, however long they take")
    parser.add_argument("--seed", type=int, default=1, help="of the first case; the next ones count on")
    parser.add_argument("--limit", type=float, default=5, help="the seconds that a child may take")
    parser.add_argument("--keep", type=pathlib.Path, help="a folder for the models that failed")
    options = parser.parse_args()
    end = None if options.count else time.monotonic() + options.seconds
    failures, kinds, answers = [], collections.Counter(), collections.Counter()
    slowest, highest, seed = 0.0, 0, options.seed
    with tempfile.TemporaryDirectory(prefix="fuzz-shapes-") as name:
        folder = pathlib.Path(name)
        while (seed < options.seed + options.count) if options.count else (time.monotonic() < end):
            for maker, what, (reason, status, seconds, peak, said) in attempt(seed, folder, options.limit):
                kinds[f"{maker}/{what}"] += 1
                answers["answered" if status == 0 else "refused"] += 1
                slowest, highest = max(slowest, seconds), max(highest, peak)
                if reason:
                    failures.append(seed)
                    print(f"seed {seed}, {maker}, {what}: {reason}; {said.splitlines()[-1][:300] if said else ''}", flush=True)
                    if options.keep:
                        options.keep.mkdir(parents=True, exist_ok=True)
                        shutil.copy(folder / "case.onnx", options.keep / f"{seed}.onnx")
            seed += 1
    print(f"fuzz-shapes: {sum(kinds.values())} runs of {seed - options.seed} cases from seed {options.seed}: "
          f"{answers['answered']} answered, {answers['refused']} refused, {len(failures)} failed; "
          f"slowest {slowest:.1f} s, highest peak {highest // MIB} MiB")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
