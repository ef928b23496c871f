"""indexing.py - elements found by index, order or scale."""

import numpy as np

from .graph import BOOL, F16, I32, I64, Rejected
from .layout import anything


def indices(g, shape, size, dtype=None):
    if size == 0:
        raise Rejected("no element")
    low = -size if g.opset >= 11 and g.chance(0.3) else 0
    return g.given(g.numbers.integers(low, size, shape).astype(dtype or g.choose(np.int64, np.int64, np.int32)), 0.6)


def gather(g):
    x = anything(g, rank=range(1, 5))
    axis = g.between(0, x.rank - 1)
    shape = g.choose((), (1,), (3,), (2, 3), (g.size(),), (5, 1))
    return g.node("Gather", x, indices(g, shape, x.shape[axis]), axis=axis)


def gather_elements(g):
    g.since(11)
    x = anything(g, rank=range(1, 5))
    axis = g.between(0, x.rank - 1)
    shape = [g.between(1, max(s, 1)) if a != axis and g.chance(0.2) else s for a, s in enumerate(x.shape)]
    shape[axis] = g.size()
    return g.node("GatherElements", x, indices(g, shape, x.shape[axis]), axis=axis)


def gather_nd(g):
    g.since(11)
    x = anything(g, rank=range(1, 5), where=lambda t: t.size)
    depth = g.between(1, x.rank)
    batch = g.between(0, x.rank - depth) if g.opset >= 12 and g.chance(0.3) else 0
    shape = (*x.shape[:batch], *g.choose((2,), (3, 2), (1,)), depth)
    index = np.stack([g.numbers.integers(0, x.shape[batch + d], shape[:-1]) for d in range(depth)], -1)
    return g.node("GatherND", x, g.given(index.astype(np.int64), 0.6, ranks=True), **({"batch_dims": batch} if batch else {}))


def reduction_for(g, opsets=(16, 18)):
    """{} or a reduction; without one every place is written once only."""
    if g.opset >= opsets[0] and g.chance(0.4):
        return {"reduction": g.choose("add", "mul", *(("max", "min") if g.opset >= opsets[1] else ()))}
    return {}


def scatter_elements(g):
    g.since(9)
    x = anything(g, rank=range(1, 5), where=lambda t: t.size and t.dtype != BOOL)
    axis = g.between(0, x.rank - 1)
    op = "ScatterElements" if g.opset >= 11 else "Scatter"
    how = reduction_for(g) if op == "ScatterElements" else {}
    shape = list(x.shape)
    shape[axis] = g.between(1, x.shape[axis]) if not how else g.size()
    if how:
        index = g.numbers.integers(0, x.shape[axis], shape)
    else:
        index = np.argsort(g.numbers.random(x.shape), axis).take(range(shape[axis]), axis)
    return g.node(op, x, g.given(index.astype(np.int64), 0.6), g.some(shape, x.dtype), axis=axis, **how)


def scatter_nd(g):
    g.since(11)
    x = anything(g, rank=range(1, 5), where=lambda t: t.size and t.dtype != BOOL)
    depth = g.between(1, x.rank)
    how = reduction_for(g)
    places = int(np.prod(x.shape[:depth]))
    count = g.between(1, min(places, 8))
    flat = g.numbers.integers(0, places, count) if how else g.numbers.permutation(places)[:count]
    index = np.stack(np.unravel_index(flat, x.shape[:depth]), -1).astype(np.int64)
    return g.node("ScatterND", x, g.given(index, 0.6, ranks=True), g.some((count, *x.shape[depth:]), x.dtype), **how)


def one_hot(g):
    g.since(9)
    depth = g.between(1, 9)
    shape = g.choose((3,), (2, 3), (g.size(),))
    index = g.given(g.numbers.integers(-depth if g.opset >= 11 else 0, depth, shape).astype(np.int64), 0.4)
    values = g.given(np.array([0, 1], g.dtype), 0.8)
    return g.node("OneHot", index, g.constant(np.array(depth, np.int64)), values, axis=g.between(-1, len(shape)))


def topk(g):
    x = g.pick(rank=range(1, 5), dtype=(g.dtype, g.dtype, I64), where=lambda t: t.size and t.shape[-1] > 1)
    axis = g.between(0, x.rank - 1)
    k = g.between(1, x.shape[axis])
    if np.unique(x.value).size < x.size and x.isFloat:
        raise Rejected("ties")
    order = {"largest": g.choose(0, 1), "sorted": 1} if g.opset >= 11 else {}
    if g.opset < 10:
        return g.node("TopK", x, axis=axis, k=k, outputs=2)
    return g.node("TopK", x, g.ints([k]), axis=axis, outputs=2, **order)


def argmax(g):
    x = g.pick(rank=range(1, 5), dtype=(g.dtype, g.dtype, I32), where=lambda t: t.size)
    last = {"select_last_index": 1} if g.opset >= 12 and g.chance(0.3) else {}
    return g.node(g.choose("ArgMax", "ArgMin"), x, axis=g.between(0 if g.opset < 11 else -x.rank, x.rank - 1), keepdims=g.choose(0, 1), **last)


def cumsum(g):
    g.since(11)
    x = g.pick(rank=range(1, 5), dtype=(g.dtype, g.dtype, I32, I64))
    axis = g.constant(np.array(g.between(-x.rank, x.rank - 1), np.int64))
    return g.node("CumSum", x, axis, exclusive=g.choose(0, 0, 1), reverse=g.choose(0, 0, 1))


def compress(g):
    g.since(9)
    x = anything(g, rank=range(1, 5), where=lambda t: t.size)
    if g.chance(0.3):
        return g.node("Compress", x, g.given(g.random((g.between(1, x.size),), BOOL)))
    axis = g.between(0, x.rank - 1)
    return g.node("Compress", x, g.given(g.random((g.between(1, x.shape[axis]),), BOOL)), axis=axis)


def non_zero(g):
    g.since(9)
    x = g.pick(dtype=(BOOL, I64, I32, g.dtype), rank=range(1, 4))
    return g.node("NonZero", x)


def reverse_sequence(g):
    g.since(10)
    x = g.pick(rank=range(2, 5), where=lambda t: t.size)
    lengths = lambda batch, time: g.given(g.numbers.integers(1, x.shape[time] + 1, x.shape[batch]).astype(np.int64))
    batch = g.choose(0, 1)
    return g.node("ReverseSequence", x, lengths(batch, 1 - batch), batch_axis=batch, time_axis=1 - batch)


def trilu(g):
    g.since(14)
    x = anything(g, rank=range(2, 5))
    k = g.constant(np.array(g.between(-2, 3), np.int64)) if g.chance(0.6) else None
    return g.node("Trilu", x, k, upper=g.choose(0, 1))


def resize(g):
    x = g.pick(rank=(3, 4, 4, 4), where=lambda t: t.size)
    spatial = x.shape[2:]
    if g.opset < 10:
        scales = [1.0, 1.0, *(float(g.choose(1, 2, 3)) for _ in spatial)]
        if g.opset == 9:
            return g.node("Upsample", x, g.constant(np.array(scales, np.float32)), mode="nearest")
        return g.node("Upsample", x, scales=scales, mode="nearest")
    if g.opset == 10:
        return g.node("Resize", x, g.constant(np.array([1, 1, *(g.choose(1, 2, 3) for _ in spatial)], np.float32)), mode="nearest")
    mode = g.rng.choices(("nearest", "linear", "cubic"), (4, 4, 1))[0]
    if mode == "cubic" and x.rank != 4:
        raise Rejected("only of images")
    how = {"mode": mode, "coordinate_transformation_mode": g.choose("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel")}
    if mode == "nearest":
        how["nearest_mode"] = g.choose("floor", "round_prefer_floor", "ceil", "round_prefer_ceil")
    if mode == "cubic" and g.chance(0.5):
        how["exclude_outside"] = 1
    if g.opset >= 18 and g.chance(0.15) and mode == "linear":
        how["antialias"] = 1
    roi = g.constant(np.zeros(0, np.float32), isNode=False) if g.opset < 13 else None
    if g.chance(0.5):
        # Scales whose products are not in doubt.
        scales = [1, 1, *(g.choose(0.5, 1, 1.5, 2, 3) for _ in spatial)]
        if any(int(s * f) < 1 for s, f in zip(x.shape, scales)):
            raise Rejected("nothing is left")
        # The suite's resize_downsample_scales_linear_align_corners divides by size * scale - 1, ONNX Runtime by the whole part.
        if how["coordinate_transformation_mode"] == "align_corners" and any(s * f % 1 for s, f in zip(x.shape, scales)):
            raise Rejected("not the same everywhere")
        return g.node("Resize", x, roi, g.given(np.array(scales, np.float32), 0.95), **how)
    sizes = [*x.shape[:2], *(g.between(1, 2 * s + 1) for s in spatial)]
    empty = g.constant(np.zeros(0, np.float32), isNode=False) if g.opset < 13 else None
    return g.node("Resize", x, roi, empty, g.ints(sizes, 0.95), **how)


def grid_sample(g):
    g.since(16)
    if g.dtype == F16:
        raise Rejected("no room for the coordinates")
    x = g.pick(rank=4, where=lambda t: t.size)
    grid = g.given((g.numbers.random((x.shape[0], g.size(), g.choose(1, 3, 5), 2)) * 2.4 - 1.2).astype(g.dtype))
    mode = g.choose("bilinear", "nearest") if g.opset < 20 else g.choose("linear", "nearest")
    return g.node("GridSample", x, grid, mode=mode, padding_mode=g.choose("zeros", "border", "reflection"), align_corners=g.choose(0, 1))


def embedding(g):
    """Rows of a table, looked up by numbers of tokens."""
    rows, width = g.choose(7, 16, 50), g.choose(8, 16, 24)
    table = g.constant(g.normal((rows, width)))
    tokens = g.input(g.numbers.integers(0, rows, g.choose((1, 5), (2, 7), (9,))).astype(np.int64))
    return g.node("Gather", table, tokens)


def eye_like(g):
    g.since(9)
    x = g.pick(rank=2)
    return g.node("EyeLike", x, k=g.between(-1, 2))


FAMILY = [
    (6, gather), (2, gather_elements), (2, gather_nd), (2, scatter_elements), (2, scatter_nd), (1, one_hot), (2, topk), (3, argmax),
    (2, cumsum), (1, compress), (0.7, non_zero), (1, reverse_sequence), (1, trilu), (5, resize), (0.7, grid_sample), (1, embedding), (0.3, eye_like),
]  # fmt: skip
