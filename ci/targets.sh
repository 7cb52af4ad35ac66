#!/usr/bin/env bash
# Tries the crate on every target that this machine can emulate, builds it for others, and prints one table.
# `targets.sh NAME...` tries some: NAME is that of a function try_NAME below.
#
# Left out to keep all checks below 40 minutes on two cores: properties on wasm32 and armv7 (i686 has 32-bit sizes too,
# and all of them run the portable backend); doctests and examples, which need more than a test program.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source ./setup.sh

export CARGO_TERM_COLOR=never
out=$(realpath -m "${CARGO_TARGET_DIR:-../target}")
rows=()
# row TARGET HOW SECONDS WHAT
row() { rows+=("$(printf '%-28s %-9s %5s  %s' "$@")"); }
since=0
# took: the seconds since it was last asked.
took() { printf '%d' $((SECONDS - since)); }

# ---- what has a script of its own -----------------------------------------------------------------------------------

# script NAME TARGET HOW WHAT
script() {
    CARGO_TARGET_DIR=$out bash "./$1.sh" || die "$1.sh"
    row "$2" "$3" "$(took)" "$4"
}
try_older_cpus() { script older-cpus 'x86-64 (AVX2; neither)' emulated 'all tests, as a Haswell and as a Nehalem'; }
try_aarch64() { script aarch64 'aarch64 (NEON)' emulated 'all tests; hot loops read'; }
try_bare_metal() { script bare-metal thumbv7em-none-eabihf linked 'every public function: no panic, no formatting'; }

# ---- tests under emulation ------------------------------------------------------------------------------------------

emulated=(i686-unknown-linux-gnu s390x-unknown-linux-gnu armv7-unknown-linux-gnueabihf wasm32-wasip1)

# In one go, so that both cores have work to the end.
try_std() {
    std_of_source std std,panic_unwind,panic_abort,test "${emulated[@]}"
    row 'std of four targets' built "$(took)" "${PREFIX##*/}, kept from run to run"
}

# tests TARGET FEATURE FLAGS LINKER RUNNER: those of FEATURE in targets/Cargo.toml. Leaves what cargo said in $log.
tests() {
    local target=$1 feature=$2 flags=$3 linker=$4 runner=$5 upper tests
    upper=$(tr a-z.- A-Z__ <<<"$target")
    env "CARGO_TARGET_${upper}_LINKER=$linker" "CARGO_TARGET_${upper}_RUNNER=$runner" \
        "CARGO_TARGET_${upper}_RUSTFLAGS=$flags" CARGO_TARGET_DIR="$out/targets" PROPTEST_CASES="${cases:-64}" \
        cargo test --locked --release --manifest-path targets/Cargo.toml --features "$feature" --tests \
        --target "$target" -- --nocapture 2>&1 | tee "$log" || die "the tests of $target"
    # A suite that is not built is not missed by cargo.
    tests=$(grep -c '^test result: ok' "$log")
    [ "$tests" = "$(grep -cE '^required-features = \["('"${feature/properties/cases|properties}"')"\]' targets/Cargo.toml)" ] ||
        die "$target: $tests suites ran"
    grep -qE '^portable .*0x' "$log" || die "$target: no golden bits were printed"
}

# on_linux TARGET GNU QEMU FEATURE FLAGS WHAT: with the cross compiler and the libraries of a Debian architecture.
on_linux() {
    packages "gcc-$2" qemu-user-static
    tests "$1" "$4" "$5" "$2-gcc" "qemu-$3-static -L /usr/$2"
    row "$1" emulated "$(took)" "$6"
}
try_i686() {
    packages libc6-dev-i386-cross
    on_linux i686-unknown-linux-gnu i686-linux-gnu i386 properties '-C overflow-checks=yes' 'all tests, sums of sizes checked'
}
try_s390x() {
    packages libc6-dev-s390x-cross
    on_linux s390x-unknown-linux-gnu s390x-linux-gnu s390x properties '' 'all tests; the highest byte first'
}
