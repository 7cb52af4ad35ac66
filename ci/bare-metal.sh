#!/usr/bin/env bash
# Links a small library user for a Cortex-M4F and looks into the ELF: nothing in it panics or formats.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/bare-metal"
source ../setup.sh
root=$(cd ../.. && pwd)

# Every public function of the crate is named in the program.
missing=0
while read -r name; do
    grep -qwF -- "$name" src/bin/every.rs || { echo "bare-metal: no call of the public function \`$name\`" >&2; missing=1; }
done < <(find "$root/src" -name '*.rs' -exec sed -nE 's/^ *pub (const |unsafe )*fn ([a-zA-Z0-9_]+).*/\2/p' {} + | sort -u)
[ $missing = 0 ] || die "ci/bare-metal/src/bin/every.rs does not call every public function"

target=thumbv7em-none-eabihf
second_rust
packages binutils-arm-none-eabi
std_of_source core core "$target"
echo "rustc-web $RUST_VERSION, $("$LLD" --version)"
out=$(realpath -m "${CARGO_TARGET_DIR:-$root/target}/bare-metal")
export CARGO_TARGET_DIR=$out
export CARGO_TARGET_THUMBV7EM_NONE_EABIHF_LINKER=$LLD
export CARGO_TARGET_THUMBV7EM_NONE_EABIHF_RUSTFLAGS="-C link-arg=--gc-sections -C link-arg=--entry=_start"

# build PROFILE: leaves the linked programs as $out/elf/PROFILE-PROGRAM
mkdir -p "$out/elf"
warned=0
build() {
    local profile=$1 log=$out/elf/$1.log program
    cargo build --quiet --locked --target "$target" --profile "$profile" --bins >"$log" 2>&1 ||
        { cat "$log" >&2; die "cannot build profile $profile"; }
    if [ $warned = 0 ] && [ -s "$log" ]; then
        echo 'warnings for this target, shown once:'
        cat "$log"
        warned=1
    fi
    for program in every panic fmt; do cp "$out/$target/$profile/$program" "$out/elf/$profile-$program"; done
}

# The names of an ELF's symbols. The linked program is read, as an archive may be bitcode without any.
symbols() {
    arm-none-eabi-nm -C "$1" >"$1.symbols" || die "nm cannot read $1"
    grep -qE ' T _start$' "$1.symbols" || die "$1 shows no symbols: its entry is not seen"
    ! grep -E ' (_R|_ZN)' "$1.symbols" || die "$1 has names that nm cannot read"
}

forbidden='core::panicking|core::fmt|rust_begin_unwind'
# look ELF: succeeds if a forbidden symbol is there.
look() { symbols "$1" && grep -qE "$forbidden" "$1.symbols"; }

# Names the forbidden symbols of an ELF, and each call of one with the lines that it was inlined from.
explain() {
    grep -E "$forbidden" "$1.symbols" >&2
    arm-none-eabi-objdump -dC --no-show-raw-insn "$1" | grep -E "\sb[a-z.]*\s.*<[^>]*($forbidden)" |
        grep -vE "<[^>]*($forbidden)[^>]*\+0x" | sed -nE 's/^ *([0-9a-f]+):.*/\1/p' | while read -r at; do
        lines=$(arm-none-eabi-addr2line -ifCe "$1" "$at")
        # Not what panic code calls itself.
        head -1 <<<"$lines" | grep -qE "$forbidden" || printf 'called at 0x%s:\n%s\n' "$at" "${lines//$root\//}" >&2
    done
}

section() { arm-none-eabi-size -A "$1" | awk -v name="$2" '$1 == name { print $2 }'; }

failed=0 figures=()
for profile in size speed size-lto speed-lto; do
    build "$profile"
    # The positive controls: what the check must find is planted, and must be found.
    look "$out/elf/$profile-panic" && grep -q 'core::panicking' "$out/elf/$profile-panic.symbols" ||
        die "profile $profile: the check does not see a planted panic"
    look "$out/elf/$profile-fmt" && grep -q 'core::fmt' "$out/elf/$profile-fmt.symbols" ||
        die "profile $profile: the check does not see planted formatting"

    elf=$out/elf/$profile-every
    if look "$elf"; then
        echo "bare-metal: profile $profile: panics or formatting are linked:" >&2
        explain "$elf" || true
        failed=1
    fi
    [ "$(section "$elf" .text)" -gt 1000 ] || die "$elf has hardly any code"
    figures+=("$(printf '%-10s %8d %8d' "$profile" "$(section "$elf" .text)" "$(section "$elf" .rodata)")")
done

# The library for C, with every function of its header: kept by the linker as if firmware called it.
functions=$(grep -oE '\bprnn_[a-z0-9_]+\(' "$root/include/packed_rnn.h" | tr -d '(' | sort -u)
[ "$(wc -l <<<"$functions")" -gt 40 ] || die "the header of C declares hardly any function"
# link ARCHIVE ELF SYMBOL...: keeps these and what they need.
link() {
    local archive=$1 elf=$2
    shift 2
    # shellcheck disable=SC2046
    "$LLD" --gc-sections --entry=_start --defsym=_start=prnn_version $(printf -- '-u %s ' "$@") "$archive" -o "$elf"
}
for level in s 3; do
    archive=$out/$target/capi/libpacked_rnn.a elf=$out/elf/capi-$level
    # Not linked as one here: names are seen, and the check is the stricter.
    (cd "$root" && env -u CARGO_TARGET_THUMBV7EM_NONE_EABIHF_RUSTFLAGS CARGO_PROFILE_CAPI_LTO=off \
        CARGO_PROFILE_CAPI_OPT_LEVEL=$level CARGO_PROFILE_CAPI_DEBUG=line-tables-only \
        cargo rustc --quiet --locked --target "$target" --profile capi --lib --features capi \
        --crate-type staticlib -- --cfg packed_rnn_panic_handler) || die "cannot build the library for C"
    # The positive control: the handler is there to be found.
    handler=$(arm-none-eabi-nm "$archive" 2>/dev/null | awk '/rust_begin_unwind/ && $2 == "T" { print $3 }')
    [ -n "$handler" ] || die "the library for C has no panic handler"
    # shellcheck disable=SC2086
    link "$archive" "$elf-control" $functions "$handler"
    look "$elf-control" || die "opt-level $level: the check does not see a panic handler that is linked"
    # shellcheck disable=SC2086
    link "$archive" "$elf" $functions
    if look "$elf"; then
        echo "bare-metal: opt-level $level, the library for C: panics or formatting are linked:" >&2
        explain "$elf" || true
        failed=1
    fi
    for function in $functions; do
        grep -qE " T $function\$" "$elf.symbols" || die "$function is not in the linked program"
    done
    figures+=("$(printf '%-10s %8d %8d' "C, $level" "$(section "$elf" .text)" "$(section "$elf" .rodata)")")
done

echo "for $target, all public functions, in bytes (C: those of the header, at opt-level s and 3):"
printf '%-10s %8s %8s\n' profile .text .rodata
printf '%s\n' "${figures[@]}"
[ $failed = 0 ] || die "panic or formatting code is linked, see above"
echo "no symbol of core::panicking or core::fmt, no panic handler; both planted controls were found in every profile"
