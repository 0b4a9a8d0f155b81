#define _GNU_SOURCE
#include "CHost.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>

typedef void (*set_threads)(int);
typedef int (*number)(void);
// GNU OpenMP's entry for parallel regions ("libgomp ABI" in its manual); LLVM's runtime has it too.
typedef void (*run_region)(void (*)(void *), void *, unsigned, unsigned);

static set_threads set_count;
static number own_part, part_count;
static run_region run_parallel;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void find(void) {
  set_count = (set_threads)dlsym(RTLD_DEFAULT, "omp_set_num_threads");
  own_part = (number)dlsym(RTLD_DEFAULT, "omp_get_thread_num");
  part_count = (number)dlsym(RTLD_DEFAULT, "omp_get_num_threads");
  run_parallel = (run_region)dlsym(RTLD_DEFAULT, "GOMP_parallel");
}

int fi_set_openmp_threads(int count) {
  pthread_once(&once, find);
  if (set_count == NULL) return 0;
  set_count(count);
  return 1;
}

typedef struct {
  fi_part_function run;
  void *argument;
  int parts;
} region;

static void run_parts(void *argument) {
  const region *region = argument;
  // The runtime may give fewer threads than were asked for.
  for (int part = own_part(); part < region->parts; part += part_count())
    region->run(region->argument, part, region->parts);
}

void fi_openmp_parallel(int parts, fi_part_function run, void *argument) {
  pthread_once(&once, find);
  if (parts > 1 && own_part != NULL && part_count != NULL && run_parallel != NULL) {
    region region = {run, argument, parts};
    run_parallel(run_parts, &region, (unsigned)parts, 0);
    return;
  }
  for (int part = 0; part < parts; part++) run(argument, part, parts);
}
