#!/bin/sh
# Prints the first Python with pip: what fetches pinned packages. A machine may carry several, of which one lacks it.
for candidate in ${PYTHON:-} python3 python /usr/bin/python3; do
  if "$candidate" -c 'import sys, pip; sys.exit(sys.version_info < (3, 9))' 2>/dev/null; then
    command -v "$candidate"
    exit 0
  fi
done
echo "No Python (3.9 or newer) with pip was found. On Debian and Ubuntu:" >&2
echo "  apt-get install -y python3-pip" >&2
exit 1
