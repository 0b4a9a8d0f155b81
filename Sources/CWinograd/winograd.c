#include "CWinograd.h"

#include "CHost.h"

#if defined(__x86_64__)
#include "products.h"
#include "transforms.h"

// Planes of a power of two of bytes fall onto the same lines of a cache: each is one line longer.
enum { PLANES = 36, APART = 16 };

static size_t plane(int64_t rows, int64_t columns) { return (size_t)(rows * columns + APART); }
static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t rounded_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// How a call is cut. Either all weights are transformed first, once for all, and each thread takes tiles from their
/// source to their result; or all tiles of the source are, and each thread takes groups of the result's channels. The
/// smaller of the two is kept whole, and what a thread works on stays in its cache.
typedef struct {
  int64_t rows, columns, tiles;
  int64_t in_blocks, out_blocks;
  int keeps_weights;
  /// Tiles that are multiplied at a time.
  int64_t most_tiles;
  int64_t groups, most_blocks;
  /// Numbers of what is kept, and of what each thread has to itself.
  size_t kept, own;
} cut;

static int64_t first(int64_t part, int64_t parts, int64_t count) { return count * part / parts; }

static cut cut_of(const fi_winograd_shape *s, int threads) {
  cut c = {.rows = rounded_up(s->made_height, 4), .columns = rounded_up(s->made_width, 4)};
  c.tiles = s->images * c.rows * c.columns;
  c.in_blocks = s->channels / 16;
  c.out_blocks = s->made / 16;
  c.keeps_weights = s->made <= c.tiles;
  int64_t width = 4;
  if (c.keeps_weights) {
    // Tiles and their products take half a megabyte.
    int64_t fitting = (128 << 10) / (PLANES * (s->channels + 64));
    int64_t wanted = fitting < 24 ? 24 : fitting;
    int64_t parts = rounded_up(rounded_up(c.tiles, wanted), threads) * threads;
    c.most_tiles = rounded_up(c.tiles, parts);
    c.groups = rounded_up(c.out_blocks, width);
  } else {
    c.most_tiles = c.tiles < 64 ? c.tiles : 48;
    if (s->channels >= 256) width = 2;
    c.groups = least(rounded_up(rounded_up(c.out_blocks, width), threads) * threads, c.out_blocks);
  }
  c.most_blocks = rounded_up(c.out_blocks, c.groups);
  size_t tiles = PLANES * plane(c.most_tiles, s->channels);
  size_t weights = PLANES * plane(s->channels, c.most_blocks * 16);
  size_t made = PLANES * plane(c.most_tiles, c.most_blocks * 16);
  c.kept = c.keeps_weights ? weights * (size_t)c.groups : PLANES * plane(c.tiles, s->channels);
  c.own = made + (c.keeps_weights ? tiles : weights);
  return c;
}

typedef struct {
  const fi_winograd_shape *shape;
  const fi_winograd_memory *memory;
  fi_winograd_tail tail;
  cut cut;
} call;

/// Where a tile is.
typedef struct {
  int64_t image, y, x;
} corner;

static corner corner_of(const cut *c, int64_t tile) {
  int64_t inside = tile % (c->rows * c->columns);
  return (corner){tile / (c->rows * c->columns), inside / c->columns * 4, inside % c->columns * 4};
}

/// `count` tiles of sixteen channels, to rows of all channels.
FI_INLINE void source_tiles(
    const call *call, int64_t block, int64_t tile, int64_t count, float *to, size_t between) {
  const fi_winograd_shape *s = call->shape;
  for (int64_t i = 0; i < count; i++) {
    corner at = corner_of(&call->cut, tile + i);
    const float *image =
        call->memory->source + (at.image * call->cut.in_blocks + block) * s->height * s->width * 16;
    source_tile(
        image, s->height, s->width, at.y - s->top, at.x - s->left, to + i * s->channels + block * 16, between);
  }
}

/// The weights of channels `from` to `to` for one group of results.
FI_INLINE void group_weights(const call *call, int64_t group, int64_t from, int64_t to, float *out) {
  const cut *c = &call->cut;
  int64_t block = first(group, c->groups, c->out_blocks);
  int64_t blocks = first(group + 1, c->groups, c->out_blocks) - block;
  size_t between = plane(call->shape->channels, blocks * 16);
  for (int64_t channel = from; channel < to; channel++)
    for (int64_t i = 0; i < blocks; i++) {
      const float *weights = call->memory->weights
                             + ((block + i) * c->in_blocks + channel / 16) * 9 * 256 + channel % 16 * 16;
      weights_tile(weights, out + (channel * blocks + i) * 16, between);
    }
}

/// The results of one group of channels for `count` tiles, whose transforms are at `tiles`.
FI_INLINE void group_results(
    const call *call, int64_t group, const float *weights, const float *tiles, size_t between, int64_t tile,
    int64_t count, float *products_at) {
  const cut *c = &call->cut;
  const fi_winograd_shape *s = call->shape;
  int64_t block = first(group, c->groups, c->out_blocks);
  int blocks = (int)(first(group + 1, c->groups, c->out_blocks) - block);
  size_t weights_between = plane(s->channels, blocks * 16), made_between = plane(count, blocks * 16);
  for (size_t p = 0; p < PLANES; p++)
    products(
        tiles + p * between, weights + p * weights_between, products_at + p * made_between, s->channels, count, blocks);
  for (int b = 0; b < blocks; b++) {
    lanes bias = call->memory->bias ? load(call->memory->bias + (block + b) * 16) : splat(0);
    for (int64_t i = 0; i < count; i++) {
      corner at = corner_of(c, tile + i);
      int64_t image = (at.image * c->out_blocks + block + b) * s->made_height * s->made_width * 16;
      result_tile(
          products_at + (i * blocks + b) * 16, made_between, bias,
          call->memory->addend ? call->memory->addend + image : NULL, call->tail, call->memory->result + image,
          s->made_height, s->made_width, at.y, at.x);
    }
  }
}

/// What is kept whole.
FI_AVX512 static void keep(void *argument, int part, int parts) {
  const call *call = argument;
  const cut *c = &call->cut;
  if (c->keeps_weights) {
    int64_t from = first(part, parts, call->shape->channels), to = first(part + 1, parts, call->shape->channels);
    size_t each = c->kept / (size_t)c->groups;
    for (int64_t group = 0; group < c->groups; group++)
      group_weights(call, group, from, to, call->memory->scratch + group * each);
    return;
  }
  int64_t from = first(part, parts, c->in_blocks * c->tiles), to = first(part + 1, parts, c->in_blocks * c->tiles);
  size_t between = plane(c->tiles, call->shape->channels);
  while (from < to) {
    int64_t block = from / c->tiles, tile = from % c->tiles, count = least(c->tiles - tile, to - from);
    source_tiles(
        call, block, tile, count, call->memory->scratch + tile * call->shape->channels, between);
    from += count;
  }
}

/// What is made of it.
FI_AVX512 static void make(void *argument, int part, int parts) {
  const call *call = argument;
  const cut *c = &call->cut;
  int64_t channels = call->shape->channels;
  float *kept = call->memory->scratch, *own = kept + c->kept + part * c->own;
  if (c->keeps_weights) {
    size_t each = c->kept / (size_t)c->groups;
    int64_t pieces = rounded_up(rounded_up(c->tiles, c->most_tiles), parts) * parts;
    float *made = own + PLANES * plane(c->most_tiles, channels);
    for (int64_t piece = first(part, parts, pieces); piece < first(part + 1, parts, pieces); piece++) {
      int64_t tile = first(piece, pieces, c->tiles), count = first(piece + 1, pieces, c->tiles) - tile;
      size_t between = plane(count, channels);
      for (int64_t block = 0; block < c->in_blocks; block++) source_tiles(call, block, tile, count, own, between);
      for (int64_t group = 0; group < c->groups; group++)
        group_results(call, group, kept + group * each, own, between, tile, count, made);
    }
    return;
  }
  size_t between = plane(c->tiles, channels);
  float *made = own + PLANES * plane(channels, c->most_blocks * 16);
  int64_t pieces = rounded_up(c->tiles, c->most_tiles);
  for (int64_t group = first(part, parts, c->groups); group < first(part + 1, parts, c->groups); group++) {
    group_weights(call, group, 0, channels, own);
    for (int64_t piece = 0; piece < pieces; piece++) {
      int64_t tile = first(piece, pieces, c->tiles), count = first(piece + 1, pieces, c->tiles) - tile;
      group_results(call, group, own, kept + tile * channels, between, tile, count, made);
    }
  }
}

int fi_winograd_is_compiled(void) { return 1; }

int64_t fi_winograd_scratch(const fi_winograd_shape *shape, int threads) {
  cut c = cut_of(shape, threads);
  return (int64_t)((c.kept + c.own * (size_t)threads) * sizeof(float));
}

void fi_winograd_run(
    const fi_winograd_shape *shape, const fi_winograd_memory *memory, fi_winograd_tail tail, int threads) {
  call call = {shape, memory, tail, cut_of(shape, threads)};
  fi_openmp_parallel(threads, keep, &call);
  fi_openmp_parallel(threads, make, &call);
}

#else

int fi_winograd_is_compiled(void) { return 0; }
int64_t fi_winograd_scratch(const fi_winograd_shape *shape, int threads) { return 0; }
void fi_winograd_run(
    const fi_winograd_shape *shape, const fi_winograd_memory *memory, fi_winograd_tail tail, int threads) {}

#endif
