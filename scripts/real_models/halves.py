"""The f32 model that rounds as a model in f16 is specified to: every weight, input and result of a node, to f16."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def rounded(array):
    return array.astype(np.float16).astype(np.float32) if array.dtype == np.float32 else array


def casts(raw, name):
    return [
        helper.make_node("Cast", [raw], [f"{name}/half"], to=TensorProto.FLOAT16, name=f"{name}/half"),
        helper.make_node("Cast", [f"{name}/half"], [name], to=TensorProto.FLOAT, name=f"{name}/float")]


def rounding_model(path):
    """The model of a path, with a pair of casts behind each result whose type is known to be f32; not in branches and loops."""
    model = onnx.load(path)
    graph = model.graph
    values = [*onnx.shape_inference.infer_shapes(model).graph.value_info, *graph.output]
    floats = {value.name for value in values if value.type.tensor_type.elem_type == TensorProto.FLOAT}
    for item in graph.initializer:
        item.CopyFrom(numpy_helper.from_array(rounded(numpy_helper.to_array(item)), item.name))
    nodes = []
    for node in graph.node:
        nodes.append(node)
        if node.op_type == "Constant":
            continue
        for index, name in enumerate(node.output):
            if name in floats:
                node.output[index] = f"{name}/raw"
                nodes += casts(f"{name}/raw", name)
    del graph.node[:]
    graph.node.extend(nodes)
    return model
