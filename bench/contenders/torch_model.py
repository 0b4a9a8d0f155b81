"""A classifier's .onnx file as a PyTorch module with the same weights."""

import onnx
import torch
from onnx import numpy_helper
from torch.nn.utils.fusion import fuse_conv_bn_eval


def built(path, folds):
    """The module. `folds`: BatchNorm that follows a convolution alone becomes a part of it, as in the paper."""
    model = Builder(onnx.load(path).graph).module.eval()
    if folds:
        fold(model)
    return model.to(memory_format=torch.channels_last)


def fold(model):
    modules = dict(model.named_modules())
    for node in list(model.graph.nodes):
        if node.op != "call_module" or not isinstance(modules[node.target], torch.nn.BatchNorm2d):
            continue
        source = node.args[0]
        if source.op != "call_module" or not isinstance(modules[source.target], torch.nn.Conv2d) or len(source.users) > 1:
            continue
        setattr(model, source.target, fuse_conv_bn_eval(modules[source.target], modules[node.target]))
        node.replace_all_uses_with(source)
        model.graph.erase_node(node)
    model.delete_all_unused_submodules()
    model.recompile()


class Builder:
    """Makes one module a node, and a graph that calls them."""

    def __init__(self, graph):
        self.constants = {weight.name: tensor(weight) for weight in graph.initializer}
        self.root = torch.nn.Module()
        self.calls = torch.fx.Graph()
        self.values = {
            value.name: self.calls.placeholder(value.name) for value in graph.input if value.name not in self.constants}
        for number, node in enumerate(graph.node):
            attributes = {item.name: onnx.helper.get_attribute_value(item) for item in node.attribute}
            self.add(f"layer{number}", node, attributes)
        self.calls.output(tuple(self.values[value.name] for value in graph.output))
        self.module = torch.fx.GraphModule(self.root, self.calls)

    def add(self, name, node, attributes):
        if node.op_type == "Constant":
            self.constants[node.output[0]] = tensor(attributes["value"])
            return
        if node.op_type in ("Add", "Concat"):
            values = [self.values[value] for value in node.input]
            made = (
                self.calls.call_function(torch.add, tuple(values)) if node.op_type == "Add"
                else self.calls.call_function(torch.cat, (values, attributes["axis"])))
        else:
            self.root.add_module(name, getattr(self, node.op_type)(node, attributes))
            made = self.calls.call_module(name, (self.values[node.input[0]],))
        self.values[node.output[0]] = made

    def operand(self, node, index):
        return self.constants.get(node.input[index]) if index < len(node.input) else None

    # One function an operator; each is named after it.

    def Conv(self, node, attributes):
        weight, bias = self.operand(node, 1), self.operand(node, 2)
        groups = attributes.get("group", 1)
        layer = torch.nn.Conv2d(
            weight.shape[1] * groups, weight.shape[0], tuple(weight.shape[2:]), attributes.get("strides", 1),
            symmetric(attributes), attributes.get("dilations", 1), groups, bias is not None)
        return filled(layer, weight=weight, bias=bias)

    def BatchNormalization(self, node, attributes):
        scale, shift, mean, variance = (self.operand(node, index) for index in range(1, 5))
        layer = torch.nn.BatchNorm2d(len(scale), eps=attributes.get("epsilon", 1e-5))
        return filled(layer, weight=scale, bias=shift, running_mean=mean, running_var=variance)

    def Gemm(self, node, attributes):
        weight, bias = self.operand(node, 1), self.operand(node, 2)
        weight = weight if attributes.get("transB") else weight.T
        return filled(torch.nn.Linear(weight.shape[1], weight.shape[0]), weight=weight, bias=bias)

    def Relu(self, *_):
        return torch.nn.ReLU()

    def Clip(self, node, _):
        return torch.nn.Hardtanh(float(self.operand(node, 1)), float(self.operand(node, 2)))

    def Flatten(self, *_):
        return torch.nn.Flatten()

    def GlobalAveragePool(self, *_):
        return torch.nn.AdaptiveAvgPool2d(1)

    def MaxPool(self, _, attributes):
        return torch.nn.MaxPool2d(
            tuple(attributes["kernel_shape"]), tuple(attributes["strides"]), symmetric(attributes),
            ceil_mode=bool(attributes.get("ceil_mode")))

    def AveragePool(self, _, attributes):
        return torch.nn.AvgPool2d(
            tuple(attributes["kernel_shape"]), tuple(attributes["strides"]), symmetric(attributes),
            ceil_mode=bool(attributes.get("ceil_mode")), count_include_pad=bool(attributes.get("count_include_pad")))

    def Pad(self, node, attributes):
        pads = attributes.get("pads") or self.operand(node, 1).tolist()
        if any(pads):
            raise NotImplementedError("padding")
        return torch.nn.Identity()


def tensor(proto):
    return torch.from_numpy(numpy_helper.to_array(proto).copy())


def symmetric(attributes):
    pads = attributes.get("pads", [0, 0, 0, 0])
    if pads[:2] != pads[2:]:
        raise NotImplementedError(f"padding {pads}")
    return tuple(pads[:2])


def filled(layer, **values):
    state = {name: value for name, value in values.items() if value is not None}
    layer.load_state_dict(state, strict=False)
    return layer
