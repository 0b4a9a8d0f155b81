"""Exports of untrained PyTorch models with live activations, by the exporter that the PyTorch at hand has.

Debian's PyTorch has the exporter that traces TorchScript; PyTorch 2 has also the one that torch.export feeds ("dynamo").
"""

import inspect
import warnings

import numpy as np
import torch

import folder

DYNAMO = "dynamo" in inspect.signature(torch.onnx.export).parameters
EXPORTER = "dynamo" if DYNAMO else "torchscript"
CONVOLUTIONS = (
    torch.nn.Conv1d, torch.nn.Conv2d, torch.nn.Conv3d, torch.nn.Linear, torch.nn.ConvTranspose2d, torch.nn.ConvTranspose1d)
NORMS = (torch.nn.BatchNorm1d, torch.nn.BatchNorm2d, torch.nn.BatchNorm3d)


def random(*shape, seed=0, scale=1.0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * scale


def integers(high, *shape, seed=0, low=0):
    return torch.randint(low, high, shape, generator=torch.Generator().manual_seed(seed))


def picture(*shape, seed=0):
    """Smooth noise, the statistics of a normalised picture or film: [batch, 3, (frames,) height, width]."""
    coarse = random(*shape[:-2], max(shape[-2] // 8, 2), max(shape[-1] // 8, 2), seed=seed)
    flat = torch.nn.functional.interpolate(
        coarse.reshape(-1, 1, *coarse.shape[-2:]), size=shape[-2:], mode="bilinear", align_corners=False)
    return flat.reshape(shape) + random(*shape, seed=seed + 1, scale=0.2)


def enliven(model, seed, sample, part=None):
    """Draws weights that keep activations of order one, then takes the statistics of the norms from a sample."""
    generator = torch.Generator().manual_seed(seed)

    def normal(like, scale, mean=0.0):
        return torch.randn(like.shape, generator=generator) * scale + mean

    norms = [module for module in model.modules() if isinstance(module, NORMS)]
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, CONVOLUTIONS):
                module.weight.copy_(normal(module.weight, (1.7 / module.weight[0].numel()) ** 0.5))
                if module.bias is not None:
                    module.bias.copy_(normal(module.bias, 0.1))
            elif isinstance(module, NORMS + (torch.nn.LayerNorm, torch.nn.GroupNorm)) and module.weight is not None:
                module.weight.copy_(normal(module.weight, 0.15, 1.0))
                module.bias.copy_(normal(module.bias, 0.1))
        for module in norms:
            module.momentum = 1.0
            module.train()
        if norms:
            model_or_part = part or model
            model_or_part(sample)
        model.eval()
        for module in norms:
            module.running_mean += normal(module.running_mean, 0.1) * module.running_var.sqrt()
    return model


def export(name, family, model, cases, outputs, dynamic, opset, **facts):
    """Writes a model with the inputs of its cases.

    `cases` are dictionaries in the order of the model's arguments. `dynamic` maps a tensor's name to its open axes.
    """
    name = f"{name}-dynamo" if DYNAMO else name
    target = folder.begin(name)
    model.eval()
    names = list(cases[0])
    arguments = tuple(cases[0].values())
    path = str(target / "model.onnx")
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        if DYNAMO:
            axes = {
                axis: torch.export.Dim(axis, min=1, max=4096)
                for tensor in dynamic.values() for axis in tensor.values()}
            shapes = tuple({at: axes[axis] for at, axis in dynamic.get(key, {}).items()} for key in names)
            torch.onnx.export(
                model, arguments, path, dynamo=True, input_names=names, output_names=outputs, opset_version=opset,
                dynamic_shapes=shapes, external_data=False, verbose=False)
        else:
            # In evaluation, PyTorch computes this layer by one operator that ONNX lacks.
            attentions = [module for module in model.modules() if isinstance(module, torch.nn.MultiheadAttention)]
            for module in attentions:
                module.training = True
            torch.onnx.export(
                model, arguments, path, opset_version=opset, input_names=names, output_names=outputs,
                dynamic_axes=dynamic, training=torch.onnx.TrainingMode.PRESERVE if attentions else torch.onnx.TrainingMode.EVAL)
    folder.save_inputs(name, [{key: np.asarray(value) for key, value in case.items()} for case in cases])
    folder.describe(
        name, family=family, exporter=EXPORTER, rule="f32", made_by=f"torch {torch.__version__}", opset=opset, **facts)
    print(f"real-models: {name:28} {EXPORTER}, opset {opset}, {(target / 'model.onnx').stat().st_size / 1e6:.1f} MB", flush=True)
