"""A client that asks, and reads no answer."""

import socket

import pytest

import serving


@pytest.mark.parametrize("request_line", ["GET /v2/health/ready", "HEAD /v2", "OPTIONS /v2"])
def test_a_client_that_reads_nothing_is_let_go(store, request_line):
    with serving.Server(store, "--body-timeout", "1s") as server, socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.connect(("127.0.0.1", server.http_port))
        client.settimeout(60)
        requests = f"{request_line} HTTP/1.1\r\nHost: {server.http}\r\n\r\n".encode() * 1000
        # When nothing more fits between the two, nobody reads any more: the server has to end it.
        with pytest.raises((ConnectionResetError, BrokenPipeError)):
            while True:
                client.sendall(requests)
