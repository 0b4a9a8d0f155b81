// Loops over floats that keep what is not a number, where the kernel library's lose it: its largest and smallest of two
// numbers are the second one when the first is no number.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include "small_weights.h"

/// FI_ELEMENTS_BELOW_ZERO is the second operand where the first is negative, else the first. FI_ELEMENTS_SOFTPLUS is log(1 + eˣ),
/// FI_ELEMENTS_MISH x · tanh(log(1 + eˣ)), FI_ELEMENTS_LOGARITHM the natural logarithm: each to a millionth of its value.
typedef enum {
  FI_ELEMENTS_RELU,
  FI_ELEMENTS_CLIP,
  FI_ELEMENTS_LARGER,
  FI_ELEMENTS_SMALLER,
  FI_ELEMENTS_BELOW_ZERO,
  FI_ELEMENTS_SOFTPLUS,
  FI_ELEMENTS_MISH,
  FI_ELEMENTS_LOGARITHM
} fi_elements_function;

typedef struct {
  fi_elements_function function;
  /// The bounds of FI_ELEMENTS_CLIP. One that is not a number bounds nothing.
  float low, high;
  /// Operands; the second one of the functions of two numbers alone. Either may be the result's memory.
  const float *first, *second;
  float *result;
  size_t count;
} fi_elements;

/// Computes on so many threads of the kernel library's.
void fi_elements_run(const fi_elements *elements, int threads);

/// A window that slides over images, whose elements are `lanes` numbers each: blocks of channels.
typedef struct {
  int64_t planes, lanes;
  /// By spatial axis, the outermost first; axes that there are not have one element.
  int64_t input[3], output[3], size[3], stride[3], dilation[3];
  /// Elements of padding in front of the image.
  int64_t before[3];
  /// Not 0: the window is the whole image, and what is not a number wins. 0: it is passed over.
  int is_global;
} fi_pool;

/// The largest number in each place of the window, on so many threads of the kernel library's.
void fi_pool_maximum(const fi_pool *pool, const float *source, float *result, int threads);

/// Not 0 when one of so many threads of the kernel library's has met what is not a number since this was called last, as
/// fi_floats_take_invalid says.
int fi_elements_met_nan(int threads, int overflow);

/// Makes every line along the middle axis, in which one number is none, have none.
void fi_elements_spread_nan(float *numbers, int64_t outer, int64_t count, int64_t inner);

/// Not 0 when one of the numbers is the lowest finite one.
int fi_elements_have_lowest(const float *numbers, size_t count);

/// The products of a vector a and `columns` vectors b, one behind the other, all of `depth` integers of 9 bits and a sign. Sums wrap.
void fi_integer_products(const int16_t *a, const int16_t *b, int64_t columns, int64_t depth, int32_t *sums);

/// 8-bit levels of floats: `number = (level − zero) · scale`.
typedef struct {
  float scale;
  int32_t zero;
  /// Not 0: levels are int8; 0: uint8.
  int is_signed;
  /// Not 0: floats become levels, which are rounded to even at ties and saturate; 0: levels become floats.
  int quantizes;
  size_t count;
} fi_levels;

/// Computes on so many threads of the kernel library's.
void fi_levels_run(const fi_levels *levels, const void *from, void *to, int threads);

/// A sum or a product of levels: each operand is `(level − zero) · scale`, and so is the result, within `low` and `high`, which are
/// relative to its zero point.
typedef struct {
  /// Not 0: a product; 0: a sum.
  int multiplies;
  /// Not 0: levels of the operand are int8; 0: uint8.
  int is_signed[2];
  /// Of the operands, then of the result.
  float scale[3];
  int32_t zero[3];
  float low, high;
  size_t count;
} fi_level_arithmetic;

/// Computes on so many threads of the kernel library's. The result may be in an operand's memory.
void fi_level_arithmetic_run(
    const fi_level_arithmetic *arithmetic, const uint8_t *a, const uint8_t *b, uint8_t *to, int threads);

/// `level = level · factor + shift`, rounded to even at ties, within `low` and `high`, plus `zero`. Elements are
/// `[outer, channels, inner]`; there is a factor and a shift for each channel.
typedef struct {
  const float *factor, *shift;
  int is_signed;
  int32_t zero;
  float low, high;
  size_t outer, channels, inner;
} fi_level_affine;

/// Computes on so many threads of the kernel library's. The result may be in the operand's memory.
void fi_level_affine_run(const fi_level_affine *affine, const uint8_t *from, uint8_t *to, int threads);

/// Each byte's entry of a table of 256, on so many threads of the kernel library's. The result may be in the operand's memory.
void fi_level_table_run(const uint8_t *table, const uint8_t *from, uint8_t *to, size_t count, int threads);

/// Quantises as ONNX DynamicQuantizeLinear does: finds scale and zero point of the numbers, and their levels unless `to` is null, on
/// so many threads of the kernel library's.
void fi_levels_dynamic(
    const float *from, uint8_t *to, float *scale, uint8_t *zero, size_t count, int threads);

/// The products of `rows` vectors a and `columns` vectors b, all of `depth` bytes, one behind the other: `sums[row][column]`. Sums wrap.
void fi_byte_products(
    const uint8_t *a, int64_t rows, const int8_t *b, int64_t columns, int64_t depth, int32_t *sums);

/// One step of an LSTM: from the inputs of its gates (input, output, forget, cell, of `hidden` numbers each), the new state of the
/// cell and the new hidden state. Functions are right to a millionth.
void fi_lstm_step(const float *gates, float *cell, float *state, size_t hidden);
