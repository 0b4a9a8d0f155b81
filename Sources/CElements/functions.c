#include "clones.h"
#include "CElements.h"
#include "functions.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

static inline float float_of(uint32_t bits) {
  float number;
  memcpy(&number, &bits, sizeof number);
  return number;
}

static inline uint32_t bits_of(float number) {
  uint32_t bits;
  memcpy(&bits, &number, sizeof bits);
  return bits;
}

/// A power of e as the product of three numbers of which each is normal, though the product may not be.
typedef struct {
  float fraction, first, second;
} power;

/// eˣ for −104 ≤ x ≤ 88; what is not a number makes a fraction that is none.
static inline power power_of(float x) {
  // Adding this rounds to an integer, which then is in the lowest bits.
  const float rounding = 0x1.8p23f;
  float shifted = x * 0x1.715476p0f + rounding;
  float whole = shifted - rounding;
  int32_t exponent = (int32_t)(bits_of(shifted) - bits_of(rounding));
  float r = (x - whole * 0x1.62e4p-1f) - whole * 0x1.7f7d1cp-20f;
  float p = 1.f / 5040;
  p = p * r + 1.f / 720;
  p = p * r + 1.f / 120;
  p = p * r + 1.f / 24;
  p = p * r + 1.f / 6;
  p = p * r + 0.5f;
  p = p * r + 1;
  p = p * r + 1;
  int32_t half = exponent >> 1;
  power result = {p, float_of((uint32_t)(half + 127) << 23), float_of((uint32_t)(exponent - half + 127) << 23)};
  return result;
}

/// log((1 + t) / (1 − t)) of |t| ≤ 1/3, by the series of the inverse hyperbolic tangent.
static inline float logarithm_of_ratio(float t) {
  float s = t * t;
  float p = 2.f / 17;
  p = p * s + 2.f / 15;
  p = p * s + 2.f / 13;
  p = p * s + 2.f / 11;
  p = p * s + 2.f / 9;
  p = p * s + 2.f / 7;
  p = p * s + 2.f / 5;
  p = p * s + 2.f / 3;
  return 2 * t + t * s * p;
}

FI_CLONES void fi_softplus(const float *from, float *to, size_t count) {
  for (size_t i = 0; i < count; i++) {
    float x = from[i];
    float below = x > 0 ? -x : x;
    power e = power_of(below < -104 ? -104 : below);
    float u = e.fraction * e.first * e.second;
    float t = u / (2 + u);
    to[i] = (x > 0 ? x : 0) + logarithm_of_ratio(t);
  }
}

FI_CLONES void fi_mish(const float *from, float *to, size_t count) {
  for (size_t i = 0; i < count; i++) {
    float x = from[i];
    // Above 20 the factor of x is 1; below −104 it is less than the smallest number.
    float inner = x > 20 ? 20 : x < -104 ? -104 : x;
    power e = power_of(inner);
    float last = x < -104 ? 0 : e.second;
    float u = e.fraction * e.first * e.second;
    // tanh(log(1 + u)) = u(u + 2) / (u(u + 2) + 2); the product with x comes first, since it may be normal where u is not.
    float product = x * (e.fraction * e.first) * last * ((u + 2) / (u * (u + 2) + 2));
    to[i] = x > 20 ? x : product;
  }
}

FI_CLONES void fi_logarithm(const float *from, float *to, size_t count) {
  for (size_t i = 0; i < count; i++) {
    float x = from[i];
    int isSmall = x < 0x1p-126f;
    float scaled = isSmall ? x * 0x1p25f : x;
    // The exponent for which the fraction lies between √½ and √2.
    int32_t exponent = (int32_t)(bits_of(scaled) - bits_of(0x1.6a09e6p-1f)) >> 23;
    float fraction = float_of(bits_of(scaled) - ((uint32_t)exponent << 23));
    float whole = (float)(exponent - (isSmall ? 25 : 0));
    float logarithm = logarithm_of_ratio((fraction - 1) / (fraction + 1));
    float result = whole * 0x1.62e4p-1f + (whole * 0x1.7f7d1cp-20f + logarithm);
    // Of infinity and what is not a number: the number itself.
    result = x < INFINITY ? result : x;
    result = x == 0 ? -INFINITY : result;
    to[i] = x < 0 ? NAN : result;
  }
}

/// 1 / (1 + e⁻ˣ).
static inline float sigmoid(float x) {
  float raised = x < -80 ? -80 : x;
  power p = power_of(raised > 80 ? -80 : -raised);
  return 1 / (1 + p.fraction * p.first * p.second);
}

FI_CLONES void fi_lstm_step(const float *gates, float *cell, float *state, size_t hidden) {
  const float *restrict inputs = gates, *restrict outputs = gates + hidden;
  const float *restrict forgets = gates + 2 * hidden, *restrict candidates = gates + 3 * hidden;
  float *restrict c = cell, *restrict h = state;
  for (size_t unit = 0; unit < hidden; unit++) {
    // The hyperbolic tangent of x is 2 · sigmoid(2x) − 1.
    float candidate = 2 * sigmoid(2 * candidates[unit]) - 1;
    float kept = sigmoid(forgets[unit]) * c[unit] + sigmoid(inputs[unit]) * candidate;
    c[unit] = kept;
    h[unit] = sigmoid(outputs[unit]) * (2 * sigmoid(2 * kept) - 1);
  }
}
