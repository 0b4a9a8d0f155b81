// The loops over small weights for one instruction set. Included once for each, with FI_LANES (floats in a register), FI_ROWS
// (the most rows of a tile), FI_FEW_ROWS (the most rows that meet weights as they are read), FI_STREAMS (the registers of columns
// that these take at a time), FI_TARGET and FI_NAMED defined.

typedef float FI_NAMED(lanes) __attribute__((vector_size(FI_LANES * 4)));
typedef float FI_NAMED(anywhere) __attribute__((vector_size(FI_LANES * 4), aligned(4)));
typedef int8_t FI_NAMED(bytes) __attribute__((vector_size(FI_LANES), aligned(1)));
typedef uint16_t FI_NAMED(halves) __attribute__((vector_size(FI_LANES * 2), aligned(2)));
typedef uint32_t FI_NAMED(words) __attribute__((vector_size(FI_LANES * 4)));
typedef int32_t FI_NAMED(integers) __attribute__((vector_size(FI_LANES * 4)));
#define LANES FI_NAMED(lanes)
#define FI_LOOP static inline __attribute__((always_inline)) FI_TARGET

FI_LOOP LANES FI_NAMED(load)(const float *from) { return *(const FI_NAMED(anywhere) *)from; }
FI_LOOP void FI_NAMED(store)(float *to, LANES value) { *(FI_NAMED(anywhere) *)to = value; }

/// The weights from `index` on, as floats without their scale.
FI_LOOP LANES FI_NAMED(widen)(const void *weights, int64_t index, const fi_small_type type) {
  if (type == FI_SMALL_INT8)
    return __builtin_convertvector(*(const FI_NAMED(bytes) *)((const int8_t *)weights + index), LANES);
  const uint16_t *from = (const uint16_t *)weights + index;
  FI_NAMED(words) wide = __builtin_convertvector(*(const FI_NAMED(halves) *)from, FI_NAMED(words));
  if (type == FI_SMALL_BFLOAT16) return (LANES)(wide << 16);
#if defined(__x86_64__) && FI_LANES == 16
  return (LANES)_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i *)from));
#elif defined(__x86_64__) && FI_WIDENS_HALVES
  return (LANES)_mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)from));
#else
  FI_NAMED(words) magnitude = wide & 0x7fff, sign = (wide & 0x8000) << 16;
  // Subnormals are whole numbers of the smallest one.
  LANES small = __builtin_convertvector((FI_NAMED(integers))magnitude, LANES) * 0x1p-24f;
  FI_NAMED(words) normal = (magnitude << 13) + (112u << 23);
  FI_NAMED(words) is_small = (FI_NAMED(words))(magnitude < 0x400);
  return (LANES)((((FI_NAMED(words))small & is_small) | (normal & ~is_small)) | sign);
#endif
}

/// The place of column `column` in the row 0 of a matrix; of the last panel where there is none.
FI_LOOP int64_t FI_NAMED(place)(const fi_small_matrix *m, int64_t column) {
  int64_t last = (m->columns + 15) / 16 - 1, panel = column / 16 < last ? column / 16 : last;
  return panel * m->depth * 16 + column % 16;
}

FI_LOOP const float *FI_NAMED(scales)(const fi_small_matrix *m, int64_t column, int64_t depth) {
  int64_t last = (m->columns + 15) / 16 - 1, panel = column / 16 < last ? column / 16 : last;
  int64_t blocks = (m->depth + m->block - 1) / m->block;
  return m->scale + (panel * blocks + depth / m->block) * 16 + column % 16;
}

/// Writes a register of columns, of which those behind the last are dropped.
FI_LOOP void FI_NAMED(put)(float *row, int64_t column, int64_t columns, LANES value) {
  if (column + FI_LANES <= columns) {
    FI_NAMED(store)(row + column, value);
  } else {
    memcpy(row + column, &value, columns > column ? (size_t)(columns - column) * 4 : 0);
  }
}

/// Reads a register of columns, of which there is one at least; those behind the last are zeros.
FI_LOOP LANES FI_NAMED(get)(const float *row, int64_t column, int64_t columns) {
  if (column + FI_LANES <= columns) return FI_NAMED(load)(row + column);
  LANES value = {0};
  memcpy(&value, row + column, (size_t)(columns - column) * 4);
  return value;
}

/// At most four rows by FI_STREAMS registers of columns from `column` on. Counts and type are constants where this is inlined.
FI_LOOP void FI_NAMED(few)(
    const fi_small_product *p, int64_t column, int64_t first, const int rows, const fi_small_type type) {
  const fi_small_matrix *m = &p->matrix;
  const float *left = p->left + first * m->depth;
  float *result = p->result + first * m->columns;
  LANES sums[4][FI_STREAMS];
  int64_t places[FI_STREAMS];
#pragma clang loop unroll(full)
  for (int s = 0; s < FI_STREAMS; s++) {
    int64_t own = column + s * FI_LANES;
    places[s] = FI_NAMED(place)(m, own);
    LANES start = {0};
    if (p->bias && own < m->columns) start = FI_NAMED(get)(p->bias, own, m->columns);
#pragma clang loop unroll(full)
    for (int row = 0; row < rows; row++) sums[row][s] = start;
  }
  int64_t block = type == FI_SMALL_INT8 ? m->block : m->depth;
  for (int64_t from = 0; from < m->depth; from += block) {
    int64_t to = from + block < m->depth ? from + block : m->depth;
    LANES scale[FI_STREAMS];
    if (type == FI_SMALL_INT8)
#pragma clang loop unroll(full)
      for (int s = 0; s < FI_STREAMS; s++)
        scale[s] = FI_NAMED(load)(FI_NAMED(scales)(m, column + s * FI_LANES, from));
#pragma clang loop unroll(disable)
    for (int64_t k = from; k < to; k++) {
#pragma clang loop unroll(full)
      for (int s = 0; s < FI_STREAMS; s++) {
        LANES weight = FI_NAMED(widen)(m->weights, places[s] + k * 16, type);
        if (type == FI_SMALL_INT8) weight *= scale[s];
#pragma clang loop unroll(full)
        for (int row = 0; row < rows; row++) sums[row][s] += left[row * m->depth + k] * weight;
      }
    }
  }
#pragma clang loop unroll(full)
  for (int row = 0; row < rows; row++)
#pragma clang loop unroll(full)
    for (int s = 0; s < FI_STREAMS; s++)
      FI_NAMED(put)(result + row * m->columns, column + s * FI_LANES, m->columns, sums[row][s]);
}

#define FI_FEW(rows) \
  case rows: \
    switch (p->matrix.type) { \
    case FI_SMALL_INT8: FI_NAMED(few)(p, column, row, rows, FI_SMALL_INT8); break; \
    case FI_SMALL_BFLOAT16: FI_NAMED(few)(p, column, row, rows, FI_SMALL_BFLOAT16); break; \
    case FI_SMALL_FLOAT16: FI_NAMED(few)(p, column, row, rows, FI_SMALL_FLOAT16); break; \
    } \
    break;

FI_TARGET static void FI_NAMED(few_rows)(const fi_small_product *p, int64_t column) {
  for (int64_t row = 0; row < p->rows; row += 4)
    switch (p->rows - row) {
      FI_FEW(1) FI_FEW(2) FI_FEW(3)
    default:
      switch (4) { FI_FEW(4) }
    }
}

/// `depth` rows from `from` on of two registers of columns, as floats.
FI_LOOP void FI_NAMED(unpack_as)(
    const fi_small_matrix *m, int64_t column, int64_t from, int64_t depth, float *to, const fi_small_type type) {
  int64_t places[2] = {FI_NAMED(place)(m, column), FI_NAMED(place)(m, column + FI_LANES)};
  int64_t block = type == FI_SMALL_INT8 ? m->block : m->depth;
  for (int64_t k = from; k < from + depth;) {
    int64_t end = (k / block + 1) * block;
    if (end > from + depth) end = from + depth;
    LANES scale[2];
    if (type == FI_SMALL_INT8)
      for (int s = 0; s < 2; s++) scale[s] = FI_NAMED(load)(FI_NAMED(scales)(m, column + s * FI_LANES, k));
    for (; k < end; k++)
#pragma clang loop unroll(full)
      for (int s = 0; s < 2; s++) {
        LANES weight = FI_NAMED(widen)(m->weights, places[s] + k * 16, type);
        if (type == FI_SMALL_INT8) weight *= scale[s];
        FI_NAMED(store)(to + ((k - from) * 2 + s) * FI_LANES, weight);
      }
  }
}

FI_TARGET static void FI_NAMED(unpack)(
    const fi_small_matrix *m, int64_t column, int64_t from, int64_t depth, float *to) {
  switch (m->type) {
  case FI_SMALL_INT8: FI_NAMED(unpack_as)(m, column, from, depth, to, FI_SMALL_INT8); break;
  case FI_SMALL_BFLOAT16: FI_NAMED(unpack_as)(m, column, from, depth, to, FI_SMALL_BFLOAT16); break;
  case FI_SMALL_FLOAT16: FI_NAMED(unpack_as)(m, column, from, depth, to, FI_SMALL_FLOAT16); break;
  }
}

/// Rows by the floats of a tile: begins with the bias where `from` is 0, else with what the result holds.
FI_LOOP void FI_NAMED(tile)(
    const fi_small_product *p, const float *weights, int64_t column, int64_t from, int64_t depth, int64_t row,
    const int rows) {
  int64_t columns = p->matrix.columns, step = p->matrix.depth;
  LANES sums[FI_ROWS][2];
  const float *left = p->left + row * step + from;
  float *result = p->result + row * columns;
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; i++)
#pragma clang loop unroll(full)
    for (int s = 0; s < 2; s++) {
      int64_t own = column + s * FI_LANES;
      const float *start = from ? result + i * columns : p->bias;
      sums[i][s] = start && own < columns ? FI_NAMED(get)(start, own, columns) : (LANES){0};
    }
#pragma clang loop unroll(disable)
  for (int64_t k = 0; k < depth; k++) {
    LANES first = FI_NAMED(load)(weights + k * 2 * FI_LANES);
    LANES second = FI_NAMED(load)(weights + (k * 2 + 1) * FI_LANES);
#pragma clang loop unroll(full)
    for (int i = 0; i < rows; i++) {
      sums[i][0] += left[i * step + k] * first;
      sums[i][1] += left[i * step + k] * second;
    }
  }
#pragma clang loop unroll(full)
  for (int i = 0; i < rows; i++)
#pragma clang loop unroll(full)
    for (int s = 0; s < 2; s++)
      FI_NAMED(put)(result + i * columns, column + s * FI_LANES, columns, sums[i][s]);
}

#define FI_TILE(rows) \
  case rows: FI_NAMED(tile)(p, weights, column, from, depth, row, rows); break;

FI_TARGET static void FI_NAMED(tile_rows)(
    const fi_small_product *p, const float *weights, int64_t column, int64_t from, int64_t depth, int64_t row,
    int64_t rows) {
  switch (rows) {
    FI_TILE(1) FI_TILE(2) FI_TILE(3)
#if FI_ROWS > 3
    FI_TILE(4) FI_TILE(5) FI_TILE(6)
#endif
#if FI_ROWS > 6
    FI_TILE(7) FI_TILE(8) FI_TILE(9) FI_TILE(10) FI_TILE(11) FI_TILE(12)
#endif
  }
}

/// Two registers of columns by the rows of a part.
FI_TARGET static void FI_NAMED(many_rows)(
    const fi_small_product *p, int64_t column, int64_t first, int64_t end, float *scratch) {
  for (int64_t from = 0; from < p->matrix.depth; from += FI_DEPTH) {
    int64_t depth = p->matrix.depth - from < FI_DEPTH ? p->matrix.depth - from : FI_DEPTH;
    FI_NAMED(unpack)(&p->matrix, column, from, depth, scratch);
    int64_t parts = (end - first + FI_ROWS - 1) / FI_ROWS;
    for (int64_t part = 0, row = first; part < parts; part++) {
      int64_t rows = (end - row + parts - part - 1) / (parts - part);
      FI_NAMED(tile_rows)(p, scratch, column, from, depth, row, rows);
      row += rows;
    }
  }
}

/// One part of a product: of the columns where there are enough of them, else of the rows.
FI_TARGET static void FI_NAMED(product)(const fi_small_product *p, float *scratch, int part, int parts) {
  int64_t columns = (p->matrix.columns + 15) / 16 * 16;
  if (p->rows <= FI_FEW_ROWS) {
    int64_t width = FI_STREAMS * FI_LANES, groups = (columns + width - 1) / width;
    for (int64_t group = groups * part / parts; group < groups * (part + 1) / parts; group++)
      FI_NAMED(few_rows)(p, group * width);
    return;
  }
  int64_t width = 2 * FI_LANES, groups = (columns + width - 1) / width;
  int64_t first = 0, end = p->rows, from = 0, to = groups;
  if (groups >= 4 * parts || p->rows < 8 * parts) {
    from = groups * part / parts;
    to = groups * (part + 1) / parts;
  } else {
    first = p->rows * part / parts;
    end = p->rows * (part + 1) / parts;
  }
  for (int64_t group = from; group < to; group++) FI_NAMED(many_rows)(p, group * width, first, end, scratch);
}

/// One block of columns of blocked weights.
FI_LOOP void FI_NAMED(expand_as)(
    const fi_small_expansion *e, int64_t block, const fi_small_type type) {
  const fi_small_matrix *m = &e->matrix;
  int64_t blocks = (e->channels + e->lanes - 1) / e->lanes, size = e->lanes * e->lanes;
  float *to = e->to + block * blocks * e->taps * size;
  for (int64_t half = 0; half < e->lanes; half += FI_LANES) {
    int64_t column = e->first + block * e->lanes + half;
    LANES scale = {0};
    if (column < (m->columns + 15) / 16 * 16)
      scale = type == FI_SMALL_INT8 ? FI_NAMED(load)(FI_NAMED(scales)(m, column, 0)) : (LANES){0} + 1;
    int64_t place = FI_NAMED(place)(m, column);
    for (int64_t tap = 0; tap < e->taps; tap++)
      for (int64_t channel = 0; channel < blocks * e->lanes; channel++) {
        LANES weight = {0};
        if (channel < e->channels)
          weight = FI_NAMED(widen)(m->weights, place + (tap * e->channels + channel) * 16, type) * scale;
        float *at = to + ((channel / e->lanes * e->taps + tap) * e->lanes + channel % e->lanes) * e->lanes;
        FI_NAMED(store)(at + half, weight);
      }
  }
}

FI_TARGET static void FI_NAMED(expand)(const fi_small_expansion *e, int part, int parts) {
  int64_t blocks = e->count / e->lanes;
  for (int64_t block = blocks * part / parts; block < blocks * (part + 1) / parts; block++)
    switch (e->matrix.type) {
    case FI_SMALL_INT8: FI_NAMED(expand_as)(e, block, FI_SMALL_INT8); break;
    case FI_SMALL_BFLOAT16: FI_NAMED(expand_as)(e, block, FI_SMALL_BFLOAT16); break;
    case FI_SMALL_FLOAT16: FI_NAMED(expand_as)(e, block, FI_SMALL_FLOAT16); break;
    }
}

#undef LANES
#undef FI_LOOP
#undef FI_FEW
#undef FI_TILE
#undef FI_LANES
#undef FI_ROWS
#undef FI_FEW_ROWS
#undef FI_STREAMS
#undef FI_TARGET
#undef FI_NAMED
#undef FI_WIDENS_HALVES
