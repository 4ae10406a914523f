#!/usr/bin/env bash
# Builds lnd for the interop tests from the Go module proxy, by our go.sum, outside of the checkout:
#   test/interop/build-lnd.sh [FOLDER]      (default: ~/.cache/lsps2/interop/lnd)
# Progress goes to stderr; the last line on stdout is the path of the program. What was built before is not built again.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/lsps2/interop/lnd}

if ! command -v go >/dev/null; then
  echo "go is not on the PATH: go.dev has it (Go 1.25.10 or later)" >&2
  exit 1
fi
echo "building lnd in $folder; the first time this takes some minutes" >&2
mkdir -p "$folder"
(cd "$here/lnd" && go build -trimpath -mod=readonly \
  -tags='signrpc walletrpc chainrpc invoicesrpc routerrpc' \
  -o "$folder/" github.com/lightningnetwork/lnd/cmd/lnd github.com/lightningnetwork/lnd/cmd/lncli) >&2
echo "$folder/lnd"
