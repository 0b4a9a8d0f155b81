"""Cases of operators whose result sizes depend on data: NonMaxSuppression, Compress, Unique."""

import numpy as np

from .recording import BF16, case, real, refused

rng = np.random.default_rng(17)
INF, NAN = np.inf, np.nan
TYPES = [np.float32, np.float64, np.float16, np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64]


def suppression(boxes, scores, most=None, overlap=None, score=None, name="", scalar=False, expected=None, **options):
    shape = () if scalar else (1,)
    parameters = [None if value is None else np.full(shape, value, type_) for value, type_ in (
        (most, np.int64), (overlap, np.float32), (score, np.float32))]
    while parameters and parameters[-1] is None:
        parameters.pop()
    attributes = {"center_point_box": 1} if options.pop("centered", False) else {}
    case("NonMaxSuppression", [boxes, scores, *parameters], attributes, name=name, expected=expected, **options)


def random_boxes(batches, count):
    corners = rng.uniform(0, 10, (batches, count, 2, 2)).astype(np.float32)
    return corners.reshape(batches, count, 4)


# Boxes with their corners in any order, several classes and batches.
boxes = random_boxes(2, 40)
scores = rng.uniform(0, 1, (2, 3, 40)).astype(np.float32)
for opset in (10, 11, 21):
    suppression(boxes, scores, 10, 0.3, 0.4, opset=opset, name=f"opset {opset}")
suppression(boxes, scores, 100, 0.0, name="every overlap suppresses")
suppression(boxes, scores, 100, 1.0, -1.0, name="no overlap suppresses", scalar=True)
suppression(boxes, scores, 5, score=0.5, name="without a threshold of overlap")
suppression(boxes, scores, overlap=0.5, name="without a count")
suppression(boxes, scores, name="without parameters")
suppression(boxes, scores, 0, 0.5, 0.0, name="count 0")
suppression(boxes, scores, -3, 0.5, 0.0, name="a negative count")
suppression(boxes, scores, 3, 0.5, 2.0, name="no score is high enough")
suppression(boxes, scores - np.float32(0.5), 100, 0.4, name="negative scores without a threshold")
suppression(boxes, np.round(scores * 4) / np.float32(4), 100, 0.4, 0.25, name="equal scores, and scores at the threshold")
centered = np.concatenate([rng.uniform(0, 10, (1, 30, 2)), rng.uniform(-1, 6, (1, 30, 2))], 2).astype(np.float32)
suppression(centered, rng.uniform(0, 1, (1, 2, 30)).astype(np.float32), 20, 0.2, 0.1, centered=True, name="centre and size")
# An overlap of exactly the threshold keeps the box; boxes of no area suppress nothing.
exact = np.array([[[0, 0, 1, 1], [0, 0, 1, 0.5], [0, 0, 1, 1], [0, 0, 0, 1], [0, 0, 0, 1]]], np.float32)
suppression(exact, np.array([[[0.9, 0.8, 0.7, 0.6, 0.5]]], np.float32), 9, 0.5, 0.0, name="overlap at the threshold")
special = exact.copy()
special[0, 1] = [NAN, 0, 1, 1]
special[0, 2] = [0, 0, INF, 1]
suppression(special, np.array([[[0.9, INF, 0.7, -INF, 0.5]]], np.float32), 9, 0.5, name="NaN and infinity")
suppression(exact, np.array([[[0.9, NAN, 0.7, 0.6, NAN]]], np.float32), 9, 0.5, 0.0, name="NaN as a score")
suppression(exact, np.array([[[0.1, NAN, 0.7, 0.6, NAN]]], np.float32), 9, 1.0, name="NaN as a score, without a threshold",
            expected=[np.array([[0, 0, 2], [0, 0, 3], [0, 0, 0], [0, 0, 1], [0, 0, 4]], np.int64)])
suppression(np.zeros((1, 0, 4), np.float32), np.zeros((1, 2, 0), np.float32), 5, 0.5, 0.0, name="no boxes",
            expected=[np.zeros((0, 3), np.int64)])
suppression(boxes[:1], np.zeros((1, 0, 40), np.float32), 5, 0.5, 0.0, name="no classes", expected=[np.zeros((0, 3), np.int64)])
suppression(boxes, scores, 10, 0.3, 0.4, constants=[2, 3, 4], name="constant parameters")
suppression(boxes, scores, 10, 0.3, 0.4, constants=[0, 1, 2, 3, 4], name="constants alone")
for overlap in (-0.1, 1.5, NAN):
    refused("NonMaxSuppression", [boxes, scores, np.array([3]), np.array([overlap], np.float32)], name=f"overlap {overlap}")
refused("NonMaxSuppression", [boxes, scores[:, :, :39], np.array([3])], name="fewer scores than boxes")
refused("NonMaxSuppression", [boxes[:, :, :3], scores, np.array([3])], name="boxes of three numbers")
refused("NonMaxSuppression", [boxes, scores, np.array([3, 4])], name="two counts")

# Compress.
for type_ in TYPES:
    x = rng.integers(0, 100, (3, 4)).astype(type_)
    case("Compress", [x, np.array([True, False, True])], {"axis": 0})
    case("Compress", [x, rng.integers(0, 2, 12).astype(bool)])
case("Compress", [rng.integers(0, 2, (3, 4)).astype(bool), np.array([False, True, True, False])], {"axis": -1})
x = real(rng, 3, 4).astype(BF16)
flags = np.array([True, True, False, True])
case("Compress", [x, flags], {"axis": 1}, expected=[np.compress(flags, x, axis=1)])
x = real(rng, 2, 5, 3, 4)
for opset in (9, 11):
    for axis in range(4):
        case("Compress", [x, rng.integers(0, 2, x.shape[axis]).astype(bool)], {"axis": axis}, opset=opset, name=f"axis {axis}")
case("Compress", [x, np.array([False, True])], {"axis": 1}, name="a short condition")
case("Compress", [x, np.array([False, True, True])], name="a short condition, flattened")
case("Compress", [x, np.array([True, False, True, True])], {"axis": 0}, name="a long condition", expected=[x[:1]])
case("Compress", [x, np.zeros(5, bool)], {"axis": 1}, name="no slice")
case("Compress", [x, np.ones(5, bool)], {"axis": -3}, name="every slice")
case("Compress", [x, np.zeros(0, bool)], {"axis": 1}, name="an empty condition")
case("Compress", [x, np.ones(120, bool)], name="every element")
case("Compress", [np.zeros((2, 0, 3), np.float32), np.array([True, False])], {"axis": 0}, name="empty",
     expected=[np.zeros((1, 0, 3), np.float32)])
case("Compress", [x, np.array([True, False, True])], {"axis": 2}, constants=[1], name="a constant condition")
case("Compress", [x, np.array([True, False, True])], {"axis": 2}, constants=[0, 1], name="constants alone")
refused("Compress", [x, np.array([True])], {"axis": 4})
refused("Compress", [x, np.array([[True, False]])], {"axis": 0}, name="a condition of two axes")
refused("Compress", [x, np.array([1, 0])], {"axis": 0}, name="a condition of integers")

# Unique.
ALL = (True,) * 4


def distinct(x, axis=None, sorted_=True):
    """NumPy's answer; all NaN are equal."""
    values, firsts, inverse, counts = np.unique(x, True, True, True, axis=axis)
    inverse = inverse.reshape(-1)
    if not sorted_:
        order = np.argsort(firsts, kind="stable")
        values, firsts, counts = np.take(values, order, axis=axis or 0), firsts[order], counts[order]
        inverse = np.argsort(order, kind="stable")[inverse]
    return [values, *(each.astype(np.int64) for each in (firsts, inverse, counts))]


def unique(x, axis=None, sorted_=True, name="", **options):
    attributes = {"sorted": int(sorted_), **({} if axis is None else {"axis": axis})}
    options.setdefault("expected", distinct(x, axis, sorted_))
    case("Unique", [x], attributes, outputs=ALL, name=name or f"{x.dtype}{list(x.shape)} axis {axis}, sorted {sorted_}", **options)


for type_ in TYPES + [bool]:
    x = rng.integers(-3 if np.issubdtype(type_, np.signedinteger) or np.issubdtype(type_, np.floating) else 0, 4, (4, 5)).astype(type_)
    for sorted_ in (True, False):
        unique(x, sorted_=sorted_)
        unique(x[:, :2], 0, sorted_)
x = rng.integers(-3, 4, (3, 7)).astype(BF16)
for sorted_ in (True, False):
    values, *rest = distinct(x.astype(np.float32), sorted_=sorted_)
    unique(x, sorted_=sorted_, expected=[values.astype(BF16), *rest])
x = rng.integers(0, 2, (3, 4, 2)).astype(np.float32)
for axis in (0, 1, 2, -1, -2):
    for sorted_ in (True, False):
        unique(x, axis, sorted_, expected=None)
for sorted_ in (True, False):
    unique(real(rng, 50).round(1), None, sorted_, name="by onnxruntime", expected=None)
    unique(np.array([3, NAN, -INF, 0.0, -0.0, NAN, INF, 3], np.float32), None, sorted_, name="NaN, infinity and zeros")
    unique(np.array([-0.0, 0.0, 1, -1], np.float16), None, sorted_, name="zeros of halves")
unique(np.array([2**63, 1, 2**64 - 1, 2**63], np.uint64), name="large unsigned numbers")
unique(np.array([2**63 - 1, -(2**63), -1, 0, -1], np.int64), name="the ends of int64")
unique(np.array([7], np.float32), name="one element")
unique(np.array(7, np.int64), name="a scalar")
unique(np.zeros(0, np.float32), name="empty")
unique(np.zeros((0, 3), np.float32), 0, name="no slices", expected=[
    np.zeros((0, 3), np.float32), *[np.zeros(0, np.int64)] * 3])
unique(np.zeros((3, 0), np.float32), 0, name="empty slices", expected=[
    np.zeros((1, 0), np.float32), np.array([0]), np.array([0, 0, 0]), np.array([3])])
x = rng.integers(0, 5, (6, 2)).astype(np.int64)
unique(x, 0, constants=[0], name="a constant")
results = distinct(x, 1, False)
for outputs in ((True,), (True, False, True), (True, False, False, True), (True, True), (False, False, True)):
    case("Unique", [x], {"axis": 1, "sorted": 0}, outputs=outputs, name=f"results {outputs}",
         expected=[result for result, wanted in zip(results, outputs) if wanted])
refused("Unique", [x], {"axis": 2})
