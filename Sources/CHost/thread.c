#define _GNU_SOURCE
#include "host_thread.h"

#include <pthread.h>

void fi_thread_set_name(const char *name) { pthread_setname_np(pthread_self(), name); }
