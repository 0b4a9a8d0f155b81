// How the calling thread's processor computes with floats.
#pragma once

/// Has results that are subnormal become zero, and operands that are count as zero (FTZ and DAZ on x86, FZ on ARM), or not.
/// Threads that the calling thread starts later do the same.
/// Returns what was in force before, for fi_floats_restore.
unsigned long fi_floats_flush(int flushes);

/// Puts back what fi_floats_flush returned.
void fi_floats_restore(unsigned long mode);

/// Not 0: the processor notes, without a cost, when an instruction met what is not a number or made it, and
/// fi_floats_take_invalid tells.
int fi_floats_note_invalid(void);

/// Not 0 when the calling thread has met an operand that is not a number in a comparison or a choice, or made a result
/// that is none (or, with `overflow`, one that is infinite), since this was called last. Forgets it.
int fi_floats_take_invalid(int overflow);
