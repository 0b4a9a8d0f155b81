"""Memory of a peer's process."""

import ctypes
import gc
import pathlib


def proportional_set_size():
    """Bytes of the process, as the kernel counts them."""
    for line in pathlib.Path("/proc/self/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def give_back():
    """Returns what is not used any more to the system."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
