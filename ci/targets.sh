#!/usr/bin/env bash
# Tries the crate on every target that this machine can emulate, builds it for others, and prints one table.
# `targets.sh NAME...` tries some: NAME is that of a function try_NAME below.
#
# Left out to keep all checks below 40 minutes on two cores: properties on wasm32 and armv7, whose code is the portable
# backend's as i686's is, with sizes of 32 bits too; doctests and examples. Windows under an emulator of its API, macOS
# and RISC-V's instructions are not run.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source ./setup.sh

export CARGO_TERM_COLOR=never
out=$(realpath -m "${CARGO_TARGET_DIR:-../target}")
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# row TARGET HOW WHAT: with the seconds since the row before.
rows=() since=$SECONDS
row() {
    rows+=("$(printf '%-29s %-9s %4d s  %s' "$1" "$2" $((SECONDS - since)) "$3")")
    since=$SECONDS
}

# ---- what has a script of its own -----------------------------------------------------------------------------------

# script NAME TARGET HOW WHAT
script() {
    CARGO_TARGET_DIR=$out bash "./$1.sh" || die "$1.sh"
    row "$2" "$3" "$4"
}
try_bare_metal() { script bare-metal thumbv7em-none-eabihf linked 'every public function: no panic, no formatting'; }
try_older_cpus() { script older-cpus 'x86-64: AVX2; no AVX' emulated 'all tests, as a Haswell and as a Nehalem'; }
try_aarch64() { script aarch64 'aarch64 Linux: NEON' emulated 'all tests; hot loops read'; }

# ---- tests under emulation ------------------------------------------------------------------------------------------

# In one go, so that both cores have work to the end.
std_for_tests() {
    local targets=(i686-unknown-linux-gnu s390x-unknown-linux-gnu armv7-unknown-linux-gnueabihf wasm32-wasip1)
    second_rust
    std_of_source std std,panic_unwind,panic_abort,test "${targets[@]}"
    [ $((SECONDS - since)) -lt 10 ] || row 'std for four targets' built 'kept from run to run'
}

# tests TARGET FEATURE FLAGS LINKER RUNNER [ARGUMENT...]: the tests that targets/Cargo.toml has under FEATURE.
tests() {
    local target=$1 feature=$2 flags=$3 linker=$4 runner=$5 upper suites
    shift 5
    std_for_tests
    upper=$(tr a-z.- A-Z__ <<<"$target")
    env "CARGO_TARGET_${upper}_LINKER=$linker" "CARGO_TARGET_${upper}_RUNNER=$runner" \
        "CARGO_TARGET_${upper}_RUSTFLAGS=$flags" CARGO_TARGET_DIR="$out/targets" PROPTEST_CASES=64 \
        cargo test --locked --release --manifest-path targets/Cargo.toml --features "$feature" --tests \
        --target "$target" -- --nocapture "$@" 2>&1 | tee "$log" || die "the tests of $target"
    # Cargo says nothing of a suite that it did not build, nor a test of a backend that is not there.
    suites=$(grep -cE "^required-features = .*\"(cases|$feature)\"" targets/Cargo.toml)
    [ "$(grep -c '^test result: ok\. [1-9]' "$log")" = "$suites" ] || die "on $target not all $suites suites ran"
    grep -qE '^portable +\[0x' "$log" || grep -qE '^portable +\[$' "$log" || die "$target printed no golden bits"
}

# on_linux TARGET DEBIAN'S-NAME EMULATOR FEATURE FLAGS: with Debian's cross compiler and C library.
on_linux() {
    packages qemu-user-static "gcc-$2" "libc6-dev-$3-cross"
    tests "$1" "$5" "$6" "$2-gcc" "qemu-$4-static -L /usr/$2"
}
try_i686() {
    on_linux i686-unknown-linux-gnu i686-linux-gnu i386 i386 properties '-C overflow-checks=yes'
    row 'i686 Linux' emulated 'all tests, with overflow checks'
}
try_s390x() {
    on_linux s390x-unknown-linux-gnu s390x-linux-gnu s390x s390x properties ''
    row 's390x Linux: big-endian' emulated 'all tests'
}
try_armv7() {
    # With NEON, which flushes subnormals: the compiler is to do f32 in VFP all the same.
    on_linux armv7-unknown-linux-gnueabihf arm-linux-gnueabihf armhf arm cases '-C target-feature=+neon'
    row 'armv7 Linux' emulated 'fixed cases'
}

wasi='-C link-self-contained=no -L native=/usr/lib/wasm32-wasi -C link-arg=/usr/lib/wasm32-wasi/crt1-command.o'
# This library is older than this Rust and cannot wait for threads: a test that did would trap.
wasi+=' -C link-arg=--unresolved-symbols=ignore-all'
# on_wasm FLAGS EXPECTED: EXPECTED is whether vectors are to be multiplied.
on_wasm() {
    local program multiplied
    packages wasi-libc wabt
    command -v node >/dev/null || packages nodejs
    second_rust
    tests wasm32-wasip1 cases "$wasi $1" "$(dirname "$LLD")/wasm-ld-${LLD##*-}" \
        "node --no-warnings $PWD/wasi.mjs" --skip case_79_layouts_on_threads
    program=$(sed -nE 's/^ *Running .*golden_bits.rs \((.*)\)$/\1/p' "$log")
    [[ $program = /* ]] || program=targets/$program
    wasm-objdump -d "$program" >"$log" || die "cannot read $program"
    grep -q ' f32\.mul' "$log" || die "no multiplication is seen in $program"
    multiplied=$(grep -c ' f32x4\.mul' "$log" || true)
    vectors=$(grep -cE ' (v128|[fi][0-9]+x[0-9]+)\.' "$log" || true)
    say "$program has $multiplied multiplications of vectors among $vectors operations on vectors"
    case $2 in
        yes) [ "$multiplied" -gt 100 ] || die 'simd128 is hardly used' ;;
        no) [ "$vectors" = 0 ] || die 'simd128 is used where it was not asked for' ;;
    esac
}
try_wasm() {
    on_wasm '' no
    row 'wasm32' Node.js 'fixed cases; no operation on vectors is in it'
}
try_wasm_simd() {
    on_wasm '-C target-feature=+simd128' yes
    row 'wasm32: simd128' Node.js 'fixed cases; vectors are multiplied'
}

# ---- only built -----------------------------------------------------------------------------------------------------

# Every public function with the kernels below it, as machine code; linked where the linker needs nothing of the system.
try_built() {
    local linked=(thumbv6m-none-eabi thumbv8m.main-none-eabihf riscv32imac-unknown-none-elf wasm32-unknown-unknown)
    local compiled=(x86_64-pc-windows-gnu aarch64-apple-darwin) target upper
    second_rust
    std_of_source std core "${linked[@]}" "${compiled[@]}"
    (
        cd bare-metal
        export CARGO_TARGET_DIR=$out/built
        for target in "${linked[@]}"; do
            upper=$(tr a-z.- A-Z__ <<<"$target")
            export "CARGO_TARGET_${upper}_LINKER=$LLD" "CARGO_TARGET_${upper}_RUSTFLAGS=-C link-arg=--entry=_start"
        done
        cargo build --locked --profile speed --bin every "${linked[@]/#/--target=}"
    ) || die "cannot build for ${linked[*]}"
}

tries=(bare_metal older_cpus aarch64 i686 s390x armv7 wasm wasm_simd built)
for name in "${@:-${tries[@]}}"; do
    declare -F "try_$name" >/dev/null || die "there is no \`$name\`, only ${tries[*]}"
done
