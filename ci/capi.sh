#!/usr/bin/env bash
# The library as C has it: its symbols, its examples beside Rust's, the header in three languages, and the installation.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

source ci/setup.sh

target=$(realpath -m "${CARGO_TARGET_DIR:-target}")
export CARGO_TARGET_DIR=$target
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for tool in cc c++ make nm; do
    command -v "$tool" >/dev/null || die "there is no $tool"
done

# ---- the tests, and the libraries as cargo alone makes them ----------------------------------------------------------

cargo test --locked --release --features capi --test capi --test capi_header
cargo rustc --locked --profile capi --lib --features capi --crate-type staticlib,cdylib -- \
    --cfg packed_rnn_panic_handler
static=$target/capi/libpacked_rnn.a shared=$target/capi/libpacked_rnn.so
[ -s "$static" ] && [ -s "$shared" ] || die 'cargo made no libraries'

# ---- nothing but prnn_ -----------------------------------------------------------------------------------------------

# The functions of the header, and those of the source.
declared=$(grep -oE '\bprnn_[a-z0-9_]+\(' include/packed_rnn.h | tr -d '(' | sort -u)
written=$(grep -rhoE 'extern "C" fn prnn_[a-z0-9_]+' src/capi | sed 's/.* //' | sort -u)
[ "$declared" = "$written" ] || { diff <(echo "$declared") <(echo "$written") || true; die 'the header and the source differ'; }

# exported FILE...: the names that a shared library gives, or an object.
exported() { nm -D --defined-only "$1" | awk 'NF == 3 { print $3 }' | sort -u; }
defined() { nm -g --defined-only "$@" 2>/dev/null | awk 'NF == 3 { print $3 }' | sort -u; }
names=$(exported "$shared")
[ "$names" = "$declared" ] || { diff <(echo "$declared") <(echo "$names") || true; die 'the shared library gives other names'; }
# Of the archive, the objects of compiler_builtins hold what every compiler has of its own (__divti3 and its like).
mkdir "$work/objects"
(cd "$work/objects" && ar x "$static" && rm -f compiler_builtins-*.o)
# Those that are compiler_builtins' parts in C have no crate's name.
mapfile -t objects < <(find "$work/objects" -name '*.rcgu.o')
[ ${#objects[@]} -gt 0 ] || die 'the archive holds no object of a crate'
names=$(defined "${objects[@]}")
[ "$names" = "$declared" ] || { diff <(echo "$declared") <(echo "$names") || true; die 'the static library gives other names'; }
# What else is there is known: a control that must be seen.
cc -shared -fPIC -Iinclude examples/c/stream.c "$static" -o "$work/control.so"
exported "$work/control.so" | grep -qx main || die 'the check does not see a name that is not prnn_'
cc -c -Iinclude examples/c/stream.c -o "$work/control.o"
defined "$work/control.o" | grep -qx main || die 'the check does not see a name that is not prnn_'
say "$(wc -l <<<"$declared") functions, and no other name, in $(stat -c %s "$static") bytes of .a and $(stat -c %s "$shared") of .so"

# ---- the examples ----------------------------------------------------------------------------------------------------

# A copy: the Makefile would build the one in its place again.
cp "$static" "$work/libpacked_rnn.a"
make --silent -C examples/c run OUT="$work/plain" LIB="$work/libpacked_rnn.a"
"$work/plain/speakers" --dump "$work/c.bin" examples/data >/dev/null
cargo run --locked --release --quiet --example speakers -- --dump "$work/rust.bin" >/dev/null
# 4 layers and directions of 370 states of 32, and 370 times 9 logits, in floats.
[ "$(stat -c %s "$work/c.bin")" = $((4 * (4 * 370 * 32 + 370 * 9))) ] || die 'speakers.c wrote another number of bytes'
cmp "$work/c.bin" "$work/rust.bin" || die 'the bits of speakers.c are not those of speakers.rs'
say "speakers.c gives the $(stat -c %s "$work/c.bin") bytes of speakers.rs"
# No file of the format, and one that is cut off, are told.
mkdir "$work/data"
head -c 5000 examples/data/bigru.safetensors >"$work/data/bigru.safetensors"
cp examples/data/japanese_vowels_test.safetensors "$work/data"
! "$work/plain/speakers" "$work/data" >"$work/said" 2>&1 || die 'speakers.c reads a file that is cut off'
cat "$work/said"

make --silent -C examples/c run OUT="$work/sanitized" LIB="$work/libpacked_rnn.a" \
    CFLAGS='-g -O1 -fsanitize=address,undefined -fno-sanitize-recover=all' >/dev/null ||
    die 'the sanitizers found something in an example'
! "$work/sanitized/speakers" "$work/data" >"$work/said" 2>&1 && ! grep -q Sanitizer "$work/said" ||
    { cat "$work/said"; die 'the sanitizers found something in the reader of files'; }
say 'no address or behaviour of the examples that the sanitizers refuse'

# ---- the header in three languages -----------------------------------------------------------------------------------

for standard in c99 c11 c++17; do
    compiler=cc language=c
    [ "$standard" != c++17 ] || compiler=c++ language=c++
    "$compiler" -x "$language" -std=$standard -Wall -Wextra -pedantic -Werror -Iinclude ci/capi/sizes.c -x none "$static" \
        -o "$work/sizes-$standard"
    say "$standard: $("$work/sizes-$standard")"
done

# ---- the installation ------------------------------------------------------------------------------------------------

# installed FOLDER: builds an example against what is installed there, by pkg-config, and runs it.
installed() {
    local pc
    pc=$(find "$1" -name packed_rnn.pc) && [ -n "$pc" ] || die 'no packed_rnn.pc was installed'
    export PKG_CONFIG_PATH=${pc%/*}
    # shellcheck disable=SC2046
    cc -std=c99 examples/c/stream.c $(pkg-config --cflags --libs packed_rnn) -o "$work/stream-shared"
    readelf -d "$work/stream-shared" | grep NEEDED | grep -q libpacked_rnn || die 'the example does not use the shared library'
    LD_LIBRARY_PATH=$(pkg-config --variable=libdir packed_rnn) "$work/stream-shared" | tail -1
    names=$(exported "$(find "$1" -name 'libpacked_rnn.so' | head -1)")
    [ "$names" = "$declared" ] || die 'the installed library gives other names'
    cmp include/packed_rnn.h "$(find "$1" -name packed_rnn.h)" || die 'another header was installed'
}
if ! command -v cargo-cinstall >/dev/null && [ ! -x "$cache/cargo-c/bin/cargo-cinstall" ]; then
    # Not optimised: it is used once. Its newest version may need a newer Rust; cargo then names one that does not.
    install() {
        CARGO_PROFILE_DEV_DEBUG=0 CARGO_TARGET_DIR=$work/cargo-c timeout 1200 \
            cargo install "$1" --debug --locked --root "$cache/cargo-c" >"$work/install" 2>&1
    }
    say 'building cargo-c, once'
    install cargo-c || {
        fitting=$(sed -nE 's/^`cargo-c ([0-9.]+)[^`]*` supports rustc.*/\1/p' "$work/install")
        [ -n "$fitting" ] && install "cargo-c@$fitting"
    } || tail -5 "$work/install"
fi
PATH=$PATH:$cache/cargo-c/bin
if command -v cargo-cinstall >/dev/null; then
    command -v pkg-config >/dev/null || packages pkg-config
    cargo cinstall --locked --profile capi --prefix="$work/prefix" --libdir="$work/prefix/lib" 2>"$work/cinstall" ||
        { cat "$work/cinstall"; die 'cargo cinstall'; }
    find "$work/prefix" ! -type d -printf '%P\n' | sort
    installed "$work/prefix"
    say 'cargo cinstall installs .a, .so, header and pkg-config file'
else
    say '!!! NOT TRIED: cargo-c cannot be built here, so that cargo cinstall did not run !!!'
fi

command -v cmake >/dev/null || packages cmake
# The README's snippet, as it stands there.
mkdir "$work/cmake"
{ echo 'cmake_minimum_required(VERSION 3.16)'; echo 'project(stream C)'
  echo "set(PACKED_RNN \"$PWD\")"
  echo "add_executable(app \"$PWD/examples/c/stream.c\")"
  sed -n '/^```cmake$/,/^```$/{/^```/d;p}' README.md; } >"$work/cmake/CMakeLists.txt"
grep -q packed_rnn "$work/cmake/CMakeLists.txt" || die 'README.md has no snippet for CMake'
cmake -S "$work/cmake" -B "$work/cmake/build" -DPACKED_RNN_TARGET="$target" >/dev/null
cmake --build "$work/cmake/build" >/dev/null
"$work/cmake/build/app" | tail -1
say "the README's snippet for CMake builds an example"
