"""The networks as ONNX models, for the peers that read these.

`padded` runs the rectangle and knows no lengths; `lengths` has them as an input; `states` is `padded` with initial
states as inputs; `step` runs one token with states as inputs and gives the new ones only.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

# Where ONNX's gates (i o f c, and z r h) stand among PyTorch's.
ORDER = {"lstm": (0, 3, 1, 2), "gru": (1, 0, 2)}


def reordered(a, cell):
    parts = np.split(a, len(ORDER[cell]))
    return np.concatenate([parts[at] for at in ORDER[cell]])


def tensor(name, shape, kind=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, kind, shape)


def build(case, weights, kind):
    steps = 1 if kind == "step" else case.steps
    cell, batch, units, directions = case.cell, case.batch, case.units, case.directions
    state = [directions, batch, units]
    names = ("h", "c") if cell == "lstm" else ("h",)
    inputs, constants, nodes = [tensor("x", [steps, batch, case.inputs])], [], []
    lengths, initial = "", []
    if kind == "lengths":
        lengths = "lengths"
        inputs.append(tensor(lengths, [batch], TensorProto.INT32))
    if kind in ("states", "step"):
        initial = [f"{name}0" for name in names]
        inputs += [tensor(name, state) for name in initial]

    def constant(name, a):
        constants.append(numpy_helper.from_array(np.ascontiguousarray(a), name))
        return name

    x = "x"
    for at, layer in enumerate(weights):
        last = at + 1 == len(weights)
        w = constant(f"W{at}", np.stack([reordered(d[0], cell) for d in layer]))
        r = constant(f"R{at}", np.stack([reordered(d[1], cell) for d in layer]))
        b = constant(f"B{at}", np.stack([np.concatenate([reordered(d[2], cell), reordered(d[3], cell)])
                                         for d in layer]))
        y = "y" if last else f"y{at}"
        outputs = ["", *(f"{name}n" for name in names)] if kind == "step" else [y]
        # PyTorch's GRU multiplies by the reset gate after the product.
        reset = {"linear_before_reset": 1} if cell == "gru" else {}
        nodes.append(helper.make_node(cell.upper(), [x, w, r, b, lengths, *initial], outputs, hidden_size=units,
                                      direction="bidirectional" if directions == 2 else "forward", **reset))
        if not last:
            shape = constant(f"shape{at}", np.array([steps, batch, directions * units], np.int64))
            nodes.append(helper.make_node("Transpose", [y], [f"t{at}"], perm=[0, 2, 1, 3]))
            x = f"x{at + 1}"
            nodes.append(helper.make_node("Reshape", [f"t{at}", shape], [x]))
    results = [tensor(f"{name}n", state) for name in names] if kind == "step" else \
        [tensor("y", [steps, directions, batch, units])]
    graph = helper.make_graph(nodes, case.name, inputs, results, constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    return model


def write(files, weights):
    case = files.case
    kinds = ["padded"]
    if case.workload == "step":
        kinds = ["step"]
    elif case.ragged:
        # An LSTM of several sequences needs its initial states told in one of the peers.
        kinds = ["padded", "lengths"] + (["states"] if case.layers == 1 else [])
    for kind in kinds:
        onnx.save(build(case, weights, kind), files.model(kind))


def tokens_first(y):
    """ONNX's [T, D, B, H] as [T, B, D * H]."""
    return y.transpose(0, 2, 1, 3).reshape(y.shape[0], y.shape[2], -1)
