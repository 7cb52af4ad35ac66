#!/usr/bin/env bash
# Runs tests/split.rs under ThreadSanitizer, which needs a nightly Rust, and then a copy of the crate whose tasks share a
# row, in which races must be found.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

name=threads
source ci/nightly.sh
target=x86_64-unknown-linux-gnu
[ "$(rustc -vV | sed -n 's/^host: //p')" = "$target" ] || not_tried "this host is not $target"

# A folder of its own, and the tests without what benches need: the flags build everything anew.
target_dir=$(realpath -m "${CARGO_TARGET_DIR:-target}/sanitized")
# sanitized TESTS...: runs them, and counts the reports that name the crate's own source. `std` is not built for the
# sanitizer, so that what it does for the test runner seems to race; and of vectors only those of 16 bytes are seen, so
# that races of the portable backend's kernels are found. Which rows a task touches does not depend on the backend.
sanitized() {
    TSAN_OPTIONS=exitcode=0 RUSTFLAGS='-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer' \
        CARGO_PROFILE_RELEASE_DEBUG=line-tables-only CARGO_TARGET_DIR=$target_dir cargo "+$nightly" test --locked --release \
        --target "$target" --manifest-path ci/targets/Cargo.toml --features sizes --test split "$@" \
        > "$work/said" 2>&1 || true
    grep -E '^(test |error)' "$work/said" || true
    races=$(awk -v source="$PWD/src/" '
        /^WARNING: ThreadSanitizer: data race/ { ours = 0 }
        index($0, source) { ours = 1 }
        /^SUMMARY: ThreadSanitizer: data race/ { if (ours) races++; ours = 0 }
        END { print races + 0 }' "$work/said")
}

sanitized
[ "$races" = 0 ] || { cat "$work/said"; die "$races data races"; }
grep -qE '^test result: ok\. [1-9]' "$work/said" || { cat "$work/said"; die 'the tests did not pass'; }

# In a copy whose tasks share a row, races must be found, or all this proves nothing.
plant src/split/mod.rs 's/= (first\.\.end, 0);/= (first.saturating_sub(1)..end, 0);/'
say 'a copy whose tasks share a row; its tests are to fail:'
sanitized any_threads
[ "$races" != 0 ] || { cat "$work/said"; die 'tasks that share a row were not found to race'; }
say "tests/split.rs is clean under ThreadSanitizer ($nightly); of tasks that share a row it found $races races"
