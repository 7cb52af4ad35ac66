#!/usr/bin/env bash
# Runs tests/split.rs under ThreadSanitizer, which needs a nightly Rust; a planted race must be found first.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '%s\n' "threads: $*"; }
die() { say "FAILED: $*" >&2; exit 1; }

nightly=$(rustup toolchain list 2>/dev/null | grep -m1 -oE '^nightly[^ ]*') || true
if [ -z "$nightly" ]; then
    say '!!! NOT TRIED: there is no nightly Rust on this machine, so ThreadSanitizer did not run !!!'
    exit 0
fi
target=x86_64-unknown-linux-gnu
[ "$(rustc -vV | sed -n 's/^host: //p')" = "$target" ] || { say "!!! NOT TRIED: this host is not $target !!!"; exit 0; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
flags='-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer'

cat > "$work/race.rs" <<'RUST'
fn main() {
    let mut rows = [0u32; 2];
    let first = std::sync::atomic::AtomicPtr::new(rows.as_mut_ptr());
    let write = || unsafe { *first.load(std::sync::atomic::Ordering::Relaxed) += 1 };
    std::thread::scope(|scope| {
        scope.spawn(write);
        scope.spawn(write);
    });
}
RUST
# shellcheck disable=SC2086
rustc "+$nightly" --edition 2024 $flags --target "$target" -o "$work/race" "$work/race.rs" || die 'the planted race does not build'
"$work/race" > "$work/said" 2>&1 || true
grep -q 'ThreadSanitizer: data race' "$work/said" || { cat "$work/said"; die 'a planted race was not found'; }
say 'a planted race was found'

# What `std` does for the test runner is not seen, as it is not built for the sanitizer: its channel, and what one test
# leaves to another that runs beside it.
echo 'race:test::event::CompletedTest' > "$work/suppressions"
# A folder of its own: the flags would build everything anew, here and for the next command.
TSAN_OPTIONS="suppressions=$work/suppressions" RUSTFLAGS=$flags CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-target}/sanitized \
    cargo "+$nightly" test --locked --release --target "$target" --test split -- --test-threads=1 2>&1 | tee "$work/said" ||
    die 'ThreadSanitizer or a test found something'
grep -q 'ThreadSanitizer: data race' "$work/said" && die 'ThreadSanitizer found something'
grep -qE '^test result: ok\. [1-9]' "$work/said" || die 'the tests did not run'
say "tests/split.rs is clean under ThreadSanitizer ($nightly)"
