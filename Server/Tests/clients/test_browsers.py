"""Requests as browsers, proxies and old clients send them: whom the server answers, and as what."""

import json
import socket

import pytest

import serving

LOAD = "POST /v2/repository/models/identity/load"
INFER = "POST /v2/models/identity/infer"
INDEX = "POST /v2/repository/index"


def ask(server, request_line, *fields, version="HTTP/1.1", body=b"", host="Host: {}"):
    """Sends one request, and returns its answer's status, fields and body."""
    head = [f"{request_line} {version}", *([host.format(server.http)] if host else []), f"Content-Length: {len(body)}"]
    with socket.create_connection(("127.0.0.1", server.http_port), timeout=20) as connection:
        connection.sendall("\r\n".join([*head, "Connection: close", *fields, "", ""]).encode() + body)
        file = connection.makefile("rb")
        status = file.readline().split()[1]
        headers = {}
        while line := file.readline().decode().strip():
            name, _, value = line.partition(": ")
            headers[name.lower()] = value
        return int(status), headers, file.read(int(headers.get("content-length", 0)))


@pytest.mark.parametrize("line", [LOAD, INFER, INDEX, "GET /v2", "GET /metrics", "GET /v2/health/ready", "GET /events"])
@pytest.mark.parametrize(
    "fields",
    [
        ["Origin: http://localhost:9"],
        ["Origin: http://127.0.0.1"],
        ["Origin: null"],
        ["Origin: https://evil.example"],
        ["Sec-Fetch-Site: cross-site"],
        ["Sec-Fetch-Site: same-site"],
        ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document"],
    ],
)
def test_pages_of_other_origins_are_refused(server, line, fields):
    status, headers, body = ask(server, line, *fields)
    assert status == 403 and "error" in json.loads(body)
    assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example:8000", "0.0.0.0", "192.168.1.1:8000", "127.1"])
def test_rebound_names_are_refused(server, host):
    for line in (LOAD, INFER, INDEX, "GET /v2", "GET /v2/models/identity", "GET /"):
        assert ask(server, line, host=f"Host: {host}")[0] == 403


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:1", "127.0.0.1", "127.5.6.7:80", "[::1]:8000"])
def test_loopback_names_are_answered(server, host):
    assert ask(server, LOAD, host=f"Host: {host}")[0] == 200


@pytest.mark.parametrize(
    "field", ["Via: 1.1 proxy", "X-Real-IP: 192.0.2.1", "X-Forwarded-Host: a", "X-Forwarded-For: 127.0.0.1", "Forwarded: for=x"]
)
def test_what_came_through_a_proxy_does_not_administer(server, field):
    assert ask(server, LOAD, field)[0] == 403
    assert ask(server, INDEX, field)[0] == 200


def test_the_own_page_administers(server):
    assert ask(server, LOAD, f"Origin: {server.url}", "Sec-Fetch-Site: same-origin")[0] == 200


def test_links_to_the_page_may_be_followed(server):
    link = ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Mode: navigate"]
    assert ask(server, "GET /", *link, "Sec-Fetch-Dest: document")[0] == 200
    assert ask(server, "GET /", *link, "Sec-Fetch-Dest: iframe")[0] == 403


def test_a_host_is_named_once(server):
    assert ask(server, "GET /v2", host=None)[0] == 400
    assert ask(server, "GET /v2", "Host: localhost")[0] == 400
    assert ask(server, "GET /v2", host="Host: a b")[0] == 400
    assert ask(server, "GET /v2", host=None, version="HTTP/1.0")[0] == 200
    assert ask(server, "GET http://evil.example/v2")[0] == 400


def test_named_hosts_and_origins(store):
    with serving.Server(store, "--hosts", "box.lan,*.box.lan", "--origins", "https://app.example") as server:
        assert ask(server, "GET /v2", host="Host: BOX.lan:8000")[0] == 200
        assert ask(server, "GET /v2", host="Host: a.box.lan")[0] == 200
        assert ask(server, "GET /v2", host="Host: evil.example")[0] == 403
        # Such a name can be a proxy's.
        assert ask(server, LOAD, host="Host: box.lan")[0] == 403
        page = ["Origin: https://app.example", "Sec-Fetch-Site: cross-site"]
        status, headers, _ = ask(server, INDEX, *page)
        assert (status, headers["access-control-allow-origin"]) == (200, "https://app.example")
        assert "Origin" in headers["vary"]
        assert ask(server, LOAD, *page)[0] == 403
        status, headers, _ = ask(
            server, "OPTIONS /v2/models/identity/infer", *page, "Access-Control-Request-Method: POST",
            "Access-Control-Request-Headers: content-type,inference-header-content-length",
        )
        assert status == 204 and headers["access-control-allow-origin"] == "https://app.example"
        assert "POST" in headers["access-control-allow-methods"]
        assert "inference-header-content-length" in headers["access-control-allow-headers"].lower()
        status, headers, _ = ask(server, "GET /v2")
        assert status == 200 and "access-control-allow-origin" not in headers and "Origin" in headers["vary"]
        assert ask(server, INDEX, "Origin: https://other.example")[0] == 403


def test_older_clients_are_told_that_their_connection_stays(server):
    with socket.create_connection(("127.0.0.1", server.http_port), timeout=20) as connection:
        for _ in range(2):
            connection.sendall(b"GET /v2/health/live HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            answer = b""
            while b"\r\n\r\n" not in answer:
                answer += connection.recv(4096)
            assert b" 200 " in answer and b"connection: keep-alive" in answer.lower()
        # What has no length ends with the connection.
        connection.sendall(b"GET /events HTTP/1.0\r\nHost: localhost\r\nConnection: keep-alive\r\n\r\n")
        assert b"connection: close" in connection.recv(4096).lower()


def test_older_clients_are_not_asked_for_their_body(server):
    with socket.create_connection(("127.0.0.1", server.http_port), timeout=20) as connection:
        connection.sendall(b"POST /v2/repository/index HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{}")
        assert connection.recv(4096).split(b"\r\n")[0].endswith(b" 200 OK")
