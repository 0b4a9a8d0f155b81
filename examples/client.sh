#!/bin/sh
# Sends requests to a server with curl: client.sh [HOST:PORT [MODEL [BODY]]]
#
# Prints the server's readiness and its models; the inputs and outputs of MODEL; and MODEL's answer to BODY, a request in
# JSON such as {"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, 4], "data": [1, 2, 3, 4]}]}, or @FILE.
set -eu
server=${1:-localhost:8000}
ask() { curl -sS --fail-with-body "$@" && echo; }

echo "ready: $(curl -s -o /dev/null -w '%{http_code}' "$server/v2/health/ready")"
ask "$server/v2"
ask -X POST "$server/v2/repository/index"
[ $# -lt 2 ] || ask "$server/v2/models/$2"
[ $# -lt 3 ] || ask "$server/v2/models/$2/infer" -d "$3"
