# What the scripts of this folder share, to be sourced: how they speak, packages, and Debian's second Rust.
# shellcheck shell=bash

ci=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

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

# Makes cargo use Debian's second Rust: sets PREFIX, LLD and RUST_VERSION, and what cargo reads.
second_rust() {
    local lines
    lines=$(bash "$ci/cross-rust.sh") || die 'Debian has no second Rust for us'
    eval "$lines"
    unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_RUSTFLAGS RUSTC_WRAPPER
    export RUSTC=$PREFIX/usr/bin/rustc
    export LD_LIBRARY_PATH=$PREFIX/usr/lib/$(uname -m)-linux-gnu${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
}

# std_of_debian TARGET ARCHITECTURE: Debian's own standard library for another of its architectures.
std_of_debian() {
    local target=$1 architecture=$2 work
    ! ls "$PREFIX/usr/lib/rustlib/$target"/lib/libstd-*.rlib >/dev/null 2>&1 || return 0
    dpkg --print-foreign-architectures | grep -qx "$architecture" || { dpkg --add-architecture "$architecture" && refresh; }
    work=$(mktemp -d "$PREFIX.XXXXXX")
    (cd "$work" && apt-get download "libstd-rust-web-dev:$architecture=$RUST_VERSION" >&2) ||
        die "cannot fetch the standard library of $architecture"
    dpkg -x "$work"/*.deb "$PREFIX" || die "cannot unpack the standard library of $architecture"
    rm -rf "$work"
}

# std_of_source PROFILE CRATES TARGET...: the standard library's crates, from the sources that came with that Rust, put
# where it finds them. PROFILE is one of targets/Cargo.toml: `core` makes what is shipped, optimised and with bitcode for
# link-time optimisation; `std` is soon made.
std_of_source() {
    local profile=$1 crates=$2 missing=() target at work bitcode=no
    shift 2
    [ "$profile" != core ] || bitcode=yes
    for target in "$@"; do
        [ "$(cat "$PREFIX/usr/lib/rustlib/$target/made" 2>/dev/null)" = "$profile $crates" ] || missing+=("$target")
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
        printf '%s\n' "$profile $crates" >"$work/$target/made"
        at=$PREFIX/usr/lib/rustlib/$target
        rm -rf "$at"
        mv -T "$work/$target" "$at"
    done
    rm -rf "$work"
}
