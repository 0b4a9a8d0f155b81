"""RNN, LSTM and GRU with any activations, clipped, in all directions and layouts. onnxruntime has no batch-first layout:
those answers are its answers for the operands with the axes swapped."""

import numpy as np

from .recording import BF16, by_onnxruntime, case, model_of, real, refused

rng = np.random.default_rng(53)
GATES = {"RNN": 1, "LSTM": 4, "GRU": 3}
STATES = {"RNN": 1, "LSTM": 2, "GRU": 1}
COUNTS = {"RNN": 1, "LSTM": 3, "GRU": 2}
ACTIVATIONS = (
    "Relu", "Tanh", "Sigmoid", "Affine", "LeakyRelu", "ThresholdedRelu", "ScaledTanh", "HardSigmoid", "Elu", "Softsign", "Softplus"
)
# The functions with parameters: values that a model gives.
ALPHAS = {"Affine": 0.5, "LeakyRelu": 0.25, "ThresholdedRelu": 0.125, "ScaledTanh": 0.75, "HardSigmoid": 0.3, "Elu": 0.5}
BETAS = {"Affine": 0.2, "ScaledTanh": 1.5, "HardSigmoid": 0.4}


def given(activations):
    """The attributes of a list of activations: parameters in the order of the functions that have them."""
    alphas, betas = ([table[name] for name in activations if name in table] for table in (ALPHAS, BETAS))
    return {
        "activations": list(activations), **({"activation_alpha": alphas} if alphas else {}),
        **({"activation_beta": betas} if betas else {}),
    }


def operands(
    node, directions=1, *, steps=5, batch=3, width=4, hidden=6, bias=True, lengths=None, initial=True, peepholes=False,
    dtype=np.float32,
):
    rows = GATES[node] * hidden
    states = [real(rng, directions, batch, hidden, dtype=dtype, scale=0.5) if initial else None for _ in range(STATES[node])]
    made = [
        real(rng, steps, batch, width, dtype=dtype), real(rng, directions, rows, width, dtype=dtype, scale=0.5),
        real(rng, directions, rows, hidden, dtype=dtype, scale=0.4),
        real(rng, directions, 2 * rows, dtype=dtype, scale=0.3) if bias else None,
        None if lengths is None else np.int32(lengths), *states,
        real(rng, directions, 3 * hidden, dtype=dtype, scale=0.5) if peepholes else None,
    ]
    while made[-1] is None:
        made.pop()
    return made


def cell(node, attributes=None, *, name, outputs=None, opset=21, hidden=6, **options):
    attributes = {"hidden_size": hidden, **(attributes or {})}
    directions = 2 if attributes.get("direction") == "bidirectional" else 1
    outputs = outputs or (True,) * (1 + STATES[node])
    inputs = operands(node, directions, hidden=hidden, **options)
    more = {}
    dtype = options.get("dtype", np.float32)
    if dtype != np.float32:
        # The same in floats, which onnxruntime has alone.
        model = model_of(
            node, [array if array is None or array.dtype == np.int32 else array.astype(np.float32) for array in inputs],
            attributes, opset, "", outputs, ())
        more = {"expected": [array.astype(dtype) for array in by_onnxruntime(*model)]}
        if dtype == np.float64:
            more["tolerance"] = (1e-4, 1e-5)
    case(node, inputs, attributes, opset=opset, outputs=outputs, name=name, **more)


def batch_first(node, attributes=None, *, name, outputs=None, **options):
    attributes = {"hidden_size": 6, **(attributes or {})}
    directions = 2 if attributes.get("direction") == "bidirectional" else 1
    outputs = outputs or (True,) * (1 + STATES[node])
    inputs = operands(node, directions, **options)
    results = by_onnxruntime(*model_of(node, inputs, attributes, 21, "", outputs, ()))
    # y is [steps, directions, batch, hidden], and becomes [batch, steps, directions, hidden].
    swapped = [np.ascontiguousarray(array.transpose(2, 0, 1, 3) if array.ndim == 4 else array.swapaxes(0, 1)) for array in results]
    for index in (0, 5, 6):
        if index < len(inputs) and inputs[index] is not None:
            inputs[index] = np.ascontiguousarray(inputs[index].swapaxes(0, 1))
    case(node, inputs, {**attributes, "layout": 1}, outputs=outputs, name=f"{name}, batch first", expected=swapped)


for activation in ACTIVATIONS:
    cell("RNN", given([activation]), name=activation, steps=4)
    cell("LSTM", given([activation if activation in ("HardSigmoid", "Softsign", "Affine") else "Sigmoid", activation, activation]),
         name=activation, steps=3, hidden=3)
    cell("GRU", given(["HardSigmoid", activation]), name=activation, steps=3, hidden=3)
    cell("GRU", {**given(["Sigmoid", activation]), "clip": 0.5, "linear_before_reset": 1}, name=f"{activation}, clipped",
         steps=3, hidden=3)
# Default values of parameters, where onnxruntime has them.
for activation in ("LeakyRelu", "HardSigmoid", "Elu"):
    cell("RNN", {"activations": [activation]}, name=f"{activation} with default parameters")

MIXED = {
    "RNN": ["LeakyRelu", "ScaledTanh"], "GRU": ["HardSigmoid", "LeakyRelu", "Sigmoid", "Softsign"],
    "LSTM": ["HardSigmoid", "Softsign", "Elu", "Sigmoid", "ScaledTanh", "Affine"],
}
for node in GATES:
    mixed = MIXED[node]
    first = given(mixed[:COUNTS[node]])
    cell(node, name="defaults", initial=False, bias=False)
    cell(node, name="without bias", bias=False)
    cell(node, name="of opset 7", opset=7, lengths=[5, 2, 3])
    cell(node, name="of opset 22", opset=22, lengths=[5, 2, 3])
    cell(node, {"direction": "reverse"}, name="reverse", lengths=[5, 2, 3])
    cell(node, {"direction": "bidirectional"}, name="bidirectional", lengths=[1, 5, 3])
    cell(node, {"direction": "reverse", **first}, name="reverse, odd activations", lengths=[5, 2, 3])
    cell(node, {"direction": "bidirectional", **given(mixed)}, name="bidirectional, odd activations", lengths=[1, 5, 3])
    cell(node, {"direction": "bidirectional", **given(mixed), "clip": 0.3}, name="bidirectional, clipped")
    cell(node, first, name="last state alone", outputs=(False, True))
    cell(node, first, name="doubles", dtype=np.float64)
    cell(node, first, name="halves", dtype=np.float16)
    cell(node, first, name="brain floats", dtype=BF16, opset=22)
    batch_first(node, first, name="odd activations", lengths=[5, 2, 3])
    batch_first(node, {"direction": "bidirectional", **given(mixed)}, name="bidirectional")
    batch_first(node, name="defaults", initial=False)
    lower = [name.lower() for name in mixed[:COUNTS[node]]]
    spelled = {**first, "activations": lower}
    inputs = operands(node)
    model = model_of(node, inputs, {"hidden_size": 6, **first}, 21, "", (True, True), ())
    case(node, inputs, {"hidden_size": 6, **spelled}, outputs=(True, True), name="names in small letters", expected=by_onnxruntime(*model))

cell("LSTM", {"input_forget": 1}, name="coupled gates")
cell("LSTM", {"input_forget": 1, "direction": "bidirectional", **given(MIXED["LSTM"])}, name="coupled gates, odd activations",
     peepholes=True)
cell("LSTM", {"clip": 0.4, **given(["HardSigmoid", "Tanh", "Relu"])}, name="peepholes, clipped", peepholes=True, lengths=[4, 5, 1])
cell("LSTM", {"activations": ["Sigmoid", "Tanh", "Tanh"]}, name="default activations by name")

# The weights in the file show the hidden size, which onnxruntime must be told.
inputs = operands("RNN")
told = model_of("RNN", inputs, {"activations": ["Relu"], "hidden_size": 6}, 14, "", (True, True), ())
case("RNN", inputs, {"activations": ["Relu"]}, constants=(1, 2, 3), outputs=(True, True), opset=14, name="without hidden_size",
     expected=by_onnxruntime(*told))
newer = model_of("RNN", inputs, {"hidden_size": 6}, 7, "", (True, True), ())
case("RNN", inputs, {"hidden_size": 6, "output_sequence": 1}, opset=1, outputs=(True, True), name="of opset 1", expected=by_onnxruntime(*newer))
# The default value of ThresholdedRelu's alpha is that of the operator, one; onnxruntime takes zero.
model = model_of("RNN", inputs, {"hidden_size": 6, "activations": ["ThresholdedRelu"], "activation_alpha": [1.0]}, 21, "", (True,), ())
case("RNN", inputs, {"hidden_size": 6, "activations": ["ThresholdedRelu"]}, name="default threshold", expected=by_onnxruntime(*model))

refused("RNN", inputs, {"hidden_size": 6, "activations": ["Mish"]}, name="an unknown activation")
refused("RNN", inputs, {"hidden_size": 6, "activations": ["Relu", "Tanh"]}, name="a surplus activation")
refused("RNN", inputs, {"hidden_size": 7}, name="another hidden size")
refused("RNN", inputs[:4] + [np.int32([1, 2, 9])], {"hidden_size": 6}, name="a sequence that is too long")
