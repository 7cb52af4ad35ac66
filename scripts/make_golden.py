#!/usr/bin/env python3
"""Makes the small model files of the examples and tests from the full ones.

    python3 scripts/make_golden.py SOURCE_DIR

SOURCE_DIR has the folders japanese-vowels, silero-vad and g2p-en with the models in safetensors and their licences.
Only a selection is made: names and values stay. Needs nothing but Python, and writes the same bytes on each run.
"""

import json
import struct
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples" / "data"
TESTS = ROOT / "tests" / "data"

# Seven of silero's thirteen clips: the whole file stays below 1.3 MB. Two have the same length; in librivox-0870, the
# longest, a cell state reaches 38.
CLIPS = ["cards-001", "cards-002", "cards-003", "cards-004", "something", "librivox-0870", "librivox-0920"]


class Tensor:
    def __init__(self, dtype, shape, data):
        self.dtype, self.shape, self.data = dtype, shape, data

    def rows(self, first, count):
        """Some of the rows along the first axis."""
        row = len(self.data) // self.shape[0]
        assert first + count <= self.shape[0]
        return Tensor(self.dtype, [count, *self.shape[1:]], self.data[first * row : (first + count) * row])

    def integers(self):
        assert self.dtype == "I32"
        return [value for (value,) in struct.iter_unpack("<i", self.data)]


def joined(parts):
    first = parts[0]
    shape = [sum(part.shape[0] for part in parts), *first.shape[1:]]
    return Tensor(first.dtype, shape, b"".join(part.data for part in parts))


def load(path):
    raw = path.read_bytes()
    (size,) = struct.unpack("<Q", raw[:8])
    header = json.loads(raw[8 : 8 + size])
    metadata = header.pop("__metadata__", {})
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        tensors[name] = Tensor(entry["dtype"], entry["shape"], raw[8 + size + begin : 8 + size + end])
    return tensors, metadata


def save(path, tensors, metadata):
    header, data = {"__metadata__": dict(sorted(metadata.items()))}, b""
    # All elements have four bytes, so that every offset is aligned.
    for name, tensor in sorted(tensors.items()):
        assert tensor.dtype in ("F32", "I32")
        offsets = [len(data), len(data) + len(tensor.data)]
        header[name] = {"dtype": tensor.dtype, "shape": tensor.shape, "data_offsets": offsets}
        data += tensor.data
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    print(f"{path.relative_to(ROOT).as_posix()}: {8 + len(text) + len(data)} bytes")


def copy(source, folder):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / source.name).write_bytes(source.read_bytes())


def select(tensors, *prefixes):
    return {name: tensor for name, tensor in tensors.items() if name.startswith(prefixes)}


def japanese_vowels(source):
    tensors, metadata = load(source / "japanese_vowels.safetensors")
    save(EXAMPLES / "japanese_vowels_test.safetensors", select(tensors, "test."), metadata)
    for name, folder in [("bigru", EXAMPLES), ("bilstm", TESTS)]:
        tensors, metadata = load(source / f"{name}.safetensors")
        save(folder / f"{name}.safetensors", select(tensors, "w.", "expected."), metadata)
    copy(source / "LICENSE.aeon", EXAMPLES)


def silero_vad(source):
    tensors, metadata = load(source / "silero_lstm.safetensors")
    names, lengths = metadata["names"].split(","), tensors["lengths"].integers()
    kept = [names.index(name) for name in CLIPS]
    out = select(tensors, "lstm.", "output.")
    for name in ["lengths", "expected.h_n", "expected.c_n"]:
        out[name] = joined([tensors[name].rows(clip, 1) for clip in kept])
    for name in ["x", "expected.y", "expected.prob"]:
        out[name] = joined([tensors[name].rows(sum(lengths[:clip]), lengths[clip]) for clip in kept])
    save(TESTS / "silero_lstm.safetensors", out, {**metadata, "names": ",".join(CLIPS)})
    copy(source / "LICENSE.silero-vad", TESTS)
    copy(source / "COPYRIGHT.pocketsphinx-testdata", TESTS)


def g2p_en(source):
    tensors, metadata = load(source / "g2p_encoder.safetensors")
    kept = select(tensors, "enc.", "lengths", "char_ids", "expected.h_n", "expected.y_first8")
    save(TESTS / "g2p_encoder.safetensors", kept, metadata)
    copy(source / "LICENSE.g2p-en", TESTS)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    source = Path(sys.argv[1])
    japanese_vowels(source / "japanese-vowels")
    silero_vad(source / "silero-vad")
    g2p_en(source / "g2p-en")


if __name__ == "__main__":
    main()
