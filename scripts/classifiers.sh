#!/bin/sh
# Exports the classifiers with whichever Python has torchvision; installs Debian's package where it may.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
find_torch() {
  for candidate in /usr/bin/python3 python3 python; do
    if "$candidate" -c 'import torchvision' 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
}
models="$root/.cache/models"
if cmp -s "$root/scripts/export-classifiers.py" "$models/.exported-by.py" && [ -f "$models/resnet18-b.onnx" ]; then
  echo "classifiers: ten models are in .cache/models"
  exit 0
fi
python=$(find_torch)
if [ -z "$python" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  echo "classifiers: installing python3-torchvision"
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
    python3-torchvision; } >/dev/null 2>&1 || true
  python=$(find_torch)
fi
if [ -z "$python" ]; then
  echo "classifiers: torchvision is needed to export them. On Debian and Ubuntu:" >&2
  echo "  sudo apt-get install -y python3-torchvision" >&2
  exit 1
fi
exec "$python" "$root/scripts/export-classifiers.py"
