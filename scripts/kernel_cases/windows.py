"""Convolution, deconvolution and pooling."""

import numpy as np

from kernel_cases.recording import F16, F32, F64, any_type, case, op, real, type_name, unary


def windows():
    def explicit(*pads):
        return {"explicit": {"_0": list(pads)}}

    def conv(
        kernel,
        strides=None,
        dilations=None,
        pads=None,
        groups=1,
        auto=None,
        dtype=F32,
        images=2,
        channels=4,
        kernels=6,
        size=None,
        bias=True,
        post=(),
        after=None,
        extra=(),
    ):
        rank = len(kernel)
        size = size or (9, 8, 7)[:rank]
        strides, dilations = strides or [1] * rank, dilations or [1] * rank
        attributes = {"strides": strides, "dilations": dilations, "group": groups}
        attributes["pads" if not auto else "auto_pad"] = (pads or [0] * 2 * rank) if not auto else auto
        padding = {"SAME_UPPER": {"sameUpper": {}}, "SAME_LOWER": {"sameLower": {}}}.get(auto) or explicit(
            *(pads or [0] * 2 * rank)
        )
        x, w = real(images, channels, *size), real(kernels, channels // groups, *kernel)
        inputs = [x, w] + ([real(kernels)] if bias else [])
        inputs = [v.astype(dtype) for v in inputs]
        operands = inputs + list(extra) if bias else inputs + ([None] + list(extra) if extra else [])
        case(
            op("conv", strides=strides, dilations=dilations, padding=padding, groups=groups),
            "Conv",
            inputs,
            attributes,
            operands=operands,
            name=f"{kernel}{strides}{dilations}{pads}{groups}{auto}{type_name(np.dtype(dtype))} {len(post)}",
            post=post,
            after=after,
            compute=F32 if dtype == F64 else None,
        )

    conv([3, 3], pads=[1, 1, 1, 1])
    conv([3, 3], strides=[2, 2], pads=[0, 1, 1, 2])
    conv([3, 2], dilations=[2, 3], pads=[2, 0, 1, 3], bias=False)
    conv([1, 1], images=1)
    conv([3, 3], groups=2, pads=[1, 1, 1, 1])
    conv([3, 3], groups=4, channels=4, kernels=4, pads=[1, 1, 1, 1])
    conv([5], strides=[2], pads=[4, 0])
    conv([2, 3, 2], strides=[2, 1, 1], pads=[1, 0, 1, 0, 1, 0])
    conv([3, 3], strides=[2, 2], auto="SAME_UPPER")
    conv([2, 4], strides=[1, 3], auto="SAME_LOWER")
    conv([3, 3], pads=[5, 4, 3, 5])
    conv([3, 3], pads=[1, 1, 1, 1], dtype=F64)
    conv([3, 3], pads=[1, 1, 1, 1], dtype=F16)
    conv([3, 3], channels=3, kernels=5, pads=[1, 1, 1, 1])
    relu = {"unary": {"_0": {"relu": {}}}}
    # Images that are one element wide.
    conv([5, 1], size=(12, 1))
    conv([3, 1], size=(12, 1), strides=[2, 3], pads=[2, 0, 1, 0], post=[relu], after=lambda y: np.maximum(y, 0))
    conv([3, 1], size=(12, 1), strides=[1, 3], pads=[0, 1, 0, 1])
    conv([3, 1], size=(12, 1), groups=2, auto="SAME_UPPER", bias=False)
    conv([3, 1], size=(12, 1), dilations=[2, 4], pads=[2, 0, 0, 0], bias=False)
    conv([3, 3], pads=[1, 1, 1, 1], post=[relu], after=lambda y: np.maximum(y, 0))
    other = real(2, 6, 9, 8)
    add = {"binary": {"_0": "add", "operand": 3}}
    conv([3, 3], pads=[1, 1, 1, 1], post=[add, relu], extra=[other], after=lambda y: np.maximum(y + other, 0))
    conv(
        [3, 3],
        pads=[1, 1, 1, 1],
        bias=False,
        post=[add, relu],
        extra=[other],
        after=lambda y: np.maximum(y + other, 0),
    )
    gate = {"binary": {"_0": "multiply", "operand": 3}}
    scale = real(1, 6, 1, 1)
    conv(
        [1, 1],
        post=[{"unary": {"_0": {"sigmoid": {}}}}, gate],
        extra=[scale],
        after=lambda y: scale / (1 + np.exp(-y)),
    )
    conv(
        [1, 1],
        post=[{"unary": {"_0": {"clip": {"minimum": 0, "maximum": 6}}}}],
        after=lambda y: np.clip(y, 0, 6),
    )
    conv([1, 1], post=[{"unary": {"_0": {"silu": {}}}}], after=lambda y: y / (1 + np.exp(-y)))

    def deconv(
        kernel,
        strides=None,
        pads=None,
        extra=None,
        shape=None,
        auto=None,
        groups=1,
        dilations=None,
        size=None,
    ):
        rank = len(kernel)
        size = size or (4, 5, 3)[:rank]
        strides, dilations, extra = strides or [1] * rank, dilations or [1] * rank, extra or [0] * rank
        attributes = {"strides": strides, "dilations": dilations, "group": groups, "output_padding": extra}
        if auto:
            attributes["auto_pad"] = auto
        elif not shape:
            attributes["pads"] = pads or [0] * 2 * rank
        if shape:
            attributes["output_shape"] = shape
        padding = {"SAME_UPPER": {"sameUpper": {}}, "SAME_LOWER": {"sameLower": {}}}.get(auto) or explicit(
            *(pads or [0] * 2 * rank)
        )
        fields = dict(
            window=dict(strides=strides, dilations=dilations, padding=padding, groups=groups),
            outputPadding=extra,
        )
        if shape:
            fields["outputShape"] = shape
        case(
            op("deconv", **fields),
            "ConvTranspose",
            [real(2, 4, *size), real(4, 6 // groups, *kernel), real(6)],
            attributes,
            name=f"{kernel}{strides}{pads}{extra}{shape}{auto}{groups}{dilations}",
        )

    deconv([3, 3])
    deconv([2, 2], strides=[2, 2])
    deconv([3, 3], strides=[2, 2], pads=[1, 1, 1, 1], extra=[1, 1])
    deconv([3, 3], strides=[2, 3], pads=[0, 1, 2, 0], groups=2)
    deconv([3, 3], dilations=[2, 1], pads=[1, 0, 0, 1])
    deconv([4], strides=[2], pads=[1, 1])
    deconv([2, 2, 3], strides=[2, 1, 2])
    deconv([3, 3], strides=[2, 2], shape=[8, 11])
    deconv([3, 3], strides=[2, 2], shape=[8, 10], auto="SAME_UPPER")
    deconv([4, 3], strides=[3, 2], auto="SAME_LOWER")
    deconv([4, 3], strides=[3, 2], auto="SAME_UPPER")

    def pool(
        kind,
        node,
        window,
        strides=None,
        dilations=None,
        pads=None,
        ceil=False,
        auto=None,
        shape=None,
        dtype=F32,
        outputs=1,
        extra=None,
        label="",
    ):
        rank = len(window)
        shape = shape or (2, 3) + (7, 8, 6)[:rank]
        strides, dilations = strides or [1] * rank, dilations or [1] * rank
        attributes = {
            "kernel_shape": window,
            "strides": strides,
            "ceil_mode": int(ceil),
            "dilations": dilations,
            **(extra or {}),
        }
        if auto:
            attributes["auto_pad"] = auto
        else:
            attributes["pads"] = pads or [0] * 2 * rank
        padding = {"SAME_UPPER": {"sameUpper": {}}, "SAME_LOWER": {"sameLower": {}}}.get(auto) or explicit(
            *(pads or [0] * 2 * rank)
        )
        fields = dict(
            kind=kind, window=window, strides=strides, dilations=dilations, padding=padding, ceilingMode=ceil
        )
        case(
            op("pool", **fields),
            node,
            [any_type(dtype, *shape)],
            attributes,
            outputs,
            name=f"{kind}{window}{strides}{dilations}{pads}{ceil}{auto}{type_name(np.dtype(dtype))}{outputs}",
            compute=F32 if dtype == F64 and kind != "maximum" else None,
        )

    for kind, node, extra in [
        ("maximum", "MaxPool", {}),
        ("average", "AveragePool", {}),
        ("averageIncludingPadding", "AveragePool", {"count_include_pad": 1}),
    ]:
        pool(kind, node, [2, 2], strides=[2, 2], extra=extra)
        pool(kind, node, [3, 3], strides=[2, 2], pads=[1, 1, 1, 1], extra=extra)
        pool(kind, node, [3, 2], strides=[2, 3], pads=[1, 0, 1, 1], ceil=True, extra=extra)
        pool(kind, node, [2, 2], dilations=[2, 3], extra=extra)
        pool(kind, node, [3], strides=[2], pads=[1, 0], extra=extra)
        pool(kind, node, [2, 2, 2], strides=[2, 2, 2], extra=extra)
        pool(kind, node, [3, 3], strides=[2, 2], auto="SAME_UPPER", extra=extra)
        pool(kind, node, [2, 2], strides=[1, 1], auto="SAME_LOWER", extra=extra)
        pool(kind, node, [3, 3], strides=[2, 2], pads=[1, 1, 1, 1], dtype=F64, extra=extra)
    pool("maximum", "MaxPool", [3, 3], strides=[2, 2], pads=[1, 1, 1, 1], outputs=2)
    pool("maximum", "MaxPool", [2, 2], strides=[2, 2], dtype=np.uint8)
    pool("maximum", "MaxPool", [2, 2], strides=[2, 2], dtype=np.int8)
    pool("maximum", "MaxPool", [2, 2], strides=[2, 2], dtype=F16)
    for kind, node in [("maximum", "GlobalMaxPool"), ("average", "GlobalAveragePool")]:
        for shape in [(2, 3, 5, 4), (2, 3, 6), (1, 2, 2, 3, 2)]:
            fields = dict(kind=kind, strides=[], dilations=[], padding=explicit(), ceilingMode=False)
            case(op("pool", **fields), node, [real(*shape)])
