"""What one client or one model does wrong is its own: slow clients, clients far away, models that fail in a program."""

import json
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request

import grpc
import numpy as np
import onnx
import pytest
import tritonclient.grpc as grpcclient
from onnx import TensorProto, helper, numpy_helper
from tritonclient.utils import InferenceServerException

import serving
import small_models

VALUES = np.arange(8, dtype=np.float32).reshape(2, 4)


def tensor(name, values, datatype):
    return {"name": name, "shape": values.shape, "datatype": datatype, "data": values.flatten().tolist()}


def post(url, body, timeout=60):
    """The status and the body of the response."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    try:
        with urllib.request.urlopen(urllib.request.Request(url, data), timeout=timeout) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def identity(url):
    status, body = post(f"{url}/v2/models/identity/infer", {"inputs": [tensor("x", VALUES, "FP32")]})
    assert status == 200 and json.loads(body)["outputs"][0]["data"] == VALUES.flatten().tolist()


def picker(path):
    """Rows of a table by index: what lies beyond it is no fault that shapes show."""
    table = numpy_helper.from_array(np.arange(40, dtype=np.float32).reshape(10, 4), "table")
    graph = helper.make_graph(
        [helper.make_node("Gather", ["table", "i"], ["y"])],
        "picker",
        [helper.make_tensor_value_info("i", TensorProto.INT64, ("n",))],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ("n", 4))],
        [table],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)
    return path


def test_a_model_that_fails_while_its_program_runs_fails_alone(tmp_path):
    picks = picker(tmp_path / "picker.onnx")
    other = small_models.perceptron(tmp_path / "perceptron.onnx")
    serving.add(tmp_path / "store", picks, other)
    rows = np.arange(32, dtype=np.float32).reshape(2, 16) / 32
    expected = small_models.answer(other, x=rows)["y"]
    good, bad = np.array([3, 9]), np.array([3, 10_000])
    with serving.Server(tmp_path / "store") as server:

        def pick(indices):
            return {"inputs": [tensor("i", indices, "INT64")]}

        requests = [
            {"model_name": "picker", "id": "good", **pick(good)},
            {"model_name": "picker", "id": "bad", **pick(bad)},
            {"model_name": "perceptron", "id": "other", "inputs": [tensor("x", rows, "FP32")]},
        ]
        found = []
        ask = threading.Thread(
            target=lambda: found.extend(post(f"{server.url}/v2/models/picker/infer", pick(bad))[0] for _ in range(50))
        )
        ask.start()
        for _ in range(30):
            status, body = post(f"{server.url}/v2/fused/infer", {"requests": requests})
            assert status == 200
            answers = {}
            for line in body.splitlines():
                answer = json.loads(line)
                answers[requests[answer["index"]]["id"]] = answer
            assert sorted(answers) == ["bad", "good", "other"]
            assert "10000" in answers["bad"]["error"] or "picker" in answers["bad"]["error"]
            np.testing.assert_array_equal(answers["good"]["outputs"][0]["data"], [12, 13, 14, 15, 36, 37, 38, 39])
            np.testing.assert_allclose(
                np.array(answers["other"]["outputs"][0]["data"]).reshape(expected.shape), expected, rtol=1e-4, atol=1e-6
            )
        ask.join()
        assert set(found) == {400} and server.process.poll() is None
        status, body = post(f"{server.url}/v2/models/picker/infer", pick(good))
        assert status == 200
        with urllib.request.urlopen(f"{server.url}/metrics") as response:
            failures = [line for line in response.read().decode().splitlines() if line.startswith("nv_inference_request_failure{")]
        failed = [line for line in failures if not line.endswith(" 0")]
        assert len(failed) == 1 and 'model="picker"' in failed[0] and '"OTHER"' in failed[0], "no fault of the server"


def test_hundreds_of_slow_clients_hold_nobody_up(store):
    with serving.Server(store, "--max-connections", "1000") as server:
        head = b"POST /v2/models/identity/infer HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n"
        starts = [b"", b"P", head, head + b"\r\n", head + b'\r\n{"inputs"']
        slow = []
        for index in range(400):
            port = server.grpc_port if index % 4 == 3 else server.http_port
            connection = socket.create_connection(("127.0.0.1", port), timeout=60)
            connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM" if index % 4 == 3 else starts[index % 5])
            slow.append(connection)
        for round_ in range(20):
            for connection in slow:
                try:
                    connection.sendall(b"X")
                except OSError:
                    # It has been told so.
                    pass
            identity(server.url)
            with grpc.insecure_channel(server.grpc) as channel:
                grpc.channel_ready_future(channel).result(20)
        for connection in slow:
            connection.close()
        assert server.process.poll() is None


def test_clients_that_vanish_in_any_phase(tmp_path):
    source = small_models.slow(tmp_path / "slow.onnx", steps=40)
    small_models.identity(tmp_path / "identity.onnx")
    serving.add(tmp_path / "store", source, tmp_path / "identity.onnx")
    rows = np.ones((256, 512), np.float32)
    head = b"POST /v2/models/slow/infer HTTP/1.1\r\nHost: localhost\r\nInference-Header-Content-Length: 0\r\n"
    request = head + b"Content-Length: %d\r\n\r\n" % rows.nbytes + rows.tobytes()
    phases = [request[:40], request[:150], request[: len(request) // 2], request]
    with serving.Server(tmp_path / "store") as server:
        for round_ in range(10):
            for phase in phases:
                connection = socket.create_connection(("127.0.0.1", server.http_port), timeout=60)
                connection.sendall(phase)
                time.sleep(0.01 * round_ if phase is request else 0)
                connection.close()
            # Gone while the answer is on its way: it is larger than what the sockets hold.
            connection = socket.create_connection(("127.0.0.1", server.http_port), timeout=60)
            connection.sendall(request)
            if round_ < 3:
                connection.recv(10)
            connection.close()
            client = grpcclient.InferenceServerClient(server.grpc)
            values = grpcclient.InferInput("x", rows.shape, "FP32")
            values.set_data_from_numpy(rows)
            client.start_stream(lambda result, error: None)
            client.async_stream_infer("slow", [values])
            time.sleep(0.01 * round_)
            client.stop_stream(cancel_requests=True)
            client.close()
        identity(server.url)
        status, body = post(f"{server.url}/v2/models/slow/infer", {"inputs": [tensor("x", rows[:1], "FP32")]})
        assert status == 200
        np.testing.assert_allclose(
            json.loads(body)["outputs"][0]["data"], small_models.answer(source, x=rows[:1])["y"][0], rtol=1e-3, atol=1e-4
        )


def own_address():
    """An address of this machine that is not its loopback; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return None
        return probe.getsockname()[0]


def test_nobody_from_elsewhere_administers(store):
    address = own_address()
    if address is None or address.startswith("127."):
        pytest.skip("this machine has no address but its loopback")
    with serving.Server(store, "--bind", "0.0.0.0", "--uploads", "--shared-memory") as server:
        url = f"http://{address}:{server.http_port}"
        identity(url)
        for path in ("models/identity/load", "models/identity/unload"):
            status, body = post(f"{url}/v2/repository/{path}", b"{}")
            assert status == 403 and "on this machine" in json.loads(body)["error"], path
        region = {"key": "/r", "offset": 0, "byte_size": 8}
        for path in ("region/r/register", "region/r/unregister", "unregister"):
            assert post(f"{url}/v2/systemsharedmemory/{path}", region)[0] == 403, path
        with grpcclient.InferenceServerClient(f"{address}:{server.grpc_port}") as client:
            assert client.is_server_live()
            for call in (
                lambda: client.load_model("identity"),
                lambda: client.unload_model("identity"),
                lambda: client.register_system_shared_memory("r", "/r", 8),
                lambda: client.unregister_system_shared_memory(),
            ):
                with pytest.raises(InferenceServerException, match="on this machine"):
                    call()
        assert post(f"{server.url}/v2/repository/models/identity/load", b"{}")[0] == 200


def test_a_full_disk_fails_what_writes_alone(tmp_path):
    store = tmp_path / "store"
    store.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=16m", "none", str(store)]
    if subprocess.run(mount, capture_output=True).returncode != 0:
        pytest.skip("mounting a small disk takes root")
    try:
        serving.add(store, small_models.identity(tmp_path / "identity.onnx"))
        large = small_models.perceptron(tmp_path / "large.onnx", width=200_000)
        with serving.Server(store, "--uploads") as server:
            for _ in range(3):
                add = subprocess.run([serving.PROGRAM, "add", "--store", store, large], capture_output=True, text=True)
                assert add.returncode == 1 and "no space" in add.stderr.lower(), add.stderr
                with grpcclient.InferenceServerClient(server.grpc) as client:
                    with pytest.raises(InferenceServerException, match="(?i)no space"):
                        client.load_model("sent", config="{}", files={"file:1/model.onnx": large.read_bytes()})
                identity(server.url)
            assert list((store / "models").iterdir()) == [store / "models" / "identity"]
            assert [*(store / "uploads").iterdir(), *(store / "staging").iterdir()] == []
            small_models.perceptron(tmp_path / "small.onnx")
            serving.add(store, tmp_path / "small.onnx")
        assert subprocess.run([serving.PROGRAM, "verify", "--store", store], capture_output=True).returncode == 0
    finally:
        subprocess.run(["umount", store], check=True)
