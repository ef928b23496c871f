"""shapes.py - sizes that a graph computes from those of its tensors, and uses again."""

import numpy as np

from .graph import I64, Rejected


def whole(g, *values):
    return g.constant(np.array(values, np.int64))


def size_of(g, x, axis):
    """One size of a tensor, as a list of one."""
    g.since(10)
    shape = g.node("Shape", x)
    if g.chance(0.5):
        return g.node("Gather", shape, whole(g, axis), axis=0)
    return g.node("Slice", shape, whole(g, axis), whole(g, axis + 1))


def at_least_one(x):
    return x.rank > 0 and x.size > 0


def reshape(g):
    """Shape, Gather, Concat, Reshape, as exporters of PyTorch write a view."""
    x = g.pick(rank=range(1, 5), where=at_least_one)
    axis = g.between(0, x.rank - 1)
    parts = [size_of(g, x, i) if g.chance(0.6) else whole(g, s) for i, s in enumerate(x.shape) if i != axis]
    parts.insert(g.between(0, len(parts)), whole(g, -1))
    return g.node("Reshape", x, g.node("Concat", *parts, axis=0) if len(parts) > 1 else parts[0])


def slice_(g):
    """A slice whose end follows from a size."""
    x = g.pick(rank=range(1, 5), where=at_least_one)
    axis = g.between(0, x.rank - 1)
    size = size_of(g, x, axis)
    end = g.choose(
        lambda: g.node("Div", size, whole(g, 2)), lambda: g.node("Sub", size, whole(g, 1)), lambda: g.node("Add", size, whole(g, 3)), lambda: size
    )()
    start = g.choose(lambda: whole(g, 0), lambda: g.node("Div", size, whole(g, 3)), lambda: whole(g, -2))()
    return g.node("Slice", x, start, end, whole(g, axis))


def expand(g):
    """To the shape of a tensor, or to one with more of the first axis."""
    x = g.pick(rank=range(1, 4), where=at_least_one)
    y = g.node("Expand", g.some((1,) * g.between(0, 1) + x.shape[-1:]), g.node("Shape", x))
    return g.node("Add", x, y) if g.chance(0.5) else y


def range_(g):
    """Positions along an axis, compared with a limit or added to what is there."""
    g.since(11)
    x = g.pick(rank=range(1, 4), where=at_least_one)
    end = g.node("Squeeze", size_of(g, x, x.rank - 1), whole(g, 0)) if g.opset >= 13 else g.node("Squeeze", size_of(g, x, x.rank - 1), axes=[0])
    zero, one = g.constant(np.array(0, np.int64)), g.constant(np.array(1, np.int64))
    places = g.node("Range", zero, end, one)
    if g.chance(0.5):
        return g.node("Where", g.node("Less", places, whole(g, g.between(0, 6))), x, g.constant(np.array(0, x.dtype)))
    scale = g.constant(np.array(0.1, x.dtype))
    return g.node("Add", x, g.node("Mul", g.node("CastLike", places, x) if g.opset >= 15 else cast(g, places, x.dtype), scale))


def cast(g, x, dtype):
    from onnx import helper

    return g.node("Cast", x, to=helper.np_dtype_to_tensor_dtype(np.dtype(dtype)))


def filled(g):
    """A constant as large as another tensor."""
    g.since(9)
    x = g.pick(rank=range(1, 5), where=at_least_one)
    from onnx import numpy_helper

    value = numpy_helper.from_array(np.array([g.choose(0, 1, 0.5)], x.dtype))
    return g.node("Max", x, g.node("ConstantOfShape", g.node("Shape", x), value=value)) if g.opset >= 13 or x.dtype == np.float32 else None


def tile(g):
    """As often as another tensor is long."""
    x = g.pick(rank=range(1, 3), where=lambda t: 0 < t.size <= 200)
    y = g.pick(rank=range(1, 4), where=lambda t: 0 < t.size and t.shape[0] <= 6)
    repeats = [whole(g, 1)] * (x.rank - 1)
    repeats.insert(g.between(0, len(repeats)), size_of(g, y, 0))
    return g.node("Tile", x, g.node("Concat", *repeats, axis=0) if len(repeats) > 1 else repeats[0])


def topk(g):
    """As many of the greatest as half of an axis."""
    g.since(11)
    x = g.pick(rank=range(1, 4), where=lambda t: 0 not in t.shape and t.shape[-1] > 1)
    if len(np.unique(x.value)) < x.size:
        raise Rejected("equal elements")
    k = g.node("Div", size_of(g, x, x.rank - 1), whole(g, 2))
    return g.node("TopK", x, k, outputs=2)


def count(g):
    """How many elements there are, as a number of floats."""
    x = g.pick(rank=range(1, 5), where=at_least_one)
    number = cast(g, g.node("Size", x), x.dtype)
    return g.node("Div", x, number)


FAMILY = [(4, reshape), (4, slice_), (2, expand), (3, range_), (2, filled), (2, tile), (1, topk), (1, count)]
