"""Detection by torchvision, from the picture to the boxes that non-maximum suppression keeps.

The number of boxes depends on the picture. Heads are drawn so that scores spread over the thresholds.
"""

import torch
from torchvision.models import detection
from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
from torchvision.ops.feature_pyramid_network import LastLevelP6P7

from torch_export import enliven, export, picture, random

REGION = {"num_classes": 5, "min_size": 160, "max_size": 224, "rpn_pre_nms_top_n_test": 100, "rpn_post_nms_top_n_test": 30,
          "box_score_thresh": 0.3}
DENSE = {"num_classes": 5, "min_size": 128, "max_size": 160, "detections_per_img": 30, "topk_candidates": 100}


def pyramid(**options):
    """The backbone of the usual detectors, with ResNet-18 in place of ResNet-50."""
    return resnet_fpn_backbone(backbone_name="resnet18", weights=None, trainable_layers=5, norm_layer=torch.nn.BatchNorm2d, **options)


def dense_pyramid():
    return pyramid(returned_layers=[2, 3, 4], extra_blocks=LastLevelP6P7(256, 256))


class Found(torch.nn.Module):
    """One picture in; the tensors of its dictionary out."""

    def __init__(self, model, names):
        super().__init__()
        self.model, self.names = model, names

    def forward(self, image):
        found = self.model([image])
        found = found[1] if isinstance(found, tuple) else found
        return tuple(found[0][name] for name in self.names)


class Heads(torch.nn.Module):
    """The scores and offsets of every anchor of SSDLite, as detectors for small devices are exported."""

    def __init__(self, model):
        super().__init__()
        self.backbone, self.head = model.backbone, model.head

    def forward(self, image):
        found = self.head(list(self.backbone(image).values()))
        return found["cls_logits"], found["bbox_regression"]


def spread(model, seed):
    """Redraws the last layers: scores of wide spread, offsets that stay near their anchors."""
    with torch.no_grad():
        for index, (name, value) in enumerate(model.named_parameters()):
            if not any(part in name for part in ("predictor", "_head", "cls_logits", "bbox_", "rpn.head", "head.module_list", "centerness")):
                continue
            last = any(part in name for part in (
                "cls_score", "cls_logits", "bbox_pred", "bbox_reg", "mask_fcn_logits", "centerness", "1.weight", "kps_score"))
            if value.dim() > 1 and last:
                # The pyramid of RetinaNet has no norms: its activations are larger.
                scale = 0.3 if "bbox" in name or "regression" in name else 0.3 if isinstance(model, detection.RetinaNet) else 1.5
                value.copy_(random(*value.shape, seed=seed + index, scale=scale * value[0].numel() ** -0.5))
    return model


BOXES = ["boxes", "labels", "scores"]
MODELS = {
    "fasterrcnn-mobilenet": (lambda: detection.fasterrcnn_mobilenet_v3_large_320_fpn(
        weights=None, weights_backbone=None, **REGION, box_detections_per_img=20), BOXES, 11),
    "maskrcnn-resnet18": (
        lambda: detection.MaskRCNN(pyramid(), **REGION, box_detections_per_img=8), BOXES + ["masks"], 11),
    "retinanet-resnet18": (lambda: detection.RetinaNet(dense_pyramid(), **DENSE, score_thresh=0.6), BOXES, 12),
    "fcos-resnet18": (lambda: detection.FCOS(dense_pyramid(), **DENSE, score_thresh=0.4), BOXES, 13),
    "ssdlite-mobilenet": (lambda: detection.ssdlite320_mobilenet_v3_large(
        weights=None, weights_backbone=None, num_classes=5, score_thresh=0.4, detections_per_img=30, topk_candidates=100),
        BOXES, 14),
}


def make():
    for seed, (name, (build, outputs, opset)) in enumerate(MODELS.items()):
        torch.manual_seed(30 + seed)
        model = build()
        enliven(model, 30 + seed, picture(2, 3, 128, 160, seed=5), part=model.backbone)
        model = spread(model, 100 * seed)
        if name == "ssdlite-mobilenet":
            heads = [{"image": picture(1, 3, 160, 160, seed=1)}, {"image": picture(2, 3, 160, 160, seed=2)}]
            batch = {0: "batch"}
            export("ssdlite-heads", "detection", Heads(model), heads, ["scores", "offsets"],
                   {"image": batch, "scores": batch, "offsets": batch}, opset)
        cases = [{"image": picture(3, 120, 150, seed=1).sigmoid()}, {"image": picture(3, 140, 130, seed=2).sigmoid()}]
        export(name, "detection", Found(model, outputs), cases, outputs,
               {"image": {1: "height", 2: "width"}} | {output: {0: "found"} for output in outputs}, opset, decides=True)
