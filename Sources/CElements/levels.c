#include "clones.h"
#include "CElements.h"
#include "CHost.h"
#include "level_rounding.h"

FI_CLONES static void to_levels(
    const float *restrict from, uint8_t *restrict to, size_t count, float scale, float low, float high, int32_t zero) {
  // The low byte of a level is the same whether it has a sign or none.
  for (size_t i = 0; i < count; i++) to[i] = (uint8_t)fi_level(from[i] / scale, low, high, zero);
}

FI_CLONES static void from_unsigned(
    const uint8_t *restrict from, float *restrict to, size_t count, float scale, int32_t zero) {
  for (size_t i = 0; i < count; i++) to[i] = (float)((int32_t)from[i] - zero) * scale;
}

FI_CLONES static void from_signed(
    const int8_t *restrict from, float *restrict to, size_t count, float scale, int32_t zero) {
  for (size_t i = 0; i < count; i++) to[i] = (float)((int32_t)from[i] - zero) * scale;
}

typedef struct {
  const fi_levels *levels;
  const void *from;
  void *to;
} call;

static void run_part(void *argument, int part, int parts) {
  const call *call = argument;
  const fi_levels *l = call->levels;
  // Whole lines of a cache for each thread.
  size_t lines = (l->count + 63) / 64;
  size_t from = lines * (size_t)part / (size_t)parts * 64, to = lines * (size_t)(part + 1) / (size_t)parts * 64;
  if (to > l->count) to = l->count;
  if (l->quantizes) {
    float low = (float)((l->is_signed ? -128 : 0) - l->zero), high = (float)((l->is_signed ? 127 : 255) - l->zero);
    to_levels((const float *)call->from + from, (uint8_t *)call->to + from, to - from, l->scale, low, high, l->zero);
  } else if (l->is_signed) {
    from_signed((const int8_t *)call->from + from, (float *)call->to + from, to - from, l->scale, l->zero);
  } else {
    from_unsigned((const uint8_t *)call->from + from, (float *)call->to + from, to - from, l->scale, l->zero);
  }
}

void fi_levels_run(const fi_levels *levels, const void *from, void *to, int threads) {
  call call = {levels, from, to};
  fi_openmp_parallel(threads, run_part, &call);
}
