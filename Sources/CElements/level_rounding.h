// Rounding of floats to 8-bit levels.
#pragma once
#include <stdint.h>

// Adding such a number rounds to an integer, to even at ties, and leaves it in the low bits.
#define FI_ROUNDER 12582912.0f
#define FI_ROUNDER_BITS 0x4B400000

/// The level of a number within `low` and `high`, which are relative to the zero point. What is not a number becomes `low`.
static inline int32_t fi_level(float number, float low, float high, int32_t zero) {
  float raised = number > low ? number : low;
  float limited = raised < high ? raised : high;
  union {
    float number;
    int32_t bits;
  } sum = {limited + FI_ROUNDER};
  return sum.bits - FI_ROUNDER_BITS + zero;
}
