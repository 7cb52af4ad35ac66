"""PyTorch: nn.LSTM and nn.GRU, packed and padded, the cells, and dynamic int8."""

import warnings

import numpy as np
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from cases import make_weights
from worker import Row, attempt, serve

NAMES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


def network(case):
    kind = nn.LSTM if case.cell == "lstm" else nn.GRU
    net = kind(case.inputs, case.units, case.layers, bidirectional=case.directions == 2).eval()
    for at, layer in enumerate(make_weights(case)):
        for values, direction in zip(layer, ("", "_reverse")):
            for name, value in zip(NAMES, values):
                getattr(net, f"{name}_l{at}{direction}").copy_(torch.from_numpy(value))
    return net


def int8(net):
    """As PyTorch's users do: int8 weights, activations quantised as they come."""
    whole = nn.Sequential(net)
    return torch.ao.quantization.quantize_dynamic(whole, {nn.LSTM, nn.GRU}, dtype=torch.qint8)[0]


def stream(case, files, name, kind, one, state):
    """Steps of one token; `one` gives the output and the next state."""
    tokens = torch.from_numpy(files.input()).split(1)

    def call(keep=None):
        carried = state
        for token in tokens:
            output, carried = one(token, carried)
            if keep is not None:
                keep.append(output.numpy().ravel().copy())

    outputs = []
    call(outputs)
    return Row(name, files.error(np.stack(outputs)), call, kind)


def steps(case, files, net, label, kind):
    zeros = torch.zeros(1, 1, case.units)
    state = (zeros, zeros) if case.cell == "lstm" else zeros
    return stream(case, files, label, kind, net, state)


def cell_steps(case, files):
    kind = nn.LSTMCell if case.cell == "lstm" else nn.GRUCell
    cell = kind(case.inputs, case.units).eval()
    for name, value in zip(NAMES, make_weights(case)[0][0]):
        getattr(cell, name).copy_(torch.from_numpy(value))
    zeros = torch.zeros(1, case.units)

    def one(token, state):
        state = cell(token[0], state)
        return (state[0] if case.cell == "lstm" else state), state

    return stream(case, files, "PyTorch, cell", "f32", one, (zeros, zeros) if case.cell == "lstm" else zeros)


def padded(files, net, label, kind):
    x = torch.from_numpy(files.input())
    return Row(label, files.error(net(x)[0].numpy()), lambda: net(x), kind)


def packed(case, files, net, label, kind):
    x, lengths = torch.from_numpy(files.input()), torch.tensor(case.lengths)
    ordered = list(case.lengths) == sorted(case.lengths, reverse=True)
    sequences = pack_padded_sequence(x, lengths, enforce_sorted=ordered)

    def whole():
        return pad_packed_sequence(net(pack_padded_sequence(x, lengths, enforce_sorted=ordered))[0])

    error = files.error(whole()[0].numpy())
    yield Row(label, error, lambda: net(sequences), kind)
    if kind == "f32":
        yield Row(f"{label}, with pack and unpack", error, whole, kind)


def rows(files):
    case = files.case
    net = network(case)
    if case.workload == "step":
        yield steps(case, files, net, "PyTorch", "f32")
        yield cell_steps(case, files)
        yield attempt("PyTorch int8", "int8", lambda: steps(case, files, int8(net), "PyTorch int8", "int8"))
    elif not case.ragged:
        yield padded(files, net, "PyTorch", "f32")
        yield attempt("PyTorch int8", "int8", lambda: padded(files, int8(net), "PyTorch int8", "int8"))
    else:
        yield from packed(case, files, net, "PyTorch, packed", "f32")
        yield padded(files, net, "PyTorch, padded", "f32")
        label = "PyTorch int8, packed"
        yield attempt(label, "int8", lambda: next(packed(case, files, int8(net), label, "int8")))


if __name__ == "__main__":
    warnings.filterwarnings("ignore")  # that quantisation moves elsewhere
    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    with torch.inference_mode():
        serve(torch.__version__, rows)
