// Products of small matrices: rows of tiles by channels with channels by 16 to 64 results.
#pragma once
#include "lanes.h"

/// `rows`×`depth` numbers at `a` (rows `depth` apart) with `depth`×16·`columns` at `b`, to rows 16·`columns` apart. The
/// counts of rows and columns are constants where this is inlined, and their sums stay in registers.
FI_INLINE void product(
    const float *a, const float *b, float *to, int64_t depth, const int rows, const int columns) {
  lanes sums[12][4];
#pragma clang loop unroll(full)
  for (int row = 0; row < rows; row++)
#pragma clang loop unroll(full)
    for (int column = 0; column < columns; column++) sums[row][column] = splat(0);
  for (int64_t k = 0; k < depth; k++) {
    lanes right[4];
#pragma clang loop unroll(full)
    for (int column = 0; column < columns; column++) right[column] = load(b + (k * columns + column) * 16);
#pragma clang loop unroll(full)
    for (int row = 0; row < rows; row++) {
      lanes left = splat(a[row * depth + k]);
#pragma clang loop unroll(full)
      for (int column = 0; column < columns; column++) sums[row][column] += left * right[column];
    }
  }
#pragma clang loop unroll(full)
  for (int row = 0; row < rows; row++)
#pragma clang loop unroll(full)
    for (int column = 0; column < columns; column++)
      store(to + (size_t)(row * columns + column) * 16, sums[row][column]);
}

/// The most rows whose sums fit the registers beside one row of the right matrix, for 1 to 4 columns.
static const int most_rows[5] = {0, 12, 12, 8, 6};

#define FI_CASE(rows, columns) \
  case columns * 16 + rows: product(a, b, to, depth, rows, columns); break;
#define FI_CASES_6(columns) \
  FI_CASE(1, columns) FI_CASE(2, columns) FI_CASE(3, columns) FI_CASE(4, columns) FI_CASE(5, columns) FI_CASE(6, columns)
#define FI_CASES_8(columns) FI_CASES_6(columns) FI_CASE(7, columns) FI_CASE(8, columns)
#define FI_CASES_12(columns) \
  FI_CASES_8(columns) FI_CASE(9, columns) FI_CASE(10, columns) FI_CASE(11, columns) FI_CASE(12, columns)

FI_AVX512 static void product_of(
    const float *a, const float *b, float *to, int64_t depth, int rows, int columns) {
  switch (columns * 16 + rows) {
    FI_CASES_12(1)
    FI_CASES_12(2)
    FI_CASES_8(3)
    FI_CASES_6(4)
  }
}

/// Any number of rows, in parts of about the same size.
FI_INLINE void products(const float *a, const float *b, float *to, int64_t depth, int64_t rows, int columns) {
  int64_t parts = (rows + most_rows[columns] - 1) / most_rows[columns];
  for (int64_t part = 0, row = 0; part < parts; part++) {
    int count = (int)((rows - row + parts - part - 1) / (parts - part));
    product_of(a + row * depth, b, to + row * columns * 16, depth, count, columns);
    row += count;
  }
}
