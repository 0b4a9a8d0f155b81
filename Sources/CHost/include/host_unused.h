// Memory that a process keeps without needing it, given back to the system.
#pragma once

/// From now on blocks of 256 KiB and more are mappings of their own, which are given back when they are freed and whose
/// pages take no memory before they are touched, and threads share at most so many heaps. glibc by itself raises that size up
/// to 32 MiB and has eight heaps a core, whose holes keep what a burst of large requests took.
void fi_heap_bound(int heaps);

/// Gives back the pages of the heap that hold freed blocks alone. Takes some milliseconds for a large heap.
void fi_heap_trim(void);

/// Lets go of the code and constants of the library that `symbol` is in: they are read from its file, so what runs again
/// comes back from the page cache at the first touch, 64 KiB at a time. Other threads may run that code meanwhile.
/// Does nothing where the library cannot be found, and where its code is not what the file holds (text relocations, a
/// debugger's breakpoints, code that was moved to huge pages).
void fi_library_forget(const void *symbol);
