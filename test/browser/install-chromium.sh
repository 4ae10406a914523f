#!/usr/bin/env bash
# install-chromium.sh
#
# Prints one line on stdout: the path of a Chromium for the tests in a browser. All progress goes to stderr.
#   1. $CHROMIUM, or a chromium, chromium-browser or google-chrome on PATH that runs, is taken as it is;
#   2. else, for root on a Debian, `apt-get install chromium` (Debian keeps one version, the one with the latest fixes, so there
#      is nothing to pin).
# Exit: 0 done, 3 it cannot be had here.
set -euo pipefail
exec 3>&1 1>&2

say() { printf 'install-chromium: %s\n' "$*"; }
die() { say "error: $*"; exit 3; }

runs() { timeout 20 "$1" --version >/dev/null 2>&1 </dev/null; }
look() {
  local name path
  for name in ${CHROMIUM:-chromium chromium-browser google-chrome google-chrome-stable}; do
    path=$(type -P "$name") || continue
    runs "$path" || { say "note: $path is there but does not run"; continue; }
    printf '%s\n' "$path" >&3
    exit 0
  done
}

look
[ "$(id -u)" -eq 0 ] || die "there is no chromium on PATH, and only root can install one"
command -v apt-get >/dev/null || die "there is no chromium on PATH, and no apt-get to install one"
export DEBIAN_FRONTEND=noninteractive
# A list that is there may be old: its packages may be gone.
say "installing Debian's chromium"
timeout 120 apt-get update -qq || say "note: apt-get update failed: trying with the lists that are there"
timeout 600 apt-get install -y -qq --no-install-recommends chromium >/dev/null || die "apt-get cannot install chromium"
look
die "chromium was installed, and does not run"
