"""Attention of onnxruntime, and what its optimiser puts in the place of several operators."""

import numpy as np
from onnx import helper

from .recording import by_onnxruntime, case, real, refused

rng = np.random.default_rng(5)


def own(node, inputs, attributes=None, *, outputs=(True,), name="", **more):
    case(node, inputs, attributes, opset=1, domain="com.microsoft", outputs=outputs, name=name, **more)


def whole(*numbers):
    return np.array(numbers, np.int32)


# Attention: 2 sequences of 4, 2 heads of 4.
def projected():
    return [real(rng, 2, 4, 6), real(rng, 6, 24, scale=0.4), real(rng, 24, scale=0.4)]


past = real(rng, 2, 2, 2, 3, 4)
own("Attention", projected(), {"num_heads": 2}, name="alone")
own("Attention", projected(), {"num_heads": 2, "unidirectional": 1, "scale": 0.3}, name="causal")
own("Attention", [*projected(), whole(3, 2)], {"num_heads": 2}, name="lengths")
own("Attention", [*projected(), whole(3, 4, 1, 0)], {"num_heads": 2}, name="ends and starts")
own("Attention", [*projected(), whole([1, 1, 1, 0], [1, 0, 0, 0])], {"num_heads": 2, "mask_filter_value": -50.0}, name="a mask of keys")
own("Attention", [*projected(), rng.integers(0, 2, (2, 4, 4)).astype(np.int32)], {"num_heads": 2, "unidirectional": 1}, name="a mask of queries")
own(
    "Attention", [*projected(), None, past], {"num_heads": 2, "unidirectional": 1}, outputs=(True, True),
    name="past keys")
own("Attention", [*projected(), None, None, real(rng, 2, 2, 4, 4)], {"num_heads": 2}, name="a bias of scores")
own(
    "Attention", [real(rng, 2, 4, 6), real(rng, 6, 20, scale=0.4), real(rng, 20)],
    {"num_heads": 2, "qkv_hidden_sizes": [8, 8, 4]}, name="values of their own size")


# MultiHeadAttention
def split(keys=5, value=8):
    return [real(rng, 2, 4, 8), real(rng, 2, keys, 8), real(rng, 2, keys, value)]


own("MultiHeadAttention", split(), {"num_heads": 2}, name="alone")
own("MultiHeadAttention", [*split(value=6), real(rng, 22)], {"num_heads": 2, "scale": 0.7}, name="a bias of operands")
own("MultiHeadAttention", [*split(), None, whole([1, 1, 0, 0, 0], [1, 1, 1, 1, 0])], {"num_heads": 2}, name="a mask of keys")
own("MultiHeadAttention", [*split(), None, None, real(rng, 1, 2, 4, 5)], {"num_heads": 2}, name="a bias of scores")
own(
    "MultiHeadAttention", [real(rng, 2, 4, 8), real(rng, 2, 2, 5, 4), real(rng, 2, 2, 5, 4)], {"num_heads": 2},
    name="keys that are projected already")
own(
    "MultiHeadAttention", [*split(keys=4), None, None, None, real(rng, 2, 2, 3, 4), real(rng, 2, 2, 3, 4)],
    {"num_heads": 2, "unidirectional": 1}, outputs=(True, True, True), name="past keys, causal")


# GroupQueryAttention
def grouped(queries=1, heads=4, keys=2, size=16):
    return [real(rng, 2, queries, heads * size), real(rng, 2, queries, keys * size), real(rng, 2, queries, keys * size)]


def first_result(model, feeds):
    """The first result; onnxruntime computes it only beside the others."""
    model.graph.node[0].output.extend(["key", "value"])
    model.graph.output.extend([helper.make_empty_tensor_value_info(name) for name in ("key", "value")])
    results = by_onnxruntime(model, feeds)
    del model.graph.node[0].output[1:], model.graph.output[1:]
    return results[:1]


counts = {"num_heads": 4, "kv_num_heads": 2}
angles = rng.random((12, 8)).astype(np.float32)
wide = [np.cos(angles), np.sin(angles)]
caches = [real(rng, 2, 2, 4, 16), real(rng, 2, 2, 4, 16)]
ALL = (True, True, True)
own("GroupQueryAttention", [*grouped(4), None, None, whole(3, 3), whole(4)], counts, outputs=ALL, name="a prompt")
own("GroupQueryAttention", [*grouped(), *caches, whole(4, 4), whole(5)], counts, outputs=ALL, name="one step")
own(
    "GroupQueryAttention", [*grouped(), *caches, whole(2, 4), whole(5)], counts, by=first_result,
    name="one step of sequences that differ in length")
own("GroupQueryAttention", [*grouped(), *caches, whole(4, 4), whole(5), *wide], {**counts, "do_rotary": 1}, outputs=ALL, name="rotated")
own(
    "GroupQueryAttention", [*grouped(3), None, None, whole(2, 2), whole(3), *wide],
    {**counts, "do_rotary": 1, "rotary_interleaved": 1, "scale": 0.4}, outputs=ALL, name="rotated prompt")
own("GroupQueryAttention", [*grouped(6), None, None, whole(5, 5), whole(6)], {**counts, "local_window_size": 2}, name="a window")
own("GroupQueryAttention", [*grouped(), *caches, whole(4, 4), whole(5)], {**counts, "local_window_size": 2}, outputs=ALL, name="a window, one step")
own("GroupQueryAttention", [*grouped(4), None, None, whole(3, 3), whole(4)], {**counts, "softcap": 1.5}, name="capped")
own("GroupQueryAttention", [*grouped(4), None, None, whole(3, 3), whole(4)], {**counts, "smooth_softmax": 1}, name="a smooth softmax")
own(
    "GroupQueryAttention", [real(rng, 2, 3, 128), None, None, None, None, whole(2, 2), whole(3)], counts, outputs=ALL,
    name="packed operands")
own(
    "GroupQueryAttention",
    [*grouped(), *caches, whole(4, 4), whole(5), None, None, None, real(rng, 2, 4, 1, 5)], counts, outputs=ALL,
    name="a bias of scores")
own(
    "GroupQueryAttention",
    [*grouped(4), None, None, whole(3, 3), whole(4), None, None, None, None, real(rng, 4)], counts, name="sinks")

# RotaryEmbedding
tables = [table[:, :4] for table in wide]
for interleaved in (0, 1):
    own("RotaryEmbedding", [real(rng, 2, 3, 16), rng.integers(0, 12, (2, 3)), *tables], {"interleaved": interleaved}, name=f"packed heads {interleaved}")
own("RotaryEmbedding", [real(rng, 2, 2, 3, 8), np.array([4]), *tables], name="the first position")
own(
    "RotaryEmbedding", [real(rng, 2, 3, 24), rng.integers(0, 12, (2, 3)), *tables],
    {"num_heads": 2, "rotary_embedding_dim": 8}, name="a part")

# Normalisations
x, skip, row = real(rng, 2, 3, 8), real(rng, 2, 3, 8), lambda: real(rng, 8)
own("SkipLayerNormalization", [x, skip, row(), row(), row()], {"epsilon": 1e-5}, outputs=(True, False, False, True), name="with its sum")
own("SkipLayerNormalization", [x, skip[:1], row()], name="one skip for all")
half = [array.astype(np.float16) for array in (x, skip, row(), row())]
own("SkipLayerNormalization", half, {"epsilon": 1e-5}, name="halves")
own("SkipSimplifiedLayerNormalization", [x, skip, row(), row()], {"epsilon": 1e-5}, outputs=(True, False, False, True), name="with its sum")
case("SimplifiedLayerNormalization", [x, row()], {"epsilon": 1e-5}, opset=17, outputs=(True, True), name="with its root")
words, kinds = rng.integers(0, 9, (2, 4)).astype(np.int32), rng.integers(0, 2, (2, 4)).astype(np.int32)
word, place, kind = real(rng, 9, 8), real(rng, 6, 8), real(rng, 2, 8)
kept = whole([1, 1, 0, 0], [1, 1, 1, 0])
own("EmbedLayerNormalization", [words, kinds, word, place, kind, row(), row(), kept], outputs=ALL, name="with segments")
own("EmbedLayerNormalization", [words, None, word, place, None, row(), row()], outputs=(True, True), name="without a mask")
own("EmbedLayerNormalization", [words, None, word, place, None, row(), row(), None, whole([3, 2, 1, 0])], outputs=(True, True), name="with positions")

# Fused operators
own("QuickGelu", [x], name="as it is")
own("QuickGelu", [x], {"alpha": 1.0}, name="as SiLU")
image, kernel = real(rng, 1, 2, 5, 5), real(rng, 3, 2, 3, 3)
for name, parameters in (("Relu", []), ("LeakyRelu", [0.1]), ("Clip", [-0.5, 0.5]), ("Tanh", [])):
    attributes = {"activation": name, "pads": [1, 1, 1, 1], **({"activation_params": parameters} if parameters else {})}
    own("FusedConv", [image, kernel, real(rng, 3)], attributes, name=name)
own(
    "FusedConv", [image, kernel, real(rng, 3), real(rng, 1, 3, 5, 5)], {"activation": "Relu", "pads": [1, 1, 1, 1]},
    name="with a term")
matrices = real(rng, 3, 4, 5, 6)
own("FusedMatMul", [real(rng, 2, 3, 4, 5), matrices], {"transBatchA": 1, "alpha": 0.5}, name="rows before batches")
own("FusedMatMul", [real(rng, 5, 3, 4, 2), matrices], {"transBatchA": 1, "transA": 1}, name="rows before batches, transposed")
own("FusedMatMul", [real(rng, 3, 4, 2, 6), real(rng, 5, 3, 4, 6)], {"transBatchB": 1, "transB": 1}, name="the right operand")


def group_norm(x, scale, bias, active):
    groups = x.reshape(x.shape[0], -1, 2, x.shape[-1] // 2)
    mean, variance = groups.mean((1, 3), keepdims=True), groups.var((1, 3), keepdims=True)
    y = ((groups - mean) / np.sqrt(variance + 1e-5)).reshape(x.shape) * scale + bias
    return y / (1 + np.exp(-y)) if active else y


image, scale, bias = real(rng, 2, 3, 3, 4), real(rng, 4), real(rng, 4)
for active in (0, 1):
    own(
        "GroupNorm", [image, scale, bias], {"groups": 2, "activation": active}, name=f"activation {active}",
        expected=[group_norm(image, scale, bias, active)])
refused("Attention", [*projected()], opset=1, domain="com.microsoft", name="without num_heads")
refused("MultiHeadAttention", [real(rng, 2, 4, 8)], {"num_heads": 2}, opset=1, domain="com.microsoft", name="a query alone")
