"""Operators in the forms of opsets 1 to 6, which onnxruntime does not run: the answers are NumPy's."""

import numpy as np
from onnx import TensorProto

from .recording import by_onnxruntime, case, model_of, real, refused

rng = np.random.default_rng(5)
x = real(rng, 2, 3, 4, 5)
functions = {"Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Div": np.divide}
for opset in (1, 6):
    for name, function in functions.items():
        consumed = {"consumed_inputs": [0, 0]} if opset == 1 else {}
        for shape, axis in (((5,), None), ((4, 5), None), ((3, 4), 1), ((2,), 0), ((3,), -3), ((1, 1), None), ((), None), ((1,), 1),
                            ((1, 1), 0), ((2, 1), 0), ((2, 3, 4, 5), 0)):
            y = np.abs(real(rng, *shape)) + 1
            y = np.asarray(y, np.float32)
            first = x.ndim - y.ndim if axis is None else axis % x.ndim
            columns = y if y.size == 1 else y.reshape(y.shape + (1,) * (x.ndim - first - y.ndim))
            attributes = {"broadcast": 1, **({} if axis is None else {"axis": axis}), **consumed}
            if name == "Add" or shape in ((4, 5), (3, 4)):
                case(name, [x, y], attributes, opset=opset, expected=[function(x, columns)], name=f"{shape} {axis} opset {opset}")
        case(name, [x, x + 9], consumed, opset=opset, expected=[function(x, x + 9)], name=f"opset {opset}")
base, power = np.abs(real(rng, 2, 3, 4)), real(rng, 3)
case("Pow", [base, power], {"broadcast": 1, "axis": 1}, opset=1, expected=[base ** power[:, None]])
flags, row = rng.random((2, 3, 4)) < 0.5, rng.random(3) < 0.5
for name, function in (("And", np.logical_and), ("Or", np.logical_or), ("Xor", np.logical_xor)):
    case(name, [flags, row], {"broadcast": 1, "axis": 1}, opset=6, expected=[function(flags, row[:, None])])
for name, function in (("Less", np.less), ("Greater", np.greater)):
    case(name, [base, power], {"broadcast": 1, "axis": 1}, opset=6, expected=[function(base, power[:, None])])
numbers = rng.integers(0, 3, (2, 3, 4)).astype(np.int32)
case("Equal", [numbers, numbers[0, :, 0]], {"broadcast": 1, "axis": 1}, opset=6,
     expected=[numbers == numbers[0, :, :1]])
for slope in (real(rng, 3), real(rng, 1)):
    columns = slope.reshape(-1, 1, 1)
    case("PRelu", [x, slope], opset=6, expected=[np.where(x < 0, x * columns, x)])
case("PRelu", [x[:, :, 0, 0], real(rng, 3) * 0 + 2], opset=1, expected=[np.where(x[:, :, 0, 0] < 0, x[:, :, 0, 0] * 2, x[:, :, 0, 0])])
refused("Add", [x, real(rng, 4, 5)], {"broadcast": 1, "axis": 3}, opset=6, name="axes beyond the last")

a, b, c = real(rng, 2, 3), real(rng, 3, 4), real(rng, 4)
for opset in (1, 6):
    case("Gemm", [a, b, c], {"broadcast": 1, "alpha": 0.5, "beta": 2.0}, opset=opset, expected=[a @ b / 2 + c * 2])
case("Concat", [a, a], opset=1, expected=[np.concatenate([a, a], 1)], name="without an axis")
case("Concat", [a, a], {"axis": 0}, opset=3, expected=[np.concatenate([a, a], 0)])
case("Reshape", [x], {"shape": [0, -1, 10]}, opset=1, expected=[x.reshape(2, 6, 10)])
case("Split", [x], {"axis": 2, "split": [1, 3]}, opset=1, outputs=(True, True), expected=[x[:, :, :1], x[:, :, 1:]])
case("Split", [x, np.array([1, 3], np.float32)], {"axis": 2}, opset=1, outputs=(True, True), constants=[1],
     expected=[x[:, :, :1], x[:, :, 1:]], name="by an operand")
case("Pad", [a], {"paddings": [0, 1, 2, 0], "value": 1.5}, opset=1,
     expected=[np.pad(a, ((0, 2), (1, 0)), constant_values=1.5)])
case("Pad", [a], {"pads": [0, 1, 0, 1], "mode": "reflect"}, opset=2, expected=[np.pad(a, ((0, 0), (1, 1)), mode="reflect")])
case("Slice", [x], {"starts": [1, -2], "ends": [3, 100], "axes": [1, 3]}, opset=1, expected=[x[:, 1:3, :, -2:]])
for name, dtype in (("INT32", np.int32), ("DOUBLE", np.float64), ("FLOAT16", np.float16), ("BOOL", np.bool_), ("uint8", np.uint8)):
    values = np.array([0, 1, 2.5, 3], np.float32)
    case("Cast", [values], {"to": name}, opset=1, expected=[values.astype(dtype)], name=name)
case("Cast", [np.array([1.5], np.float32)], {"to": int(TensorProto.INT64)}, opset=6, expected=[np.array([1])])
image = real(rng, 1, 2, 2, 3)
case("Upsample", [image], {"height_scale": 2.0, "width_scale": 3.0}, opset=1,
     expected=[image.repeat(2, axis=2).repeat(3, axis=3)])
case("Upsample", [np.array([[[[0, 1]]]], np.float32)], {"height_scale": 1.0, "width_scale": 2.0, "mode": "bilinear"}, opset=1,
     expected=[np.array([[[[0, 0.5, 1, 1]]]], np.float32)])
case("Tile", [a, np.float32(3), np.float32(1)], opset=1, constants=[1, 2], expected=[np.tile(a, (1, 3))])
case("Tile", [a, np.float32(2), np.float32(0)], opset=1, constants=[2], expected=[np.tile(a, (2, 1))], name="tiles are computed")
case("TopK", [np.array([[1, 3, 2]], np.float32)], {"k": 2}, opset=1, outputs=(True, True),
     expected=[np.array([[3, 2]], np.float32), np.array([[1, 2]])])
case("Clip", [x], {"min": -0.5, "consumed_inputs": [0]}, opset=1, expected=[np.maximum(x, np.float32(-0.5))])
case("Selu", [x], {"consumed_inputs": [0]}, opset=1,
     expected=[np.float32(1.0507) * np.where(x > 0, x, np.float32(1.6732) * np.expm1(x))])
case("Elu", [x], opset=1, expected=[np.where(x > 0, x, np.expm1(x))])
case("HardSigmoid", [x], opset=1, expected=[np.clip(np.float32(0.2) * x + np.float32(0.5), 0, 1)])
case("LeakyRelu", [x], opset=1, expected=[np.where(x < 0, np.float32(0.01) * x, x)])
scale, bias, mean, variance = (np.abs(real(rng, 3)) for _ in range(4))
shaped = [part.reshape(3, 1, 1) for part in (scale, bias, mean, variance)]
normal = (x - shaped[2]) / np.sqrt(shaped[3] + np.float32(1e-5)) * shaped[0] + shaped[1]
case("BatchNormalization", [x, scale, bias, mean, variance], {"is_test": 1, "consumed_inputs": [0, 0, 0, 1, 1]}, opset=1,
     expected=[normal])
case("BatchNormalization", [x, scale, bias, mean, variance], {"is_test": 1, "momentum": 0.5}, opset=6, expected=[normal])
refused("BatchNormalization", [x, scale, bias, mean, variance], opset=6, name="in training mode")
rows = [np.abs(real(rng, 3, 4, 5)) for _ in range(4)]
for opset, is_test in ((6, {"is_test": 1}), (8, {})):
    case("BatchNormalization", [x, *rows], {"spatial": 0, **is_test}, opset=opset, name=f"spatial = 0, opset {opset}",
         expected=[(x - rows[2]) / np.sqrt(rows[3] + np.float32(1e-5)) * rows[0] + rows[1]])
case("Dropout", [x], {"is_test": 1, "ratio": 0.7}, opset=1, expected=[x])
refused("Dropout", [x], {"ratio": 0.7}, opset=6, name="in training mode")
deviation = x - x.mean(axis=(2, 3), keepdims=True)
case("InstanceNormalization", [x, scale, bias], opset=1,
     expected=[deviation / np.sqrt((deviation**2).mean(axis=(2, 3), keepdims=True) + 1e-5) * shaped[0] + shaped[1]])
windows = np.stack([x[..., i:i + 3, j:j + 3] for i in range(2) for j in range(2)])
case("MaxPool", [x[..., :4, :4]], {"kernel_shape": [2, 2]}, opset=1, expected=[windows.max(axis=0)])
case("AveragePool", [x[..., :4, :4]], {"kernel_shape": [2, 2]}, opset=1, expected=[windows.mean(axis=0)])
case("AveragePool", [np.ones((1, 1, 3, 3), np.float32)], {"kernel_shape": [2, 2], "pads": [1, 1, 0, 0]}, opset=6,
     expected=[np.ones((1, 1, 3, 3), np.float32)], name="padding does not count")
case("Flatten", [x], {"axis": 2}, opset=1, expected=[x.reshape(6, 20)])
case("Softmax", [x], opset=1, expected=[(np.exp(x) / np.exp(x).sum(axis=(1, 2, 3), keepdims=True))])
case("ReduceMean", [x], {"axes": [1, 3], "keepdims": 0}, opset=1, expected=[x.mean(axis=(1, 3))])
case("ArgMax", [x], {"axis": 2}, opset=1, expected=[x.argmax(axis=2, keepdims=True)])
for name, function in (("Sum", sum), ("Max", lambda parts: np.maximum(*parts)), ("Mean", lambda parts: sum(parts) / 2)):
    case(name, [x, x + 1], {"consumed_inputs": [0, 0]}, opset=1, expected=[np.asarray(function([x, x + 1]), np.float32)])
for name in ("Sin", "Where", "Expand"):
    refused(name, [x] if name == "Sin" else [x, x] if name == "Expand" else [x, x, x], opset=6, name=f"{name} before its opset")


# The cells of opset 1 are those of opset 7, whose answers onnxruntime computes.
for name, gates in (("LSTM", 4), ("GRU", 3)):
    operands = [real(rng, 4, 1, 3), real(rng, 1, gates * 2, 3), real(rng, 1, gates * 2, 2)]
    newer = model_of(name, operands, {"hidden_size": 2}, 7, "", (True, True), ())
    case(name, operands, {"hidden_size": 2, "output_sequence": 1}, opset=1, outputs=(True, True), expected=by_onnxruntime(*newer))
