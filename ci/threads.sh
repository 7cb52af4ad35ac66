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
# What `std` does for the test runner is not seen, as it is not built for the sanitizer: its channel, and what one test
# leaves to another that runs beside it. Of vectors it sees those of 16 bytes, so that races of the portable backend's
# kernels are found; which rows a task touches does not depend on the backend.
echo 'race:test::event::CompletedTest' > "$work/suppressions"
# A folder of its own: the flags would build everything anew, here and for the next command.
target_dir=$(realpath -m "${CARGO_TARGET_DIR:-target}/sanitized")
sanitized() {
    TSAN_OPTIONS="suppressions=$work/suppressions" RUSTFLAGS='-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer' \
        CARGO_TARGET_DIR=$target_dir cargo "+$nightly" test --locked --release --target "$target" --test split -- \
        --test-threads=1 "$@" 2>&1 | tee "$work/said"
}

sanitized || die 'ThreadSanitizer or a test found something'
grep -q 'ThreadSanitizer: data race' "$work/said" && die 'ThreadSanitizer found something'
grep -qE '^test result: ok\. [1-9]' "$work/said" || die 'the tests did not run'

# In a copy whose tasks share a row, a race must be found, or all this proves nothing.
mkdir "$work/copy"
git ls-files -z | xargs -0 cp --parents -t "$work/copy"
cd "$work/copy"
sed -i 's/= (first\.\.end, 0);/= (first.saturating_sub(1)..end, 0);/' src/split/mod.rs
cmp -s src/split/mod.rs "$OLDPWD/src/split/mod.rs" && die 'the line where a task begins is not where it was'
sanitized tanh::any_threads > /dev/null && die 'tasks that share a row pass the tests'
grep 'SUMMARY: ThreadSanitizer: data race' "$work/said" | sort | uniq -c || die 'a planted race was not found'
say "tests/split.rs is clean under ThreadSanitizer ($nightly), and a planted race was found"
