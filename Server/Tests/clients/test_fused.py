"""One request, many models: answers leave one by one."""

import email
import http.client
import json
import re
import time
import urllib.error
import urllib.request

import numpy as np
import pytest

import serving
import small_models

X = np.arange(32, dtype=np.float32).reshape(2, 16) / 32
NUMBERS = np.arange(16, dtype=np.int32).reshape(1, 16)


def tensor(name, datatype, array):
    return {"name": name, "datatype": datatype, "shape": list(array.shape), "data": array.ravel().tolist()}


PERCEPTRON = {"model_name": "perceptron", "id": "p", "inputs": [tensor("x", "FP32", X)]}
ADD_SUB = {
    "model_name": "add_sub",
    "inputs": [tensor("INPUT0", "INT32", NUMBERS), tensor("INPUT1", "INT32", NUMBERS)],
    "outputs": [{"name": "OUTPUT1"}],
}


def call(server, body, headers=None):
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(server.url + "/v2/fused/infer", data, headers or {})
    with urllib.request.urlopen(request) as response:
        return response.headers, response.read()


def lines(server, *requests, **more):
    headers, body = call(server, {"requests": requests, **more})
    assert headers["Content-Type"] == "application/x-ndjson"
    return {line["index"]: line for line in map(json.loads, body.decode().splitlines())}


def test_lines(server, models):
    answers = lines(server, PERCEPTRON, ADD_SUB)
    expected = small_models.answer(models["perceptron"], x=X)["y"]
    assert answers[0]["model_name"] == "perceptron" and answers[0]["id"] == "p"
    np.testing.assert_allclose(np.reshape(answers[0]["outputs"][0]["data"], (2, 10)), expected, rtol=1e-5)
    assert [output["name"] for output in answers[1]["outputs"]] == ["OUTPUT1"]
    assert answers[1]["outputs"][0]["data"] == [0] * 16


def test_parameters_of_the_whole_are_those_of_each(server):
    answers = lines(server, PERCEPTRON, {**ADD_SUB, "parameters": {"timing": False}}, parameters={"timing": True})
    assert answers[0]["parameters"]["total_us"] > 0
    assert "parameters" not in answers[1]


def test_one_failure_is_its_own(server):
    unknown = {"model_name": "nothing", "id": "n", "inputs": []}
    bad = {"model_name": "add_sub", "inputs": [tensor("INPUT0", "INT32", NUMBERS)]}
    answers = lines(server, unknown, ADD_SUB, bad)
    assert (answers[0]["code"], answers[0]["model_name"], answers[0]["id"]) == (404, "nothing", "n")
    assert "nothing" in answers[0]["error"]
    assert answers[1]["outputs"][0]["data"] == [0] * 16
    assert answers[2]["code"] == 400 and "INPUT1" in answers[2]["error"]


def failures(server, model):
    with urllib.request.urlopen(f"{server.url}/v2/models/{model}/stats") as response:
        rows = json.loads(response.read())["model_stats"]
    return sum(row["inference_stats"]["fail"]["count"] for row in rows)


def test_a_failure_before_the_run_counts_as_one(server):
    before = failures(server, "add_sub")
    twice = {**ADD_SUB, "outputs": [{"name": "OUTPUT1"}] * 2}
    answers = lines(server, {**ADD_SUB, "inputs": []}, twice, PERCEPTRON)
    assert answers[0]["code"] == answers[1]["code"] == 400
    assert "'OUTPUT1' is requested twice" in answers[1]["error"]
    assert failures(server, "add_sub") == before + 2


def test_a_timeout_counts_from_the_arrival(server):
    connection = http.client.HTTPConnection(server.http)
    body = json.dumps({"requests": [{**PERCEPTRON, "parameters": {"timeout": 200_000}}]}).encode()
    connection.putrequest("POST", "/v2/fused/infer")
    connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body[:10])
    time.sleep(0.3)
    connection.send(body[10:])
    assert json.loads(connection.getresponse().read())["code"] == 504


def parts(server, body, headers):
    headers, body = call(server, body, {"Accept": "multipart/mixed", **headers})
    message = email.message_from_bytes(b"Content-Type: " + headers["Content-Type"].encode() + b"\r\n\r\n" + body)
    assert message.is_multipart()
    return [(part, part.get_payload(decode=True)) for part in message.get_payload()]


def test_binary_tensors_in_parts(server, models):
    first = {
        "model_name": "perceptron",
        "inputs": [{"name": "x", "datatype": "FP32", "shape": [2, 16], "parameters": {"binary_data_size": X.nbytes}}],
    }
    second = {
        "model_name": "add_sub",
        "inputs": [
            {"name": n, "datatype": "INT32", "shape": [1, 16], "parameters": {"binary_data_size": NUMBERS.nbytes}}
            for n in ("INPUT0", "INPUT1")
        ],
    }
    header = json.dumps({"requests": [first, second]}).encode()
    body = header + X.tobytes() + NUMBERS.tobytes() + (2 * NUMBERS).tobytes()
    found = {}
    for part, payload in parts(server, body, {"Inference-Header-Content-Length": str(len(header))}):
        length = int(part["Inference-Header-Content-Length"])
        answer, tail = json.loads(payload[:length]), payload[length:]
        for output in answer["outputs"]:
            size = output["parameters"]["binary_data_size"]
            kind = {"FP32": np.float32, "INT32": np.int32}[output["datatype"]]
            found[answer["index"], output["name"]] = np.frombuffer(tail[:size], kind).reshape(output["shape"])
            tail = tail[size:]
    np.testing.assert_allclose(found[0, "y"], small_models.answer(models["perceptron"], x=X)["y"], rtol=1e-5)
    np.testing.assert_array_equal(found[1, "OUTPUT0"], 3 * NUMBERS)
    np.testing.assert_array_equal(found[1, "OUTPUT1"], -NUMBERS)


@pytest.mark.parametrize(
    "body, code",
    [
        ({}, 400),
        ({"requests": []}, 400),
        ({"requests": [{"inputs": []}]}, 400),
        ({"requests": [{**ADD_SUB, "model_version": "x"}]}, 400),
        ({"requests": [{**ADD_SUB, "model_version": "+1"}]}, 400),
        ({"requests": {}}, 400),
        ({"requests": [{"model_name": "add_sub", "inputs": []}] * 257}, 413),
        (b"[" * 100_000, 400),
    ],
)
def test_what_is_no_call_is_refused_as_a_whole(server, body, code):
    with pytest.raises(urllib.error.HTTPError) as error:
        call(server, body)
    assert error.value.code == code
    assert json.loads(error.value.read())["error"]


def test_the_request_that_cannot_be_read_is_named(server):
    wrong = {"model_name": "add_sub", "inputs": [{**tensor("INPUT0", "INT32", NUMBERS), "shape": [1, 3]}]}
    with pytest.raises(urllib.error.HTTPError) as error:
        call(server, {"requests": [ADD_SUB, wrong]})
    assert error.value.code == 400 and json.loads(error.value.read())["error"].startswith("request 1: tensor 'INPUT0'")


def test_a_client_that_goes_away_holds_nothing_up(server):
    for _ in range(20):
        connection = http.client.HTTPConnection(server.http)
        connection.request("POST", "/v2/fused/infer", json.dumps({"requests": [PERCEPTRON] * 50}))
        connection.close()
    assert len(lines(server, PERCEPTRON, ADD_SUB)) == 2


ROWS = 512
SLOW = {"model_name": "slow", "inputs": [tensor("x", "FP32", np.ones((ROWS, 512), np.float32))], "outputs": []}


@pytest.fixture(scope="module")
def slow_server(models, tmp_path_factory):
    """One with a model that takes long beside one that does not."""
    folder = tmp_path_factory.mktemp("slow")
    serving.add(folder / "store", small_models.slow(folder / "slow.onnx"), models["perceptron"])
    with serving.Server(folder / "store") as running:
        yield running


def test_what_is_done_first_leaves_first(slow_server):
    _, body = call(slow_server, {"requests": [SLOW, PERCEPTRON]})
    answers = [json.loads(line) for line in body.splitlines()]
    assert [(answer["index"], answer["model_name"]) for answer in answers] == [(1, "perceptron"), (0, "slow")]


def metric(server, name):
    with urllib.request.urlopen(server.url + "/metrics") as response:
        return float(re.search(rf"^{name} (\S+)$", response.read().decode(), re.MULTILINE).group(1))


def wait_for(server, name, value):
    end = time.monotonic() + 60
    while metric(server, name) != value:
        assert time.monotonic() < end, f"{name} is {metric(server, name)}, and not {value}"
        time.sleep(0.005)


def start(server, count):
    connection = http.client.HTTPConnection(server.http)
    connection.request("POST", "/v2/fused/infer", json.dumps({"requests": [SLOW] * count}))
    return connection


def test_a_client_that_goes_away_gives_its_places_in_the_queue_back(slow_server):
    before = metric(slow_server, "fusedinf_cancelled_total")
    first = start(slow_server, 6)
    wait_for(slow_server, "fusedinf_running_members", 6)
    second = start(slow_server, 5)
    wait_for(slow_server, "fusedinf_queue_requests", 5)
    second.close()
    wait_for(slow_server, "fusedinf_queue_requests", 0)
    # All five have left unrun.
    assert metric(slow_server, "fusedinf_cancelled_total") == before + 5
    answers = [json.loads(line) for line in first.getresponse().read().splitlines()]
    assert sorted(answer["index"] for answer in answers) == list(range(6))
    assert all("error" not in answer for answer in answers)
