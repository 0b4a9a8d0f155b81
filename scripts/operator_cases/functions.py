"""Functions of the model itself: nested calls, attributes with defaults, branches, operands and results that are left out."""

import numpy as np
import onnx
from onnx import AttributeProto, TensorProto, helper

from .recording import case, real

rng = np.random.default_rng(3)
node = helper.make_node
LOCAL = helper.make_opsetid("local", 1)


def opset(version=17):
    return helper.make_opsetid("", version)


def referring(made, attribute, name, kind):
    made.attribute.append(AttributeProto(name=attribute, ref_attr_name=name, type=kind))
    return made


def model(name, nodes, functions, inputs, outputs, constants=(), **options):
    shapes = [helper.make_tensor_value_info(key, TensorProto.FLOAT, value.shape) for key, value in inputs.items()]
    graph = helper.make_graph(nodes, "g", shapes, [helper.make_empty_tensor_value_info(key) for key in outputs],
                              [onnx.numpy_helper.from_array(value, key) for key, value in dict(constants).items()])
    made = helper.make_model(graph, opset_imports=[opset(), LOCAL], functions=functions, ir_version=9)
    case(name, inputs, model=made, **options)


# The functions and the graph call their values alike.
slope = AttributeProto(name="slope", type=AttributeProto.FLOAT, f=0.5)
leak = helper.make_function(
    "local", "Leak", ["a", "b"], ["c"],
    [referring(node("LeakyRelu", ["a"], ["t"]), "alpha", "slope", AttributeProto.FLOAT), node("Add", ["t", "b"], ["c"])],
    [opset()], attributes=["slope"])
twice = helper.make_function(
    "local", "Twice", ["a", "b"], ["c", "d"],
    [node("Leak", ["a", "b"], ["t"], domain="local", slope=0.25),
     referring(node("Leak", ["t", "b"], ["c"], domain="local"), "slope", "slope", AttributeProto.FLOAT),
     node("Neg", ["t"], ["d"])], [opset(), LOCAL], attribute_protos=[slope])
x = real(rng, 2, 3)
model("nested", [node("Exp", ["x"], ["t"]), node("Twice", ["t", "x"], ["y", "z"], domain="local"),
                 node("Twice", ["y", "z"], ["w", "d"], domain="local", slope=2.0)],
      [leak, twice], {"x": x}, ["y", "z", "w", "d"])
model("attribute without a value",
      [node("Leak", ["x", "x"], ["y"], domain="local")], [leak], {"x": x}, ["y"],
      expected=[np.where(x < 0, np.float32(0.01) * x, x) + x])


# Branches in a function capture its values, and have values of the same names as the caller.
def branch(nodes, output, constants=()):
    return helper.make_graph(nodes, "b", [], [helper.make_empty_tensor_value_info(output)], list(constants))


one = helper.make_tensor("one", TensorProto.FLOAT, [], [1.0])
choose = helper.make_function(
    "local", "Choose", ["c", "a", "limit"], ["o"],
    [node("Neg", ["a"], ["q"]),
     node("If", ["c"], ["i"], then_branch=branch([node("Add", ["a", "one"], ["s"])], "s", [one]),
          else_branch=branch([node("Mul", ["a", "q"], ["s"])], "s")),
     node("Clip", ["i", "", "limit"], ["o"])], [opset()])
for sign in (1, -1):
    data = sign * np.abs(x)
    first = data + 1 if sign > 0 else -data * data
    second = np.minimum(first + 1 if sign > 0 else -first * first, np.float32(0.5))
    model("branches", [node("ReduceSum", ["x"], ["r"], keepdims=0), node("Greater", ["r", "zero"], ["c"]),
                       node("Choose", ["c", "x"], ["s"], domain="local"),
                       node("Choose", ["c", "s", "limit"], ["one"], domain="local"), node("Add", ["s", "one"], ["y"])],
          [choose], {"x": data}, ["y"], {"zero": np.float32(0), "limit": np.float32(0.5)}, expected=[first + second])

# Results that are left out; a function of another opset than the model's.
both = helper.make_function(
    "local", "Both", ["a"], ["n", "e"], [node("Neg", ["a"], ["n"]), node("Exp", ["a"], ["e"])], [opset()])
model("results left out", [node("Both", ["x"], ["", "y"], domain="local")], [both], {"x": x}, ["y"])
older = helper.make_function("local", "Older", ["a"], ["b"], [node("Softmax", ["a"], ["b"])], [opset(11)])
image = real(rng, 2, 3, 4)
powers = np.exp(image)
model("of an older opset", [node("Older", ["x"], ["y"], domain="local")], [older], {"x": image}, ["y"],
      expected=[powers / powers.sum(axis=(1, 2), keepdims=True)])

# An overload is another function.
for name, factor in (("", 2.0), ("by three", 3.0)):
    functions = [helper.make_function(
        "local", "Scale", ["a"], ["b"],
        [node("Constant", [], ["f"], value_float=number), node("Mul", ["a", "f"], ["b"])], [opset()], overload=overload)
        for overload, number in (("", 2.0), ("by three", 3.0))]
    model(f"overload '{name}'", [node("Scale", ["x"], ["y"], domain="local", overload=name)], functions, {"x": x}, ["y"],
          expected=[x * np.float32(factor)])
