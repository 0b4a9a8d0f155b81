#include "clones.h"
#include "CElements.h"
#include "CHost.h"
#include "level_rounding.h"

// A level of int8 with its highest bit the other way round is that level plus 128, of uint8.
#define SIGN 0x80

// An element of the result depends on the operands' elements at the same place alone, which may be in the same memory.
#ifdef __clang__
// Without optimisation, and in builds for sanitizers, the loops stay as they are.
#pragma clang diagnostic ignored "-Wpass-failed"
#define IN_PLACE _Pragma("clang loop vectorize(assume_safety)")
#else
#define IN_PLACE
#endif

// Each step is a statement of its own: the compiler must not contract a product and a sum, which a graph of floats rounds apart.
FI_CLONES static void add(const fi_level_arithmetic *l, const uint8_t *a, const uint8_t *b, uint8_t *to, size_t count) {
  const uint8_t sign_a = l->is_signed[0] ? SIGN : 0, sign_b = l->is_signed[1] ? SIGN : 0;
  const int32_t zero_a = l->zero[0] + sign_a, zero_b = l->zero[1] + sign_b, zero = l->zero[2];
  const float scale_a = l->scale[0], scale_b = l->scale[1], scale = l->scale[2], low = l->low, high = l->high;
  IN_PLACE
  for (size_t i = 0; i < count; i++) {
    float left = (float)((int32_t)(a[i] ^ sign_a) - zero_a) * scale_a;
    float right = (float)((int32_t)(b[i] ^ sign_b) - zero_b) * scale_b;
    float sum = left + right;
    to[i] = (uint8_t)fi_level(sum / scale, low, high, zero);
  }
}

FI_CLONES static void multiply(
    const fi_level_arithmetic *l, const uint8_t *a, const uint8_t *b, uint8_t *to, size_t count) {
  const uint8_t sign_a = l->is_signed[0] ? SIGN : 0, sign_b = l->is_signed[1] ? SIGN : 0;
  const int32_t zero_a = l->zero[0] + sign_a, zero_b = l->zero[1] + sign_b, zero = l->zero[2];
  const float scale_a = l->scale[0], scale_b = l->scale[1], scale = l->scale[2], low = l->low, high = l->high;
  IN_PLACE
  for (size_t i = 0; i < count; i++) {
    float left = (float)((int32_t)(a[i] ^ sign_a) - zero_a) * scale_a;
    float right = (float)((int32_t)(b[i] ^ sign_b) - zero_b) * scale_b;
    float product = left * right;
    to[i] = (uint8_t)fi_level(product / scale, low, high, zero);
  }
}

/// One channel for the whole line.
FI_CLONES static void affine_line(
    const uint8_t *from, uint8_t *to, size_t count, uint8_t sign, float factor, float shift, float low, float high,
    int32_t zero) {
  IN_PLACE
  for (size_t i = 0; i < count; i++) {
    float number = (float)((int32_t)(from[i] ^ sign) - sign) * factor + shift;
    to[i] = (uint8_t)fi_level(number, low, high, zero);
  }
}

/// A channel for each element of the line.
FI_CLONES static void affine_channels(
    const uint8_t *from, uint8_t *to, size_t count, uint8_t sign, const float *factor, const float *shift, float low,
    float high, int32_t zero) {
  IN_PLACE
  for (size_t i = 0; i < count; i++) {
    float number = (float)((int32_t)(from[i] ^ sign) - sign) * factor[i] + shift[i];
    to[i] = (uint8_t)fi_level(number, low, high, zero);
  }
}

typedef struct {
  const void *function;
  const uint8_t *a, *b;
  uint8_t *to;
  size_t count;
} call;

/// The elements of one thread: whole lines of a cache.
static void share(size_t count, int part, int parts, size_t *from, size_t *to) {
  size_t lines = (count + 63) / 64;
  *from = lines * (size_t)part / (size_t)parts * 64;
  *to = lines * (size_t)(part + 1) / (size_t)parts * 64;
  if (*from > count) *from = count;
  if (*to > count) *to = count;
}

static void arithmetic_part(void *argument, int part, int parts) {
  const call *c = argument;
  const fi_level_arithmetic *l = c->function;
  size_t from, to;
  share(l->count, part, parts, &from, &to);
  (l->multiplies ? multiply : add)(l, c->a + from, c->b + from, c->to + from, to - from);
}

void fi_level_arithmetic_run(
    const fi_level_arithmetic *arithmetic, const uint8_t *a, const uint8_t *b, uint8_t *to, int threads) {
  call call = {arithmetic, a, b, to, 0};
  fi_openmp_parallel(threads, arithmetic_part, &call);
}

static void affine_part(void *argument, int part, int parts) {
  const call *c = argument;
  const fi_level_affine *l = c->function;
  const uint8_t sign = l->is_signed ? SIGN : 0;
  const int is_row = l->inner == 1;
  size_t lines = is_row ? l->outer : l->outer * l->channels, length = is_row ? l->channels : l->inner;
  size_t from = lines * (size_t)part / (size_t)parts, to = lines * (size_t)(part + 1) / (size_t)parts;
  for (size_t line = from; line < to; line++) {
    const uint8_t *source = c->a + line * length;
    uint8_t *target = c->to + line * length;
    if (is_row) {
      affine_channels(source, target, length, sign, l->factor, l->shift, l->low, l->high, l->zero);
    } else {
      size_t channel = line % l->channels;
      affine_line(
          source, target, length, sign, l->factor[channel], l->shift[channel], l->low, l->high, l->zero);
    }
  }
}

void fi_level_affine_run(const fi_level_affine *affine, const uint8_t *from, uint8_t *to, int threads) {
  call call = {affine, from, from, to, 0};
  fi_openmp_parallel(threads, affine_part, &call);
}

#if defined(__x86_64__) && defined(__clang__)
#include <immintrin.h>

/// Looks up 64 bytes at a time, in halves of the table.
__attribute__((target("avx512f,avx512bw,avx512vbmi"))) static size_t look_up_lines(
    const uint8_t *table, const uint8_t *from, uint8_t *to, size_t count) {
  const __m512i t0 = _mm512_loadu_si512(table), t1 = _mm512_loadu_si512(table + 64);
  const __m512i t2 = _mm512_loadu_si512(table + 128), t3 = _mm512_loadu_si512(table + 192);
  size_t i = 0;
  for (; i + 64 <= count; i += 64) {
    __m512i level = _mm512_loadu_si512(from + i);
    __m512i first = _mm512_permutex2var_epi8(t0, level, t1), second = _mm512_permutex2var_epi8(t2, level, t3);
    _mm512_storeu_si512(to + i, _mm512_mask_blend_epi8(_mm512_movepi8_mask(level), first, second));
  }
  return i;
}

static int has_byte_permutations(void) {
  return __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512bw");
}
#endif

static void look_up(const uint8_t *table, const uint8_t *from, uint8_t *to, size_t count) {
  size_t i = 0;
#if defined(__x86_64__) && defined(__clang__)
  if (has_byte_permutations()) i = look_up_lines(table, from, to, count);
#endif
  for (; i < count; i++) to[i] = table[from[i]];
}

static void table_part(void *argument, int part, int parts) {
  const call *c = argument;
  size_t from, to;
  share(c->count, part, parts, &from, &to);
  look_up(c->function, c->a + from, c->to + from, to - from);
}

void fi_level_table_run(const uint8_t *table, const uint8_t *from, uint8_t *to, size_t count, int threads) {
  call call = {table, from, from, to, count};
  fi_openmp_parallel(threads, table_part, &call);
}
