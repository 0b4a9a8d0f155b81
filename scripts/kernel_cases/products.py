"""Products of matrices, LSTM and GRU."""

import numpy as np

from kernel_cases.recording import (
    F16,
    F64,
    I32,
    I64,
    any_type,
    case,
    ints,
    onnxruntime_results,
    op,
    real,
)


def products():
    def multiply(a=False, b=False, alpha=1.0):
        return op("matmul", transposeA=a, transposeB=b, alpha=alpha)

    for x, y in [
        ((3, 4), (4, 5)),
        ((2, 3, 4), (4, 5)),
        ((2, 3, 4), (2, 4, 5)),
        ((4,), (4, 5)),
        ((3, 4), (4,)),
        ((4,), (4,)),
        ((2, 1, 3, 4), (5, 4, 2)),
        ((4,), (2, 4, 3)),
        ((3, 0), (0, 2)),
        ((1, 37), (37, 19)),
        ((2, 3, 9, 17), (1, 3, 17, 11)),
    ]:
        case(multiply(), "MatMul", [real(*x), real(*y)])
    for dtype in [F64, I32, I64, np.uint32]:
        case(multiply(), "MatMul", [any_type(dtype, 3, 7), any_type(dtype, 7, 5)])
    case(multiply(), "MatMul", [real(3, 7, dtype=F16), real(7, 5, dtype=F16)])
    for a in [False, True]:
        for b in [False, True]:
            x, y = real(*((7, 3) if a else (3, 7))), real(*((5, 7) if b else (7, 5)))
            case(multiply(a, b), "Gemm", [x, y], {"transA": int(a), "transB": int(b)}, name=f"{a}{b}")
            case(
                multiply(a, b, 0.5),
                "Gemm",
                [x, y, real(5)],
                {"transA": int(a), "transB": int(b), "alpha": 0.5},
                name=f"{a}{b} alpha bias",
            )
    for shape in [(3, 5), (3, 1), (1, 5), ()]:
        case(multiply(), "Gemm", [real(3, 7), real(7, 5), real(*shape)], {})
    relu = {"unary": {"_0": {"relu": {}}}}
    case(
        multiply(),
        "Gemm",
        [real(3, 7), real(7, 5), real(5)],
        {},
        post=[relu],
        after=lambda y: np.maximum(y, 0),
        name="relu",
    )
    x, y, other = real(3, 7), real(7, 5), real(5)
    case(
        multiply(),
        "MatMul",
        [x, y],
        operands=[x, y, None, other],
        post=[{"binary": {"_0": "add", "operand": 3}}, relu],
        after=lambda v: np.maximum(v + other, 0),
        name="add relu",
    )
    x, z = real(2, 5), real(2, 5)
    case(
        op("binary", function="add"),
        "Add",
        [x, z],
        operands=[x, z, other],
        post=[{"binary": {"_0": "multiply", "operand": 2}}],
        after=lambda v: v * other,
        name="multiply",
    )
    case(
        op("reshape", allowZero=False),
        "Reshape",
        [x, ints(5, 2)],
        post=[relu],
        after=lambda v: np.maximum(v, 0),
        name="relu",
    )


def recurrent():
    def cell(node, direction, gates, steps=4, batch=3, inputs=5, hidden=6, first=False, **options):
        directions = 2 if direction == "bidirectional" else 1
        lead = (batch, steps) if first else (steps, batch)
        state = (batch, directions, hidden) if first else (directions, batch, hidden)
        x, w, r = (
            real(*lead, inputs),
            real(directions, gates * hidden, inputs, scale=0.5),
            real(directions, gates * hidden, hidden, scale=0.5),
        )
        operands = [x, w, r]
        operands.append(real(directions, 2 * gates * hidden) if options.get("bias", True) else None)
        operands.append(np.array(options["lengths"], I32) if "lengths" in options else None)
        initial = options.get("initial", False)
        operands.append(real(*state) if initial else None)
        if node == "LSTM":
            operands.append(real(*state) if initial else None)
            operands.append(real(directions, 3 * hidden) if options.get("peepholes") else None)
        while operands[-1] is None:
            operands.pop()
        fields = dict(
            hiddenSize=hidden,
            direction=direction,
            batchFirst=first,
            linearBeforeReset=bool(options.get("linear")),
        )
        attributes = dict(hidden_size=hidden, direction=direction)
        if first:
            attributes["layout"] = 1
        if options.get("linear"):
            attributes["linear_before_reset"] = 1
        if "clip" in options:
            fields["clip"] = attributes["clip"] = options["clip"]
        if first:
            # onnxruntime has no batch-first cell: the sequence-first one, with the batch axis moved.
            def swapped(*arrays):
                arrays = list(arrays)
                for index in [0, 5, 6]:
                    if index < len(arrays) and arrays[index] is not None:
                        arrays[index] = arrays[index].swapaxes(0, 1).copy()
                del attributes["layout"]
                y, *states = onnxruntime_results(node, arrays, attributes, 3 if node == "LSTM" else 2, 14)
                return [y.transpose(2, 0, 1, 3)] + [s.swapaxes(0, 1) for s in states]

        case(
            op(node.lower(), recurrent=fields),
            node,
            operands,
            attributes,
            3 if node == "LSTM" else 2,
            opset=14,
            used=options.get("used"),
            kind=swapped if first else None,
            name=f"{direction} {sorted(options)} {first} {steps}",
        )

    for node, gates in [("LSTM", 4), ("GRU", 3)]:
        for direction in ["forward", "reverse", "bidirectional"]:
            cell(node, direction, gates)
            cell(node, direction, gates, lengths=[4, 2, 1], initial=True)
        cell(node, "forward", gates, bias=False, used=[1])
        cell(node, "forward", gates, clip=0.4, initial=True)
        cell(node, "bidirectional", gates, first=True, initial=True)
        cell(node, "forward", gates, steps=1, batch=1, initial=True)
    cell("LSTM", "bidirectional", 4, peepholes=True, initial=True)
    cell("LSTM", "forward", 4, initial=True, used=[0, 2])
    cell("GRU", "forward", 3, linear=True)
    cell("GRU", "bidirectional", 3, linear=True, initial=True, lengths=[1, 3, 4])
