"""Models of torchvision for films: three-dimensional convolutions, and a multiscale transformer."""

from torchvision.models import video
from torchvision.models.video.mvit import MSBlockConfig, MViT

from torch_export import enliven, export, picture


def small_mvit():
    """MViT with three blocks in place of sixteen, of which the second pools."""
    def block(channels_in, channels, stride_q, stride_kv):
        return MSBlockConfig(
            num_heads=channels_in // 32 if stride_q == [1, 1, 1] else channels // 32, input_channels=channels_in,
            output_channels=channels, kernel_q=[3, 3, 3], kernel_kv=[3, 3, 3], stride_q=stride_q, stride_kv=stride_kv)

    blocks = [
        block(64, 64, [1, 1, 1], [1, 4, 4]), block(64, 128, [1, 2, 2], [1, 2, 2]), block(128, 128, [1, 1, 1], [1, 2, 2]),
    ]
    return MViT(
        spatial_size=(64, 64), temporal_size=8, block_setting=blocks, residual_pool=True, residual_with_cls_embed=False,
        rel_pos_embed=True, proj_after_attn=True, num_classes=10, stochastic_depth_prob=0.0, patch_embed_kernel=(3, 7, 7),
        patch_embed_stride=(2, 4, 4), patch_embed_padding=(1, 3, 3))


MODELS = {
    "r3d-18": (lambda: video.r3d_18(weights=None, num_classes=10), (8, 56, 56), 13),
    "r2plus1d-18": (lambda: video.r2plus1d_18(weights=None, num_classes=10), (8, 56, 56), 14),
    "s3d": (lambda: video.s3d(weights=None, num_classes=10), (16, 224, 224), 12),
    "mvit-small": (small_mvit, (8, 64, 64), 16),
}


def make():
    for seed, (name, (build, size, opset)) in enumerate(MODELS.items()):
        model = enliven(build(), 10 + seed, picture(2, 3, *size, seed=5))
        cases = [{"film": picture(1, 3, *size, seed=1)}, {"film": picture(1 if name == "s3d" else 2, 3, *size, seed=2)}]
        export(
            name, "video", model, cases, ["scores"], {"film": {0: "batch"}, "scores": {0: "batch"}}, opset, axis=1)
