"""layout.py - the same elements in other places: shapes, orders, parts, paddings."""

import math

import numpy as np
from onnx import numpy_helper

from .elementwise import ANY
from .graph import I64, Rejected


def anything(g, **where):
    """A tensor, mostly of the graph's own type."""
    return g.pick(dtype=(g.dtype,), **where) if g.chance(0.85) else g.pick(dtype=ANY, **where)


def transpose(g):
    x = anything(g, rank=range(1, 7))
    perm = g.rng.sample(range(x.rank), x.rank)
    return g.node("Transpose", x, perm=None if g.chance(0.1) else perm)


def factored(g, count, rank):
    """A shape of so many elements."""
    shape = [1] * rank
    primes, n = [], count
    for p in (2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31):
        while n > 1 and n % p == 0:
            primes.append(p)
            n //= p
    for p in [*primes, n]:
        if rank:
            shape[g.between(0, rank - 1)] *= p
    return shape


def merged(g, shape):
    """The shape with neighbours merged, or one axis split: what networks do most."""
    shape = list(shape)
    if len(shape) > 1 and g.chance(0.5):
        at = g.between(0, len(shape) - 2)
        return [*shape[:at], shape[at] * shape[at + 1], *shape[at + 2 :]]
    if shape:
        at = g.between(0, len(shape) - 1)
        parts = [d for d in range(1, shape[at] + 1) if shape[at] % d == 0] or [1]
        part = g.rng.choice(parts)
        if shape[at]:
            return [*shape[:at], part, shape[at] // part, *shape[at + 1 :]]
    return shape


def reshape(g):
    x = anything(g)
    if x.size == 0:
        raise Rejected("an empty tensor")
    shape = merged(g, x.shape) if g.chance(0.6) else factored(g, x.size, g.between(0 if x.size == 1 else 1, 5))
    return reshape_to(g, x, shape)


def reshape_to(g, x, shape):
    shape = list(shape)
    if g.chance(0.4) and math.prod(shape):
        at = g.between(0, max(len(shape) - 1, 0))
        if shape:
            shape[at] = -1
    for axis in range(min(len(shape), x.rank)):
        if shape[axis] == x.shape[axis] and g.chance(0.2):
            shape[axis] = 0
    return g.node("Reshape", x, g.ints(shape))


def computed_reshape(g):
    """As exporters write it: sizes come from Shape, and go through Gather or Slice and Concat."""
    x = g.pick(rank=range(2, 6))
    shape = g.node("Shape", x)
    keep = g.between(1, x.rank - 1)
    if g.chance(0.5):
        sizes = [g.node("Gather", shape, g.constant(np.array(axis, np.int64)), axis=0) for axis in range(keep)]
        parts = [with_axes(g, "Unsqueeze", size, [0]) for size in sizes]
    else:
        parts = [slice_of(g, shape, [0], [keep], [0], share=1)]
    return g.node("Reshape", x, g.node("Concat", *parts, g.constant(np.array([-1], np.int64)), axis=0))


def with_axes(g, op, x, axes):
    """Squeeze and Unsqueeze, whose axes became an operand with opset 13."""
    return g.node(op, x, axes=list(axes)) if g.opset < 13 else g.node(op, x, g.constant(np.array(axes, np.int64)))


def squeeze(g):
    x = anything(g, where=lambda t: 1 in t.shape)
    ones = [a for a, s in enumerate(x.shape) if s == 1]
    axes = g.rng.sample(ones, g.between(1, len(ones)))
    if g.opset >= 11 and g.chance(0.3):
        axes = [a - x.rank for a in axes]
    return with_axes(g, "Squeeze", x, axes)


def unsqueeze(g):
    x = anything(g, rank=range(0, 5))
    count = g.choose(1, 1, 2)
    axes = sorted(g.rng.sample(range(x.rank + count), count))
    if g.opset >= 11 and g.chance(0.3):
        axes = [a - x.rank - count for a in axes]
    return with_axes(g, "Unsqueeze", x, axes)


def flatten(g):
    x = anything(g, rank=range(1, 6))
    return g.node("Flatten", x, axis=g.between(0 if g.opset < 11 else -x.rank, x.rank))


def expand(g):
    g.since(8)
    x = anything(g)
    shape = [g.size() if s == 1 and g.chance(0.6) else g.choose(1, s) for s in x.shape]
    if g.chance(0.4) and x.rank < 4:
        shape = [g.choose(1, 2, 3), *shape]
    return g.node("Expand", x, g.ints(shape))


def tile(g):
    x = anything(g, rank=range(1, 6))
    return g.node("Tile", x, g.ints([g.choose(1, 1, 2, 3) for _ in x.shape]))


def concat(g):
    x = anything(g, rank=range(1, 6))
    axis = g.between(0, x.rank - 1)
    rest = lambda t: [s for a, s in enumerate(t.shape) if a != axis]
    others = [t for t in g.visible() if t.dtype == x.dtype and t.rank == x.rank and rest(t) == rest(x)]
    parts = [x]
    for _ in range(g.choose(1, 1, 2, 3)):
        if g.chance(0.7):
            parts.append(g.rng.choice(others))
        else:
            parts.append(g.given(g.random([g.size() if a == axis else s for a, s in enumerate(x.shape)], x.dtype)))
    g.rng.shuffle(parts)
    return g.node("Concat", *parts, axis=axis - (x.rank if g.opset >= 11 and g.chance(0.3) else 0))


def split_of(g, x, axis, sizes):
    if g.opset < 13:
        return g.node("Split", x, axis=axis, split=sizes, outputs=len(sizes))
    return g.node("Split", x, g.ints(sizes), axis=axis, outputs=len(sizes))


def split(g):
    x = anything(g, where=lambda t: max(t.shape, default=0) > 1)
    axis = g.rng.choice([a for a, s in enumerate(x.shape) if s > 1])
    size = x.shape[axis]
    count = g.between(2, min(4, size))
    if size % count == 0 and g.chance(0.5):
        more = {"num_outputs": count} if g.opset >= 18 else {}
        return g.node("Split", x, axis=axis, outputs=count, **more)
    if g.opset >= 18 and g.chance(0.3) and -(-size // count) * (count - 1) < size:
        return g.node("Split", x, axis=axis, outputs=count, num_outputs=count)
    cuts = sorted(g.rng.sample(range(1, size), count - 1))
    return split_of(g, x, axis, [b - a for a, b in zip([0, *cuts], [*cuts, size])])


def slice_of(g, x, starts, ends, axes, steps=None, share=0.9):
    if g.opset < 10:
        if steps and any(s != 1 for s in steps):
            raise Rejected("no steps yet")
        return g.node("Slice", x, starts=list(starts), ends=list(ends), axes=list(axes))
    bounds = g.ints(starts, share), g.ints(ends, share)
    return g.node("Slice", x, *bounds, g.constant(np.array(axes, np.int64)), *([g.ints(steps)] if steps else []))


def slice_(g):
    x = anything(g, rank=range(1, 6))
    axes = g.rng.sample(range(x.rank), g.between(1, x.rank))
    starts, ends, steps = [], [], []
    for axis in axes:
        size, step = x.shape[axis], g.choose(1, 1, 1, 2, 3, -1, -2)
        a, b = g.between(-size - 1, size), g.between(-size - 1, size + 2)
        if step == 1 and g.chance(0.7):
            a, b = g.between(0, size // 2), g.choose(size, 2**31 - 1, 2**63 - 1, max(size // 2, 1), -1)
        if step < 0 and g.chance(0.7):
            a, b = size - 1, g.choose(-(2**31), -size - 1, 0)
        starts.append(a)
        ends.append(b)
        steps.append(step)
    plain = all(s == 1 for s in steps)
    result = slice_of(g, x, starts, ends, axes, None if plain and g.chance(0.5) or g.opset < 10 and plain else steps, 0.85)
    if result.size == 0 and g.chance(0.8):
        g.pool.remove(result)
    return result


def pad(g):
    x = anything(g, rank=range(1, 6))
    mode = g.choose("constant", "constant", "reflect", "edge", *(["wrap"] if g.opset >= 19 else []))
    pads = [g.choose(0, 0, 1, 2, 3) for _ in range(2 * x.rank)]
    if mode != "constant":
        pads = [min(p, max(x.shape[i % x.rank] - 1, 0)) for i, p in enumerate(pads)]
    elif g.chance(0.1):
        pads = [-1 if x.shape[i % x.rank] > 3 and g.chance(0.3) else p for i, p in enumerate(pads)]
    value = g.choose(None, 0, 1, 2)
    if g.opset < 11:
        return g.node("Pad", x, mode=mode, pads=pads, value=float(value or 0) if mode == "constant" else None)
    fill = None if value is None or mode != "constant" else g.given(np.array(value, x.dtype))
    if g.opset >= 18 and g.chance(0.3):
        axes = g.rng.sample(range(x.rank), g.between(1, x.rank))
        pads = [pads[a] for a in axes] + [pads[a + x.rank] for a in axes]
        return g.node("Pad", x, g.ints(pads), fill, g.constant(np.array(axes, np.int64)), mode=mode)
    return g.node("Pad", x, g.ints(pads), fill, mode=mode)


def blocks(g):
    x = g.pick(rank=4)
    block = g.choose(2, 2, 3)
    if g.chance(0.5) and x.shape[1] % (block * block) == 0:
        return g.node("DepthToSpace", x, blocksize=block, **({"mode": g.choose("DCR", "CRD")} if g.opset >= 11 else {}))
    if x.shape[2] % block or x.shape[3] % block:
        raise Rejected("no blocks")
    return g.node("SpaceToDepth", x, blocksize=block)


def shape(g):
    x = g.pick(dtype=ANY, rank=range(1, 6))
    if g.opset >= 15 and g.chance(0.4):
        return g.node("Shape", x, start=g.between(-x.rank, 0), end=g.between(1, x.rank))
    return g.node(g.choose("Shape", "Shape", "Size"), x)


def filled(g):
    """Constants of a size that some tensor has, added to it."""
    g.since(9)
    x = g.pick(rank=range(1, 5))
    value = np.array([g.choose(0, 1, 0.5)], x.dtype)
    filling = g.node("ConstantOfShape", g.node("Shape", x), value=numpy_helper.from_array(value))
    return g.node(g.choose("Add", "Mul"), x, filling)


def identity_of_size(g):
    g.since(11)
    x = g.pick(rank=range(1, 5))
    length = g.node("Gather", g.node("Shape", x), g.constant(np.array(x.rank - 1, np.int64)), axis=0)
    count = g.node("Range", g.constant(np.array(0, np.int64)), length, g.constant(np.array(1, np.int64)))
    if g.chance(0.5):
        return g.node("Cast", count, to={"float16": 10, "float32": 1, "float64": 11}[x.dtype.name])
    return count


FAMILY = [
    (7, transpose), (6, reshape), (2, computed_reshape), (2, squeeze), (2, unsqueeze), (1, flatten), (2, expand), (2, tile), (6, concat),
    (4, split), (6, slice_), (4, pad), (1, blocks), (1, shape), (0.7, filled), (0.7, identity_of_size),
]  # fmt: skip
