"""OpenVINO's CPU plugin in f32: padded, and with lengths."""

import numpy as np
import openvino as ov

from onnx_models import tokens_first
from worker import Row, attempt, serve

OPTIONS = {"INFERENCE_NUM_THREADS": 1, "NUM_STREAMS": 1, "INFERENCE_PRECISION_HINT": "f32",
           "PERFORMANCE_HINT": "LATENCY", "ENABLE_CPU_PINNING": False}
CORE = ov.Core()


def compiled(files, kind):
    return CORE.compile_model(ov.convert_model(str(files.model(kind))), "CPU", OPTIONS)


def batch(files, kind, label):
    request = compiled(files, kind).create_infer_request()
    request.set_tensor("x", ov.Tensor(files.input()))
    if kind == "lengths":
        request.set_tensor("lengths", ov.Tensor(np.array(files.case.lengths, np.int32)))
    request.infer()
    return Row(label, files.error(tokens_first(request.get_output_tensor(0).data)), request.infer)


def stream(files, label):
    """Steps whose states stay where they are: of two requests each reads what the other wrote."""
    case, net = files.case, compiled(files, "step")
    names = ("h", "c") if case.cell == "lstm" else ("h",)
    sets = [{name: ov.Tensor(np.zeros((1, 1, case.units), np.float32)) for name in names} for _ in range(2)]
    requests = []
    for at in range(2):
        request = net.create_infer_request()
        for name in names:
            request.set_tensor(f"{name}0", sets[at][name])
            request.set_tensor(f"{name}n", sets[1 - at][name])
        requests.append(request)
    tokens = [ov.Tensor(np.ascontiguousarray(token[None])) for token in files.input()]
    pairs = [(requests[at % 2], token, sets[1 - at % 2]["h"]) for at, token in enumerate(tokens)]

    def call(keep=None):
        for state in sets[0].values():
            state.data[:] = 0
        for request, token, h in pairs:
            request.set_tensor("x", token)
            request.infer()
            if keep is not None:
                keep.append(h.data.ravel().copy())

    outputs = []
    call(outputs)
    return Row(label, files.error(np.stack(outputs)), call)


def rows(files):
    case = files.case
    if case.workload == "step":
        yield attempt("OpenVINO", "f32", lambda: stream(files, "OpenVINO"))
    elif case.ragged:
        for kind in ("lengths", "padded"):
            label = f"OpenVINO, {kind}"
            yield attempt(label, "f32", lambda kind=kind, label=label: batch(files, kind, label))
    else:
        yield attempt("OpenVINO", "f32", lambda: batch(files, "padded", "OpenVINO"))


if __name__ == "__main__":
    serve(ov.__version__.split("-")[0], rows)
