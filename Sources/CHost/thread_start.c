// Every thread of the process takes signals on a stack of its own.
//
// oneDNN's single-precision GEMM kernels point the stack register into a heap block while they compute (oneDNN issue
// 4845, mended in 3.12). The guard of mapped files answers SIGBUS in such a kernel; the kernel's frame for the handler
// would lie over whatever is below that heap block. The threads that compute are partly OpenMP's, which nothing but
// `pthread_create` tells of: this definition comes before glibc's for every library of the process, as an allocator's
// does.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
// A sanitizer has a `pthread_create` of its own; AddressSanitizer's gives each thread such a stack too.
#define STARTED_BY_SANITIZER
#endif
#endif

#if defined(__GLIBC__) && !defined(STARTED_BY_SANITIZER)

// Enough for AVX-512 and AMX registers (12 KiB), and for a backtracer's handler.
#define SIGNAL_STACK ((size_t)64 << 10)

typedef int create_function(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

struct start {
  void *(*routine)(void *);
  void *argument;
};

// Cannot fail: no kernel asks for more, and nobody is on a signal stack here.
static void use_signal_stack(void *memory) {
  const stack_t stack = {.ss_sp = memory, .ss_size = SIGNAL_STACK};
  sigaltstack(&stack, NULL);
}

// The signal stack is a part of the thread's own: it is there as long as the thread, and takes no memory before a signal.
static void *begin(void *pointer) {
  const struct start start = *(struct start *)pointer;
  free(pointer);
  char memory[SIGNAL_STACK];
  use_signal_stack(memory);
  void *const result = start.routine(start.argument);
  const stack_t none = {.ss_flags = SS_DISABLE};
  sigaltstack(&none, NULL);
  return result;
}

/// The size of the stack of a thread with these attributes; 0 when it is not known.
static size_t stack_bytes(const pthread_attr_t *attributes) {
  size_t bytes = 0;
  if (attributes) return pthread_attr_getstacksize(attributes, &bytes) ? 0 : bytes;
  pthread_attr_t standard;
  if (pthread_getattr_default_np(&standard)) return 0;
  if (pthread_attr_getstacksize(&standard, &bytes)) bytes = 0;
  pthread_attr_destroy(&standard);
  return bytes;
}

int pthread_create(
    pthread_t *thread, const pthread_attr_t *attributes, void *(*routine)(void *), void *argument) {
  // A race finds the same function twice.
  static _Atomic(create_function *) next;
  if (!next) next = (create_function *)dlsym(RTLD_NEXT, "pthread_create");

  struct start *start = stack_bytes(attributes) < 4 * SIGNAL_STACK ? NULL : malloc(sizeof *start);
  if (!start) return next(thread, attributes, routine, argument);
  *start = (struct start){routine, argument};
  const int status = next(thread, attributes, begin, start);
  if (status) free(start);
  return status;
}

__attribute__((constructor)) static void start_of_process(void) {
  static char memory[SIGNAL_STACK];
  stack_t present;
  if (sigaltstack(NULL, &present) == 0 && present.ss_flags & SS_DISABLE) use_signal_stack(memory);
}

#endif
