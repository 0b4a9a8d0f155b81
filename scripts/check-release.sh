#!/bin/bash
# Runs dist/fusedinf.tar.gz in a root of its own that holds nothing but the C and C++ runtime, zlib and libgomp:
# adds a model, serves it, asks from outside, and ends it. Needs `unshare` with user namespaces, and `make models`.
set -euo pipefail
cd "$(dirname "$0")/.."
python=$(scripts/find-python.sh)
root=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill -KILL "$server" 2>/dev/null || true; wait; rm -rf "$root"' EXIT
mkdir -p "$root"/{proc,data,opt/fusedinf,lib/x86_64-linux-gnu,lib64}
tar -xf dist/fusedinf.tar.gz --strip-components=1 -C "$root/opt/fusedinf"

# As Debian's libc6, libgcc-s1, libstdc++6, zlib1g and libgomp1 have them.
for library in libc libm libpthread libdl librt libutil libgcc_s libstdc++ libz libgomp; do
  cp -L /lib/x86_64-linux-gnu/$library.so.[0-9] /usr/lib/x86_64-linux-gnu/$library.so.[0-9] "$root/lib/x86_64-linux-gnu/" 2>/dev/null || true
done
cp -L /lib64/ld-linux-x86-64.so.2 "$root/lib64/"
cp .cache/models/magika.onnx "$root/data/"

# As an array, so that $! below is the process that takes everything inside with it when it is killed.
inside=(unshare --map-root-user --mount --pid --fork --kill-child "--mount-proc=$root/proc"
  env -i HOME=/data PATH=/opt/fusedinf/bin "$(command -v chroot)" "$root")

"${inside[@]}" /opt/fusedinf/bin/fusedinf --version
"${inside[@]}" /opt/fusedinf/bin/fusedinf add /data/magika.onnx --name file-type --shape bytes=1x2048 --store /data/store
"${inside[@]}" /opt/fusedinf/bin/fusedinf serve --store /data/store --budget 64MiB --http-port 0 --grpc-port 0 >"$root/log" 2>&1 &
server=$!
for _ in $(seq 150); do
  address=$(sed -n 's/.*listening: HTTP at //p' "$root/log")
  [ -z "$address" ] || break
  kill -0 "$server" 2>/dev/null || break
  sleep 0.2
done
[ -n "${address:-}" ] || { cat "$root/log" >&2; exit 1; }
curl -sf "$address/v2/models/file-type/infer" -d '{"inputs": [{"name": "bytes", "datatype": "INT32", "shape": [1, 2048],
  "data": ['"$(seq -s, 0 2047)"']}]}' >"$root/answer"
# Probabilities of kinds of files.
"$python" -c 'import json, sys
answer = json.load(open(sys.argv[1]))["outputs"][0]
assert abs(sum(answer["data"]) - 1) < 1e-3, answer
print("release: answers without Swift,", answer["name"], answer["shape"])' "$root/answer"
# Not into a pipe: grep ends at the first match, and curl would fail.
curl -sf "$address/" >"$root/page"
grep -q '<title>FusedInf' "$root/page" || { echo "release: the page is missing" >&2; exit 1; }

# The server is the child of unshare.
kill -TERM "$(pgrep -P "$server")"
wait "$server" || { cat "$root/log" >&2; exit 1; }
server=
