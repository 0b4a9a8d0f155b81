#!/usr/bin/env python3
"""Writes Tests/KernelsTests/Fixtures/kernel-cases.bin: kernels' operands and what onnxruntime makes of them.

Each case is one op as `ModelGraph.Op` encodes it, its operands, and the results that onnxruntime computed for the ONNX
node of the same meaning. Half-precision cases are computed in float32 and rounded, since onnxruntime's CPU provider
lacks most of them. The file is the length of a JSON header (8 bytes, little endian), the header, then all elements.

    .venv/bin/python scripts/make-kernel-fixtures.py
"""

import json
import pathlib
import sys

from kernel_cases import element_wise, movement, products, reductions, refusals, resizing, special_values, wide_windows, windows
from kernel_cases.recording import blob, cases


def main():
    for family in [
        element_wise.element_wise,
        element_wise.binary,
        element_wise.casts,
        movement.movement,
        reductions.reductions,
        reductions.normalisation,
        windows.windows,
        products.products,
        products.recurrent,
        resizing.resizing,
        refusals.refusals,
        special_values.special_values,
        wide_windows.wide_windows,
        special_values.special_operators,
    ]:
        family()
    header = json.dumps(cases, separators=(",", ":")).encode()
    header += b" " * (-len(header) % 8)
    folder = pathlib.Path(__file__).resolve().parent.parent / "Tests/KernelsTests/Fixtures"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "kernel-cases.bin"
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(blob))
    print(f"{len(cases)} cases, {path.stat().st_size} bytes", file=sys.stderr)


main()
