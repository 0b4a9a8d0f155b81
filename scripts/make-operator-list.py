#!/usr/bin/env python3
"""Generates Sources/ModelGraph/Operators/Operators.swift: the list of all operators, from the files beside it.

    make-operator-list.py [--check]

With --check, nothing is written, and the exit status tells whether the file is up to date.
"""

import pathlib
import re
import sys

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "Sources" / "ModelGraph" / "Operators"
LIST = FOLDER / "Operators.swift"
HEAD = """/// The registry of operators. `scripts/make-operator-list.py` generates this file.
package enum Operators {
  /// Every operator.
  package static let all: [any Operator.Type] = [
"""
TAIL = """  ]

  /// Every operator by its name in stored graphs.
  package static let byName: [String: any Operator.Type] = Dictionary(
    all.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
}
"""


def contents():
    types = []
    for file in FOLDER.rglob("*.swift"):
        types += re.findall(r"^(?:package|public) struct (\w+): (?:Looping|Recurrent)?Operator\b", file.read_text(), re.M)
    return HEAD + "".join(f"    {name}.self,\n" for name in sorted(types)) + TAIL


if __name__ == "__main__":
    if sys.argv[1:] == ["--check"]:
        if LIST.read_text() != contents():
            sys.exit(f"{LIST} is not up to date: run scripts/make-operator-list.py")
    elif len(sys.argv) == 1:
        LIST.write_text(contents())
    else:
        sys.exit(__doc__)
