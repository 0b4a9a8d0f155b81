"""Checks that no operator is forgotten, that graphs are drawn alike, and that wrong answers are noticed."""

import numpy as np

from . import comparing, construction, evaluation, registry
from .exactness import epsilon


def run():
    missing = registry.forgotten()
    assert not missing, f"operators without a generator or a reason in scripts/fuzz_graphs/registry.py: {missing}"
    check_comparison()
    check_sensitivity()
    check_repetition()


def check_comparison():
    value = np.array([1, 0.0, np.nan, np.inf], np.float32)
    assert not comparing.differing(value, value.copy(), None).any()
    assert not comparing.differing(np.array([-0.0]), np.array([0.0]), None).any()
    assert comparing.differing(value, value[::-1], None).sum() == 4
    near = value + np.float32(1e-6)
    assert comparing.differing(near, value, None).any()
    assert not comparing.differing(near, value, np.full(4, 1e-5)).any()
    assert comparing.differing(np.array([1]), np.array([2]), None).all()
    assert comparing.differing(np.array([np.nan]), np.array([1.0]), np.array([1.0])).all()


def check_sensitivity():
    """Cancellation widens what is excused, movement is exact, and a step is excused only beside its edge."""
    from onnx import helper

    found = evaluation.Evaluation({"": 17}, 1)
    found.give("x", np.array([[1e4, -1e4, 1], [1, 2, 3]], np.float32))
    found.give("y", np.array([0.5, 2.0], np.float32))
    for op, operands, output, more in (
            ("Transpose", ["x"], "moved", {}), ("ReduceSum", ["x"], "sum", {"keepdims": 0}), ("ReduceMean", ["x"], "means", {"axes": [1]}),
            ("Round", ["y"], "rounded", {}), ("Mul", ["y", "y"], "square", {}), ("Floor", ["square"], "steps", {})):
        found.compute(helper.make_node(op, operands, [output], **more))
    assert found.tolerance("moved") is None and found.tolerance("rounded") is None
    cancelled, plain = found.tolerance("means").ravel()
    assert 1e-4 < cancelled < 1 and 0 < plain < 1e-4, (cancelled, plain)
    assert found.tolerance("square")[0] < 200 * epsilon(np.dtype(np.float32))
    first, second = found.tolerance("steps")
    assert first < 1e-6 and second >= 1, (first, second)


def check_repetition():
    for seed in range(3):
        one, other = (construction.draw(seed)[0] for _ in range(2))
        assert [node.SerializeToString() for node in one.nodes] == [node.SerializeToString() for node in other.nodes]
