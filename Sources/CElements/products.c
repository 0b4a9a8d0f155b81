#include "clones.h"
#include "CElements.h"

FI_CLONES void fi_integer_products(const int16_t *a, const int16_t *b, int64_t columns, int64_t depth, int32_t *sums) {
  int64_t column = 0;
  // Four at a time: each element of a is loaded once for them. Sums wrap, as unsigned numbers may.
  for (; column + 4 <= columns; column += 4) {
    const int16_t *b0 = b + column * depth, *b1 = b0 + depth, *b2 = b1 + depth, *b3 = b2 + depth;
    uint32_t s0 = 0, s1 = 0, s2 = 0, s3 = 0;
    for (int64_t i = 0; i < depth; i++) {
      int32_t x = a[i];
      s0 += (uint32_t)(x * b0[i]);
      s1 += (uint32_t)(x * b1[i]);
      s2 += (uint32_t)(x * b2[i]);
      s3 += (uint32_t)(x * b3[i]);
    }
    sums[column] = (int32_t)s0;
    sums[column + 1] = (int32_t)s1;
    sums[column + 2] = (int32_t)s2;
    sums[column + 3] = (int32_t)s3;
  }
  for (; column < columns; column++) {
    const int16_t *other = b + column * depth;
    uint32_t sum = 0;
    for (int64_t i = 0; i < depth; i++) sum += (uint32_t)(a[i] * other[i]);
    sums[column] = (int32_t)sum;
  }
}
