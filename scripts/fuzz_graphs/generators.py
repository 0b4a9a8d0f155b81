"""All generators and patterns, registered by their modules."""

from . import (  # noqa: F401
    control, elementwise, learning, microsoft, movement, patterns, products, quantization, recurrences, reductions, selections, signals, windows)
