"""Folds along axes, choices, running sums and normalisation."""

import numpy as np

from kernel_cases.recording import (
    F16,
    F32,
    F64,
    I32,
    I64,
    any_type,
    boolean,
    case,
    integer,
    ints,
    op,
    positive,
    real,
)


def reductions():
    names = {
        "sum": "ReduceSum",
        "mean": "ReduceMean",
        "maximum": "ReduceMax",
        "minimum": "ReduceMin",
        "product": "ReduceProd",
        "sumOfSquares": "ReduceSumSquare",
        "l1": "ReduceL1",
        "l2": "ReduceL2",
        "logSum": "ReduceLogSum",
        "logSumExp": "ReduceLogSumExp",
    }

    def reduce(name, keep=True, noop=False):
        return op("reduce", reduction=name, keepDimensions=keep, noopWithEmptyAxes=noop)

    for ours, theirs in names.items():
        x = positive(2, 3, 4, 5)
        for axes in [(1,), (-1,), (0, 2), (2, 3), (1, 3), (0, 1, 2, 3)]:
            keep = len(axes) != 2
            case(
                reduce(ours, keep),
                theirs,
                [x, ints(*axes)],
                {"keepdims": int(keep)},
                parameters=[1],
                name=f"{axes}",
            )
        case(reduce(ours, False), theirs, [positive(3, 4)], {"keepdims": 0}, name="all")
        case(
            reduce(ours, True, True),
            theirs,
            [positive(3, 4), ints()],
            {"noop_with_empty_axes": 1},
            parameters=[1],
            name="none",
        )
        case(reduce(ours), theirs, [positive(3, 4, dtype=F64), ints(1)], parameters=[1])
        case(reduce(ours), theirs, [positive(3, 4, dtype=F16), ints(1)], parameters=[1])
    for ours in ["sum", "mean", "maximum", "minimum", "product", "sumOfSquares", "l1"]:
        for dtype in [I32, I64]:
            if (ours, dtype) in [("l1", I64), ("mean", I64)]:
                continue
            case(reduce(ours), names[ours], [integer(3, 4, dtype=dtype, low=1), ints(0)], parameters=[1])
    for dtype in [np.int8, np.uint8]:
        case(reduce("maximum"), "ReduceMax", [integer(3, 4, dtype=dtype), ints(1)], parameters=[1])
        case(reduce("minimum"), "ReduceMin", [integer(3, 4, dtype=dtype), ints(1)], parameters=[1])
    case(reduce("maximum"), "ReduceMax", [boolean(3, 4), ints(1)], parameters=[1])
    case(reduce("sum"), "ReduceSum", [real(0, 3), ints(0)], parameters=[1], name="nothing")
    case(reduce("sum"), "ReduceSum", [real(70, 40), ints(0)], parameters=[1])
    case(
        reduce("logSumExp"),
        "ReduceLogSumExp",
        [np.array([[1000, 1001], [-1000, -1001]], F32), ints(1)],
        parameters=[1],
        name="large",
    )
    for extremum, theirs in [("maximum", "ArgMax"), ("minimum", "ArgMin")]:
        for axis, keep, last in [(0, True, False), (1, False, False), (-1, True, True)]:
            x = integer(3, 4, 5, low=0, high=4).astype(F32)
            case(
                op("argument", extremum=extremum, axis=axis, keepDimensions=keep, selectLastIndex=last),
                theirs,
                [x],
                {"axis": axis, "keepdims": int(keep), "select_last_index": int(last)},
                name=f"{axis} {last}",
            )
    fields = dict(axis=0, keepDimensions=False, selectLastIndex=False)
    for dtype in [F64, I32, np.uint8, F16]:
        case(
            op("argument", extremum="maximum", **fields),
            "ArgMax",
            [any_type(dtype, 6, 2)],
            {"axis": 0, "keepdims": 0},
        )
    for largest in [True, False]:
        for axis, k in [(-1, 2), (0, 3), (1, 1), (1, 4), (1, 0)]:
            case(
                op("topk", axis=axis, largest=largest, sorted=True),
                "TopK",
                [real(3, 4), ints(k)],
                {"axis": axis, "largest": int(largest)},
                2,
                [1],
                name=f"{axis} {k} {largest}",
            )
    case(
        op("topk", axis=-1, largest=True, sorted=True),
        "TopK",
        [integer(2, 30, low=0, high=4), ints(9)],
        {},
        2,
        [1],
        name="ties",
    )
    case(
        op("topk", axis=-1, largest=False, sorted=True),
        "TopK",
        [integer(2, 30, low=0, high=4, dtype=I32), ints(30)],
        {"largest": 0},
        2,
        [1],
        name="ties",
    )
    for exclusive in [False, True]:
        for reverse in [False, True]:
            for axis in [0, -1]:
                case(
                    op("cumsum", exclusive=exclusive, reverse=reverse),
                    "CumSum",
                    [real(3, 4, 2), I64(axis)],
                    {"exclusive": int(exclusive), "reverse": int(reverse)},
                    parameters=[1],
                    name=f"{exclusive} {reverse} {axis}",
                )
    case(
        op("cumsum", exclusive=False, reverse=False),
        "CumSum",
        [integer(5), np.array(0, I32)],
        parameters=[1],
    )


def normalisation():
    for axis in [-1, 1, 0]:
        for ours, theirs in [("softmax", "Softmax"), ("logsoftmax", "LogSoftmax")]:
            case(op(ours, axis=axis), theirs, [real(3, 5, 4, scale=3)], {"axis": axis})
    case(op("softmax", axis=-1), "Softmax", [np.array([[1000, 1001, 1002]], F32)], name="large")
    case(op("softmax", axis=1), "Softmax", [real(2, 3, dtype=F64)], {"axis": 1})
    case(op("softmax", axis=1), "Softmax", [real(2, 3, dtype=F16)], {"axis": 1})
    for shape in [(2, 3, 4, 5), (2, 3), (2, 3, 7)]:
        case(
            op("norm.batch", epsilon=1e-3),
            "BatchNormalization",
            [real(*shape), real(3), real(3), real(3), positive(3)],
            {"epsilon": 1e-3},
        )
    case(
        op("norm.batch", epsilon=1e-3),
        "BatchNormalization",
        [v.astype(F64) for v in [real(2, 3, 4), real(3), real(3), real(3), positive(3)]],
        {"epsilon": 1e-3},
    )
    for axis in [-1, 1, 2]:
        size = (3, 4, 5)[axis:]
        case(
            op("norm.layer", axis=axis, epsilon=1e-5),
            "LayerNormalization",
            [real(3, 4, 5), real(*size), real(*size)],
            {"axis": axis},
        )
    case(
        op("norm.layer", axis=-1, epsilon=1e-5),
        "LayerNormalization",
        [real(3, 5), real(5)],
        {},
        name="no bias",
    )
    case(
        op("norm.layer", axis=-1, epsilon=1e-5),
        "LayerNormalization",
        [real(3, 5), real(5), real(5)],
        {},
        outputs=3,
        name="three results",
    )
    case(
        op("norm.layer", axis=-1, epsilon=1e-5),
        "LayerNormalization",
        [real(3, 5, dtype=F64), real(5, dtype=F64)],
        {},
    )
    case(
        op("norm.instance", epsilon=1e-5),
        "InstanceNormalization",
        [real(2, 3, 4, 5), real(3), real(3)],
    )
    case(
        op("norm.instance", epsilon=1e-5), "InstanceNormalization", [real(2, 3, 9), real(3), real(3)]
    )

    def group_norm(x, scale, bias):
        grouped = x.reshape(x.shape[0], 2, -1).astype(F64)
        y = (grouped - grouped.mean(-1, keepdims=True)) / np.sqrt(grouped.var(-1, keepdims=True) + 1e-5)
        spread = (-1,) + (1,) * (x.ndim - 2)
        return [(y.reshape(x.shape) * scale.reshape(spread) + bias.reshape(spread)).astype(x.dtype)]

    case(
        op("norm.group", groups=2, epsilon=1e-5),
        "GroupNormalization",
        [real(2, 4, 3, 3), real(4), real(4)],
        kind=group_norm,
    )
    for size in [1, 3, 5]:
        fields = dict(size=size, alpha=0.02, beta=0.7, bias=1.5)
        case(
            op("norm.localresponse", **fields),
            "LRN",
            [real(2, 5, 3, 3, scale=4)],
            fields,
            name=f"{size}",
        )
