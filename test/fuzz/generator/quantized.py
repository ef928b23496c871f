"""quantized.py - quantised operands, as they are written by exporters and by quantisers."""

import numpy as np

from .contraction import windows
from .graph import F16, F32, F64, I8, I32, U8, Rejected


def float_type(g):
    if g.dtype == F64 or g.dtype == F16 and g.opset < 19:
        raise Rejected("scales are f32")
    return g.dtype


def scale_for(g, x, dtype=F32):
    largest = float(np.abs(x.value).max()) if x.size else 1.0
    return np.array(max(largest, 0.05) / g.choose(20, 100, 127), dtype)


def zero_point(g, kind):
    return np.array(0 if g.chance(0.3) else g.between(100, 150) if kind == U8 else g.between(-20, 20), kind)


def quantize_of(g, x, kind=None):
    """(quantised, scale, zero point); what lies half way between two steps hangs on roundings, and is rejected."""
    g.since(10)
    kind = kind or g.choose(U8, U8, I8)
    scale, zero = g.constant(scale_for(g, x, float_type(g))), g.constant(zero_point(g, kind))
    return g.node("QuantizeLinear", x, scale, zero), scale, zero


def round_trip(g):
    x = g.pick(where=lambda t: t.size)
    quantized, scale, zero = quantize_of(g, x)
    return g.node("DequantizeLinear", quantized, scale, zero)


def dequantize(g):
    g.since(10)
    float_type(g)
    x = g.pick(dtype=(U8, I8, I32))
    scale = g.constant(np.array(0.03, g.dtype))
    zero = None if x.dtype == I32 or g.chance(0.3) else g.constant(zero_point(g, x.dtype))
    return g.node("DequantizeLinear", x, scale, zero)


def per_axis(g):
    g.since(13)
    float_type(g)
    x = g.pick(rank=range(1, 5), where=lambda t: t.size)
    axis = g.between(0, x.rank - 1)
    kind = g.choose(U8, I8)
    scale = g.constant((np.abs(g.normal((x.shape[axis],))) * 0.02 + 0.02).astype(g.dtype))
    zero = g.constant(g.numbers.integers(-5 if kind == I8 else 100, 20 if kind == I8 else 140, x.shape[axis]).astype(kind))
    quantized = g.node("QuantizeLinear", x, scale, zero, axis=axis)
    return g.node("DequantizeLinear", quantized, scale, zero, axis=axis) if g.chance(0.7) else quantized


def quantized_weight(g, shape, per_channel=None, axis=0):
    """A constant weight that is dequantised: (result, array of integers, scale, zero point)."""
    kind = g.choose(I8, I8, U8)
    low, high = (-127, 128) if kind == I8 else (0, 256)
    values = g.numbers.integers(low, high, shape).astype(kind)
    many = (g.opset >= 13 and g.chance(0.5)) if per_channel is None else per_channel
    scale = (0.01 + 0.01 * g.numbers.random(shape[axis] if many else ())) * np.float32(1)
    zero = np.zeros(scale.shape, kind) if kind == I8 else np.full(scale.shape, 128, kind)
    return g.constant(values, isNode=False), g.constant(scale.astype(g.dtype), isNode=False), g.constant(zero, isNode=False)


def qdq_product(g):
    """Quantise, dequantise, multiply by dequantised weights, and again: what quantisation-aware training leaves."""
    g.since(10)
    x = g.pick(rank=range(2, 5), where=lambda t: t.size)
    quantized, scale, zero = quantize_of(g, x, U8 if g.chance(0.7) else I8)
    left = g.node("DequantizeLinear", quantized, scale, zero)
    if x.rank == 4 and g.chance(0.7):
        attributes = windows(g, x.shape[2:], 3)
        out = g.choose(4, 8, 16, 17)
        w, ws, wz = quantized_weight(g, (out, x.shape[1], *attributes["kernel_shape"]))
        right = g.node("DequantizeLinear", w, ws, wz, **({"axis": 0} if ws.rank else {}))
        result = g.node("Conv", left, right, g.constant(g.random((out,))) if g.chance(0.5) else None, **attributes)
    else:
        n = g.choose(3, 8, 16, 32)
        w, ws, wz = quantized_weight(g, (x.shape[-1], n), axis=1)
        right = g.node("DequantizeLinear", w, ws, wz, **({"axis": 1} if ws.rank else {}))
        result = g.node("MatMul", left, right)
    result = g.node("Relu", result) if g.chance(0.4) else result
    if g.chance(0.5):
        quantized, scale, zero = quantize_of(g, result)
        return g.node("DequantizeLinear", quantized, scale, zero)
    return result


def bytes_of(g, rank):
    found = [t for t in g.visible() if t.dtype in (U8, I8) and t.rank in rank and t.size]
    if found and g.chance(0.7):
        return g.rng.choice(found)
    x = g.pick(rank=rank, where=lambda t: t.size)
    return quantize_of(g, x)[0]


def qlinear(g):
    g.since(10)
    if g.dtype != F32:
        raise Rejected("scales are f32")
    isImage = g.chance(0.6)
    x = bytes_of(g, (4,) if isImage else (2, 3))
    scale, zero = g.constant(np.array(0.02, np.float32), False), g.constant(zero_point(g, x.dtype), False)
    out = g.choose(4, 8, 16, 17)
    ys, yz = g.constant(np.array(g.choose(0.05, 0.2), np.float32), False), g.constant(zero_point(g, x.dtype), False)
    if isImage:
        attributes = windows(g, x.shape[2:], 3)
        w, ws, wz = quantized_weight(g, (out, x.shape[1], *attributes["kernel_shape"]))
        b = g.constant(g.numbers.integers(-500, 500, out).astype(np.int32), False) if g.chance(0.5) else None
        return g.node("QLinearConv", x, scale, zero, w, ws, wz, ys, yz, b, **attributes)
    w, ws, wz = quantized_weight(g, (x.shape[-1], out), False)
    return g.node("QLinearMatMul", x, scale, zero, w, ws, wz, ys, yz)


def integer_product(g):
    g.since(10)
    isImage = g.chance(0.4)
    x = bytes_of(g, (4,) if isImage else (2, 3))
    zero = g.constant(zero_point(g, x.dtype), False) if g.chance(0.7) else None
    if isImage:
        attributes = windows(g, x.shape[2:], 3)
        w, _, wz = quantized_weight(g, (g.choose(3, 8, 16), x.shape[1], *attributes["kernel_shape"]), False)
        return g.node("ConvInteger", x, w, zero, wz if g.chance(0.5) else None, **attributes)
    w, _, wz = quantized_weight(g, (x.shape[-1], g.choose(1, 5, 8, 16)), False)
    return g.node("MatMulInteger", x, w, zero, wz if g.chance(0.5) else None)


def dynamic(g):
    """Weights of bytes, activations quantised as they come: what quantize_dynamic leaves."""
    g.since(11)
    if g.dtype != F32:
        raise Rejected("only of f32")
    x = g.pick(rank=range(2, 4), where=lambda t: t.size)
    quantized, scale, zero = g.node("DynamicQuantizeLinear", x, outputs=3)
    n = g.choose(3, 8, 16, 33)
    w, ws, wz = quantized_weight(g, (x.shape[-1], n), False)
    product = g.node("MatMulInteger", quantized, w, zero, wz)
    return g.node("Mul", g.node("Cast", product, to=1), g.node("Mul", scale, ws))


FAMILY = [(3, round_trip), (2, dequantize), (2, per_axis), (5, qdq_product), (3, qlinear), (3, integer_product), (2, dynamic)]
