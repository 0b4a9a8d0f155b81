#include "CElements.h"
#include "CHost.h"

#include <math.h>
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

void fi_elements_spread_nan(float *numbers, int64_t outer, int64_t count, int64_t inner) {
  for (int64_t row = 0; row < outer; row++)
    for (int64_t column = 0; column < inner; column++) {
      float *line = numbers + row * count * inner + column;
      int met = 0;
      for (int64_t i = 0; i < count; i++) met |= line[i * inner] != line[i * inner];
      for (int64_t i = 0; met && i < count; i++) line[i * inner] = NAN;
    }
}
