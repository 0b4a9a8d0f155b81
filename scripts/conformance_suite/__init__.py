"""The parts of `scripts/conformance.py`: ONNX's backend tests, run by FusedInf and by onnxruntime."""
