"""reduction.py - reductions, softmax and norms."""

import numpy as np

from .graph import F16, F32, F64, I32, I64, Rejected

DOUBLE = 11  # for norms that would be taken in floats


def reduce_of(g, op, x, axes, keepdims):
    """A reduction, whose axes became an operand with opset 13 (ReduceSum) and 18 (the others)."""
    if axes is None:
        return g.node(op, x, keepdims=keepdims)
    if g.opset < (13 if op == "ReduceSum" else 18):
        return g.node(op, x, axes=list(axes), keepdims=keepdims)
    return g.node(op, x, g.constant(np.array(axes, np.int64)), keepdims=keepdims)


def some_axes(g, x):
    axes = g.rng.sample(range(x.rank), g.between(1, min(x.rank, 3)))
    if g.opset >= 11 and g.chance(0.3):
        axes = [a - x.rank for a in axes]
    return axes


def reduce(g):
    x = g.pick(rank=range(1, 6), dtype=(g.dtype, g.dtype, g.dtype, I32, I64))
    op = g.rng.choices(
        ("Sum", "Mean", "Max", "Min", "Prod", "L1", "L2", "SumSquare", "LogSum", "LogSumExp"), (6, 6, 4, 3, 1, 2, 2, 2, 1, 2))[0]  # fmt: skip
    if x.dtype in (I32, I64) and op not in ("Sum", "Max", "Min", "Prod"):
        raise Rejected("not exact")
    if x.dtype in (I32, I64) and op == "Prod" and x.size and np.abs(x.value.astype(np.float64)).max() ** x.size > 2.0**31:
        raise Rejected("overflows")
    if x.size == 0 and op not in ("Sum", "L1", "L2", "SumSquare"):
        raise Rejected("of nothing")
    if op == "LogSum":
        x = g.node("Add", g.node("Abs", x), g.constant(x.dtype.type(0.1)))
    return reduce_of(g, "Reduce" + op, x, None if g.chance(0.1) else some_axes(g, x), g.choose(0, 1))


def softmax(g):
    x = g.pick(rank=range(1, 6))
    op = g.rng.choices(("Softmax", "LogSoftmax", "Hardmax"), (6, 2, 1))[0]
    if x.size == 0:
        raise Rejected("of nothing")
    if op == "Hardmax" and g.opset < 13 and x.dtype != F32:
        raise Rejected("ONNX Runtime has none, and the reference evaluator takes it for the newest")
    axis = g.between(0 if g.opset < 11 else -x.rank, x.rank - 1)
    return g.node(op, x, axis=None if g.chance(0.2) else axis)


def batch_norm(g):
    x = g.pick(rank=range(2, 6))
    c = x.shape[1]
    scale, bias, mean = (g.given(g.random((c,)), 0.9) for _ in range(3))
    variance = g.given(np.abs(g.random((c,))) + x.dtype.type(0.5), 0.9)
    return g.node("BatchNormalization", x, scale, bias, mean, variance, epsilon=g.choose(None, 1e-3))


def varies(x, axes):
    """Whether no group of elements that a norm takes together is a constant with roundings, which a norm would blow up."""
    value = x.value.astype(np.float64)
    return value.size and np.all(value.std(tuple(axes)) > 0.01 * np.abs(value).max())


def instance_norm(g):
    x = g.pick(rank=range(3, 6), where=lambda t: np.prod(t.shape[2:]) > 3 and varies(t, range(2, t.rank)))
    c = x.shape[1]
    kind = g.rng.random()
    if kind < 0.6 or g.opset < 21:
        return g.node("InstanceNormalization", x, g.given(g.random((c,)), 0.9), g.given(g.random((c,)), 0.9))
    groups = g.rng.choice([d for d in range(1, c + 1) if c % d == 0])
    how = {"stash_type": DOUBLE} if x.dtype == F64 else {}
    return g.node("GroupNormalization", x, g.given(g.random((c,)), 0.9), g.given(g.random((c,)), 0.9), num_groups=groups, **how)


def layer_norm(g):
    g.since(17)
    x = g.pick(rank=range(1, 6), where=lambda t: t.shape[-1] > 3 and varies(t, [-1]))
    axis = -1 if g.chance(0.6) else g.between(-x.rank, -1)
    shape = x.shape[axis:]
    scale = g.given(g.random(shape), 0.9)
    if g.opset >= 23 and g.chance(0.4):
        return g.node("RMSNormalization", x, scale, axis=axis, **({"stash_type": DOUBLE} if x.dtype == F64 else {}))
    return g.node("LayerNormalization", x, scale, g.given(g.random(shape), 0.9) if g.chance(0.7) else None, axis=axis)


def layer_norm_by_hand(g):
    """Layer norm as exporters took it apart before opset 17."""
    x = g.pick(rank=range(2, 5), where=lambda t: t.shape[-1] > 3 and varies(t, [-1]))
    centred = g.node("Sub", x, reduce_of(g, "ReduceMean", x, [-1] if g.opset >= 11 else [x.rank - 1], 1))
    square = g.node("Pow", centred, g.constant(np.array(2, x.dtype))) if g.chance(0.5) else g.node("Mul", centred, centred)
    variance = reduce_of(g, "ReduceMean", square, [x.rank - 1], 1)
    root = g.node("Sqrt", g.node("Add", variance, g.constant(np.array(1e-3, x.dtype))))
    normal = g.node("Div", centred, root)
    return g.node("Add", g.node("Mul", normal, g.weight((x.shape[-1],), 1)), g.weight((x.shape[-1],), 1))


def other_norms(g):
    x = g.pick(rank=(3, 4, 4, 4), where=lambda t: t.size)
    op = g.choose("LpNormalization", "LRN", "MeanVarianceNormalization")
    if op == "LpNormalization":
        return g.node(op, x, axis=g.between(0, x.rank - 1), p=g.choose(1, 2))
    if op == "LRN":
        return g.node(op, x, size=g.choose(1, 3, 5), alpha=g.choose(1e-4, 0.1), bias=1.0)
    g.since(9)
    if not varies(x, [0, *range(2, x.rank)]) or x.rank != 4 or np.prod(x.shape) // max(x.shape[1], 1) < 4 or g.dtype == F16:
        raise Rejected("too few elements")
    return g.node(op, x)


FAMILY = [(10, reduce), (6, softmax), (3, batch_norm), (2, instance_norm), (3, layer_norm), (2, layer_norm_by_hand), (1, other_norms)]
