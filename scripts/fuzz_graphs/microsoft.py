"""Generators of onnxruntime's own operators of transformers."""

import numpy as np

from .registry import generates

F32 = np.dtype(np.float32)
MICROSOFT = "com.microsoft"


def filled(value):
    return value.size > 0


@generates("Gelu", "QuickGelu", "FastGelu", "BiasGelu", domain=MICROSOFT)
def gelu(g, op):
    a = g.tensor([F32], low=1, suits=filled)
    operands = [a]
    if op == "BiasGelu" or op == "FastGelu" and g.draw.chance(0.5):
        operands.append(g.like(a, g.shape(a)[-1:]))
    g.node(op, operands, domain=MICROSOFT, alpha=g.draw.choice([None, 1.0]) if op == "QuickGelu" else None)


@generates("EmbedLayerNormalization", domain=MICROSOFT)
def embed(g, op):
    batch, length, width = g.draw.choice([1, 2]), g.draw.choice([1, 3]), g.draw.choice([4, 8])
    words, places, kinds = 7, 5, 2
    operands = [g.give(g.draw.array(np.int32, (batch, length), 0, words - 1)), g.give(g.draw.array(np.int32, (batch, length), 0, kinds - 1)) if (
        with_kinds := g.draw.chance(0.6)) else "", g.new(F32, (words, width)), g.new(F32, (places, width)), g.new(F32, (kinds, width)) if with_kinds else "",
        g.new(F32, (width,)), g.new(F32, (width,))]
    if g.draw.chance(0.4):
        operands.append(g.give(g.draw.array(np.int32, (batch, length), 0, 1)))
    g.node(op, operands, 2, domain=MICROSOFT)
