#!/usr/bin/env python3
"""Runs a batch of cases with onnxruntime's CPU provider: onnxruntime_runner.py CASES"""

import ctypes
import json
import pathlib
import sys

import numpy as np
import onnxruntime
from onnx import TensorProto, numpy_helper

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1]))

from conformance_suite import values  # noqa: E402

# Parts of the names of element types that onnxruntime does not exchange as numpy's arrays.
FOREIGN = ("bfloat16", "float8", "float4", "int4", "int2")


def run(case):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    stage, status = "import", "refused"
    try:
        session = onnxruntime.InferenceSession(case["model"], options, providers=["CPUExecutionProvider"])
        stage = "inputs"
        feeds = {each["name"]: values.read(each["value"], pathlib.Path()) for each in case["inputs"]}
        stage, status = "run", "error"
        outputs = answer(session, feeds)
    except Exception as error:  # noqa: BLE001: each case has a result, whatever onnxruntime raises.
        return {"way": "onnxruntime", "status": status, "stage": stage, "message": str(error)[:500]}
    folder = pathlib.Path(case["outputs"])
    folder.mkdir(parents=True, exist_ok=True)
    written = [values.write(value, pathlib.Path(), f"{folder}/{index}") for index, value in enumerate(outputs)]
    return {"way": "onnxruntime", "status": "answered", "outputs": written}


def answer(session, feeds):
    names = [output.name for output in session.get_outputs()]
    if not any(name in value.type for value in [*session.get_inputs(), *session.get_outputs()] for name in FOREIGN):
        return session.run(names, feeds)
    answers = session.run_with_ort_values(names, {name: wrapped(value) for name, value in feeds.items()})
    return [unwrapped(value) for value in answers]


def wrapped(array):
    """Returns the array as a value of onnxruntime, whose element type numpy may lack."""
    tensor = numpy_helper.from_array(np.asarray(array))
    value = onnxruntime.OrtValue.ortvalue_from_shape_and_type(list(tensor.dims), tensor.data_type)
    ctypes.memmove(value.data_ptr(), tensor.raw_data, len(tensor.raw_data))
    return value


def unwrapped(value):
    raw = ctypes.string_at(value.data_ptr(), value.tensor_size_in_bytes())
    return TensorProto(data_type=value.element_type(), dims=value.shape(), raw_data=raw)


def main():
    print("ready", flush=True)
    for line in pathlib.Path(sys.argv[1]).read_text().splitlines():
        case = json.loads(line)
        print(json.dumps({"name": case["name"], "ways": [run(case)]}), flush=True)


if __name__ == "__main__":
    main()
