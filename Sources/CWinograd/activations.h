// Functions of results that are still in registers.
#pragma once
#include "CWinograd.h"
#include "lanes.h"

typedef int32_t integers __attribute__((vector_size(64)));

/// e to the power of x, to about one unit in the last place: 2ⁿ times a polynomial in the rest, with the coefficients of
/// Cephes' expf. Infinite from where a float holds no more.
FI_INLINE lanes exponential(lanes x) {
  x = __builtin_elementwise_min(__builtin_elementwise_max(x, splat(-87)), splat(89));
  lanes n = __builtin_elementwise_roundeven(x * 1.44269504f);
  lanes f = x - n * 0.693359375f + n * 2.12194440e-4f;
  lanes p = 1.9875691500e-4f * f + 1.3981999507e-3f;
  p = p * f + 8.3334519073e-3f;
  p = p * f + 4.1665795894e-2f;
  p = p * f + 1.6666665459e-1f;
  p = p * f + 5.0000001201e-1f;
  p = p * f * f + f + 1;
  integers power = (__builtin_convertvector(n, integers) + 127) << 23;
  return p * (lanes)power;
}

FI_INLINE lanes activated(lanes x, int activation) {
  switch (activation) {
  // What is not a number stays so.
  case FI_WINOGRAD_RELU: return (lanes)((integers)x & ~(x < splat(0)));
  case FI_WINOGRAD_SILU: return x / (1 + exponential(-x));
  default: return x;
  }
}
