"""Windows of many elements: local responses over many channels."""

import numpy as np

from kernel_cases.recording import F32, F64, case, op0, real
from kernel_cases.special_values import INF, NAN


def wide_windows():
    responses()



def responses():
    for channels, size in [(40, 17), (40, 19), (40, 39), (40, 41), (37, 79), (5, 2**31 - 1), (50, 2**31 - 1), (64, 1001)]:
        fields = dict(size=size, alpha=min(0.02 * size, 1e6), beta=0.7, bias=1.5)
        # More channels than there are on either side change nothing but the divisor.
        near = min(size, 2 * channels - 1)
        case(
            op0("localResponseNormalization", fields),
            "LRN",
            [real(2, channels, 3, 5, scale=4)],
            dict(fields, size=near, alpha=fields["alpha"] * near / size),
            name=f"wide {channels} {size}",
        )
    x = real(1, 60, 3, 3)
    x[0, 20, 0, 0], x[0, 30, 1, 1], x[0, 40, 2, 2] = NAN, INF, 1e15
    fields = dict(size=21, alpha=0.2, beta=0.75, bias=1.0)
    case(op0("localResponseNormalization", fields), "LRN", [x], fields, name="wide special", kind=response(21, 0.2, 0.75, 1.0))


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
