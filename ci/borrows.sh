#!/usr/bin/env bash
# Has Miri interpret tests/borrows.rs, which needs a nightly Rust: the portable backend's vectors, on i686, where no CPU is
# asked what it has. Then a copy of the crate that borrows a queue's memory anew, which must be found.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

name=borrows
source ci/nightly.sh
cargo "+$nightly" miri --version 2>/dev/null || rustup component add --toolchain "$nightly" miri rust-src >/dev/null 2>&1 || true
cargo "+$nightly" miri --version >/dev/null 2>&1 || not_tried "$nightly has no Miri, and it cannot be had"

target_dir=$(realpath -m "${CARGO_TARGET_DIR:-target}/miri")
interpreted() {
    CARGO_TARGET_DIR=$target_dir cargo "+$nightly" miri test --locked --target i686-unknown-linux-gnu \
        --manifest-path ci/targets/Cargo.toml --features cases --test borrows > "$work/said" 2>&1
}

interpreted || { cat "$work/said"; die 'see above'; }
grep -qE '^test result: ok\. [1-9]' "$work/said" || { cat "$work/said"; die 'no test ran'; }

plant src/simd/queue.rs 's/^        let memory = self\.memory;$/        let memory: *mut Memory = unsafe { \&mut *self.memory };/'
! interpreted || die 'memory that is borrowed anew was not found'
grep -q 'Undefined Behavior: .*borrow stack' "$work/said" || { cat "$work/said"; die 'the copy failed otherwise'; }
say "tests/borrows.rs is clean under Miri ($nightly); memory that is borrowed anew was found"
