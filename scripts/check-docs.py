#!/usr/bin/env python3
"""Checks the documents: links resolve, `make` targets and scripts that they name exist, no path of one machine."""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
MACHINE_PATH = re.compile(r"(?<![\w.:/])/(?:home|root|work|Users|tmp)/\w")


def tracked(*patterns):
    """Files that belong to the repository, also those not committed yet."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns], cwd=ROOT, check=True,
        capture_output=True, text=True).stdout.split("\n")
    return [ROOT / name for name in listed if name and (ROOT / name).is_file()]


def anchors(text):
    """Heading anchors as GitHub makes them."""
    headings = re.findall(r"^#+ +(.+)$", re.sub(r"```.*?```", "", text, flags=re.S), flags=re.M)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def link_problems(path, text):
    prose = re.sub(r"```.*?```", "", text, flags=re.S)
    for target in re.findall(r"\]\(([^)\s]+)\)", prose) + re.findall(r'(?:src|href)="([^"]+)"', prose):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = (path.parent / name).resolve() if name else path
        if not file.exists():
            yield f"link to {target}, which is not there"
        elif anchor and file.suffix == ".md" and anchor not in anchors(file.read_text()):
            yield f"link to {target}: no such heading"


def command_problems(text, targets):
    code = "\n".join(re.findall(r"```(?:\w*)\n(.*?)```", text, flags=re.S) + re.findall(r"`([^`\n]+)`", text))
    for words in re.findall(r"(?:^|[;&|]\s*)make((?: +[a-z][a-z-]*)+)", code, flags=re.M):
        for target in words.split():
            if target not in targets:
                yield f"`make {target}`, which the Makefile does not have"
    for name in re.findall(r"\b(scripts/[\w./-]+\.(?:py|sh))", code):
        if not (ROOT / name).exists():
            yield f"{name}, which is not there"


def main():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.M))
    problems = []
    for path in tracked("*.md"):
        text = path.read_text()
        for problem in [*link_problems(path, text), *command_problems(text, targets)]:
            problems.append(f"{path.relative_to(ROOT)}: {problem}")
    for path in tracked("*.md", "*.swift", "*.py", "*.sh", "*.h", "*.c", "Makefile", ".ci/*", "*.svg"):
        for number, line in enumerate(path.read_text(errors="replace").splitlines(), 1):
            if path.name != pathlib.Path(__file__).name and MACHINE_PATH.search(line):
                problems.append(f"{path.relative_to(ROOT)}:{number}: a path of one machine: {line.strip()[:80]}")
    if problems:
        sys.exit("\n".join(problems))
    print("docs: links, commands and paths are right")


main()
