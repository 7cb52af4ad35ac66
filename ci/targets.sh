#!/usr/bin/env bash
# Tries the crate on every target that this machine can emulate, builds it for others, and prints one table.
# `targets.sh NAME...` tries some: NAME is that of a function try_NAME below.
#
# All checks are to take less than 40 minutes on two cores. So what has no vectors of its own runs the fixed cases, golden
# bits and golden files among them, all on the portable backend, and only i686 what tries sizes of 32 bits; the properties
# of kernels, doctests and examples are left to x86-64 and aarch64. What is only linked is not optimised.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
source ./setup.sh

export CARGO_TERM_COLOR=never
out=$(realpath -m "${CARGO_TARGET_DIR:-../target}")
log=$(mktemp) rows=$(mktemp)
trap 'rm -f "$log" "$rows"' EXIT
# row TARGET HOW WHAT: with the seconds since the row before.
row() {
    printf '%-31s %-9s %4d s  %s\n' "$1" "$2" $((SECONDS - since)) "$3" >>"$rows"
    since=$SECONDS
}

# ---- what has a script of its own -----------------------------------------------------------------------------------

# script NAME TARGET HOW WHAT
script() {
    CARGO_TARGET_DIR=$out bash "./$1.sh" || die "$1.sh"
    row "$2" "$3" "$4"
}
try_bare_metal() { script bare-metal thumbv7em-none-eabihf linked 'every public function: no panic, no formatting'; }
try_firmware() { script firmware 'Cortex-M4F, M7' emulated "bits of the host's, also from C; measured"; }
try_older_cpus() { script older-cpus 'x86-64: AVX2; no AVX' emulated 'all tests, as a Haswell and as a Nehalem'; }

# ---- tests under emulation ------------------------------------------------------------------------------------------

# In one go, so that both cores have work to the end.
std_for_tests() {
    second_rust
    std_of_source std std,panic_unwind,panic_abort,test \
        i686-unknown-linux-gnu s390x-unknown-linux-gnu armv7-unknown-linux-gnueabihf wasm32-wasip1
    # Next to nothing where it was kept from the last time.
    [ $((SECONDS - since)) -lt 10 ] || row 'std for the next five' built 'from source'
}

# tests TARGET FEATURE FLAGS LINKER RUNNER [ARGUMENT...]: the tests that targets/Cargo.toml has under FEATURE.
tests() {
    local target=$1 feature=$2 flags=$3 linker=$4 runner=$5 upper suites
    shift 5
    upper=$(tr a-z.- A-Z__ <<<"$target")
    env "CARGO_TARGET_${upper}_LINKER=$linker" "CARGO_TARGET_${upper}_RUNNER=$runner" \
        "CARGO_TARGET_${upper}_RUSTFLAGS=$flags" CARGO_TARGET_DIR="$out/targets" PROPTEST_CASES=64 \
        cargo test --locked --release --manifest-path targets/Cargo.toml --features "$feature" --tests \
        --target "$target" -- "$@" 2>&1 | tee "$log" || die "the tests of $target"
    # Cargo says nothing of a suite that it does not build.
    case $feature in
        cases) suites=$(grep -c '^required-features = \["cases"\]' targets/Cargo.toml) ;;
        sizes) suites=$(grep -c '^required-features = \["\(cases\|sizes\)"\]' targets/Cargo.toml) ;;
        all) suites=$(find ../tests -maxdepth 1 -name '*.rs' ! -name 'capi*' | wc -l) ;;
    esac
    [ "$(grep -c '^test result: ok\. [1-9]' "$log")" = "$suites" ] || die "on $target not all $suites suites ran"
    grep -q '^test golden_bits \.\.\. ok' "$log" || die "$target: the golden bits were not compared"
}

# program SUITE: where cargo has put it, as it said in $log.
program() { sed -nE "s/^ *Running .*\/$1\.rs \((.*)\)\$/\1/p" "$log"; }

# on_linux TARGET GNU DEBIAN EMULATOR FEATURE FLAGS: with Debian's cross compiler and C library.
on_linux() {
    std_for_tests
    packages qemu-user-static "gcc-$2" "libc6-dev-$3-cross"
    tests "$1" "$5" "$6" "$2-gcc" "qemu-$4-static -L /usr/$2"
}
# All tests, and the machine code of NEON's tiles. With Debian's standard library.
try_aarch64() {
    second_rust
    std_of_debian aarch64-unknown-linux-gnu arm64
    packages qemu-user-static gcc-aarch64-linux-gnu libc6-dev-arm64-cross
    command -v python3 >/dev/null || packages python3
    # Some read files, from where cargo runs them otherwise.
    tests aarch64-unknown-linux-gnu all '' aarch64-linux-gnu-gcc \
        "env -C ${PWD%/ci} qemu-aarch64-static -L /usr/aarch64-linux-gnu"
    # Of a program that has the LSTM and the GRU, and no other network.
    python3 hot_loops.py --target aarch64-unknown-linux-gnu --program "$(program golden)" || die 'the hot loops of NEON'
    row 'aarch64 Linux: NEON' emulated 'all tests; hot loops read'
}
try_i686() {
    on_linux i686-unknown-linux-gnu i686-linux-gnu i386 i386 sizes '-C overflow-checks=yes'
    row 'i686 Linux: 32-bit sizes' emulated 'cases, sizes; with overflow checks'
}
try_s390x() {
    on_linux s390x-unknown-linux-gnu s390x-linux-gnu s390x s390x cases ''
    row 's390x Linux: big-endian' emulated 'cases'
}
# With NEON, which takes subnormals for zeros, and is not to be used for f32.
try_armv7() {
    local used
    on_linux armv7-unknown-linux-gnueabihf arm-linux-gnueabihf armhf arm cases \
        '-C target-feature=+neon -C overflow-checks=yes'
    # In the crate's own functions; the tests may use it.
    used=$(arm-linux-gnueabihf-objdump -dC "$(program golden_bits)" | awk '
        /^[0-9a-f]+ </ { ours = /packed_rnn/ }
        ours && /\tv[a-z]+\.f32\t/ { if (/\t[qd][0-9]/) neon++; else vfp++ }
        END { print neon + 0, vfp + 0 }')
    say "of f32 in the crate's functions: ${used% *} instructions of NEON, ${used#* } of VFP"
    [ "${used% *}" = 0 ] && [ "${used#* }" -gt 500 ] || die 'NEON is used for f32, or nothing was seen'
    row 'armv7 Linux: no NEON for f32' emulated 'cases'
}

# on_wasm FLAGS: leaves in $multiplied how many instructions multiply vectors, in $vectors how many there are of vectors.
on_wasm() {
    local flags='-C link-self-contained=no -L native=/usr/lib/wasm32-wasi'
    flags+=' -C link-arg=/usr/lib/wasm32-wasi/crt1-command.o'
    # That C library is older than this Rust and lacks functions of threads, which no test may call: it would trap.
    flags+=' -C link-arg=--unresolved-symbols=ignore-all'
    std_for_tests
    packages wasi-libc wabt
    command -v node >/dev/null || packages nodejs
    tests wasm32-wasip1 cases "$flags $1" "wasm-ld-${LLD##*-}" "node --no-warnings $PWD/wasi.mjs" \
        --skip case_79_layouts_on_threads
    wasm-objdump -d "$(program golden_bits)" >"$log" || die 'cannot read the program'
    grep -q ' f32\.mul' "$log" || die 'no multiplication is seen in the program'
    multiplied=$(grep -c ' f32x4\.mul' "$log") || true
    vectors=$(grep -cE ' (v128|[fi][0-9]+x[0-9]+)\.' "$log") || true
    say "of vectors $vectors instructions, $multiplied multiplications"
}
try_wasm() {
    on_wasm ''
    [ "$vectors" = 0 ] || die 'simd128 is used where it is not to be'
    row 'wasm32' Node.js 'cases'
}
try_wasm_simd() {
    on_wasm '-C target-feature=+simd128'
    [ "$multiplied" -gt 100 ] || die 'simd128 is hardly used'
    row 'wasm32: simd128' Node.js 'cases'
}

# ---- only built -----------------------------------------------------------------------------------------------------

try_built() {
    local linked=(thumbv6m-none-eabi thumbv8m.main-none-eabihf riscv32imac-unknown-none-elf) target upper
    local checked=(x86_64-pc-windows-gnu aarch64-apple-darwin)
    second_rust
    std_of_source std core "${linked[@]}" "${checked[@]}"
    for target in "${linked[@]}"; do
        upper=$(tr a-z.- A-Z__ <<<"$target")
        export "CARGO_TARGET_${upper}_LINKER=$LLD"
        export "CARGO_TARGET_${upper}_RUSTFLAGS=-C link-arg=--gc-sections -C link-arg=--entry=_start"
    done
    CARGO_TARGET_DIR=$out/built cargo build --locked --manifest-path bare-metal/Cargo.toml --profile quick --bin every \
        "${linked[@]/#/--target=}" || die "cannot build for ${linked[*]}"
    row 'thumbv6m, thumbv8m, riscv32imac' linked 'every public function'
    # Without an operating system's own libraries there is nothing to link with.
    CARGO_TARGET_DIR=$out/built cargo check --locked --manifest-path ../Cargo.toml --lib \
        "${checked[@]/#/--target=}" || die "does not compile for ${checked[*]}"
    row 'Windows (x86-64), macOS (Arm)' checked 'the library'
}

tries=(bare_metal firmware older_cpus aarch64 i686 s390x armv7 wasm wasm_simd built)
[ $# = 0 ] || tries=("$@")
for name in "${tries[@]}"; do
    declare -F "try_$name" >/dev/null || die "there is no try_$name"
done
for name in "${tries[@]}"; do
    printf '\n--- [%s] %s\n' "$(date +%H:%M:%S)" "$name"
    since=$SECONDS
    # What it sets for cargo, the next does not see.
    ("try_$name")
done
printf '\n%-31s %-9s %6s  %s\n' target how took what
cat "$rows"
printf 'not tried: %s\n' 'Windows and macOS are checked to compile, thumbv6m, thumbv8m and RISC-V linked, none of them run'
