"""Generators of reductions and normalisations."""

import numpy as np


from .graph import Unsuitable
from .registry import generates

REDUCTIONS = """ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare""".split()


@generates(*REDUCTIONS)
def reduction(g, op):
    a = g.tensor(g.types(op))
    rank = len(g.shape(a))
    axes = g.draw.sample(range(rank), g.draw.randint(1, rank)) if rank and g.draw.chance(0.85) else None
    if axes and g.opset >= 11:
        axes = [axis - rank if g.draw.chance(0.3) else axis for axis in axes]
    more = {"keepdims": g.draw.choice([None, 0, 1])}
    since = 13 if op == "ReduceSum" else 18
    if axes is None and g.opset >= since and g.draw.chance(0.3):
        more["noop_with_empty_axes"] = 1
    g.listed(op, [a], axes, since, **more)


@generates("Softmax", "LogSoftmax", "Hardmax")
def softmax(g, op):
    a = g.tensor(g.types(op), low=1, suits=lambda value: value.size > 0)
    rank = len(g.shape(a))
    axis = g.draw.axis(rank) if g.opset >= 11 else g.draw.randrange(rank)
    if g.opset < 13 and rank == 1:
        axis = 0
    g.node(op, [a], axis=axis if axis != 1 or rank == 1 or g.draw.chance(0.5) else None if g.opset < 13 else axis)


@generates("LayerNormalization", "RMSNormalization")
def layers(g, op):
    a = g.tensor([one for one in g.types(op) if one.itemsize < 8 or op == "LayerNormalization"], low=1, suits=lambda value: value.size > 0)
    rank = len(g.shape(a))
    axis = g.draw.axis(rank)
    shape = g.shape(a)[axis:] if axis else g.shape(a)
    more = {"axis": axis, "epsilon": g.draw.choice([None, 1e-3, 1e-6])}
    operands = [a, g.like(a, shape)]
    if op == "LayerNormalization" and g.draw.chance(0.6):
        operands.append(g.like(a, shape))
    if op == "LayerNormalization" and g.draw.chance(0.2):
        return g.node(op, operands, 3, wanted=[True, True, g.draw.chance(0.7)], **more)
    return g.node(op, operands, **more)


def image(g, op, low=3, high=4, domain="", **more):
    return g.tensor(g.types(op, domain=domain) if not domain == "com.microsoft" else [np.dtype(np.float32)], low=low, high=high,
                    suits=lambda value: value.size > 0, **more)


@generates("BatchNormalization")
def batches(g, op):
    a = image(g, op, low=2)
    shape = (g.shape(a)[1],)
    operands = [a] + [g.like(a, shape) for _ in range(3)] + [g.new(g.type(a), shape, low=0.1, high=2)]
    more = {"epsilon": g.draw.choice([None, 1e-3])}
    if g.opset >= 14 and g.draw.chance(0.2):
        return g.node(op, operands, 3, training_mode=1, momentum=0.7, **more)
    return g.node(op, operands, **more)


@generates("InstanceNormalization")
def instances(g, op):
    a = image(g, op)
    g.node(op, [a, g.like(a, g.shape(a)[1:2]), g.like(a, g.shape(a)[1:2])], epsilon=g.draw.choice([None, 1e-3]))


@generates("GroupNormalization")
def groups(g, op):
    count, per = g.draw.choice([1, 2, 3]), g.draw.choice([1, 2, 4])
    a = g.tensor(g.types(op), shape=(g.draw.choice([1, 2]), count * per, *g.draw.shape(1, 2, 40)))
    if not g.value(a).size:
        raise Unsuitable
    shape = (count * per,) if g.opset >= 21 else (count,)
    g.node(op, [a, g.like(a, shape), g.like(a, shape)], num_groups=count, epsilon=g.draw.choice([None, 1e-3]))


@generates("LpNormalization")
def norm(g, op):
    a = g.tensor(g.types(op), low=1)
    g.node(op, [a], axis=g.draw.axis(len(g.shape(a))), p=g.draw.choice([None, 1, 2]))


@generates("MeanVarianceNormalization")
def variance(g, op):
    a = image(g, op, low=4)
    g.node(op, [a], axes=g.draw.choice([None, [0, 2, 3], [0, 1], [2, 3]]))


@generates("LRN")
def local(g, op):
    a = image(g, op, low=4)
    g.node(op, [a], size=g.draw.choice([1, 3, 5]), alpha=g.draw.choice([None, 0.1]), beta=g.draw.choice([None, 0.5]), bias=g.draw.choice([None, 2.0]))


@generates("NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss")
def loss(g, op):
    classes = g.draw.randint(1, 5)
    a = g.tensor(g.types(op), shape=(g.draw.randint(1, 4), classes, *g.draw.choice([(), (3,), (2, 2)])))
    shape = (g.shape(a)[0], *g.shape(a)[2:])
    labels = g.draw.array(g.draw.choice([np.int64, np.int32]), shape, 0, classes - 1)
    ignored = g.draw.choice([None, 0, classes - 1])
    reduction = g.draw.choice([None, "none", "mean", "sum"])
    if reduction in (None, "mean") and ignored is not None and (labels == ignored).all():
        raise Unsuitable
    operands = [a, g.give(labels)] + ([g.new(g.type(a), (classes,), low=0.2, high=2)] if g.draw.chance(0.5) else [])
    two = op.startswith("Soft") and g.draw.chance(0.4)
    g.node(op, operands, 2 if two else 1, ignore_index=ignored, reduction=reduction)


@generates("SimplifiedLayerNormalization")
@generates("SimplifiedLayerNormalization", "SkipLayerNormalization", "SkipSimplifiedLayerNormalization", domain="com.microsoft")
def microsoft_layers(g, op):
    a = g.tensor([np.dtype(np.float32)], low=3, high=3, suits=lambda value: value.size > 0)
    width = g.shape(a)[-1:]
    if op == "SimplifiedLayerNormalization":
        return g.node(op, [a, g.like(a, width)], axis=-1, epsilon=1e-5, stash_type=1)
    operands = [a, g.like(a), g.like(a, width)]
    if op == "SkipLayerNormalization":
        operands.append(g.like(a, width) if g.draw.chance(0.7) else "")
    operands.append(g.like(a, width) if g.draw.chance(0.4) else "")
    if g.draw.chance(0.3):
        return g.node(op, operands, 4, domain="com.microsoft", wanted=[True, False, False, True], epsilon=1e-5)
    return g.node(op, operands, domain="com.microsoft", epsilon=1e-5)
