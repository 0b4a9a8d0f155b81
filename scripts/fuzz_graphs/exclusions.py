"""The forms that the specification leaves undefined, in one place. A graph never contains them.

Operands are known when a node is drawn, so the checks look at values.
"""

import ml_dtypes
import numpy as np

from . import draw


class Undefined(Exception):
    """The specification leaves the result of these operands undefined."""


def refuse(condition, reason):
    if condition:
        raise Undefined(reason)


def named(node, name, default=None):
    from onnx import helper

    return next((helper.get_attribute_value(each) for each in node.attribute if each.name == name), default)


def operand(node, feeds, index):
    return feeds.get(node.input[index]) if len(node.input) > index and node.input[index] else None


def any_nan(array):
    return array is not None and draw.is_float(array.dtype) and bool(np.isnan(array.astype(np.float64)).any())


def cast(node, feeds, opsets):
    """Floats that the integer type does not hold: C leaves the conversion undefined, and so does ONNX."""
    from onnx import helper

    x = operand(node, feeds, 0)
    if node.op_type == "CastLike":
        to = operand(node, feeds, 1).dtype
    else:
        to = np.dtype(helper.tensor_dtype_to_np_dtype(named(node, "to")))
    if to.name == "float8_e8m0fnu" and x.dtype.name != to.name:
        refuse(not (x.astype(np.float64) > 0).all(), "a power of two of a number that is not positive")
    if not draw.is_float(x.dtype) or draw.is_float(to) or to == bool:
        return
    wide, info = x.astype(np.float64), ml_dtypes.iinfo(to) if to.kind not in "iu" else np.iinfo(to)
    refuse(not np.isfinite(wide).all() or (np.trunc(wide) < float(info.min)).any() or (np.trunc(wide) >= float(int(info.max) + 1)).any(),
           "a cast of numbers that the integer type does not hold")


def division(node, feeds, opsets):
    """Integers divided by zero, and the least integer by minus one: C leaves them undefined; onnxruntime ends by a signal."""
    a, b = operand(node, feeds, 0), operand(node, feeds, 1)
    if draw.is_float(b.dtype):
        return
    refuse((b == 0).any(), "an integer divided by zero")
    if a.dtype.kind == "i":
        refuse((b == -1).any() and a.size and (a == np.iinfo(a.dtype).min).any(), "the least integer divided by minus one")


def modulo(node, feeds, opsets):
    """As of division. A float divided by zero or by NaN."""
    division(node, feeds, opsets)


def shift(node, feeds, opsets):
    """Shifts by the width of the type or more."""
    refuse((operand(node, feeds, 1) >= operand(node, feeds, 0).dtype.itemsize * 8).any(), "a shift by the width of the type")


def power(node, feeds, opsets):
    """Integers to a negative power, and results that an integer does not hold."""
    a, b = operand(node, feeds, 0), operand(node, feeds, 1)
    if draw.is_float(a.dtype):
        return
    with np.errstate(all="ignore"):
        result = np.power(a.astype(np.float64), b.astype(np.float64))
    refuse(not np.isfinite(result).all() or (np.abs(result) > 2**53).any() or (b.astype(np.float64) < 0).any()
           or (result > np.iinfo(a.dtype).max).any() or (result < np.iinfo(a.dtype).min).any(), "an integer's power that is no integer of the type")


def no_nan(node, feeds, opsets):
    """NaN among values that are ordered: the specification does not say where it belongs."""
    refuse(any(any_nan(array) for array in feeds.values()), "NaN where values are ordered")


def finite(node, feeds, opsets):
    """Numbers that are not finite, where the specification gives a formula that has no value for them."""
    refuse(not all(map(finite_array, feeds.values())), "numbers that are not finite")


def not_empty(node, feeds, opsets):
    """A selection or mean among no elements."""
    refuse(any(array.size == 0 for array in feeds.values()), "a selection among no elements")


def empty_reduction(node, feeds, opsets):
    """A reduction of no elements: onnxruntime gives them back as they are if the axis that has none is not reduced."""
    refuse(operand(node, feeds, 0).size == 0, "a reduction of no elements")


def unsigned_negation(node, feeds, opsets):
    refuse(operand(node, feeds, 0).dtype.kind == "u", "the negative of an unsigned integer")


def finite_and_not_empty(node, feeds, opsets):
    finite(node, feeds, opsets)
    not_empty(node, feeds, opsets)


def ordered_and_not_empty(node, feeds, opsets):
    no_nan(node, feeds, opsets)
    not_empty(node, feeds, opsets)


def extremes(node, feeds, opsets):
    """NaN in Max, Min and Clip, and zeros of both signs, whose order the specification leaves open; extremes of no elements."""
    ordered_and_not_empty(node, feeds, opsets)


def bounded_sums(node, feeds, opsets):
    """Numbers so large that a partial sum may leave the type's range: the order of additions decides whether infinities meet."""
    for array in feeds.values():
        if array.dtype.kind in "iu" and array.dtype.itemsize >= 4 and array.size:
            largest = 2**31 if array.dtype.itemsize == 8 else 2**20
            refuse(int(np.abs(array.astype(np.float64)).max()) > largest, "integers whose sum may overflow")
        if draw.is_float(array.dtype) and array.size:
            wide = array.astype(np.float64)
            largest = np.abs(wide[np.isfinite(wide)]).max(initial=0)
            refuse(largest > (100 if array.dtype == np.float16 else 1e15), "sums that may leave the range of the type")


def grid_of_integers(node, feeds, opsets):
    """Integers between which a grid interpolates: their rounding is left open."""
    finite_and_not_empty(node, feeds, opsets)
    refuse(not draw.is_float(operand(node, feeds, 0).dtype) and named(node, "mode") not in (b"nearest",), "integers that are interpolated")


def grid_of_one(node, feeds, opsets):
    """The place of a single element between two corners: nought by nought."""
    finite_and_not_empty(node, feeds, opsets)
    refuse(named(node, "align_corners", 0) and (operand(node, feeds, 1)[2:] < 2).any(), "one element between two corners")


def lengths(node, feeds, opsets):
    """Other types than float, or batches first, with lengths of sequences or a clip: only the reference implementation has them, and
    it ignores both."""
    finite_and_not_empty(node, feeds, opsets)
    is_rare = operand(node, feeds, 0).dtype != np.float32 or named(node, "layout", 0)
    refuse(is_rare and (operand(node, feeds, 4) is not None or named(node, "clip") is not None), "attributes that no peer respects")


def float_only(node, feeds, opsets):
    """Doubles of functions that the peers compute with the precision of a float."""
    from onnx import TensorProto

    no_nan(node, feeds, opsets)
    refuse(any(array.dtype == np.float64 for array in feeds.values()) or named(node, "output_datatype") == TensorProto.DOUBLE,
           "doubles that no peer computes as doubles")


def local_response(node, feeds, opsets):
    """Doubles, whose factor the reference rounds to a float; large numbers."""
    finite_and_not_empty(node, feeds, opsets)
    float_only(node, feeds, opsets)
    refuse(np.abs(operand(node, feeds, 0)).max() > 100, "squares beside which onnxruntime's running sum loses the others")


def resizing(node, feeds, opsets):
    """Doubles between places, which onnxruntime computes as floats; integers that are interpolated, whose rounding is left open."""
    finite_and_not_empty(node, feeds, opsets)
    x = operand(node, feeds, 0)
    refuse((x.dtype == np.float64 or not draw.is_float(x.dtype)) and named(node, "mode", b"nearest") != b"nearest",
           "doubles or integers that are interpolated")


def hard_swish(node, feeds, opsets):
    """Doubles: the text says 1/6, the operator's definition as a function says the float nearest to it."""
    no_nan(node, feeds, opsets)
    refuse(operand(node, feeds, 0).dtype == np.float64, "a sixth of a double")


def spread(node, feeds, opsets):
    """A variance of nought, whose root divides: the operator has no epsilon in its formula, only in the peers' code."""
    finite_and_not_empty(node, feeds, opsets)
    x = operand(node, feeds, 0).astype(np.float64)
    axes = tuple(named(node, "axes", [0, 2, 3]))
    refuse((x.std(axes) < 1e-3).any() or any(axis >= x.ndim for axis in axes), "a variance of nought")


def rounded_state(node, feeds, opsets):
    """States of several sequences: onnxruntime takes the range of levels from as many of them as a thread computes. Large operands,
    for which states are saturated: nought lies between two levels of a range that is as wide on both sides."""
    finite_and_not_empty(node, feeds, opsets)
    x = operand(node, feeds, 0)
    refuse(x.shape[1] > 1, "a range of levels of several states")
    refuse(np.abs(x).max() > 1e3, "states that are saturated")


def dropout(node, feeds, opsets):
    """The mask before opset 12, where the specification does not say what it is outside of training."""
    refuse(opsets[""] < 12 and len(node.output) > 1 and node.output[1], "a mask outside of training")


def quantize(node, feeds, opsets):
    """Quotients that overflow: a conversion of infinity, which C leaves undefined."""
    finite_and_not_empty(node, feeds, opsets)
    x, step = operand(node, feeds, 0), operand(node, feeds, 1)
    with np.errstate(all="ignore"):
        quotient = np.abs(x.astype(np.float64)).max() / np.abs(step.astype(np.float64)).min()
    refuse(not quotient < (6e4 if x.dtype == np.float16 else 1e38), "a quotient that overflows")


def levels_of_probabilities(node, feeds, opsets):
    """Probabilities that the result's levels do not hold, which onnxruntime does not clamp; certainty, for which it ignores the scale."""
    finite_and_not_empty(node, feeds, opsets)
    refuse(operand(node, feeds, 0).shape[-1] == 1, "a single probability")
    step, zero = operand(node, feeds, 3), operand(node, feeds, 4)
    refuse(1 / float(step) + int(zero) > np.iinfo(zero.dtype).max, "a probability beyond the largest level")


def logarithm(node, feeds, opsets):
    """Integers whose sum has no finite logarithm: a conversion of minus infinity, which C leaves undefined. Sums of integers' powers,
    each of which onnxruntime cuts down to an integer."""
    not_empty(node, feeds, opsets)
    x = operand(node, feeds, 0)
    refuse(x.dtype.kind in "iu" and (node.op_type == "ReduceLogSumExp" or (x < 1).any()), "an integer logarithm that no peer computes")


def large_powers(node, feeds, opsets):
    """NaN and infinity, for which onnxruntime's doubles are arbitrary and the reference's logarithm of nought is another one."""
    not_empty(node, feeds, opsets)
    x = operand(node, feeds, 0).astype(np.float64)
    refuse(np.isnan(x).any() or np.isposinf(x).any() or operand(node, feeds, 0).dtype == np.float64 and np.isinf(x).any(),
           "powers that are not finite")


def positions(node, feeds, opsets):
    """Positions that are no whole numbers: the specification casts them to integers, and neither peer does."""
    x = operand(node, feeds, 0).astype(np.float64)
    refuse(not np.isfinite(x).all() or (x != np.trunc(x)).any(), "a position that is no whole number")


def overflow(node, feeds, results):
    """Finite numbers whose result is infinite: a form that is computed in another order may stay finite."""
    if node.op_type in ("Add", "Sub", "Mul", "Div", "Pow"):
        are_finite = [np.isfinite(array.astype(np.float64)) for array in feeds.values()]
        if node.op_type == "Div":
            are_finite.append(operand(node, feeds, 1) != 0)
        lost = np.logical_and.reduce(np.broadcast_arrays(*are_finite)) & ~np.isfinite(results[0].astype(np.float64))
        refuse(lost.any(), "a result that overflows")
    elif node.op_type in SUMS:
        refuse(all(finite_array(each) for each in feeds.values()) and not all(finite_array(each) for each in results),
               "a result that overflows")


def squares(node, feeds, opsets):
    """Numbers whose squares overflow."""
    finite_and_not_empty(node, feeds, opsets)
    x = operand(node, feeds, 0)
    largest = np.abs(x.astype(np.float64)).max()
    refuse(largest > (2**15 if x.dtype.kind == "i" else 1e15), "numbers whose squares overflow")


def finite_array(array):
    return not draw.is_float(array.dtype) or bool(np.isfinite(array.astype(np.float64)).all())


def pool(node, feeds, opsets):
    """Windows with SAME padding that are smaller than their step: the formula gives negative pads, which the peers read differently."""
    if node.op_type == "MaxPool":
        ordered_and_not_empty(node, feeds, opsets)
    strides, kernel = named(node, "strides"), named(node, "kernel_shape")
    if kernel is None:
        kernel = operand(node, feeds, 1).shape[2:]
    dilations = named(node, "dilations", [1] * len(kernel))
    ignored = (b"SAME_UPPER", b"SAME_LOWER", *[b"VALID"] * (node.op_type == "LpPool"))
    refuse(named(node, "auto_pad") in ignored and any(apart > 1 for apart in dilations),
           "automatic padding of a dilated window, whose dilation onnxruntime ignores")
    if node.op_type in ("Conv", "FusedConv", "LpPool"):
        # A product of padding and an infinite weight is NaN or is left out; the reference leaves out NaNs.
        finite(node, feeds, opsets)
    refuse((named(node, "auto_pad") or b"").startswith(b"SAME") and strides is not None and any(
        step > (size - 1) * apart + 1 for step, size, apart in zip(strides, kernel, dilations)), "a step past the window with SAME padding")


# Operators that add products of their elements.
SUMS = """MatMul Gemm Conv ConvTranspose Einsum ReduceSum ReduceMean ReduceProd ReduceL1 ReduceL2 ReduceSumSquare ReduceLogSum
ReduceLogSumExp CumSum CumProd BatchNormalization InstanceNormalization GroupNormalization LayerNormalization RMSNormalization
SimplifiedLayerNormalization SkipLayerNormalization SkipSimplifiedLayerNormalization EmbedLayerNormalization FusedConv FusedMatMul
AveragePool GlobalAveragePool Sum Mean MultiHeadAttention GroupQueryAttention RotaryEmbedding Col2Im Scan Loop If
NegativeLogLikelihoodLoss SoftmaxCrossEntropyLoss STFT DFT TreeEnsemble TreeEnsembleRegressor TreeEnsembleClassifier ScatterElements ScatterND""".split()

CHECKS = {
    "Cast": cast, "CastLike": cast, "Div": division, "Mod": modulo, "BitShift": shift, "Pow": power,
    "DynamicQuantizeLSTM": rounded_state, "Dropout": dropout, "MeanVarianceNormalization": spread, "ReduceMean": not_empty,
    **dict.fromkeys(["ReduceSum", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceSumSquare"], empty_reduction),
    "ReduceLogSum": logarithm, "ReduceLogSumExp": logarithm,
    **dict.fromkeys(["TopK", "ArgMax", "ArgMin", "Hardmax", "ReduceMax", "ReduceMin", "MaxPool", "GlobalMaxPool"],
                    ordered_and_not_empty),
    **dict.fromkeys(["Max", "Min", "Clip", "Unique", "Relu", "Sign"], no_nan), "MaxRoiPool": finite,
    "LogSoftmax": large_powers, "OneHot": positions,
    "QuantizeLinear": quantize, "QLinearSoftmax": levels_of_probabilities,
    **dict.fromkeys("""DynamicQuantizeLinear NonMaxSuppression RoiAlign Resize Upsample GridSample AffineGrid DFT STFT
    Det MelWeightMatrix DeformConv LpPool LpNormalization GlobalLpPool QLinearAdd QLinearMul
    DynamicQuantizeMatMul MatMulIntegerToFloat DequantizeLinear GRU LSTM RNN Attention LinearAttention CausalConvWithState
    TfIdfVectorizer GroupNorm LayerNormalization MatMulNBits LinearClassifier LinearRegressor SVMClassifier SVMRegressor
    Scaler""".split(), finite_and_not_empty),
    "GridSample": grid_of_integers, "AffineGrid": grid_of_one, "LRN": local_response, "Normalizer": squares, "HardSwish": hard_swish,
    "Resize": resizing, "Upsample": resizing,
    **dict.fromkeys(["Erf", "Gelu", "HannWindow", "HammingWindow", "BlackmanWindow"], float_only),
     "RNN": lengths, "GRU": lengths, "LSTM": lengths,
    **dict.fromkeys(["MaxPool", "AveragePool", "LpPool", "Conv", "FusedConv"], pool),
}


def check(node, feeds, opsets):
    """Raises `Undefined` if the specification does not say what the node gives for these operands."""
    if found := CHECKS.get(node.op_type):
        found(node, feeds, opsets)
    if node.op_type in SUMS:
        bounded_sums(node, feeds, opsets)
