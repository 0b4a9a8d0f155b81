"""`/metrics` is what Prometheus reads, and counts what happened."""

import json
import math
import shutil
import time
import urllib.error
import urllib.request

import numpy as np
import pytest
import serving
import tritonclient.grpc as grpc
import tritonclient.http as http
from prometheus_client.parser import text_string_to_metric_families


class Metrics:
    """What a server's metrics said at one moment."""

    def __init__(self, server):
        with urllib.request.urlopen(server.url + "/metrics") as response:
            self.content_type = response.headers["Content-Type"]
            self.text = response.read().decode()
        self.families = {family.name: family for family in text_string_to_metric_families(self.text)}
        self.samples = {}
        for family in self.families.values():
            for sample in family.samples:
                key = (sample.name, tuple(sorted(sample.labels.items())))
                assert key not in self.samples, f"{key} is there twice"
                self.samples[key] = sample.value

    def __call__(self, name, **labels):
        # The parser calls all counters `_total`, as OpenMetrics does.
        found = (self.samples.get((form, tuple(sorted(labels.items())))) for form in (name, f"{name}_total"))
        return next((value for value in found if value is not None), 0)


@pytest.fixture
def own_server(store):
    """A server that nobody else asks anything of."""
    with serving.Server(store) as running:
        yield running


def ask(server, times=1, model="add_sub"):
    client = http.InferenceServerClient(server.http)
    inputs = []
    for name in ("INPUT0", "INPUT1"):
        tensor = http.InferInput(name, [1, 16], "INT32")
        tensor.set_data_from_numpy(np.ones((1, 16), np.int32))
        inputs.append(tensor)
    for _ in range(times):
        client.infer(model, inputs)


def test_is_prometheus_text(own_server):
    ask(own_server)
    metrics = Metrics(own_server)
    assert metrics.content_type.startswith("text/plain; version=0.0.4")
    assert all(family.documentation and family.type in ("counter", "gauge", "histogram") for family in metrics.families.values())
    assert "# EOF" not in metrics.text


def test_counts_requests_as_triton_names_them(own_server):
    labels = {"model": "add_sub", "version": "1"}
    ask(own_server, times=5)
    with pytest.raises(Exception):
        client = http.InferenceServerClient(own_server.http)
        wrong = http.InferInput("INPUT0", [1, 16], "INT32")
        wrong.set_data_from_numpy(np.ones((1, 16), np.int32))
        client.infer("add_sub", [wrong])
    metrics = Metrics(own_server)
    assert metrics("nv_inference_request_success", **labels) == 5
    assert metrics("nv_inference_count", **labels) == 5
    assert 1 <= metrics("nv_inference_exec_count", **labels) <= 5
    assert metrics("nv_inference_request_failure", reason="OTHER", **labels) == 1
    assert metrics("nv_inference_request_failure", reason="BACKEND", **labels) == 0
    assert metrics("nv_inference_pending_request_count", **labels) == 0
    parts = sum(metrics(f"nv_inference_{part}_duration_us", **labels)
                for part in ("queue", "compute_input", "compute_infer", "compute_output"))
    # Each is rounded down to whole microseconds.
    assert parts <= metrics("nv_inference_request_duration_us", **labels) + 1
    assert metrics("fusedinf_request_failures_total", kind="invalid_request", **labels) == 1
    assert metrics("fusedinf_requests_total", transport="http", route="/v2/models/{model}/infer", status="200") == 5
    assert metrics("fusedinf_requests_total", transport="http", route="/v2/models/{model}/infer", status="400") == 1


def test_histograms_are_cumulative_and_complete(own_server):
    ask(own_server, times=3)
    metrics = Metrics(own_server)
    histograms = [family for family in metrics.families.values() if family.type == "histogram"]
    assert {"fusedinf_swap_in_seconds", "fusedinf_queue_wait_seconds", "fusedinf_run_seconds"} <= {h.name for h in histograms}
    for family in histograms:
        rows = {}
        for sample in family.samples:
            if sample.name.endswith("_bucket"):
                labels = tuple(sorted((k, v) for k, v in sample.labels.items() if k != "le"))
                rows.setdefault(labels, []).append((float(sample.labels["le"]), sample.value))
        for labels, buckets in rows.items():
            bounds, counts = zip(*buckets)
            assert list(bounds) == sorted(bounds) and math.isinf(bounds[-1])
            assert list(counts) == sorted(counts)
            assert counts[-1] == metrics(family.name + "_count", **dict(labels))
    labels = {"model": "add_sub", "version": "1"}
    answered = sum(metrics("fusedinf_request_duration_seconds_count", swap_in=way, **labels) for way in ("true", "false"))
    assert answered == 3 == metrics("fusedinf_queue_wait_seconds_count", **labels)


def test_memory_adds_up(own_server, models):
    client = http.InferenceServerClient(own_server.http)
    tensor = http.InferInput("x", [1, 16], "FP32")
    tensor.set_data_from_numpy(np.zeros((1, 16), np.float32))
    client.infer("perceptron", [tensor])
    metrics = Metrics(own_server)
    weights = sum(metrics("fusedinf_weights_resident_bytes", shared=shared) for shared in ("true", "false"))
    assert weights >= 64 * (16 + 10) * 4
    assert weights + metrics("fusedinf_arena_bytes") + metrics("fusedinf_exclusive_bytes") == metrics("fusedinf_resident_bytes")
    assert metrics("fusedinf_resident_bytes") <= metrics("fusedinf_peak_resident_bytes") <= metrics("fusedinf_budget_bytes")
    loaded = sum(metrics("fusedinf_loaded_bytes_total", way=way) for way in ("warm", "cold"))
    assert loaded == weights + metrics("fusedinf_evicted_bytes_total")
    assert sum(metrics("fusedinf_swap_in_seconds_count", way=way) for way in ("warm", "cold")) >= 1
    assert metrics("fusedinf_models", state="READY") == len(models)
    assert metrics("process_open_fds") > 3 and metrics("process_resident_memory_bytes") > 1 << 20


def test_names_that_clients_make_up_are_no_labels(own_server):
    for number in range(50):
        for path in (f"/v2/models/made-up-{number}", f"/made-up-{number}"):
            with pytest.raises(urllib.error.HTTPError):
                urllib.request.urlopen(own_server.url + path)
        with pytest.raises(urllib.error.HTTPError):
            urllib.request.urlopen(urllib.request.Request(own_server.url + f"/v2/models/made-up-{number}/infer", b'{"inputs":[]}'))
    metrics = Metrics(own_server)
    assert "made-up" not in metrics.text
    assert metrics("fusedinf_requests_total", transport="http", route="/v2/models/{model}", status="404") == 50


def test_requests_are_named_to_their_clients(own_server):
    named = urllib.request.Request(own_server.url + "/v2/health/live", headers={"X-Request-Id": "trace-17"})
    with urllib.request.urlopen(named) as response:
        assert response.headers["X-Request-Id"] == "trace-17"
    with urllib.request.urlopen(own_server.url + "/v2/health/live") as first:
        with urllib.request.urlopen(own_server.url + "/v2/health/live") as second:
            assert first.headers["X-Request-Id"] != second.headers["X-Request-Id"] != ""


def test_grpc_calls_are_counted_by_method_and_status(own_server):
    client = grpc.InferenceServerClient(own_server.grpc)
    tensor = grpc.InferInput("x", [1, 16], "FP32")
    tensor.set_data_from_numpy(np.zeros((1, 16), np.float32))
    for _ in range(3):
        client.infer("perceptron", [tensor])
    with pytest.raises(grpc.InferenceServerException):
        client.infer("made-up", [tensor])
    assert client.is_server_live()
    metrics = Metrics(own_server)
    calls = {"transport": "grpc", "route": "inference.GRPCInferenceService/ModelInfer"}
    assert metrics("fusedinf_requests_total", status="0", **calls) == 3
    # NOT_FOUND.
    assert metrics("fusedinf_requests_total", status="5", **calls) == 1
    assert metrics("fusedinf_requests_total", transport="grpc", route="inference.GRPCInferenceService/ServerLive", status="0") == 1


def test_compilations_are_counted(models, tmp_path):
    folder = tmp_path / "watched"
    folder.mkdir()
    (folder / "broken.onnx").write_bytes(b"no model")
    shutil.copy(models["add_sub"], folder / "dropped.onnx")
    with serving.Server(tmp_path / "store", "--repository", folder) as server:
        end = time.monotonic() + 60
        while not Metrics(server)("fusedinf_compilations_total", outcome="compiled") or not Metrics(server)("fusedinf_compilations_total", outcome="rejected"):
            assert time.monotonic() < end
            time.sleep(0.1)
        metrics = Metrics(server)
    assert metrics("fusedinf_compilations_total", outcome="compiled") == 1
    assert metrics("fusedinf_compilations_total", outcome="rejected") == 1


def test_log_lines_are_json_objects_that_name_the_request(store, tmp_path):
    log = tmp_path / "log"
    with serving.Server(store, "--log-format", "json", "--log-level", "debug", log=log) as server:
        body = json.dumps({"id": "mine", "inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 16], "data": [0.5] * 16}]}).encode()
        request = urllib.request.Request(server.url + "/v2/models/perceptron/infer", body, headers={"X-Request-Id": "trace-18"})
        urllib.request.urlopen(request).close()
        client = grpc.InferenceServerClient(server.grpc)
        tensor = grpc.InferInput("x", [1, 16], "FP32")
        tensor.set_data_from_numpy(np.zeros((1, 16), np.float32))
        client.infer("perceptron", [tensor], headers={"x-request-id": "trace-19"})
        assert server.stop() == 0
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    assert all({"time", "level", "message"} <= line.keys() for line in lines)
    inference, = [line for line in lines if line["message"] == "inference" and line["request_id"] == "trace-18"]
    assert (inference["model"], inference["status"], inference["client_id"]) == ("perceptron", "ok", "mine")
    assert int(inference["total_us"]) >= int(inference["compute_us"])
    answered, = [line for line in lines if line["message"] == "request" and line["request_id"] == "trace-18"]
    assert answered["route"] == "/v2/models/{model}/infer" and int(answered["status"]) == 200
    assert [line["model"] for line in lines if line.get("request_id") == "trace-19"] == ["perceptron"]
