"""Cases of texts: functions of them, and operators that move them."""

import numpy as np
from onnx import TensorProto

from .recording import case, reference, refused

STRING = TensorProto.STRING


def texts(*values, shape=None):
    array = np.array(values, dtype=object)
    return array if shape is None else array.reshape(shape)


WORDS = texts("a", "été", "", "Straße", "日本語", "🙂", shape=(2, 3))
EMPTY = np.zeros((0, 3), object)

# Concatenation and equality broadcast.
case("StringConcat", [WORDS, texts("x", "", "é")], opset=20)
case("StringConcat", [texts("pre", shape=()), WORDS], opset=20, name="a scalar before")
case("StringConcat", [WORDS, WORDS[:, :1]], opset=20, name="a column behind")
case("StringConcat", [EMPTY, EMPTY], opset=20, name="no texts", expected=[EMPTY])
case("StringConcat", [WORDS, texts("!", shape=())], opset=20, constants=[1], name="a constant behind")
refused("StringConcat", [WORDS, np.ones((2, 3), np.float32)], opset=20, name="with numbers")
for other in (WORDS, texts("a", "", ""), texts("été", shape=())):
    case("Equal", [WORDS, other], opset=19)
case("Equal", [WORDS, texts("été", shape=())], opset=19, constants=[1], name="a constant")
case("Equal", [EMPTY, EMPTY], opset=19, name="no texts", expected=[np.zeros((0, 3), bool)])
for node in ("Less", "Add", "Max", "And", "Abs", "Relu", "ReduceMax", "ArgMax", "CumSum"):
    second = [] if node in ("Abs", "Relu", "ReduceMax", "ArgMax") else [np.array(0) if node == "CumSum" else WORDS]
    refused(node, [WORDS, *second], name="of texts")

# Casts.
reals = np.array([0.1, 1 / 3, 1e-5, 1e8, 123456789, -0.0, np.nan, np.inf, -np.inf, 3, 1e-30, 1e20])
for dtype in (np.float32, np.float64):
    case("Cast", [reals.astype(dtype)], {"to": STRING}, opset=13, name=f"{dtype.__name__} to string")
case("Cast", [np.array([0.1, -2, 65504, np.inf, np.nan], np.float16)], {"to": STRING}, opset=13, name="float16 to string")
for dtype in (np.int8, np.int16, np.int32, np.int64, np.uint8, np.uint16, np.uint32, np.uint64):
    case("Cast", [np.array([0, 1, np.iinfo(dtype).min, np.iinfo(dtype).max], dtype)], {"to": STRING}, opset=13, name=f"{dtype.__name__} to string")
case("Cast", [np.array([True, False])], {"to": STRING}, opset=13, name="bool to string")
case("Cast", [WORDS], {"to": STRING}, opset=13, name="string to string")
numbers = texts("1.5", " 2", "-3", "1e3", "INF", "+inf", "-Inf", "nan", "NaN", "0.1", "99999999999999999999", "1e-50",
                "3.7e-5", "-6e-8")
for to in (TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16):
    case("Cast", [numbers], {"to": to}, opset=13, name=f"string to {to}")
integers = texts("0", "1", "-1", "+5", "100.5", " 7 ", "300")
for to in (TensorProto.INT8, TensorProto.INT16, TensorProto.INT32, TensorProto.INT64, TensorProto.UINT8, TensorProto.UINT16,
           TensorProto.UINT32, TensorProto.UINT64, TensorProto.BOOL):
    case("Cast", [integers], {"to": to}, opset=13, name=f"string to {to}")
for text in ("", "abc", "1,5"):
    if text != "1,5":
        refused("Cast", [texts(text)], {"to": TensorProto.FLOAT}, opset=13, name=f"'{text}'")
    refused("Cast", [texts(text)], {"to": TensorProto.INT64}, opset=13, name=f"'{text}' to an integer") if text == "abc" else None
case("CastLike", [np.array([1, 2]), texts("")], opset=15, name="to string", expected=[texts("1", "2")])

# Movement.
case("Identity", [WORDS])
case("Reshape", [WORDS, np.array([3, -1])], constants=[1])
case("Transpose", [WORDS], {"perm": [1, 0]}, by=reference)
case("Concat", [WORDS, WORDS, EMPTY], {"axis": 0})
case("Gather", [WORDS, np.array([[1, 0], [-1, 1]])], {"axis": 1})
case("Gather", [WORDS, np.array([1])], constants=[0], name="of a constant", expected=[WORDS[[1]]])
case("GatherND", [WORDS, np.array([[0, 1], [1, 2]])])
case("GatherElements", [WORDS, np.array([[1, 0, 1]])])
case("Slice", [WORDS, np.array([0]), np.array([3]), np.array([1]), np.array([2])], by=reference)
case("Split", [WORDS, np.array([1, 2])], {"axis": 1}, outputs=(True, True), opset=13)
case("Where", [np.array([[True, False, True]]), WORDS, texts("no", shape=())])
case("Expand", [texts("a", "b"), np.array([2, 2])])
case("Tile", [texts("a", "b"), np.array([2])], by=reference)
case("Unsqueeze", [WORDS, np.array([0])])
case("Squeeze", [WORDS.reshape(1, 6), np.array([0])])
case("Flatten", [WORDS.reshape(1, 2, 3)], {"axis": 2})
case("Pad", [texts("a", "b"), np.array([1, 2])], {"mode": "constant"}, by=reference, name="texts",
     expected=[texts("", "a", "b", "", "")])
case("ScatterElements", [WORDS, np.array([[1, 0, 1]]), texts("x", "y", "z", shape=(1, 3))])
case("ScatterND", [WORDS, np.array([[1]]), texts("x", "y", "z", shape=(1, 3))])
case("Compress", [WORDS, np.array([False, True])], {"axis": 0})
case("Shape", [WORDS])
case("Size", [WORDS])
case("ReverseSequence", [WORDS, np.array([3, 1])], {"batch_axis": 0, "time_axis": 1})
case("ArrayFeatureExtractor", [WORDS, np.array([[2, 0]])], domain="ai.onnx.ml", opset=1)
case("Unique", [texts("b", "a", "b", "é", "", "a")], outputs=(True,) * 4)
case("Unique", [texts("b", "a", "b", "é", "", "a")], {"sorted": 0}, outputs=(True,) * 4, name="by occurrence")
case("Constant", [], {"value_strings": ["a", "é", ""]}, name="a list")
case("Constant", [], {"value_string": "été"}, name="one text")

# Labels.
ML = {"domain": "ai.onnx.ml"}
keys = texts("a", "b", "été", "", "zz", shape=(1, 5))
for opset in (2, 4):
    case("LabelEncoder", [keys], {"keys_strings": ["a", "été", "b", ""], "values_int64s": [1, 2, 3, 4], "default_int64": 9}, opset=opset, **ML, name=f"texts to integers {opset}")
    case("LabelEncoder", [keys], {"keys_strings": ["a", "été"], "values_floats": [0.5, -2.0], "default_float": 7.0}, opset=opset, **ML, name=f"texts to floats {opset}")
    case("LabelEncoder", [keys], {"keys_strings": ["a", "été"], "values_strings": ["x", "ü"], "default_string": "none"}, opset=opset, **ML, name=f"texts to texts {opset}")
    case("LabelEncoder", [keys], {"keys_strings": ["a"], "values_strings": ["x"]}, opset=opset, **ML, name=f"the usual default {opset}")
    case("LabelEncoder", [np.array([3, 1, 2])], {"keys_int64s": [1, 2], "values_strings": ["x", "ü"]}, opset=opset, **ML, name=f"integers to texts {opset}")
    case("LabelEncoder", [np.array([0.5, -0.0, np.nan], np.float32)], {"keys_floats": [0.0, 0.5], "values_strings": ["zero", "half"]}, opset=opset, **ML, name=f"floats to texts {opset}")
case("LabelEncoder", [texts("a", "c")], {"classes_strings": ["b", "c"]}, opset=1, **ML, name="texts 1", expected=[np.array([-1, 1])])
case("LabelEncoder", [np.array([1, 5])], {"classes_strings": ["b", "c"]}, opset=1, **ML, name="integers 1", expected=[texts("c", "_Unused")])
refused("LabelEncoder", [np.array([1.0], np.float32)], {"keys_strings": ["a"], "values_int64s": [1]}, opset=4, **ML, name="numbers by texts")
case("CategoryMapper", [texts("b", "x", "é")], {"cats_strings": ["é", "b"], "cats_int64s": [3, 4], "default_int64": 8}, opset=1, **ML)
case("CategoryMapper", [np.array([4, 3, 5])], {"cats_strings": ["é", "b"], "cats_int64s": [3, 4], "default_string": "none"}, opset=1, **ML)
case("OneHotEncoder", [texts("b", "x", "é")], {"cats_strings": ["é", "b", "c"]}, opset=1, **ML)
refused("OneHotEncoder", [texts("b", "x")], {"cats_strings": ["b"], "zeros": 0}, opset=1, **ML, name="no category")
refused("DictVectorizer", [texts("a")], {"string_vocabulary": ["a"]}, opset=1, **ML, name="maps")

# Classifiers.
rng = np.random.default_rng(11)
rows = rng.standard_normal((4, 3)).astype(np.float32)
linear = {"coefficients": rng.standard_normal(9).astype(np.float32).tolist(), "intercepts": [0.1, -0.2, 0.3], "post_transform": "SOFTMAX"}
case("LinearClassifier", [rows], linear | {"classlabels_strings": ["é", "", "c"]}, opset=1, **ML, outputs=(True, True), name="labels that are texts")
case("LinearClassifier", [rows], {"coefficients": [1.0, -1.0, 0.5], "intercepts": [0.1], "classlabels_strings": ["no", "yes"]}, opset=1, **ML,
     outputs=(True, True), name="two labels that are texts")
tree = {"nodes_treeids": [0] * 3, "nodes_nodeids": [0, 1, 2], "nodes_featureids": [0, 0, 0], "nodes_values": [0.0, 0.0, 0.0],
        "nodes_modes": ["BRANCH_LEQ", "LEAF", "LEAF"], "nodes_truenodeids": [1, 0, 0], "nodes_falsenodeids": [2, 0, 0],
        "nodes_missing_value_tracks_true": [0] * 3, "nodes_hitrates": [1.0] * 3}
case("TreeEnsembleClassifier", [rows], tree | {"class_treeids": [0, 0, 0], "class_nodeids": [1, 2, 2], "class_ids": [0, 1, 2],
     "class_weights": [1.0, 0.25, 0.75], "classlabels_strings": ["a", "b", "é"], "post_transform": "NONE"}, opset=1, **ML,
     outputs=(True, True), name="labels that are texts")
case("TreeEnsembleClassifier", [rows], tree | {"class_treeids": [0, 0], "class_nodeids": [1, 2], "class_ids": [0, 0],
     "class_weights": [0.25, 0.75], "classlabels_strings": ["no", "yes"], "post_transform": "NONE"}, opset=1, **ML,
     outputs=(True, True), name="two labels that are texts")

# n-grams.
words = texts("b", "c", "c", "a", "b", "c", "x", "é", "a", "é")
grams = {"mode": "TF", "min_gram_length": 1, "max_gram_length": 2, "max_skip_count": 1, "ngram_counts": [0, 3],
         "ngram_indexes": [0, 1, 2, 3, 4], "pool_strings": ["a", "b", "é", "b", "c", "a", "é"]}
for mode in ("TF", "IDF", "TFIDF"):
    case("TfIdfVectorizer", [words], grams | {"mode": mode, "weights": [0.5, 2.0, 3.0, -1.0, 4.0]}, opset=9, name=f"texts {mode}")
case("TfIdfVectorizer", [words.reshape(2, 5)], grams, opset=9, name="rows of texts")

# Patterns in the syntax of RE2.
lines = texts("ab", "été", "STRASSE", "straße", "K", "a\nb", "a", "", "12-ab", "me@x.com", "aaab", "]", "Ω", "x y")
for pattern in (r".*", r"(?s).*", r"[^a]*", r"\pL+", r"\p{Lu}+", r"(?i)stra(ss|ß)e", r"(?i)k", r"a\nb|a.b", r"\w+", r"\x{e9}t\xe9", "été",
                r"^a|b$", r"(?m)^a$\n^b$", r"\ba\b.*", r"a{2,3}b", r"a{2}.{0,}", r"(a|ab)*", r"(a*)*b", r"[]a]+", r"[\w-]+", r"\d{2}-\w+",
                r"(\w+)@(\w+)\.com", r"[[:upper:]]+|[[:^alpha:]]*", r"(?P<n>a)b", r"\Qx y\E", "", r"a||b", r"{", r"(x+x+)+y",
                r"((a{0,30}){0,30}b?)*"):
    case("RegexFullMatch", [lines], {"pattern": pattern}, opset=20, name=pattern)
for pattern in (r"(a", r"a)", r"[a", r"a**", r"*a", r"\1", r"(?=a)", r"a{2,1}", r"a{1001}", r"(a{1,100}){1,100}", r"\p{None}", r"[z-a]",
                r"[[:none:]]", "\\", r"\C"):
    refused("RegexFullMatch", [lines], {"pattern": pattern}, opset=20, name=pattern)

# Normalisation, in the one locale of the machine that makes the cases.
for change in ("NONE", "LOWER", "UPPER"):
    for sensitive in (0, 1):
        attributes = {"case_change_action": change, "is_case_sensitive": sensitive, "stopwords": ["monday", "Tuesday"], "locale": "C"}
        case("StringNormalizer", [texts("monday", "Tuesday", "Wednesday", "MONDAY")], attributes, opset=10, name=f"{change} {sensitive}")
        case("StringNormalizer", [texts("monday", "TUESDAY", "thursday", shape=(1, 3))], attributes, opset=10, name=f"row {change} {sensitive}")
case("StringNormalizer", [texts("b", "b")], {"stopwords": ["b"], "locale": "C", "is_case_sensitive": 1}, opset=10, name="stop words alone")
case("StringNormalizer", [texts("b", shape=(1, 1))], {"stopwords": ["b"], "locale": "C", "is_case_sensitive": 1}, opset=10, name="a row of stop words")
case("StringNormalizer", [texts("ÉTÉ", "Straße", "ΣΑΣ")], {"case_change_action": "LOWER", "locale": "en_US"}, opset=10, name="letters beyond ASCII",
     expected=[texts("été", "straße", "σασ")])
case("StringNormalizer", [texts("été", "Straße")], {"case_change_action": "UPPER", "stopwords": ["STRAßE"]}, opset=10,
     name="a stop word beyond ASCII", expected=[texts("ÉTÉ")])
refused("StringNormalizer", [WORDS], {"locale": "C"}, opset=10, name="two rows")

# Splitting, as Python does, which the reference follows.
split = texts("  a b  c ", "a,b", ",a,,b,", "été\t日本", "x")
BOTH = (True, True)
case("StringSplit", [split], {}, opset=20, outputs=BOTH, by=reference, name="at white space")
case("StringSplit", [split.reshape(5, 1)], {"delimiter": ","}, opset=20, outputs=BOTH, by=reference, name="at commas")
case("StringSplit", [split], {"delimiter": ",", "maxsplit": 1}, opset=20, outputs=BOTH, by=reference, name="once")
case("StringSplit", [split], {"maxsplit": 1}, opset=20, outputs=BOTH, name="once at white space",
     expected=[texts("a", "b  c ", "a,b", "", ",a,,b,", "", "été", "日本", "x", "", shape=(5, 2)), np.array([2, 1, 1, 2, 1])])
case("StringSplit", [split], {"delimiter": ", ", "maxsplit": 0}, opset=20, outputs=BOTH, by=reference, name="never")
case("StringSplit", [texts("日本語本", "本")], {"delimiter": "本"}, opset=20, outputs=BOTH, by=reference, name="at a letter beyond ASCII")
case("StringSplit", [EMPTY], {}, opset=20, outputs=BOTH, name="no texts", expected=[np.zeros((0, 3, 0), object), np.zeros((0, 3), np.int64)])
case("StringSplit", [texts("", "  ")], {}, opset=20, outputs=BOTH, name="texts without parts",
     expected=[np.zeros((2, 0), object), np.zeros(2, np.int64)])

# Tokens.
MICROSOFT = {"domain": "com.microsoft", "opset": 1}
TOKENS = {"mark": 0, "pad_value": "#", "mincharnum": 1}
lines = texts("The cat, the café", "", "aab 10-20", "日本 語x", ",,", " a", shape=(6,))
for name, extra in {
    "words": {"tokenexp": "[a-zA-Z0-9_]+"}, "letters": {"tokenexp": r"\pL+"}, "longest": {"tokenexp": "a|aab|[0-9]+(-[0-9]+)?"},
    "of two": {"tokenexp": r"\w+", "mincharnum": 2}, "pairs that overlap": {"tokenexp": "a?b?", "mincharnum": 2},
    "may be empty": {"tokenexp": "a*"}, "begin": {"tokenexp": "^T|^a|,"}, "end": {"tokenexp": r"é$|x$|\b[a-z]"},
    "marked": {"tokenexp": r"\w+", "mark": 1}, "none": {"tokenexp": "Q"}, "none, marked": {"tokenexp": "Q", "mark": 1},
    "characters by an expression": {"tokenexp": "."}, "characters": {"separators": [""]}, "characters, marked": {"separators": [""], "mark": 1},
    "comma": {"separators": [","]}, "comma, blank": {"separators": [",", " "]}, "separators of two": {"separators": ["[ ,]"], "mincharnum": 2},
    "separators, marked": {"separators": [" +", "a+"], "mark": 1, "pad_value": ""}, "long separators": {"separators": ["the|The cat", "t"]},
    "separators and an expression": {"separators": [" "], "tokenexp": "a"}, "begin and end": {"separators": ["^.", "x$"]},
}.items():
    case("Tokenizer", [lines], TOKENS | extra, **MICROSOFT, name=name)
    case("Tokenizer", [lines.reshape(2, 3)], TOKENS | extra, **MICROSOFT, name=f"{name}, table")
case("Tokenizer", [texts("abc", "b")], TOKENS | {"separators": ["x*b?"]}, **MICROSOFT, name="empty separators",
     expected=[np.zeros((2, 0), object)])
case("Tokenizer", [EMPTY], TOKENS | {"separators": [","]}, **MICROSOFT, name="no texts", expected=[np.zeros((0, 3, 0), object)])
refused("Tokenizer", [WORDS.reshape(1, 2, 3)], TOKENS | {"separators": [","]}, **MICROSOFT, name="three axes")
refused("Tokenizer", [WORDS], TOKENS, **MICROSOFT, name="no separators")
refused("Tokenizer", [WORDS], TOKENS | {"tokenexp": "(a"}, **MICROSOFT, name="a wrong expression")
refused("Tokenizer", [WORDS], TOKENS | {"tokenexp": "a", "mincharnum": 0}, **MICROSOFT, name="mincharnum 0")
refused("Tokenizer", [WORDS], TOKENS | {"tokenexp": ".", "mincharnum": 2}, **MICROSOFT, name="long characters")
refused("Tokenizer", [texts("a" * 20_000)], TOKENS | {"tokenexp": "a|[^b]*b"}, **MICROSOFT, name="many readings")
