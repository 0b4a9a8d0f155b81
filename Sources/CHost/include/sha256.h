// SHA-256 (FIPS 180-4), with the processor's SHA instructions where it has them.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// A hash under way.
typedef struct {
  uint32_t state[8];
  uint64_t count;
  uint8_t block[64];
} fi_sha256;

void fi_sha256_init(fi_sha256 *hash);
void fi_sha256_update(fi_sha256 *hash, const void *bytes, size_t count);
/// The hash of all bytes so far, 32 bytes. The hash under way ends with it.
void fi_sha256_finish(fi_sha256 *hash, uint8_t *digest);
/// Turns the processor's SHA instructions off, or on again where it has them: for tests of both ways.
void fi_sha256_use_instructions(bool allowed);
