#!/usr/bin/env bash
# Builds the Rust side of the interop tests (test/interop/ldk-peer) from crates.io, by its Cargo.lock, outside of the checkout:
#   test/interop/build-ldk-peer.sh [FOLDER]      (default: ~/.cache/lsps2/interop)
# Progress goes to stderr; the last line on stdout is the path of the program. What was built before is not built again.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=${1:-${XDG_CACHE_HOME:-$HOME/.cache}/lsps2/interop}

if ! command -v cargo >/dev/null; then
  echo "cargo is not on the PATH: rustup.rs has it (Rust 1.85 or later)" >&2
  exit 1
fi
if ! command -v cc >/dev/null; then
  echo "there is no C compiler (cc), which a crate needs: apt-get install build-essential" >&2
  exit 1
fi
echo "building ldk-peer in $folder; the first time this takes some minutes" >&2
cargo build --locked --manifest-path "$here/ldk-peer/Cargo.toml" --target-dir "$folder" >&2
echo "$folder/debug/ldk-peer"
