"""The values of a graph, node by node, and the differences that rounding excuses.

Beside each value some variants are computed, in which every inexact operator's operands and results are changed by units in the
last place. The spread of the variants is the sensitivity of each element: cancellation widens it, a rounding to integers that
lies on an edge makes it a step, and movement leaves it as it is. A value whose variants are all equal must be met exactly.
"""

import numpy as np

from . import draw, exactness, exclusions, peers

SAFETY = 4


class Unstable(Exception):
    """Rounding decides the shape of a result."""


class Evaluation:
    """The values of a graph by name; `variants[name]` begins with the value itself."""

    def __init__(self, opsets, seed, count=4, by=None, wide=False):
        self.opsets, self.count, self.by = opsets, count, by
        self.numbers = np.random.default_rng(seed)
        # `unlike`: the names of values that rounding may change; `random`: those of which only types and shapes are known.
        self.variants, self.unlike, self.random = {}, set(), set()
        self.wide = wide

    def give(self, name, array):
        self.variants[name] = [array] * (self.count + 1)

    def value(self, name):
        return self.variants[name][0]

    def compute(self, node):
        """Computes a node's results; raises `NoAnswer`, `Undefined` or `Unstable`, and then nothing has changed."""
        names = peers.operands(node)
        sets = [{name: self.variants[name][index] for name in names} for index in range(self.count + 1)]
        for feeds in sets:
            exclusions.check(node, feeds, self.opsets)
        exact = exactness.is_exact(node, sets[0])
        peer = peers.peer(node, sets[0], self.opsets, self.by)
        first = peer.answers[0]
        if not exact:
            exclusions.overflow(node, sets[0], first)
        if self.wide and not exact:
            first = self.rounded_once(node, sets[0], first)
        outputs = [name for name in node.output if name]
        if exact and all(sets[0][name] is feeds[name] for feeds in sets[1:] for name in names):
            results = [first] * len(sets)
        else:
            results = [first] + [self.varied(node, peer, feeds, exact) for feeds in sets[1:]]
        if node.op_type == "Equal" and any(name in self.unlike for name in names) and self.count:
            # Numbers that rounding makes equal are met by no variant.
            results[1] = [np.where(self.may_be_equal(*node.input), ~first[0], results[1][0])]
        for index, name in enumerate(outputs):
            if any(result[index].shape != first[index].shape for result in results):
                raise Unstable(node.op_type)
        for index, name in enumerate(outputs):
            self.variants[name] = [result[index] for result in results]
            if not exact or any(operand in self.unlike for operand in names):
                self.unlike.add(name)
            if node.op_type in exactness.RANDOM or any(operand in self.random for operand in names):
                self.random.add(name)

    def varied(self, node, peer, feeds, exact):
        if exact:
            return peer(feeds)
        inside = 0 if node.op_type in exactness.POINTWISE else exactness.INSIDE_OF.get(node.op_type, exactness.INSIDE)
        least = exactness.coarsest(node)
        found = peer({name: exactness.perturbed(array, inside, self.numbers, least=least) for name, array in feeds.items()} if inside else feeds)
        return [exactness.perturbed(array, exactness.RESULT, self.numbers, exactness.scale(node, feeds, array)) for array in found]

    def rounded_once(self, node, feeds, first):
        """The results computed with doubles and rounded once, where a peer has the operator for doubles."""
        doubles = {name: array.astype(np.float64) if array.dtype in draw.REALS else array for name, array in feeds.items()}
        try:
            found = peers.peer(node, doubles, self.opsets, self.by).answers[0]
        except (peers.NoAnswer, Exception):  # noqa: B014
            return first
        with np.errstate(all="ignore"):
            return [one.astype(other.dtype) if one.shape == other.shape else other for one, other in zip(found, first)]

    def may_be_equal(self, one, other):
        """A mask of the elements of two values that differ by no more than is excused."""
        excused = [self.tolerance(name) for name in (one, other)]
        with np.errstate(all="ignore"):
            apart = np.abs(self.value(one).astype(np.float64) - self.value(other).astype(np.float64))
            return apart <= sum(0 if each is None else each for each in excused)

    def tolerance(self, name):
        """The difference that is excused for each element, in doubles; `None` where there is none."""
        value, *others = self.variants[name]
        if name in self.random:
            return np.full(value.shape, np.inf)
        if name not in self.unlike:
            return None
        wide = value.astype(np.float64)
        spread = np.zeros(value.shape)
        with np.errstate(all="ignore"):
            for other in others:
                other = other.astype(np.float64)
                same = (other == wide) | (np.isnan(other) & np.isnan(wide))
                apart = np.where(np.isfinite(other) & np.isfinite(wide), np.abs(other - wide), np.inf)
                spread = np.maximum(spread, np.where(same, 0, apart))
            if value.dtype in draw.REALS:
                info = np.finfo(value.dtype) if value.dtype != draw.BFLOAT16 else np.finfo(np.float32)
                last = exactness.RESULT * exactness.epsilon(value.dtype) * 2 * np.where(np.isfinite(wide), np.abs(wide), 0)
                return SAFETY * spread + last + 2 * float(info.smallest_normal)
            if value.dtype.itemsize >= 4:
                return np.where(spread > 0, np.inf, 0)
            return spread
