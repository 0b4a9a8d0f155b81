#!/bin/sh
# Makes .venv with the pinned onnxruntime, onnx and numpy that references are computed with.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
pins="$root/scripts/requirements/references.txt"
stamp="$root/.venv/made-from.txt"
if [ -x "$root/.venv/bin/python" ] && cmp -s "$pins" "$stamp"; then
  echo "venv: .venv is there"
  exit 0
fi
echo "venv: making .venv with onnxruntime, onnx and numpy"
made=
for candidate in ${PYTHON:-} python3 python /usr/bin/python3; do
  rm -rf "$root/.venv"
  if "$candidate" -m venv "$root/.venv" 2>/dev/null && "$root/.venv/bin/python" -m pip --version >/dev/null 2>&1; then
    made=1
    break
  fi
done
if [ -z "$made" ]; then
  rm -rf "$root/.venv"
  echo "venv: no Python here can make a virtual environment. On Debian and Ubuntu:" >&2
  echo "  apt-get install -y python3-venv" >&2
  exit 1
fi
if ! "$root/.venv/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps \
  --only-binary=:all: --requirement "$pins"; then
  rm -rf "$root/.venv"
  echo "venv: could not fetch the pinned packages (they need Python 3.11 or newer and the package index)" >&2
  exit 1
fi
cp "$pins" "$stamp"
echo "venv: .venv is ready"
