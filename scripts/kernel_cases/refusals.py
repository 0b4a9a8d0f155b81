"""Operands that a kernel must refuse when it runs."""

import numpy as np

from kernel_cases.recording import F32, I32, I64, ints, op, real, refused


def refusals():
    gather = op("gather", axis=0)
    refused(gather, "Gather", [real(4), ints(4)], [(F32, (1,))], "index too large")
    refused(gather, "Gather", [real(4), ints(-5)], [(F32, (1,))], "index too small")
    refused(
        gather, "Gather", [real(4, 2), np.array([2**31 - 1], I32)], [(F32, (1, 2))], "index far too large"
    )
    refused(gather, "Gather", [real(4), ints(-(2**63))], [(F32, (1,))], "least index")
    refused(
        op("gather.elements", axis=1),
        "GatherElements",
        [real(2, 3), np.array([[3], [0]], I64)],
        [(F32, (2, 1))],
        "index too large",
    )
    refused(
        op("gather.nd", batchDimensions=0),
        "GatherND",
        [real(2, 3), np.array([[1, 3]], I64)],
        [(F32, (1,))],
        "index too large",
    )
    refused(
        op("scatter.nd", reduction="replace"),
        "ScatterND",
        [real(2, 3), np.array([[2]], I64), real(1, 3)],
        [(F32, (2, 3))],
        "index too large",
    )
    refused(
        op("scatter.nd", reduction="add"),
        "ScatterND",
        [real(2, 3), np.array([[-3]], I64), real(1, 3)],
        [(F32, (2, 3))],
        "index too small",
    )
    refused(
        op("scatter.elements", axis=0, reduction="add"),
        "ScatterElements",
        [real(2, 3), np.full((1, 3), 9, I64), real(1, 3)],
        [(F32, (2, 3))],
        "index too large",
    )
    refused("slice", "Slice", [real(5), ints(0), ints(3)], [(F32, (2,))], "another size")
    refused("slice", "Slice", [real(5), ints(0), ints(5), ints(0), ints(0)], [(F32, (5,))], "step 0")
    refused("slice", "Slice", [real(5), ints(0), ints(5), ints(7)], [(F32, (5,))], "axis out of range")
    refused(op("pad", mode="constant"), "Pad", [real(5), ints(1, 2)], [(F32, (7,))], "another size")
    refused(op("pad", mode="reflect"), "Pad", [real(5), ints(2**63 - 1, -(2**63))], [(F32, (4,))], "huge")
    refused(
        op("reduce", reduction="sum", keepDimensions=True, noopWithEmptyAxes=False),
        "ReduceSum",
        [real(2, 3), ints(0)],
        [(F32, (2, 1))],
        "another axis",
    )
    refused(
        op("reduce", reduction="sum", keepDimensions=True, noopWithEmptyAxes=False),
        "ReduceSum",
        [real(2, 3), ints(2)],
        [(F32, (2, 1))],
        "axis out of range",
    )
    refused(
        op("topk", axis=0, largest=True, sorted=True),
        "TopK",
        [real(4), ints(3)],
        [(F32, (2,)), (I64, (2,))],
        "another k",
    )
    refused(
        op("cumsum", exclusive=False, reverse=False),
        "CumSum",
        [real(4), I64(1)],
        [(F32, (4,))],
        "axis out of range",
    )
    fields = dict(hiddenSize=2, direction="forward", batchFirst=False, linearBeforeReset=False)
    refused(
        op("gru", recurrent=fields),
        "GRU",
        [real(3, 1, 2), real(1, 6, 2), real(1, 6, 2), None, np.array([4], I32)],
        [(F32, (3, 1, 1, 2))],
        "sequence too long",
    )
