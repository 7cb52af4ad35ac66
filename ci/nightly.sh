# What the checks share that need a nightly Rust. To be sourced, from anywhere in the project; `name` is the check's.
say() { printf '%s\n' "$name: $*"; }
die() { say "FAILED: $*" >&2; exit 1; }
not_tried() { say "!!! NOT TRIED: $* !!!"; exit 0; }

nightly=$(rustup toolchain list 2>/dev/null | grep -m1 -oE '^nightly[^ ]*') || true
[ -n "$nightly" ] || not_tried 'there is no nightly Rust on this machine'
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# plant FILE EDIT: goes into a copy of the project in which sed has made this edit; a check that finds nothing there proves
# nothing.
plant() {
    local original=$PWD
    mkdir "$work/copy"
    git ls-files -z | xargs -0 cp --parents -t "$work/copy"
    cd "$work/copy"
    sed -i "$2" "$1"
    ! cmp -s "$1" "$original/$1" || die "what is to be edited in $1 is not where it was"
}
