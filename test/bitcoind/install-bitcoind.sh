#!/usr/bin/env bash
# install-bitcoind.sh PREFIX
#
# Prints one line on stdout: the path of a bitcoind for the regtest tests. All progress goes to stderr.
#   1. a bitcoind on PATH that runs is taken as it is;
#   2. else PREFIX/bin/bitcoind, if an earlier run made it with the same pin and it still runs;
#   3. else Debian sid's bitcoin-knots and the libraries it needs are downloaded by an apt-get with its own state (nothing is
#      installed on the system, no root needed, apt checks the signatures), unpacked in PREFIX, and started through their own
#      loader, so the machine's libc does not matter.
# Exit: 0 done, 2 wrong use, 3 it cannot be had here.
# Environment: BITCOIND_VERSION (Debian version, default below), BITCOIND_MIRROR (a Debian mirror, instead of the machine's own).
set -euo pipefail
exec 3>&1 1>&2

PIN=${BITCOIND_VERSION:-29.4.knots20260508.3-1}
say() { printf 'install-bitcoind: %s\n' "$*"; }
die() { say "error: $*"; exit 3; }
found() { printf '%s\n' "$1" >&3; exit 0; }
version_of() { timeout 20 "$1" -version 2>/dev/null </dev/null | sed -n '1s/.* version v\{0,1\}//p'; }

[ $# -eq 1 ] && [ -n "$1" ] || { say "usage: install-bitcoind.sh PREFIX"; exit 2; }

if onpath=$(type -P bitcoind); then
  onpath=$(cd "$(dirname "$onpath")" && pwd)/bitcoind
  v=$(version_of "$onpath" || true)
  [ -n "$v" ] && { say "bitcoind $v is on PATH"; found "$onpath"; }
  say "note: $onpath is on PATH but does not run: not used"
fi

mkdir -p "$1" || die "cannot create $1"
PREFIX=$(cd "$1" && pwd -P)
BIN=$PREFIX/bin/bitcoind
case $PREFIX in *[\"\\]*) die "a quote or backslash in PREFIX is not supported" ;; esac

# The file `installed` is written last: "<pin asked for> <version got>".
ready() {
  local asked _
  [ -x "$BIN" ] && [ -r "$PREFIX/installed" ] && read -r asked _ <"$PREFIX/installed" || return 1
  [ "$asked" = "$PIN" ] && [ -n "$(version_of "$BIN")" ]
}
ready && found "$BIN"

for tool in apt-get apt-cache dpkg dpkg-deb flock timeout; do
  command -v "$tool" >/dev/null || die "$tool is absent: put a bitcoind on PATH instead"
done
ARCH=$(dpkg --print-architecture)
case $ARCH in
  amd64) TRIPLET=x86_64-linux-gnu LOADER=ld-linux-x86-64.so.2 ;;
  arm64) TRIPLET=aarch64-linux-gnu LOADER=ld-linux-aarch64.so.1 ;;
  *) die "architecture $ARCH is not handled: put a bitcoind on PATH instead" ;;
esac

exec 9>"$PREFIX/.lock"
flock -n 9 || { say "another run is at work in $PREFIX: waiting"; flock -w 600 9 || die "waited 600 s for $PREFIX/.lock"; }
ready && found "$BIN"                                  # the other run did it
rm -rf "$PREFIX"/.tmp.*                                # left by a killed run: we hold the lock
TMP=$(mktemp -d "$PREFIX/.tmp.XXXXXX")
trap 'rm -rf "$TMP"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
mkdir -p "$TMP"/lists/partial "$TMP"/state "$TMP"/archives/partial "$TMP"/root

# systemd and debconf are only for the package's own install scripts, which never run here: say they are there.
for p in systemd debconf; do
  printf 'Package: %s\nStatus: install ok installed\nVersion: 9999\nArchitecture: %s\nMulti-Arch: foreign\nMaintainer: none <none@localhost>\nDescription: stand-in\n\n' "$p" "$ARCH"
done >"$TMP/status"

# Read after the machine's own apt configuration (so its proxy and date settings hold), hence the #clear lines: its hooks would
# otherwise run after our update and touch the system.
cat >"$TMP/apt.conf" <<CONF
#clear APT::Update::Pre-Invoke;
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
#clear APT::Architectures;
#clear APT::Default-Release;
APT::Architecture "$ARCH";
APT::Architectures { "$ARCH"; };
APT::Sandbox::User "root";
APT::Install-Recommends "false";
APT::Get::Assume-Yes "true";
APT::Get::List-Cleanup "false";
Acquire::Languages "none";
Acquire::Retries "3";
Acquire::http::Timeout "30";
Acquire::https::Timeout "30";
Acquire::IndexTargets::deb::DEP-11::DefaultEnabled "false";
Acquire::IndexTargets::deb::Contents-deb::DefaultEnabled "false";
Dir::State "$TMP/state";
Dir::State::lists "$TMP/lists";
Dir::State::status "$TMP/status";
Dir::Cache "$TMP";
Dir::Cache::archives "$TMP/archives";
Dir::Cache::pkgcache "pkgcache.bin";
Dir::Cache::srcpkgcache "";
Dir::Log "$TMP";
Dir::Etc::sourcelist "$TMP/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
CONF
apt() { local tool=$1; shift; "$tool" -q -q -c "$TMP/apt.conf" "$@"; }

# The mirrors this machine already uses for Debian's own packages, or the one given.
mirrors() {
  if [ -n "${BITCOIND_MIRROR:-}" ]; then printf '%s\n' "$BITCOIND_MIRROR"; return; fi
  # shellcheck disable=SC2016  # apt expands these
  apt-get indextargets --no-release-info --format '$(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 2>/dev/null |
    awk '$3 == "main" && $1 ~ /debian/ && $1 !~ /security/ && $2 !~ /security|backports/ && !seen[$1]++ { print $1 }'
}
KEYS=/usr/share/keyrings/debian-archive-keyring.gpg
OPTIONS="arch=$ARCH"
[ -r "$KEYS" ] && OPTIONS="$OPTIONS signed-by=$KEYS"

VERSIONS=
while read -r uri; do
  echo "deb [$OPTIONS] $uri sid main" >"$TMP/sources.list"
  say "reading the sid package list"
  apt apt-get update || say "note: apt-get update failed on this source"
  VERSIONS=$(apt apt-cache madison bitcoin-knots 2>/dev/null | awk -F'|' '{ gsub(/ /, "", $2); print $2 }') || VERSIONS=
  [ -n "$VERSIONS" ] && break
done < <(mirrors)
[ -n "$VERSIONS" ] || die "bitcoin-knots for $ARCH cannot be had from this machine's Debian mirror: put a bitcoind on PATH"

GOT=$PIN
if ! grep -qxF -- "$PIN" <<<"$VERSIONS"; then
  GOT=$(head -n 1 <<<"$VERSIONS")
  say "note: the pinned version $PIN is no longer in sid: taking $GOT"
fi
say "downloading bitcoin-knots $GOT ($ARCH)"
apt apt-get install --download-only "bitcoin-knots=$GOT" >"$TMP/log" 2>&1 ||
  { tail -n 5 "$TMP/log"; die "apt-get could not download bitcoin-knots $GOT and its libraries"; }
for deb in "$TMP"/archives/*.deb; do dpkg-deb -x "$deb" "$TMP/root" || die "cannot unpack ${deb##*/}"; done
[ -x "$TMP/root/usr/lib/$TRIPLET/$LOADER" ] || die "no $LOADER in the unpacked packages"
rm -rf "$TMP"/root/usr/share "$TMP"/root/usr/lib/"$TRIPLET"/gconv

# Commit: the tree under a new name, then the wrappers (atomic renames), then the mark.
TREE=$(mktemp -d "$PREFIX/root-$GOT.XXXX")
mv -T "$TMP/root" "$TREE"
chmod 755 "$TREE"
mkdir -p "$PREFIX/bin"
for name in bitcoind bitcoin-cli; do
  cat >"$TMP/wrapper" <<WRAP
#!/bin/sh
# Made by install-bitcoind.sh: starts the unpacked $name with its own libc. exec keeps the pid, so signals reach it.
r="\$(dirname -- "\$(readlink -f -- "\$0")")/../${TREE##*/}/usr"
exec "\$r/lib/$TRIPLET/$LOADER" --inhibit-cache --library-path "\$r/lib/$TRIPLET" "\$r/bin/$name" "\$@"
WRAP
  chmod 755 "$TMP/wrapper"
  mv -f "$TMP/wrapper" "$PREFIX/bin/$name"
done
RUNS=$(version_of "$BIN" || true)
[ -n "$RUNS" ] || { rm -rf "$BIN" "$TREE"; die "the unpacked bitcoind $GOT does not run on this machine"; }
# The package writes 29.4.knots20260508.3-1 where the program says 29.4.3.knots20260508: compare release and date.
stamp() { sed -n 's/^\([0-9]*\.[0-9]*\).*\(knots[0-9]*\).*/\1 \2/p' <<<"$1"; }
[ "$(stamp "$RUNS")" = "$(stamp "$GOT")" ] || { rm -rf "$BIN" "$TREE"; die "package $GOT holds a bitcoind that says $RUNS"; }
echo "$PIN $GOT" >"$TMP/installed"
mv -f "$TMP/installed" "$PREFIX/installed"
for old in "$PREFIX"/root-*; do [ "$old" = "$TREE" ] || rm -rf "$old"; done
say "bitcoind $RUNS is ready"
found "$BIN"
