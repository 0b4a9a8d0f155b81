"""Einsum in every form: ellipses that broadcast, diagonals, implicit results, many operands, scalars, each element type."""

import numpy as np

from .recording import BF16, case, real, refused

rng = np.random.default_rng(12)


def einsum(equation, *operands, name="", **options):
    if "expected" not in options:
        options["expected"] = [np.asarray(np.einsum(equation.replace(" ", ""), *operands))]
    case("Einsum", list(operands), {"equation": equation}, opset=12, name=name or equation, **options)


x, y = real(rng, 2, 3, 4), real(rng, 2, 4, 5)
for equation in ("bij, bjk -> bik", "bij,bjk->kib", "bij,bjk", "bij,bjk->bk", "bij,bjk->", "bij,bjk->ijk"):
    einsum(equation, x, y)
for equation in ("ijk->kij", "ijk", "ijk->ik", "ijk->", "kji", "Bac", "...->...", "...k->...", "i...->...i",
                 "... k -> k ...", "i...k->i..."):
    einsum(equation, x)

square, cube = real(rng, 4, 4), real(rng, 3, 3, 3)
for equation in ("ii->i", "ii", "ii->", "...ii->...i"):
    einsum(equation, square)
for equation in ("iii->i", "iij->ij", "iji->ij", "jii->ij", "iii", "...ii->...i", "i...i->...", "iij"):
    einsum(equation, cube)
batched = real(rng, 2, 4, 3, 4)
einsum("bjkj->bjk", batched)
einsum("ajbj,cb->ca", batched, real(rng, 5, 3))
einsum("ii,ij->j", square, real(rng, 4, 2))

# Ellipses of different lengths, and of sizes of 1, broadcast.
einsum("...ij,...jk->...ik", real(rng, 5, 1, 2, 3), real(rng, 4, 3, 2))
einsum("...ij,jk", real(rng, 5, 2, 3), real(rng, 3, 2))
einsum("...ij,...j", real(rng, 1, 2, 3), real(rng, 6, 3))
einsum("i...,i...->...", real(rng, 3, 2, 1), real(rng, 3, 4))
einsum("...,...", real(rng, 3, 1), real(rng, 4))
einsum("...i,...i->...", real(rng, 2, 3), real(rng, 2, 3))
einsum("...,ij->...ij", real(rng, 2), real(rng, 3, 2))

# Products without a sum, outer products, products with scalars.
einsum("ij,ij->ij", real(rng, 3, 4), real(rng, 3, 4))
einsum("i,j->ij", real(rng, 3), real(rng, 4))
einsum("i,j->ji", real(rng, 3), real(rng, 4))
einsum(",ij->ij", real(rng), real(rng, 2, 3))
einsum(",", real(rng), real(rng))
einsum("->", real(rng))
einsum("i,i", real(rng, 7), real(rng, 7))
einsum("ijkl,jlm->ikm", real(rng, 2, 3, 4, 5), real(rng, 3, 5, 2))
einsum("abcd,efcd->abef", real(rng, 2, 3, 2, 4), real(rng, 3, 2, 2, 4))

# Three operands and more.
a, b, c, d = real(rng, 2, 3), real(rng, 3, 4), real(rng, 4, 5), real(rng, 5)
einsum("ij,jk,kl->il", a, b, c)
einsum("ij,jk,kl", a, b, c)
einsum("ij,jk,kl,l->i", a, b, c, d)
einsum("ij,jk,ij->k", a, b, a)
einsum("Ij,jK,Ki", a, b, c)
einsum("i,i,i->i", d, d, d)
einsum("bhqd,bhkd,bk->bhqk", real(rng, 2, 3, 4, 5), real(rng, 2, 3, 6, 5), real(rng, 2, 6))
einsum("...i,ij,...j->...", real(rng, 4, 1, 2), a, real(rng, 3, 3))

for dtype in (np.float64, np.int32, np.int64, np.uint32, np.uint64, np.int16, np.uint16, np.int8, np.uint8):
    matrix = rng.integers(0, 9, (3, 4)).astype(dtype)
    other = rng.integers(0, 9, (4, 3)).astype(dtype)
    einsum("ij,jk->ik", matrix, other)
    einsum("ij,ji", matrix, other)
    einsum("ij->j", matrix)
    einsum("ii,i->i", rng.integers(0, 9, (3, 3)).astype(dtype), rng.integers(0, 9, 3).astype(dtype))
einsum("ij,jk->ik", np.full((2, 3), 100, np.int8), np.full((3, 2), 5, np.int8), name="wraps")
for dtype in (np.float16, BF16):
    halves = [real(rng, 3, 4).astype(dtype), real(rng, 4, 5).astype(dtype), real(rng, 5, 2).astype(dtype)]
    wide = [half.astype(np.float32) for half in halves]
    einsum("ij,jk->ik", *halves[:2], expected=[np.einsum("ij,jk->ik", *wide[:2]).astype(dtype)])
    einsum("ij,jk,kl->il", *halves, expected=[np.einsum("ij,jk,kl->il", *wide).astype(dtype)])
    einsum("ij->i", halves[0], expected=[np.einsum("ij->i", wide[0]).astype(dtype)])
    big = np.full((4, 4), 300, dtype)
    einsum("ij,jk,kl->il", big, big, np.full((4, 4), 0.001, dtype), name="large on the way",
           expected=[np.einsum("ij,jk,kl->il", big.astype(np.float32), big.astype(np.float32),
                               np.full((4, 4), 0.001, dtype).astype(np.float32)).astype(dtype)])

# No elements, and a NaN beside a diagonal.
einsum("ij,jk->ik", np.zeros((2, 0), np.float32), np.zeros((0, 3), np.float32))
einsum("ii->i", np.zeros((0, 0), np.float32))
spoiled = real(rng, 3, 3)
spoiled[0, 1] = np.nan
einsum("ii->i", spoiled, name="beside a NaN")

refused("Einsum", [x, y], {"equation": "bij,bjk->bikz"}, opset=12, name="letter that no operand has")
refused("Einsum", [x], {"equation": "bij->bii"}, opset=12, name="letter twice in the result")
refused("Einsum", [x], {"equation": "bi->b"}, opset=12, name="too few letters")
refused("Einsum", [x], {"equation": "b...ijkl->b"}, opset=12, name="too many letters beside an ellipsis")
refused("Einsum", [x], {"equation": "b...->b"}, opset=12, name="ellipsis that the result lacks")
refused("Einsum", [x], {"equation": "bi1->b"}, opset=12, name="digit")
refused("Einsum", [x], {"equation": "b..ij"}, opset=12, name="two dots")
refused("Einsum", [x], {"equation": "bij-bij"}, opset=12, name="half an arrow")
refused("Einsum", [x], {"equation": "bij,bij"}, opset=12, name="two terms for one operand")
refused("Einsum", [real(rng, 3, 4)], {"equation": "ii->i"}, opset=12, name="diagonal of axes of different sizes")
