#define _GNU_SOURCE
#include "host_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

int fi_file_clone(int source, int target) { return ioctl(target, FICLONE, source) == 0 ? 0 : errno; }

int64_t fi_file_system_free(int descriptor) {
  struct statvfs status;
  if (fstatvfs(descriptor, &status) != 0) return -1;
  return (int64_t)status.f_bavail * (int64_t)status.f_frsize;
}

int fi_file_exchange(const char *first, const char *second) {
  // By number: the C library's wrapper is newer than the systems that this runs on.
  return (int)syscall(SYS_renameat2, AT_FDCWD, first, AT_FDCWD, second, RENAME_EXCHANGE);
}
