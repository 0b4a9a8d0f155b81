"""Resize in all its modes."""

import numpy as np

from kernel_cases.recording import F32, I32, case, integer, ints, op, real, type_name
from kernel_cases.special_values import reference


def resizing():
    coordinates = {
        "halfPixel": "half_pixel",
        "pytorchHalfPixel": "pytorch_half_pixel",
        "alignCorners": "align_corners",
        "asymmetric": "asymmetric",
        "halfPixelSymmetric": "half_pixel_symmetric",
        "tfCropAndResize": "tf_crop_and_resize",
    }
    roundings = {
        "preferFloor": "round_prefer_floor",
        "preferCeiling": "round_prefer_ceil",
        "floor": "floor",
        "ceiling": "ceil",
    }

    def resize(
        x,
        mode="nearest",
        coordinate="halfPixel",
        rounding="preferFloor",
        scales=None,
        sizes=None,
        roi=None,
        axes=None,
        aspect="stretch",
        opset=19,
        cubic=-0.75,
        exclude=False,
        extrapolation=0.0,
        antialias=False,
    ):
        fields = dict(
            mode=mode,
            coordinates=coordinate,
            rounding=rounding,
            cubicCoefficient=cubic,
            excludeOutside=exclude,
            extrapolationValue=extrapolation,
            antialias=antialias,
            aspectRatio=aspect,
        )
        attributes = dict(
            mode=mode,
            coordinate_transformation_mode=coordinates[coordinate],
            nearest_mode=roundings[rounding],
            cubic_coeff_a=cubic,
            exclude_outside=int(exclude),
            extrapolation_value=extrapolation,
            antialias=int(antialias),
        )
        if axes is not None:
            fields["axes"] = attributes["axes"] = axes
        if aspect != "stretch":
            attributes["keep_aspect_ratio_policy"] = {"notLarger": "not_larger", "notSmaller": "not_smaller"}[
                aspect
            ]
        inputs = [
            x,
            None if roi is None else np.array(roi, F32),
            None if scales is None else np.array(scales, F32),
            None if sizes is None else ints(*sizes),
        ]
        while inputs[-1] is None:
            inputs.pop()
        # ONNX aligns the corners to where the scaled image ends, onnxruntime to its last whole element.
        kind = reference("Resize", attributes, opset=opset) if coordinate == "alignCorners" and scales else None
        case(
            op("resize", **fields),
            "Resize",
            inputs,
            attributes,
            kind=kind and (lambda *inputs: [result.astype(x.dtype) for result in kind(*inputs)]),
            opset=opset,
            parameters=[i for i in range(1, len(inputs)) if inputs[i] is not None],
            name=f"{mode} {coordinate} {rounding} {list(x.shape)} {scales} {sizes} {roi} {axes} {aspect} "
            f"{exclude} {antialias} {type_name(x.dtype)}",
        )

    x = real(1, 2, 5, 6)
    for coordinate in coordinates:
        roi = [0, 0, 0.1, 0.2, 1, 1, 0.8, 1.3] if coordinate == "tfCropAndResize" else None
        for mode in ["nearest", "linear", "cubic"]:
            resize(x, mode, coordinate, scales=[1, 1, 1.7, 0.6], roi=roi, extrapolation=-3.0)
            resize(x, mode, coordinate, sizes=[1, 2, 8, 11], roi=roi, extrapolation=-3.0)
    for rounding in roundings:
        for coordinate in ["halfPixel", "asymmetric", "alignCorners"]:
            resize(x, "nearest", coordinate, rounding, scales=[1, 1, 2, 1.5])
            resize(x, "nearest", coordinate, rounding, sizes=[1, 2, 3, 4])
    resize(x, "nearest", "asymmetric", "floor", scales=[1, 1, 2, 2])
    resize(x, "linear", "alignCorners", sizes=[1, 2, 1, 9])
    resize(x, "linear", "pytorchHalfPixel", sizes=[1, 2, 1, 3])
    resize(real(2, 7), "linear", scales=[1.5, 2])
    resize(real(2, 3, 7), "nearest", scales=[1, 1, 2.5])
    resize(real(1, 2, 3, 4, 5), "linear", scales=[1, 1, 2, 1.5, 2])
    resize(real(1, 2, 3, 4, 5), "nearest", sizes=[1, 2, 6, 2, 7])
    resize(x, "cubic", "halfPixel", scales=[1, 1, 2.3, 0.7], exclude=True)
    resize(x, "cubic", "halfPixel", scales=[1, 1, 2.3, 0.7], cubic=-0.5)
    resize(x, "linear", "halfPixel", scales=[0.8, 1.5], axes=[2, 3])
    resize(x, "nearest", "halfPixel", sizes=[7, 9], axes=[2, 3], aspect="notLarger")
    resize(x, "linear", "halfPixel", sizes=[7, 9], axes=[2, 3], aspect="notSmaller")
    y = real(1, 1, 12, 14)
    resize(y, "linear", "halfPixel", sizes=[1, 1, 5, 6], antialias=True)
    resize(y, "cubic", "halfPixel", sizes=[1, 1, 5, 6], antialias=True)
    resize(y, "cubic", "halfPixel", sizes=[1, 1, 5, 20], antialias=True, exclude=True)
    resize(
        integer(1, 1, 4, 4, dtype=np.uint8, high=255), "nearest", "asymmetric", "floor", scales=[1, 1, 2, 2]
    )
    resize((integer(1, 1, 4, 4, high=30) * 4).astype(np.uint8), "linear", "asymmetric", scales=[1, 1, 2, 2])
    resize(integer(1, 1, 4, 4, dtype=I32), "nearest", "halfPixel", scales=[1, 1, 2, 0.5])
