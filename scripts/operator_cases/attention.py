"""Attention of ONNX, and the operators around it. onnxruntime lacks most of these forms: the answers are of ONNX's reference."""

import numpy as np
from onnx import TensorProto, helper

from .recording import BF16, by_reference, case, real, refused

rng = np.random.default_rng(23)


def attention(inputs, attributes=None, *, opset=24, outputs=(True,), name="", **more):
    case("Attention", inputs, attributes, opset=opset, outputs=outputs, name=name, by=by_reference, **more)


def heads(query=4, key=2, queries=3, keys=5, size=8, value=6, dtype=np.float32, batch=2):
    return [
        real(rng, batch, query, queries, size, dtype=dtype), real(rng, batch, key, keys, size, dtype=dtype),
        real(rng, batch, key, keys, value, dtype=dtype),
    ]


def flat(query=4, key=2, queries=3, keys=5, size=8, value=6, dtype=np.float32, batch=2):
    return [
        real(rng, batch, queries, query * size, dtype=dtype), real(rng, batch, keys, key * size, dtype=dtype),
        real(rng, batch, keys, key * value, dtype=dtype),
    ]


counts = {"q_num_heads": 4, "kv_num_heads": 2}
past = [real(rng, 2, 2, 4, 8), real(rng, 2, 2, 4, 6)]
holes = rng.random((2, 1, 3, 5)) < 0.6
holes[0, 0, 1] = False
infinite = np.where(holes, 0, -np.inf).astype(np.float32)
ALL = (True, True, True, True)

attention(heads(), name="heads in groups")
attention(heads(key=4, dtype=np.float64), name="doubles")
attention(heads(dtype=np.float16), {"is_causal": 1}, name="halves")
attention(heads(dtype=BF16), {"is_causal": 1}, name="brain floats", tolerance=(2**-6, 1e-3))
attention(flat(), counts, name="packed heads")
attention(flat(), {**counts, "is_causal": 1, "scale": 0.3, "softcap": 1.5}, name="causal, scaled and capped")
attention([*heads(), holes], name="a boolean mask that leaves a query without keys")
attention([*heads(), infinite], {"is_causal": 1}, name="a mask of infinities")
attention([*heads(), real(rng, 3, 4)], name="a mask of fewer keys")
attention([*heads(), rng.random((3, 3)) < 0.7], name="a boolean mask of fewer keys")
attention([*heads(), real(rng, 4, 3, 5)], name="a mask of each head")
attention([*heads(), real(rng, 5)], name="a mask of each key")
for mode in range(4):
    attention(
        [*heads(), infinite], {"qk_matmul_output_mode": mode}, outputs=(True, False, False, True),
        name=f"scores, mode {mode}")
attention([*heads(), None, *past], {"is_causal": 1}, outputs=ALL, name="past keys")
attention([*flat(), real(rng, 3, 9), *past], counts, outputs=ALL, name="past keys, packed heads")
attention(heads(), outputs=(True, True, True), name="present without past")
lengths = np.array([2, 5], np.int64)
attention([*heads(), None, None, None, lengths], name="lengths")
attention([*heads(), holes, None, None, lengths], {"is_causal": 1}, name="lengths, causal, with a mask")
attention([*heads(), holes], {"softmax_precision": 11}, name="softmax in doubles")
window = {"left_window_size": 1, "right_window_size": 1}
attention(heads(), window, opset=25, name="a window")
attention([*heads(), holes, *past], {**window, "is_causal": 1}, opset=25, name="a window behind past keys")
attention([*heads(), None, None, None, lengths], {"left_window_size": 0}, opset=25, name="a window and lengths")
attention(heads(queries=9, keys=2), {"left_window_size": 1}, opset=25, name="queries after every key")
attention(heads(batch=1, queries=1, keys=1), name="one key")
refused("Attention", heads(query=3), opset=24, name="three heads for two")
refused("Attention", flat(), opset=24, name="packed without the number of heads")
refused("Attention", [*heads(), None, past[0]], opset=24, name="a past key alone")
refused("Attention", heads(), window, opset=24, name="a window before opset 25")


def open_attention(node, inputs, sizes, outputs):
    """A model whose sizes are symbols."""
    types = [helper.np_dtype_to_tensor_dtype(array.dtype) for array in inputs.values()]
    values = [helper.make_tensor_value_info(key, kind, size) for (key, kind, size) in zip(inputs, types, sizes)]
    results = [helper.make_empty_tensor_value_info(key) for key in outputs]
    graph = helper.make_graph([node], "open", values, results)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 24)], ir_version=10)


query, key, value = flat()
inputs = {"q": query, "k": key, "v": value, "m": real(rng, 2, 1, 3, 9), "pk": past[0], "pv": past[1]}
node = helper.make_node("Attention", list(inputs), ["y", "nk", "nv"], is_causal=1, **counts)
sizes = [["b", "s", 32], ["b", "t", 16], ["b", "t", 12], ["b", 1, "s", "m"], ["b", 2, "p", 8], ["b", 2, "p", 6]]
case("Attention", inputs, name="with open sizes", model=open_attention(node, inputs, sizes, ["y", "nk", "nv"]), by=by_reference)
inputs = dict(zip("qkv", heads()))
node = helper.make_node("Attention", list(inputs), ["y"])
sizes = [["b", "h", "s", "d"], ["b", "g", "t", "d"], ["b", "g", "t", "e"]]
case("Attention", inputs, name="with every size open", model=open_attention(node, inputs, sizes, ["y"]), by=by_reference)


def body(name, nodes, constants=()):
    """A graph of one value x of four axes."""
    value = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["b", "h", "s", "t"])
    result = helper.make_tensor_value_info("r", TensorProto.FLOAT, ["b", "h", "s", "t"])
    return helper.make_graph(nodes, name, [value], [result], list(constants))


def flex(inputs, attributes, expected, name, **more):
    case("FlexAttention", inputs, attributes, opset=1, domain="ai.onnx.preview", expected=[expected], name=name, **more)


def weights(query, key, scale=None):
    key = np.repeat(key, query.shape[1] // key.shape[1], axis=1)
    return query @ np.swapaxes(key, -1, -2) * (scale or query.shape[-1] ** -0.5)


def softmax(x):
    powers = np.exp(x - x.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


two = helper.make_tensor("two", TensorProto.FLOAT, [], [2.0])
cap = body("cap", [
    helper.make_node("Div", ["x", "two"], ["a"]), helper.make_node("Tanh", ["a"], ["c"]),
    helper.make_node("Mul", ["c", "two"], ["r"]),
], [two])
double = body("double", [helper.make_node("Mul", ["x", "two"], ["r"])], [two])
query, key, value = heads()
repeated = np.repeat(value, 2, axis=1)
flex([query, key, value], {"scale": 0.25}, softmax(weights(query, key, 0.25)) @ repeated, "scaled")
flex(
    [query, key, value], {"score_mod": cap}, softmax(2 * np.tanh(weights(query, key) / 2)) @ repeated,
    "with a function of scores")
flex(
    [query, key, value], {"prob_mod": double}, 2 * softmax(weights(query, key)) @ repeated,
    "with a function of probabilities")
flex(
    [query, key, value], {"score_mod": double, "prob_mod": double}, 2 * softmax(2 * weights(query, key)) @ repeated,
    "with two functions of the same names")
refused("FlexAttention", flat(), opset=1, domain="ai.onnx.preview", name="three axes")


def rotated(inputs, attributes=None, **more):
    case("RotaryEmbedding", inputs, attributes, opset=23, by=by_reference, **more)


tables = [real(rng, 10, 4), real(rng, 10, 4)]
places = rng.integers(0, 10, (2, 3))
for interleaved in (0, 1):
    rotated([real(rng, 2, 4, 3, 8), *tables, places], {"interleaved": interleaved}, name=f"heads, interleaved {interleaved}")
    rotated(
        [real(rng, 2, 3, 24), *tables, places], {"interleaved": interleaved, "num_heads": 2, "rotary_embedding_dim": 8},
        name=f"a part, interleaved {interleaved}")
rotated([real(rng, 2, 4, 3, 8), real(rng, 2, 3, 4), real(rng, 2, 3, 4)], name="without positions")
rotated([real(rng, 2, 4, 3, 8, dtype=np.float16), *[t.astype(np.float16) for t in tables], places], name="halves")
refused("RotaryEmbedding", [real(rng, 2, 3, 24), *tables, places], opset=23, name="packed without the number of heads")


def linear(inputs, attributes, **more):
    case("LinearAttention", inputs, attributes, opset=27, outputs=(True, True), by=by_reference, **more)


def packed(dtype=np.float32):
    unit = real(rng, 2, 5, 2, 6)
    unit /= np.linalg.norm(unit, axis=-1, keepdims=True)
    return [real(rng, 2, 5, 24, dtype=dtype), unit.reshape(2, 5, 12).astype(dtype), real(rng, 2, 5, 14, dtype=dtype)]


state, decay = real(rng, 2, 2, 6, 7), -rng.random((2, 5, 12)).astype(np.float32)
beta = rng.random((2, 5, 2)).astype(np.float32)
linear(packed(), {**counts, "update_rule": "linear"}, name="linear")
linear([*packed(), state, decay], {**counts, "update_rule": "gated"}, name="gated, with a state")
linear([*packed(), None, decay[..., :2]], {**counts, "update_rule": "gated", "scale": 0.5}, name="one decay a head")
linear([*packed(), None, None, beta], {**counts, "update_rule": "delta"}, name="delta")
linear([*packed(), state, decay, beta[..., :1]], counts, name="gated delta, one beta")
linear([*packed(np.float16), state, decay.astype(np.float16), beta.astype(np.float16)], counts, name="halves, a state of floats")
refused("LinearAttention", packed(), counts, opset=27, outputs=(True, True), name="gated delta without decay")


def causal(inputs, attributes=None, **more):
    case("CausalConvWithState", inputs, attributes, opset=27, outputs=(True, True), by=by_reference, **more)


kernel = real(rng, 4, 1, 3)
causal([real(rng, 2, 4, 5), kernel], name="without a state")
causal([real(rng, 2, 4, 5), kernel, real(rng, 4), real(rng, 2, 4, 2)], {"activation": "silu"}, name="with a state")
causal([real(rng, 2, 4, 1), kernel], {"activation": "swish"}, name="one step")
causal([real(rng, 2, 4, 3, dtype=BF16), kernel.astype(BF16)], name="brain floats", tolerance=(2**-6, 1e-2))

for dtype in (np.float32, np.float64, np.float16):
    case("SwiGLU", [real(rng, 3, 4, dtype=dtype), real(rng, 3, 4, dtype=dtype)], {"alpha": 1.7}, opset=28, by=by_reference)

for axis in (-1, 1):
    case(
        "LayerNormalization", [real(rng, 2, 3, 4), real(rng, *(2, 3, 4)[axis:]), real(rng, *(2, 3, 4)[axis:])],
        {"axis": axis}, opset=17, outputs=ALL[:3], name=f"with its moments, axis {axis}")
case(
    "LayerNormalization", [real(rng, 2, 8, dtype=np.float16), real(rng, 8, dtype=np.float16)], opset=17,
    outputs=(True, False, True), name="halves with their deviation")
