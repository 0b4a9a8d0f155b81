#!/usr/bin/env python3
"""Exports the real models that PyTorch makes to .cache/real, with the exporter of the PyTorch that runs this.

Usage: export.py [FAMILY…]
"""

import hashlib
import importlib
import pathlib
import sys

import torch

import folder
import torch_export

# torchvision's operators need a build for the same PyTorch, so families that use it come from Debian's.
FAMILIES = {"torchscript": ["segmentation", "detection", "video", "vision", "text", "speech"], "dynamo": ["text", "speech"]}


def sources(family):
    here = pathlib.Path(__file__).parent
    digest = hashlib.sha256(torch.__version__.encode())
    for path in ("export.py", "folder.py", "torch_export.py", f"{family}.py"):
        digest.update((here / path).read_bytes())
    return digest.hexdigest()


def main():
    for family in sys.argv[1:] or FAMILIES[torch_export.EXPORTER]:
        stamp = folder.REAL / f".{family}-{torch_export.EXPORTER}.txt"
        if stamp.exists() and stamp.read_text() == sources(family):
            print(f"real-models: the {torch_export.EXPORTER} exports of {family} are in .cache/real")
            continue
        torch.manual_seed(1)
        importlib.import_module(family).make()
        stamp.write_text(sources(family))


main()
