"""Networks of products of matrices, drawn from a seed, that the int8 models are made from."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper

SEED = 900
# The encoder.
HIDDEN, HEADS, LAYERS, LENGTH, VOCABULARY = 384, 6, 4, 128, 2000
# The perceptron.
WIDTHS = [512, 1024, 1024, 512, 64]
ROWS = 16
# The recurrence.
STEPS, FEATURES, UNITS = 64, 128, 256


class Drawing:
    """A graph while it is drawn."""

    def __init__(self, seed):
        self.random = np.random.default_rng(SEED + seed)
        self.nodes, self.weights = [], []

    def weight(self, name, values):
        self.weights.append(numpy_helper.from_array(np.asarray(values), name))
        return name

    def normal(self, name, *shape):
        """Weights that keep the size of what they are multiplied with."""
        deviation = shape[-2] ** -0.5 if len(shape) > 1 else 0.02
        return self.weight(name, (deviation * self.random.standard_normal(shape)).astype(np.float32))

    def node(self, op, inputs, name, **attributes):
        self.nodes.append(helper.make_node(op, inputs, [name], name=name, **attributes))
        return name

    def linear(self, x, width, result, name):
        product = self.node("MatMul", [x, self.normal(f"{name}.weight", width, result)], f"{name}.product")
        return self.node("Add", [product, self.normal(f"{name}.bias", result)], name)

    def norm(self, x, name):
        scale = self.weight(f"{name}.scale", np.ones(HIDDEN, np.float32))
        shift = self.weight(f"{name}.shift", np.zeros(HIDDEN, np.float32))
        return self.node("LayerNormalization", [x, scale, shift], name, axis=-1, epsilon=1e-5)

    def model(self, inputs, outputs):
        def value(name, kind, shape):
            return helper.make_tensor_value_info(name, kind, shape)

        graph = helper.make_graph(
            self.nodes, "drawn", [value(*item) for item in inputs], [value(*item) for item in outputs], self.weights)
        return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def attention(drawing, x, name):
    """Self-attention of several heads."""
    size = HIDDEN // HEADS
    split = drawing.weight(f"{name}.split", np.array([0, -1, HEADS, size], np.int64))

    def heads(part, permutation):
        rows = drawing.linear(x, HIDDEN, HIDDEN, f"{name}.{part}")
        cut = drawing.node("Reshape", [rows, split], f"{name}.{part}.cut")
        return drawing.node("Transpose", [cut], f"{name}.{part}.heads", perm=permutation)

    query, key, value = heads("query", [0, 2, 1, 3]), heads("key", [0, 2, 3, 1]), heads("value", [0, 2, 1, 3])
    scores = drawing.node("MatMul", [query, key], f"{name}.scores")
    root = drawing.weight(f"{name}.root", np.array(size**0.5, np.float32))
    scaled = drawing.node("Div", [scores, root], f"{name}.scaled")
    shares = drawing.node("Softmax", [scaled], f"{name}.shares", axis=-1)
    mixed = drawing.node("MatMul", [shares, value], f"{name}.mixed")
    back = drawing.node("Transpose", [mixed], f"{name}.back", perm=[0, 2, 1, 3])
    joined = drawing.node(
        "Reshape", [back, drawing.weight(f"{name}.join", np.array([0, -1, HIDDEN], np.int64))], f"{name}.joined")
    return drawing.linear(joined, HIDDEN, HIDDEN, f"{name}.out")


def gelu(drawing, x, name):
    """`x · (1 + erf(x / √2)) / 2`, as exporters write it."""
    root = drawing.weight(f"{name}.root", np.array(2**0.5, np.float32))
    one = drawing.weight(f"{name}.one", np.array(1, np.float32))
    half = drawing.weight(f"{name}.half", np.array(0.5, np.float32))
    error = drawing.node("Erf", [drawing.node("Div", [x, root], f"{name}.ratio")], f"{name}.erf")
    sums = drawing.node("Add", [error, one], f"{name}.sums")
    return drawing.node("Mul", [drawing.node("Mul", [x, sums], f"{name}.double"), half], name)


def bert():
    """An encoder of text as BERT is one, smaller."""
    drawing = Drawing(0)
    words = drawing.weight(
        "words", drawing.random.standard_normal((VOCABULARY, HIDDEN)).astype(np.float32))
    places = drawing.weight("places", drawing.random.standard_normal((1, LENGTH, HIDDEN)).astype(np.float32))
    x = drawing.node("Add", [drawing.node("Gather", [words, "tokens"], "embedded"), places], "placed")
    x = drawing.norm(x, "first")
    for layer in range(LAYERS):
        name = f"layer{layer}"
        x = drawing.norm(
            drawing.node("Add", [attention(drawing, x, f"{name}.attention"), x], f"{name}.kept"), f"{name}.middle")
        wide = gelu(drawing, drawing.linear(x, HIDDEN, 4 * HIDDEN, f"{name}.wide"), f"{name}.gelu")
        narrow = drawing.linear(wide, 4 * HIDDEN, HIDDEN, f"{name}.narrow")
        x = drawing.norm(drawing.node("Add", [narrow, x], f"{name}.sum"), f"{name}.end")
    drawing.node("Identity", [x], "encoded")
    return drawing.model(
        [("tokens", TensorProto.INT64, [1, LENGTH])], [("encoded", TensorProto.FLOAT, [1, LENGTH, HIDDEN])])


def perceptron():
    """Fully connected layers with ReLU between them."""
    drawing = Drawing(1)
    x = "rows"
    for layer, (width, result) in enumerate(zip(WIDTHS, WIDTHS[1:])):
        x = drawing.linear(x, width, result, f"layer{layer}")
        if layer < len(WIDTHS) - 2:
            x = drawing.node("Relu", [x], f"relu{layer}")
    drawing.node("Identity", [x], "scores")
    return drawing.model(
        [("rows", TensorProto.FLOAT, [ROWS, WIDTHS[0]])], [("scores", TensorProto.FLOAT, [ROWS, WIDTHS[-1]])])


def recurrence():
    """One LSTM."""
    drawing = Drawing(2)
    weights = [
        drawing.weight(name, (0.1 * drawing.random.standard_normal(shape)).astype(np.float32))
        for name, shape in (
            ("input weights", (1, 4 * UNITS, FEATURES)), ("recurrence weights", (1, 4 * UNITS, UNITS)),
            ("bias", (1, 8 * UNITS)))]
    drawing.node("LSTM", ["sound", *weights], "states", hidden_size=UNITS)
    return drawing.model(
        [("sound", TensorProto.FLOAT, [STEPS, 1, FEATURES])], [("states", TensorProto.FLOAT, [STEPS, 1, 1, UNITS])])


def floats(*shape):
    return lambda random: random.standard_normal(shape).astype(np.float32)


def feed(name, draw):
    """Makes the feed of a seed."""
    return lambda seed: {name: draw(np.random.default_rng(SEED + 100 + seed))}


SOURCES = {
    "bert": (bert, feed("tokens", lambda random: random.integers(0, VOCABULARY, (1, LENGTH), np.int64))),
    "perceptron": (perceptron, feed("rows", floats(ROWS, WIDTHS[0]))),
    "recurrence": (recurrence, feed("sound", floats(STEPS, 1, FEATURES))),
}
