"""Windows of many elements: pools, and local responses over many channels."""

import numpy as np

from kernel_cases.recording import F16, F32, F64, case, op, real
from kernel_cases.special_values import INF, NAN


def wide_windows():
    pools()
    responses()


def pools():
    def pool(kind, node, x, window, strides, dilations, pads, extra=None, outputs=1, name="", result=None):
        attributes = dict(kernel_shape=window, strides=strides, pads=pads, **(extra or {}))
        if dilations != [1] * len(window):
            attributes["dilations"] = dilations
        fields = dict(
            kind=kind,
            window=window,
            strides=strides,
            dilations=dilations,
            padding={"explicit": {"_0": pads}},
            ceilingMode=False,
        )
        case(
            op("pool", **fields),
            node,
            [x],
            attributes,
            outputs,
            name=f"wide {name} {window} {strides}",
            kind=result,
            compute=F32 if x.dtype == F64 and kind != "maximum" else None,
        )

    means = [("average", {}), ("averageIncludingPadding", {"count_include_pad": 1})]
    kinds = [("maximum", "MaxPool", {})] + [(kind, "AveragePool", extra) for kind, extra in means]
    for kind, node, extra in kinds:
        pool(kind, node, real(2, 2, 50, 40), [33, 32], [1, 1], [1, 1], [16, 15, 16, 16], extra, name=kind)
        pool(kind, node, real(1, 3, 40, 44), [37, 31], [2, 1], [1, 1], [0, 9, 18, 30], extra, name=kind)
        pool(kind, node, real(1, 2, 1500), [1100], [7], [1], [200, 500], extra, name=kind)
        pool(kind, node, real(1, 1, 14, 15, 12), [11, 10, 12], [2, 3, 1], [1, 1, 1], [1, 2, 3, 4, 5, 6], extra, name=kind)
        pool(kind, node, real(1, 1, 40, 40, dtype=F64), [35, 33], [2, 1], [1, 1], [17] * 4, extra, name=f"{kind} f64")
        pool(kind, node, real(1, 1, 40, 40, dtype=F16), [35, 33], [2, 1], [1, 1], [17] * 4, extra, name=f"{kind} f16")
    pool("maximum", "MaxPool", real(1, 2, 90, 80), [33, 34], [2, 1], [2, 2], [7, 3, 5, 9], name="dilated")
    for dtype in [F32, np.int8]:
        x = real(2, 2, 40, 41)
        x = x if dtype == F32 else (x * 3).astype(dtype)
        pool("maximum", "MaxPool", x, [33, 32], [1, 2], [1, 1], [11, 12, 13, 14], outputs=2, name=f"indices {dtype.__name__}")

    def maximum(x):
        rows, columns = x.shape[2] - 31, x.shape[3] - 31
        y = np.empty(x.shape[:2] + (rows, columns), F32)
        for row in range(rows):
            for column in range(columns):
                part = x[:, :, row : row + 32, column : column + 32].reshape(*x.shape[:2], -1)
                some = (part == part).any(-1)
                y[:, :, row, column] = np.where(some, np.where(part == part, part, -INF).max(-1), NAN)
        return [y]

    x = real(1, 9, 48, 47)
    x[0, 0, 3, 3], x[0, 1, 20, 20], x[0, 2, 30, 2] = NAN, INF, -INF
    x[0, 3], x[0, 4] = NAN, -INF
    x[0, 5, :37] = NAN
    pool("maximum", "MaxPool", x, [32, 32], [1, 1], [1, 1], [0] * 4, name="special", result=maximum)

    def mean(x):
        windows = np.lib.stride_tricks.sliding_window_view(x.astype(F64), (32, 32), axis=(2, 3))
        with np.errstate(all="ignore"):
            return [windows.mean((-1, -2)).astype(F32)]

    pool("average", "AveragePool", x, [32, 32], [1, 1], [1, 1], [0] * 4, name="special average", result=mean)


def responses():
    for channels, size in [(40, 17), (40, 19), (40, 39), (40, 41), (37, 79), (5, 2**31 - 1), (50, 2**31 - 1), (64, 1001)]:
        fields = dict(size=size, alpha=min(0.02 * size, 1e6), beta=0.7, bias=1.5)
        # More channels than there are on either side change nothing but the divisor.
        near = min(size, 2 * channels - 1)
        case(
            op("norm.localresponse", **fields),
            "LRN",
            [real(2, channels, 3, 5, scale=4)],
            dict(fields, size=near, alpha=fields["alpha"] * near / size),
            name=f"wide {channels} {size}",
        )
    x = real(1, 60, 3, 3)
    x[0, 20, 0, 0], x[0, 30, 1, 1], x[0, 40, 2, 2] = NAN, INF, 1e15
    fields = dict(size=21, alpha=0.2, beta=0.75, bias=1.0)
    case(op("norm.localresponse", **fields), "LRN", [x], fields, name="wide special", kind=response(21, 0.2, 0.75, 1.0))


def response(size, alpha, beta, bias):
    def run(x):
        y = np.empty_like(x)
        for channel in range(x.shape[1]):
            window = x[:, max(0, channel - (size - 1) // 2) : channel + size // 2 + 1].astype(F64)
            with np.errstate(all="ignore"):
                total = bias + alpha / size * (window * window).sum(1)
                y[:, channel] = x[:, channel] / total**beta
        return [y]

    return run
