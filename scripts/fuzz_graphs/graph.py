"""A graph under construction. Every value is computed when its node is drawn, so that the next node can be chosen by its shape."""

import numpy as np
import onnx
from onnx import helper, numpy_helper

from . import draw, evaluation, exclusions, peers

NEWEST = onnx.defs.onnx_opset_version()


class Unsuitable(Exception):
    """The operator has no form for this graph."""


class Graph:
    def __init__(self, seed, only=None):
        self.draw = draw.Draw(seed)
        choose = self.draw
        opset = choose.randint(7, NEWEST) if choose.chance(0.4) else choose.choice([13, 15, 17, 18, 20, 21, 22, 23, 24, 26, 28])
        while only and onnx.defs.has(only) and not onnx.defs.has(only, opset):
            opset = choose.randint(7, NEWEST)
        self.opsets = {"": opset, "ai.onnx.ml": choose.randint(1, 5), "com.microsoft": 1}
        self.evaluation = evaluation.Evaluation(self.opsets, seed)
        self.nodes, self.inputs, self.constants, self.computed = [], {}, {}, []
        self.count = 0
        # The share of operands that arrive with a request; the others are stored.
        self.fed = choose.choice([0.1, 0.5, 0.9])
        self.open = choose.choice(["stated", "named", "shared", "unknown"])
        self.dtype = choose.choice([np.float32] * 6 + [np.float16, np.float64, draw.BFLOAT16])

    @property
    def opset(self):
        return self.opsets[""]

    def name(self, prefix):
        self.count += 1
        return f"{prefix}{self.count}"

    def value(self, name):
        return self.evaluation.value(name)

    def shape(self, name):
        return self.value(name).shape

    def type(self, name):
        return self.value(name).dtype

    # Operands.

    def give(self, array, stored=None):
        """A new operand: an input or a constant."""
        array = np.asarray(array)
        is_stored = not self.draw.chance(self.fed) if stored is None else stored
        name = self.name("c" if is_stored else "x")
        (self.constants if is_stored else self.inputs)[name] = array
        self.evaluation.give(name, array)
        return name

    def whole(self, values, dtype=np.int64, stored=None):
        """An operand of integers that steer an operator; mostly stored."""
        return self.give(np.array(values, dtype), stored=self.draw.chance(0.75) if stored is None else stored)

    def new(self, dtype, shape, low=None, high=None, stored=None):
        return self.give(self.draw.array(dtype, shape, low, high), stored)

    def tensor(self, types, low=0, high=4, shape=None, suits=None, dtype=None):
        """An operand: an earlier value of a suitable type and shape, or a new one."""
        types = [np.dtype(dtype)] if dtype is not None else types
        if not types:
            raise Unsuitable
        found = [name for name in self.computed + list(self.inputs) if self.type(name) in types and (
            self.shape(name) == tuple(shape) if shape is not None else low <= self.value(name).ndim <= high)
            and name not in self.evaluation.random and (suits is None or suits(self.value(name)))]
        if found and self.draw.chance(0.75):
            return found[-1] if self.draw.chance(0.5) else self.draw.choice(found)
        wanted = np.dtype(self.dtype)
        chosen = wanted if wanted in types and self.draw.chance(0.7) else self.draw.type(types)
        for _ in range(20):
            array = self.draw.array(chosen, self.draw.shape(low, high) if shape is None else shape)
            if suits is None or suits(array):
                return self.give(array, stored=None if self.computed else self.draw.chance(0.15))
        raise Unsuitable

    def like(self, name, shape=None, dtype=None, **bounds):
        """An operand of the same type, and of the same shape or the given one."""
        dtype = self.type(name) if dtype is None else dtype
        shape = self.shape(name) if shape is None else tuple(shape)
        found = [other for other in self.computed if self.type(other) == dtype and self.shape(other) == shape
                 and other not in self.evaluation.random]
        if found and not bounds and self.draw.chance(0.4):
            return self.draw.choice(found)
        return self.new(dtype, shape, **bounds)

    def broadcast(self, name, dtype=None):
        """An operand whose shape broadcasts with that of another, in either direction."""
        shape = [1 if self.draw.chance(0.25) else size for size in self.shape(name)]
        shape = shape[self.draw.choice([0, 0, self.draw.randint(0, len(shape))]):]
        if self.draw.chance(0.05) and len(shape) == len(self.shape(name)) < 5:
            shape = [2, *shape]
        return self.like(name, shape, dtype)

    # The specification's types and forms.

    def schema(self, op, domain=""):
        try:
            found = onnx.defs.get_schema(op, self.opsets[domain], domain)
        except onnx.defs.SchemaError:
            raise Unsuitable from None
        if found.deprecated:
            raise Unsuitable
        return found

    def types(self, op, index=0, domain="", output=False):
        """The element types of an operand, without strings and complex numbers."""
        schema = self.schema(op, domain)
        formal = schema.outputs if output else schema.inputs
        return typed(schema, formal[min(index, len(formal) - 1)].type_str)

    def since(self, op, version):
        return self.opset >= version

    # Nodes.

    def node(self, op, operands, outputs=1, domain="", wanted=None, **attributes):
        """Adds a node; returns the name of its result, or the names of its results. `wanted`: for each, whether it is asked for."""
        if domain != "com.microsoft" and onnx.defs.has(op, domain):
            self.schema(op, domain)
        wanted = [True] * outputs if wanted is None else wanted
        names = [self.name("v") if each else "" for each in wanted]
        while operands and not operands[-1]:
            operands = operands[:-1]
        attributes = {key: value for key, value in attributes.items() if value is not None}
        made = helper.make_node(op, [name or "" for name in operands], names, name=f"n{self.count}", domain=domain, **attributes)
        self.evaluation.compute(made)
        if sum(self.value(name).size for name in names if name) > 40_000:
            raise exclusions.Undefined("a large result")
        self.nodes.append(made)
        self.computed += [name for name in names if name]
        return names[0] if len(names) == 1 else names

    def listed(self, op, operands, values, since, name="axes", outputs=1, **attributes):
        """Adds a node whose integers are an attribute before an opset, and its last operand from then on."""
        if values is not None and self.opset >= since:
            return self.node(op, [*operands, self.whole(values)], outputs, **attributes)
        return self.node(op, operands, outputs, **attributes, **({name: values} if values is not None else {}))

    # The model.

    def outputs(self):
        """The values that nothing reads, and some that are read."""
        read = {name for node in self.nodes for name in peers.operands(node)}
        made = [name for node in self.nodes for name in node.output if name]
        return [name for name in made if name not in read or self.draw.chance(0.2)]

    def model(self, outputs):
        """The model, with only the inputs and constants that nodes read."""
        read = {name for node in self.nodes for name in peers.operands(node)}
        inputs = {name: array for name, array in self.inputs.items() if name in read}
        return assembled(self.nodes, inputs, {name: array for name, array in self.constants.items() if name in read},
                         {name: self.value(name) for name in outputs}, self.opsets, self.dims), inputs

    def dims(self, name, shape):
        if self.open == "stated":
            return list(shape)
        if self.open == "unknown":
            return [None] * len(shape)
        return [f"n{size}" if self.open == "shared" else f"{name}_{axis}" for axis, size in enumerate(shape)]


def typed(schema, text):
    """The element types of a type's name in a schema."""
    found = next((each.allowed_type_strs for each in schema.type_constraints if each.type_param_str == text), [text])
    types = []
    for each in found:
        if each.startswith("tensor(") and "complex" not in each and "string" not in each:
            number = onnx.TensorProto.DataType.Value(each[7:-1].upper())
            types.append(np.dtype(helper.tensor_dtype_to_np_dtype(number)))
    return types


def assembled(nodes, inputs, constants, outputs, opsets, dims=lambda name, shape: list(shape)):
    domains = {""} | {node.domain for node in nodes}
    graph = helper.make_graph(
        nodes, "fuzz",
        [helper.make_tensor_value_info(name, draw.number_of(array.dtype), dims(name, array.shape)) for name, array in inputs.items()],
        [helper.make_tensor_value_info(name, draw.number_of(array.dtype), None) for name, array in outputs.items()],
        [numpy_helper.from_array(array, name) for name, array in constants.items()])
    used = [helper.make_opsetid(domain, version) for domain, version in opsets.items() if domain in domains]
    return helper.make_model(graph, opset_imports=used, ir_version=max(8, helper.find_min_ir_version_for(used, ignore_unknown=True)))
