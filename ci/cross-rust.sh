#!/usr/bin/env bash
# Unpacks Debian's second Rust (rustc-web, with the sources of core) beside the installed one, and prints what drives
# it as lines for `eval`: PREFIX, LLD, RUST_VERSION. Other lines go to stderr. Kept in ${PACKED_RNN_CACHE:-...}.
set -euo pipefail

say() { printf '%s\n' "cross-rust: $*" >&2; }
die() { say "FAILED: $*"; exit 1; }

command -v apt-get >/dev/null || die "apt-get is not here; this check needs Debian's rustc-web"
export DEBIAN_FRONTEND=noninteractive

refresh() {
    say "apt-get update"
    apt-get update >&2 || die "apt-get update"
}
candidate() { apt-cache policy "$1" 2>/dev/null | sed -n 's/^ *Candidate: *//p' | grep -vxF '(none)'; }
needs() { apt-cache depends --no-recommends --no-suggests "$1=$2" 2>/dev/null | sed -n 's/^ *Depends: *//p' | tr -d '<>'; }

cache=${PACKED_RNN_CACHE:-$HOME/.cache/packed-rnn}
# The lists of packages that are here may be old, and what they name too old for this crate.
version=$(candidate rustc-web) && [ -e "$cache/rustc-web-$version/complete" ] ||
    { refresh; version=$(candidate rustc-web); } || die "there is no package rustc-web"
std=$(needs libstd-rust-web-dev "$version" | grep -m1 '^libstd-rust-web-[0-9]') || die "rustc-web has no libstd"
llvm=$(needs "$std" "$version" | grep -m1 '^libllvm[0-9]') || die "$std names no libllvm"
major=${llvm#libllvm}
major=${major%%[!0-9]*}

# Tools that are installed as usual: the linker and the readers of its ELF.
tools=()
[ -x "/usr/bin/ld.lld-$major" ] || tools+=("lld-$major")
command -v arm-none-eabi-nm >/dev/null || tools+=(binutils-arm-none-eabi)
if [ ${#tools[@]} -gt 0 ]; then
    say "installing ${tools[*]}"
    apt-get install -y --no-install-recommends "${tools[@]}" >&2 ||
        { refresh; apt-get install -y --no-install-recommends "${tools[@]}" >&2; } || die "cannot install ${tools[*]}"
fi

prefix=$cache/rustc-web-$version
if [ ! -e "$prefix/complete" ]; then
    mkdir -p "$cache"
    work=$(mktemp -d "$cache/unpack.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    packages=("rustc-web=$version" "$std=$version" "libstd-rust-web-dev=$version" "rust-web-src=$version" "$llvm")
    say "fetching ${packages[*]}"
    mkdir "$work/debs" "$work/root"
    fetch() { (cd "$work/debs" && apt-get download "${packages[@]}" >&2); }
    fetch || { refresh; fetch; } || die "cannot fetch ${packages[*]}"
    for deb in "$work"/debs/*.deb; do
        dpkg -x "$deb" "$work/root"
    done
    LD_LIBRARY_PATH=$work/root/usr/lib/$(uname -m)-linux-gnu "$work/root/usr/bin/rustc" --version >&2 ||
        die "the unpacked rustc does not run"
    [ -e "$work/root/usr/lib/rustlib/src/rust/library/core/Cargo.toml" ] || die "the sources of core are not where cargo looks"
    wanted=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$(dirname "${BASH_SOURCE[0]}")/../Cargo.toml")
    printf '%s\n' "$wanted" "$version" | sort -VC || die "rustc-web is $version, and this crate needs $wanted"
    touch "$work/root/complete"
    rm -rf "$prefix"
    mv "$work/root" "$prefix"
fi

printf 'PREFIX=%q\nLLD=%q\nRUST_VERSION=%q\n' "$prefix" "/usr/bin/ld.lld-$major" "$version"
