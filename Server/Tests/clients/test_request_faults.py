"""Requests that a model cannot work on, and requests that need more than the budget: the client's fault, and nobody else's.

The models and requests are those of `scripts/make-need-fixtures.py`.
"""

import json
import urllib.request

import numpy as np
import pytest
import tritonclient.grpc as grpcclient
import tritonclient.http as httpclient

import serving

FOLDER = serving.ROOT / "Tests" / "Fixtures" / "needs"
CASES = json.loads((FOLDER / "cases.json").read_text())
TYPES = {"float32": "FP32", "int64": "INT64", "bool": "BOOL"}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("faults")
    serving.add(folder / "store", *sorted(FOLDER.glob("*.onnx")))
    with serving.Server(folder / "store", "--budget", "1MiB", log=folder / "log") as server:
        yield server


def array(port):
    values = port["values"] * int(np.prod(port["shape"])) if len(port["values"]) == 1 else port["values"]
    return np.array(values, port["type"]).reshape(port["shape"])


def ask(module, address, model, inputs):
    tensors = []
    for port in inputs:
        tensor = module.InferInput(port["name"], port["shape"], TYPES[port["type"]])
        tensor.set_data_from_numpy(array(port))
        tensors.append(tensor)
    with module.InferenceServerClient(address) as client:
        return client.infer(model, tensors)


def check(module, address, model, request):
    if request["kind"] == "small":
        answer = ask(module, address, model, request["inputs"])
        for port in request["outputs"]:
            np.testing.assert_allclose(answer.as_numpy(port["name"]), array(port), rtol=1e-4, atol=1e-5)
        return
    with pytest.raises(Exception) as refusal:
        ask(module, address, model, request["inputs"])
    expected = {"large": ("413", "StatusCode.FAILED_PRECONDITION"), "wrong": ("400", "StatusCode.INVALID_ARGUMENT")}
    assert refusal.value.status() in expected[request["kind"]], refusal.value


@pytest.mark.parametrize("transport", ["http", "grpc"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["model"])
def test_each_request_gets_its_status_and_the_next_one_its_answer(server, case, transport):
    module = {"http": httpclient, "grpc": grpcclient}[transport]
    for request in case["requests"]:
        check(module, getattr(server, transport), case["model"], request)
        for other in case["requests"]:
            if other["kind"] == "small":
                check(module, getattr(server, transport), case["model"], other)


def test_none_of_them_is_a_failed_run(server):
    with urllib.request.urlopen(server.url + "/metrics") as response:
        lines = response.read().decode().splitlines()
    failures = [line for line in lines if line.startswith("nv_inference_request_failure{")]
    assert any('reason="OTHER"' in line and not line.endswith(" 0") for line in failures)
    assert all(line.endswith(" 0") for line in failures if 'reason="BACKEND"' in line)
