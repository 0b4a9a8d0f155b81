#!/usr/bin/env python3
"""Checks that no comment of the Swift sources begins with a free relative clause ("What it holds", "Who asks").

Questions are allowed. Before it reads the sources, the script tests itself on the examples below."""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
RELATIVE = re.compile(r"(?:What|Who|Whom|Whose|Where|Which|How|Whether)(?:ever)?\b")
LINE = re.compile(r"^\s*(///?)(?!/)\s?(.*)$")
GENERATED = (".pb.swift", ".grpc.swift")

REFUSED = [
    "/// What a run takes.",
    "  // Who asks.",
    "/// Whether all lanes\n/// sleep.",
    "let x = 1\n// MARK: Where values are",
    "/// Whatever was left. Is it gone?",
    "/// How often\n///\n/// Is it asked?",
]
ACCEPTED = [
    "/// The memory of a run. What it takes is a matter of shapes.",
    "// What if the file is empty?",
    "/// Which of the two\n/// is first?",
    "/// - Returns: what was found.",
    "/// Returns true\n/// Whether or not",
    "// Where(Equal(target, -1), ones, target) → Expand",
]


def comments(text):
    """The first line's number and the text of every block of comment lines."""
    number, mark, words = 0, None, []
    for index, line in enumerate([*text.split("\n"), ""], 1):
        found = LINE.match(line)
        if found and found[1] == mark:
            words.append(found[2])
            continue
        if words:
            yield number, words
        number, mark, words = (index, found[1], [found[2]]) if found else (0, None, [])


def problems(text):
    for number, lines in comments(text):
        paragraph = " ".join("\n".join(lines).split("\n\n")[0].split())
        paragraph = re.sub(r"^MARK:\s*-?\s*", "", paragraph)
        sentence = re.split(r"(?<=[.?!:])\s", paragraph, maxsplit=1)[0]
        word = RELATIVE.match(sentence)
        if word and not sentence.endswith("?") and sentence[word.end():word.end() + 1] != "(":
            yield number, word[0]


def test():
    for text in REFUSED:
        assert list(problems(text)), f"not noticed: {text!r}"
    for text in ACCEPTED:
        assert not list(problems(text)), f"wrongly refused: {text!r}"
    assert list(problems(REFUSED[3])) == [(2, "Where")]


def main():
    test()
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", "*.swift"], cwd=ROOT, check=True,
        capture_output=True, text=True).stdout.split("\n")
    failed = False
    for name in listed:
        if not name or name.endswith(GENERATED) or not (ROOT / name).is_file():
            continue
        for number, word in problems((ROOT / name).read_text()):
            failed = True
            print(f'{name}:{number}: a comment begins with "{word} …": name the thing first', file=sys.stderr)
    if failed:
        sys.exit(1)
    print("comments: none begins with a free relative clause")


main()
