"""Generators of conditionals and loops whose bodies read values from outside."""

import numpy as np
from onnx import helper

from .draw import number_of
from .graph import Unsuitable
from .registry import generates

TYPES = [np.dtype(np.float32), np.dtype(np.float32), np.dtype(np.int64), np.dtype(np.float64)]
BINARY = ["Add", "Sub", "Mul"]
UNARY = ["Abs", "Neg", "Identity"]


def info(g, name, dtype, shape=None):
    return helper.make_tensor_value_info(name, number_of(np.dtype(dtype)), shape)


def chain(g, nodes, name, captured):
    """Adds one to three nodes of a body, the shape of whose result is that of `name`."""
    for _ in range(g.draw.randint(1, 3)):
        result = g.name("b")
        if g.draw.chance(0.6):
            nodes.append(helper.make_node(g.draw.choice(BINARY), [name, captured], [result]))
        else:
            nodes.append(helper.make_node(g.draw.choice(UNARY), [name], [result]))
        name = result
    return name


def captured(g, a):
    """A value of outside that broadcasts to the shape of another."""
    shape = [1 if g.draw.chance(0.3) else size for size in g.shape(a)]
    return g.like(a, shape[g.draw.randint(0, len(shape)):])


@generates("If")
def conditional(g, op):
    a = g.tensor(TYPES)
    other = captured(g, a)
    branches = []
    for _ in range(2):
        nodes = []
        result = chain(g, nodes, a, other)
        if g.draw.chance(0.3) and g.shape(a):
            wider = g.name("b")
            nodes.append(helper.make_node("Concat", [result, result], [wider], axis=0))
            result = wider
        branches.append(helper.make_graph(nodes, "branch", [], [info(g, result, g.type(a))]))
    g.node(op, [g.give(g.draw.array(bool, ()))], then_branch=branches[0], else_branch=branches[1])


@generates("Loop")
def loop(g, op):
    a = g.tensor(TYPES, suits=lambda value: value.size < 300)
    other = captured(g, a)
    round_, condition, state = (g.name("b") for _ in range(3))
    nodes, rounds = [], g.draw.choice([0, 1, 2, 4])
    result = chain(g, nodes, state, other)
    goes_on = condition
    if g.draw.chance(0.4):
        limit, goes_on = g.whole(g.draw.choice([0, 1, 3])), g.name("b")
        nodes.append(helper.make_node("Less", [round_, limit], [goes_on]))
    else:
        goes_on = g.name("b")
        nodes.append(helper.make_node("Identity", [condition], [goes_on]))
    outputs = [info(g, goes_on, bool), info(g, result, g.type(a))]
    if collects := g.draw.chance(0.5):
        each = chain(g, nodes, result, other)
        outputs.append(info(g, each, g.type(a), list(g.shape(a))))
    if rounds == 0 and collects:
        raise Unsuitable
    body = helper.make_graph(nodes, "body", [info(g, round_, np.int64, []), info(g, condition, bool, []), info(g, state, g.type(a))], outputs)
    g.node(op, [g.whole(rounds), g.give(np.array(True)) if g.draw.chance(0.5) else "", a], 1 + collects, body=body)


@generates("Scan")
def scan(g, op):
    if g.opset < 9:
        raise Unsuitable
    a = g.tensor(TYPES, low=1, suits=lambda value: value.size > 0)
    axis = g.draw.axis(len(g.shape(a))) if g.opset >= 11 else g.draw.randrange(len(g.shape(a)))
    shape = list(g.shape(a))
    shape.pop(axis)
    start, other = g.like(a, shape), g.like(a, shape)
    state, item, result, each = (g.name("b") for _ in range(4))
    nodes = [helper.make_node(g.draw.choice(BINARY), [state, item], [result])]
    each = chain(g, nodes, result, other)
    if each == result:
        raise Unsuitable
    body = helper.make_graph(nodes, "body", [info(g, state, g.type(a), shape), info(g, item, g.type(a), shape)],
                             [info(g, result, g.type(a), shape), info(g, each, g.type(a), shape)])
    more = {"scan_input_axes": [axis]} if axis else {}
    if g.draw.chance(0.3):
        more["scan_input_directions"] = [1]
    if g.draw.chance(0.3):
        more["scan_output_directions"] = [1]
    if g.draw.chance(0.3):
        more["scan_output_axes"] = [g.draw.axis(len(shape) + 1)]
    g.node(op, [start, a], 2, body=body, num_scan_inputs=1, **more)
