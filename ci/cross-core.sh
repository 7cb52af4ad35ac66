#!/usr/bin/env bash
# Builds `core` for a target that Debian's Rust has none for, optimised and with bitcode as the one that rustup ships,
# and prints SYSROOT beside the lines of cross-rust.sh for `eval`. Kept in ${PACKED_RNN_CACHE:-...} as that Rust is.
# Usage: cross-core.sh TARGET
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
target=${1:?no target}
die() { printf '%s\n' "cross-core: FAILED: $*" >&2; exit 1; }

lines=$(bash "$here/cross-rust.sh") || die "no Rust for $target"
eval "$lines"
sysroot=$PREFIX-$target
if [ ! -e "$sysroot/complete" ]; then
    work=$(mktemp -d "$sysroot.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    mkdir -p "$work/crate/src" "$work/root/lib/rustlib/$target/lib"
    cat >"$work/crate/Cargo.toml" <<'END'
[package]
name = "nothing"
version = "0.0.0"
edition = "2024"

[workspace]

[profile.release]
panic = "abort"
codegen-units = 1
END
    echo '#![no_std]' >"$work/crate/src/lib.rs"
    upper=$(tr a-z.- A-Z__ <<<"$target")
    (
        cd "$work/crate"
        unset RUSTFLAGS CARGO_ENCODED_RUSTFLAGS CARGO_BUILD_RUSTFLAGS RUSTC_WRAPPER
        export RUSTC=$PREFIX/usr/bin/rustc RUSTC_BOOTSTRAP=1 CARGO_TARGET_DIR=$work/target
        export LD_LIBRARY_PATH=$PREFIX/usr/lib/$(uname -m)-linux-gnu${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}
        export "CARGO_TARGET_${upper}_RUSTFLAGS=-C embed-bitcode=yes"
        cargo build --quiet -Zbuild-std=core --release --target "$target" >&2
    ) || die "core does not build for $target"
    find "$work/target/$target" \( -name 'libcore-*.rlib' -o -name 'libcompiler_builtins-*.rlib' \) \
        -exec cp -t "$work/root/lib/rustlib/$target/lib" {} +
    [ "$(find "$work/root" -name '*.rlib' | wc -l)" = 2 ] || die "core for $target is not where it was looked for"
    touch "$work/root/complete"
    rm -rf "$sysroot"
    mv "$work/root" "$sysroot"
fi
printf '%s\nSYSROOT=%q\n' "$lines" "$sysroot"
