#!/usr/bin/env bash
# Has Miri interpret tests/borrows.rs, which needs a nightly Rust: the portable backend's vectors, on i686, where no CPU is
# asked what it has. Then a copy of the crate that borrows a queue's memory anew, which must be found.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

say() { printf '%s\n' "borrows: $*"; }
die() { say "FAILED: $*" >&2; exit 1; }

nightly=$(rustup toolchain list 2>/dev/null | grep -m1 -oE '^nightly[^ ]*') || true
[ -n "$nightly" ] || { say '!!! NOT TRIED: there is no nightly Rust on this machine, so Miri did not run !!!'; exit 0; }
cargo "+$nightly" miri --version 2>/dev/null || rustup component add --toolchain "$nightly" miri rust-src >/dev/null 2>&1 || true
cargo "+$nightly" miri --version >/dev/null 2>&1 || { say "!!! NOT TRIED: $nightly has no Miri, and it cannot be had !!!"; exit 0; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
target_dir=$(realpath -m "${CARGO_TARGET_DIR:-target}/miri")
interpreted() {
    CARGO_TARGET_DIR=$target_dir cargo "+$nightly" miri test --locked --target i686-unknown-linux-gnu \
        --manifest-path ci/targets/Cargo.toml --features cases --test borrows > "$work/said" 2>&1
}

interpreted || { cat "$work/said"; die 'see above'; }
grep -qE '^test result: ok\. [1-9]' "$work/said" || { cat "$work/said"; die 'no test ran'; }

mkdir "$work/copy"
git ls-files -z | xargs -0 cp --parents -t "$work/copy"
cd "$work/copy"
sed -i 's/^        let memory = self\.memory;$/        let memory: *mut Memory = unsafe { \&mut *self.memory };/' src/simd/queue.rs
cmp -s src/simd/queue.rs "$OLDPWD/src/simd/queue.rs" && die 'the line where a queue takes its memory is not where it was'
! interpreted || die 'memory that is borrowed anew was not found'
grep -q 'Undefined Behavior: .*borrow stack' "$work/said" || { cat "$work/said"; die 'the copy failed otherwise'; }
say "tests/borrows.rs is clean under Miri ($nightly); memory that is borrowed anew was found"
