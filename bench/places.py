"""Where the benchmark finds and keeps its files."""

import pathlib

ROOT = pathlib.Path(__file__).resolve().parent.parent
BENCH = ROOT / "bench"
MODELS = ROOT / ".cache" / "models"
REFERENCES = ROOT / ".cache" / "references"
# All that the benchmark makes and can make again.
WORK = ROOT / ".cache" / "bench"
RESULTS = BENCH / "results"
