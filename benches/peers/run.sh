#!/usr/bin/env bash
# Everything from nothing: installs the peers, makes the cases, measures, and prints the table; see README.md.
#
#     bash benches/peers/run.sh [--dry] [--only V-lstm] [--core 1] [--rounds 3] [--seconds 0.12]
#
# All that it makes is in ${PACKED_RNN_CACHE:-~/.cache/packed-rnn}/peers: nothing is left in the tree.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${PACKED_RNN_CACHE:-$HOME/.cache/packed-rnn}/peers
mkdir -p "$cache"
export PYTHONPYCACHEPREFIX=$cache/pycache CARGO_TARGET_DIR=$cache/target
export OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1

python=$cache/venv/bin/python
if ! cmp -s "$here/requirements.txt" "$cache/venv/installed.txt"; then
    echo 'installing the Python peers: some gigabytes with CUDA, which PyTorch brings' >&2
    python3 -m venv "$cache/venv"
    "$python" -m pip install --quiet -r "$here/requirements.txt"
    cp "$here/requirements.txt" "$cache/venv/installed.txt"
fi
# Some peers choose their kernels when they are compiled: they get all that this CPU has.
RUSTFLAGS='-C target-cpu=native' cargo build --quiet --release --locked --manifest-path "$here/rust/Cargo.toml"
"$python" "$here/cases.py" "$cache/data"

# What is not all does not replace what is.
results=$cache/results
[[ " $* " != *' --only'* ]] || results=$cache/part
[[ " $* " != *' --dry '* ]] || results=$cache/dry
"$python" "$here/measure.py" "$cache/data" "$CARGO_TARGET_DIR/release/peers" "$results.jsonl" "$@"
"$python" "$here/table.py" "$results.jsonl" | tee "$results.md"
"$python" "$here/plot.py" "$results.jsonl" >"$results.svg"
echo "kept: $results.jsonl (each row of each round), $results.md (the table), $results.svg (the plot)" >&2
