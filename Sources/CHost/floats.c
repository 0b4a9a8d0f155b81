#include "host_floats.h"

#if defined(__x86_64__)
#include <xmmintrin.h>

// MXCSR: exceptions are noted in its lowest bits.
enum { INVALID = 0x1, OVERFLOWED = 0x8, NOTED = 0x3f, DENORMALS_ARE_ZERO = 0x40, FLUSH_TO_ZERO = 0x8000 };

unsigned long fi_floats_flush(int flushes) {
  unsigned mode = _mm_getcsr(), bits = DENORMALS_ARE_ZERO | FLUSH_TO_ZERO;
  unsigned wanted = flushes ? mode | bits : mode & ~bits;
  if (wanted != mode) _mm_setcsr(wanted);
  return mode;
}

void fi_floats_restore(unsigned long mode) {
  unsigned bits = DENORMALS_ARE_ZERO | FLUSH_TO_ZERO, now = _mm_getcsr();
  unsigned wanted = (now & ~bits) | ((unsigned)mode & bits);
  if (wanted != now) _mm_setcsr(wanted);
}

int fi_floats_note_invalid(void) { return 1; }

int fi_floats_take_invalid(int overflow) {
  unsigned mode = _mm_getcsr();
  if (!(mode & (INVALID | OVERFLOWED))) return 0;
  _mm_setcsr(mode & ~(unsigned)NOTED);
  return (mode & (overflow ? INVALID | OVERFLOWED : INVALID)) != 0;
}

#elif defined(__aarch64__)

// FPCR: bit 24 flushes subnormal operands and results.
enum { FLUSH = 1 << 24 };

static unsigned long control(void) {
  unsigned long mode;
  __asm__ volatile("mrs %0, fpcr" : "=r"(mode));
  return mode;
}

static void set_control(unsigned long mode) { __asm__ volatile("msr fpcr, %0" : : "r"(mode)); }

unsigned long fi_floats_flush(int flushes) {
  unsigned long mode = control(), wanted = flushes ? mode | FLUSH : mode & ~(unsigned long)FLUSH;
  if (wanted != mode) set_control(wanted);
  return mode;
}

void fi_floats_restore(unsigned long mode) {
  unsigned long now = control(), wanted = (now & ~(unsigned long)FLUSH) | (mode & FLUSH);
  if (wanted != now) set_control(wanted);
}

// The library's choices there pass quiet NaNs over without a note.
int fi_floats_note_invalid(void) { return 0; }
int fi_floats_take_invalid(int overflow) { return 0; }

#else

unsigned long fi_floats_flush(int flushes) { return 0; }
void fi_floats_restore(unsigned long mode) {}
int fi_floats_note_invalid(void) { return 0; }
int fi_floats_take_invalid(int overflow) { return 0; }

#endif
