#include "clones.h"
#include "CElements.h"
#include "CHost.h"
#include "level_rounding.h"

// Each thread leaves its extremes in a place of its own.
#define MOST_PARTS 64

typedef struct {
  const float *from;
  size_t count;
  float low[MOST_PARTS], high[MOST_PARTS];
  int parts;
} search;

/// The smallest and the largest number, and 0. What is not a number is passed over.
FI_CLONES static void extremes(const float *from, size_t count, float *low, float *high) {
  // Lanes of their own keep the loop free of dependencies.
  float lows[32] = {0}, highs[32] = {0};
  size_t whole = count / 32 * 32;
  for (size_t i = 0; i < whole; i += 32) {
    for (int lane = 0; lane < 32; lane++) {
      float number = from[i + lane];
      lows[lane] = number < lows[lane] ? number : lows[lane];
      highs[lane] = number > highs[lane] ? number : highs[lane];
    }
  }
  for (size_t i = whole; i < count; i++) {
    lows[0] = from[i] < lows[0] ? from[i] : lows[0];
    highs[0] = from[i] > highs[0] ? from[i] : highs[0];
  }
  for (int lane = 1; lane < 32; lane++) {
    lows[0] = lows[lane] < lows[0] ? lows[lane] : lows[0];
    highs[0] = highs[lane] > highs[0] ? highs[lane] : highs[0];
  }
  *low = lows[0];
  *high = highs[0];
}

static void extremes_part(void *argument, int part, int parts) {
  search *s = argument;
  size_t from = s->count * (size_t)part / (size_t)parts, to = s->count * (size_t)(part + 1) / (size_t)parts;
  extremes(s->from + from, to - from, &s->low[part], &s->high[part]);
  if (part == 0) s->parts = parts;
}

void fi_levels_dynamic(
    const float *from, uint8_t *to, float *scale, uint8_t *zero, size_t count, int threads) {
  if (threads > MOST_PARTS) threads = MOST_PARTS;
  if (threads < 1) threads = 1;
  search search = {.from = from, .count = count, .parts = 1};
  fi_openmp_parallel(threads, extremes_part, &search);
  float low = 0, high = 0;
  for (int part = 0; part < search.parts; part++) {
    if (search.low[part] < low) low = search.low[part];
    if (search.high[part] > high) high = search.high[part];
  }
  float range = high - low;
  float step = range == 0 ? 1 : range / 255;
  float least = low / step;
  *scale = step;
  // The place of zero is not negative, and at most 255.
  int32_t place = fi_level(0 - least, 0, 255, 0);
  *zero = (uint8_t)place;
  fi_levels levels = {.scale = step, .zero = place, .is_signed = 0, .quantizes = 1, .count = count};
  if (to != NULL) fi_levels_run(&levels, from, to, threads);
}
