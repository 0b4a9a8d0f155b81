"""The server is up."""

import urllib.request


def test_live(server):
    with urllib.request.urlopen(server.url + "/v2/health/live") as response:
        assert response.status == 200
