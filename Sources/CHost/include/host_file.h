// What the store needs of the file system and Swift does not import.
#pragma once
#include <stdint.h>

/// Makes `target` share the bytes of `source` (a reflink); an errno value where the file system cannot.
int fi_file_clone(int source, int target);
/// Bytes that this user can still write where `descriptor` lies; -1 when that is not known.
int64_t fi_file_system_free(int descriptor);
/// Gives two files or folders each other's name, at once; -1 and `errno` where the file system cannot.
int fi_file_exchange(const char *first, const char *second);
