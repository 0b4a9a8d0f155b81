"""The parts of `scripts/fuzz-graphs.py`: random graphs of all operators, FusedInf against onnxruntime."""
