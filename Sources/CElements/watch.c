#include "CElements.h"
#include "CHost.h"

#include <stdatomic.h>

typedef struct {
  atomic_int met;
  int overflow;
} watch;

static void look(void *argument, int part, int parts) {
  watch *watch = argument;
  if (fi_floats_take_invalid(watch->overflow)) atomic_store_explicit(&watch->met, 1, memory_order_relaxed);
}

int fi_elements_met_nan(int threads, int overflow) {
  watch watch = {0, overflow};
  fi_openmp_parallel(threads, look, &watch);
  return watch.met;
}
