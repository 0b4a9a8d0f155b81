#!/usr/bin/env python3
"""Generates docs/operators.md from the program's list of operators: make-operators-page.py PROGRAM"""

import itertools
import json
import pathlib
import subprocess
import sys

PAGE = pathlib.Path(__file__).resolve().parent.parent / "docs" / "operators.md"
HEAD = """# Operators

`scripts/make-operators-page.py` generates this page from `fusedinf operators`. "since" and "until" are the first and last opset versions in
which an operator is supported; a model's opset may be 1 to 28. Some forms of an operator may be unsupported: `fusedinf add` then names the
node, the operator and the unsupported part. `If`, `Loop` and `Scan` are supported if each operator inside is. A function that the model
defines itself is supported if each operator in it is; its calls are inlined.

Sequences and optionals of tensors are supported. If the file alone decides their lengths and the positions of elements, they cost nothing at
run time. An output that is such a sequence is one tensor, stacked along a new first axis, if its elements are known to have one shape, and
otherwise an output for each element: `NAME.0`, `NAME.1`, …. Other sequences are lists at run time, of at most 65,536 elements. Loops may carry
them, branches may give them, and they may be inputs and outputs: `fusedinf run` and [the server](serving.md#strings-maps-sequences-and-optionals)
take a sequence as one tensor whose first axis is the sequence, and give one as above. An optional tensor that is an input must be given, unless
the model has `OptionalHasElement`.

Random operators, and `Dropout` in training mode, are supported outside of loops. As with ONNX Runtime and a fixed seed, a model always draws
the same numbers, but each run starts anew: a second run repeats the numbers of the first. Without the attribute `seed`, the node's name is the
seed.

Texts are bytes, as a rule of UTF-8. `RegexFullMatch` and `Tokenizer` have the syntax of RE2, without scripts (`\\p{Greek}`) and `\\C`.
`StringNormalizer` changes the case of each letter as Unicode maps it, whatever its locale is. `StringSplit` splits as Python does.

Of `ai.onnx.ml`, maps are not supported. The result of `ZipMap` is the tensor of scores that it is given: a row for each input, a column for each
label in the order of `classlabels_int64s` or `classlabels_strings`. An output that `ZipMap` makes has these labels beside it, as `NAME.keys`.
"""


def link(domain, name):
    pages = {"ai.onnx": "onnx_", "ai.onnx.ml": "onnx_aionnxml"}
    return f"[{name}](https://onnx.ai/onnx/operators/{pages[domain]}_{name}.html)" if domain in pages else name


def page(program):
    listed = json.loads(subprocess.run([program, "operators", "--json"], check=True, capture_output=True).stdout)["operators"]
    yield HEAD
    for domain, operators in itertools.groupby(listed, lambda operator: operator["domain"]):
        yield f"\n## {domain}\n\n| operator | since | until |\n|---|---|---|\n"
        for operator in operators:
            yield f"| {link(domain, operator['name'])} | {operator['since']} | {operator.get('until', '')} |\n"


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    PAGE.write_text("".join(page(sys.argv[1])))
