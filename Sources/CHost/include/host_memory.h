// Memory of the host in whole pages: anonymous memory, mapped files, and a guard against pages that cannot be read.
//
// Functions that return `int` return 0 or an errno value. Addresses, offsets and sizes are multiples of the page size.
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// The size of a huge page: what is at least that large starts at a multiple of it.
#define FI_HUGE_PAGE ((size_t)2 << 20)

/// The machine's own page size.
size_t fi_memory_page_size(void);

/// Anonymous memory whose pages are not there yet, readable and writable; left out of core dumps and of forked
/// children. In /proc/self/smaps it has the flags `dd dc`, and `name` where the kernel keeps names.
int fi_memory_map(size_t bytes, const char *name, void **address);
/// Makes the pages of anonymous memory present.
int fi_memory_populate(void *address, size_t bytes);
/// Address space without memory behind it, aligned to a huge page.
int fi_memory_reserve(size_t bytes, void **address);
/// Gives memory and address space back.
int fi_memory_unmap(void *address, size_t bytes);

/// Maps a file read-only over a part of a reservation.
int fi_memory_map_file(void *address, size_t bytes, int descriptor, int64_t offset);
/// Makes the pages of a mapped file present. EFAULT or EIO when they cannot be read: the file is too short, or its disk
/// fails. Where `ask_kernel` is false, or the kernel cannot be asked, the pages are touched instead: the caller has set
/// a guard, and looks at it.
int fi_memory_populate_file(const void *address, size_t bytes, bool ask_kernel);
/// Page faults of the calling thread so far that waited for storage.
int64_t fi_thread_major_faults(void);
/// Puts the reservation back where a file was mapped.
int fi_memory_unmap_file(void *address, size_t bytes);

/// A second descriptor of the same file that reads past the page cache.
int fi_file_open_direct(int descriptor, int *direct);
/// Reads all of `bytes`; ENODATA when the file ends before.
int fi_file_read(int descriptor, void *address, size_t bytes, int64_t offset);
/// Lets the page cache forget a part of a file.
void fi_file_forget(int descriptor, int64_t offset, size_t bytes);
/// The file's size in bytes.
int fi_file_size(int descriptor, int64_t *bytes);

/// Watches mapped files: a page that cannot be read when it is used (SIGBUS) becomes zeros, and its guard `broken`.
/// Faults elsewhere go to whoever handled SIGBUS before. Returns the guard, or -1 when too many are set.
int fi_guard_set(const void *address, size_t bytes);
void fi_guard_clear(int guard);
bool fi_guard_broken(int guard);
