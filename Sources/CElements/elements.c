#include "clones.h"
#include "CElements.h"
#include "CHost.h"
#include "functions.h"

FI_CLONES static void relu(const float *from, float *to, size_t count) {
  // In this order of the operands a NaN stays one, and the choice is a single instruction.
  for (size_t i = 0; i < count; i++) to[i] = 0 > from[i] ? 0 : from[i];
}

FI_CLONES static void clip(const float *from, float *to, size_t count, float low, float high) {
  for (size_t i = 0; i < count; i++) {
    float raised = low > from[i] ? low : from[i];
    to[i] = high < raised ? high : raised;
  }
}

FI_CLONES static void larger(const float *a, const float *b, float *to, size_t count) {
  for (size_t i = 0; i < count; i++) to[i] = a[i] > b[i] || a[i] != a[i] ? a[i] : b[i];
}

FI_CLONES static void smaller(const float *a, const float *b, float *to, size_t count) {
  for (size_t i = 0; i < count; i++) to[i] = a[i] < b[i] || a[i] != a[i] ? a[i] : b[i];
}

/// A choice, unlike a product with 0, keeps infinity and what is not a number apart.
FI_CLONES static void below_zero(const float *a, const float *b, float *to, size_t count) {
  for (size_t i = 0; i < count; i++) to[i] = a[i] < 0 ? b[i] : a[i];
}

static void run_part(void *argument, int part, int parts) {
  const fi_elements *e = argument;
  // Whole lines of a cache for each thread.
  size_t lines = (e->count + 15) / 16;
  size_t from = lines * (size_t)part / (size_t)parts * 16, to = lines * (size_t)(part + 1) / (size_t)parts * 16;
  if (to > e->count) to = e->count;
  const float *first = e->first + from, *second = e->second ? e->second + from : NULL;
  float *result = e->result + from;
  switch (e->function) {
  case FI_ELEMENTS_RELU: relu(first, result, to - from); break;
  case FI_ELEMENTS_CLIP: clip(first, result, to - from, e->low, e->high); break;
  case FI_ELEMENTS_LARGER: larger(first, second, result, to - from); break;
  case FI_ELEMENTS_SMALLER: smaller(first, second, result, to - from); break;
  case FI_ELEMENTS_BELOW_ZERO: below_zero(first, second, result, to - from); break;
  case FI_ELEMENTS_SOFTPLUS: fi_softplus(first, result, to - from); break;
  case FI_ELEMENTS_MISH: fi_mish(first, result, to - from); break;
  case FI_ELEMENTS_LOGARITHM: fi_logarithm(first, result, to - from); break;
  }
}

void fi_elements_run(const fi_elements *elements, int threads) {
  fi_openmp_parallel(threads, run_part, (void *)elements);
}
