#!/usr/bin/env python3
"""Exports classifiers from torchvision to .cache/models: untrained, but with live activations throughout.

Weights are random with a fixed seed. BatchNorm is left in the files, since folding it is the engine's work, and
its parameters and statistics are far from the identity, so that a wrong fold shows. Statistics are first taken from
a batch of pictures and then disturbed: activations stay of order one down to the last layer, and outputs differ from
picture to picture. `make references` checks that they do.

Runs with Debian's python3-torchvision, which needs no network.
"""

import pathlib
import warnings

import numpy as np
import torch
import torchvision

import pictures

MODELS = pathlib.Path(__file__).resolve().parent.parent / ".cache" / "models"
SIZE = 224

# name: (how torchvision calls it, the opset it is written in). Opsets vary to exercise the importer.
CLASSIFIERS = {
    "resnet18": ("resnet18", 13),
    "resnet50": ("resnet50", 13),
    "vgg16": ("vgg16", 11),
    "mobilenet-v2": ("mobilenet_v2", 16),
    "squeezenet": ("squeezenet1_1", 12),
    "alexnet": ("alexnet", 9),
    "densenet121": ("densenet121", 14),
    "googlenet": ("googlenet", 15),
}
OPTIONS = {"googlenet": {"aux_logits": False, "transform_input": False, "init_weights": False}}


def calibration_batch():
    """Pictures like the ones the models are run on later, from seeds that are used nowhere else."""
    shots = [pictures.photo(np.random.default_rng(900 + i), SIZE, SIZE) for i in range(4)]
    return torch.from_numpy(np.stack([pictures.imagenet(shot) for shot in shots]))


def enliven(model, generator):
    """Gives every layer weights and statistics that keep activations of order one and tell pictures apart."""
    def drawn(like, low, high):
        return torch.rand(like.shape, generator=generator) * (high - low) + low

    def normal(like, scale):
        return torch.randn(like.shape, generator=generator) * scale

    norms = []
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, (torch.nn.Conv2d, torch.nn.Linear)):
                fan_in = module.weight[0].numel()
                module.weight.copy_(normal(module.weight, (2.0 / fan_in) ** 0.5))
                if module.bias is not None:
                    module.bias.copy_(normal(module.bias, 0.1))
            elif isinstance(module, torch.nn.BatchNorm2d):
                module.weight.copy_(drawn(module.weight, 0.6, 1.4))
                module.bias.copy_(normal(module.bias, 0.2))
                module.momentum = 1.0
                norms.append(module)
        # In training mode each norm takes its statistics from the batch that reaches it.
        model.train()
        for module in model.modules():
            if isinstance(module, torch.nn.Dropout):
                module.eval()
        model(calibration_batch())
        model.eval()
        for module in norms:
            deviation = module.running_var.sqrt()
            module.running_mean += normal(module.running_mean, 0.1) * deviation
            module.running_var *= drawn(module.running_var, 0.8, 1.25)
    return model


def export(model, name, opset):
    """Writes one model with a dynamic batch and without any rewriting of its graph by the exporter."""
    target = MODELS / f"{name}.onnx"
    partial = target.with_suffix(".partial")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            model, torch.zeros(1, 3, SIZE, SIZE), str(partial), opset_version=opset,
            training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False,
            input_names=["image"], output_names=["scores"],
            dynamic_axes={"image": {0: "batch"}, "scores": {0: "batch"}})
    partial.replace(target)
    print(f"classifiers: {name:14} opset {opset:2} {target.stat().st_size / 1e6:7.1f} MB", flush=True)


def generator(seed):
    return torch.Generator().manual_seed(seed)


class Headed(torch.nn.Module):
    """A backbone and a head of its own."""

    def __init__(self, backbone, head):
        super().__init__()
        self.backbone = backbone
        self.head = head

    def forward(self, image):
        return self.head(self.backbone(image))


def export_shared_backbone():
    """One ResNet-18 backbone under two different heads: equal weights that must be resident once."""
    backbone = torchvision.models.resnet18(weights=None)
    backbone.fc = torch.nn.Identity()
    enliven(backbone, generator(77))
    heads = {
        "resnet18-a": torch.nn.Linear(512, 10),
        "resnet18-b": torch.nn.Sequential(
            torch.nn.Linear(512, 64), torch.nn.ReLU(), torch.nn.Linear(64, 5), torch.nn.Sigmoid()),
    }
    for seed, (name, head) in enumerate(heads.items()):
        with torch.no_grad():
            for parameter in head.parameters():
                parameter.copy_(torch.randn(parameter.shape, generator=generator(80 + seed)) * 0.08)
        export(Headed(backbone, head).eval(), name, 13)


def main():
    MODELS.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(1)
    for seed, (name, (constructor, opset)) in enumerate(CLASSIFIERS.items()):
        model = getattr(torchvision.models, constructor)(weights=None, **OPTIONS.get(name, {}))
        export(enliven(model, generator(seed)), name, opset)
    export_shared_backbone()
    # Last: its presence says that all of them are there, made by this very script.
    (MODELS / ".exported-by.py").write_bytes(pathlib.Path(__file__).read_bytes())


if __name__ == "__main__":
    main()
