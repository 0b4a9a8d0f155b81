#!/usr/bin/env python3
"""Writes Tests/Fixtures/operators/FAMILY.bin for the families named, or for all: the cases of scripts/operator_cases/FAMILY.py.

    .venv/bin/python scripts/make-operator-cases.py [FAMILY...]
"""

import importlib
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
FOLDER = HERE.parent / "Tests" / "Fixtures" / "operators"
sys.path.insert(0, str(HERE))

from operator_cases import recording  # noqa: E402

if __name__ == "__main__":
    families = sys.argv[1:] or sorted(
        file.stem for file in (HERE / "operator_cases").glob("*.py") if file.stem not in ("__init__", "recording")
    )
    FOLDER.mkdir(exist_ok=True)
    for family in families:
        recording.cases.clear()
        recording.blob.clear()
        importlib.import_module(f"operator_cases.{family}")
        recording.written(FOLDER / f"{family}.bin")
        print(f"{family}: {len(recording.cases)} cases")
