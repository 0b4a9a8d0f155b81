// The transforms of F(4×4, 3×3) with the points 0, ±1, ±2 and infinity, for sixteen channels at a time. A tile of 6×6
// products makes 4×4 results.
#pragma once
#include "CWinograd.h"
#include "activations.h"
#include "lanes.h"

FI_INLINE void transform_source(const lanes d[6], lanes out[6]) {
  lanes a = d[4] - 4 * d[2], b = d[3] - 4 * d[1], c = d[4] - d[2], e = 2 * (d[3] - d[1]);
  out[0] = 4 * d[0] - 5 * d[2] + d[4];
  out[1] = a + b;
  out[2] = a - b;
  out[3] = c + e;
  out[4] = c - e;
  out[5] = 4 * d[1] - 5 * d[3] + d[5];
}

FI_INLINE void transform_weights(const lanes g[3], lanes out[6]) {
  lanes a = (g[0] + g[2]) * (-1.0f / 6), b = g[1] * (1.0f / 6);
  lanes c = g[0] * (1.0f / 24) + g[2] * (1.0f / 6), d = g[1] * (1.0f / 12);
  out[0] = g[0] * 0.25f;
  out[1] = a - b;
  out[2] = a + b;
  out[3] = c + d;
  out[4] = c - d;
  out[5] = g[2];
}

FI_INLINE void transform_products(const lanes m[6], lanes out[4]) {
  lanes a = m[1] + m[2], b = m[1] - m[2], c = m[3] + m[4], d = m[3] - m[4];
  out[0] = m[0] + a + c;
  out[1] = b + 2 * d;
  out[2] = a + 4 * c;
  out[3] = b + 8 * d + m[5];
}

/// One tile of sixteen channels of an image to 36 planes that are `plane` numbers apart. What is outside of the image is 0.
FI_INLINE void source_tile(
    const float *image, int64_t height, int64_t width, int64_t y0, int64_t x0, float *to, size_t plane) {
  const lanes zero = {0};
  lanes rows[6][6];
  int isInside = y0 >= 0 && x0 >= 0 && y0 + 6 <= height && x0 + 6 <= width;
  for (int x = 0; x < 6; x++) {
    lanes column[6], out[6];
    for (int y = 0; y < 6; y++) {
      int64_t row = y0 + y, at = x0 + x;
      int isThere = isInside || (row >= 0 && row < height && at >= 0 && at < width);
      column[y] = isThere ? load(image + (row * width + at) * 16) : zero;
    }
    transform_source(column, out);
    for (int y = 0; y < 6; y++) rows[y][x] = out[y];
  }
  for (int y = 0; y < 6; y++) {
    lanes out[6];
    transform_source(rows[y], out);
    for (int x = 0; x < 6; x++) store(to + (size_t)(y * 6 + x) * plane, out[x]);
  }
}

/// The nine weights of one channel for sixteen results, 256 numbers apart, to 36 planes.
FI_INLINE void weights_tile(const float *weights, float *to, size_t plane) {
  lanes rows[6][3];
  for (int x = 0; x < 3; x++) {
    lanes column[3] = {load(weights + x * 256), load(weights + (3 + x) * 256), load(weights + (6 + x) * 256)};
    lanes out[6];
    transform_weights(column, out);
    for (int y = 0; y < 6; y++) rows[y][x] = out[y];
  }
  for (int y = 0; y < 6; y++) {
    lanes out[6];
    transform_weights(rows[y], out);
    for (int x = 0; x < 6; x++) store(to + (size_t)(y * 6 + x) * plane, out[x]);
  }
}

/// 36 planes of products to one tile of sixteen channels of the result, as far as that is inside of it.
FI_INLINE void result_tile(
    const float *products, size_t plane, lanes bias, const float *addend, fi_winograd_tail tail, float *result, int64_t height,
    int64_t width, int64_t y0, int64_t x0) {
  lanes rows[4][6];
  for (int x = 0; x < 6; x++) {
    lanes column[6], out[4];
    for (int y = 0; y < 6; y++) column[y] = load(products + (size_t)(y * 6 + x) * plane);
    transform_products(column, out);
    for (int y = 0; y < 4; y++) rows[y][x] = out[y];
  }
  int64_t ny = height - y0 < 4 ? height - y0 : 4, nx = width - x0 < 4 ? width - x0 : 4;
  for (int64_t y = 0; y < ny; y++) {
    lanes out[4];
    transform_products(rows[y], out);
    for (int64_t x = 0; x < nx; x++) {
      size_t at = (size_t)((y0 + y) * width + x0 + x) * 16;
      lanes value = out[x] + bias;
      if (addend && !tail.adds_last) value += load(addend + at);
      value = activated(value, tail.activation);
      if (addend && tail.adds_last) value += load(addend + at);
      store(result + at, value);
    }
  }
}
