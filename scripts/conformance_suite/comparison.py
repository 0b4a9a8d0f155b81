"""The comparison of answers with expected outputs, by the rules of onnx's own runner.

Shapes, element types and strings must be equal. Numbers may differ by `atol + rtol · |expected|`, and by two units in the last
place where they are bfloat16. NaN equals NaN.
"""

import numpy as np

BFLOAT16_RTOL = 2**-6


def served(expected, got):
    """Returns the expected outputs as FusedInf answers them: a sequence whose length the file decides as its elements, stacked along
    a new first axis or each as an output. Answers that are sequences, as onnxruntime's, are compared as they are."""
    result = []
    for value in expected:
        answer = got[len(result)] if len(result) < len(got) else None
        if not isinstance(value, list) or isinstance(answer, list):
            result.append(value)
        elif value and answer is not None and all(one.dtype == value[0].dtype and one.shape == value[0].shape for one in value) and (
                answer.shape == (len(value), *value[0].shape)):
            result.append(np.stack(value))
        else:
            result += value
    return result


def problem(got, expected, case):
    """Returns the first difference between lists of outputs, or `None`."""
    if len(got) != len(expected):
        return f"{len(got)} outputs instead of {len(expected)}"
    for index, (one, other) in enumerate(zip(got, expected)):
        if found := difference(one, other, case):
            return f"output {index}: {found}"
    return None


def difference(got, expected, case):
    for kind in (list, type(None)):
        if isinstance(got, kind) != isinstance(expected, kind):
            return f"{described(got)} instead of {described(expected)}"
    if expected is None:
        return None
    if isinstance(expected, list):
        return problem(got, expected, case)
    got, expected = texts(got), texts(expected)
    if got.dtype != expected.dtype or got.shape != expected.shape:
        return f"{described(got)} instead of {described(expected)}"
    if case["random"]:
        return None
    if got.dtype == object:
        return None if np.array_equal(got, expected) else "other strings"
    rtol = case["rtol"]
    if got.dtype.name == "bfloat16":
        rtol = max(rtol, BFLOAT16_RTOL)
    # numpy cannot compute with the types that it lacks: bfloat16, floats of 8 and 4 bits, integers of 4 and 2.
    if got.dtype.isbuiltin != 1:
        got, expected = got.astype(np.float32), expected.astype(np.float32)
    with np.errstate(all="ignore"):
        near = np.isclose(got, expected, rtol=rtol, atol=case["atol"], equal_nan=True)
    if near.all():
        return None
    place = tuple(int(axis) for axis in np.argwhere(~near)[0])
    return (f"{int((~near).sum())} of {near.size} elements differ; at {list(place)} {got[place]} instead of "
            f"{expected[place]}")


def texts(value):
    """The array with texts as objects, whatever lengths NumPy made of them."""
    return value.astype(object) if value.dtype.kind in "UST" else value


def described(value):
    if value is None:
        return "nothing"
    if isinstance(value, list):
        return f"a sequence of {len(value)}"
    return f"{value.dtype}{list(value.shape)}"


def same_bits(got, expected):
    """Compares two values, or lists of values, bit for bit."""
    if isinstance(expected, list):
        return len(got) == len(expected) and all(map(same_bits, got, expected))
    if got is None or expected is None:
        return got is expected
    if got.dtype != expected.dtype or got.shape != expected.shape:
        return False
    return np.array_equal(got, expected) if got.dtype == object else got.tobytes() == expected.tobytes()
