"""A control group with a limit on memory, for a contender's process: page cache counted."""

import os
import pathlib
import signal
import time

HIERARCHY = pathlib.Path("/sys/fs/cgroup")


class Unavailable(Exception):
    """This machine grants no control group to this user."""


def own_group(controller):
    """This process's group of a version 1 controller."""
    for line in pathlib.Path("/proc/self/cgroup").read_text().splitlines():
        _, names, path = line.split(":", 2)
        if controller in names.split(","):
            return HIERARCHY / controller / path.lstrip("/")
    raise Unavailable(f"this process is in no group of the {controller} controller")


class MemoryGroup:
    """Use as a context. Version 2 where it has the memory controller, else version 1, below this process's own group."""

    def __init__(self, name):
        unified = HIERARCHY / "cgroup.controllers"
        if unified.exists() and "memory" in unified.read_text().split():
            self.folder, self.files = HIERARCHY / name, ("memory.max", "memory.current", "memory.peak", "memory.events")
        elif (HIERARCHY / "memory" / "memory.limit_in_bytes").exists():
            self.folder = own_group("memory") / name
            self.files = (
                "memory.limit_in_bytes", "memory.usage_in_bytes", "memory.max_usage_in_bytes", "memory.oom_control")
        else:
            raise Unavailable(f"there is no memory controller in {HIERARCHY}")

    def __enter__(self):
        try:
            self.folder.mkdir(exist_ok=True)
        except OSError as error:
            raise Unavailable(f"{self.folder}: {error.strerror}") from error
        if not os.access(self.folder / self.files[0], os.W_OK):
            raise Unavailable(f"{self.folder / self.files[0]} cannot be written")
        return self

    def __exit__(self, *_):
        """The processes in it have ended, or are ended now."""
        for attempt in range(100):
            for pid in (self.folder / "cgroup.procs").read_text().split():
                try:
                    os.kill(int(pid), signal.SIGKILL)
                except ProcessLookupError:
                    pass
            try:
                self.folder.rmdir()
                return
            except OSError:
                # The kernel takes its time to forget processes that have just ended.
                if attempt == 99:
                    raise
                time.sleep(0.1)

    def join(self):
        """Puts the calling process in."""
        (self.folder / "cgroup.procs").write_text(str(os.getpid()))

    def limit(self, byte_count):
        (self.folder / self.files[0]).write_text(str(byte_count))

    @property
    def used_bytes(self):
        return int((self.folder / self.files[1]).read_text())

    @property
    def peak_bytes(self):
        """The most that was used; None where the kernel does not tell."""
        try:
            return int((self.folder / self.files[2]).read_text())
        except OSError:
            return None

    @property
    def kills(self):
        """How many processes were ended because the group had no memory left."""
        words = (self.folder / self.files[3]).read_text().split()
        return int(words[words.index("oom_kill") + 1]) if "oom_kill" in words else 0


def forget_page_cache():
    """Empties the page cache, so that what a group reads from now on counts as the group's."""
    os.sync()
    try:
        pathlib.Path("/proc/sys/vm/drop_caches").write_text("1")
    except OSError as error:
        raise Unavailable(f"the page cache cannot be emptied: {error.strerror}") from error
