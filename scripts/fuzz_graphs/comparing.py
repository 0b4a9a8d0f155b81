"""The comparison of answers with expected outputs, element by element, by the difference that is excused for each."""

import numpy as np

from conformance_suite import comparison


def problem(got, expected, case):
    """Returns the first difference between lists of outputs, or `None`."""
    if len(got) != len(expected):
        return f"{len(got)} outputs instead of {len(expected)}"
    for index, (one, other, excused) in enumerate(zip(got, expected, case["excused"])):
        if one.dtype != other.dtype or one.shape != other.shape:
            return f"output {index}: {comparison.described(one)} instead of {comparison.described(other)}"
        bad = differing(one, other, excused if excused is None else np.load(excused))
        if bad.any():
            place = tuple(int(axis) for axis in np.argwhere(bad)[0])
            return (f"output {index}: {int(bad.sum())} of {bad.size} elements differ; at {list(place)} {one[place]} instead of "
                    f"{other[place]}")
    return None


def differing(got, expected, excused):
    """A mask of the elements that differ by more than is excused. Zeros of both signs are equal, and so are all NaNs."""
    if excused is None and got.dtype.kind in "iub":
        return got != expected
    if excused is None:
        excused = 0.0
    one, other = got.astype(np.float64), expected.astype(np.float64)
    with np.errstate(all="ignore"):
        near = (one == other) | (np.isnan(one) & np.isnan(other)) | (np.abs(one - other) <= excused) | np.isposinf(excused)
    return ~near
