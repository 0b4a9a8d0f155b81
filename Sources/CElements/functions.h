// Functions of each of many numbers, each right to a millionth of its value, where the kernel library's are right to a
// millionth of the largest value alone. What is not a number stays that.
#pragma once
#include <stddef.h>

/// log(1 + eˣ).
void fi_softplus(const float *from, float *to, size_t count);
/// x · tanh(log(1 + eˣ)).
void fi_mish(const float *from, float *to, size_t count);
/// The natural logarithm.
void fi_logarithm(const float *from, float *to, size_t count);
