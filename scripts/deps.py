#!/usr/bin/env python3
"""Unpacks oneDNN (library, headers, licences, dnnl.pc) into .deps/onednn from two pinned wheels.

Does nothing where it has been done, or where a system oneDNN of at least version 3.2 shall serve:
on machines other than x86-64 (there are no wheels for them) and with SYSTEM_ONEDNN=1.
"""

import os
import pathlib
import platform
import shutil
import subprocess

import wheels

DESTINATION = wheels.ROOT / ".deps" / "onednn"
REQUIREMENTS = wheels.REQUIREMENTS / "onednn.txt"
STAMP = "unpacked-from.txt"
OLDEST = "3.2"

# Relative to the file itself, so that a moved or copied checkout still builds.
PKG_CONFIG = """\
prefix=${pcfiledir}/../..
libdir=${prefix}/lib
includedir=${prefix}/include
Name: dnnl
Description: oneDNN
Version: 3.2.0
Libs: -L${libdir} -ldnnl
Cflags: -I${includedir}
"""


def system_onednn():
    """The version of the oneDNN that pkg-config finds, if it is new enough."""
    try:
        subprocess.run(["pkg-config", f"--atleast-version={OLDEST}", "dnnl"], check=True)
        found = subprocess.run(["pkg-config", "--modversion", "dnnl"], check=True, capture_output=True, text=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return found.stdout.strip()


def unpack(into):
    """Lays out library, headers and licences as a prefix that pkg-config can describe."""
    with wheels.staging(DESTINATION) as downloads:
        downloads = pathlib.Path(downloads)
        wheels.download(REQUIREMENTS, "manylinux1_x86_64", downloads)
        with wheels.wheel(downloads, "onednn-cpu-gomp") as library:
            data = "onednn_cpu_gomp-2023.2.0.data/data/"
            # The wheel holds three equal copies; one file and two links do.
            wheels.copy_member(library, data + "lib/libdnnl.so.3.2", into / "lib/libdnnl.so.3.2")
            for name in ("LICENSE", "THIRD-PARTY-PROGRAMS"):
                wheels.copy_member(library, f"{data}share/doc/onednn/{name}", into / "licenses" / name)
            wheels.copy_member(
                library, "onednn_cpu_gomp-2023.2.0.dist-info/LICENSE.txt", into / "licenses/LICENSE.wheel")
        with wheels.wheel(downloads, "onednn-devel-cpu-gomp") as headers:
            data = "onednn_devel_cpu_gomp-2023.2.0.data/data/"
            for member in headers.namelist():
                if member.startswith(data + "include/") and ".." not in member and not member.endswith("/"):
                    wheels.copy_member(headers, member, into / member[len(data):])
    for name in ("libdnnl.so", "libdnnl.so.3"):
        (into / "lib" / name).symlink_to("libdnnl.so.3.2")
    (into / "lib/libdnnl.so.3.2").chmod(0o755)
    (into / "lib/pkgconfig").mkdir()
    (into / "lib/pkgconfig/dnnl.pc").write_text(PKG_CONFIG)
    (into / STAMP).write_text(REQUIREMENTS.read_text())


def main():
    x86 = platform.system() == "Linux" and platform.machine() in ("x86_64", "amd64")
    if os.environ.get("SYSTEM_ONEDNN") == "1" or not x86:
        version = system_onednn()
        if version is None:
            raise wheels.FetchError(
                f"no oneDNN {OLDEST} or newer was found by pkg-config, and there is no wheel of it for "
                f"{platform.machine()}.\n  Install it (Debian: apt-get install libdnnl-dev, if it is new enough; else build "
                "github.com/oneapi-src/oneDNN with OpenMP)\n  or unset SYSTEM_ONEDNN on an x86-64 machine.")
        print(f"deps: the system's oneDNN {version} serves")
        return
    stamp = DESTINATION / STAMP
    if stamp.exists() and stamp.read_text() == REQUIREMENTS.read_text():
        print("deps: oneDNN 3.2 is in .deps/onednn")
        return
    print("deps: fetching oneDNN 3.2 (two wheels, 39 MB)", flush=True)
    with wheels.staging(DESTINATION) as folder:
        prefix = pathlib.Path(folder) / "onednn"
        unpack(prefix)
        if DESTINATION.exists():
            shutil.rmtree(DESTINATION)
        prefix.rename(DESTINATION)
    print("deps: oneDNN 3.2 unpacked into .deps/onednn")


wheels.run(main)
