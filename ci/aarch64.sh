#!/usr/bin/env bash
# Runs the tests on aarch64 (NEON) under user-mode emulation, golden bits made on x86-64 among them, and reads the hot
# loops that they were compiled to.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source ci/setup.sh

second_rust
std_of_debian aarch64-unknown-linux-gnu arm64
packages gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user-static
command -v python3 >/dev/null || packages python3
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc
export CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER='qemu-aarch64-static -L /usr/aarch64-linux-gnu'
export PROPTEST_CASES=64
cargo test --locked --release --target aarch64-unknown-linux-gnu --lib --tests "$@"
python3 ci/hot_loops.py --target aarch64-unknown-linux-gnu
