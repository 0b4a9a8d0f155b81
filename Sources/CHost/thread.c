#define _GNU_SOURCE
#include "host_thread.h"

#include <pthread.h>
#include <sys/prctl.h>

void fi_thread_set_name(const char *name) { pthread_setname_np(pthread_self(), name); }

void fi_thread_sleep_exactly(void) { prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL); }
