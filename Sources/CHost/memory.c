#define _GNU_SOURCE
#include "host_memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

// Older headers lack these; older kernels answer EINVAL.
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif
#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#ifndef PR_SET_VMA
#define PR_SET_VMA 0x53564d41
#define PR_SET_VMA_ANON_NAME 0
#endif

size_t fi_memory_page_size(void) { return (size_t)sysconf(_SC_PAGESIZE); }

/// Maps `bytes` at a multiple of a huge page by mapping more and giving the ends back.
static int map_aligned(size_t bytes, int protection, int flags, void **address) {
  const size_t page = fi_memory_page_size();
  size_t padded;
  if (__builtin_add_overflow(bytes, FI_HUGE_PAGE + page, &padded)) return ENOMEM;
  bytes = (bytes + page - 1) & ~(page - 1);
  padded = bytes + FI_HUGE_PAGE;
  char *raw = mmap(NULL, padded, protection, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
  if (raw == MAP_FAILED) return errno;
  char *start = (char *)(((uintptr_t)raw + FI_HUGE_PAGE - 1) & ~(uintptr_t)(FI_HUGE_PAGE - 1));
  size_t head = (size_t)(start - raw), tail = padded - head - bytes;
  if (head > 0) munmap(raw, head);
  if (tail > 0) munmap(start + bytes, tail);
  *address = start;
  return 0;
}

int fi_memory_map(size_t bytes, const char *name, void **address) {
  const int protection = PROT_READ | PROT_WRITE;
  if (bytes >= FI_HUGE_PAGE) {
    // No huge page reaches beyond the end: the mapping ends there. Advice may fail where huge pages are off.
    const int status = map_aligned(bytes, protection, 0, address);
    if (status != 0) return status;
    madvise(*address, bytes, MADV_HUGEPAGE);
  } else {
    void *start = mmap(NULL, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED) return errno;
    *address = start;
  }
  // The flags `dd dc` in smaps tell this memory from other memory, also where the kernel keeps no names.
  madvise(*address, bytes, MADV_DONTDUMP);
  madvise(*address, bytes, MADV_DONTFORK);
  prctl(PR_SET_VMA, PR_SET_VMA_ANON_NAME, *address, bytes, name);
  return 0;
}

int fi_memory_populate(void *address, size_t bytes) {
  while (madvise(address, bytes, MADV_POPULATE_WRITE) != 0) {
    if (errno == EINTR || errno == EAGAIN) continue;
    if (errno != EINVAL) return errno == EFAULT ? ENOMEM : errno;
    // Fresh anonymous memory is zero: writing zeros changes nothing.
    const size_t page = fi_memory_page_size();
    for (size_t offset = 0; offset < bytes; offset += page) ((volatile char *)address)[offset] = 0;
    return 0;
  }
  return 0;
}

int fi_memory_reserve(size_t bytes, void **address) {
  return map_aligned(bytes, PROT_NONE, MAP_NORESERVE, address);
}

int fi_memory_unmap(void *address, size_t bytes) { return munmap(address, bytes) == 0 ? 0 : errno; }

int fi_memory_map_file(void *address, size_t bytes, int descriptor, int64_t offset) {
  if (mmap(address, bytes, PROT_READ, MAP_SHARED | MAP_FIXED, descriptor, offset) == MAP_FAILED) return errno;
  // Cold pages then come in as huge folios where the file system can, also what lies beside a small part.
  madvise(address, bytes, MADV_HUGEPAGE);
  return 0;
}

int fi_memory_populate_file(const void *address, size_t bytes, bool ask_kernel) {
  while (ask_kernel) {
    if (madvise((void *)address, bytes, MADV_POPULATE_READ) == 0) return 0;
    if (errno == EINTR || errno == EAGAIN) continue;
    if (errno != EINVAL) return errno;
    break;
  }
  const size_t page = fi_memory_page_size();
  for (size_t at = 0; at < bytes; at += page) (void)((const volatile char *)address)[at];
  return 0;
}

int64_t fi_thread_major_faults(void) {
  struct rusage usage;
  return getrusage(RUSAGE_THREAD, &usage) == 0 ? usage.ru_majflt : 0;
}

int fi_memory_unmap_file(void *address, size_t bytes) {
  const int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED;
  if (mmap(address, bytes, PROT_NONE, flags, -1, 0) != MAP_FAILED) return 0;
  // Too many mappings to split one more: the pages at least are given back.
  const int status = errno;
  madvise(address, bytes, MADV_DONTNEED);
  return status;
}

int fi_file_open_direct(int descriptor, int *direct) {
  char path[32];
  snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
  *direct = open(path, O_RDONLY | O_DIRECT | O_CLOEXEC);
  return *direct >= 0 ? 0 : errno;
}

int fi_file_read(int descriptor, void *address, size_t bytes, int64_t offset) {
  char *at = address;
  while (bytes > 0) {
    const ssize_t count = pread(descriptor, at, bytes, offset);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return errno;
    if (count == 0) return ENODATA;
    at += count;
    offset += count;
    bytes -= (size_t)count;
  }
  return 0;
}

void fi_file_forget(int descriptor, int64_t offset, size_t bytes) {
  posix_fadvise(descriptor, offset, (off_t)bytes, POSIX_FADV_DONTNEED);
}

int fi_file_size(int descriptor, int64_t *bytes) {
  struct stat status;
  if (fstat(descriptor, &status) != 0) return errno;
  *bytes = status.st_size;
  return 0;
}
