"""The server's program: its settings, its start, its end."""

import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request

import grpc
import pytest
import tritonclient.grpc

import serving


def run(*arguments, **environment):
    return subprocess.run(
        [serving.SERVER, *map(str, arguments)], capture_output=True, text=True, timeout=60,
        env={**os.environ, **environment})


def knobs(*arguments, **environment):
    result = run("config", "--json", *arguments, **environment)
    assert result.returncode == 0, result.stderr
    return {knob["name"]: knob for knob in json.loads(result.stdout)["knobs"]}


def status(url, body=None, **headers):
    """The response's status."""
    request = urllib.request.Request(url, data=body, headers={name.replace("_", "-"): v for name, v in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status
    except urllib.error.HTTPError as error:
        return error.code


IDENTITY = json.dumps({"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 4], "data": [1, 2, 3, 4]}]}).encode()


def test_an_option_goes_before_the_environment_before_the_file_before_the_default(tmp_path):
    file = tmp_path / "server.yaml"
    file.write_text("budget: 3MiB\nmax-delay: 3s\npin: [a, b]\nshared-memory: yes\n")
    found = knobs("--budget", "1MiB", "--config", file, FUSEDINF_BUDGET="2MiB", FUSEDINF_MAX_DELAY="2s")
    assert (found["budget"]["value"], found["budget"]["source"]) == ("1MiB", "option")
    assert (found["max-delay"]["value"], found["max-delay"]["source"]) == ("2s", "environment")
    assert (found["pin"]["value"], found["pin"]["source"]) == ("a,b", str(file))
    assert found["shared-memory"]["value"] == "yes"
    assert (found["bind"]["value"], found["bind"]["source"]) == ("127.0.0.1", "default")
    assert knobs(FUSEDINF_CONFIG=str(file))["budget"]["value"] == "3MiB"


def test_the_command_line_program_hands_over():
    environment = {**os.environ, "FUSEDINF_SERVER": str(serving.SERVER)}
    result = subprocess.run(
        [serving.PROGRAM, "serve", "--http-prot", "1"], capture_output=True, text=True, env=environment)
    assert result.returncode == 2
    assert "'--http-prot'; did you mean 'http-port'?" in result.stderr
    environment["FUSEDINF_SERVER"] = "/nowhere/fusedinf-server"
    result = subprocess.run([serving.PROGRAM, "serve"], capture_output=True, text=True, env=environment)
    assert result.returncode == 1
    assert "make build-server" in result.stderr
    result = subprocess.run([serving.PROGRAM, "serve", "--help"], capture_output=True, text=True, env=environment)
    assert result.returncode == 0
    assert "--max-queue" in result.stdout


@pytest.mark.parametrize("text", ["budget: many", "bugdet: 1MiB", "budget: {a: 1}", "[1, 2]", "a: [b"])
def test_a_file_that_is_wrong_is_named(tmp_path, text):
    file = tmp_path / "server.yaml"
    file.write_text(text)
    result = run("--config", file)
    assert result.returncode == 2
    assert str(file) in result.stderr


def test_a_port_in_use_is_told(store):
    with serving.Server(store) as first:
        for option, port, other in [("--http-port", first.http_port, "--grpc-port"),
                                    ("--grpc-port", first.grpc_port, "--http-port")]:
            result = run("--store", store, option, port, other, 0)
            assert result.returncode == 1
            assert f"127.0.0.1:{port}: the port is in use" in result.stderr
        assert status(first.url + "/v2/health/ready") == 200


def test_a_free_port_is_chosen_and_told(store, tmp_path):
    log = tmp_path / "log"
    with log.open("wb") as written:
        process = subprocess.Popen(
            [serving.SERVER, "--store", store, "--http-port", "0", "--grpc-port", "0"], stdout=written, stderr=written)
    try:
        end = time.monotonic() + 30
        while not (http := re.search(r"listening: HTTP at (http://127\.0\.0\.1:\d+)", log.read_text())) or not (
                grpc := re.search(r"listening: gRPC at (127\.0\.0\.1):(\d+)", log.read_text())):
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.02)
        assert status(http[1] + "/v2/health/ready") == 200
        socket.create_connection((grpc[1], int(grpc[2])), timeout=10).close()
    finally:
        process.terminate()
        assert process.wait(30) == 0


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it(store, sign):
    with serving.Server(store) as server:
        assert server.stop(sign) == 0


def test_what_has_arrived_is_answered_before_the_end(store):
    """A request whose body is still coming when the signal comes gets its answer; a new connection gets none."""
    with serving.Server(store) as server:
        with socket.create_connection(("127.0.0.1", server.http_port), timeout=20) as client:
            client.sendall(
                b"POST /v2/models/identity/infer HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % len(IDENTITY))
            client.sendall(IDENTITY[:10])
            time.sleep(0.2)
            server.process.send_signal(signal.SIGTERM)
            deadline = time.monotonic() + 20
            while time.monotonic() < deadline:
                try:
                    socket.create_connection(("127.0.0.1", server.http_port), timeout=1).close()
                    time.sleep(0.02)
                except OSError:
                    break
            else:
                pytest.fail("new connections are still taken")
            assert server.process.poll() is None
            client.sendall(IDENTITY[10:])
            answer = client.makefile("rb").read()
        assert answer.startswith(b"HTTP/1.1 200")
        assert server.process.wait(30) == 0


def test_who_does_not_end_is_cut_off(store):
    for second in [None, signal.SIGTERM]:
        limit = "30s" if second else "1s"
        with serving.Server(store, "--drain-timeout", limit, "--body-timeout", "60s") as server:
            with socket.create_connection(("127.0.0.1", server.http_port), timeout=20) as client:
                client.sendall(b"POST /v2/models/identity/infer HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{")
                time.sleep(0.2)
                server.process.send_signal(signal.SIGTERM)
                time.sleep(0.2)
                if second:
                    server.process.send_signal(second)
                assert server.process.wait(20) == 0


def make_key(*arguments):
    """A new key and its entry."""
    result = run("make-key", *arguments)
    assert result.returncode == 0, result.stderr
    return result.stderr.split()[-1], result.stdout


def test_keys(store, tmp_path):
    camera, entry = make_key("camera", "--model", "ident*")
    file = tmp_path / "keys.yaml"
    file.write_text("keys:\n" + entry)
    assert camera not in file.read_text()
    with serving.Server(store, "--keys", file) as server:
        infer = server.url + "/v2/models/identity/infer"
        assert status(infer, IDENTITY) == 401
        assert status(infer, IDENTITY, Authorization="Bearer wrong") == 401
        assert status(infer, IDENTITY, Authorization=f"Bearer {camera}") == 200
        assert status(infer, IDENTITY, X_API_Key=camera) == 200
        assert status(server.url + "/v2/models/add_sub/infer", IDENTITY, X_API_Key=camera) == 403
        assert status(server.url + "/v2/health/ready") == 200
        assert status(server.url + "/v2/models/identity") == 401

        # The file is read again on SIGHUP, and by itself when it changes; one that is wrong changes nothing.
        other, entry = make_key("other")
        file.write_text("keys:\n" + entry)
        server.process.send_signal(signal.SIGHUP)
        wait(lambda: status(infer, IDENTITY, X_API_Key=other) == 200)
        assert status(infer, IDENTITY, X_API_Key=camera) == 401
        file.write_text("keys: 1")
        server.process.send_signal(signal.SIGHUP)
        time.sleep(0.3)
        assert status(infer, IDENTITY, X_API_Key=other) == 200
        limited, entry = make_key("limited", "--rate", "0.001")
        file.write_text("keys:\n" + entry)
        wait(lambda: status(infer, IDENTITY, X_API_Key=other) == 401)
        assert status(infer, IDENTITY, X_API_Key=limited) == 200
        assert status(infer, IDENTITY, X_API_Key=limited) == 429
        assert server.stop() == 0


def test_keys_written_in_place_with_their_times_kept_are_read_again(store, tmp_path):
    """As a revoked key is, by a tool that keeps times; the file is as long as before."""
    revoked, before = make_key("camera")
    valid, after = make_key("camera")
    assert len(before) == len(after)
    file = tmp_path / "keys.yaml"
    file.write_text("keys:\n" + before)
    with serving.Server(store, "--keys", file) as server:
        infer = server.url + "/v2/models/identity/infer"
        assert status(infer, IDENTITY, X_API_Key=revoked) == 200
        times = os.stat(file)
        with open(file, "r+") as opened:
            opened.write("keys:\n" + after)
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
        wait(lambda: status(infer, IDENTITY, X_API_Key=revoked) == 401)
        assert status(infer, IDENTITY, X_API_Key=valid) == 200


def text(url, **headers):
    request = urllib.request.Request(url, headers={name.replace("_", "-"): v for name, v in headers.items()})
    try:
        with urllib.request.urlopen(request, timeout=10) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_health_takes_no_key_and_reasons_do(store, tmp_path):
    key, entry = make_key("camera")
    file = tmp_path / "keys.yaml"
    file.write_text("keys:\n" + entry)
    repository = tmp_path / "repository"
    repository.mkdir()
    (repository / "broken.onnx").write_bytes(b"no model")
    with serving.Server(store, "--keys", file, "--repository", repository) as server:
        ready = server.url + "/v2/models/broken/ready"
        wait(lambda: "could not be compiled" in text(ready, X_API_Key=key)[1])
        for headers in [{}, {"X_API_Key": "gone"}]:
            for path in ["/v2", "/v2/health/live", "/v2/health/ready", "/v2/models/identity/ready"]:
                assert status(server.url + path, **headers) == 200
            code, told = text(ready, **headers)
            assert code == 503 and "not ready" in told and "compiled" not in told
            assert status(server.url + "/v2/models/nothing/ready", **headers) == 404
        with tritonclient.grpc.InferenceServerClient(server.grpc) as client:
            gone = {"x-api-key": "gone"}
            assert client.is_server_ready(gone) and client.is_model_ready("identity", headers=gone)
            assert not client.is_model_ready("broken", headers=gone)


def test_a_repository_that_is_not_there_keeps_it_from_starting(store, tmp_path):
    result = run("--store", store, "--repository", tmp_path / "none", "--http-port", 0, "--grpc-port", 0)
    assert result.returncode == 1
    assert f"fusedinf-server: the repository '{tmp_path}/none' cannot be read: " in result.stderr


def test_a_pinned_model_that_is_not_there_keeps_it_from_starting(store):
    result = run("--store", store, "--pin", "made-up", "--http-port", 0, "--grpc-port", 0)
    assert result.returncode == 1
    assert f"--pin: there is no model 'made-up' in the store '{store}'" in result.stderr and "with --repository" in result.stderr


def test_a_key_is_looked_at_before_the_body(store, tmp_path):
    """Whoever has none, or a wrong one, is refused though nothing of the body has come; so over gRPC."""
    key, entry = make_key("camera")
    file = tmp_path / "keys.yaml"
    file.write_text("keys:\n" + entry)
    with serving.Server(store, "--keys", file) as server:
        for path in ("models/identity/infer", "fused/infer", "repository/models/identity/load"):
            for field in ("X-API-Key: wrong", "Authorization: Bearer wrong"):
                with socket.create_connection(("127.0.0.1", server.http_port), timeout=10) as client:
                    client.sendall(
                        f"POST /v2/{path} HTTP/1.1\r\nHost: localhost\r\n{field}\r\nContent-Length: 1000\r\n\r\n".encode()
                    )
                    assert client.recv(1000).startswith(b"HTTP/1.1 401 ")
        body = b"no JSON"
        assert status(server.url + "/v2/fused/infer", body) == 401
        assert status(server.url + "/v2/fused/infer", body, X_API_Key=key) == 400
        with grpc.insecure_channel(server.grpc) as channel:
            def never():
                time.sleep(60)
                yield b""

            stream = channel.stream_unary("/inference.GRPCInferenceService/ModelInfer")
            with pytest.raises(grpc.RpcError) as caught:
                stream(never(), metadata=[("x-api-key", "wrong")], timeout=10)
            assert caught.value.code() == grpc.StatusCode.UNAUTHENTICATED


def test_keys_that_cannot_be_read_keep_it_from_starting(store, tmp_path):
    result = run("--store", store, "--keys", tmp_path / "none.yaml", "--http-port", 0, "--grpc-port", 0)
    assert result.returncode == 1
    assert "none.yaml" in result.stderr


def wait(condition):
    end = time.monotonic() + 20
    while time.monotonic() < end:
        if condition():
            return
        time.sleep(0.05)
    pytest.fail("it does not come true")


@pytest.mark.parametrize(
    "field", ["Origin: http://evil.example", "Origin: null", "X-Forwarded-For: 192.0.2.1", "Forwarded: for=192.0.2.1"]
)
def test_other_hosts_pages_and_proxies_do_not_administer(server, field):
    """A browser or a proxy on this machine reaches the server from its own address."""
    load = ["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", "-X", "POST", f"{server.url}/v2/repository/models/identity/load"]
    assert subprocess.run([*load, "-H", field], stdout=subprocess.PIPE, text=True).stdout == "403"
    assert subprocess.run([*load, "-H", f"Origin: {server.url}"], stdout=subprocess.PIPE, text=True).stdout == "200"
