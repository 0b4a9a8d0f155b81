"""What the documents show of curl is what curl shows."""

import json
import re
import subprocess

import pytest

import serving
import small_models

EXAMPLE = serving.ROOT / "examples" / "add_sub.onnx"
TRANSCRIPT = [
    (command, shown)
    for name in ("README.md", "docs/serving.md")
    for command, shown in re.findall(
        r"^\$ (curl .+)\n((?:(?!\$ |```).+\n)+)", (serving.ROOT / name).read_text(), flags=re.M)
]


def test_there_is_a_transcript():
    assert len(TRANSCRIPT) >= 4


def test_the_model_of_the_documents_is_that_of_the_tests(tmp_path):
    assert EXAMPLE.read_bytes() == small_models.add_sub(tmp_path / EXAMPLE.name).read_bytes()


@pytest.mark.parametrize("command, shown", TRANSCRIPT, ids=[command.split()[2] for command, _ in TRANSCRIPT])
def test_curl(server, command, shown):
    # The documents' server listens on the standard port, the tests' on a free one.
    command = command.replace("localhost:8000", server.http)
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=30)
    assert result.returncode == 0, result.stderr
    if shown.startswith("{"):
        def answers(text):
            # Of several, which is done first differs.
            return sorted(map(json.loads, text.splitlines()), key=lambda answer: answer.get("index", 0))

        assert answers(result.stdout) == answers(shown)
    else:
        assert result.stdout == shown.strip()
