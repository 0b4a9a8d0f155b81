"""What is not a number, infinities and the ends of ranges, through everything that computes with them.

Where onnxruntime answers differently by an element's place in a vector (ReduceMax, ArgMax, TopK and MaxPool of NaNs) or
starts from the lowest finite number (MaxPool of −∞), the reference implementation of ONNX decides.
"""

import numpy as np
import onnx
from onnx import helper
from onnx.reference import ReferenceEvaluator

from kernel_cases.recording import F16, F32, F64, I64, case, ints, onnxruntime_results, op, real, rng, unary

NAN, INF = F32("nan"), F32("inf")
SPECIAL = np.array([NAN, INF, -INF, 0, 1.5, -1.5, 7, -8, 0.25, -3, 2.5], F32)
HUGE = np.array([3e38, -3e38, 100, -100, 1e30, -1e30, 80, -80], F32)


def reference(node, attributes=None, outputs=1, opset=23):
    """A function of a node's inputs: what the reference implementation of ONNX makes of them."""

    def run(*inputs):
        names = ["" if array is None else f"i{index}" for index, array in enumerate(inputs)]
        fed = {name: array for name, array in zip(names, inputs) if array is not None}
        graph = helper.make_graph(
            [helper.make_node(node, names, [f"o{index}" for index in range(outputs)], **(attributes or {}))],
            "case",
            [
                helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
                for name, array in fed.items()
            ],
            [helper.make_empty_tensor_value_info(f"o{index}") for index in range(outputs)],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
        with np.errstate(all="ignore"):
            return [np.asarray(result) for result in ReferenceEvaluator(model).run(None, fed)]

    return run


def special_values():
    functions()
    pairs()
    post_ops()
    folds()
    pools()
    normalisations()
    shifts()
    corners()


def functions():
    plain = {
        "absolute": "Abs",
        "negate": "Neg",
        "exponential": "Exp",
        "logarithm": "Log",
        "squareRoot": "Sqrt",
        "reciprocal": "Reciprocal",
        "floor": "Floor",
        "ceiling": "Ceil",
        "round": "Round",
        "sign": "Sign",
        "errorFunction": "Erf",
        "arcTangent": "Atan",
        "tanh": "Tanh",
        "sigmoid": "Sigmoid",
        "relu": "Relu",
        "softplus": "Softplus",
        "softsign": "Softsign",
        "mish": "Mish",
        "hardSwish": "HardSwish",
    }
    attributed = [
        (unary("leakyRelu", slope=0.2), "LeakyRelu", {"alpha": 0.2}),
        (unary("elu", alpha=1.5), "Elu", {"alpha": 1.5}),
        (unary("celu", alpha=1.5), "Celu", {"alpha": 1.5}),
        (unary("selu", alpha=1.6, gamma=1.1), "Selu", {"alpha": 1.6, "gamma": 1.1}),
        (unary("thresholdedRelu", alpha=0.7), "ThresholdedRelu", {"alpha": 0.7}),
        (unary("hardSigmoid", alpha=0.3, beta=0.4), "HardSigmoid", {"alpha": 0.3, "beta": 0.4}),
        (unary("gelu", approximate=False), "Gelu", {}),
        (unary("gelu", approximate=True), "Gelu", {"approximate": "tanh"}),
    ]
    every = [(unary(ours), theirs, {}) for ours, theirs in plain.items()] + attributed
    for ours, theirs, attributes in every:
        case(ours, theirs, [np.tile(SPECIAL, 5)], attributes, name="special")
        case(ours, theirs, [SPECIAL[:3]], attributes, name="few special")
        if theirs not in ("Selu", "Log", "Reciprocal"):
            case(ours, theirs, [np.tile(HUGE, 3)], attributes, name="huge")
    for dtype in [F16, F64]:
        for ours in ["relu", "exponential", "sigmoid"]:
            case(
                unary(ours),
                plain[ours],
                [SPECIAL.astype(dtype)],
                compute=F32 if dtype == F64 else None,
                name=f"special {np.dtype(dtype)}",
            )
    for low, high in [(0, 6), (-2, 3), (1, 5), (-3, -1), (6, 0), (NAN, 2), (-1, NAN)]:
        case(
            unary("clip", minimum=str(low) if low != low else low, maximum=str(high) if high != high else high),
            "Clip",
            [np.tile(SPECIAL, 5), np.array(low, F32), np.array(high, F32)],
            operands=[np.tile(SPECIAL, 5)],
            name=f"special {low} {high}",
        )


def pairs():
    x = np.tile(SPECIAL, 3)
    others = np.roll(x, 4)
    for ours, theirs in {
        "maximum": "Max",
        "minimum": "Min",
        "add": "Add",
        "subtract": "Sub",
        "multiply": "Mul",
        "divide": "Div",
        "power": "Pow",
        "parametricRelu": "PRelu",
        "equal": "Equal",
        "less": "Less",
        "greater": "Greater",
        "lessOrEqual": "LessOrEqual",
        "greaterOrEqual": "GreaterOrEqual",
    }.items():
        b = op("binary", function=ours)
        case(b, theirs, [x, others], name="special")
        for number in [0, 2, NAN, -INF]:
            single = np.array([number], F32)
            if ours == "parametricRelu" and not np.isfinite(number):
                continue
            case(b, theirs, [x, single], parameters=[1], name=f"special with {number}")
            if ours != "parametricRelu":
                case(b, theirs, [single, x], parameters=[0], name=f"{number} with special")
        # The library multiplies every element by the slope, which does not matter while that is finite.
        row = np.where(np.isfinite(x), x, F32(0.5)) if ours == "parametricRelu" else x
        case(b, theirs, [np.stack([x, others]), row], name="special rows")
    case(op("binary", function="remainder"), "Mod", [x, np.array([3], F32)], {"fmod": 1}, name="special")


def post_ops():
    image = real(1, 16, 7, 7)
    image[0, 3, 0, 0], image[0, 5, 3, 3], image[0, 7, 6, 1] = NAN, INF, -INF
    residual = real(1, 32, 7, 7)
    residual[0, 0, 5, 5], residual[0, 1, 5, 6], residual[0, 2, 6, 6] = NAN, INF, -INF
    fields = dict(strides=[1, 1], dilations=[1, 1], padding={"explicit": {"_0": [1, 1, 1, 1]}}, groups=1)
    attributes = dict(pads=[1, 1, 1, 1])
    functions = {
        "relu": ({"unary": {"_0": {"relu": {}}}}, lambda v: np.maximum(v, 0)),
        "clip": ({"unary": {"_0": {"clip": {"minimum": 0, "maximum": 6}}}}, lambda v: np.clip(v, 0, 6)),
        "lifted": ({"unary": {"_0": {"clip": {"minimum": 1, "maximum": 6}}}}, lambda v: np.clip(v, 1, 6)),
        "exponential": ({"unary": {"_0": {"exponential": {}}}}, lambda v: np.exp(v * 1.0)),
        "hardSigmoid": (
            {"unary": {"_0": {"hardSigmoid": {"alpha": 0.2, "beta": 0.5}}}},
            lambda v: np.clip(v * F32(0.2) + F32(0.5), 0, 1),
        ),
        "sigmoid": ({"unary": {"_0": {"sigmoid": {}}}}, lambda v: 1 / (1 + np.exp(-v))),
    }

    def quiet(function):
        def run(values):
            with np.errstate(all="ignore"):
                return function(values)

        return run

    weights = real(32, 16, 3, 3, scale=0.05)
    for name, (post, after) in functions.items():
        for channels in [32, 20]:
            case(
                op("conv", **fields),
                "Conv",
                [image, weights[:channels], real(channels)],
                attributes,
                post=[post],
                after=quiet(after),
                name=f"special {name} {channels}",
            )
        x = real(6, 24)
        x[0, 0], x[2, 3], x[4, 5] = NAN, INF, -INF
        w = real(24, 32, scale=0.1)
        case(
            op("matmul", transposeA=False, transposeB=False, alpha=1),
            "MatMul",
            [x, w],
            post=[post],
            after=quiet(after),
            name=f"special {name}",
        )
        batch = real(2, 16, 3, 3)
        batch[0, 0, 0, 0], batch[0, 1, 1, 1], batch[1, 2, 2, 2] = NAN, INF, -INF
        case(
            op("norm.batch", epsilon=1e-3),
            "BatchNormalization",
            [batch, real(16), real(16), real(16), abs(real(16)) + 1],
            {"epsilon": 1e-3},
            post=[post],
            after=quiet(after),
            name=f"special {name}",
        )
    deep = dict(fields, groups=16)
    case(
        op("conv", **deep),
        "Conv",
        [image, real(16, 1, 3, 3), real(16)],
        dict(attributes, group=16),
        post=[functions["relu"][0]],
        after=quiet(functions["relu"][1]),
        name="special depthwise relu",
    )


def folds():
    rows = np.array(
        [
            [1, NAN, 2, 3],
            [NAN, 1, 2, 3],
            [1, 2, 3, NAN],
            [INF, 1, 2, 3],
            [-INF, 1, 2, 3],
            [-INF] * 4,
            [INF] * 4,
            [-INF, INF, 1, 2],
            [1, 2, 3, 4],
        ],
        F32,
    )
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
    for ours, theirs in names.items():
        fields = op("reduce", reduction=ours, keepDimensions=True, noopWithEmptyAxes=False)
        kind = reference(theirs) if ours in ("maximum", "minimum") else None
        case(fields, theirs, [rows, ints(1)], parameters=[1], name="special", kind=kind)
        case(fields, theirs, [np.tile(rows, 9), ints(1)], parameters=[1], name="special long", kind=kind)
        columns = np.ascontiguousarray(np.tile(rows, 3).T)
        case(fields, theirs, [columns, ints(0)], parameters=[1], name="special columns", kind=kind)
        if ours in ("l2", "logSum", "logSumExp"):
            case(fields, theirs, [rng.integers(1, 9, (3, 4)).astype(np.int32), ints(1)], parameters=[1])
    for extreme in ["maximum", "minimum"]:
        fields = op("reduce", reduction=extreme, keepDimensions=True, noopWithEmptyAxes=False)
        for dtype in [np.bool_, np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, I64, np.uint64]:
            limits = None if dtype == np.bool_ else np.iinfo(dtype)
            end = (extreme == "minimum") if limits is None else (limits.min if extreme == "maximum" else limits.max)
            case(
                fields,
                names[extreme],
                [np.zeros((2, 0, 3), dtype), ints(1)],
                parameters=[1],
                name=f"nothing {np.dtype(dtype)}",
                kind=lambda x, axes, end=end: [np.full((2, 1, 3), end, x.dtype)],
            )
        for dtype in [F32, F64, F16]:
            end = -INF if extreme == "maximum" else INF
            case(
                fields,
                names[extreme],
                [np.zeros((2, 0, 3), dtype), ints(1)],
                parameters=[1],
                name=f"nothing {np.dtype(dtype)}",
                kind=lambda x, axes, end=end: [np.full((2, 1, 3), end, x.dtype)],
            )
        large = np.array([[2**63 + 5, 3, 2**64 - 1], [1, 2**63, 7]], np.uint64)
        case(
            fields,
            names[extreme],
            [large, ints(1)],
            parameters=[1],
            name="large",
            kind=lambda x, axes, f=np.max if extreme == "maximum" else np.min: [f(x, axis=1, keepdims=True)],
        )
        theirs = {"maximum": "ArgMax", "minimum": "ArgMin"}[extreme]
        argument = op("argument", extremum=extreme, axis=1, keepDimensions=True, selectLastIndex=False)
        case(argument, theirs, [rows], {"axis": 1}, name="special", kind=reference(theirs, {"axis": 1}))
        case(argument, theirs, [large], {"axis": 1}, name="large", kind=reference(theirs, {"axis": 1}))
    for largest in [True, False]:
        top = op("topk", axis=-1, largest=largest, sorted=True)
        for x, name in [(rows[[0, 1, 2, 3, 4, 8]], "special"), (large, "large")]:

            def best(x, k, largest=largest):
                # NaNs are the largest, equal elements keep their order.
                keys = np.where(x != x, np.inf, x.astype(np.longdouble))
                places = np.lexsort((np.arange(x.shape[1])[None].repeat(len(x), 0), -keys if largest else keys, (x == x) if largest else (x != x)))
                places = places[:, : int(k[0])]
                return [np.take_along_axis(x, places, 1), places.astype(I64)]

            case(top, "TopK", [x, ints(2)], parameters=[1], name=f"{name} {largest}", kind=best)
    for axis in [0, 1]:
        x = rows if axis == 1 else np.ascontiguousarray(rows.T)
        for ours, theirs in [("softmax", "Softmax"), ("logsoftmax", "LogSoftmax")]:
            case(op(ours, axis=axis), theirs, [x], {"axis": axis}, name="special")
            case(op(ours, axis=axis), theirs, [np.tile(x, (5, 5))], {"axis": axis}, name="special long")


def pools():
    image = real(1, 16, 8, 8)
    image[0, :3, 2:5, 2:6] = -INF
    image[0, 4, :, :] = -INF
    image[0, 5, 1, 1], image[0, 6, 3, 3], image[0, 7, 0, 0] = NAN, INF, NAN
    image[0, 8, :3, :3] = NAN

    def maximum(size, stride, pad):
        def run(x):
            n, c, h, w = x.shape
            padded = np.full((n, c, h + 2 * pad, w + 2 * pad), NAN, x.dtype)
            padded[:, :, pad : pad + h, pad : pad + w] = x
            windows = np.lib.stride_tricks.sliding_window_view(padded, (size, size), axis=(2, 3))
            windows = windows[:, :, ::stride, ::stride]
            some = (windows == windows).any((-1, -2))
            return [np.where(some, np.where(windows == windows, windows, -INF).max((-1, -2)), NAN).astype(x.dtype)]

        return run

    for shape in [image, image[:, :13], np.ascontiguousarray(image[:, :, :, :5])]:
        for size, stride, pad in [(3, 2, 1), (2, 2, 0), (3, 1, 1), (5, 1, 2)]:
            if size > shape.shape[3]:
                continue
            fields = dict(
                kind="maximum",
                window=[size] * 2,
                strides=[stride] * 2,
                dilations=[1, 1],
                padding={"explicit": {"_0": [pad] * 4}},
                ceilingMode=False,
            )
            case(
                op("pool", **fields), "MaxPool", [shape], kind=maximum(size, stride, pad), name=f"special {size} {stride}"
            )
    fields = dict(
        kind="maximum", strides=[], dilations=[], padding={"explicit": {"_0": []}}, ceilingMode=False
    )
    for shape in [image, image[:, :13]]:
        case(op("pool", **fields), "GlobalMaxPool", [shape], kind=reference("GlobalMaxPool"), name="special")
    average = dict(fields, kind="average")
    case(op("pool", **average), "GlobalAveragePool", [image], name="special")


def normalisations():
    """In halves, whose squares do not fit a half."""
    x = (real(2, 4, 40) * 300).astype(F16)
    for axis in [-1]:
        case(
            op("norm.layer", axis=axis, epsilon=1e-5),
            "LayerNormalization",
            [x, real(40, dtype=F16), real(40, dtype=F16)],
            {"axis": axis},
            name="large halves",
        )
    case(
        op("norm.instance", epsilon=1e-5),
        "InstanceNormalization",
        [x, real(4, dtype=F16), real(4, dtype=F16)],
        name="large halves",
    )
    case(
        op("norm.batch", epsilon=1e-5),
        "BatchNormalization",
        [x, real(4, dtype=F16), real(4, dtype=F16), real(4, dtype=F16), np.array([6e4, 5e4, 4e4, 3e4], F16)],
        name="large halves",
    )
    for ours, theirs in {"mean": "ReduceMean", "l2": "ReduceL2", "logSum": "ReduceLogSum", "l1": "ReduceL1"}.items():
        case(
            op("reduce", reduction=ours, keepDimensions=True, noopWithEmptyAxes=False),
            theirs,
            [abs(x), ints(2)],
            parameters=[1],
            name="large halves",
        )
    case(op("softmax", axis=2), "Softmax", [x], {"axis": 2}, name="large halves")
    fields = dict(kind="average", strides=[], dilations=[], padding={"explicit": {"_0": []}}, ceilingMode=False)
    case(op("pool", **fields), "GlobalAveragePool", [abs(x) * F16(20)], name="large halves")
    case(
        op("matmul", transposeA=False, transposeB=False, alpha=1),
        "MatMul",
        [np.repeat(real(3, 20) * 300, 2, axis=1).astype(F16), np.tile(np.array([[200.0], [-200.0]], F16), (20, 2))],
        name="large halves",
    )


def shifts():
    for dtype in [np.int8, np.int16, np.int32, I64, np.uint8, np.uint16, np.uint32, np.uint64]:
        bits = np.iinfo(dtype).bits
        values = np.array([-16, 16, -1, 1, 100, -100, 0, 127], np.int64).astype(dtype)
        amounts = np.array([1, bits - 1, bits, bits + 3, 2, 3, 5, 100], np.int64).astype(dtype)
        cases = [amounts]
        if np.iinfo(dtype).min < 0:
            cases.append(np.array([-1, -2, -bits, np.iinfo(dtype).min, -1, -3, 0, -100], np.int64).astype(dtype))
        for number, by in enumerate(cases):
            for ours, direction in [("shiftLeft", "LEFT"), ("shiftRight", "RIGHT")]:
                case(
                    op("binary", function=ours),
                    "BitShift",
                    [values, by],
                    name=f"{direction} {np.dtype(dtype)} {number}",
                    kind=reference("BitShift", {"direction": direction}, opset=26),
                )


def resize_fields(mode, coordinates, **others):
    plain = dict(
        rounding="preferFloor",
        cubicCoefficient=-0.75,
        excludeOutside=False,
        extrapolationValue=0.0,
        antialias=False,
        aspectRatio="stretch",
    )
    return dict(mode=mode, coordinates=coordinates, **{**plain, **others})


def corners():
    """Corners are aligned to where the scaled image ends, which need not be at a whole element."""
    x = real(1, 2, 5, 6)
    for mode in ["nearest", "linear", "cubic"]:
        for scales in [[1, 1, 0.6, 0.6], [1, 1, 0.8, 0.8], [1, 1, 2.3, 1.7], [1, 1, 2, 3], [1, 1, 1.2, 0.5]]:
            fields = resize_fields(mode, "alignCorners")
            attributes = dict(mode=mode, coordinate_transformation_mode="align_corners")
            run = reference("Resize", attributes, opset=19)
            case(
                op("resize", **fields),
                "Resize",
                [x, None, np.array(scales, F32)],
                parameters=[2],
                name=f"corners {mode} {scales}",
                kind=lambda *inputs, run=run: [r.astype(F32) for r in run(*inputs)],
            )


def special_operators():
    slopes()
    roots()
    deconvolutions()
    paddings()
    cells()
    filters()
    flat_slopes()
    ends()
    wide_steps()


def slopes():
    x = np.tile(SPECIAL, (2, 3))
    slope = np.array([INF, -INF, NAN, 0, -0.0, 2, -3], F32)
    prelu = op("binary", function="parametricRelu")
    case(prelu, "PRelu", [x, np.resize(slope, x.shape)], name="any slope")
    case(prelu, "PRelu", [x, np.resize(slope, x.shape[1:])], name="any slope of columns")
    image = np.resize(np.tile(SPECIAL, 2), (2, 16, 5, 3)).astype(F32)
    for channels in [16, 13]:
        for shape in [(channels, 1, 1), (channels, 5, 3), (1, 5, 3), (1, channels, 1, 1)]:
            case(
                prelu,
                "PRelu",
                [image[:, :channels], np.resize(slope, shape).astype(F32)],
                name=f"any slope {channels} {list(shape)}",
            )
    for number in [INF, -INF, NAN]:
        case(prelu, "PRelu", [x, np.array([number], F32)], parameters=[1], name=f"slope {number}")


def reciprocal(values):
    with np.errstate(all="ignore"):
        return 1 / values


def roots():
    x = np.array([INF, -INF, NAN, 0, -0.0, 4, -4, 0.25, 1e-30, 3e38], F32)
    for dtype in [F32, F64]:
        for exponent in [0.5, -0.5, 1, 2, 3, -1, 0]:
            case(
                op("binary", function="power"),
                "Pow",
                [np.tile(x, 4).astype(dtype), np.array([exponent], dtype)],
                parameters=[1],
                name=f"special {exponent} {np.dtype(dtype)}",
            )
            # The sign of zero shows in the reciprocal.
            case(
                op("binary", function="power"),
                "Pow",
                [np.tile(x, 4).astype(dtype), np.array([exponent], dtype)],
                parameters=[1],
                post=[{"unary": {"_0": {"reciprocal": {}}}}],
                after=reciprocal,
                name=f"reciprocal of special {exponent} {np.dtype(dtype)}",
            )


def deconvolutions():
    fields = dict(strides=[1, 1], dilations=[1, 1], padding={"explicit": {"_0": [0, 0, 0, 0]}}, groups=1)
    sigmoid = {"unary": {"_0": {"sigmoid": {}}}}

    def logistic(values):
        with np.errstate(all="ignore"):
            return 1 / (1 + np.exp(-values))

    for channels, kernels in [(3, 4), (16, 16)]:
        for size in [1, 2, 3]:
            x = real(1, channels, 5, 5)
            x[0, 0, 2, 2], x[0, 1, 0, 0], x[0, 2, 4, 4] = NAN, INF, -INF
            w = real(channels, kernels, size, size, scale=0.2)
            for image, name in [(x, "special"), (np.full_like(x, NAN), "nothing but NaN")]:
                case(
                    op("deconv", window=fields, outputPadding=[0, 0]),
                    "ConvTranspose",
                    [image, w],
                    post=[sigmoid],
                    after=logistic,
                    name=f"{name} sigmoid {channels} {size}",
                )
                case(
                    op("conv", **fields),
                    "Conv",
                    [image, np.ascontiguousarray(w.transpose(1, 0, 2, 3))],
                    post=[sigmoid],
                    after=logistic,
                    name=f"{name} sigmoid {channels} {size}",
                )


def paddings():
    """PyTorch permits as much output padding as the dilation leaves room for; onnxruntime only as the stride does."""
    fields = dict(padding={"explicit": {"_0": [0, 0, 0, 0]}}, groups=1)
    for strides, dilations, extra in [([1, 2], [3, 1], [2, 1]), ([2, 1], [2, 4], [1, 3])]:
        given = dict(fields, strides=strides, dilations=dilations)

        def padded(x, w, b, strides=strides, dilations=dilations, extra=extra):
            y = onnxruntime_results("ConvTranspose", [x, w], dict(strides=strides, dilations=dilations), 1, 21)[0]
            return [np.pad(y, [(0, 0), (0, 0), (0, extra[0]), (0, extra[1])]) + b[:, None, None]]

        case(
            op("deconv", window=given, outputPadding=extra),
            "ConvTranspose",
            [real(1, 8, 5, 6), real(8, 16, 3, 2), real(16)],
            kind=padded,
            name=f"output padding {strides} {dilations} {extra}",
        )


def cells():
    for node, gates in [("LSTM", 4), ("GRU", 3)]:
        for hidden in [2, 8, 16]:
            for steps, place in [(1, 0), (3, 0), (3, 1)]:
                x = real(steps, 2, 3)
                x[place, 0, 1] = NAN
                for clip in [None, 0.7]:
                    fields = dict(hiddenSize=hidden, direction="forward", batchFirst=False, linearBeforeReset=False)
                    attributes = dict(hidden_size=hidden)
                    if clip:
                        fields["clip"] = attributes["clip"] = clip
                    w, r = real(1, gates * hidden, 3), real(1, gates * hidden, hidden)
                    case(
                        op(node.lower(), recurrent=fields),
                        node,
                        [x, w, r],
                        attributes,
                        3 if node == "LSTM" else 2,
                        opset=14,
                        kind=cell(node, hidden, clip),
                        name=f"special {hidden} {steps} {place} {clip}",
                    )


def cell(node, hidden, clip):
    """What the equations of ONNX make of NaN; onnxruntime's approximations of the gates clamp it in some builds."""

    def bounded(values):
        return values if clip is None else np.clip(values, -clip, clip)

    def logistic(values):
        return 1 / (1 + np.exp(-bounded(values)))

    def run(x, w, r):
        h = np.zeros((x.shape[1], hidden))
        c, y = np.zeros_like(h), []
        for row in x.astype(F64):
            fed, state = row @ w[0].T.astype(F64), h @ r[0].T.astype(F64)
            parts = [slice(gate * hidden, (gate + 1) * hidden) for gate in range(w.shape[1] // hidden)]
            if node == "LSTM":
                i, o, f, candidate = [fed[:, part] + state[:, part] for part in parts]
                c = logistic(f) * c + logistic(i) * np.tanh(bounded(candidate))
                h = logistic(o) * np.tanh(c)
            else:
                z, reset = [logistic(fed[:, part] + state[:, part]) for part in parts[:2]]
                candidate = np.tanh(bounded(fed[:, parts[2]] + (reset * h) @ r[0][parts[2]].T))
                h = (1 - z) * candidate + z * h
            y.append(h)
        states = [h, c] if node == "LSTM" else [h]
        return [np.stack(y)[:, None].astype(F32)] + [s[None].astype(F32) for s in states]

    return run


def filters():
    """Filters that reach far beyond both ends of the axis."""
    for mode in ["cubic", "linear"]:
        for length, scale in [(4, 0.3), (4, 0.6), (3, 0.34), (2, 0.5), (7, 0.15), (11, 0.1), (12, 0.37)]:
            for exclude in [False, True]:
                fields = resize_fields(mode, "halfPixel", excludeOutside=exclude, antialias=True)
                attributes = dict(mode=mode, antialias=1, exclude_outside=int(exclude))
                if mode == "linear" and exclude:
                    continue
                case(
                    op("resize", **fields),
                    "Resize",
                    [real(1, 2, length, 3), None, np.array([1, 1, scale, 3], F32)],
                    attributes,
                    opset=19,
                    parameters=[2],
                    name=f"far {mode} {length} {scale} {exclude}",
                )


def flat_slopes():
    """Functions with a parameter of 0, whose product with an infinity is no number."""
    every = [
        (unary("leakyRelu", slope=0), "LeakyRelu", {"alpha": 0.0}),
        (unary("elu", alpha=0), "Elu", {"alpha": 0.0}),
        (unary("hardSigmoid", alpha=0, beta=0.4), "HardSigmoid", {"alpha": 0.0, "beta": 0.4}),
    ]
    for ours, theirs, attributes in every:
        for name, x in [("special", np.tile(SPECIAL, 5)), ("few special", SPECIAL[1:3]), ("lone", SPECIAL[2:3])]:
            case(ours, theirs, [x], attributes, name=f"flat {name}")
    fields = dict(strides=[1, 1], dilations=[1, 1], padding={"explicit": {"_0": [0] * 4}}, groups=1)
    image = np.ones((1, 8, 3, 2), F32)
    image[0, 0, 0, 0] = -INF
    with np.errstate(all="ignore"):
        case(
            op("conv", **fields),
            "Conv",
            [image, np.ones((8, 8, 1, 1), F32), None],
            post=[{"unary": {"_0": {"leakyRelu": {"slope": 0}}}}],
            after=lambda v: np.where(v < 0, v * F32(0), v),
            name="flat slope",
        )


def ends():
    """Infinities on axes of one element, which is its own neighbour.

    Beside others it hangs on the implementation whether an infinite neighbour of weight 0 counts.
    """
    image = np.tile(np.array([INF, -INF, NAN, 1], F32), 4).reshape(1, 16, 1, 1)
    kinds = [("halfPixel", "half_pixel"), ("alignCorners", "align_corners"), ("asymmetric", "asymmetric")]
    for coordinate, theirs in kinds:
        for scales in [[1, 1, 1, 2], [1, 1, 1, 3], [1, 1, 2, 2], [1, 1, 3, 1]]:
            fields = resize_fields("linear", coordinate)
            case(
                op("resize", **fields),
                "Resize",
                [image, None, np.array(scales, F32)],
                dict(mode="linear", coordinate_transformation_mode=theirs),
                parameters=[2],
                name=f"ends {coordinate} {scales}",
            )


def wide_steps():
    """Windows whose elements lie further apart than the image is long."""
    for kind, node, extra in [
        ("maximum", "MaxPool", {}),
        ("average", "AveragePool", {}),
        ("averageIncludingPadding", "AveragePool", {"count_include_pad": 1}),
    ]:
        for channels in [3, 16]:
            for shape, window, dilations, pads in [
                ([1], [1], [2], [0, 0]),
                ([2], [1], [3], [0, 0]),
                ([2], [2], [3], [1, 1]),
                ([16, 1], [5, 1], [3, 3], [0, 0, 4, 0]),
            ]:
                # Windows that lie in padding alone.
                if kind == "maximum" and pads == [1, 1]:
                    continue
                fields = dict(
                    kind=kind,
                    window=window,
                    strides=[1] * len(window),
                    dilations=dilations,
                    padding={"explicit": {"_0": pads}},
                    ceilingMode=False,
                )
                attributes = dict(kernel_shape=window, dilations=dilations, pads=pads, **extra)
                case(
                    op("pool", **fields),
                    node,
                    [real(2, channels, *shape)],
                    attributes,
                    opset=22,
                    name=f"wide steps {kind} {channels} {shape} {window} {dilations}",
                )
