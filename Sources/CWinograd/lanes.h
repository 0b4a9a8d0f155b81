// Sixteen numbers at a time.
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef float lanes __attribute__((vector_size(64)));
// Where they need not lie on a boundary of 64.
typedef float anywhere __attribute__((vector_size(64), aligned(4)));

// Without the width the compiler splits vectors where it holds 256 bits to be faster on average.
#define FI_AVX512 __attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,fma"), min_vector_width(512)))
#define FI_INLINE static inline __attribute__((always_inline)) FI_AVX512

FI_INLINE lanes load(const float *from) { return *(const anywhere *)from; }
FI_INLINE void store(float *to, lanes value) { *(anywhere *)to = value; }
FI_INLINE lanes splat(float x) { return (lanes){x, x, x, x, x, x, x, x, x, x, x, x, x, x, x, x}; }
