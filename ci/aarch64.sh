#!/usr/bin/env bash
# Runs the tests on aarch64 (NEON) under user-mode emulation, golden bits made on x86-64 among them, and reads the hot
# loops that they were compiled to.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
say() { printf '%s\n' "aarch64: $*" >&2; }
die() { say "FAILED: $*"; exit 1; }

drivers=$(bash ci/cross-rust.sh) || die 'there is no cross compiler'
eval "$drivers"
export DEBIAN_FRONTEND=noninteractive
missing=()
for package in gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user-static; do
    dpkg -s "$package" >/dev/null 2>&1 || missing+=("$package")
done
command -v python3 >/dev/null || missing+=(python3)
if [ ${#missing[@]} -gt 0 ]; then
    apt-get update >&2
    apt-get install -y --no-install-recommends "${missing[@]}" >&2 || die "cannot install ${missing[*]}"
fi
if ! ls "$PREFIX"/usr/lib/rustlib/aarch64-unknown-linux-gnu/lib/libstd-*.rlib >/dev/null 2>&1; then
    dpkg --print-foreign-architectures | grep -qx arm64 || { dpkg --add-architecture arm64 && apt-get update >&2; }
    work=$(mktemp -d "$PREFIX.XXXXXX")
    trap 'rm -rf "$work"' EXIT
    (cd "$work" && apt-get download "libstd-rust-web-dev:arm64=$RUST_VERSION" >&2) || die 'cannot fetch the arm64 std'
    for deb in "$work"/*.deb; do dpkg -x "$deb" "$PREFIX"; done
fi

export LD_LIBRARY_PATH=$PREFIX/usr/lib/$(uname -m)-linux-gnu RUSTC=$PREFIX/usr/bin/rustc
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER='qemu-aarch64-static -L /usr/aarch64-linux-gnu'
export PROPTEST_CASES=64
cargo test --locked --release --target aarch64-unknown-linux-gnu --lib --tests "$@"
python3 ci/hot_loops.py --target aarch64-unknown-linux-gnu
