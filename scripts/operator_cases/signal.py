"""Fourier transforms, and what goes with them."""

import numpy as np

from .recording import BF16, case, real, reference, refused

rng = np.random.default_rng(42)


def scalar(number, dtype=np.int64):
    return np.array(number, dtype)


def parts(numbers, dtype=np.float32):
    return np.stack([numbers.real, numbers.imag], -1).astype(dtype)


# Products of small primes, primes that need a longer transform, and both.
for length in (1, 2, 3, 7, 12, 31, 37, 60, 74):
    x, z = real(rng, 2, length, 1), real(rng, 2, length, 2)
    for name, signal, attributes in (
        ("real", x, {}), ("complex", z, {}), ("inverse", z, {"inverse": 1}), ("half", x, {"onesided": 1})
    ):
        case("DFT", [signal, None, scalar(1)], attributes, opset=20, constants=[2], by=reference, name=f"{name} {length}",
             tolerance=(1e-5, 1e-5))
    case("DFT", [z, scalar(length + 3), scalar(-2)], {"inverse": 1, "onesided": 1}, opset=20, constants=[1, 2], by=reference,
         name=f"from half a spectrum {length}", tolerance=(1e-5, 1e-5))
volume = real(rng, 3, 4, 5, 2)
for axis in (0, 1, 2, -2, -4):
    case("DFT", [volume, None, scalar(axis)], opset=20, by=reference, name=f"axis {axis}", tolerance=(1e-5, 1e-5))
    case("DFT", [volume], {"axis": axis}, opset=17, by=reference, name=f"axis {axis}, opset 17", tolerance=(1e-5, 1e-5))
case("DFT", [volume], opset=17, by=reference, name="default axis, opset 17", tolerance=(1e-5, 1e-5))
case("DFT", [volume], opset=20, by=reference, name="default axis", tolerance=(1e-5, 1e-5))
case("DFT", [volume], {"inverse": 1, "onesided": 1}, opset=20, by=reference, name="default length of half a spectrum",
     tolerance=(1e-5, 1e-5))
case("DFT", [volume[..., :1], None, scalar(1)], {"inverse": 1}, opset=20, by=reference, name="inverse of real numbers")
for length, dtype in ((3, np.int32), (9, np.int64)):
    for constants in ((), (1,)):
        for attributes in ({}, {"onesided": 1}, {"inverse": 1}):
            signal = volume[..., :1] if "onesided" in attributes else volume
            case("DFT", [signal, scalar(length, dtype), scalar(2)], attributes, opset=20, by=reference, constants=constants,
                 name=f"length {length}, constants {constants}, {attributes}", tolerance=(1e-5, 1e-5))
x = real(rng, 2, 11, 1, dtype=np.float64)
case("DFT", [x, None, scalar(1)], opset=20, expected=[parts(np.fft.fft(x[..., 0]), np.float64)], name="float64",
     tolerance=(1e-12, 1e-12))
for dtype in (np.float16, BF16):
    x = real(rng, 2, 12, 1).astype(dtype)
    case("DFT", [x, None, scalar(1)], {"onesided": 1}, opset=20, name=np.dtype(dtype).name, tolerance=(1e-2, 1e-2),
         expected=[parts(np.fft.rfft(x[..., 0].astype(np.float32)), dtype)])
refused("DFT", [volume, None, scalar(3)], opset=20, name="along the parts")
refused("DFT", [volume, scalar(0), scalar(1)], opset=20, constants=[1], name="of no length")
refused("DFT", [real(rng, 2, 5, 3)], opset=20, name="of three parts")

for one in (0, 1):
    for size, step, length, windowed in ((128, 8, 16, True), (100, 7, 15, True), (64, 64, 64, False), (50, 3, 37, True), (30, 100, 9, True)):
        window = np.hanning(length).astype(np.float32) if windowed else None
        for constants in ((1, 3), ()) if size == 100 else ((1, 3),):
            case("STFT", [real(rng, 2, size, 1), scalar(step), window, scalar(length)], {"onesided": one}, opset=17, by=reference,
                 constants=constants, name=f"{size} by {step} of {length}, {one}, constants {constants}", tolerance=(1e-4, 1e-5))
window = np.hanning(10).astype(np.float32)
case("STFT", [real(rng, 2, 40, 2), scalar(4, np.int32), window], {"onesided": 0}, opset=17, by=reference, name="complex",
     tolerance=(1e-4, 1e-5))
case("STFT", [real(rng, 1, 40, 1), scalar(4), window], opset=17, by=reference, name="length of the window", tolerance=(1e-4, 1e-5))
refused("STFT", [real(rng, 1, 40, 1), scalar(0), window], opset=17, name="without a step")
refused("STFT", [real(rng, 1, 8, 1), scalar(1), window], opset=17, name="of frames longer than the signal")
refused("STFT", [real(rng, 1, 40, 1), scalar(1), window, scalar(9)], opset=17, constants=[3], name="of a window of another length")

for bands, length, rate, low, high in ((8, 16, 8192, 0, 4096), (40, 512, 16000, 20, 7600)):
    numbers = [scalar(number) for number in (bands, length, rate)] + [scalar(edge, np.float32) for edge in (low, high)]
    for constants in ((), (0, 1, 2, 3, 4)):
        case("MelWeightMatrix", numbers, opset=17, constants=constants, name=f"{bands} of {length}, constants {constants}")
    for kind in (7, 11) if bands == 8 else ():
        case("MelWeightMatrix", numbers, {"output_datatype": kind}, opset=17, name=f"{bands} of {length}, type {kind}", by=reference)
refused("MelWeightMatrix", [scalar(4), scalar(16), scalar(8000), scalar(0, np.float32), scalar(90000, np.float32)], opset=17,
        name="beyond the spectrum")
