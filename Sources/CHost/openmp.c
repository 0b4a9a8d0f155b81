#define _GNU_SOURCE
#include "CHost.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>

typedef void (*set_threads)(int);

static set_threads found;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void find(void) { found = (set_threads)dlsym(RTLD_DEFAULT, "omp_set_num_threads"); }

int fi_set_openmp_threads(int count) {
  pthread_once(&once, find);
  if (found == NULL) return 0;
  found(count);
  return 1;
}
