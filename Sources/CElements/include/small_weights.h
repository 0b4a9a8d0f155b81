// Products of floats with weights of 8 or 16 bits, which stay in memory as they are: a few rows meet them as they are read,
// many rows meet a tile of them as floats in a scratch memory that a cache holds.
#pragma once
#include <stddef.h>
#include <stdint.h>

/// FI_SMALL_INT8 has scales; the others are floats.
typedef enum { FI_SMALL_INT8, FI_SMALL_BFLOAT16, FI_SMALL_FLOAT16 } fi_small_type;

/// The instructions to use, which the processor must have: FI_SMALL_AVX512 are AVX-512 F, DQ, BW and VL, FI_SMALL_AVX2 are AVX2,
/// FMA and F16C.
typedef enum { FI_SMALL_PORTABLE, FI_SMALL_AVX2, FI_SMALL_AVX512 } fi_small_instructions;

/// Not 0 if this processor has the instructions.
int fi_small_has(fi_small_instructions instructions);

/// A matrix in panels of 16 columns: [panels, depth, 16]. Columns that fill the last panel are zeros.
typedef struct {
  fi_small_type type;
  int64_t depth, columns;
  const void *weights;
  /// [panels, blocks, 16] of FI_SMALL_INT8: the numbers that `block` integers of a column are multiplied by. NULL for others.
  const float *scale;
  int64_t block;
} fi_small_matrix;

typedef struct {
  fi_small_matrix matrix;
  int64_t rows;
  /// [rows, depth].
  const float *left;
  /// One number for each column; NULL: zeros.
  const float *bias;
  /// [rows, columns].
  float *result;
} fi_small_product;

/// A convolution of plain images: [images, channels, input…] to [images, columns of the matrix, output…]. The depth of the
/// matrix is [size…, channels].
typedef struct {
  fi_small_matrix matrix;
  int64_t images, channels;
  /// By spatial axis, the outermost first; axes that there are not have one element.
  int64_t input[3], output[3], size[3], stride[3], dilation[3];
  /// Elements of padding in front of the image.
  int64_t before[3];
  const float *source, *bias;
  float *result;
} fi_small_convolution;

/// Bytes of scratch memory of a product on so many threads.
size_t fi_small_product_scratch(int threads);

/// Computes on so many threads of the kernel library's. Numbers do not depend on `threads`. `scratch` lies on a boundary of 64.
void fi_small_product_run(
    const fi_small_product *product, void *scratch, fi_small_instructions instructions, int threads);

/// Bytes of scratch memory of a convolution on so many threads.
size_t fi_small_convolution_scratch(const fi_small_convolution *convolution, int threads);

void fi_small_convolution_run(
    const fi_small_convolution *convolution, void *scratch, fi_small_instructions instructions, int threads);

/// Columns of a matrix as the kernel library's blocked weights of a convolution: [columns / lanes, channels / lanes, taps, lanes,
/// lanes], the last axis columns, where the depth of the matrix is [taps, channels]. Channels that fill the last block are zeros,
/// and so are columns behind the last.
typedef struct {
  fi_small_matrix matrix;
  int64_t taps, channels;
  /// 8 or 16.
  int64_t lanes;
  /// The first column, a multiple of 16, and their number, a multiple of `lanes`.
  int64_t first, count;
  float *to;
} fi_small_expansion;

void fi_small_expand(const fi_small_expansion *expansion, fi_small_instructions instructions, int threads);
