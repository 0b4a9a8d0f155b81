"""The documents name settings, metrics and commands that exist."""

import re
import runpy
import subprocess

import pytest
import serving

DOCUMENTS = [
    path.relative_to(serving.ROOT) for path in [serving.ROOT / "README.md", *sorted((serving.ROOT / "docs").glob("*.md"))]
    # Of the benchmarks, which have options of their own.
    if path.name != "performance.md"
]


def code(document):
    """What a document has in code blocks and between backticks."""
    text = (serving.ROOT / document).read_text()
    blocks = re.findall(r"```\w*\n(.*?)```", text, flags=re.S)
    return blocks + re.findall(r"`([^`\n]+)`", re.sub(r"```.*?```", "", text, flags=re.S))


@pytest.mark.parametrize("page", ["settings", "operators"])
def test_all_is_listed_as_the_program_tells_it(page):
    name = f"make-{page}-page.py"
    made = "".join(runpy.run_path(str(serving.ROOT / "scripts" / name))["page"](serving.PROGRAM))
    assert (serving.ROOT / "docs" / f"{page}.md").read_text() == made, f"run scripts/{name} .build/release/fusedinf"


@pytest.fixture(scope="module")
def known_options(knobs):
    """Settings, and the options of each command."""
    def told(program, *words):
        return subprocess.run([program, *words, "--help"], check=True, capture_output=True, text=True).stdout

    commands = re.findall(r"^  (\w+) {2,}", told(serving.PROGRAM).split("SUBCOMMANDS:")[1], flags=re.M)
    assert {"add", "run", "config"} <= set(commands)
    texts = [told(serving.PROGRAM, command) for command in commands] + [told(serving.SERVER, "make-key")]
    return knobs.keys() | set(re.findall(r"--([a-z][a-z-]*)", "\n".join(texts)))


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_options_exist(document, known_options):
    for piece in code(document):
        if not re.match(r"curl ", piece.removeprefix("$ ")):
            assert set(re.findall(r"(?<![\w-])--([a-z][a-z-]*)", piece)) <= known_options | {"no-shared-memory"}, piece


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_environment_variables_exist(document, knobs):
    named = {name for piece in code(document) for name in re.findall(r"FUSEDINF_\w+", piece)}
    assert named <= {knob["environment"] for knob in knobs.values()} | {"FUSEDINF_CONFIG", "FUSEDINF_SERVER"}


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_metrics_exist(document, series):
    kinds = {re.sub(r"_(bucket|sum|count)$", "", name) for name in series} | series.keys()
    for piece in code(document):
        for name in re.findall(r"\b((?:fusedinf|nv|process)_\w+)", piece):
            # Of nv_inference_*, what begins so.
            assert name in kinds or name.endswith("_") and any(kind.startswith(name) for kind in kinds), name
