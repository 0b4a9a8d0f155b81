"""Cases of TfIdfVectorizer over integers, and of Scan with a batch axis."""

import numpy as np
import onnx.parser
from onnx import helper

from .recording import case, refused

rng = np.random.default_rng(31)
tokens = np.array([1, 1, 3, 3, 3, 7, 8, 6, 7, 5, 6, 8], np.int32)
TWO = {"min_gram_length": 1, "max_gram_length": 2, "max_skip_count": 0, "ngram_counts": [0, 4],
       "ngram_indexes": [0, 1, 2, 3, 4, 5, 6], "pool_int64s": [2, 3, 5, 4, 5, 6, 7, 8, 6, 7]}
WEIGHTS = {"weights": [0.5, 2.0, -1.5, 3.0, 0.25, 7.0, 1.0]}


def vectorizer(x, mode="TF", name="", expected=None, **changes):
    case("TfIdfVectorizer", [x], {"mode": mode, **TWO, **changes}, opset=9, name=name, expected=expected)


for dtype in (np.int32, np.int64):
    for x in (tokens.astype(dtype), tokens.reshape(2, 6).astype(dtype)):
        for mode in ("TF", "IDF", "TFIDF"):
            for skips in (0, 1, 5):
                vectorizer(x, mode, f"{mode} skips {skips} {dtype.__name__}{list(x.shape)}", max_skip_count=skips, **WEIGHTS)
vectorizer(tokens, "IDF", "IDF without weights")
vectorizer(tokens, "TFIDF", "TFIDF without weights")
vectorizer(tokens, name="more skips than integers", max_skip_count=100)
vectorizer(tokens, name="bigrams alone", min_gram_length=2, max_skip_count=2)
vectorizer(tokens, name="single integers alone", max_gram_length=1, max_skip_count=2)
vectorizer(tokens, "TFIDF", "other columns", ngram_indexes=[6, 0, 9, 3, 1, 4, 5], **WEIGHTS)
vectorizer(tokens, "TFIDF", "columns of several n-grams", ngram_indexes=[0, 1, 1, 0, 2, 2, 0], **WEIGHTS)
vectorizer(tokens, name="more columns than n-grams", ngram_indexes=[0, 1, 2, 3, 4, 5, 6, 9, 7])
vectorizer(tokens, name="an empty level", ngram_counts=[0, 0], ngram_indexes=[0, 1, 2, 3, 4], min_gram_length=2)
vectorizer(np.zeros(0, np.int64), name="no integers")
vectorizer(np.zeros((2, 0), np.int32), name="rows without integers")
vectorizer(np.zeros((0, 4), np.int32), name="no rows", expected=[np.zeros((0, 7), np.float32)])
large = np.array([-(2**63), 2**63 - 1, 0, -1, 2**63 - 1], np.int64)
vectorizer(large, name="extreme integers", ngram_counts=[0, 2], ngram_indexes=[0, 1, 2],
           pool_int64s=[2**63 - 1, -(2**63), 2**63 - 1, -(2**63)], max_skip_count=3)
# Five lengths with shared beginnings over a small alphabet.
grams = [np.unique(rng.integers(0, 4, (12, length)), axis=0) for length in range(1, 6)]
pool = np.concatenate([gram.reshape(-1) for gram in grams])
starts = np.cumsum([0] + [gram.size for gram in grams[:-1]])
count = sum(len(gram) for gram in grams)
text = rng.integers(-1, 5, (5, 60))
for lengths in ((1, 5), (2, 4), (5, 5)):
    for skips in (0, 3):
        case("TfIdfVectorizer", [text], {
            "mode": "TFIDF", "min_gram_length": lengths[0], "max_gram_length": lengths[1], "max_skip_count": skips,
            "ngram_counts": starts.tolist(), "ngram_indexes": rng.permutation(count).tolist(), "pool_int64s": pool.tolist(),
            "weights": rng.uniform(0, 2, count).astype(np.float32).tolist()}, opset=9, name=f"lengths {lengths} skips {skips}")
for name, changes in {
    "a negative column": {"ngram_indexes": [0, -1, 2, 3, 4, 5, 6]}, "too few columns": {"ngram_indexes": [0, 1]},
    "too few weights": {"weights": [1.0]}, "half of a bigram": {"pool_int64s": [2, 3, 5, 4, 5]},
    "levels out of order": {"ngram_counts": [4, 0]}, "a level behind the pool": {"ngram_counts": [0, 11]},
    "lengths out of order": {"min_gram_length": 3}, "negative skips": {"max_skip_count": -1}, "no mode": {"mode": "BM25"},
    "skips without bound": {"max_skip_count": 2**62}, "a column too far": {"ngram_indexes": [0, 1, 2, 3, 4, 5, 2**62]},
}.items():
    refused("TfIdfVectorizer", [tokens], {"mode": "TF", **TWO, **changes}, opset=9, name=name)
refused("TfIdfVectorizer", [tokens.reshape(2, 2, 3)], {"mode": "TF", **TWO}, opset=9, name="three axes")


def scan(batch, length, directions="", name=""):
    body = """{ sum_out = Add(sum_in, next)  last_out = Identity(next)  scan_out = Mul(sum_out, factor) }"""
    model = onnx.parser.parse_model(f"""
        <ir_version: 8, opset_import: ["" : 8]>
        case (float[B, 2] initial, float[B, 2] first, float[B, L, 2] x, float[2] factor) => (y, last, z) {{
            y, last, z = Scan ("", initial, first, x) <num_scan_inputs = 1{directions}, body = scan_body
                (float[2] sum_in, float[2] last_in, float[2] next) => (float[2] sum_out, float[2] last_out, float[2] scan_out)
                {body}>
        }}""")
    initial, first = (rng.standard_normal((batch, 2)).astype(np.float32) for _ in range(2))
    x, factor = rng.standard_normal((batch, length, 2)).astype(np.float32), np.array([2, -1], np.float32)
    walked = x[:, ::-1] if directions else x
    sums = initial[:, None] + np.cumsum(walked, axis=1)
    case("Scan", {"initial": initial, "first": first, "x": x, "factor": factor}, model=model, name=name or f"8 {x.shape}",
         expected=[sums[:, -1], walked[:, -1], sums * factor])


scan(1, 3)
scan(3, 4)
scan(2, 5, ", directions = [1]", "8 from the end")
refused("Scan", [np.array([3]), np.zeros((1, 2), np.float32), np.zeros((1, 3, 2), np.float32)], {
    "num_scan_inputs": 1, "body": helper.make_graph(
        [helper.make_node("Add", ["s", "n"], ["t"]), helper.make_node("Identity", ["t"], ["o"])], "body",
        [helper.make_tensor_value_info(name, 1, [2]) for name in "sn"],
        [helper.make_tensor_value_info(name, 1, [2]) for name in "to"])}, opset=8, outputs=(True, True), name="lengths")
