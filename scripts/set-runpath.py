#!/usr/bin/env python3
"""Sets where programs look for their libraries: set-runpath.py RUNPATH FILE...

Each file is a 64-bit little-endian ELF file that has a RUNPATH at least as long as the new one, which is written over it.
Format: the System V ABI, "Dynamic Section" and "String Table".
"""

import struct
import sys

PT_LOAD, PT_DYNAMIC = 1, 2
DT_NULL, DT_STRTAB, DT_RUNPATH = 0, 5, 29


def set_runpath(path, runpath):
    with open(path, "r+b") as file:
        data = file.read()
        if data[:6] != b"\x7fELF\x02\x01":
            sys.exit(f"{path}: not a 64-bit little-endian ELF file")
        (offset,), (size, count) = struct.unpack_from("<Q", data, 32), struct.unpack_from("<HH", data, 54)
        # Each: type, offset in the file, address in memory, bytes in the file.
        segments = [
            (*struct.unpack_from("<I", data, at), *struct.unpack_from("<QQ", data, at + 8), *struct.unpack_from("<Q", data, at + 32))
            for at in range(offset, offset + size * count, size)]
        entries = {}
        for kind, start, _, length in segments:
            if kind == PT_DYNAMIC:
                for tag, value in struct.iter_unpack("<QQ", data[start:start + length]):
                    if tag == DT_NULL:
                        break
                    entries[tag] = value
        if DT_RUNPATH not in entries:
            sys.exit(f"{path}: has no RUNPATH to write over")
        table = entries[DT_STRTAB]
        start = next(at + table - address for kind, at, address, length in segments
                     if kind == PT_LOAD and address <= table < address + length)
        at = start + entries[DT_RUNPATH]
        old = data[at:data.index(b"\0", at)]
        new = runpath.encode()
        if len(new) > len(old):
            sys.exit(f"{path}: its RUNPATH {old.decode()} is too short for {runpath}")
        # The rest of the old string stays: strings with the same end may share it.
        file.seek(at)
        file.write(new + b"\0" if len(new) < len(old) else new)


if len(sys.argv) < 3:
    sys.exit(__doc__)
for name in sys.argv[2:]:
    set_runpath(name, sys.argv[1])
