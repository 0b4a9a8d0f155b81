"""Functions of one, two and three elements, and casts."""

import numpy as np
from onnx import TensorProto

from kernel_cases.recording import (
    BF16,
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
    rng,
    type_name,
    unary,
)


def element_wise():
    plain = {
        "absolute": "Abs",
        "negate": "Neg",
        "exponential": "Exp",
        "floor": "Floor",
        "ceiling": "Ceil",
        "round": "Round",
        "sign": "Sign",
        "errorFunction": "Erf",
        "sine": "Sin",
        "cosine": "Cos",
        "tangent": "Tan",
        "arcTangent": "Atan",
        "hyperbolicSine": "Sinh",
        "hyperbolicCosine": "Cosh",
        "tanh": "Tanh",
        "sigmoid": "Sigmoid",
        "relu": "Relu",
        "softplus": "Softplus",
        "softsign": "Softsign",
        "mish": "Mish",
        "hardSwish": "HardSwish",
        "reciprocal": "Reciprocal",
    }
    x = np.concatenate([real(20, scale=3), np.array([0.5, 1.5, -0.5, -2.5, 0], F32)]).reshape(5, 5)
    for ours, theirs in plain.items():
        values = np.where(x == 0, F32(1), x) if theirs == "Reciprocal" else x
        case(unary(ours), theirs, [values])
    for ours, theirs in {"logarithm": "Log", "squareRoot": "Sqrt"}.items():
        case(unary(ours), theirs, [positive(3, 4)])
        case(unary(ours), theirs, [positive(3, 4, dtype=F64)])
    for ours, theirs in {"arcSine": "Asin", "arcCosine": "Acos"}.items():
        case(unary(ours), theirs, [rng.uniform(-1, 1, (7,)).astype(F32)])
    large = np.array([-200, -90, -30, 30, 90, 200], F32)
    for ours in ["sigmoid", "tanh", "softplus", "exponential", "mish", "hardSwish"]:
        case(
            unary(ours),
            plain[ours],
            [np.minimum(large, 80) if ours == "exponential" else large],
            name="large",
        )
    for dtype in [F64, F16, BF16]:
        for ours in ["exponential", "tanh", "sigmoid", "relu", "absolute", "round", "errorFunction"]:
            case(unary(ours), plain[ours], [real(3, 3, dtype=dtype)], compute=F32 if dtype == F64 else None)
    for dtype in [np.int8, np.int32, np.int64]:
        for ours in ["absolute", "negate", "sign"]:
            case(unary(ours), plain[ours], [integer(9, dtype=dtype)])
    case(unary("relu"), "Relu", [integer(9, dtype=I32)])
    case(unary("absolute"), "Abs", [integer(9, dtype=np.uint8)])
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
    for ours, theirs, attributes in attributed:
        case(ours, theirs, [real(4, 5, scale=2)], attributes)
    case(
        unary("silu"),
        "Sigmoid",
        [x],
        kind=lambda v: [v / (1 + np.exp(-v.astype(F64))).astype(F32)],
        name="silu",
    )
    case(unary("clip", minimum=-1, maximum=1.5), "Clip", [x, F32(-1), F32(1.5)], operands=[x])
    case(unary("clip", minimum=-1, maximum="inf"), "Clip", [x, F32(-1)], operands=[x], name="one bound")
    whole = integer(9, dtype=I64)
    case(unary("clip", minimum=-3, maximum=4), "Clip", [whole, I64(-3), I64(4)], operands=[whole])
    case(unary("logicalNot"), "Not", [boolean(7)])
    case(unary("bitwiseNot"), "BitwiseNot", [integer(7, dtype=I32)])
    case(unary("bitwiseNot"), "BitwiseNot", [integer(7, dtype=np.uint8, high=255)])
    odd = np.array([1, np.nan, np.inf, -np.inf, 0], F32)
    for dtype in [F32, F64]:
        case(unary("isNaN"), "IsNaN", [odd.astype(dtype)])
        case(unary("isInfinite"), "IsInf", [odd.astype(dtype)])
    case(unary("relu"), "Relu", [real(0, 3)], name="nothing")
    case(unary("relu"), "Relu", [F32(-2)], name="scalar")


def binary():
    def b(name):
        return op("binary", function=name)

    shapes = [
        ((2, 3, 4), (2, 3, 4)),
        ((2, 3, 4), (4,)),
        ((3, 1), (1, 5)),
        ((2, 3, 4), ()),
        ((), (2, 3)),
        ((1, 3, 1, 1), (2, 3, 4, 5)),
        ((2, 3, 4, 5), (3, 1, 1)),
        ((1,), (1, 1, 1)),
        ((0, 3), (1, 3)),
        ((), ()),
        ((2, 1, 4, 1), (3, 1, 5)),
    ]
    for x, y in shapes:
        case(b("add"), "Add", [real(*x), real(*y)])
        case(b("subtract"), "Sub", [integer(*x), integer(*y)])
    arithmetic = {
        "add": "Add",
        "subtract": "Sub",
        "multiply": "Mul",
        "divide": "Div",
        "maximum": "Max",
        "minimum": "Min",
    }
    for ours, theirs in arithmetic.items():
        for dtype in [F32, F64, I32, I64]:
            divisor = any_type(dtype, 3, 1)
            divisor = np.where(divisor == 0, np.array(3, dtype), divisor)
            case(b(ours), theirs, [any_type(dtype, 2, 3, 4), divisor])
        for dtype in [F16, BF16]:
            case(b(ours), theirs, [real(3, 4, dtype=dtype), positive(4, dtype=dtype)])
    for dtype in [np.int8, np.uint8, np.int16, np.uint16, np.uint32, np.uint64]:
        x, y = integer(9, dtype=dtype, high=100), integer(9, dtype=dtype, low=1, high=100)
        case(b("add"), "Add", [x, y], kind=lambda x, y: [x + y])
        case(b("multiply"), "Mul", [x, y], kind=lambda x, y: [x * y])
        case(b("maximum"), "Max", [x, y], kind=lambda x, y: [np.maximum(x, y)])
    case(b("divide"), "Div", [ints(-7, 7, -8, 9), ints(2, -2, 3, 4)])
    for dtype in [I32, I64, np.int8, np.uint8]:
        x, y = integer(12, dtype=dtype, low=-20, high=20), integer(12, dtype=dtype, low=1, high=7)
        case(b("modulo"), "Mod", [x, y])
        if np.dtype(dtype).kind == "i":
            case(b("modulo"), "Mod", [x, -y])
        case(b("remainder"), "Mod", [x, y], {"fmod": 1})
    case(b("remainder"), "Mod", [real(9, scale=4), positive(9)], {"fmod": 1})
    case(b("power"), "Pow", [positive(3, 4), real(4)])
    for exponent in [2, 3, 0.5, -1]:
        case(b("power"), "Pow", [positive(3, 4), F32(exponent)], name=f"to {exponent}")
    case(b("power"), "Pow", [positive(3, 4), integer(4)])
    case(b("power"), "Pow", [positive(3, 4, dtype=F64), real(4)])
    case(b("power"), "Pow", [integer(8, dtype=I32), integer(8, low=0, high=5, dtype=I32)])
    case(b("power"), "Pow", [integer(8, dtype=I64), integer(8, low=0, high=5, dtype=I32)])
    case(b("power"), "Pow", [integer(8, low=0), positive(8)])
    x = positive(4, dtype=F16)
    case(b("power"), "Pow", [x, F16(2)])
    case(b("parametricRelu"), "PRelu", [real(2, 3, 4), real(3, 1)])
    tests = {
        "equal": "Equal",
        "less": "Less",
        "lessOrEqual": "LessOrEqual",
        "greater": "Greater",
        "greaterOrEqual": "GreaterOrEqual",
    }
    for ours, theirs in tests.items():
        for dtype in [F32, F64, I32, I64]:
            case(
                b(ours),
                theirs,
                [integer(4, 5, low=0, high=3).astype(dtype), integer(5, low=0, high=3).astype(dtype)],
            )
    for dtype in [np.int8, np.uint8, F16, BF16]:
        case(
            b("equal"),
            "Equal",
            [integer(9, low=0, high=3).astype(dtype), integer(9, low=0, high=3).astype(dtype)],
            kind=lambda x, y: [x == y],
        )
    case(b("equal"), "Equal", [boolean(3, 4), boolean(4)])
    for ours, theirs in {"and": "And", "or": "Or", "exclusiveOr": "Xor"}.items():
        case(b(ours), theirs, [boolean(3, 4), boolean(3, 1)])
    for ours, theirs in {
        "bitwiseAnd": "BitwiseAnd",
        "bitwiseOr": "BitwiseOr",
        "bitwiseXor": "BitwiseXor",
    }.items():
        case(b(ours), theirs, [integer(9, dtype=I32), integer(9, dtype=I32)])
        case(b(ours), theirs, [integer(9, dtype=np.uint8, high=255), integer(9, dtype=np.uint8, high=255)])
    for dtype in [np.uint8, np.uint32, np.uint64]:
        x, y = integer(9, dtype=dtype, high=200), integer(9, dtype=dtype, high=7)
        case(b("shiftLeft"), "BitShift", [x, y], {"direction": "LEFT"}, kind=lambda x, y: [x << y])
        case(b("shiftRight"), "BitShift", [x, y], {"direction": "RIGHT"}, kind=lambda x, y: [x >> y])
    for dtype in [F32, I64, np.uint8, F16, np.bool_]:
        x, y = any_type(dtype, 2, 3), any_type(dtype, 3)
        if dtype in (F16, np.bool_):
            case("select", "Where", [boolean(2, 1), x, y], kind=lambda c, x, y: [np.where(c, x, y)])
        else:
            case("select", "Where", [boolean(2, 1), x, y])
    case("select", "Where", [boolean(3, 4), F32(1), real(4)])


def casts():
    kinds = [
        F32,
        F64,
        F16,
        BF16,
        np.int8,
        np.int16,
        I32,
        I64,
        np.uint8,
        np.uint16,
        np.uint32,
        np.uint64,
        np.bool_,
    ]
    names = {F32: "FLOAT", F64: "DOUBLE", F16: "FLOAT16", BF16: "BFLOAT16", np.bool_: "BOOL"}
    for source in kinds:
        x = any_type(source, 3, 3)
        for target in kinds:
            if source == target:
                continue
            to = getattr(TensorProto, names.get(target, np.dtype(target).name.upper()))
            values = x
            if np.dtype(source).kind not in "iub" and np.dtype(target).kind == "u":
                values = np.abs(x.astype(F32)).astype(source)
            kind = None
            if np.dtype(BF16) in (np.dtype(source), np.dtype(target)):
                kind = lambda v, t=target: [v.astype(F32).astype(t)]
            case(
                op("cast", target=type_name(np.dtype(target))),
                "Cast",
                [values],
                {"to": to},
                kind=kind,
                operands=[values],
                name=f"{type_name(np.dtype(source))} {type_name(np.dtype(target))}",
                compute=np.dtype(source) if source == F16 else None,
            )
    wild = np.array([300.7, -300.7, np.nan, np.inf, -1.5, 1e10], F32)
    for target in ["int8", "uint8", "int16", "int32", "int64"]:
        case(
            op("cast", target=target),
            "Cast",
            [wild],
            {"to": getattr(TensorProto, target.upper())},
            name=f"wild {target}",
        )
    case(op("cast", target="uint8"), "Cast", [ints(-1, 300, 2**40 + 5)], {"to": TensorProto.UINT8}, name="wrapping")
