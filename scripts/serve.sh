#!/bin/bash
# Adds the demo's models to a store of their own and serves them under a budget that holds only some of them.
# Options go to `fusedinf serve`; HTTP_PORT and GRPC_PORT move the ports.
set -euo pipefail
cd "$(dirname "$0")/.."
store=.cache/serve/store
budget=${BUDGET:-64MiB}
http=${HTTP_PORT:-8000} grpc=${GRPC_PORT:-8001}
program=.build/release/fusedinf

# name file shape...
while read -r name file shapes; do
  if [ -d "$store/$name" ] || "$program" inspect "$name" --store "$store" >/dev/null 2>&1; then continue; fi
  words=()
  for shape in $shapes; do words+=(--shape "$shape"); done
  "$program" add ".cache/models/$file.onnx" --name "$name" --store "$store" "${words[@]}"
done <<'MODELS'
text-direction cls x=1..8x3x48x192
voice-activity silero-vad-16k input=1x576 state=2x1x128
file-type magika bytes=1x2048
text-detection det x=1x3x480x640
text-recognition rec x=1..8x3x48x320
person-detection nudenet images=1x3x320x320
nsfw-rating open-nsfw input:0=1x224x224x3
MODELS

cat <<TEXT

Serving seven models in $budget: http://localhost:$http, gRPC at localhost:$grpc. Ctrl-C ends it. Open
http://localhost:$http/ in a browser to see what is in memory, and try:

  curl -s localhost:$http/v2/models/file-type
  curl -s localhost:$http/v2/models/file-type/infer -d '{"inputs": [{"name": "bytes", "datatype": "INT32",
    "shape": [1, 2048], "data": ['\$(seq -s, 0 2047)']}]}'

TEXT
exec "$program" serve --store "$store" --budget "$budget" --http-port "$http" --grpc-port "$grpc" "$@"
