# What the scripts of this folder share, to be sourced: how they speak, packages, Debian's second Rust, and `core` and `std`
# for targets that it has none for. All is kept in ${PACKED_RNN_CACHE:-~/.cache/packed-rnn}.
# shellcheck shell=bash

ci=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${PACKED_RNN_CACHE:-$HOME/.cache/packed-rnn}
PREFIX=

say() { printf '%s\n' "$(basename "$0" .sh): $*" >&2; }
die() { say "FAILED: $*"; exit 1; }

refresh() {
    say 'apt-get update'
    apt-get update >&2 || die 'apt-get update'
}

# packages NAME...: installs those that are missing. The lists that are here may be old.
packages() {
    local missing=() package
    for package in "$@"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    command -v apt-get >/dev/null || die "apt-get is not here to install ${missing[*]}"
    say "installing ${missing[*]}"
    export DEBIAN_FRONTEND=noninteractive
    apt-get install -y --no-install-recommends "${missing[@]}" >&2 ||
        { refresh; apt-get install -y --no-install-recommends "${missing[@]}" >&2; } || die "cannot install ${missing[*]}"
}

# download FOLDER PACKAGE...: what second_rust unpacks, rather than installs over the first.
download() {
    mkdir -p "$1/debs" "$1/root"
    (cd "$1/debs" && apt-get download "${@:2}" >&2) || { refresh; (cd "$1/debs" && apt-get download "${@:2}" >&2); } ||
        die "cannot fetch ${*:2}"
    for deb in "$1"/debs/*.deb; do dpkg -x "$deb" "$1/root" || die "cannot unpack ${deb##*/}"; done
}

# Makes cargo use Debian's second Rust (rustc-web, with the sources of its libraries), unpacked beside the installed one:
# sets PREFIX, LLD and RUST_VERSION, and what cargo reads.
second_rust() {
    local std llvm major work oldest libraries
    [ -z "$PREFIX" ] || return 0
    command -v apt-get >/dev/null || die "apt-get is not here; this check needs Debian's rustc-web"
    candidate() { apt-cache policy rustc-web 2>/dev/null | sed -n 's/^ *Candidate: *//p' | grep -vxF '(none)'; }
    needs() { apt-cache depends --no-recommends --no-suggests "$1=$RUST_VERSION" 2>/dev/null | sed -n 's/^ *Depends: *//p' | tr -d '<>'; }
    # The lists of packages that are here may be old, and what they name too old for this crate.
    RUST_VERSION=$(candidate) && [ -e "$cache/rustc-web-$RUST_VERSION/complete" ] ||
        { refresh; RUST_VERSION=$(candidate); } || die 'there is no package rustc-web'
    std=$(needs libstd-rust-web-dev | grep -m1 '^libstd-rust-web-[0-9]') || die 'rustc-web has no libstd'
    llvm=$(needs "$std" | grep -m1 '^libllvm[0-9]') || die "$std names no libllvm"
    major=${llvm#libllvm}
    major=${major%%[!0-9]*}
    # Installed as usual: the linker.
    packages "lld-$major"
    LLD=/usr/bin/ld.lld-$major
    PREFIX=$cache/rustc-web-$RUST_VERSION
    libraries=usr/lib/$(uname -m)-linux-gnu
    if [ ! -e "$PREFIX/complete" ]; then
        mkdir -p "$cache"
        work=$(mktemp -d "$PREFIX.XXXXXX")
        say "fetching rustc-web $RUST_VERSION"
        download "$work" {rustc-web,"$std",libstd-rust-web-dev,rust-web-src}="$RUST_VERSION" "$llvm"
        LD_LIBRARY_PATH=$work/root/$libraries "$work/root/usr/bin/rustc" --version >&2 || die 'the unpacked rustc does not run'
        [ -e "$work/root/usr/lib/rustlib/src/rust/library/core/Cargo.toml" ] || die 'the sources of core are not where cargo looks'
        oldest=$(sed -n 's/^rust-version = "\(.*\)"/\1/p' "$ci/../Cargo.toml")
        printf '%s\n' "$oldest" "$RUST_VERSION" | sort -VC || die "rustc-web is $RUST_VERSION, and this crate needs $oldest"
        touch "$work/root/complete"
        rm -rf "$PREFIX"
        mv "$work/root" "$PREFIX"
        rm -rf "$work"
    fi
    unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_RUSTFLAGS RUSTC_WRAPPER
    export RUSTC=$PREFIX/usr/bin/rustc LD_LIBRARY_PATH=$PREFIX/$libraries${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
}

# std_of_debian TARGET ARCHITECTURE: Debian's own standard library for another of its architectures.
std_of_debian() {
    local target=$1 architecture=$2 work
    ! ls "$PREFIX/usr/lib/rustlib/$target"/lib/libstd-*.rlib >/dev/null 2>&1 || return 0
    dpkg --print-foreign-architectures | grep -qx "$architecture" || { dpkg --add-architecture "$architecture" && refresh; }
    work=$(mktemp -d "$PREFIX.XXXXXX")
    download "$work" "libstd-rust-web-dev:$architecture=$RUST_VERSION"
    mv -T "$work/root/usr/lib/rustlib/$target" "$PREFIX/usr/lib/rustlib/$target"
    rm -rf "$work"
}

# std_of_source PROFILE CRATES TARGET...: the standard library's crates, from the sources that came with that Rust, put
# where it finds them. PROFILE is one of targets/Cargo.toml: `core` makes what is shipped, optimised and with bitcode for
# link-time optimisation; `std` is soon made.
std_of_source() {
    local profile=$1 crates=$2 missing=() target at work bitcode=no made
    shift 2
    [ "$profile" != core ] || bitcode=yes
    made="$crates $(sed -n "/^\[profile\.$profile[].]/,/^$/p" "$ci/targets/Cargo.toml")"
    for target in "$@"; do
        [ "$(cat "$PREFIX/usr/lib/rustlib/$target/made" 2>/dev/null)" = "$made" ] || missing+=("$target")
    done
    [ ${#missing[@]} -gt 0 ] || return 0
    say "building $crates for ${missing[*]}"
    work=$(mktemp -d "$PREFIX.XXXXXX")
    RUSTC_BOOTSTRAP=1 RUSTFLAGS="-C embed-bitcode=$bitcode" CARGO_TARGET_DIR=$work/built \
        cargo build --quiet --locked --manifest-path "$ci/targets/Cargo.toml" \
        --profile "$profile" -Zbuild-std="$crates" -Zbuild-std-features=panic-unwind \
        "${missing[@]/#/--target=}" >&2 || die "cannot build $crates for ${missing[*]}"
    for target in "${missing[@]}"; do
        mkdir -p "$work/$target/lib"
        cp "$work/built/$target/$profile"/deps/lib*.rlib "$work/$target/lib"
        rm "$work/$target"/lib/libtargets-*.rlib
        printf '%s\n' "$made" >"$work/$target/made"
        at=$PREFIX/usr/lib/rustlib/$target
        rm -rf "$at"
        mv -T "$work/$target" "$at"
    done
    rm -rf "$work"
}
