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

# $1: a Python. Fills .venv from outside, so that Debian's split-off ensurepip is not needed; else by its own pip.
fill() {
  options="--quiet --disable-pip-version-check --require-hashes --no-deps --only-binary=:all: --requirement $pins"
  rm -rf "$root/.venv"
  "$1" -m venv --without-pip "$root/.venv" || return 1
  # shellcheck disable=SC2086
  "$1" -m pip --python "$root/.venv/bin/python" install $options && return 0
  rm -rf "$root/.venv"
  "$1" -m venv "$root/.venv" || return 1
  # shellcheck disable=SC2086
  "$root/.venv/bin/python" -m pip install $options
}

echo "venv: making .venv with onnxruntime, onnx and numpy"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
for candidate in ${PYTHON:-} python3 python /usr/bin/python3; do
  if fill "$candidate" >>"$log" 2>&1; then
    cp "$pins" "$stamp"
    echo "venv: .venv is ready"
    exit 0
  fi
done
rm -rf "$root/.venv"
tail -n 3 "$log" >&2
echo "venv: no Python here could make .venv with the pinned packages. They need Python 3.11 or newer with pip and the" >&2
echo "  package index (behind a mirror, set PIP_INDEX_URL). On Debian and Ubuntu: apt-get install -y python3-pip python3-venv" >&2
exit 1
