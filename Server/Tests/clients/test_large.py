"""Requests and answers so large that they are read and written away from the event loops."""

import json
import urllib.error
import urllib.request

import numpy as np
import pytest
import tritonclient.http as http
import tritonclient.utils.shared_memory as shm

import serving

X = np.arange(4 * 20_000, dtype=np.float32).reshape(-1, 4) % 1000 / 8


def given():
    tensor = http.InferInput("x", X.shape, "FP32")
    tensor.set_data_from_numpy(X)
    return [tensor]


def post(url, value):
    with urllib.request.urlopen(urllib.request.Request(url, json.dumps(value).encode())) as response:
        return response.read()


def test_lines_of_a_fused_call(server):
    one = {"inputs": [{"name": "x", "datatype": "FP32", "shape": X.shape, "data": X.ravel().tolist()}]}
    small = {"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 4], "data": [1, 2, 3, 4]}]}
    requests = [{"model_name": "identity", **one}, {"model_name": "nobody", **small}, {"model_name": "identity", **small}]
    lines = [json.loads(line) for line in post(server.url + "/v2/fused/infer", {"requests": requests}).splitlines()]
    answers = {line["index"]: line for line in lines}
    assert sorted(answers) == [0, 1, 2] and answers[1]["code"] == 404
    np.testing.assert_array_equal(np.float32(answers[0]["outputs"][0]["data"]).reshape(X.shape), X)
    assert answers[2]["outputs"][0]["data"] == [1, 2, 3, 4]


def test_bodies_of_the_repository_extension(server):
    padding = {"nothing": [0] * 50_000}
    index = json.loads(post(server.url + "/v2/repository/index", {"ready": True, **padding}))
    assert {"add_sub", "identity", "perceptron"} <= {entry["name"] for entry in index}
    with pytest.raises(urllib.error.HTTPError) as caught:
        post(server.url + "/v2/repository/index", {"ready": 1, **padding})
    assert caught.value.code == 400


def test_classifications(server):
    with http.InferenceServerClient(server.http) as client:
        wanted = [http.InferRequestedOutput("y", class_count=1)]
        texts = client.infer("identity", given(), outputs=wanted).as_numpy("y").ravel()
    classes = [int(text.decode().split(":")[1]) for text in texts]
    assert classes == np.argmax(X, axis=1).tolist()


def test_shared_memory(store):
    with serving.Server(store, "--shared-memory") as server, http.InferenceServerClient(server.http) as client:
        name = f"fusedinf-large-{server.http_port}"
        region = shm.create_shared_memory_region("both", f"/{name}", 2 * X.nbytes)
        try:
            client.register_system_shared_memory("both", f"/{name}", 2 * X.nbytes)
            shm.set_shared_memory_region(region, [X])
            x, y = http.InferInput("x", X.shape, "FP32"), http.InferRequestedOutput("y")
            x.set_shared_memory("both", X.nbytes)
            y.set_shared_memory("both", X.nbytes, offset=X.nbytes)
            client.infer("identity", [x], outputs=[y])
            np.testing.assert_array_equal(shm.get_contents_as_numpy(region, np.float32, X.shape, offset=X.nbytes), X)
        finally:
            shm.destroy_shared_memory_region(region)
