"""What the figures were measured on."""

import pathlib
import platform
import re
import subprocess

from places import ROOT


def git(*arguments):
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True).stdout.strip()


def facts():
    """The commit, and the machine in words."""
    cpu = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    flags = re.search(r"flags\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text())
    memory = re.search(r"MemTotal:\s*(\d+)", pathlib.Path("/proc/meminfo").read_text())
    return {
        "commit": git("rev-parse", "--short", "HEAD"),
        "uncommitted": bool(git("status", "--porcelain", "--", "Sources", "Package.swift", "bench/Contender")),
        "machine": {
            "cpu": cpu.group(1) if cpu else platform.machine(),
            "cores": len(re.findall(r"^processor", pathlib.Path("/proc/cpuinfo").read_text(), re.M)),
            "avx512": bool(flags and "avx512f" in flags.group(1)),
            "memory_bytes": int(memory.group(1)) * 1024 if memory else None,
            "kernel": platform.release(),
            "python": platform.python_version(),
        },
    }
