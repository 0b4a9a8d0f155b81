"""The rules by which an answer is compared with onnxruntime's.

f32: within 1e-4 · max|reference| + 1e-3 · |reference|; integers, truth values and texts exactly.

f16: onnxruntime computes all of a model in f32 on a CPU, so that only its weights and inputs are rounded. The
specification rounds the result of every node. "rounding" are the distances, from the answer of the f32 model that the file
was made from, of a computation that does: the largest, and the root of the mean square. Roundings are as good as random,
and the largest of them varies: the root of the mean square may be 1.5 times the larger one of onnxruntime's and that
computation's, the largest distance 3 times, and two units in the last place of the largest value beside.

int8: within two quantisation steps. The step is the scale of the output's DequantizeLinear; for an output that is
computed in floats it is the scale that DynamicQuantizeLinear would give it, the range with zero over 255. Values halfway
between two levels are rounded as the last bit of a float has it, and such a rounding decides further ones: onnxruntime's
own answers to inputs that differ by one part in a million, or without its optimisations, can be further apart. Then the
bound is 1.5 times that distance. The largest score must be the same, unless the reference's two largest are less than a
step, or than that distance, apart.
"""

import numpy as np


class Deviation(Exception):
    """An answer that no rule allows."""


def f32(got, reference, **_):
    return 1e-4 * np.abs(reference).max(initial=0) + 1e-3 * np.abs(reference)


def root_mean_square(distance):
    return float(np.sqrt((distance**2).mean())) if distance.size else 0.0


def f16(got, reference, exact, rounding=(0, 0), **_):
    """The bound of each element; lower where the mean decides."""
    own, unit = np.abs(reference - exact), 2.0**-10 * np.abs(exact).max(initial=0)
    largest = 3 * max(own.max(initial=0), rounding[0]) + 2 * unit
    mean = 1.5 * max(root_mean_square(own), rounding[1]) + unit
    distance = np.abs(got - exact)
    # The share of the bound is the larger one of both shares.
    return min(largest, distance.max(initial=0) * mean / max(root_mean_square(distance), 1e-300))


def step(reference, scale):
    return scale or (max(reference.max(initial=0), 0) - min(reference.min(initial=0), 0)) / 255


def int8(got, reference, scale=None, axis=None, spread=0, **_):
    size = step(reference, scale)
    if axis is not None and reference.ndim and reference.shape[axis] > 1:
        highest = np.sort(reference, axis)
        margin = np.take(highest, -1, axis) - np.take(highest, -2, axis)
        if ((got.argmax(axis) != reference.argmax(axis)) & (margin >= max(size, spread))).any():
            raise Deviation("has another largest score")
    # A step is not an exact number of an f32 output.
    return max(2.0001 * size, 1.5 * spread)


def deviation(got, reference, rule="f32", exact=None, **facts):
    """The largest absolute deviation, and the largest share of the tolerance that it uses."""
    if reference.dtype.kind in "OUS":
        got, reference = np.asarray(got, object), np.asarray(reference, object)
    if got.dtype != reference.dtype or got.shape != reference.shape:
        raise Deviation(f"is {got.dtype} {got.shape}, not {reference.dtype} {reference.shape}")
    if reference.dtype.kind != "f":
        different = int((got != reference).sum())
        if different:
            raise Deviation(f"differs in {different} of {reference.size} elements")
        return 0.0, 0.0
    if not np.isfinite(got).all():
        raise Deviation("holds values that are not finite")
    got, reference = got.astype(np.float64), reference.astype(np.float64)
    target = reference if exact is None else exact.astype(np.float64)
    bound = {"f32": f32, "f16": f16, "int8": int8}[rule](got, reference, exact=target, **facts)
    distance = np.abs(got - target)
    share = np.divide(distance, bound, out=np.where(distance > 0, np.inf, 0.0), where=np.broadcast_to(bound, distance.shape) > 0)
    return distance.max(initial=0), share.max(initial=0)
