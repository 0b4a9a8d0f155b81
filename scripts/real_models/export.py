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


def sources():
    here = pathlib.Path(__file__).parent
    digest = hashlib.sha256(torch.__version__.encode())
    for path in ["export.py", "folder.py", "torch_export.py"] + [f"{name}.py" for name in families()]:
        digest.update((here / path).read_bytes())
    return digest.hexdigest()


def families():
    return sys.argv[1:] or FAMILIES[torch_export.EXPORTER]


def main():
    stamp = folder.REAL / f".exported-by-{torch_export.EXPORTER}.txt"
    if not sys.argv[1:] and stamp.exists() and stamp.read_text() == sources():
        print(f"real-models: the {torch_export.EXPORTER} exports are in .cache/real")
        return
    torch.manual_seed(1)
    for name in families():
        importlib.import_module(name).make()
    if not sys.argv[1:]:
        stamp.write_text(sources())


main()
