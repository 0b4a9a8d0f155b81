// Threads of the host.
#pragma once

/// Names the calling thread for debuggers and `top`; at most 15 characters.
void fi_thread_set_name(const char *name);

/// Lets the calling thread's sleeps end when they are over, instead of when the kernel next wakes something up.
void fi_thread_sleep_exactly(void);

/// Asks for short turns on the processor (100 microseconds): a thread that mostly waits then runs as soon as it has something
/// to do, though others compute. Nothing changes before Linux 6.12, or where it is not allowed.
void fi_thread_take_short_turns(void);
