"""attention_gradient.py - gradients of attention in many shapes beside numpy's in f64.

attention_gradient.py make     writes attention.onnx, in.npz and expected.npz
attention_gradient.py check A  compares A with expected.npz
attention_gradient.py same A B compares two results bit by bit

The loss is the sum of what every attention gives, times a random number for each element.
"""

import sys

import case
import numpy as np
from onnx import helper

rng = np.random.default_rng(5)
nodes, inputs, constants, losses, expected = [], {}, {}, [], {}


def given(value, name=None):
    name = name or f"x{len(inputs)}"
    inputs[name] = value.astype(np.float32)
    return name


def node(op, *operands, **attributes):
    nodes.append(helper.make_node(op, operands, [f"t{len(nodes)}"], **attributes))
    return nodes[-1].output[0]


def constant(value):
    constants[f"c{len(constants)}"] = np.asarray(value)
    return f"c{len(constants) - 1}"


def fitted(gradient, shape):
    """Summed along what was repeated."""
    for axis, size in enumerate(shape):
        if size == 1:
            gradient = gradient.sum(axis, keepdims=True)
    return gradient


def attend(queries, keys, values, mask=None, kept=None):
    """Shapes [..., rows, depth], and arrays: what is added to scores, what weights are multiplied by."""
    name, scale = f"case{len(losses)}", 0.25
    q, k, v = (rng.standard_normal(shape).astype(np.float32) for shape in (queries, keys, values))
    rank = len(queries)
    turned = node("Transpose", given(k, name + "k"), perm=[*range(rank - 2), rank - 1, rank - 2])
    scores = node("Mul", node("MatMul", given(q, name + "q"), turned), constant(np.float32(scale)))
    if mask is not None:
        scores = node("Add", scores, constant(mask.astype(np.float32)))
    weights = node("Softmax", scores, axis=-1)
    if kept is not None:
        weights = node("Mul", weights, given(kept))
    result = node("MatMul", weights, given(v, name + "v"))

    q, k, v = q.astype("f8"), k.astype("f8"), v.astype("f8")
    s = q @ k.swapaxes(-1, -2) * scale + (0 if mask is None else mask)
    e = np.exp(s - s.max(-1, keepdims=True))
    p = e / e.sum(-1, keepdims=True)
    used = p if kept is None else p * kept
    r = rng.standard_normal((used @ v).shape).astype(np.float32)
    losses.append(node("ReduceSum", node("Mul", result, given(r)), keepdims=0))
    dp = r @ v.swapaxes(-1, -2) * (1 if kept is None else kept)
    ds = p * (dp - (dp * p).sum(-1, keepdims=True)) * scale
    for key, gradient, shape in ((f"{name}q", ds @ k, queries), (f"{name}k", ds.swapaxes(-1, -2) @ q, keys),
                                 (f"{name}v", used.swapaxes(-1, -2) @ r, values)):
        expected["grad." + key] = fitted(gradient, shape)


def make():
    for rows, columns, depth, lanes in [(7, 7, 5, 5), (13, 13, 64, 64), (13, 128, 16, 21), (128, 96, 64, 64), (97, 16, 20, 3), (30, 1100, 8, 40)]:
        attend((2, 3, rows, depth), (2, 3, columns, depth), (2, 3, columns, lanes))
    above = np.triu(np.full((37, 37), -1e9), 1)
    attend((2, 3, 37, 24), (2, 3, 37, 24), (2, 3, 37, 33), mask=above)
    padding = np.where(np.arange(37) < np.array([[[[30]]], [[[11]]]]), 0, -1e9)
    attend((2, 3, 37, 24), (2, 3, 37, 24), (2, 3, 37, 33), mask=padding)
    # Groups of queries with the same keys, and weights of which some are dropped.
    attend((2, 3, 4, 21, 8), (2, 3, 1, 33, 8), (2, 3, 1, 33, 8))
    kept = np.where(rng.random((2, 3, 20, 30)) < 0.8, 1.25, 0).astype(np.float32)
    attend((2, 3, 20, 16), (2, 3, 30, 16), (2, 3, 30, 16), kept=kept)
    node("Sum", *losses)
    nodes[-1].output[0] = "loss"
    case.write("attention", nodes, inputs, constants, ["loss"])
    np.savez("expected.npz", **expected)


if __name__ == "__main__":
    {"make": make, "check": case.check, "same": case.same}[sys.argv[1]](*sys.argv[2:])
