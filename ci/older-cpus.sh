#!/usr/bin/env bash
# Runs the tests as CPUs without AVX-512 and without AVX run them, under user-mode emulation, and checks which backends
# those find.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source ci/setup.sh

if [ "$(uname -m)" != x86_64 ]; then
    echo '!!! NOT RUN: older CPUs of x86-64 are tried on x86-64 only !!!'
    exit 0
fi
packages qemu-user-static

log=$(mktemp)
trap 'rm -f "$log"' EXIT
export PROPTEST_CASES=64
# tests_on CPU BACKENDS: runs them all, and the backends are these.
tests_on() {
    local cpu=$1 expected=$2 found since=$SECONDS
    printf '\n--- as %s\n' "$cpu"
    CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER="qemu-x86_64-static -cpu $cpu" \
        cargo test --locked --release --tests 2>&1 | tee "$log" || die "the tests on $cpu"
    found=$(sed -n 's/.*backends exercised: //p' "$log")
    [ "$found" = "$expected" ] || die "on $cpu the backends are \`$found\` instead of \`$expected\`"
    echo "--- as $cpu: $found; $((SECONDS - since)) s"
}

tests_on Nehalem 'portable'
# Without what the emulation lacks, and warns of at each thread.
tests_on Haswell-noTSX,-pcid,-x2apic,-tsc-deadline,-invpcid 'avx2 portable'
