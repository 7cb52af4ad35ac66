"""ONNX Runtime: its LSTM and GRU, with lengths and padded, and with int8 weights."""

import tempfile

import numpy as np
import onnx
import onnxruntime as ort
from onnxruntime.quantization import QuantType, quantize_dynamic

from onnx_models import tokens_first
from worker import Row, attempt, serve


def session(path):
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    return ort.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def value(a):
    return ort.OrtValue.ortvalue_from_numpy(a)


def bound(runs, inputs, outputs):
    binding = runs.io_binding()
    for name, a in inputs.items():
        binding.bind_ortvalue_input(name, a)
    for name, a in outputs.items():
        binding.bind_ortvalue_output(name, a)
    return binding


def batch(files, model, label, kind="f32"):
    case, runs = files.case, session(model)
    inputs = {"x": value(files.input())}
    if any(given.name == "lengths" for given in runs.get_inputs()):
        inputs["lengths"] = value(np.array(case.lengths, np.int32))
    y = value(np.zeros(runs.get_outputs()[0].shape, np.float32))
    binding = bound(runs, inputs, {"y": y})

    def call():
        runs.run_with_iobinding(binding)

    call()
    return Row(label, files.error(tokens_first(y.numpy())), call, kind)


def int8(files, label, kind):
    """As its users do: int8 weights, activations quantised as they come."""
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/int8.onnx"
        quantize_dynamic(str(files.model(kind)), path, weight_type=QuantType.QInt8, op_types_to_quantize=["LSTM"])
        if all(node.op_type != "DynamicQuantizeLSTM" for node in onnx.load(path).graph.node):
            raise ValueError("nothing was quantised")
        return (stream if kind == "step" else batch)(files, path, label, "int8")


def stream(files, model, label, kind="f32"):
    """Steps whose states stay where they are: each run reads what the one before wrote, and nothing is copied."""
    case, runs = files.case, session(model)
    names = ("h", "c") if case.cell == "lstm" else ("h",)
    # Two sets of states in turn; the first run of all reads zeros.
    shape = (1, 1, case.units)
    sets = [{name: value(np.zeros(shape, np.float32)) for name in names} for _ in range(3)]
    bindings = []
    for at, token in enumerate(files.input()):
        old, new = sets[2 if at == 0 else at % 2], sets[(at + 1) % 2]
        inputs = {"x": value(token[None])} | {f"{name}0": old[name] for name in names}
        bindings.append((bound(runs, inputs, {f"{name}n": new[name] for name in names}), new["h"]))

    def call(keep=None):
        for binding, h in bindings:
            runs.run_with_iobinding(binding)
            if keep is not None:
                keep.append(h.numpy().ravel().copy())

    outputs = []
    call(outputs)
    return Row(label, files.error(np.stack(outputs)), call, kind)


def rows(files):
    case, label = files.case, "ONNX Runtime"
    if case.workload == "step":
        kind = "step"
        yield stream(files, files.model(kind), label)
    elif case.ragged:
        kind = "lengths"
        yield batch(files, files.model(kind), f"{label}, {kind}")
        yield batch(files, files.model("padded"), f"{label}, padded")
    else:
        kind = "padded"
        yield batch(files, files.model(kind), label)
    label = f"{label} int8, lengths" if case.ragged else f"{label} int8"
    if case.cell == "lstm":
        yield attempt(label, "int8", lambda: int8(files, label, kind))
    else:
        yield Row(label, kind="int8", reason="it has no int8 GRU")


if __name__ == "__main__":
    ort.set_default_logger_severity(3)
    serve(ort.__version__, rows)
