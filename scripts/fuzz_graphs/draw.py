"""Random numbers, shapes and element types. The same seed draws the same graph."""

import random

import ml_dtypes
import numpy as np
from onnx import helper

BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
REALS = {np.dtype(np.float16), np.dtype(np.float32), np.dtype(np.float64), BFLOAT16}
SIZES = [1, 1, 2, 2, 3, 3, 4, 5, 7, 8, 9, 16, 17]
SPECIALS = [0.0, -0.0, 1.0, -1.0, 0.5, 1.5, 2.5, -0.5, np.inf, -np.inf, np.nan, 1e-3, -1e-3, 6e4, -3e4]
WIDE = [1e30, -1e30, 3e38, 1e-30]


class Draw(random.Random):
    """A source of random choices, and of arrays in `numbers`."""

    def __init__(self, seed):
        super().__init__(seed)
        self.numbers = np.random.default_rng(seed)
        # One graph in eight has values that are not finite, denormal, or extreme.
        self.is_wild = self.random() < 0.125
        # One graph in ten has axes without elements.
        self.may_be_empty = self.random() < 0.1

    def chance(self, share):
        return self.random() < share

    def size(self):
        if self.may_be_empty and self.random() < 0.15:
            return 0
        return self.choice(SIZES)

    def shape(self, low=0, high=4, limit=3000):
        shape = [self.size() for _ in range(self.choice([rank for rank in range(low, high + 1)]))]
        while np.prod(shape, dtype=np.int64) > limit:
            shape[shape.index(max(shape))] = 2 if max(shape) > 2 else 1
        return tuple(shape)

    def type(self, types):
        """One of the element types, the common ones more often."""
        types = list(types)
        common = [one for one in types if one in (np.dtype(np.float32), np.dtype(np.int64))]
        return self.choice(common) if common and self.random() < 0.5 else self.choice(types)

    def array(self, dtype, shape, low=None, high=None):
        """Numbers of a type; all of them, or within bounds where these are given."""
        dtype = np.dtype(dtype)
        if dtype == bool:
            return self.numbers.integers(0, 2, shape).astype(bool)
        if is_float(dtype):
            return self.reals(dtype, shape, low, high)
        info = ml_dtypes.iinfo(dtype) if dtype.kind not in "iu" else np.iinfo(dtype)
        first, last = int(info.min), int(info.max)
        if low is None and high is None and self.is_wild and self.random() < 0.5:
            low, high = first, last
        low, high = max(first, -9 if low is None else low), min(last, 9 if high is None else high)
        return self.numbers.integers(low, high, shape, dtype=np.uint64 if low >= 0 else np.int64, endpoint=True).astype(dtype)

    def reals(self, dtype, shape, low, high):
        if low is not None or high is not None:
            return np.asarray(self.numbers.uniform(low or 0, high if high is not None else 1, shape)).astype(dtype)
        kind = self.random()
        values = np.asarray(self.numbers.standard_normal(shape) * self.choice([1, 1, 1, 3, 0.1]))
        if kind < 0.25:
            # Multiples of a half, so that sums are exact, and ties and equal values are common.
            values = np.round(values * 2) / 2
        if self.is_wild:
            specials = SPECIALS + (WIDE if dtype.itemsize >= 4 else [])
            mask = self.numbers.random(shape) < 0.2
            values = np.where(mask, self.numbers.choice(specials, shape), values)
        with np.errstate(all="ignore"):
            return values.astype(dtype)

    def axis(self, rank, low=0):
        """An axis, counted from the end at times."""
        axis = self.randrange(low, rank)
        return axis - rank if self.random() < 0.4 else axis

    def axes(self, rank, most=None):
        chosen = self.sample(range(rank), self.randint(0 if most is None else 1, most or rank)) if rank else []
        return [axis - rank if self.random() < 0.3 else axis for axis in chosen]


def is_float(dtype):
    return dtype.kind == "f" or dtype.name.startswith(("bfloat16", "float8", "float4"))


def number_of(dtype):
    """ONNX's number of an element type."""
    return helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
