// Threads of the host.
#pragma once

/// Names the calling thread for debuggers and `top`; at most 15 characters.
void fi_thread_set_name(const char *name);
