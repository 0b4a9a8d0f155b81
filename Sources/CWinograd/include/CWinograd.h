// 3×3 convolutions with a stride of 1 by Winograd's minimal filtering, F(4×4, 3×3): Lavin and Gray, "Fast Algorithms for
// Convolutional Neural Networks", 2015. 36 multiplications make 16 results that take 144 otherwise.
//
// Images and results lie in blocks of 16 channels (oneDNN's nChw16c), weights in OIhw16i16o: what its direct
// convolutions take, so a compiled model serves both. Needs AVX-512.
#pragma once
#include <stddef.h>
#include <stdint.h>

typedef struct {
  int64_t images;
  /// Multiples of 16.
  int64_t channels, made;
  int64_t height, width;
  int64_t made_height, made_width;
  /// Rows and columns of zeros in front of the image. Behind it there are as many as the result needs.
  int64_t top, left;
} fi_winograd_shape;

typedef struct {
  const float *source, *weights;
  /// One number for each channel of the result; NULL: zeros.
  const float *bias;
  /// What is added to the result, laid out as it; may be the result's own memory. NULL: nothing.
  const float *addend;
  float *result;
  /// As many bytes as fi_winograd_scratch says, on a boundary of 64.
  float *scratch;
} fi_winograd_memory;

typedef enum { FI_WINOGRAD_IDENTITY, FI_WINOGRAD_RELU, FI_WINOGRAD_SILU } fi_winograd_activation;

/// What is done to the results before they are written.
typedef struct {
  fi_winograd_activation activation;
  /// Not 0: the addend is added behind the activation, else in front of it.
  int adds_last;
} fi_winograd_tail;

/// 0 where this was compiled for a processor that has no such kernel.
int fi_winograd_is_compiled(void);

/// Bytes of scratch memory of a call on so many threads.
int64_t fi_winograd_scratch(const fi_winograd_shape *shape, int threads);

/// Computes. The numbers do not depend on `threads`.
void fi_winograd_run(
    const fi_winograd_shape *shape, const fi_winograd_memory *memory, fi_winograd_tail tail, int threads);
