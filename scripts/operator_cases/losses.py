"""NegativeLogLikelihoodLoss, SoftmaxCrossEntropyLoss, Hardmax, MeanVarianceNormalization, and LayerNormalization with all results."""

import numpy as np

from .recording import case, real, reference

rng = np.random.default_rng(1)
for opset in (12, 13, 22):
    for shape in ((3, 5), (2, 4, 3), (2, 3, 2, 4)):
        places = (shape[0],) + shape[2:]
        classes = rng.integers(0, shape[1], places)
        weights = rng.random(shape[1]).astype(np.float32)
        for reduction in ("none", "sum", "mean"):
            x = real(rng, *shape)
            case("NegativeLogLikelihoodLoss", [x, classes], {"reduction": reduction}, opset=opset, by=reference)
            case("NegativeLogLikelihoodLoss", [x, classes.astype(np.int32), weights], {"reduction": reduction}, opset=opset, by=reference)
            ignoring = np.where(classes == 1, -100, classes)
            for extra in ([], [weights]):
                case(
                    "NegativeLogLikelihoodLoss", [x, ignoring, *extra], {"reduction": reduction, "ignore_index": -100},
                    opset=opset, by=reference, name=f"ignoring −100 {shape} {len(extra)} {reduction}",
                )
for opset in (12, 13):
    for reduction in ("none", "sum", "mean"):
        x, classes = real(rng, 2, 4, 3, scale=5), rng.integers(0, 4, (2, 3))
        weights = rng.random(4).astype(np.float32)
        for outputs in ((True,), (True, True)):
            # The logarithm of a probability near 1 is the difference of two sums that floats hold to 1e-6.
            case(
                "SoftmaxCrossEntropyLoss", [x, classes], {"reduction": reduction}, opset=opset, outputs=outputs,
                tolerance=(1e-5, 4e-6),
            )
            case(
                "SoftmaxCrossEntropyLoss", [x, classes, weights], {"reduction": reduction, "ignore_index": 2}, opset=opset,
                outputs=outputs, tolerance=(1e-5, 4e-6),
            )
half = real(rng, 4, 6, dtype=np.float16)
case("SoftmaxCrossEntropyLoss", [half, rng.integers(0, 6, 4)], outputs=(True, True), by=reference)
case("SoftmaxCrossEntropyLoss", [real(rng, 4, 6, dtype=np.float64), rng.integers(0, 6, 4)], outputs=(True, True), by=reference)

for opset in (7, 11, 12, 13, 21):
    ties = rng.integers(0, 3, (2, 3, 4)).astype(np.float32)
    for axis in (0, 1, 2, -1) if opset >= 11 else (0, 1, 2):
        case("Hardmax", [ties], {"axis": axis}, opset=opset)
    case("Hardmax", [ties], opset=opset, name=f"without axis {opset}")
case("Hardmax", [real(rng, 3, 4, dtype=np.float16)], by=reference)
case("Hardmax", [real(rng, 3, 4, dtype=np.float64)], by=reference)

for axes in (None, [0, 2, 3], [1], [-1, -2]):
    attributes = {} if axes is None else {"axes": axes}
    case("MeanVarianceNormalization", [real(rng, 2, 3, 4, 2)], attributes, opset=13, by=reference)
case("MeanVarianceNormalization", [real(rng, 2, 3, 4, 2)], opset=9, by=reference)

for axis in (-1, 1, 0):
    for outputs in ((True, True, True), (True, False, True), (True, True)):
        x = real(rng, 2, 3, 4)
        scale = real(rng, *x.shape[axis:])
        case("LayerNormalization", [x, scale, scale], {"axis": axis}, opset=17, outputs=outputs)
x = real(rng, 2, 3, dtype=np.float16)
scale, wide = real(rng, 3), x.astype(np.float32)
# The result has the type of the scale; ONNX's reference gives it that of x.
case("RMSNormalization", [x, scale], opset=23, name="of halves by floats",
     expected=[wide / np.sqrt(np.mean(wide * wide, axis=-1, keepdims=True) + np.float32(1e-5)) * scale])
