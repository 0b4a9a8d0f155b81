// What happens when a mapped file's page cannot be read: the file was cut short by another program, or its disk failed.
#define _GNU_SOURCE
#include "host_memory.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

// The handler may interrupt anything, so the table is of fixed size and read without a lock: an entry whose `version`
// is odd, or changes while it is read, is being written, and so guards no page that is in use.
struct entry {
  atomic_uint version;
  atomic_bool used;
  atomic_bool broken;
  _Atomic(uintptr_t) start;
  _Atomic(uintptr_t) end;
};
static struct entry table[4096];
static const int capacity = sizeof table / sizeof table[0];
static struct sigaction previous;
static pthread_once_t installed = PTHREAD_ONCE_INIT;

/// The guard over `address`, or -1.
static int guard_over(uintptr_t address) {
  for (int i = 0; i < capacity; i++) {
    struct entry *entry = &table[i];
    const unsigned version = atomic_load(&entry->version);
    const uintptr_t start = atomic_load(&entry->start), end = atomic_load(&entry->end);
    if (version % 2 == 0 && atomic_load(&entry->version) == version && start <= address && address < end) return i;
  }
  return -1;
}

static void pass_on(int signal_number, siginfo_t *info, void *context) {
  if (previous.sa_flags & SA_SIGINFO) {
    previous.sa_sigaction(signal_number, info, context);
  } else if (previous.sa_handler == SIG_DFL || previous.sa_handler == SIG_IGN) {
    // The faulting instruction runs again and ends the process as if this handler had never been there.
    signal(SIGBUS, SIG_DFL);
    if (info->si_code <= 0) raise(SIGBUS);
  } else {
    previous.sa_handler(signal_number);
  }
}

// Only async-signal-safe calls; mmap as a bare system call, since sanitizers replace the function.
static void handle(int signal_number, siginfo_t *info, void *context) {
  const int saved = errno;
  const uintptr_t page = (uintptr_t)info->si_addr & ~(uintptr_t)(fi_memory_page_size() - 1);
  const int guard = info->si_code > 0 ? guard_over((uintptr_t)info->si_addr) : -1;
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;
  if (guard >= 0
      && syscall(SYS_mmap, page, fi_memory_page_size(), PROT_READ, flags, -1, (long)0) == (long)page) {
    atomic_store(&table[guard].broken, true);
  } else {
    pass_on(signal_number, info, context);
  }
  errno = saved;
}

static void install(void) {
  struct sigaction action = {0};
  action.sa_sigaction = handle;
  action.sa_flags = SA_SIGINFO | SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  sigaction(SIGBUS, &action, &previous);
}

int fi_guard_set(const void *address, size_t bytes) {
  pthread_once(&installed, install);
  for (int i = 0; i < capacity; i++) {
    struct entry *entry = &table[i];
    bool expected = false;
    if (!atomic_compare_exchange_strong(&entry->used, &expected, true)) continue;
    atomic_fetch_add(&entry->version, 1);
    atomic_store(&entry->start, (uintptr_t)address);
    atomic_store(&entry->end, (uintptr_t)address + bytes);
    atomic_store(&entry->broken, false);
    atomic_fetch_add(&entry->version, 1);
    return i;
  }
  return -1;
}

void fi_guard_clear(int guard) {
  struct entry *entry = &table[guard];
  atomic_fetch_add(&entry->version, 1);
  atomic_store(&entry->start, 0);
  atomic_store(&entry->end, 0);
  atomic_fetch_add(&entry->version, 1);
  atomic_store(&entry->used, false);
}

bool fi_guard_broken(int guard) { return atomic_load(&table[guard].broken); }
