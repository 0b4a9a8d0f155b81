"""Ops that move elements, or speak of shapes."""

import base64

import numpy as np
from onnx import helper

from kernel_cases.recording import F16, F32, I32, I64, any_type, boolean, case, integer, ints, op, real


def movement():
    for dtype in [F32, I64, np.uint8, F16]:
        x = any_type(dtype, 2, 3, 4)
        kind = (lambda x: [x.transpose(2, 0, 1)]) if dtype == F16 else None
        case(op("transpose", permutation=[2, 0, 1]), "Transpose", [x], {"perm": [2, 0, 1]}, kind=kind)
    for shape, perm in [
        ((2, 19, 17, 3), (0, 3, 1, 2)),
        ((2, 3, 19, 17), (0, 2, 3, 1)),
        ((5, 6), (1, 0)),
        ((4, 5, 6, 2), (0, 2, 1, 3)),
        ((3, 4, 5), (2, 1, 0)),
        ((1, 4, 1, 5), (3, 0, 2, 1)),
        ((0, 3), (1, 0)),
        ((2, 3, 4, 5, 2), (4, 2, 0, 3, 1)),
    ]:
        case(op("transpose", permutation=list(perm)), "Transpose", [real(*shape)], {"perm": perm})
    for axis, shapes in [
        (0, [(2, 3), (1, 3)]),
        (1, [(2, 3), (2, 1), (2, 4)]),
        (-1, [(2, 2, 3), (2, 2, 2)]),
        (1, [(2, 0, 3), (2, 2, 3)]),
    ]:
        case(op("concat", axis=axis), "Concat", [real(*s) for s in shapes], {"axis": axis})
    case(op("concat", axis=0), "Concat", [integer(2), integer(3)], {"axis": 0})
    case(op("split", axis=1), "Split", [real(2, 6), ints(1, 2, 3)], {"axis": 1}, outputs=3, parameters=[1])
    case(
        op("split", axis=1),
        "Split",
        [real(2, 6), ints(1, 2, 3)],
        {"axis": 1},
        outputs=3,
        parameters=[1],
        used=[0, 2],
        name="two of three",
    )
    case(op("split", axis=-1), "Split", [real(2, 7)], {"axis": -1, "num_outputs": 3}, outputs=3)
    case(op("split", axis=0), "Split", [integer(4, 2), ints(0, 4)], {"axis": 0}, outputs=2, parameters=[1])
    big = 2**63 - 1
    slices = [
        ((5, 6), [1], [4], [0], [1]),
        ((5, 6), [1, -4], [4, -1], None, None),
        ((5, 6), [-1], [-big], [1], [-2]),
        ((5, 6), [0], [big], [1], [2]),
        ((5, 6), [10], [20], [0], [1]),
        ((3, 4, 5), [3], [0], [-1], [-1]),
        ((4,), [-100], [100], [0], [3]),
        ((2, 3), [2], [1], [1], [1]),
        ((4, 3), [-1], [-big - 1], [0], [-big]),
        ((2, 3, 4, 4), [1, 0], [4, 4], [2, 3], [2, 2]),
    ]
    for shape, starts, ends, axes, steps in slices:
        inputs = [real(*shape), ints(*starts), ints(*ends)]
        inputs += [None if axes is None else ints(*axes), None if steps is None else ints(*steps)]
        while inputs[-1] is None:
            inputs.pop()
        case(
            "slice",
            "Slice",
            inputs,
            parameters=range(1, len(inputs)),
            name=f"{shape}{starts}{ends}{axes}{steps}",
        )
    case("slice", "Slice", [integer(7), np.array([1], I32), np.array([5], I32)], parameters=[1, 2])
    case(
        "slice",
        "Slice",
        [any_type(np.uint8, 7), ints(5), ints(1), ints(0), ints(-1)],
        parameters=[1, 2, 3, 4],
    )
    for axis, shape, indices in [
        (0, (5, 3), ints(0, -1, 2)),
        (1, (2, 4, 3), np.array([[0, 3], [-2, 1]], I32)),
        (-1, (2, 4), I64(2)),
        (0, (4,), ints()),
    ]:
        case(op("gather", axis=axis), "Gather", [real(*shape), indices], {"axis": axis}, parameters=[1])
    case(op("gather", axis=0), "Gather", [integer(4), I64(-1)], {"axis": 0}, parameters=[0, 1])
    case(op("gather", axis=0), "Gather", [boolean(4), ints(1, 1)], {"axis": 0})
    case(
        op("gather.elements", axis=1),
        "GatherElements",
        [real(3, 4), integer(3, 2, low=-4, high=4)],
        {"axis": 1},
    )
    case(
        op("gather.elements", axis=0),
        "GatherElements",
        [real(3, 4), integer(2, 3, low=-3, high=3)],
        {"axis": 0},
    )
    case(op("gather.nd", batchDimensions=0), "GatherND", [real(2, 3, 4), np.array([[0, 1], [-1, 2]], I64)])
    case(op("gather.nd", batchDimensions=0), "GatherND", [real(2, 3), np.array([[[0, 1]], [[1, -1]]], I64)])
    case(
        op("gather.nd", batchDimensions=1),
        "GatherND",
        [real(2, 3, 4), np.array([[1], [2]], I64)],
        {"batch_dims": 1},
    )
    for reduction, theirs in [
        ("replace", "none"),
        ("add", "add"),
        ("multiply", "mul"),
        ("maximum", "max"),
        ("minimum", "min"),
    ]:
        indices = np.array([[0], [2]], I64) if reduction == "replace" else np.array([[0], [2], [0]], I64)
        case(
            op("scatter.nd", reduction=reduction),
            "ScatterND",
            [real(4, 3), indices, real(len(indices), 3)],
            {"reduction": theirs},
            name=theirs,
        )
        spots = np.array([[0, 2, 1], [3, -1, 0]], I64)
        case(
            op("scatter.elements", axis=1, reduction=reduction),
            "ScatterElements",
            (
                [real(2, 4), spots, real(2, 3)]
                if reduction == "replace"
                else [real(2, 4), np.zeros((2, 3), I64), real(2, 3)]
            ),
            {"axis": 1, "reduction": theirs},
            name=theirs,
        )
    case(
        op("scatter.nd", reduction="add"),
        "ScatterND",
        [integer(2, 3), np.array([[1, 2]], I64), ints(7)],
        {"reduction": "add"},
    )
    case(
        op("scatter.nd", reduction="replace"),
        "ScatterND",
        [integer(4, dtype=np.uint8), np.array([[1], [-1]], I64), np.array([7, 8], np.uint8)],
    )
    x = real(2, 3, 4)
    case(op("reshape", allowZero=False), "Reshape", [x, ints(0, -1)], parameters=[1])
    case(op("flatten", axis=2), "Flatten", [x], {"axis": 2})
    case("squeeze", "Squeeze", [real(1, 3, 1), ints(0)], parameters=[1])
    case("unsqueeze", "Unsqueeze", [real(3), ints(0, -1)], parameters=[1])
    case("identity", "Identity", [x])
    for shape, target in [
        ((3, 1), (2, 3, 4)),
        ((1,), (3,)),
        ((), (2, 2)),
        ((2, 3), (2, 3)),
        ((3, 1), (1,)),
        ((1, 3), (0, 3)),
        ((2, 1, 3), (2, 4, 3)),
    ]:
        case("expand", "Expand", [real(*shape), ints(*target)], parameters=[1], name=f"{shape}{target}")
    case("expand", "Expand", [boolean(1, 3), ints(2, 3)], parameters=[1])
    for shape, repeats in [((2, 3), (2, 2)), ((3,), (4,)), ((2, 1, 3), (1, 3, 2)), ((2, 3), (0, 1))]:
        case("tile", "Tile", [real(*shape), ints(*repeats)], parameters=[1], name=f"{shape}{repeats}")
    case("tile", "Tile", [integer(2, 2, dtype=np.uint8), ints(1, 2)], parameters=[1])
    for mode in ["constant", "reflect", "edge", "wrap"]:
        case(
            op("pad", mode=mode), "Pad", [real(3, 4), ints(1, 2, 1, 1)], {"mode": mode}, parameters=[1], name=mode
        )
        case(
            op("pad", mode=mode),
            "Pad",
            [real(2, 3, 4), ints(0, 0, 2, 0, 0, 1)],
            {"mode": mode},
            parameters=[1],
            name=f"{mode} last",
        )
    case(
        op("pad", mode="constant"),
        "Pad",
        [real(4, 5), ints(-1, 2, 1, -2), F32(1.5)],
        parameters=[1, 2],
        name="negative",
    )
    case(
        op("pad", mode="edge"),
        "Pad",
        [real(4, 5), ints(-1, 2, 1, -2)],
        {"mode": "edge"},
        parameters=[1],
        name="negative edge",
    )
    case(
        op("pad", mode="constant"),
        "Pad",
        [real(4, 5), ints(1, 2), F32(-1), ints(-1)],
        parameters=[1, 2, 3],
        name="axes",
    )
    case(op("pad", mode="constant"), "Pad", [integer(4), ints(1, 2), I64(7)], parameters=[1, 2])
    case(op("pad", mode="constant"), "Pad", [boolean(3), ints(1, 0), np.bool_(True)], parameters=[1, 2])
    for mode in ["DCR", "CRD"]:
        case(
            op("depthtospace", blockSize=2, columnRowDepth=mode == "CRD"),
            "DepthToSpace",
            [real(2, 12, 2, 3)],
            {"blocksize": 2, "mode": mode},
            name=mode,
        )
    case(op("spacetodepth", blockSize=2), "SpaceToDepth", [real(2, 3, 4, 6)], {"blocksize": 2})
    for upper in [True, False]:
        for k in [None, 0, 1, -1, 5, -5, 2**62]:
            inputs = [real(2, 3, 4)] + ([] if k is None else [I64(k)])
            if k == 2**62:
                case(
                    op("triangular", upper=upper),
                    "Trilu",
                    inputs,
                    kind=lambda x, k: [x * 0 if upper else x],
                    parameters=[1],
                    name="far",
                )
            else:
                case(
                    op("triangular", upper=upper),
                    "Trilu",
                    inputs,
                    {"upper": int(upper)},
                    parameters=range(1, len(inputs)),
                    name=f"{upper} {k}",
                )
    for axis in [-1, 0, 1]:
        case(
            op("onehot", axis=axis),
            "OneHot",
            [ints(0, 2, -1, 5), I64(3), np.array([0, 1], F32)],
            {"axis": axis},
            parameters=[1, 2],
        )
    case(
        op("onehot", axis=-1),
        "OneHot",
        [integer(2, 2, low=0, high=3), ints(3), ints(-1, 4)],
        parameters=[1, 2],
    )
    case(op("shape", start=0), "Shape", [real(2, 3, 4)])
    case(op("shape", start=1, end=-1), "Shape", [real(2, 3, 4)], {"start": 1, "end": -1})
    case("size", "Size", [real(2, 3, 4)])
    value = {"type": "float32", "shape": [1], "bytes": base64.b64encode(F32(2.5).tobytes()).decode()}
    case(
        op("constantofshape", value=value),
        "ConstantOfShape",
        [ints(2, 3)],
        {"value": helper.make_tensor("v", 1, [1], [2.5])},
        parameters=[0],
    )
    value = {"type": "int64", "shape": [1], "bytes": base64.b64encode(I64(0).tobytes()).decode()}
    case(
        op("constantofshape", value=value),
        "ConstantOfShape",
        [ints(4)],
        {"value": helper.make_tensor("v", 7, [1], [0])},
        parameters=[0],
    )
    for values in [
        (I64(2), I64(11), I64(3)),
        (F32(0.5), F32(2.1), F32(0.25)),
        (I64(5), I64(-3), I64(-2)),
        (I32(0), I32(4), I32(1)),
        (I64(3), I64(1), I64(1)),
    ]:
        case("range", "Range", list(values), parameters=[0, 1, 2], name=f"{values}")
    case("nonzero", "NonZero", [integer(3, 4, low=-1, high=2)])
    case("nonzero", "NonZero", [np.array([0, -0.0, 2, np.nan], F32)])
    case("nonzero", "NonZero", [boolean(2, 2, 3)])
    case("nonzero", "NonZero", [np.zeros((2, 3), I32)])
