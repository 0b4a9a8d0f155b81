#define _GNU_SOURCE
#include "host_unused.h"

#include <dlfcn.h>
#include <link.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

void fi_heap_bound(int heaps) {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 256 << 10);
  mallopt(M_ARENA_MAX, heaps > 0 ? heaps : 1);
#else
  (void)heaps;
#endif
}

void fi_heap_trim(void) {
#ifdef __GLIBC__
  malloc_trim(0);
#endif
}

/// Whether the object's code was changed when it was loaded: letting go of it would undo that.
static bool has_changed_code(const struct dl_phdr_info *object) {
  for (int i = 0; i < object->dlpi_phnum; i++) {
    if (object->dlpi_phdr[i].p_type != PT_DYNAMIC) continue;
    const ElfW(Dyn) *entry = (const ElfW(Dyn) *)(object->dlpi_addr + object->dlpi_phdr[i].p_vaddr);
    for (; entry->d_tag != DT_NULL; entry++) {
      if (entry->d_tag == DT_TEXTREL) return true;
      if (entry->d_tag == DT_FLAGS && (entry->d_un.d_val & DF_TEXTREL) != 0) return true;
    }
  }
  return false;
}

/// Whether the pages between two addresses are those of a file, and none was changed since it was read: others would come
/// back as zeros, or without the change (a breakpoint, a patch, code that was moved to huge pages).
static bool is_as_in_file(uintptr_t start, uintptr_t end) {
  FILE *maps = fopen("/proc/self/smaps", "re");
  if (maps == NULL) return false;
  char line[4352];
  bool is_inside = false, is_as_read = true;
  while (is_as_read && fgets(line, sizeof line, maps) != NULL) {
    unsigned long from, to, inode, changed;
    if (sscanf(line, "%lx-%lx %*s %*s %*s %lu", &from, &to, &inode) == 3) {
      is_inside = from < end && to > start;
      if (is_inside && inode == 0) is_as_read = false;
    } else if (is_inside && sscanf(line, "Anonymous: %lu kB", &changed) == 1 && changed > 0) {
      is_as_read = false;
    }
  }
  fclose(maps);
  return is_as_read;
}

static int forget(struct dl_phdr_info *object, size_t size, void *data) {
  (void)size;
  uintptr_t symbol = (uintptr_t)data;
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  bool holds = false;
  for (int i = 0; i < object->dlpi_phnum; i++) {
    const ElfW(Phdr) *part = &object->dlpi_phdr[i];
    uintptr_t start = object->dlpi_addr + part->p_vaddr;
    if (part->p_type == PT_LOAD && symbol >= start && symbol - start < part->p_memsz) holds = true;
  }
  if (!holds) return 0;
  if (has_changed_code(object)) return 1;
  for (int i = 0; i < object->dlpi_phnum; i++) {
    const ElfW(Phdr) *part = &object->dlpi_phdr[i];
    if (part->p_type != PT_LOAD || (part->p_flags & PF_W) != 0) continue;
    uintptr_t start = object->dlpi_addr + part->p_vaddr;
    uintptr_t end = (start + part->p_filesz + page - 1) & ~(page - 1);
    start &= ~(page - 1);
    if (!is_as_in_file(start, end)) continue;
    // A failure leaves the pages where they are, which is no worse than before.
    (void)madvise((void *)start, end - start, MADV_DONTNEED);
  }
  return 1;
}

void fi_library_forget(const void *symbol) { dl_iterate_phdr(forget, (void *)(uintptr_t)symbol); }
