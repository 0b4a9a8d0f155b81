#!/bin/sh
# Asks a server with curl: client.sh [HOST:PORT]
set -eu
server=${1:-localhost:8000}
echo "ready: $(curl -s -o /dev/null -w '%{http_code}' "http://$server/v2/health/ready")"
echo "server: $(curl -s "http://$server/v2")"
echo "models: $(curl -s -X POST "http://$server/v2/repository/index")"
