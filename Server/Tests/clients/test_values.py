"""Strings, maps, sequences and optionals through tritonclient, over HTTP and gRPC."""

import json
import os
import threading
import urllib.error
import urllib.request

import grpc
import numpy as np
import pytest
import tritonclient.grpc
import tritonclient.http
import tritonclient.utils.shared_memory as shm
from tritonclient.grpc import service_pb2, service_pb2_grpc
from tritonclient.utils import InferenceServerException, serialize_byte_tensor

import serving
import value_models

ODD = np.array([[b"", b"a\0b"], [b"\xff\xfe", "été 日本".encode()], [b"\0", b"x" * 1000]], object)
DATATYPES = {np.dtype(np.float32): "FP32", np.dtype(np.int64): "INT64", np.dtype(object): "BYTES"}


@pytest.fixture(scope="module")
def values(tmp_path_factory):
    folder = tmp_path_factory.mktemp("values")
    serving.add(folder / "store", *(make(folder / f"{make.__name__}.onnx") for make in value_models.ALL))
    with serving.Server(folder / "store", "--shared-memory") as running:
        yield running


class Client:
    """One transport's client."""

    def __init__(self, module, url):
        self.module, self.client = module, module.InferenceServerClient(url)

    def given(self, name, array):
        tensor = self.module.InferInput(name, array.shape, DATATYPES[array.dtype])
        tensor.set_data_from_numpy(array)
        return tensor

    def infer(self, model, outputs=(), **arrays):
        """The answer's tensors, by name in its order."""
        result = self.client.infer(
            model, [self.given(name, array) for name, array in arrays.items()],
            outputs=[self.module.InferRequestedOutput(name) for name in outputs] or None,
        )
        answer = result.get_response()
        entries = answer["outputs"] if isinstance(answer, dict) else answer.outputs
        names = [entry["name"] if isinstance(entry, dict) else entry.name for entry in entries]
        return {name: result.as_numpy(name) for name in names}

    def metadata(self, model):
        told = self.client.get_model_metadata(model)
        if isinstance(told, dict):
            return {t["name"]: (t["datatype"], t["shape"]) for t in told["inputs"] + told["outputs"]}
        return {t.name: (t.datatype, list(t.shape)) for t in [*told.inputs, *told.outputs]}


@pytest.fixture(params=["http", "grpc"])
def client(request, values):
    if request.param == "http":
        return Client(tritonclient.http, values.http)
    return Client(tritonclient.grpc, values.grpc)


def texts(*words):
    return np.array(words, object)


def floats(*numbers):
    return np.array(numbers, np.float32)


# Strings


def test_all_bytes_come_back(client):
    assert client.infer("echo", x=ODD)["y"].tolist() == ODD.tolist()
    assert client.infer("echo", x=np.zeros((0, 2), object))["y"].shape == (0, 2)
    assert client.metadata("echo") == {"x": ("BYTES", [-1, 2]), "y": ("BYTES", [-1, 2])}


def post(server, model, body):
    request = urllib.request.Request(f"{server.url}/v2/models/{model}/infer", json.dumps(body).encode())
    try:
        with urllib.request.urlopen(request) as response:
            return response.status, json.load(response)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)


def tensor(data, shape, **more):
    return {"inputs": [{"name": "x", "datatype": "BYTES", "shape": shape, "data": data}], **more}


def test_strings_in_json(values):
    data = ["", "a\0b", 'quote " and \\', "\x1f\n", "été", "日本語 🙂"]
    for given in (data, np.reshape(data, (3, 2)).tolist()):
        status, answer = post(values, "echo", tensor(given, [3, 2]))
        assert status == 200 and answer["outputs"][0]["data"] == data
    for wrong in (["a"], ["a", 1], ["a", None], ["a", "b", "c"]):
        status, answer = post(values, "echo", tensor(wrong, [1, 2]))
        assert status == 400, answer


def test_json_does_not_carry_bytes_that_are_not_utf_8(values):
    with tritonclient.http.InferenceServerClient(values.http) as client:
        given = tritonclient.http.InferInput("x", (1, 2), "BYTES")
        given.set_data_from_numpy(texts(b"\xff", b"a")[None])
        with pytest.raises(InferenceServerException, match="not UTF-8") as refused:
            client.infer("echo", [given], outputs=[tritonclient.http.InferRequestedOutput("y", binary_data=False)])
        assert refused.value.status() == "400"


@pytest.mark.parametrize(
    "raw",
    [b"", b"\1\0\0", b"\1\0\0\0a", b"\1\0\0\0a\2\0\0\0b", b"\1\0\0\0a\xff\xff\xff\xffb", b"\1\0\0\0a\1\0\0\0bc", b"\0" * 12],
)
def test_lengths_that_lie_are_refused(values, raw):
    head = {"inputs": [{"name": "x", "datatype": "BYTES", "shape": [1, 2], "parameters": {"binary_data_size": len(raw)}}]}
    text = json.dumps(head).encode()
    request = urllib.request.Request(
        f"{values.url}/v2/models/echo/infer", text + raw, {"Inference-Header-Content-Length": str(len(text))})
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(request)
    assert refused.value.code == 400
    message = service_pb2.ModelInferRequest(model_name="echo", raw_input_contents=[raw])
    message.inputs.add(name="x", datatype="BYTES", shape=[1, 2])
    with grpc.insecure_channel(values.grpc) as channel, pytest.raises(grpc.RpcError) as refused:
        service_pb2_grpc.GRPCInferenceServiceStub(channel).ModelInfer(message)
    assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT


def test_lists_of_bytes_over_grpc(values):
    with grpc.insecure_channel(values.grpc) as channel:
        stub = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        for count in (1, 2, 3):
            message = service_pb2.ModelInferRequest(model_name="echo")
            entry = message.inputs.add(name="x", datatype="BYTES", shape=[1, 2])
            entry.contents.bytes_contents.extend([b"\0\xff"] * count)
            if count == 2:
                assert stub.ModelInfer(message).raw_output_contents[0] == b"\2\0\0\0\0\xff" * 2
                continue
            with pytest.raises(grpc.RpcError) as refused:
                stub.ModelInfer(message)
            assert refused.value.code() == grpc.StatusCode.INVALID_ARGUMENT
            assert "bytes_contents" in refused.value.details()


def test_strings_in_shared_memory(client):
    key = f"/fusedinf_values_{os.getpid()}"
    content = serialize_byte_tensor(ODD)
    region = shm.create_shared_memory_region("values", key, 8192)
    try:
        shm.set_shared_memory_region(region, [content])
        client.client.register_system_shared_memory("values", key, 8192)
        given = client.module.InferInput("x", ODD.shape, "BYTES")
        given.set_shared_memory("values", len(content.item()))
        wanted = client.module.InferRequestedOutput("y")
        wanted.set_shared_memory("values", 4096, 4096)
        client.client.infer("echo", [given], outputs=[wanted])
        assert shm.get_contents_as_numpy(region, np.object_, ODD.shape, 4096).tolist() == ODD.tolist()
        given.set_shared_memory("values", len(content.item()) - 1)
        with pytest.raises(InferenceServerException, match="BYTES"):
            client.client.infer("echo", [given])
    finally:
        client.client.unregister_system_shared_memory()
        shm.destroy_shared_memory_region(region)


def test_requests_of_strings_in_batches(values):
    """Each request has its own strings, whatever it is batched with."""
    wrong, done = [], []

    def ask(number):
        client = Client(tritonclient.grpc, values.grpc)
        for step in range(40):
            x = texts(*(f"{number}/{step}/{row}".encode() * (row + 1) for row in range(2)))[None]
            answer = client.infer("echo", x=x)["y"]
            if answer.tolist() != x.tolist():
                wrong.append((x, answer))
        done.append(number)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong and len(done) == len(threads)


def test_words(client):
    answer = client.infer("words", x=texts("one été".encode(), b"", b"TWO"))
    assert answer["words"].tolist() == [[b"ONE", "ÉTÉ".encode()], [b"", b""], [b"TWO", b""]]
    assert answer["counts"].tolist() == [2, 0, 1]


def test_a_classifier_of_categories(client):
    answer = client.infer("classifier", colour=texts(b"red", b"blue", b"pink")[:, None])
    assert answer["label"].tolist() == [b"warm", b"cold", b"neutral"]
    # What onnxruntime answers, in the order of ZipMap's labels.
    scores = [[0.7361247, 0.1642516, 0.0996236], [0.0996236, 0.1642516, 0.7361248], [0.2740687, 0.4518626, 0.2740687]]
    np.testing.assert_allclose(answer["probabilities"], scores, rtol=1e-5)
    assert answer["probabilities.keys"].tolist() == [b"warm", b"neutral", b"cold"]
    assert list(answer) == ["label", "probabilities", "probabilities.keys"]
    metadata = client.metadata("classifier")
    assert metadata["probabilities"] == ("FP32", [-1, 3]) and metadata["probabilities.keys"] == ("BYTES", [3])
    assert list(client.infer("classifier", ("label",), colour=texts(b"red")[None])) == ["label"]


def test_classes_of_a_map_are_those_of_its_scores(client):
    wanted = client.module.InferRequestedOutput("probabilities", class_count=1)
    result = client.client.infer("classifier", [client.given("colour", texts(b"blue")[None])], outputs=[wanted])
    assert result.as_numpy("probabilities").ravel()[0].endswith(b":2")
    assert result.as_numpy("probabilities.keys") is None


def test_numbers_are_not_strings(client):
    with pytest.raises(InferenceServerException, match="x"):
        client.infer("echo", x=np.zeros((1, 2), np.float32))


# Sequences and optionals


def test_elements_of_one_shape_are_one_tensor(client):
    x = np.arange(8, dtype=np.float32).reshape(4, 2)
    answer = client.infer("parts", x=x, sizes=np.array([2, 2]))
    assert list(answer) == ["parts", "rows"]
    np.testing.assert_array_equal(answer["parts"], x.reshape(2, 2, 2))
    assert client.metadata("parts")["parts"] == ("FP32", [-1, -1, 2])


def test_elements_of_several_shapes_are_tensors_of_their_own(client):
    x = np.arange(8, dtype=np.float32).reshape(4, 2)
    sizes = np.array([1, 0, 3])
    for outputs, names in [
        ((), ["parts.0", "parts.1", "parts.2", "rows"]), (("rows", "parts"), ["rows", "parts.0", "parts.1", "parts.2"]),
        (("parts",), ["parts.0", "parts.1", "parts.2"]), (("rows",), ["rows"]),
    ]:
        answer = client.infer("parts", outputs, x=x, sizes=sizes)
        assert list(answer) == names
        for name, part in zip(["parts.0", "parts.1", "parts.2"], np.split(x, [1, 1])):
            if name in answer:
                np.testing.assert_array_equal(answer[name], part)
    with pytest.raises(InferenceServerException, match="parts.0"):
        client.infer("parts", ("parts.0",), x=x, sizes=sizes)


def test_elements_of_several_shapes_in_json(values):
    body = {
        "inputs": [
            {"name": "x", "datatype": "FP32", "shape": [3, 2], "data": [0, 1, 2, 3, 4, 5]},
            {"name": "sizes", "datatype": "INT64", "shape": [2], "data": [1, 2]},
        ],
        "outputs": [{"name": "parts"}],
    }
    status, answer = post(values, "parts", body)
    assert status == 200
    assert [(t["name"], t["shape"], t["data"]) for t in answer["outputs"]] == [
        ("parts.0", [1, 2], [0, 1]), ("parts.1", [2, 2], [2, 3, 4, 5])]


def test_empty_sequences(client):
    nothing = np.zeros((0, 2), np.float32)
    assert client.infer("rows", x=nothing)["rows"].shape == (0, 2)
    # The sizes of its elements are not known.
    assert list(client.infer("parts", x=nothing, sizes=np.zeros(0, np.int64))) == ["rows"]
    assert client.metadata("rows")["rows"] == ("FP32", [-1, 2])


def test_a_sequence_is_given_as_one_tensor(client):
    s = np.arange(6, dtype=np.float32).reshape(3, 2)
    assert client.metadata("chosen")["s"] == ("FP32", [-1, 2])
    for i in range(-3, 3):
        assert client.infer("chosen", s=s, i=np.array(i))["y"].tolist() == s[i].tolist()
    words = texts(b"a", b"", b"\xff", b"d", b"e", b"f").reshape(3, 2)
    assert client.infer("joined", s=words)["y"].tolist() == words.ravel().tolist()


@pytest.mark.parametrize(
    "arrays, says",
    [
        (dict(s=floats(0, 1, 2)[None], i=np.array(0)), "elements of FP32\\[2\\]"),
        (dict(s=np.zeros((3, 2), np.int64), i=np.array(0)), "INT64"),
        (dict(s=np.zeros((1 << 16, 2), np.float32), i=np.array(1 << 20)), "position 1048576"),
        (dict(s=np.zeros(((1 << 16) + 1, 2), np.float32), i=np.array(0)), "at most 65536"),
        (dict(s=np.array(0, np.float32), i=np.array(0)), "first axis"),
        (dict(s=np.zeros((0, 2), np.float32), i=np.array(0)), "empty sequence"),
        (dict(i=np.array(0)), "'s' is missing"),
    ],
)
def test_what_is_no_such_sequence_is_refused(client, arrays, says):
    with pytest.raises(InferenceServerException, match=says) as refused:
        client.infer("chosen", **arrays)
    assert refused.value.status() in ("400", "StatusCode.INVALID_ARGUMENT")


def test_an_optional_may_be_left_out(client):
    assert client.metadata("shifted")["shift"] == ("FP32", [2])
    assert client.infer("shifted", x=floats(1, 2), shift=floats(10, 20))["y"].tolist() == [11, 22]
    assert client.infer("shifted", x=floats(1, 2))["y"].tolist() == [1, 2]
    with pytest.raises(InferenceServerException, match="'x' is missing"):
        client.infer("shifted", shift=floats(1, 2))


def test_the_configuration_tells_optionals_and_no_batches_of_sequences(values):
    with tritonclient.http.InferenceServerClient(values.http) as client:
        config = client.get_model_config("shifted")
        assert {entry["name"]: entry["optional"] for entry in config["input"]} == {"x": False, "shift": True}
        assert client.get_model_config("rows")["max_batch_size"] == 0
        assert client.get_model_config("echo")["input"][0]["data_type"] == "TYPE_STRING"


def test_shared_memory_takes_one_tensor(client):
    key = f"/fusedinf_parts_{os.getpid()}"
    region = shm.create_shared_memory_region("parts", key, 4096)
    x = np.arange(8, dtype=np.float32).reshape(4, 2)
    try:
        client.client.register_system_shared_memory("parts", key, 4096)
        wanted = client.module.InferRequestedOutput("parts")
        wanted.set_shared_memory("parts", 4096)
        given = [client.given("x", x), client.given("sizes", np.array([2, 2]))]
        client.client.infer("parts", given, outputs=[wanted])
        np.testing.assert_array_equal(shm.get_contents_as_numpy(region, np.float32, (2, 2, 2)), x.reshape(2, 2, 2))
        given[1] = client.given("sizes", np.array([1, 3]))
        with pytest.raises(InferenceServerException, match="differ in shape"):
            client.client.infer("parts", given, outputs=[wanted])
    finally:
        client.client.unregister_system_shared_memory()
        shm.destroy_shared_memory_region(region)
