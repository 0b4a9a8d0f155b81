"""The rules by which an answer is compared with onnxruntime's.

f32: within 1e-4 · max|reference| + 1e-3 · |reference|; integers, truth values and texts exactly.

f16: both engines round to 11 significant bits, at different places. The distance from the answer of the f32 model that
the file was made from may be at most 1.5 times onnxruntime's own largest distance, and two units in the last place of
the largest value beside.

int8: within two quantisation steps. The step is the scale of the output's DequantizeLinear; for an output that is
computed in floats it is the scale that DynamicQuantizeLinear would give it, the range with zero over 255. Roundings
inside a deep model decide further roundings, so that onnxruntime's own answers with and without its optimisations can be
further apart: then the bound is 1.5 times that distance. The largest score must be the same, unless the reference's two
largest are less than a step, or than that distance, apart.
"""

import numpy as np


class Deviation(Exception):
    """An answer that no rule allows."""


def f32(got, reference, **_):
    return 1e-4 * np.abs(reference).max(initial=0) + 1e-3 * np.abs(reference)


def f16(got, reference, exact, **_):
    own = np.abs(reference - exact).max(initial=0)
    return 1.5 * own + 2 * 2.0**-10 * np.abs(exact).max(initial=0)


def step(reference, scale):
    return scale or (max(reference.max(initial=0), 0) - min(reference.min(initial=0), 0)) / 255


def int8(got, reference, scale=None, axis=None, spread=0, **_):
    size = step(reference, scale)
    if axis is not None and reference.ndim and reference.shape[axis] > 1:
        highest = np.sort(reference, axis)
        margin = np.take(highest, -1, axis) - np.take(highest, -2, axis)
        if ((got.argmax(axis) != reference.argmax(axis)) & (margin >= max(size, spread))).any():
            raise Deviation("has another largest score")
    return max(2 * size, 1.5 * spread)


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
