#define _GNU_SOURCE
#include "host_file.h"

#include <errno.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/statvfs.h>

int fi_file_clone(int source, int target) { return ioctl(target, FICLONE, source) == 0 ? 0 : errno; }

int64_t fi_file_system_free(int descriptor) {
  struct statvfs status;
  if (fstatvfs(descriptor, &status) != 0) return -1;
  return (int64_t)status.f_bavail * (int64_t)status.f_frsize;
}
