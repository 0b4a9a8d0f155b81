#include "clones.h"
#include "CElements.h"
#include "CHost.h"

#include <float.h>
#include <math.h>

typedef struct {
  const fi_pool *pool;
  const float *source;
  float *result;
} call;

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t rounded_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// The taps of the window that lie inside the image, at the place `start` of tap 0.
static inline void inside(int64_t start, int64_t input, int64_t size, int64_t dilation, int64_t *from, int64_t *to) {
  *from = start < 0 ? rounded_up(-start, dilation) : 0;
  *to = start >= input ? 0 : start + (size - 1) * dilation < input ? size : rounded_up(input - start, dilation);
}

/// `to[i] = the larger of to[i] and from[i · step]`, for `count` elements.
FI_CLONES static void take(float *restrict to, const float *restrict from, int64_t step, int64_t count) {
  if (step == 1) {
    // What is not a number is passed over: the choice takes its second operand then.
    for (int64_t i = 0; i < count; i++) to[i] = from[i] > to[i] ? from[i] : to[i];
  } else {
    for (int64_t i = 0; i < count; i++) to[i] = from[i * step] > to[i] ? from[i * step] : to[i];
  }
}

/// The same, but what is not a number wins.
FI_CLONES static void take_any(float *restrict to, const float *restrict from, int64_t count) {
  for (int64_t i = 0; i < count; i++) to[i] = from[i] > to[i] || from[i] != from[i] ? from[i] : to[i];
}

/// One element of the result from the taps of a window that lie inside: rows of `columns` elements, `across` numbers from tap to
/// tap, `down` from row to row, `deep` from slab to slab.
typedef struct {
  int64_t slabs, rows, columns, deep, down, across;
} window;

static inline __attribute__((always_inline)) void element(
    float *restrict to, const float *restrict from, int64_t lanes, const window *w) {
  float best[16];
  for (int64_t lane = 0; lane < lanes; lane++) best[lane] = -INFINITY;
  for (int64_t a = 0; a < w->slabs; a++)
    for (int64_t b = 0; b < w->rows; b++) {
      const float *tap = from + a * w->deep + b * w->down;
      for (int64_t c = 0; c < w->columns; c++, tap += w->across)
        for (int64_t lane = 0; lane < lanes; lane++) best[lane] = tap[lane] > best[lane] ? tap[lane] : best[lane];
    }
  for (int64_t lane = 0; lane < lanes; lane++) to[lane] = best[lane];
}

/// Elements of any number of channels.
FI_CLONES static void take_channels(float *restrict to, const float *restrict from, int64_t lanes) {
  for (int64_t lane = 0; lane < lanes; lane++) to[lane] = from[lane] > to[lane] ? from[lane] : to[lane];
}

/// The largest of numbers that lie one behind the other, in sixteen parts.
FI_CLONES static float largest(const float *from, int64_t count) {
  float parts[16], result = -INFINITY;
  for (int lane = 0; lane < 16; lane++) parts[lane] = -INFINITY;
  int64_t i = 0;
  for (; i + 16 <= count; i += 16)
    for (int lane = 0; lane < 16; lane++)
      parts[lane] = from[i + lane] > parts[lane] || from[i + lane] != from[i + lane] ? from[i + lane] : parts[lane];
  for (; i < count; i++) parts[0] = from[i] > parts[0] || from[i] != from[i] ? from[i] : parts[0];
  for (int lane = 0; lane < 16; lane++)
    result = parts[lane] > result || parts[lane] != parts[lane] ? parts[lane] : result;
  return result;
}

/// A whole plane for one element of the result.
static void take_plane(const fi_pool *p, float *to, const float *image, int64_t count) {
  for (int64_t lane = 0; lane < p->lanes; lane++) to[lane] = -INFINITY;
  if (p->lanes == 1) {
    *to = largest(image, count);
    return;
  }
  for (int64_t i = 0; i < count; i++)
    take_any(to, image + i * p->lanes, p->lanes);
}

/// One row of the result takes one row of the image in, tap by tap.
static void take_row(const fi_pool *p, float *to, const float *row) {
  for (int64_t tap = 0; tap < p->size[2]; tap++) {
    int64_t shift = tap * p->dilation[2] - p->before[2], stride = p->stride[2];
    int64_t first = shift < 0 ? rounded_up(-shift, stride) : 0;
    int64_t end = shift < p->input[2] ? least(p->output[2], rounded_up(p->input[2] - shift, stride)) : 0;
    if (first >= end) continue;
    float *target = to + first * p->lanes;
    const float *from = row + (first * stride + shift) * p->lanes;
    if (p->lanes == 1) take(target, from, stride, end - first);
    else
      for (int64_t i = 0; i < end - first; i++)
        take_channels(target + i * p->lanes, from + i * stride * p->lanes, p->lanes);
  }
}

static inline __attribute__((always_inline)) void block_row(
    const fi_pool *p, float *to, const float *first, int64_t slabs, int64_t rows, int64_t lanes) {
  window w = {slabs > 0 ? slabs : 0, rows > 0 ? rows : 0, 0, 0, 0, p->dilation[2] * lanes};
  w.down = p->dilation[1] * p->input[2] * lanes;
  w.deep = p->dilation[0] * p->input[1] * p->input[2] * lanes;
  for (int64_t x = 0; x < p->output[2]; x++) {
    int64_t start = x * p->stride[2] - p->before[2], from, end;
    inside(start, p->input[2], p->size[2], p->dilation[2], &from, &end);
    w.columns = end > from ? end - from : 0;
    element(to + x * lanes, first + (start + from * p->dilation[2]) * lanes, lanes, &w);
  }
}

/// One row of the result in blocks of channels; the best of a window stays in registers. `first` is the row of the image that the
/// first tap inside it lies in.
FI_CLONES static void take_blocks(
    const fi_pool *p, float *to, const float *first, int64_t slabs, int64_t rows) {
  if (p->lanes == 16) block_row(p, to, first, slabs, rows, 16);
  else block_row(p, to, first, slabs, rows, 8);
}

/// Not 0 when one of the numbers is −∞.
FI_CLONES static int has_lowest(const float *from, int64_t count) {
  int found = 0;
  for (int64_t i = 0; i < count; i++) found |= from[i] == -INFINITY;
  return found;
}

/// A place whose elements are no numbers is none either, though they are passed over.
static void mark(const fi_pool *p, float *to, const float *image, int64_t z, int64_t y, int64_t x) {
  for (int64_t lane = 0; lane < p->lanes; lane++) {
    if (to[lane] != -INFINITY) continue;
    int64_t count = 0, numbers = 0;
    int64_t start[3] = {z * p->stride[0] - p->before[0], y * p->stride[1] - p->before[1], x * p->stride[2] - p->before[2]};
    int64_t from[3], end[3];
    for (int axis = 0; axis < 3; axis++)
      inside(start[axis], p->input[axis], p->size[axis], p->dilation[axis], &from[axis], &end[axis]);
    for (int64_t a = from[0]; a < end[0]; a++)
      for (int64_t b = from[1]; b < end[1]; b++)
        for (int64_t c = from[2]; c < end[2]; c++) {
          int64_t row = (start[0] + a * p->dilation[0]) * p->input[1] + start[1] + b * p->dilation[1];
          float value = image[(row * p->input[2] + start[2] + c * p->dilation[2]) * p->lanes + lane];
          count++;
          numbers += value == value;
        }
    if (count > 0 && numbers == 0) to[lane] = NAN;
  }
}

static void run_part(void *argument, int part, int parts) {
  const call *call = argument;
  const fi_pool *p = call->pool;
  int64_t pixels = p->input[0] * p->input[1] * p->input[2];
  int64_t places = p->output[0] * p->output[1] * p->output[2];
  for (int64_t plane = p->planes * part / parts; plane < p->planes * (part + 1) / parts; plane++) {
    const float *image = call->source + plane * pixels * p->lanes;
    float *result = call->result + plane * places * p->lanes;
    if (p->is_global) {
      take_plane(p, result, image, pixels);
      continue;
    }
    for (int64_t z = 0; z < p->output[0]; z++)
      for (int64_t y = 0; y < p->output[1]; y++) {
        float *row = result + (z * p->output[1] + y) * p->output[2] * p->lanes;
        int64_t slabs = z * p->stride[0] - p->before[0], lines = y * p->stride[1] - p->before[1];
        int64_t first_slab, last_slab, first_line, last_line;
        inside(slabs, p->input[0], p->size[0], p->dilation[0], &first_slab, &last_slab);
        inside(lines, p->input[1], p->size[1], p->dilation[1], &first_line, &last_line);
        const float *first = image
                             + ((slabs + first_slab * p->dilation[0]) * p->input[1] + lines
                                + first_line * p->dilation[1]) * p->input[2] * p->lanes;
        if (p->lanes == 16 || p->lanes == 8) {
          take_blocks(p, row, first, last_slab - first_slab, last_line - first_line);
        } else {
          for (int64_t i = 0; i < p->output[2] * p->lanes; i++) row[i] = -INFINITY;
          for (int64_t a = first_slab; a < last_slab; a++)
            for (int64_t b = first_line; b < last_line; b++)
              take_row(
                p, row,
                image
                    + ((slabs + a * p->dilation[0]) * p->input[1] + lines + b * p->dilation[1]) * p->input[2]
                          * p->lanes);
        }
        if (!has_lowest(row, p->output[2] * p->lanes)) continue;
        for (int64_t x = 0; x < p->output[2]; x++)
          for (int64_t lane = 0; lane < p->lanes; lane++)
            if (row[x * p->lanes + lane] == -INFINITY) {
              mark(p, row + x * p->lanes, image, z, y, x);
              break;
            }
      }
  }
}

void fi_pool_maximum(const fi_pool *pool, const float *source, float *result, int threads) {
  call call = {pool, source, result};
  fi_openmp_parallel(threads, run_part, &call);
}

FI_CLONES int fi_elements_have_lowest(const float *numbers, size_t count) {
  int found = 0;
  for (size_t i = 0; i < count; i++) found |= numbers[i] == -FLT_MAX;
  return found;
}
