"""The generators by operator, the operators without one, and the check that none is forgotten."""

import subprocess

from program import PROGRAM

GENERATORS, PATTERNS = {}, []
STRINGS = "strings, sequences and maps are not drawn yet"
EXCEPTIONS = {
    **{("", name): STRINGS for name in (
        "ConcatFromSequence", "SequenceAt", "SequenceConstruct", "SequenceEmpty", "SequenceErase", "SequenceInsert", "SequenceLength",
        "SequenceMap", "SplitToSequence", "Optional", "OptionalGetElement", "OptionalHasElement", "StringConcat", "StringNormalizer",
        "StringSplit", "RegexFullMatch", "ImageDecoder")},
    ("com.microsoft", "Tokenizer"): STRINGS,
    ("com.microsoft", "GroupNorm"): "no peer computes it on a CPU",
    **{("ai.onnx.ml", name): STRINGS for name in ("CastMap", "CategoryMapper", "DictVectorizer", "ZipMap")},
}
DOMAINS = ("ai.onnx", "ai.onnx.ml", "com.microsoft")


def generates(*names, domain=""):
    """Registers a function of a graph and an operator's name, which adds one node."""
    def register(function):
        GENERATORS.update({(domain, name): function for name in names})
        return function

    return register


def pattern(function):
    """Registers a function of a graph, which adds nodes that a pass looks for."""
    PATTERNS.append(function)
    return function


def registered():
    """The operators that FusedInf reads."""
    listed = subprocess.run([PROGRAM, "operators"], capture_output=True, text=True, check=True).stdout
    return {("" if domain == "ai.onnx" else domain, name)
            for domain, name, *_ in map(str.split, listed.splitlines()) if domain in DOMAINS}


def forgotten():
    """The registered operators that have neither a generator nor a reason. A name may be cut to the width of the list."""
    known = set(GENERATORS) | set(EXCEPTIONS)
    return sorted(one for one in registered() if not any(
        domain == one[0] and (name == one[1] or len(one[1]) >= 28 and name.startswith(one[1])) for domain, name in known))
