"""The forms for which a peer is known to be wrong: its answer counts for nothing there, and the other peer is asked."""

import numpy as np

from . import draw
from .exclusions import any_nan, named, operand


def of_onnxruntime(node, feeds):
    """The reason why onnxruntime's answer is wrong; `None` where it is right."""
    if node.op_type == "Shrink" and operand(node, feeds, 0).dtype == np.float64:
        return "onnxruntime rounds doubles to floats"
    return None


def of_reference(node, feeds, results, opset):
    """The reason why the answer of ONNX's reference implementation is wrong; `None` where it is right."""
    found = CHECKS.get(node.op_type)
    reason = found(node, feeds, opset) if found else None
    if not reason and node.domain == "ai.onnx.ml" and node.op_type.endswith("Regressor") and results[0].dtype != np.float32:
        reason = f"the reference returns {results[0].dtype} for a tensor of floats"
    return reason


def local_response(node, feeds, opset):
    x = operand(node, feeds, 0)
    if x.ndim > 1 and x.shape[0] < x.shape[1]:
        return "the reference computes as many channels as there are images"
    return None


def quantize(node, feeds, opset):
    if any(draw.is_float(array.dtype) and array.size and np.nanmax(np.abs(array.astype(np.float64))) > 1e6 for array in feeds.values()):
        return "the reference converts numbers beyond 32 bits"
    return None


def of_last_axis(node, feeds, opset):
    return "the reference does not flatten the axes behind the first one" if opset < 13 else None


def largest_of_windows(node, feeds, opset):
    if len(node.output) > 1 and np.prod(operand(node, feeds, 0).shape[:2]) > 1:
        return "the reference counts the places of each channel from nought"
    return None


def average_of_windows(node, feeds, opset):
    return "the reference leaves out NaNs" if any_nan(operand(node, feeds, 0)) else None


def unique(node, feeds, opset):
    axis = named(node, "axis")
    if not named(node, "sorted", 1) and (axis != 0 if axis is not None else operand(node, feeds, 0).ndim > 1):
        return "the reference takes elements that are not sorted along the first axis"
    return None


def transposed_convolution(node, feeds, opset):
    return "the reference mixes the groups" if named(node, "group", 1) > 1 else None


def loop(node, feeds, opset):
    return "the reference runs no round of a loop without a condition" if not node.input[1] else None


CHECKS = {
    "LRN": local_response, "QuantizeLinear": quantize, **dict.fromkeys(["Softmax", "LogSoftmax", "Hardmax"], of_last_axis),
    "MaxPool": largest_of_windows, "AveragePool": average_of_windows, "Unique": unique, "ConvTranspose": transposed_convolution,
    "Loop": loop,
}
