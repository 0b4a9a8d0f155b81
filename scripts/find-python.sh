#!/bin/sh
# Prints the first Python that can fetch packages and make virtual environments.
# A machine may carry several, of which one lacks pip or ensurepip.
for candidate in ${PYTHON:-} python3 python /usr/bin/python3; do
  if "$candidate" -c 'import sys, pip, venv, ensurepip; sys.exit(sys.version_info < (3, 9))' 2>/dev/null; then
    command -v "$candidate"
    exit 0
  fi
done
echo "No Python (3.9 or newer) with pip and venv was found. On Debian and Ubuntu:" >&2
echo "  apt-get install -y python3-pip python3-venv" >&2
exit 1
