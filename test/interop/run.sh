#!/usr/bin/env bash
# The interop tests, against nodes that we did not write: npm run test:interop [-- VITEST OPTIONS]
# Builds what it can (the Rust side with cargo, lnd with go), says what it skips and why, and prints each case with its balances.
set -uo pipefail
cd "$(dirname "$0")/../.."
if [ -z "${LDK_PEER:-}" ]; then
  if LDK_PEER=$(test/interop/build-ldk-peer.sh); then
    export LDK_PEER
  else
    unset LDK_PEER
    echo "interop: the Rust side cannot be built here (the reason stands above): its tests are skipped" >&2
  fi
fi
if [ -z "${LND:-}" ] && ! command -v lnd >/dev/null; then
  if LND=$(test/interop/build-lnd.sh); then
    export LND
  else
    unset LND
    echo "interop: lnd cannot be built here (the reason stands above): its tests are skipped" >&2
  fi
fi
exec npx vitest run --config test/vitest.config.mjs --project interop "$@"
