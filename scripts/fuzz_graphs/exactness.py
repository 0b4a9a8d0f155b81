"""The operators whose results are decided bit by bit, and the effect of rounding on the others.

A result is exact if it moves, compares or selects elements, or computes with integers. Everything else rounds: two right
implementations differ in the last places, and by more where sums cancel.
"""

import numpy as np

from . import draw

EXACT = set("""
Abs And ArgMax ArgMin BitCast BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor Cast CastLike Ceil CenterCropPad Clip Compress
Concat Constant ConstantOfShape DepthToSpace Equal Expand EyeLike Flatten Floor Gather GatherElements GatherND GlobalMaxPool
Greater GreaterOrEqual Hardmax Identity IsInf IsNaN Less LessOrEqual Max MaxPool MaxUnpool Min Neg NonZero Not Or Pad
ReduceMax ReduceMin Relu Reshape ReverseSequence Round Shape Sign Size Slice SpaceToDepth Split Squeeze TensorScatter
ThresholdedRelu Tile TopK Transpose Trilu Unique Unsqueeze Where Xor ArrayFeatureExtractor Binarizer Imputer LabelEncoder
OneHotEncoder FeatureVectorizer NhwcMaxPool Optional OptionalGetElement OptionalHasElement Dropout Range Scatter
""".split())
# Element by element: a result depends on no sum, so its error is some units in its last place.
POINTWISE = set("""
Add Sub Mul Div Sqrt Reciprocal Exp Log Sigmoid Tanh Erf Sin Cos Tan Asin Acos Atan Sinh Cosh Asinh Acosh Atanh Mod PRelu LeakyRelu
Elu Celu Selu Softsign Softplus HardSigmoid HardSwish Shrink Pow
""".split())
# One plus a function that is near minus one.
GELUS = {"Gelu", "FastGelu", "QuickGelu", "BiasGelu", "Mish", "Swish", "SwiGLU", "HardSwish"}
# Results between 0 and 1 of functions that onnxruntime approximates with an absolute error.
PROBABILITIES = {"HannWindow", "HammingWindow", "BlackmanWindow", "Sigmoid", "Tanh", "Erf", "LinearClassifier", "SVMClassifier", "TreeEnsembleClassifier", "LSTM", "GRU", "RNN",
                 "DynamicQuantizeLSTM"}
# Rounded to integers: a value that lies between two of them may be rounded to either.
QUANTIZED = set("""
QuantizeLinear DynamicQuantizeLinear QLinearConv QLinearMatMul QLinearAdd QLinearMul QLinearAveragePool QLinearConcat
QLinearGlobalAveragePool QLinearLeakyRelu QLinearSigmoid QLinearSoftmax DynamicQuantizeMatMul DynamicQuantizeLSTM
""".split())
# The attribute `stash_type` chooses the precision of their first stage, whatever the operands' types: floats, if it is left out.
STASHED = {"LayerNormalization", "GroupNormalization", "RMSNormalization", "SimplifiedLayerNormalization"}
RANDOM = {"Bernoulli", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike"}
# Units in the last place by which operands are changed, to see the effect of rounding inside.
INSIDE = 4
# More of them where a function's absolute error precedes a rounding to integers inside, or where onnxruntime adds the zero point
# before it rounds to a level.
INSIDE_OF = dict.fromkeys(["DynamicQuantizeLSTM", *(name for name in QUANTIZED if name.startswith("QLinear"))], 64)
# Units in the last place that a result of an operator may differ by.
RESULT = 3


def epsilon(dtype):
    return {2: 2.0**-8 if dtype == draw.BFLOAT16 else 2.0**-11, 4: 2.0**-24, 8: 2.0**-53}[dtype.itemsize]


def is_exact(node, feeds):
    """True if every implementation gives the same bits for these operands."""
    if node.attribute and any(each.HasField("g") for each in node.attribute):
        return not any(array.dtype in draw.REALS for array in feeds.values())
    if node.op_type in EXACT:
        return True
    if node.op_type in ("ScatterElements", "ScatterND"):
        return not any(each.name == "reduction" and each.s in (b"add", b"mul") for each in node.attribute) or (
            not any(array.dtype in draw.REALS for array in feeds.values()))
    return node.op_type not in QUANTIZED and not any(draw.is_float(array.dtype) for array in feeds.values()) and (
        node.op_type not in ("HannWindow", "HammingWindow", "BlackmanWindow", "MelWeightMatrix", "TfIdfVectorizer", "LinearClassifier",
                             "LinearRegressor", "SVMClassifier", "SVMRegressor", "Scaler", "Normalizer", "TreeEnsembleClassifier",
                             "TreeEnsembleRegressor", "DequantizeLinear"))


def scale(node, feeds, result):
    """The magnitude of the terms that the formula of an operator adds, where they cancel inside; zero where they do not."""
    if node.op_type in GELUS:
        terms = sum(np.abs(array.astype(np.float64)) for array in feeds.values() if array.dtype in draw.REALS)
        return np.where(np.isfinite(terms), terms, 0) if np.shape(terms) == result.shape else 0
    if node.op_type in ("LogSoftmax", "SoftmaxCrossEntropyLoss"):
        # The sum of powers is at least 1, and onnxruntime's logarithm of it has the error of its last digit.
        return 1
    if node.op_type in ("Resize", "Upsample"):
        # Places are floats: one of the last has the error of its last digit, and the slope beside it may be the largest.
        x = np.abs(feeds[node.input[0]].astype(np.float64))
        return float(x.max(initial=0) * max(x.shape[2:], default=1))
    if node.op_type == "Celu":
        # onnxruntime subtracts one from a power.
        return 1
    if node.op_type == "Det":
        x = feeds[node.input[0]].astype(np.float64)
        return np.linalg.norm(x, axis=-1).prod(-1)
    if node.op_type.startswith("SVM"):
        given = {each.name: np.abs(each.floats).sum() for each in node.attribute if each.floats}
        return given.get("coefficients", 0) + given.get("rho", 0)
    if node.op_type in ("DFT", "STFT"):
        return float(np.abs(feeds[node.input[0]].astype(np.float64)).sum())
    is_probability = node.op_type in PROBABILITIES or node.op_type == "FusedConv" and any(
        each.s in (b"Sigmoid", b"Tanh") for each in node.attribute)
    return 1 if is_probability else 0


def coarsest(node):
    """The unit roundoff below which the operator's formula does not go, in every type."""
    # The peers take the square root of the attribute `scale` as a float.
    is_scaled = node.op_type == "Attention" and any(each.name == "scale" for each in node.attribute)
    return epsilon(np.dtype(np.float32)) if node.op_type in STASHED or is_scaled else 0


def perturbed(array, units, numbers, terms=0, least=0):
    """The array with each element changed by a random part of some units in its last place, or in that of `terms` if they are
    larger. `least`: the least unit roundoff."""
    if array.dtype not in draw.REALS or array.size == 0:
        return array
    wide = array.astype(np.float64)
    with np.errstate(all="ignore"):
        changed = wide + np.maximum(np.abs(wide), terms) * units * max(epsilon(array.dtype), least) * 2 * numbers.uniform(-1, 1, array.shape)
        changed = np.where(np.isfinite(wide), changed, wide).astype(array.dtype)
    # A finite element stays finite.
    return np.where(np.isfinite(changed.astype(np.float64)) | ~np.isfinite(wide), changed, array).astype(array.dtype)
