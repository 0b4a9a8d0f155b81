#!/bin/sh
# Makes the real models of `make accuracy` in .cache/real: exports, files of packages, quantised forms, answers.
# Usage: real-models.sh [quick]    quick: the families that accuracy.py --quick runs, and no package
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
here="$root/scripts/real_models"
export OMP_NUM_THREADS="${OMP_NUM_THREADS:-2}"
mkdir -p "$root/.cache/real"
"$root/scripts/venv.sh" .venv-models models-export
python="$root/.venv-models/bin/python"
# Debian's torchvision, which classifiers.sh installs too, has the exporter that traces TorchScript.
"$root/scripts/classifiers.sh"
families=""
[ "${1:-}" = quick ] && families="text speech"
# shellcheck disable=SC2086
/usr/bin/python3 "$here/export.py" $families
# PyTorch 2 has the exporter that torch.export feeds; it is not on PyPI for the CPU alone.
if "$root/scripts/venv.sh" .venv-dynamo models-dynamo; then
  # shellcheck disable=SC2086
  "$root/.venv-dynamo/bin/python" "$here/export.py" $families
else
  echo "real-models: PyTorch 2 is left out, and with it the exports by dynamo"
fi
"$python" -W ignore "$here/tabular.py"
[ "${1:-}" = quick ] || "$python" "$here/packages.py"
"$python" -W ignore "$here/quantised.py"
"$python" "$here/references.py"
