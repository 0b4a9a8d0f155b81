#define _GNU_SOURCE
#include "host_thread.h"

#include <pthread.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

void fi_thread_set_name(const char *name) { pthread_setname_np(pthread_self(), name); }

void fi_thread_sleep_exactly(void) { prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL); }

// As sched_setattr(2) gives it in its first version; the C library of many systems does not declare it.
struct scheduling {
  uint32_t size;
  uint32_t policy;
  uint64_t flags;
  int32_t nice;
  uint32_t priority;
  uint64_t runtime;
  uint64_t deadline;
  uint64_t period;
};

void fi_thread_take_short_turns(void) {
  struct scheduling scheduling = {0};
  if (syscall(SYS_sched_getattr, 0, &scheduling, sizeof scheduling, 0)) return;
  // Of SCHED_OTHER and SCHED_BATCH the runtime is the length of a turn.
  if (scheduling.policy != 0 && scheduling.policy != 3) return;
  scheduling.runtime = 100 * 1000;
  // Threads that it starts compute: SCHED_FLAG_RESET_ON_FORK.
  scheduling.flags |= 1;
  syscall(SYS_sched_setattr, 0, &scheduling, 0);
}
