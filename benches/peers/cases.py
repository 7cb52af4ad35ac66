"""The workloads: sizes, weights, inputs and right answers, made once and kept as files that every peer reads.

    python cases.py FOLDER

Weights are in PyTorch's layout (gates i f g o, and r z n), uniform in +-1/sqrt(H); inputs are uniform in +-1. The right
answers are computed here in f64, sequence by sequence as far as their values go. In FOLDER each case has a folder with
x.f32 [T, B, I], w.f32 (layer after layer, forward before reverse: w_ih, w_hh, b_ih, b_hh), y.f64 [T, B, D * H] and the
ONNX models; cases.txt lists them.
"""

import dataclasses
import hashlib
import shutil
import sys
from pathlib import Path

import numpy as np

LENGTHS_V = [361, 340, 322, 301, 280, 266, 250, 240, 228, 215, 201, 190, 180, 171, 160, 150, 141, 133, 125, 118, 110,
             102, 95, 88, 80, 72, 65, 58, 50, 43, 36, 29]
LENGTHS_M = [4, 6, 8, 5, 4, 3, 7, 8]
GATES = {"lstm": 4, "gru": 3}


@dataclasses.dataclass(frozen=True)
class Case:
    workload: str
    cell: str
    inputs: int
    units: int
    lengths: tuple
    layers: int = 1
    directions: int = 1

    @property
    def name(self):
        return f"{self.workload}-{self.cell}-{self.units}"

    @property
    def tokens(self):
        return sum(self.lengths)

    @property
    def steps(self):
        return max(self.lengths)

    @property
    def batch(self):
        return len(self.lengths)

    @property
    def ragged(self):
        return len(set(self.lengths)) > 1

    def layer_inputs(self, layer):
        return self.inputs if layer == 0 else self.directions * self.units

    def flops(self):
        """Multiply-adds of a token, as floating-point operations."""
        return sum(self.directions * 2 * GATES[self.cell] * self.units * (self.layer_inputs(layer) + self.units)
                   for layer in range(self.layers))


def all_cases():
    """V, ragged; S, one stream in one call; step, the same stream in 100 calls; M, the classic; L, a stack."""
    for cell in GATES:
        for size in (64, 128, 256, 512):
            yield Case("V", cell, size, size, tuple(LENGTHS_V))
    for workload in ("S", "step"):
        for cell in GATES:
            for size in (32, 64, 128, 256, 512):
                yield Case(workload, cell, size, size, (100,))
    for size in (32, 64):
        yield Case("M", "lstm", size, size, tuple(LENGTHS_M))
    yield Case("L", "lstm", 64, 128, tuple(LENGTHS_V), layers=2, directions=2)


def dry_cases():
    """One small case of each kind."""
    small = {"V": 64, "S": 64, "step": 64, "M": 64, "L": 128}
    return [case for case in all_cases() if case.units == small[case.workload]]


def make_weights(case):
    """For each layer, for each direction: w_ih, w_hh, b_ih, b_hh."""
    rng = np.random.default_rng(7)
    rows, bound = GATES[case.cell] * case.units, 1 / np.sqrt(case.units)
    return [[[rng.uniform(-bound, bound, shape).astype(np.float32)
              for shape in ((rows, case.layer_inputs(layer)), (rows, case.units), (rows,), (rows,))]
             for _ in range(case.directions)]
            for layer in range(case.layers)]


def make_input(case):
    """The padded rectangle [T, B, I], zeros on the padding."""
    x = np.random.default_rng(3).uniform(-1, 1, (case.steps, case.batch, case.inputs)).astype(np.float32)
    for b, length in enumerate(case.lengths):
        x[length:, b] = 0
    return x


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def reversed_within(x, lengths):
    """Each sequence from its own last token to its first."""
    y = x.copy()
    for b, length in enumerate(lengths):
        y[:length, b] = x[:length, b][::-1]
    return y


def one_direction(case, x, weights):
    w_ih, w_hh, b_ih, b_hh = (a.astype(np.float64) for a in weights)
    sums = x @ w_ih.T + b_ih
    h, c = np.zeros((2, case.batch, case.units))
    y = np.empty((case.steps, case.batch, case.units))
    for t in range(case.steps):
        states = h @ w_hh.T + b_hh
        if case.cell == "lstm":
            i, f, g, o = np.split(sums[t] + states, 4, axis=1)
            c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
        else:
            (ri, zi, ni), (rh, zh, nh) = np.split(sums[t], 3, axis=1), np.split(states, 3, axis=1)
            z, n = sigmoid(zi + zh), np.tanh(ni + sigmoid(ri + rh) * nh)
            h = (1 - z) * n + z * h
        y[t] = h
    for b, length in enumerate(case.lengths):
        y[length:, b] = 0
    return y


def right_answer(case, x, weights):
    """Outputs [T, B, D * H] in f64, zeros on the padding."""
    y = x.astype(np.float64)
    for layer in weights:
        forward = one_direction(case, y, layer[0])
        if case.directions == 2:
            reverse = reversed_within(one_direction(case, reversed_within(y, case.lengths), layer[1]), case.lengths)
            forward = np.concatenate([forward, reverse], axis=2)
        y = forward
    return y


class Files:
    """What is kept of a case."""

    def __init__(self, folder, case):
        self.case, self.folder = case, Path(folder) / case.name

    def model(self, kind):
        return self.folder / f"{kind}.onnx"

    def input(self):
        case = self.case
        return np.fromfile(self.folder / "x.f32", np.float32).reshape(case.steps, case.batch, case.inputs)

    def error(self, y):
        """The largest difference of outputs [T, B, D * H] from the right ones, on valid tokens."""
        case = self.case
        right = np.fromfile(self.folder / "y.f64").reshape(case.steps, case.batch, case.directions * case.units)
        y = np.asarray(y).reshape(right.shape)
        # A NaN is no small difference.
        return float(max(np.nan_to_num(np.abs(y[:length, b] - right[:length, b]), nan=np.inf).max()
                         for b, length in enumerate(case.lengths)))


def main():
    import onnx_models  # needs the case too

    folder = Path(sys.argv[1])
    here = Path(__file__).parent
    made_by = hashlib.sha256(b"".join((here / name).read_bytes() for name in ("cases.py", "onnx_models.py")))
    made_by.update(np.__version__.encode())
    stamp = folder / "made-by"
    if stamp.exists() and stamp.read_text() == made_by.hexdigest():
        return
    shutil.rmtree(folder, ignore_errors=True)
    lines = []
    for case in all_cases():
        print(f"making {case.name}", file=sys.stderr)
        files, weights, x = Files(folder, case), make_weights(case), make_input(case)
        files.folder.mkdir(parents=True)
        x.tofile(files.folder / "x.f32")
        np.concatenate([a.ravel() for layer in weights for d in layer for a in d]).tofile(files.folder / "w.f32")
        right_answer(case, x, weights).tofile(files.folder / "y.f64")
        onnx_models.write(files, weights)
        lengths = ",".join(map(str, case.lengths))
        lines.append(f"{case.name} {case.workload} {case.cell} {case.inputs} {case.units} {case.layers} "
                     f"{case.directions} {lengths}\n")
    (folder / "cases.txt").write_text("".join(lines))
    stamp.write_text(made_by.hexdigest())


if __name__ == "__main__":
    main()
