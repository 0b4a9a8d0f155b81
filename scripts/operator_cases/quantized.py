"""Products of quantised values, and functions of them, of ONNX and of ONNX Runtime."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from . import recording
from .recording import case, real, refused

MS = "com.microsoft"
# One level: functions that are computed in another order, or with other approximations.
LEVEL = (0, 1.01)
rng = np.random.default_rng(7)


def levels(dtype, *shape, low=None, high=None):
    info = np.iinfo(dtype)
    return rng.integers(info.min if low is None else low, (info.max if high is None else high) + 1, shape).astype(dtype)


def f32(*numbers):
    return np.asarray(numbers[0] if len(numbers) == 1 else numbers, np.float32)


def whole(name, nodes, inputs, constants, outputs, opset=21, **options):
    """A case of several nodes, whose inputs and constants are arrays by name."""
    graph = helper.make_graph(
        nodes, "case",
        [helper.make_tensor_value_info(k, helper.np_dtype_to_tensor_dtype(v.dtype), v.shape) for k, v in inputs.items()],
        [helper.make_empty_tensor_value_info(k) for k in outputs],
        [numpy_helper.from_array(np.asarray(v), k) for k, v in constants.items()])
    opsets = [helper.make_opsetid("", opset)]
    case(name, inputs, model=helper.make_model(graph, opset_imports=opsets, ir_version=10), name=name, **options)


# MatMulInteger: every pair of types, extremes, zero points of each form.
for a_type in (np.uint8, np.int8):
    for b_type in (np.uint8, np.int8):
        if a_type == np.int8 and b_type == np.uint8:
            continue
        a, b = levels(a_type, 3, 17), levels(b_type, 17, 5)
        case("MatMulInteger", [a, b], opset=10)
        case("MatMulInteger", [a, b, a_type(7), b_type(3)], opset=10, constants=[1, 3])
        case("MatMulInteger", [np.full_like(a, np.iinfo(a_type).max), np.full_like(b, np.iinfo(b_type).min)], opset=10,
             constants=[1])
case("MatMulInteger", [levels(np.uint8, 2, 3, 9), levels(np.int8, 9, 4), np.uint8(130)], opset=10, constants=[1])
case("MatMulInteger", [levels(np.uint8, 2, 3, 9), levels(np.int8, 2, 9, 4), np.uint8(130), np.int8(0)], opset=10)
case("MatMulInteger", [levels(np.uint8, 3, 9), levels(np.uint8, 9, 4), np.uint8(1), levels(np.uint8, 4)], opset=10)
a, b, zeros = levels(np.uint8, 3, 9), levels(np.uint8, 9, 4), levels(np.uint8, 3)
case("MatMulInteger", [a, b, zeros, np.uint8(5)], opset=10, name="a zero point a row",
     expected=[(a.astype(np.int32) - zeros.astype(np.int32)[:, None]) @ (b.astype(np.int32) - 5)])
case("MatMulInteger", [levels(np.uint8, 0, 9), levels(np.int8, 9, 4)], opset=10, name="no rows")
case("MatMulInteger", [levels(np.uint8, 64, 300), levels(np.int8, 300, 40), np.uint8(200)], opset=10, constants=[1, 2])
refused("MatMulInteger", [levels(np.uint8, 3, 9), levels(np.int8, 8, 4)], opset=10, name="depths that differ")

# ConvInteger.
x = levels(np.uint8, 2, 4, 7, 6)
for attributes, w, zero in [
    ({}, levels(np.uint8, 5, 4, 3, 3), None),
    ({"pads": [1, 1, 1, 1]}, levels(np.uint8, 5, 4, 3, 3), np.uint8(128)),
    ({"strides": [2, 1], "pads": [0, 1, 2, 1], "dilations": [2, 1]}, levels(np.uint8, 5, 4, 2, 3), np.uint8(9)),
    ({"group": 2, "pads": [1, 0, 1, 0]}, levels(np.uint8, 6, 2, 3, 1), np.uint8(255)),
    ({"auto_pad": "SAME_UPPER"}, levels(np.uint8, 3, 4, 3, 2), np.uint8(77)),
]:
    case("ConvInteger", [x, w] + ([] if zero is None else [zero]), attributes, opset=10, constants=[1])
case("ConvInteger", [x, levels(np.uint8, 5, 4, 3, 3), np.uint8(3), levels(np.uint8, 5)], {"pads": [1, 1, 1, 1]}, opset=10,
     by=recording.reference, constants=[1, 3], name="zero points of filters")
case("ConvInteger", [levels(np.uint8, 1, 3, 11), levels(np.uint8, 4, 3, 3), np.uint8(128), np.uint8(128)], opset=10,
     constants=[1, 3], name="one axis")
case("ConvInteger", [levels(np.uint8, 1, 8, 5, 5), levels(np.uint8, 8, 1, 3, 3), np.uint8(4)],
     {"group": 8, "pads": [1, 1, 1, 1]}, opset=10, constants=[1], name="depthwise")

# DynamicQuantizeLinear.
for x in [real(rng, 3, 4), np.abs(real(rng, 9)), -np.abs(real(rng, 9)), np.zeros(4, np.float32), f32(0, 2, -3, -2.5, 1.34, 0.5)]:
    case("DynamicQuantizeLinear", [x], opset=11, outputs=(True, True, True))

# QLinearMatMul.
for a_type, b_type in [(np.uint8, np.int8), (np.uint8, np.uint8), (np.int8, np.int8)]:
    for zeros in [(0, 0, 0), (3, 5, 7)]:
        a, b = levels(a_type, 3, 40), levels(b_type, 40, 6)
        case("QLinearMatMul", [a, f32(0.02), a_type(zeros[0]), b, f32(0.05), b_type(zeros[1]), f32(1.7), a_type(zeros[2])],
             opset=10, constants=[1, 2, 3, 4, 5, 6, 7])
case("QLinearMatMul", [levels(np.uint8, 2, 3, 12), f32(0.02), np.uint8(9), levels(np.int8, 12, 6), real(rng, 6) ** 2 + f32(0.01),
                       np.zeros(6, np.int8), f32(0.9), np.uint8(100)], opset=10, constants=[3, 4, 5], name="a scale a column")
case("QLinearMatMul", [levels(np.uint8, 4, 8), f32(0.25), np.uint8(0), levels(np.int8, 8, 16), f32(0.5), np.int8(0), f32(1),
                       np.uint8(129)], opset=10, constants=[1, 2, 3, 4, 5, 6, 7], name="ties")
case("QLinearMatMul", [levels(np.int8, 4, 8), np.float16([0.25]), np.int8([1]), levels(np.int8, 8, 16), np.float16([0.5]),
                       np.int8([2]), np.float16([3]), np.int8([-5])], opset=21, by=recording.reference, name="halves")

# QLinearConv.
x8 = {dtype: levels(dtype, 1, 4, 8, 7) for dtype in (np.uint8, np.int8)}
for x_type, w_type, zero, attributes, filters, group in [
    (np.uint8, np.int8, 0, {"pads": [1, 1, 1, 1]}, 6, 1), (np.uint8, np.int8, 131, {"pads": [1, 1, 1, 1]}, 6, 1),
    (np.uint8, np.uint8, 131, {"strides": [2, 2]}, 6, 1), (np.int8, np.int8, -9, {"pads": [0, 1, 1, 0]}, 6, 1),
    (np.uint8, np.int8, 17, {"group": 4, "pads": [1, 1, 1, 1]}, 8, 4), (np.uint8, np.int8, 3, {"auto_pad": "SAME_LOWER"}, 2, 1),
]:
    w = levels(w_type, filters, 4 // group, 3, 3)
    w_zero = w_type(128 if w_type == np.uint8 else 0)
    bias = rng.integers(-4000, 4000, filters).astype(np.int32)
    case("QLinearConv", [x8[x_type], f32(0.03), x_type(zero), w, f32(0.02), w_zero, f32(0.21), x_type(7), bias], attributes,
         opset=10, constants=range(1, 9))
    case("QLinearConv", [x8[x_type], f32(0.03), x_type(zero), w, (real(rng, filters) ** 2 + f32(0.01)) * f32(0.05),
                         np.full(filters, w_zero), f32(0.21), x_type(7)], attributes, opset=10, constants=range(1, 8))

# Weights that are packed, in convolutions behind each other: with a padded image, of one place, and of each channel.
node = helper.make_node
constants = {"zero": np.uint8(0), "zw": np.int8(0), "z": np.uint8(90), "s": f32(0.04), "big": f32(2.5)}
layers = []
for index, (filters, channels, size, attributes) in enumerate(
    [(48, 8, 3, {"pads": [1, 1, 1, 1]}), (32, 48, 1, {}), (32, 1, 6, {"group": 32, "pads": [2, 3, 3, 2]})]
):
    constants[f"w{index}"] = levels(np.int8, filters, channels, size, size)
    constants[f"b{index}"] = rng.integers(-9000, 9000, filters).astype(np.int32)
    constants[f"s{index}"] = f32(rng.uniform(0.01, 0.03, filters))
    zeros = ("z", "zero") if index == 0 else ("zero", "z") if index == 1 else ("z", "z")
    layers.append(node(
        "QLinearConv", [f"y{index}", "s", zeros[0], f"w{index}", f"s{index}", "zw", "big", zeros[1], f"b{index}"],
        [f"y{index + 1}"], **attributes))
whole("QLinearConv in a row", layers, {"y0": levels(np.uint8, 2, 8, 9, 10)}, constants, ["y1", "y2", "y3"])

# QuantizeLinear, DequantizeLinear.
numbers = np.concatenate([real(rng, 20, scale=40), f32(0.5, 1.5, 2.5, -0.5, -1.5, 1e9, -1e9, np.inf, -np.inf)])
for dtype in (np.uint8, np.int8, np.uint16, np.int16):
    case("QuantizeLinear", [numbers, f32(1), dtype(3)], opset=21)
    case("DequantizeLinear", [levels(dtype, 3, 4), f32(0.3), dtype(9)], opset=21)
case("QuantizeLinear", [numbers, f32(0.25)], opset=10)
case("QuantizeLinear", [real(rng, 2, 3, 4, scale=9), f32(0.1, 0.2, 0.3), np.int8([1, 2, -3])], opset=13)
case("QuantizeLinear", [real(rng, 2, 3, 4, scale=9), f32(0.1, 0.2, 0.3, 0.4)], {"axis": -1}, opset=13)
case("DequantizeLinear", [levels(np.int8, 2, 3, 4), f32(0.1, 0.2, 0.3), np.int8([1, 2, -3])], {"axis": 1}, opset=13)
case("DequantizeLinear", [levels(np.int32, 5), f32(1e-6)], opset=10)
case("DequantizeLinear", [levels(np.uint8, 5), np.float16(0.5), np.uint8(3)], opset=19)
case("QuantizeLinear", [real(rng, 5, dtype=np.float16), np.float16(0.5), np.uint8(3)], opset=19)

# Functions of quantised values of ONNX Runtime.
a, b = levels(np.uint8, 2, 3, 5), levels(np.uint8, 3, 5)
for dtype in (np.uint8, np.int8):
    a, b = levels(dtype, 2, 3, 5), levels(dtype, 3, 5)
    for name in ("QLinearAdd", "QLinearMul"):
        case(name, [a, f32(0.1), dtype(4), b, f32(0.2), dtype(7), f32(0.3), dtype(9)], opset=1, domain=MS)
    case("QLinearSigmoid", [a, f32(0.1), dtype(4), f32(0.004), dtype(0)], opset=1, domain=MS, tolerance=LEVEL)
    case("QLinearLeakyRelu", [a, f32(0.1), dtype(4), f32(0.12), dtype(3)], {"alpha": 0.2}, opset=1, domain=MS)
    case("QLinearSoftmax", [a, f32(0.1), dtype(4), f32(1 / 256), dtype(np.iinfo(dtype).min)], {"axis": -1, "opset": 13},
         opset=1, domain=MS, tolerance=LEVEL)
    case("QLinearConcat", [f32(0.3), dtype(9), a, f32(0.1), dtype(4), a, f32(0.3), dtype(9)], {"axis": 1}, opset=1, domain=MS,
         constants=[0, 1, 3, 4, 6, 7])
    image = levels(dtype, 1, 3, 6, 5)
    case("QLinearGlobalAveragePool", [image, f32(0.1), dtype(4), f32(0.08), dtype(3)], {"channels_last": 0}, opset=1, domain=MS,
         tolerance=LEVEL, constants=[1, 2, 3, 4])
    case("QLinearGlobalAveragePool", [image, f32(0.1), dtype(4), f32(0.08), dtype(3)], {"channels_last": 1}, opset=1, domain=MS,
         tolerance=LEVEL, constants=[1, 2, 3, 4])
    case("QLinearAveragePool", [image, f32(0.1), dtype(4), f32(0.08), dtype(3)],
         {"kernel_shape": [2, 3], "strides": [2, 1], "pads": [0, 1, 0, 1]}, opset=1, domain=MS, tolerance=LEVEL,
         constants=[1, 2, 3, 4])
    case("NhwcMaxPool", [image], {"kernel_shape": [2, 2], "strides": [1, 2], "pads": [1, 0, 0, 1]}, opset=1, domain=MS)

# Products with floats around them.
a, b = real(rng, 3, 20), levels(np.int8, 20, 6)
case("DynamicQuantizeMatMul", [a, b, f32(0.05)], opset=1, domain=MS, constants=[1, 2])
case("DynamicQuantizeMatMul", [a, levels(np.uint8, 20, 6), f32([0.05]), np.uint8([131]), real(rng, 6)], opset=1, domain=MS,
     constants=[1, 2, 3, 4])
case("DynamicQuantizeMatMul", [a, b, real(rng, 6) ** 2, np.zeros(6, np.int8)], opset=1, domain=MS, constants=[1, 2, 3])
case("MatMulIntegerToFloat", [levels(np.uint8, 2, 3, 20), b, f32(0.1), f32(0.05)], opset=1, domain=MS, constants=[1])
case("MatMulIntegerToFloat", [levels(np.int8, 3, 20), b, f32(0.1), real(rng, 6) ** 2, np.int8(-7), np.zeros(6, np.int8),
                              real(rng, 6)], opset=1, domain=MS, constants=[1, 3, 5, 6])
for bits in (4, 8):
    for block, depth, packed in [(16, 32, True), (32, 48, True), (16, 80, False)]:
        count = -(-depth // block)
        levels_of = levels(np.uint8, 5, count, block * bits // 8)
        scale = (real(rng, 5 * count) ** 2 + f32(0.01)) * f32(0.1)
        attributes = {"K": depth, "N": 5, "bits": bits, "block_size": block}
        inputs = [real(rng, 3, depth), levels_of, scale]
        if packed:
            case("MatMulNBits", inputs, attributes, opset=1, domain=MS, constants=[1, 2], tolerance=(1e-4, 1e-4))
            zeros = levels(np.uint8, 5 * (count * bits + 7 >> 3))
        else:
            zeros = real(rng, 5 * count, scale=4)
        if bits == 4 or packed:
            case("MatMulNBits", inputs + [zeros], attributes, opset=1, domain=MS, constants=[1, 2, 3], tolerance=(1e-4, 1e-4))
w, r = levels(np.int8, 1, 4, 12), levels(np.int8, 1, 3, 12)
case("DynamicQuantizeLSTM", [real(rng, 5, 2, 4), w, r, real(rng, 1, 24), None, None, None, None, f32([0.01]), np.int8([0]),
                             f32([0.01]), np.int8([0])], {"hidden_size": 3}, opset=1, domain=MS, outputs=(True, True, True),
     constants=[1, 2, 3, 8, 9, 10, 11], tolerance=(0.01, 0.006))

# Quantised values as exporters write them: DequantizeLinear, a product, perhaps an activation, QuantizeLinear.


def quantized(dtype, activation, kind, per_channel):
    filters, zero = 6, dtype(5)
    is_conv = kind == "Conv"
    w = levels(np.int8, filters, 4, 3, 3) if is_conv else levels(np.int8, 24, filters)
    x = real(rng, 2, 4, 6, 5) if is_conv else real(rng, 3, 24)
    scale = f32(rng.uniform(0.005, 0.02, filters)) if per_channel else f32(0.01)
    axis = {} if not per_channel else {"axis": 0 if is_conv else 1}
    constants = {
        "xs": f32(0.03), "xz": zero, "w": w, "ws": scale, "wz": np.zeros(scale.shape, np.int8),
        "b": rng.integers(-3000, 3000, filters).astype(np.int32), "bs": (f32(0.03) * scale).astype(np.float32), "ys": f32(0.05),
        "yz": dtype(3), "low": f32(0), "high": f32(6),
    }
    nodes = [
        node("QuantizeLinear", ["x", "xs", "xz"], ["q"]), node("DequantizeLinear", ["q", "xs", "xz"], ["d"]),
        node("DequantizeLinear", ["w", "ws", "wz"], ["dw"], **axis),
        node("DequantizeLinear", ["b", "bs"], ["db"], **({"axis": 0} if per_channel else {})),
    ]
    if kind == "MatMul":
        nodes += [node("MatMul", ["d", "dw"], ["m"]), node("Add", ["m", "db"], ["y"])]
    else:
        nodes.append(node(kind, ["d", "dw", "db"], ["y"], **({"pads": [1, 1, 1, 1]} if is_conv else {})))
    last = "y"
    if activation:
        nodes.append(node(activation, ["y", "low", "high"] if activation == "Clip" else ["y"], ["r"]))
        last = "r"
    used = {name for made in nodes for name in made.input} | {"ys", "yz"}
    nodes += [node("QuantizeLinear", [last, "ys", "yz"], ["out"]), node("DequantizeLinear", ["out", "ys", "yz"], ["float"])]
    whole(f"{kind} {dtype.__name__} {activation} {'per channel' if per_channel else ''}", nodes, {"x": x},
          {k: v for k, v in constants.items() if k in used}, ["out", "float"], tolerance=(0, 1.01))


for dtype in (np.uint8, np.int8):
    for kind in ("Conv", "MatMul", "Gemm"):
        for activation, per_channel in [(None, True), ("Relu", False), ("Clip", True), ("Sigmoid", False)]:
            quantized(dtype, activation, kind, per_channel)

# QGemm.
for attributes, columns, scales in [({}, False, 1), ({"transB": 1}, True, 6), ({"transB": 1, "alpha": 0.5}, True, 1)]:
    b8 = levels(np.int8, *((6, 20) if columns else (20, 6)))
    c8 = rng.integers(-900, 900, 6).astype(np.int32)
    given = [levels(np.uint8, 3, 20), f32(0.1), np.uint8(120), b8, real(rng, scales) ** 2 + f32(0.01), np.zeros(scales, np.int8), c8]
    case("QGemm", given, attributes, opset=1, domain=MS, constants=[3, 5, 6])
    case("QGemm", [*given, f32(2.3), np.uint8(99)], attributes, opset=1, domain=MS, constants=range(1, 9))


def between(name, inputs, nodes, constants, last, *, tolerance=None):
    """A case of functions of floats between levels: inputs with scales and zero points, and the nodes from `NAME.f` to `last`."""
    made, used = [], dict(constants)
    for key, (array, scale, zero) in inputs.items():
        used |= {f"{key}.s": f32(scale), f"{key}.z": array.dtype.type(zero)}
        made.append(node("DequantizeLinear", [key, f"{key}.s", f"{key}.z"], [f"{key}.f"]))
    kind = next(iter(inputs.values()))[0].dtype.type
    used |= {"y.s": f32(0.07), "y.z": kind(21)}
    made += nodes + [node("QuantizeLinear", [last, "y.s", "y.z"], ["y"])]
    whole(name, made, {key: value[0] for key, value in inputs.items()}, used, ["y"], tolerance=tolerance)


# Sums and products of levels, and affine functions and tables of them.
for dtype, (za, zb) in ((np.uint8, (3, 130)), (np.int8, (-5, 60))):
    pair = {"a": (levels(dtype, 2, 5, 7), 0.031, za), "b": (levels(dtype, 2, 5, 7), 0.053, zb)}
    for op in ("Add", "Mul", "Sub"):
        between(f"levels {op} {dtype.__name__}", pair, [node(op, ["a.f", "b.f"], ["n"])], {}, "n")
    between(f"levels Add Relu {dtype.__name__}", pair,
            [node("Add", ["a.f", "b.f"], ["n"]), node("Relu", ["n"], ["r"])], {}, "r")
    # Scales that are powers of two make ties.
    between(f"levels ties {dtype.__name__}", {k: (v[0], 0.07, v[2]) for k, v in pair.items()},
            [node("Add", ["a.f", "b.f"], ["n"]), node("Mul", ["n", "half"], ["h"])], {"half": f32(0.5)}, "h", tolerance=LEVEL)
    x = {"a": (levels(dtype, 2, 6, 4, 3), 0.031, za)}
    norm = {"g": real(rng, 6), "h": real(rng, 6), "m": real(rng, 6), "v": np.abs(real(rng, 6)) + 0.5}
    between(f"levels BatchNormalization {dtype.__name__}", x,
            [node("BatchNormalization", ["a.f", "g", "h", "m", "v"], ["n"]), node("Relu", ["n"], ["r"])], norm, "r",
            tolerance=LEVEL)
    between(f"levels bias {dtype.__name__}", {"a": (levels(dtype, 4, 6), 0.031, za)},
            [node("Add", ["a.f", "g"], ["n"])], {"g": real(rng, 6)}, "n", tolerance=LEVEL)
    for op in ("Sigmoid", "Tanh", "HardSigmoid", "LeakyRelu", "Exp"):
        between(f"levels {op} {dtype.__name__}", {"a": pair["a"]}, [node(op, ["a.f"], ["n"])], {}, "n", tolerance=LEVEL)
    between(f"levels Silu {dtype.__name__}", {"a": pair["a"]},
            [node("Sigmoid", ["a.f"], ["s"]), node("Mul", ["s", "a.f"], ["n"])], {}, "n", tolerance=LEVEL)

for dtype in (np.uint8, np.int8):
    parts = {"a": (levels(dtype, 2, 3, 5), 0.07, 21), "b": (levels(dtype, 2, 2, 5), 0.031, 3)}
    between(f"levels Concat {dtype.__name__}", parts, [node("Concat", ["a.f", "b.f"], ["n"], axis=1)], {}, "n")

# A product whose levels are read as floats.
for activation in ("Relu", "Tanh"):
    x, w = levels(np.uint8, 4, 20), levels(np.int8, 20, 6)
    scales = {"xs": f32(0.02), "xz": np.uint8(9), "w": w, "ws": np.abs(real(rng, 6)) / 90 + f32(0.01), "wz": np.zeros(6, np.int8),
              "ms": f32(0.06), "mz": np.uint8(120), "bias": real(rng, 6)}
    whole(f"rounded product {activation}", [
        node("DequantizeLinear", ["x", "xs", "xz"], ["xf"]), node("DequantizeLinear", ["w", "ws", "wz"], ["wf"], axis=1),
        node("MatMul", ["xf", "wf"], ["m"]), node("QuantizeLinear", ["m", "ms", "mz"], ["mq"]),
        node("DequantizeLinear", ["mq", "ms", "mz"], ["mf"]), node("Add", ["mf", "bias"], ["s"]),
        node(activation, ["s"], ["y"])], {"x": x}, scales, ["y"], tolerance=(1e-4, 0.0601))

# Products of values that are quantised as the model runs.
for kind in ("MatMulInteger", "ConvInteger"):
    x = real(rng, 1, 4, 6, 5) if kind == "ConvInteger" else real(rng, 3, 20)
    w = levels(np.int8, 6, 4, 3, 3) if kind == "ConvInteger" else levels(np.int8, 20, 6)
    bias = real(rng, 6, 1, 1) if kind == "ConvInteger" else real(rng, 6)
    attributes = {"pads": [1, 1, 1, 1]} if kind == "ConvInteger" else {}
    whole(f"dynamic {kind}", [
        node("DynamicQuantizeLinear", ["x"], ["q", "s", "z"]), node(kind, ["q", "w", "z"], ["i"], **attributes),
        node("Cast", ["i"], ["f"], to=TensorProto.FLOAT), node("Mul", ["s", "ws"], ["scale"]),
        node("Mul", ["f", "scale"], ["p"]), node("Add", ["p", "bias"], ["y"])],
        {"x": x}, {"w": w, "ws": f32(0.01), "bias": bias}, ["y"], tolerance=(1e-4, 1e-4))



def by_row(model, feeds):
    """onnxruntime's answer with a thread for each row of a batch: the rows of one thread have one scale."""
    return recording.by_onnxruntime(model, feeds, threads=4)


# DynamicQuantizeLSTM: shapes beyond one vector of the machine, directions, states, scales by row.
for steps, batch, width, hidden, directions in [(7, 1, 20, 9, 1), (4, 2, 10, 20, 2), (3, 1, 70, 4, 1)]:
    w, r = levels(np.int8, directions, width, 4 * hidden), levels(np.int8, directions, hidden, 4 * hidden)
    scales = [f32(rng.uniform(0.001, 0.004, (directions, 4 * hidden))) for _ in range(2)]
    zeros = np.zeros((directions, 4 * hidden), np.int8)
    case("DynamicQuantizeLSTM",
         [real(rng, steps, batch, width), w, r, real(rng, directions, 8 * hidden), None, real(rng, directions, batch, hidden),
          real(rng, directions, batch, hidden), None, scales[0], zeros, scales[1], zeros],
         {"hidden_size": hidden, "direction": "bidirectional" if directions == 2 else "forward"}, opset=1, domain=MS,
         outputs=(True, True, True), constants=[1, 2, 3, 8, 9, 10, 11], tolerance=(0.002, 0.002), by=by_row)
