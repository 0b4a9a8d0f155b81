"""Tensors in system shared memory, as tritonclient hands them over."""

import os

import numpy as np
import pytest
import tritonclient.grpc as grpcclient
import tritonclient.utils.shared_memory as shm
from tritonclient.utils import InferenceServerException

import serving

INPUT = np.arange(8, dtype=np.float32).reshape(2, 4)


@pytest.fixture(scope="module")
def client(store):
    with serving.Server(store, "--shared-memory") as server:
        yield grpcclient.InferenceServerClient(server.grpc)


@pytest.fixture
def region(client):
    key = f"/fusedinf_{os.getpid()}"
    handle = shm.create_shared_memory_region("data", key, 4096)
    client.register_system_shared_memory("data", key, 4096)
    yield handle, key
    client.unregister_system_shared_memory()
    shm.destroy_shared_memory_region(handle)


def ask(client, offset=0, output_bytes=INPUT.nbytes):
    given = grpcclient.InferInput("x", INPUT.shape, "FP32")
    given.set_shared_memory("data", INPUT.nbytes, offset)
    wanted = grpcclient.InferRequestedOutput("y")
    wanted.set_shared_memory("data", output_bytes, 2048)
    return client.infer("identity", [given], outputs=[wanted])


def test_inputs_and_outputs_lie_in_shared_memory(client, region):
    shm.set_shared_memory_region(region[0], [INPUT], offset=64)
    answer = ask(client, offset=64)
    placed = answer.get_output("y").parameters
    assert placed["shared_memory_region"].string_param == "data"
    assert placed["shared_memory_byte_size"].int64_param == INPUT.nbytes
    np.testing.assert_array_equal(shm.get_contents_as_numpy(region[0], np.float32, INPUT.shape, 2048), INPUT)


def test_the_status_tells_what_is_registered(client, region):
    status = client.get_system_shared_memory_status().regions
    assert {(r.name, r.key, r.offset, r.byte_size) for r in status.values()} == {("data", region[1], 0, 4096)}
    client.unregister_system_shared_memory("data")
    assert not client.get_system_shared_memory_status().regions


def test_what_does_not_fit_is_refused(client, region):
    shm.set_shared_memory_region(region[0], [INPUT])
    for offset in (4090, 1 << 40):
        with pytest.raises(InferenceServerException, match="do not lie in"):
            ask(client, offset=offset)
    with pytest.raises(InferenceServerException, match="more than"):
        ask(client, output_bytes=4)
    with pytest.raises(InferenceServerException, match="registered already"):
        client.register_system_shared_memory("data", region[1], 4096)
    with pytest.raises(InferenceServerException, match="shorter"):
        client.register_system_shared_memory("more", region[1], 8192)
    for key in ("/no-such-object", "/../etc/passwd", ""):
        with pytest.raises(InferenceServerException):
            client.register_system_shared_memory("other", key, 16)


def test_an_object_that_is_cut_short_fails_the_request_alone(client, region):
    os.truncate("/dev/shm" + region[1], 16)
    with pytest.raises(InferenceServerException, match="shorter"):
        ask(client, offset=1024)
    assert client.is_server_live()
    os.truncate("/dev/shm" + region[1], 4096)
    shm.set_shared_memory_region(region[0], [INPUT])
    ask(client)


def test_it_is_off_unless_it_is_allowed(server):
    with grpcclient.InferenceServerClient(server.grpc) as client:
        with pytest.raises(InferenceServerException, match="--shared-memory"):
            client.register_system_shared_memory("data", "/any", 16)
