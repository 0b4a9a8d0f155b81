"""Segmentation by torchvision: a dilated backbone, a head, and a resize to the size of the picture."""

import torch
from torchvision.models import segmentation

from torch_export import enliven, export, picture

MODELS = {
    "deeplabv3-mobilenet": (segmentation.deeplabv3_mobilenet_v3_large, 13),
    "lraspp-mobilenet": (segmentation.lraspp_mobilenet_v3_large, 11),
    "fcn-resnet50": (segmentation.fcn_resnet50, 16),
}


class Scores(torch.nn.Module):
    """The scores alone, of a model that returns a dictionary."""

    def __init__(self, model):
        super().__init__()
        self.model = model

    def forward(self, image):
        return self.model(image)["out"]


def make():
    for seed, (name, (build, opset)) in enumerate(MODELS.items()):
        model = Scores(build(weights=None, weights_backbone=None, num_classes=11))
        enliven(model, seed, picture(2, 3, 96, 96, seed=5))
        cases = [{"image": picture(1, 3, 96, 96, seed=1)}, {"image": picture(2, 3, 96, 128, seed=2)}]
        axes = {0: "batch", 2: "height", 3: "width"}
        export(name, "segmentation", model, cases, ["scores"], {"image": axes, "scores": axes}, opset, axis=1)
