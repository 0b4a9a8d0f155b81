#include "clones.h"
#include "CElements.h"

/// One row by one column; sums wrap, as unsigned numbers may.
FI_CLONES static int32_t product(const uint8_t *restrict a, const int8_t *restrict b, int64_t depth) {
  uint32_t sum = 0;
  for (int64_t i = 0; i < depth; i++) sum += (uint32_t)((int32_t)a[i] * (int32_t)b[i]);
  return (int32_t)sum;
}

static void plain(
    const uint8_t *a, int64_t rows, const int8_t *b, int64_t columns, int64_t depth, int32_t *sums) {
  for (int64_t column = 0; column < columns; column++) {
    for (int64_t row = 0; row < rows; row++)
      sums[row * columns + column] = product(a + row * depth, b + column * depth, depth);
  }
}

#if defined(__x86_64__) && defined(__clang__)
#include <immintrin.h>
#define VNNI __attribute__((target("avx512f,avx512bw,avx512vl,avx512vnni")))

VNNI static void vector_neural(
    const uint8_t *a, int64_t rows, const int8_t *b, int64_t columns, int64_t depth, int32_t *sums) {
  const int64_t whole = depth / 64 * 64;
  const __mmask64 rest = ((__mmask64)1 << (depth - whole)) - 1;
  int64_t column = 0;
  // Four columns at a time: each element of a is loaded once for them, and they stay in the cache for all rows.
  for (; column + 4 <= columns; column += 4) {
    const int8_t *b0 = b + column * depth, *b1 = b0 + depth, *b2 = b1 + depth, *b3 = b2 + depth;
    for (int64_t row = 0; row < rows; row++) {
      const uint8_t *x = a + row * depth;
      __m512i s0 = _mm512_setzero_si512(), s1 = s0, s2 = s0, s3 = s0;
      for (int64_t i = 0; i < whole; i += 64) {
        __m512i v = _mm512_loadu_si512(x + i);
        s0 = _mm512_dpbusd_epi32(s0, v, _mm512_loadu_si512(b0 + i));
        s1 = _mm512_dpbusd_epi32(s1, v, _mm512_loadu_si512(b1 + i));
        s2 = _mm512_dpbusd_epi32(s2, v, _mm512_loadu_si512(b2 + i));
        s3 = _mm512_dpbusd_epi32(s3, v, _mm512_loadu_si512(b3 + i));
      }
      if (rest != 0) {
        __m512i v = _mm512_maskz_loadu_epi8(rest, x + whole);
        s0 = _mm512_dpbusd_epi32(s0, v, _mm512_maskz_loadu_epi8(rest, b0 + whole));
        s1 = _mm512_dpbusd_epi32(s1, v, _mm512_maskz_loadu_epi8(rest, b1 + whole));
        s2 = _mm512_dpbusd_epi32(s2, v, _mm512_maskz_loadu_epi8(rest, b2 + whole));
        s3 = _mm512_dpbusd_epi32(s3, v, _mm512_maskz_loadu_epi8(rest, b3 + whole));
      }
      int32_t *to = sums + row * columns + column;
      to[0] = _mm512_reduce_add_epi32(s0);
      to[1] = _mm512_reduce_add_epi32(s1);
      to[2] = _mm512_reduce_add_epi32(s2);
      to[3] = _mm512_reduce_add_epi32(s3);
    }
  }
  for (; column < columns; column++) {
    for (int64_t row = 0; row < rows; row++)
      sums[row * columns + column] = product(a + row * depth, b + column * depth, depth);
  }
}

static int has_vector_neural(void) {
  return __builtin_cpu_supports("avx512vnni") && __builtin_cpu_supports("avx512bw")
      && __builtin_cpu_supports("avx512vl");
}
#endif

void fi_byte_products(
    const uint8_t *a, int64_t rows, const int8_t *b, int64_t columns, int64_t depth, int32_t *sums) {
#if defined(__x86_64__) && defined(__clang__)
  if (has_vector_neural()) {
    vector_neural(a, rows, b, columns, depth, sums);
    return;
  }
#endif
  plain(a, rows, b, columns, depth, sums);
}
