#!/usr/bin/env bash
# Runs the tests as CPUs without AVX-512 and without AVX run them, under user-mode emulation, and checks which backends
# those find.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
say() { printf '%s\n' "older CPUs: $*" >&2; }
die() { say "FAILED: $*"; exit 1; }

if [ "$(uname -m)" != x86_64 ]; then
    echo '!!! NOT RUN: older CPUs of x86-64 are tried on x86-64 only !!!'
    exit 0
fi
if ! command -v qemu-x86_64-static >/dev/null; then
    export DEBIAN_FRONTEND=noninteractive
    apt-get update >&2
    apt-get install -y --no-install-recommends qemu-user-static >&2 || die 'cannot install qemu-user-static'
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
export PROPTEST_CASES=64
# tests_on CPU BACKENDS: runs them all, and the backends are these.
tests_on() {
    local cpu=$1 expected=$2 found since=$SECONDS
    printf '\n--- as %s\n' "$cpu"
    CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER="qemu-x86_64-static -cpu $cpu" \
        cargo test --locked --release --lib --tests 2>&1 | tee "$log" || die "the tests on $cpu"
    found=$(sed -n 's/.*backends exercised: //p' "$log")
    [ "$found" = "$expected" ] || die "on $cpu the backends are \`$found\` instead of \`$expected\`"
    echo "--- as $cpu: $found; $((SECONDS - since)) s"
}

tests_on Nehalem 'portable'
# Without what the emulation lacks, and warns of at each thread.
tests_on Haswell-noTSX,-pcid,-x2apic,-tsc-deadline,-invpcid 'avx2 portable'
