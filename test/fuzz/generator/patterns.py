"""patterns.py - pieces of real networks."""

import math

import numpy as np

from .graph import F16, F64, Rejected
from .layout import reshape_to, slice_of, split_of
from .reduction import reduce_of


def linear(g, x, n, hasBias=None):
    product = g.node("MatMul", x, g.weight((x.shape[-1], n), x.shape[-1]))
    if g.chance(0.7) if hasBias is None else hasBias:
        return g.node("Add", *((product, g.weight((n,), 1)) if g.chance(0.7) else (g.weight((n,), 1), product)))
    return product


def heads_of(g, x, heads, width):
    batch, steps, _ = x.shape
    shape = g.choose([0, 0, heads, width], [batch, -1, heads, width])
    return g.node("Transpose", g.node("Reshape", x, g.constant(np.array(shape, np.int64))), perm=[0, 2, 1, 3])


def attention(g):
    x = g.pick(rank=3, where=lambda t: t.size and t.shape[1] <= 100)
    batch, steps, width = x.shape
    heads, each = g.choose(1, 2, 3, 4), g.choose(4, 5, 8, 16)
    if g.chance(0.3):
        q, k, v = split_of(g, linear(g, x, 3 * heads * each), 2, [heads * each] * 3)
    else:
        q, k, v = (linear(g, x, heads * each) for _ in range(3))
    q, k, v = (heads_of(g, t, heads, each) for t in (q, k, v))
    if g.chance(0.3):
        q, k = rotated(g, q), rotated(g, k)
    scale = g.constant(np.array(1 / math.sqrt(each), x.dtype))
    if g.chance(0.3):
        q = g.node("Mul", q, scale)
        scores = g.node("MatMul", q, g.node("Transpose", k, perm=[0, 1, 3, 2]))
    else:
        scores = g.node("MatMul", q, g.node("Transpose", k, perm=[0, 1, 3, 2]))
        scores = g.node("Mul", scores, scale) if g.chance(0.6) else g.node("Div", scores, g.constant(np.array(math.sqrt(each), x.dtype)))
    scores = masked(g, scores, batch, steps)
    weights = g.node("Softmax", scores, axis=3)
    result = g.node("Transpose", g.node("MatMul", weights, v), perm=[0, 2, 1, 3])
    result = linear(g, reshape_to(g, result, [batch, steps, heads * each]), width)
    return g.node("Add", x, result) if g.chance(0.7) else result


def masked(g, scores, batch, steps):
    kind = g.rng.random()
    if kind < 0.4:
        return scores
    lowest = -100.0 if scores.dtype == F16 else g.choose(-1e4, -1e9, np.finfo(np.float32).min)
    if kind < 0.6:
        causal = np.triu(np.full((steps, steps), -50.0), 1).astype(scores.dtype)
        return g.node("Add", scores, g.given(causal[None, None]))
    if g.opset < 9:
        return scores
    mask = np.tril(np.ones((steps, steps), bool))[None, None] if kind < 0.8 else g.numbers.random((batch, 1, 1, steps)) < 0.8
    mask[..., 0] = True
    if np.abs(lowest) > 9000:  # the values of masked scores are beyond what is kept as a result of its own
        condition = g.given(mask)
        scores = g.node("Where", condition, scores, g.constant(np.array(-9000.0, scores.dtype)))
        return scores
    return g.node("Where", g.given(mask), scores, g.constant(np.array(lowest, scores.dtype)))


def rotated(g, x):
    """Rotary positions, halves turned against each other."""
    width = x.shape[-1]
    if width % 2:
        return x
    angles = np.outer(np.arange(x.shape[2]), 1 / 10 ** (np.arange(width // 2) / width))
    both = np.concatenate([angles, angles], -1)
    cos, sin = (g.constant(f(both).astype(x.dtype)) for f in (np.cos, np.sin))
    low = slice_of(g, x, [0], [width // 2], [3])
    high = slice_of(g, x, [width // 2], [2**31 - 1], [3])
    turned = g.node("Concat", g.node("Neg", high), low, axis=3)
    return g.node("Add", g.node("Mul", x, cos), g.node("Mul", turned, sin))


def attention_operator(g):
    g.since(23)
    heads, shared, steps, keys, each = g.choose(2, 4), g.choose(1, 2), g.choose(1, 3, 7), g.choose(3, 8), g.choose(4, 8)
    shape = lambda h, s: (2, h, s, each)
    q, k, v = g.some(shape(heads, steps)), g.some(shape(shared, keys)), g.some(shape(shared, keys))
    mask = g.given(g.numbers.random((steps, keys)) < 0.8) if g.chance(0.3) else None
    if mask is not None:
        mask.value[..., 0] = True
    return g.node("Attention", q, k, v, mask, is_causal=g.choose(0, 1) if mask is None else 0)


def gelu(g, x):
    half, one = g.constant(np.array(0.5, x.dtype)), g.constant(np.array(1, x.dtype))
    if g.opset >= 9 and x.dtype != F64 and g.chance(0.6):
        inner = g.node("Erf", g.node("Div", x, g.constant(np.array(math.sqrt(2), x.dtype))))
    else:
        cube = g.node("Mul", g.node("Mul", g.node("Mul", x, x), x), g.constant(np.array(0.044715, x.dtype)))
        inner = g.node("Tanh", g.node("Mul", g.node("Add", x, cube), g.constant(np.array(math.sqrt(2 / math.pi), x.dtype))))
    return g.node("Mul", g.node("Mul", x, g.node("Add", inner, one)), half)


def feed_forward(g):
    x = g.pick(rank=(2, 3), where=lambda t: t.size)
    inner = linear(g, x, g.choose(16, 24, 33))
    kind = g.rng.random()
    if kind < 0.4:
        inner = gelu(g, inner)
    elif kind < 0.7:
        inner = g.node("Mul", inner, g.node("Sigmoid", inner))
    else:
        inner = g.node("Mul", g.node(g.choose("Relu", "Tanh", "Sigmoid"), inner), linear(g, x, inner.shape[-1]))
    result = linear(g, inner, x.shape[-1])
    return g.node("Add", result, x) if g.chance(0.7) else result


def activation(g, x):
    kind = g.rng.random()
    if kind < 0.4:
        return g.node("Relu", x)
    if kind < 0.6 and g.opset >= 11:
        return g.node("Clip", x, g.constant(np.array(0, x.dtype)), g.constant(np.array(6, x.dtype)))
    return g.node("Mul", x, g.node("Sigmoid", x)) if kind < 0.8 else x


def block(g):
    """A residual block of convolutions, now and then with squeeze and excitation."""
    x = g.pick(rank=(3, 4), where=lambda t: t.size and t.shape[1] <= 64 and t.size <= 60_000)
    channels, rank = x.shape[1], x.rank - 2
    inner = g.choose(channels, 8, 16, 24)
    one = lambda t, n: g.node("Conv", t, g.weight((n, t.shape[1], *[1] * rank), t.shape[1]), g.weight((n,), 1) if g.chance(0.6) else None)
    y = activation(g, normed(g, one(x, inner)))
    depthwise = g.chance(0.5)
    taps = (inner, 1 if depthwise else inner, *[3] * rank)
    y = g.node("Conv", y, g.weight(taps, math.prod(taps[1:])), group=inner if depthwise else 1, pads=[1] * (2 * rank))
    y = activation(g, normed(g, y))
    if g.chance(0.4):
        squeezed = g.node("GlobalAveragePool", y) if g.chance(0.5) else reduce_of(g, "ReduceMean", y, list(range(2, 2 + rank)), 1)
        gate = g.node("Sigmoid", one(g.node("Relu", one(squeezed, g.choose(2, 4))), inner))
        y = g.node("Mul", y, gate) if g.chance(0.5) else g.node("Mul", gate, y)
    y = normed(g, one(y, channels))
    return activation(g, g.node("Add", x, y)) if g.chance(0.8) else y


def normed(g, x):
    if g.chance(0.5):
        return x
    c = x.shape[1]
    scale, bias, mean = (g.constant(g.normal((c,), scale=0.5)) for _ in range(3))
    variance = g.constant((np.abs(g.normal((c,))) + 0.5).astype(g.dtype))
    return g.node("BatchNormalization", x, scale, bias, mean, variance)


def channel_shuffle(g):
    x = g.pick(rank=4, where=lambda t: t.size and t.shape[1] % 2 == 0)
    n, c, h, w = x.shape
    y = g.node("Reshape", x, g.constant(np.array([n, 2, c // 2, h, w], np.int64)))
    return g.node("Reshape", g.node("Transpose", y, perm=[0, 2, 1, 3, 4]), g.constant(np.array([n, -1, h, w], np.int64)))


def patches(g):
    """An image as a sequence of patches, as vision transformers begin."""
    x = g.pick(rank=4, where=lambda t: t.size and t.shape[2] >= 4 and t.shape[3] >= 4)
    width = g.choose(8, 16, 20)
    y = g.node("Conv", x, g.weight((width, x.shape[1], 4, 4), x.shape[1] * 16), strides=[4, 4])
    return g.node("Transpose", g.node("Reshape", y, g.constant(np.array([x.shape[0], width, -1], np.int64))), perm=[0, 2, 1])


def join_scales(g):
    """Two sizes of an image joined, as U-nets do."""
    x = g.pick(rank=4, where=lambda t: t.size and t.shape[2] % 2 == 0 and t.shape[3] % 2 == 0)
    small = g.node("MaxPool", x, kernel_shape=[2, 2], strides=[2, 2])
    inner = g.node("Conv", small, g.weight((8, x.shape[1], 3, 3), x.shape[1] * 9), pads=[1] * 4)
    if g.opset >= 11 and g.chance(0.5):
        roi = g.constant(np.zeros(0, np.float32), False)
        large = g.node("Resize", inner, roi, g.constant(np.array([1, 1, 2, 2], np.float32)), mode=g.choose("nearest", "linear"))
    else:
        large = g.node("ConvTranspose", inner, g.weight((8, 8, 2, 2), 8), strides=[2, 2])
    return g.node("Concat", large, x, axis=1)


def cached_keys(g):
    """Keys of earlier steps joined with the new ones, which are results too."""
    past = g.input(g.normal((2, 3, g.choose(1, 4, 7), 8)))
    new = g.some((2, 3, g.choose(1, 2), 8))
    keys = g.node("Concat", past, new, axis=2)
    scores = g.node("MatMul", g.some((2, 3, 1, 8)), g.node("Transpose", keys, perm=[0, 1, 3, 2]))
    return g.node("MatMul", g.node("Softmax", scores, axis=3), keys)


FAMILY = [
    (4, attention), (1, attention_operator), (3, feed_forward), (6, block), (1, channel_shuffle), (1, patches), (2, join_scales),
    (1, cached_keys),
]  # fmt: skip
