"""What the README shows of curl is what curl shows."""

import json
import re
import subprocess

import pytest

import serving

TRANSCRIPT = re.findall(r"^\$ (curl .+)\n(.+)$", (serving.ROOT / "README.md").read_text(), flags=re.M)


def test_there_is_a_transcript():
    assert len(TRANSCRIPT) >= 3


@pytest.mark.parametrize("command, shown", TRANSCRIPT, ids=[command.split()[2] for command, _ in TRANSCRIPT])
def test_curl(server, command, shown):
    # The README's server listens on the standard port, the tests' on a free one.
    command = command.replace("localhost:8000", server.http)
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=30)
    assert result.returncode == 0, result.stderr
    if shown.startswith("{"):
        assert json.loads(result.stdout) == json.loads(shown)
    else:
        assert result.stdout == shown
