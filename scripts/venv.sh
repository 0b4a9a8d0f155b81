#!/bin/sh
# Makes a virtual environment with pinned packages.
# Usage: venv.sh [FOLDER [PINS]]    .venv, from scripts/requirements/references.txt, when they are left out
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
name=${1:-.venv}
venv="$root/$name"
pins="$root/scripts/requirements/${2:-references}.txt"
stamp="$venv/made-from.txt"
if [ -x "$venv/bin/python" ] && cmp -s "$pins" "$stamp"; then
  echo "venv: $name is there"
  exit 0
fi

# $1: a Python. Fills the folder from outside, so that Debian's split-off ensurepip is not needed; else by its own pip.
fill() {
  options="--quiet --disable-pip-version-check --require-hashes --no-deps --only-binary=:all: --requirement $pins"
  rm -rf "$venv"
  "$1" -m venv --without-pip "$venv" || return 1
  # shellcheck disable=SC2086
  "$1" -m pip --python "$venv/bin/python" install $options && return 0
  rm -rf "$venv"
  "$1" -m venv "$venv" || return 1
  # shellcheck disable=SC2086
  "$venv/bin/python" -m pip install $options
}

echo "venv: making $name with $(sed -n 's/^\([a-z-]*\)==.*/\1/p' "$pins" | grep -Ex 'onnxruntime|onnx|numpy|openvino|matplotlib|torch' | paste -sd, - | sed 's/,/, /g')"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
for candidate in ${PYTHON:-} python3 python /usr/bin/python3; do
  if fill "$candidate" >>"$log" 2>&1; then
    cp "$pins" "$stamp"
    echo "venv: $name is ready"
    exit 0
  fi
done
rm -rf "$venv"
tail -n 3 "$log" >&2
echo "venv: no Python here could make $name with the pinned packages. They need Python 3.11 or newer with pip and the" >&2
echo "  package index (behind a mirror, set PIP_INDEX_URL). On Debian and Ubuntu: apt-get install -y python3-pip python3-venv" >&2
exit 1
