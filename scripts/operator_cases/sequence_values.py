"""Cases of sequences and optionals. A sequence that is an output is served as one stacked tensor, or as its elements."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from .recording import by_onnxruntime, case, real

rng = np.random.default_rng(23)


def model(nodes, inputs, outputs, constants=None, shapes=None, opset=17):
    """A model of several nodes; `shapes` replaces the shapes of inputs, and `outputs` are names, or declared values."""
    shapes = shapes or {}
    graph = helper.make_graph(
        nodes, "case",
        [helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), shapes.get(name, array.shape))
         for name, array in inputs.items()],
        [helper.make_empty_tensor_value_info(output) if isinstance(output, str) else output for output in outputs],
        [numpy_helper.from_array(np.asarray(array), name) for name, array in (constants or {}).items()])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def sequence(name, type_=TensorProto.FLOAT, shape=None):
    return helper.make_tensor_sequence_value_info(name, type_, shape)


def add(title, made, inputs, served=None, expected=None):
    """- served: turns onnxruntime's sequences into what is served."""
    results = expected
    if served:
        results = [array for value in by_onnxruntime(made, inputs) for array in (served(value) if isinstance(value, list) else [value])]
    case("sequences", inputs, model=made, expected=results, name=title)


def stacked(elements):
    return [np.stack(elements)]


def single(elements):
    return elements


node = helper.make_node
x, y, z = (real(rng, 2, 3) for _ in range(3))
XYZ = {"x": x, "y": y, "z": z}
construct = node("SequenceConstruct", ["x", "y", "z"], ["s"])
add("a sequence of one shape", model([construct], XYZ, [sequence("s")]), XYZ, stacked)
other = XYZ | {"z": real(rng, 4)}
add("a sequence of several shapes", model([construct], other, [sequence("s")]), other, single)
for place in (0, 2, -1, -3):
    nodes = [construct, node("SequenceAt", ["s", "at"], ["o"])]
    add(f"element {place}", model(nodes, XYZ, ["o"], {"at": np.int64(place)}), XYZ)
for place in (None, 0, 2, -2, -3):
    inner = ["at"] if place is not None else []
    constants = {"at": np.int32(place)} if inner else {}
    nodes = [construct, node("SequenceErase", ["s", *inner], ["t"])]
    add(f"without element {place}", model(nodes, XYZ, [sequence("t")], constants), XYZ, stacked)
    nodes = [node("SequenceEmpty", [], ["e"], dtype=1), node("SequenceInsert", ["e", "x"], ["a"]),
             node("SequenceInsert", ["a", "y"], ["b"]), node("SequenceInsert", ["b", "z", *inner], ["t"])]
    if place != -3:
        add(f"inserted at {place}", model(nodes, XYZ, [sequence("t")], constants), XYZ, stacked)
last = [construct, node("SequenceLength", ["s"], ["n"]), node("Sub", ["n", "one"], ["p"]), node("SequenceAt", ["s", "p"], ["o"])]
add("the last element by the length", model(last, XYZ, ["o", "n"], {"one": np.int64(1)}), XYZ)
for axis in (0, 1, -1, -2):
    add(f"concatenated along {axis}", model([construct, node("ConcatFromSequence", ["s"], ["o"], axis=axis)], XYZ, ["o"]), XYZ)
for axis in (0, 2, -1, -3):
    nodes = [construct, node("ConcatFromSequence", ["s"], ["o"], axis=axis, new_axis=1)]
    add(f"stacked along {axis}", model(nodes, XYZ, ["o"]), XYZ)

X = {"x": real(rng, 3, 7)}
parts = [
    ("of size 1", {"axis": 1}, None), ("of size 1 without the axis", {"axis": -1, "keepdims": 0}, None),
    ("of one size", {"axis": 1}, np.int64(3)), ("of one size that divides", {"axis": 0}, np.int64(1)),
    ("of many sizes", {"axis": 1}, np.array([2, 4, 1])), ("of int32 sizes", {"axis": -1}, np.array([3, 4], np.int32)),
]
for title, attributes, sizes in parts:
    names = ["x"] if sizes is None else ["x", "sizes"]
    constants = {} if sizes is None else {"sizes": sizes}
    even = title != "of one size" and "sizes" not in title
    nodes = [node("SplitToSequence", names, ["s"], **attributes)]
    add(f"parts {title}", model(nodes, X, [sequence("s")], constants), X, stacked if even else single)
given = X | {"sizes": np.array([2, 5])}
nodes = [node("SplitToSequence", ["x", "sizes"], ["s"], axis=1), node("SequenceLength", ["s"], ["n"])]
add("parts of sizes that arrive", model(nodes, given, [sequence("s"), "n"]), given, single)

# SequenceMap: over one and two sequences, with a tensor, a captured tensor, a captured sequence, and parts of two shapes.
info = helper.make_tensor_value_info
body = helper.make_graph(
    [node("Mul", ["a", "b"], ["p"]), node("Add", ["p", "z"], ["q"]), node("Add", ["q", "half"], ["r"]), node("Shape", ["a"], ["h"])],
    "body", [info("a", 1, None), info("b", 1, None)], [info("r", 1, None), info("h", 7, None)],
    [numpy_helper.from_array(np.float32(0.5), "half")])
pair = node("SequenceConstruct", ["x", "y"], ["s"])
nodes = [pair, node("SequenceConstruct", ["y", "x"], ["t"]), node("SequenceMap", ["s", "t"], ["o", "h"], body=body)]
add("a map of two sequences", model(nodes, XYZ, [sequence("o"), sequence("h", TensorProto.INT64)]), XYZ,
    expected=[np.stack([x * y + z + np.float32(0.5)] * 2), np.array([[2, 3], [2, 3]])])
nodes = [pair, node("SequenceMap", ["s", "y"], ["o", "h"], body=body)]
add("a map of a sequence and a tensor", model(nodes, XYZ, [sequence("o"), sequence("h", TensorProto.INT64)]), XYZ,
    expected=[np.stack([x * y + z + np.float32(0.5), y * y + z + np.float32(0.5)]), np.array([[2, 3], [2, 3]])])
body = helper.make_graph(
    [node("SequenceAt", ["s", "zero"], ["f"]), node("ReduceSum", ["f"], ["m"], keepdims=0), node("Add", ["a", "m"], ["r"])],
    "body", [info("a", 1, None)], [info("r", 1, None)], [numpy_helper.from_array(np.int64(0), "zero")])
nodes = [node("SplitToSequence", ["x", "sizes"], ["s"], axis=1), node("SequenceMap", ["s"], ["o"], body=body)]
first = X["x"][:, :3]
add("a map that captures its sequence", model(nodes, X, [sequence("o")], {"sizes": np.array([3, 4])}), X,
    expected=[first + first.sum(), X["x"][:, 3:] + first.sum()])

# Sequences and optionals in branches.
FLAGS = [{"c": np.array(flag)} | XYZ for flag in (True, False)]
then = helper.make_graph([node("SequenceConstruct", ["x", "y"], ["u"])], "then", [], [sequence("u")])
otherwise = helper.make_graph(
    [node("Neg", ["z"], ["w"]), node("SequenceConstruct", ["w", "z"], ["v"])], "else", [], [sequence("v")])
for inputs in FLAGS:
    nodes = [node("If", ["c"], ["s"], then_branch=then, else_branch=otherwise)]
    add(f"branches that give sequences, {inputs['c']}", model(nodes, inputs, [sequence("s")]), inputs, stacked)
    captured = helper.make_graph([node("SequenceAt", ["s", "one"], ["u"])], "then", [], [info("u", 1, None)],
                                 [numpy_helper.from_array(np.int64(1), "one")])
    added = helper.make_graph([node("ConcatFromSequence", ["s"], ["v"], axis=0)], "else", [], [info("v", 1, None)])
    nodes = [construct, node("If", ["c"], ["o"], then_branch=captured, else_branch=added)]
    add(f"branches that capture a sequence, {inputs['c']}", model(nodes, inputs, ["o"]), inputs)
tensor = helper.make_tensor_type_proto(TensorProto.FLOAT, [2, 3])
for present in (True, False):
    made = node("Optional", ["x"], ["q"]) if present else node("Optional", [], ["q"], type=tensor)
    taken = helper.make_graph([node("OptionalGetElement", ["q"], ["u"])], "then", [], [info("u", 1, None)])
    default = helper.make_graph([node("Neg", ["x"], ["v"])], "else", [], [info("v", 1, None)])
    nodes = [made, node("OptionalHasElement", ["q"], ["c"]), node("If", ["c"], ["o"], then_branch=taken, else_branch=default)]
    add(f"an optional, present: {present}", model(nodes, {"x": x}, ["o", "c"], opset=18), {"x": x},
        expected=[x if present else -x, np.array(present)])
nodes = [construct, node("Optional", ["s"], ["q"]), node("Identity", ["q"], ["r"]), node("OptionalGetElement", ["r"], ["t"]),
         node("Identity", ["t"], ["v"]), node("ConcatFromSequence", ["v"], ["o"], axis=0)]
add("an optional sequence", model(nodes, XYZ, ["o"]), XYZ, expected=[np.concatenate([x, y, z])])


def refused(title, nodes, inputs, outputs, constants=None, **options):
    """A case that is refused: it has no outputs."""
    made = model(nodes, inputs, outputs, constants, **options)
    case("sequences", inputs, model=made, expected=[np.zeros(0)], name=f"{title} is refused")
    from .recording import cases
    cases[-1]["outputs"] = []


refused("a position past the end", [construct, node("SequenceAt", ["s", "at"], ["o"])], XYZ, ["o"], {"at": np.int64(3)})
refused("an operator of tensors", [construct, node("Neg", ["s"], ["o"])], XYZ, ["o"])

# Positions, sizes and lengths that are known only at run time.
for place in (0, 1, -1, -3):
    at = XYZ | {"at": np.array(place)}
    add(f"the element that an input names, {place}", model([construct, node("SequenceAt", ["s", "at"], ["o"])], at, ["o"]), at)
    nodes = [construct, node("SequenceErase", ["s", "at"], ["t"]), node("SequenceLength", ["t"], ["n"])]
    add(f"without the element that an input names, {place}", model(nodes, at, [sequence("t"), "n"]), at, stacked)
for place in (0, 3, -2):
    at = XYZ | {"at": np.array([place], np.int32)}
    nodes = [construct, node("Neg", ["x"], ["w"]), node("SequenceInsert", ["s", "w", "at"], ["t"]),
             node("ConcatFromSequence", ["t"], ["o"], axis=1)]
    add(f"inserted where an input says, {place}", model(nodes, at, ["o"]), at)
    nodes[3] = node("ConcatFromSequence", ["t"], ["o"], axis=-1, new_axis=1)
    add(f"inserted where an input says and stacked, {place}", model(nodes, at, ["o"]), at)
for place in (3, -4):
    at = XYZ | {"at": np.array(place)}
    refused(f"the element {place} that an input names", [construct, node("SequenceAt", ["s", "at"], ["o"])], at, ["o"])
    refused(f"erasing {place}", [construct, node("SequenceErase", ["s", "at"], ["o"])], at, [sequence("o")])
for place in (4, -4):
    refused(f"inserting at {place}", [construct, node("SequenceInsert", ["s", "x", "at"], ["o"])], XYZ | {"at": np.array(place)},
            [sequence("o")])
for size in (1, 2, 7, 9):
    given = X | {"size": np.array(size)}
    nodes = [node("SplitToSequence", ["x", "size"], ["s"], axis=1), node("SequenceLength", ["s"], ["n"])]
    add(f"parts of a size that arrives, {size}", model(nodes, given, [sequence("s"), "n"]), given, single if size == 2 else stacked)
for size in (0, -1):
    refused(f"parts of the size {size}", [node("SplitToSequence", ["x", "size"], ["s"], axis=1)], X | {"size": np.array(size)},
            [sequence("s")])
for keeps in (0, 1):
    nodes = [node("SplitToSequence", ["x"], ["s"], axis=0, keepdims=keeps)]
    add(f"parts along an axis of open size, {keeps}", model(nodes, X, [sequence("s")], shapes={"x": ["n", 7]}), X, stacked)
given = X | {"sizes": np.array([2, 5])}
nodes = [node("SplitToSequence", ["x", "sizes"], ["s"], axis=-1), node("SequenceAt", ["s", "last"], ["o"])]
add("parts of open sizes", model(nodes, given, ["o"], {"last": np.int64(-1)}, {"sizes": ["k"]}), given)
given = X | {"sizes": np.array([2, 4])}
refused("parts that leave a rest", nodes[:1], given, [sequence("s")], shapes={"sizes": ["k"]})

# Sequences that loops carry.
number, flag = info("i", 7, []), info("go", 9, [])
grows = helper.make_graph(
    [node("Identity", ["go"], ["stays"]), node("Cast", ["i"], ["f"], to=1), node("Mul", ["x", "f"], ["p"]),
     node("SequenceInsert", ["before", "p"], ["after"])],
    "body", [number, flag, sequence("before")], [info("stays", 9, []), sequence("after")])
for rounds in (1, 4):
    inputs = {"n": np.array(rounds), "x": x}
    nodes = [node("SequenceEmpty", [], ["e"]), node("Loop", ["n", "", "e"], ["s"], body=grows)]
    add(f"a sequence that grows in {rounds} rounds", model(nodes, inputs, [sequence("s")]), inputs, stacked)
    nodes += [node("ConcatFromSequence", ["s"], ["o"], axis=0), node("SequenceLength", ["s"], ["l"])]
    add(f"its elements, {rounds}", model(nodes, inputs, ["o", "l"]), inputs)
ragged = helper.make_graph(
    [node("Identity", ["go"], ["stays"]), node("Add", ["i", "one"], ["k"]), node("Unsqueeze", ["k", "zero"], ["end"]),
     node("Slice", ["x", "zero", "end", "one_axis"], ["p"]), node("SequenceInsert", ["before", "p", "front"], ["after"])],
    "body", [number, flag, sequence("before")], [info("stays", 9, []), sequence("after")],
    [numpy_helper.from_array(np.int64(1), "one"), numpy_helper.from_array(np.array([0]), "zero"),
     numpy_helper.from_array(np.array([1]), "one_axis"), numpy_helper.from_array(np.int64(0), "front")])
inputs = {"n": np.array(3), "x": x}
nodes = [node("SequenceEmpty", [], ["e"]), node("Loop", ["n", "", "e"], ["s"], body=ragged)]
add("a sequence of several shapes that grows", model(nodes, inputs, [sequence("s")]), inputs, single)
shrinks = helper.make_graph(
    [node("Identity", ["go"], ["stays"]), node("SequenceAt", ["before", "first"], ["f"]), node("Add", ["sum", "f"], ["total"]),
     node("SequenceErase", ["before", "first"], ["after"])],
    "body", [number, flag, sequence("before"), info("sum", 1, None)], [info("stays", 9, []), sequence("after"), info("total", 1, None)],
    [numpy_helper.from_array(np.int64(0), "first")])
inputs = XYZ | {"n": np.array(2)}
nodes = [construct, node("Loop", ["n", "", "s", "x"], ["t", "o"], body=shrinks)]
add("a sequence that is consumed", model(nodes, inputs, [sequence("t"), "o"]), inputs, stacked)
refused("a sequence that is consumed too far", nodes, XYZ | {"n": np.array(4)}, [sequence("t"), "o"])

# Branches that give sequences of different lengths.
longer = helper.make_graph([node("SequenceConstruct", ["x", "y", "z"], ["v"])], "else", [], [sequence("v")])
for inputs in FLAGS:
    nodes = [node("If", ["c"], ["s"], then_branch=then, else_branch=longer), node("SequenceLength", ["s"], ["n"]),
             node("SequenceAt", ["s", "last"], ["o"])]
    made = model(nodes, inputs, [sequence("s"), "n", "o"], {"last": np.int64(-1)})
    add(f"branches that give sequences of two lengths, {inputs['c']}", made, inputs, stacked)
absent = helper.make_graph([node("Optional", [], ["v"], type=tensor)], "else", [], [
    helper.make_value_info("v", helper.make_optional_type_proto(tensor))])
there = helper.make_graph([node("Optional", ["x"], ["u"])], "then", [], [
    helper.make_value_info("u", helper.make_optional_type_proto(tensor))])
taken = helper.make_graph([node("OptionalGetElement", ["q"], ["u"])], "then", [], [info("u", 1, None)])
default = helper.make_graph([node("Neg", ["y"], ["v"])], "else", [], [info("v", 1, None)])
for inputs in FLAGS:
    nodes = [node("If", ["c"], ["q"], then_branch=there, else_branch=absent), node("OptionalHasElement", ["q"], ["h"]),
             node("If", ["h"], ["o"], then_branch=taken, else_branch=default)]
    add(f"an optional that a branch gives, {inputs['c']}", model(nodes, inputs, ["o", "h"], opset=18), inputs,
        expected=[inputs["x"] if inputs["c"] else -inputs["y"], inputs["c"]])

# A map of a sequence of unknown length, with a result of another type.
body = helper.make_graph(
    [node("Mul", ["x", "w"], ["r"]), node("Shape", ["x"], ["h"])], "body", [info("x", 1, None), info("w", 1, None)],
    [info("r", 1, None), info("h", 7, None)])
given = {"x": X["x"], "size": np.array(3)}
nodes = [node("SplitToSequence", ["x", "size"], ["s"], axis=1), node("SequenceMap", ["s", "two"], ["o", "h"], body=body)]
add("a map of a sequence of unknown length",
    model(nodes, given, [sequence("o"), sequence("h", TensorProto.INT64)], {"two": np.float32(2)}), given,
    expected=[x_ * np.float32(2) for x_ in (X["x"][:, :3], X["x"][:, 3:6], X["x"][:, 6:])] + [np.array([[3, 3], [3, 3], [3, 1]])])

# Parts of texts.
given = {"x": np.array([["a", "b", ""], ["été", "e", "f"]], object), "size": np.array(2)}
nodes = [node("SplitToSequence", ["x", "size"], ["s"], axis=1), node("SequenceAt", ["s", "last"], ["o"]),
         node("ConcatFromSequence", ["s"], ["t"], axis=1)]
add("a sequence of texts of unknown length", model(nodes, given, ["o", "t"], {"last": np.int64(-1)}), given,
    expected=[given["x"][:, 2:], given["x"]])
