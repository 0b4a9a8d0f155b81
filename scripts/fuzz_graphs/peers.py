"""The answers of onnxruntime, and of ONNX's reference implementation where onnxruntime has no kernel, for one node at a time.

One node at a time is onnxruntime without graph optimisations; it also gives every intermediate value.
"""

import warnings

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from conformance_suite import onnxruntime_runner

from . import draw, mistakes

onnxruntime.set_default_logger_severity(4)
NEWEST_OF_ONNXRUNTIME = 26
OPTIONS = onnxruntime.SessionOptions()
OPTIONS.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
OPTIONS.intra_op_num_threads = 1
OPTIONS.inter_op_num_threads = 1
OPTIONS.log_severity_level = 4
OPTIONS.enable_cpu_mem_arena = False


class NoAnswer(Exception):
    """No peer computes the node."""


def captured(node):
    """The names that the bodies of a node read from outside."""
    found = []
    for attribute in node.attribute:
        if attribute.type != onnx.AttributeProto.GRAPH:
            continue
        known = {value.name for value in [*attribute.g.input, *attribute.g.initializer]}
        for inner in attribute.g.node:
            found += [name for name in [*inner.input, *captured(inner)] if name and name not in known]
            known.update(inner.output)
        found += [value.name for value in attribute.g.output if value.name not in known]
    return list(dict.fromkeys(found))


def operands(node):
    return list(dict.fromkeys([name for name in node.input if name] + captured(node)))


def model_of(node, feeds, opsets, constants=()):
    graph = helper.make_graph(
        [node], "node",
        [helper.make_tensor_value_info(name, draw.number_of(array.dtype), array.shape)
         for name, array in feeds.items() if name not in constants],
        [helper.make_empty_tensor_value_info(name) for name in node.output if name],
        [numpy_helper.from_array(np.asarray(feeds[name]), name) for name in constants])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid(*pair) for pair in opsets.items()],
                             ir_version=min(10, onnx.IR_VERSION))


def lowered(node, opsets):
    """The opsets with which onnxruntime knows the same version of an operator; `None` if its version is too new."""
    opset = opsets.get("", 21)
    if opset <= NEWEST_OF_ONNXRUNTIME:
        return opsets
    lower = opsets | {"": NEWEST_OF_ONNXRUNTIME}
    if node.domain:
        return lower
    try:
        same = (onnx.defs.get_schema(node.op_type, opset).since_version
                == onnx.defs.get_schema(node.op_type, NEWEST_OF_ONNXRUNTIME).since_version)
    except onnx.defs.SchemaError:
        return None
    return lower if same else None


def peer(node, feeds, opsets, by=None):
    """The peer for a node. `by`: "onnxruntime" or "reference" alone, or "reference first"; by default onnxruntime first."""
    if by != "reference first":
        return Peer(node, feeds, opsets, by)
    try:
        return Peer(node, feeds, opsets, "reference")
    except NoAnswer:
        return Peer(node, feeds, opsets)


class Peer:
    """A session that computes one node for several sets of values."""

    def __init__(self, node, feeds, opsets, by=None):
        self.names = [name for name in node.output if name]
        self.node, self.opset = node, opsets.get("", 21)
        self.session = self.reference = None
        problems = []
        self.answers = None
        lower = lowered(node, opsets)
        if mistake := mistakes.of_onnxruntime(node, feeds):
            problems.append(mistake)
        elif by != "reference" and lower:
            for constants in ((), tuple(feeds)[1:]):
                try:
                    model = model_of(node, feeds, lower, constants)
                    self.session = onnxruntime.InferenceSession(
                        model.SerializeToString(), OPTIONS, providers=["CPUExecutionProvider"])
                    self.constants = set(constants)
                    self.answers = [self.by_session(feeds)]
                    return
                except Exception as error:  # noqa: BLE001: onnxruntime raises many types.
                    problems.append(str(error))
                    self.session = None
                    if "constant" not in str(error) and "initializer" not in str(error):
                        break
        try:
            if by == "onnxruntime":
                raise NoAnswer("onnxruntime has no kernel")
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                model = model_of(node, feeds, opsets)
                self.types = types_of(model)
                self.reference = ReferenceEvaluator(model)
                self.answers = [self.by_reference(feeds)]
        except Exception as error:  # noqa: BLE001
            raise NoAnswer(f"{node.op_type}: {' / '.join([*problems, f'{type(error).__name__} {error}'])}") from error

    def by_session(self, feeds):
        found = onnxruntime_runner.answer(
            self.session, {name: array for name, array in feeds.items() if name not in self.constants})
        return [numpy_helper.to_array(each) if isinstance(each, onnx.TensorProto) else np.asarray(each) for each in found]

    def by_reference(self, feeds):
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            found = [np.asarray(value) for value in self.reference.run(None, dict(feeds))]
        if mistake := mistakes.of_reference(self.node, feeds, found, self.opset):
            raise NoAnswer(mistake)
        for name, array in zip(self.names, found):
            dtype, rank = self.types.get(name, (array.dtype, None))
            rank = array.ndim if rank is None else rank
            if (dtype, rank) != (array.dtype, array.ndim):
                raise NoAnswer(f"the reference returns {array.dtype}{list(array.shape)} for {name}, a {dtype} of rank {rank}")
        return found

    def __call__(self, feeds):
        try:
            return self.by_session(feeds) if self.session else self.by_reference(feeds)
        except Exception as error:  # noqa: BLE001
            raise NoAnswer(str(error)) from error


def types_of(model):
    """The element types that the specification gives to the results, and their ranks where these are known."""
    return {value.name: (helper.tensor_dtype_to_np_dtype(value.type.tensor_type.elem_type),
                         len(value.type.tensor_type.shape.dim) if value.type.tensor_type.HasField("shape") else None)
            for value in onnx.shape_inference.infer_shapes(model).graph.output if value.type.tensor_type.elem_type}
