"""Small ONNX models whose inputs and outputs are strings, maps, sequences and optionals."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

STRING, FLOAT, INT64 = TensorProto.STRING, TensorProto.FLOAT, TensorProto.INT64
value, node = helper.make_tensor_value_info, helper.make_node


def _sequence(kind, sizes):
    return helper.make_sequence_type_proto(helper.make_tensor_type_proto(kind, sizes))


def _named(name, type_):
    return helper.make_value_info(name, type_)


def _save(path, nodes, inputs, outputs, constants=()):
    graph = helper.make_graph(nodes, path.stem, inputs, outputs, list(constants))
    opsets = [helper.make_opsetid("", 20), helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


def echo(path):
    """Strings as they came."""
    return _save(path, [node("Identity", ["x"], ["y"])], [value("x", STRING, ("batch", 2))], [value("y", STRING, ("batch", 2))])


def classifier(path):
    """A category in, a label and a map of scores out, as exporters of scikit-learn write them."""
    colours, labels = ["red", "green", "blue"], ["warm", "neutral", "cold"]
    maps = helper.make_sequence_type_proto(helper.make_map_type_proto(STRING, helper.make_tensor_type_proto(FLOAT, [])))
    return _save(
        path,
        [
            node("OneHotEncoder", ["colour"], ["hot"], domain="ai.onnx.ml", cats_strings=colours, zeros=1),
            node("Reshape", ["hot", "columns"], ["features"]),
            node(
                "LinearClassifier", ["features"], ["label", "scores"], domain="ai.onnx.ml", classlabels_strings=labels,
                coefficients=[2.0, 0, 0, 0, 2, 0, 0, 0, 2], intercepts=[0.0, 0.5, 0], post_transform="SOFTMAX",
            ),
            node("ZipMap", ["scores"], ["probabilities"], domain="ai.onnx.ml", classlabels_strings=labels),
        ],
        [value("colour", STRING, ("batch", 1))],
        [value("label", STRING, ("batch",)), _named("probabilities", maps)],
        [numpy_helper.from_array(np.array([-1, 3], np.int64), "columns")],
    )


def words(path):
    """The words of each text in capitals, and their number."""
    return _save(
        path,
        [
            node("StringNormalizer", ["x"], ["upper"], case_change_action="UPPER"),
            node("StringSplit", ["upper"], ["words", "counts"]),
        ],
        [value("x", STRING, ("n",))],
        [value("words", STRING, ("n", "most")), value("counts", INT64, ("n",))],
    )


def parts(path):
    """A table as parts of so many rows as `sizes` says, and its number of rows."""
    return _save(
        path,
        [node("SplitToSequence", ["x", "sizes"], ["parts"], axis=0), node("Shape", ["x"], ["rows"], start=0, end=1)],
        [value("x", FLOAT, ("n", 2)), value("sizes", INT64, ("k",))],
        [_named("parts", _sequence(FLOAT, (None, 2))), value("rows", INT64, (1,))],
    )


def rows(path):
    """A table as its rows."""
    return _save(
        path, [node("SplitToSequence", ["x"], ["rows"], axis=0, keepdims=0)], [value("x", FLOAT, ("n", 2))],
        [_named("rows", _sequence(FLOAT, (2,)))],
    )


def chosen(path):
    """An element of a sequence."""
    return _save(
        path, [node("SequenceAt", ["s", "i"], ["y"])], [_named("s", _sequence(FLOAT, (2,))), value("i", INT64, ())],
        [value("y", FLOAT, (2,))],
    )


def joined(path):
    """The strings of a sequence of lists in one list."""
    return _save(
        path, [node("ConcatFromSequence", ["s"], ["y"], axis=0)], [_named("s", _sequence(STRING, (None,)))],
        [value("y", STRING, ("n",))],
    )


def shifted(path):
    """The sum with an optional, or the input itself without one."""
    optional = helper.make_optional_type_proto(helper.make_tensor_type_proto(FLOAT, (2,)))
    there = helper.make_graph(
        [node("OptionalGetElement", ["shift"], ["value"]), node("Add", ["x", "value"], ["sum"])], "there", [],
        [value("sum", FLOAT, (2,))],
    )
    absent = helper.make_graph([node("Identity", ["x"], ["same"])], "absent", [], [value("same", FLOAT, (2,))])
    return _save(
        path,
        [
            node("OptionalHasElement", ["shift"], ["given"]),
            node("If", ["given"], ["y"], then_branch=there, else_branch=absent),
        ],
        [value("x", FLOAT, (2,)), _named("shift", optional)],
        [value("y", FLOAT, (2,))],
    )


ALL = (echo, classifier, words, parts, rows, chosen, joined, shifted)
