"""Classifiers and flow of torchvision that the benchmark's ten leave out: attention, gates, shuffles, grid sampling."""

from functools import partial

import torch
from torchvision.models import convnext, efficientnet_b0, maxvit, mobilenet_v3_small, regnet_y_400mf, shufflenet_v2_x0_5
from torchvision.models.optical_flow import raft_small
from torchvision.models.swin_transformer import SwinTransformer
from torchvision.models.vision_transformer import VisionTransformer

from torch_export import enliven, export, picture


def small_convnext():
    blocks = [convnext.CNBlockConfig(48, 96, 1), convnext.CNBlockConfig(96, 192, 2), convnext.CNBlockConfig(192, None, 1)]
    return convnext.ConvNeXt(blocks, layer_scale=0.5, num_classes=10)


def small_maxvit():
    return maxvit.MaxVit(
        input_size=(112, 112), stem_channels=32, partition_size=7, block_channels=[32, 64], block_layers=[1, 1],
        head_dim=16, stochastic_depth_prob=0.0, num_classes=10)


def small_vit():
    return VisionTransformer(
        image_size=96, patch_size=16, num_layers=3, num_heads=4, hidden_dim=128, mlp_dim=256, num_classes=10)


def small_swin():
    return SwinTransformer(
        patch_size=[4, 4], embed_dim=48, depths=[2, 2], num_heads=[3, 6], window_size=[4, 4], stochastic_depth_prob=0.0,
        num_classes=10)


class Flow(torch.nn.Module):
    """RAFT after three rounds."""

    def __init__(self):
        super().__init__()
        self.model = raft_small(weights=None)

    def forward(self, first, second):
        return self.model(first, second, num_flow_updates=3)[-1]


MODELS = {
    "efficientnet-b0": (partial(efficientnet_b0, num_classes=10), 96, 13),
    "mobilenet-v3-small": (partial(mobilenet_v3_small, num_classes=10), 96, 12),
    "shufflenet-v2": (partial(shufflenet_v2_x0_5, num_classes=10), 96, 11),
    "regnet-y": (partial(regnet_y_400mf, num_classes=10), 96, 15),
    "convnext-small": (small_convnext, 96, 16),
    "maxvit-small": (small_maxvit, 112, 17),
    "vit-small": (small_vit, 96, 14),
    "swin-small": (small_swin, 96, 13),
}


def make():
    axes = {"image": {0: "batch"}, "scores": {0: "batch"}}
    for seed, (name, (build, size, opset)) in enumerate(MODELS.items()):
        torch.manual_seed(50 + seed)
        model = enliven(build(), 50 + seed, picture(4, 3, size, size, seed=5))
        cases = [{"image": picture(1, 3, size, size, seed=1)}, {"image": picture(3, 3, size, size, seed=2)}]
        export(name, "vision", model, cases, ["scores"], axes, opset, axis=1)
    torch.manual_seed(60)
    model = Flow()
    cases = [
        {"first": picture(1, 3, 128, 128, seed=seed).tanh(), "second": picture(1, 3, 128, 128, seed=seed + 2).tanh()}
        for seed in (1, 2)]
    export("raft-small", "vision", model, cases, ["flow"], {}, 16)
