// Threads of the host.
#pragma once

/// Names the calling thread for debuggers and `top`; at most 15 characters.
void fi_thread_set_name(const char *name);

/// Lets the calling thread's sleeps end when they are over, instead of when the kernel next wakes something up.
void fi_thread_sleep_exactly(void);
