#!/usr/bin/env bash
# Builds firmware/ for a Cortex-M4F, runs it under emulation of a Cortex-M4 and M7, and measures it: instructions, cycles
# by a model, code, stack. Fails if a program gives other bits than the host, if a figure is beyond its limit, or if it
# is not the one in README.md. `firmware.sh --table` prints that table and compares nothing with it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# For each figure: its name, the most that it may be, and how much more at the other opt-levels and with a target-cpu, in
# percent of the figure at opt-level 3 without one (-: no more than the limit).
# Not where it is to be yet: stack 512.
limits='
lstm-64.instructions    2.8   5
lstm-32.instructions    3.4   5
lstm-64.cycles          4.2   5
lstm-32.cycles          5.0   5
sigmoid.instructions   55     -
tanh.instructions      55     -
code.s               4096     -
code.3               6144     -
tables                  0     -
stack                 750     -
stack.c               800     -
ram                     0     -
'

source ci/setup.sh
second_rust
# What the importer tells its users.
for limit in 'stack:STACK_BYTES' 'stack.c:STACK_BYTES_FROM_C'; do
    most=$(awk -v name="${limit%:*}" '$1 == name { print $2 }' <<<"$limits")
    grep -q "const ${limit#*:}: usize = $most;" examples/import/summary.rs || die "examples/import tells another stack than $most"
done
packages qemu-system-arm gcc-arm-none-eabi binutils-arm-none-eabi
command -v python3 >/dev/null || packages python3
target=thumbv7em-none-eabihf
std_of_source core core $target
say "rustc-web $RUST_VERSION, $(qemu-system-arm --version | head -1)"

! grep -rnE '\bstatic mut\b|\bextern crate alloc\b' src || die 'the library has a `static mut` or a heap'

# The program that measures the stack calls every public function.
missing=0
while read -r name; do
    grep -qwF -- "$name" firmware/src/bin/stack.rs || { say "no stack is measured of \`$name\`"; missing=1; }
done < <(find src -name '*.rs' -exec sed -nE 's/^ *pub (const |unsafe )*fn ([a-zA-Z0-9_]+).*/\2/p' {} + | sort -u)
[ $missing = 0 ] || die 'firmware/src/bin/stack.rs does not call every public function'

trap wait EXIT # for a build that goes on when something else has failed
out=$(realpath -m "${CARGO_TARGET_DIR:-target}/firmware")
export CARGO_TARGET_DIR=$out CARGO_TARGET_THUMBV7EM_NONE_EABIHF_LINKER=$LLD

# build OPT_LEVEL CPU: leaves the linked programs in $out/elf/OPT_LEVEL-CPU.
build() {
    local level=$1 cpu=$2 elf=$out/elf/$1-$2 since=$SECONDS
    mkdir -p "$elf"
    CARGO_PROFILE_RELEASE_OPT_LEVEL=$level \
        CARGO_TARGET_THUMBV7EM_NONE_EABIHF_RUSTFLAGS="-D warnings ${cpu/any/}" \
        cargo build --quiet --locked --release --bins --target $target --manifest-path firmware/Cargo.toml ||
        die "firmware/ does not build at opt-level $level ${cpu/any/}"
    find "$out/$target/release" -maxdepth 1 -type f -executable -exec cp -t "$elf" {} +
    say "opt-level $level ${cpu/any/}: built in $((SECONDS - since)) s"
}

# Links the same jobs in C against the static library, with the data that the build of the programs in Rust has made.
build_c() {
    local data since=$SECONDS
    data=$(CARGO_TARGET_THUMBV7EM_NONE_EABIHF_RUSTFLAGS="-D warnings " \
        CARGO_PROFILE_RELEASE_OPT_LEVEL=3 cargo build --quiet --locked --release --lib --target $target \
        --manifest-path firmware/Cargo.toml --message-format=json |
        sed -nE 's/.*"build-script-executed","package_id":"path[^"]*firmware#.*"out_dir":"([^"]+)".*/\1/p')
    [ -e "$data/data.s" ] || die 'the data for C is not where it was looked for'
    cargo rustc --quiet --locked --target $target \
        --profile capi --lib --features capi --crate-type staticlib -- --cfg packed_rnn_panic_handler ||
        die 'the library for C does not build'
    arm-none-eabi-gcc -mcpu=cortex-m4 -mthumb -mfloat-abi=hard -mfpu=fpv4-sp-d16 -O2 -ffp-contract=off -std=c11 \
        -Wall -Wextra -pedantic -Werror -ffreestanding -nostdlib -Wl,--gc-sections -Wl,--no-warn-rwx-segments \
        -Iinclude "-I$data" "-Wa,-I$data" -T firmware/c/link.ld firmware/c/main.c firmware/c/board.c "$data/data.s" \
        "$out/$target/capi/libpacked_rnn.a" -o "$out/elf/c" || die 'firmware/c does not build'
    say "firmware/c: built in $((SECONDS - since)) s"
}

# emulate BOARD CPU ELF: its output; fails as it does.
emulate() {
    timeout 120 qemu-system-arm -M "$1" -cpu "$2" -nographic -monitor none -serial none -icount shift=0 \
        -semihosting-config enable=on,target=native -kernel "$3" || die "$(basename "$3") on a $2 ($3)"
}

section() { arm-none-eabi-size -A "$1" | awk -v name="$2" '$1 == name { print $2 }'; }
# size_of ELF SYMBOL
size_of() { echo $((16#$(arm-none-eabi-nm -SC "$1" | awk -v name="$2" '$4 == name { print $2 }'))); }

# All figures: `NAME OPT_LEVEL CPU VALUE`.
figures=$out/figures
mkdir -p "$out"
: >"$figures"
figure() { printf '%s %s %s %s\n' "$1" "$level" "${cpu#-Ctarget-cpu=}" "$2" >>"$figures"; }

# sound ELF PANELS: nothing is copied to RAM at start, and nothing can panic, format or allocate.
sound() {
    [ "$(section "$1" .rodata)" -gt "$(size_of "$1" "$2")" ] || die "$2 is not in flash ($1)"
    figure ram "$(section "$1" .data)"
    ! arm-none-eabi-nm -C "$1" | grep -E 'core::panicking|core::fmt|rust_begin_unwind|__rust_alloc| malloc$' ||
        die "$1 has code that panics, formats or allocates"
}

# measure OPT_LEVEL CPU: runs what `build` linked, and notes the figures.
measure() {
    level=$1 cpu=$2
    local elf=$out/elf/$level-$cpu since=$SECONDS machine program told linked panels
    for machine in 'mps2-an386 cortex-m4' 'mps2-an500 cortex-m7'; do
        for program in speakers stream; do
            # shellcheck disable=SC2086
            told=$(emulate $machine "$elf/$program")
            [ "$level $cpu" != '3 any' ] || printf '%s, %s:\n%s\n' "$program" "${machine#* }" "$told"
        done
    done

    sound "$elf/speakers" firmware::data::SPEAKERS_PANELS
    sound "$elf/stream" firmware::data::SPEECH_PANELS

    python3 ci/firmware_trace.py "$elf/measure" >"$elf/measure.txt" || die "measure at opt-level $level ${cpu/any/}"
    while read -r name units instructions cycles; do
        figure "$name.instructions" "$(awk "BEGIN { printf \"%.3f\", $instructions / $units }")"
        figure "$name.cycles" "$(awk "BEGIN { printf \"%.3f\", $cycles / $units }")"
    done <"$elf/measure.txt"

    emulate mps2-an386 cortex-m4 "$elf/stack" >"$elf/stack.txt"
    figure stack "$(sort -k2,2nr "$elf/stack.txt" | awk 'NR == 1 { print $2 }')"
    if [ "$cpu" = any ]; then
        figure "code.$level" "$(section "$elf/small" .text)"
        figure tables $(($(section "$elf/small" .rodata) - $(size_of "$elf/small" small::PANELS)))
    fi
    say "opt-level $level ${cpu/any/}: measured in $((SECONDS - since)) s"
}

# The next is built while one is measured.
variants=('3 any' '3 -Ctarget-cpu=cortex-m4' 's any' 's -Ctarget-cpu=cortex-m4' 'z any' 'z -Ctarget-cpu=cortex-m4')
# shellcheck disable=SC2086
build ${variants[0]}
for index in "${!variants[@]}"; do
    next=${variants[index + 1]:-}
    # shellcheck disable=SC2086
    [ -z "$next" ] || build $next &
    # shellcheck disable=SC2086
    measure ${variants[index]}
    wait $! || die "firmware/ does not build (${next})"
done

build_c
level=3 cpu=any
sound "$out/elf/c" speech_panels
# What a program in C prints comes by the emulator's stderr.
told=$(emulate mps2-an386 cortex-m4 "$out/elf/c" 2>&1) || die "$told"
echo "$told"
figure stack.c "$(sed -nE 's/^C: stack ([0-9]+) .*/\1/p' <<<"$told" | sort -n | tail -1)"
emulate mps2-an500 cortex-m7 "$out/elf/c"

echo 'dearest calls by their stack, at opt-level 3 and s:'
for level in 3 s; do
    sort -k2,2nr "$out/elf/$level-any/stack.txt" | awk '!seen[$3]++ && seen[$3] == 1 && n++ < 6 { $1 = ""; print "   " $0 }'
done
echo 'largest functions of layout, pack and one LSTM, at opt-level s:'
arm-none-eabi-nm -SC --size-sort --radix=d "$out/elf/s-any/small" | awk '$3 == "t"' | tail -8 | sed -E 's/^[0-9]+ 0*/    /'

python3 ci/firmware_table.py "$figures" "$@" <<<"$limits"
