#include "CElements.h"
#include "CHost.h"

#include <string.h>

// The depth of a tile: with 32 columns it takes 32 KiB.
enum { FI_DEPTH = 256, FI_TILE_BYTES = FI_DEPTH * 32 * 4 };

#define FI_LANES 4
#define FI_ROWS 6
#define FI_FEW_ROWS 4
#define FI_STREAMS 2
#define FI_TARGET
#define FI_WIDENS_HALVES 0
#define FI_NAMED(name) portable_##name
#include "small_loops.h"

#if defined(__x86_64__)
#include <immintrin.h>

#define FI_LANES 8
#define FI_ROWS 6
#define FI_FEW_ROWS 8
#define FI_STREAMS 2
#define FI_TARGET __attribute__((target("avx2,fma,f16c")))
#define FI_WIDENS_HALVES 1
#define FI_NAMED(name) avx2_##name
#include "small_loops.h"

// Without the width the compiler splits vectors where it holds 256 bits to be faster on average.
#define FI_LANES 16
#define FI_ROWS 12
#define FI_FEW_ROWS 12
#define FI_STREAMS 4
#define FI_TARGET __attribute__((target("avx512f,avx512vl,avx512dq,avx512bw,fma,f16c"), min_vector_width(512)))
#define FI_WIDENS_HALVES 1
#define FI_NAMED(name) avx512_##name
#include "small_loops.h"

#define FI_CALL(instructions, name, ...) \
  ((instructions) == FI_SMALL_AVX512 ? avx512_##name(__VA_ARGS__) \
   : (instructions) == FI_SMALL_AVX2 ? avx2_##name(__VA_ARGS__) \
                                     : portable_##name(__VA_ARGS__))
#else
#define FI_CALL(instructions, name, ...) ((void)(instructions), portable_##name(__VA_ARGS__))
#endif

int fi_small_has(fi_small_instructions instructions) {
  if (instructions == FI_SMALL_PORTABLE) return 1;
#if defined(__x86_64__)
  if (instructions == FI_SMALL_AVX512)
    return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
           __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512bw");
  // Every processor with AVX2 and FMA has F16C.
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
  return 0;
#endif
}

typedef struct {
  const void *work;
  char *scratch;
  fi_small_instructions instructions;
} call;

static void run_product(void *argument, int part, int parts) {
  const call *c = argument;
  FI_CALL(c->instructions, product, c->work, (float *)(c->scratch + (size_t)part * FI_TILE_BYTES), part, parts);
}

size_t fi_small_product_scratch(int threads) { return (size_t)threads * FI_TILE_BYTES; }

void fi_small_product_run(
    const fi_small_product *product, void *scratch, fi_small_instructions instructions, int threads) {
  call c = {product, scratch, instructions};
  fi_openmp_parallel(threads, run_product, &c);
}

static int64_t places_of(const fi_small_convolution *c) { return c->output[0] * c->output[1] * c->output[2]; }

/// Places of the result that are made at a time: their source takes a quarter of a megabyte, and no tile is unpacked for fewer
/// than a register tile's rows.
static int64_t most_places(const fi_small_convolution *c) {
  int64_t fitting = (64 << 10) / (c->matrix.depth > 0 ? c->matrix.depth : 1);
  fitting = fitting < 12 ? 12 : fitting > 96 ? 96 : fitting;
  return fitting < places_of(c) ? fitting : places_of(c);
}

static size_t rounded(size_t bytes) { return (bytes + 63) / 64 * 64; }

static size_t own_bytes(const fi_small_convolution *c) {
  size_t places = (size_t)most_places(c);
  return FI_TILE_BYTES + rounded(places * (size_t)c->matrix.depth * 4) + rounded(places * (size_t)c->matrix.columns * 4);
}

size_t fi_small_convolution_scratch(const fi_small_convolution *c, int threads) {
  return (size_t)threads * own_bytes(c);
}

/// The places from `first` on, a row each: taps, and for each of them all channels.
static void gather(const fi_small_convolution *c, const float *image, int64_t first, int64_t count, float *to) {
  int64_t plane = c->input[0] * c->input[1] * c->input[2];
  for (int64_t i = 0; i < count; i++) {
    int64_t place = first + i, x = place % c->output[2], y = place / c->output[2] % c->output[1];
    int64_t corner[3] = {place / c->output[2] / c->output[1], y, x};
    for (int axis = 0; axis < 3; axis++) corner[axis] = corner[axis] * c->stride[axis] - c->before[axis];
    for (int64_t a = 0; a < c->size[0]; a++)
      for (int64_t b = 0; b < c->size[1]; b++)
        for (int64_t d = 0; d < c->size[2]; d++, to += c->channels) {
          int64_t at[3] = {
              corner[0] + a * c->dilation[0], corner[1] + b * c->dilation[1], corner[2] + d * c->dilation[2]};
          int inside = 1;
          for (int axis = 0; axis < 3; axis++) inside &= at[axis] >= 0 && at[axis] < c->input[axis];
          if (!inside) {
            memset(to, 0, (size_t)c->channels * 4);
            continue;
          }
          const float *from = image + (at[0] * c->input[1] + at[1]) * c->input[2] + at[2];
          for (int64_t channel = 0; channel < c->channels; channel++) to[channel] = from[channel * plane];
        }
  }
}

static void run_convolution(void *argument, int part, int parts) {
  const call *call = argument;
  const fi_small_convolution *c = call->work;
  char *own = call->scratch + (size_t)part * own_bytes(c);
  int64_t places = places_of(c), most = most_places(c), columns = c->matrix.columns;
  float *rows = (float *)(own + FI_TILE_BYTES);
  float *made = (float *)((char *)rows + rounded((size_t)most * (size_t)c->matrix.depth * 4));
  int64_t tiles = (places + most - 1) / most, all = tiles * c->images;
  for (int64_t tile = all * part / parts; tile < all * (part + 1) / parts; tile++) {
    int64_t image = tile / tiles, first = tile % tiles * most;
    int64_t count = places - first < most ? places - first : most;
    gather(c, c->source + image * c->channels * c->input[0] * c->input[1] * c->input[2], first, count, rows);
    fi_small_product product = {c->matrix, count, rows, c->bias, made};
    FI_CALL(call->instructions, product, &product, (float *)own, 0, 1);
    float *to = c->result + image * columns * places + first;
    for (int64_t column = 0; column < columns; column++)
      for (int64_t i = 0; i < count; i++) to[column * places + i] = made[i * columns + column];
  }
}

void fi_small_convolution_run(
    const fi_small_convolution *convolution, void *scratch, fi_small_instructions instructions, int threads) {
  call c = {convolution, scratch, instructions};
  fi_openmp_parallel(threads, run_convolution, &c);
}

static void run_expansion(void *argument, int part, int parts) {
  const call *c = argument;
  FI_CALL(c->instructions, expand, c->work, part, parts);
}

void fi_small_expand(const fi_small_expansion *expansion, fi_small_instructions instructions, int threads) {
  call c = {expansion, NULL, instructions};
  fi_openmp_parallel(threads, run_expansion, &c);
}
