"""Generators of recurrences and of attention."""

import numpy as np

from .graph import Unsuitable
from .registry import generates

F32 = np.dtype(np.float32)
MICROSOFT = "com.microsoft"
GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}


@generates("RNN", "GRU", "LSTM")
def recurrent(g, op):
    dtype = g.draw.choice([F32, F32, F32, np.dtype(np.float64), np.dtype(np.float16)])
    if dtype not in g.types(op):
        raise Unsuitable
    steps, batch, size, hidden = g.draw.choice([1, 2, 5]), g.draw.choice([1, 2, 3]), g.draw.choice([1, 3, 8]), g.draw.choice([1, 2, 5, 16])
    direction = g.draw.choice(["forward", "reverse", "bidirectional"])
    ways, gates = 2 if direction == "bidirectional" else 1, GATES[op]
    layout = 1 if g.opset >= 14 and g.draw.chance(0.1) else 0
    x = g.tensor([dtype], shape=(batch, steps, size) if layout else (steps, batch, size))
    operands = [x, g.new(dtype, (ways, gates * hidden, size), -1, 1), g.new(dtype, (ways, gates * hidden, hidden), -1, 1)]
    operands.append(g.new(dtype, (ways, 2 * gates * hidden), -1, 1) if g.draw.chance(0.6) else "")
    operands.append(g.give(g.draw.array(np.int32, (batch,), 1, steps)) if g.draw.chance(0.3) else "")
    state = (batch, ways, hidden) if layout else (ways, batch, hidden)
    operands.append(g.new(dtype, state, -1, 1) if g.draw.chance(0.4) else "")
    more = {"hidden_size": hidden, "direction": direction, "layout": layout or None}
    if op == "LSTM":
        operands.append(g.new(dtype, state, -1, 1) if g.draw.chance(0.4) else "")
        operands.append(g.new(dtype, (ways, 3 * hidden), -1, 1) if g.draw.chance(0.3) else "")
    if op == "GRU":
        more["linear_before_reset"] = g.draw.choice([None, 0, 1])
    if g.draw.chance(0.2):
        more["clip"] = 0.7
    if op == "RNN" and g.draw.chance(0.4):
        more["activations"] = [g.draw.choice(["Relu", "Tanh", "Sigmoid"])] * ways
    outputs = 3 if op == "LSTM" else 2
    wanted = [g.draw.chance(0.7) for _ in range(outputs)]
    g.node(op, operands, outputs, wanted=wanted if any(wanted) else [True] * outputs, **more)


@generates("Attention")
def attention(g, op):
    dtype = g.draw.type([one for one in g.types(op) if one.itemsize == 4 or g.draw.chance(0.3)] or [F32])
    batch, kv, per, q, total, size = (g.draw.choice(each) for each in ([1, 2], [1, 2], [1, 2], [1, 3, 4], [1, 3, 5], [2, 4, 8]))
    heads = kv * per
    flat = g.draw.chance(0.4)
    def operand(count, length):
        return g.tensor([dtype], shape=(batch, length, count * size) if flat else (batch, count, length, size))
    more = {"q_num_heads": heads, "kv_num_heads": kv} if flat else {}
    operands = [operand(heads, q), operand(kv, total), operand(kv, total)]
    past = g.draw.choice([0, 0, 2])
    if g.draw.chance(0.4):
        width = total + past
        mask = g.new(bool, (q, width)) if g.draw.chance(0.4) else g.new(dtype, g.draw.choice([(q, width), (batch, 1, q, width)]))
        if g.type(mask) == bool and not g.value(mask).any(-1).all():
            raise Unsuitable
        operands.append(mask)
    elif past:
        operands.append("")
    if past:
        operands += [g.new(dtype, (batch, kv, past, size)), g.new(dtype, (batch, kv, past, size))]
    more |= {"is_causal": g.draw.choice([None, None, 1]), "scale": g.draw.choice([None, 0.3]), "softcap": g.draw.choice([None, None, 2.0])}
    g.node(op, operands, 3 if past else 1, **more)


@generates("RotaryEmbedding")
def rotary(g, op):
    batch, heads, length, size = (g.draw.choice(each) for each in ([1, 2], [1, 2], [1, 3], [4, 8]))
    x = g.tensor([one for one in g.types(op) if one.itemsize == 4 or g.draw.chance(0.3)] or [F32], shape=(batch, heads, length, size))
    rows = 6
    cache = (rows, size // 2) if g.draw.chance(0.5) else (batch, length, size // 2)
    operands = [x, g.new(g.type(x), cache, -1, 1), g.new(g.type(x), cache, -1, 1)]
    if len(cache) == 2:
        operands.append(g.give(g.draw.array(np.int64, (batch, length), 0, rows - 1)))
    g.node(op, operands, interleaved=g.draw.choice([None, 0, 1]))


@generates("LinearAttention")
def linear_attention(g, op):
    batch, heads, length, size = (g.draw.choice(each) for each in ([1, 2], [1, 2], [1, 3], [2, 4]))
    q = g.tensor([F32], shape=(batch, length, heads * size))
    g.node(op, [q, g.like(q), g.like(q)], 2, q_num_heads=heads, kv_num_heads=heads, update_rule="linear", scale=g.draw.choice([None, 0.5]))


@generates("CausalConvWithState")
def causal(g, op):
    batch, channels, length, taps = (g.draw.choice(each) for each in ([1, 2], [1, 3], [1, 4], [1, 2, 4]))
    x = g.tensor([F32], shape=(batch, channels, length))
    operands = [x, g.new(F32, (channels, 1, taps)), g.new(F32, (channels,)) if g.draw.chance(0.5) else "",
                g.new(F32, (batch, channels, taps - 1)) if g.draw.chance(0.5) else ""]
    g.node(op, operands, 2, activation=g.draw.choice([None, "silu"]))


@generates("MultiHeadAttention", domain=MICROSOFT)
def many_heads(g, op):
    batch, heads, q, total, size = (g.draw.choice(each) for each in ([1, 2], [1, 2], [1, 3], [1, 4], [2, 4]))
    query = g.tensor([F32], shape=(batch, q, heads * size))
    key = g.new(F32, (batch, total, heads * size))
    operands = [query, key, g.new(F32, (batch, total, heads * size))]
    if g.draw.chance(0.5):
        operands.append(g.new(F32, (3 * heads * size,)))
    g.node(op, operands, domain=MICROSOFT, num_heads=heads, scale=g.draw.choice([None, 0.3]))


@generates("Attention", domain=MICROSOFT)
def packed_attention(g, op):
    batch, heads, length, size, width = (g.draw.choice(each) for each in ([1, 2], [1, 2], [1, 3], [2, 4], [3, 8]))
    x = g.tensor([F32], shape=(batch, length, width))
    operands = [x, g.new(F32, (width, 3 * heads * size), stored=True), g.new(F32, (3 * heads * size,), stored=True)]
    if g.draw.chance(0.3):
        operands.append(g.give(g.draw.array(np.int32, (batch,), 1, length)))
    g.node(op, operands, domain=MICROSOFT, num_heads=heads, unidirectional=g.draw.choice([None, 1]))


@generates("GroupQueryAttention", domain=MICROSOFT)
def grouped(g, op):
    batch, kv, per, length, size = (g.draw.choice(each) for each in ([1, 2], [1, 2], [1, 2], [1, 3], [8, 16]))
    query = g.tensor([F32], shape=(batch, length, kv * per * size))
    key, value = (g.new(F32, (batch, length, kv * size)) for _ in range(2))
    past = [g.new(F32, (batch, kv, 2, size)) for _ in range(2)]
    if g.draw.chance(0.5):
        past = [g.give(np.zeros((batch, kv, 0, size), np.float32), False) for _ in range(2)]
    before = g.shape(past[0])[2]
    if before and length > 1:
        raise Unsuitable
    ends = g.give(np.full(batch, before + length - 1, np.int32), False)
    g.node(op, [query, key, value, *past, ends, g.give(np.array(before + length, np.int32), False)], 3, domain=MICROSOFT, num_heads=kv * per, kv_num_heads=kv)


@generates("RotaryEmbedding", domain=MICROSOFT)
def microsoft_rotary(g, op):
    batch, heads, length, size = (g.draw.choice(each) for each in ([1, 2], [1, 2], [1, 3], [4, 8]))
    x = g.tensor([F32], shape=(batch, heads, length, size))
    g.node(op, [x, g.give(g.draw.array(np.int64, (batch, length), 0, 5)), g.new(F32, (6, size // 2), -1, 1), g.new(F32, (6, size // 2), -1, 1)],
           domain=MICROSOFT, interleaved=g.draw.choice([0, 1]))
