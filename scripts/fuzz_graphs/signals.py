"""Generators of random numbers, windows, Fourier transforms and n-grams."""

import numpy as np

from .draw import number_of
from .registry import generates


@generates("RandomNormal", "RandomUniform")
def random(g, op):
    g.node(op, [], shape=list(g.draw.shape(1, 3)), dtype=number_of(g.draw.type(g.types(op, output=True))), seed=g.draw.choice([None, 3.0]))


@generates("RandomNormalLike", "RandomUniformLike")
def random_like(g, op):
    g.node(op, [g.tensor(g.types(op))], dtype=number_of(g.draw.type(g.types(op, output=True))))


@generates("Bernoulli")
def bernoulli(g, op):
    g.node(op, [g.new(g.draw.type(g.types(op)), g.draw.shape(), 0, 1)], dtype=g.draw.choice([None, number_of(np.dtype(np.float32))]))


@generates("Multinomial")
def multinomial(g, op):
    a = g.new(np.float32, (g.draw.choice([1, 3]), g.draw.choice([1, 4])), -1, 1)
    g.node(op, [a], sample_size=g.draw.choice([1, 5]), dtype=g.draw.choice([None, number_of(np.dtype(np.int64))]))


@generates("BlackmanWindow", "HammingWindow", "HannWindow")
def windows(g, op):
    to = g.draw.choice([None, *(number_of(one) for one in g.types(op, output=True) if one.kind == "f")])
    g.node(op, [g.whole(g.draw.randint(2, 12), g.draw.choice([np.int32, np.int64]))], periodic=g.draw.choice([None, 0, 1]), output_datatype=to)


@generates("MelWeightMatrix")
def mel(g, op):
    g.node(op, [g.whole(g.draw.choice([2, 8])), g.whole(g.draw.choice([16, 64])), g.whole(g.draw.choice([8000, 16000])), g.give(np.array(0, np.float32)),
                g.give(np.array(4000, np.float32))])


@generates("DFT")
def fourier(g, op):
    two = g.draw.choice([1, 2])
    a = g.tensor(g.types(op), shape=(g.draw.choice([1, 2]), g.draw.choice([1, 2, 5, 8]), g.draw.choice([1, 3]), two))
    axis = g.draw.choice([1, 2, -2, -3])
    length = g.whole(g.draw.choice([1, 4, 6, 9])) if g.draw.chance(0.4) else ""
    inverse = g.draw.choice([None, 0, 1])
    onesided = 1 if two == 1 and not inverse and g.draw.chance(0.4) else None
    if g.opset >= 20:
        return g.node(op, [a, length, g.whole(axis)], inverse=inverse, onesided=onesided)
    return g.node(op, [a, length], axis=axis % 4, inverse=inverse, onesided=onesided)


@generates("STFT")
def short_fourier(g, op):
    size = g.draw.choice([4, 8])
    a = g.tensor([one for one in g.types(op) if one.itemsize >= 4], shape=(g.draw.choice([1, 2]), g.draw.choice([8, 17]), 1))
    window = g.like(a, (size,)) if g.draw.chance(0.5) else ""
    g.node(op, [a, g.whole(g.draw.choice([1, 3, 4])), window, g.whole(size)], onesided=g.draw.choice([None, 0, 1]))


@generates("TfIdfVectorizer")
def ngrams(g, op):
    a = g.new(g.draw.choice([np.int32, np.int64]), g.draw.choice([(8,), (2, 6)]), 0, 5)
    mode = g.draw.choice(["TF", "IDF", "TFIDF"])
    g.node(op, [a], mode=mode, min_gram_length=1, max_gram_length=2, max_skip_count=g.draw.choice([0, 1, 3]), ngram_counts=[0, 3],
           ngram_indexes=[0, 1, 2, 3, 4], pool_int64s=[1, 2, 3, 1, 2, 3, 4], weights=[0.5, 2.0, 1.0, 3.0, 0.1] if mode != "TF" else None)
