"""contraction.py - products of matrices, convolutions and pools of one to three dimensions."""

import math

import numpy as np

from .graph import F64, Rejected


def matmul(g):
    x = g.pick(rank=range(1, 5))
    k = x.shape[-1]
    n = g.choose(g.size(), 8, 16, 32, *((96, 128, 200) if g.isLarge else ()))
    found = [t for t in g.visible() if t.dtype == x.dtype and t.rank >= 1 and can_multiply(x, t)]
    kind = g.rng.random()
    if found and kind < 0.3:
        return g.node("MatMul", x, g.rng.choice(found))
    if kind < 0.4:
        return g.node("MatMul", x, g.weight((k,), k))
    if kind < 0.6 and x.rank > 2:
        batch = [s if g.chance(0.7) else 1 for s in x.shape[:-2]][g.between(0, x.rank - 2) :]
        return g.node("MatMul", x, g.weight((*batch, k, n), k))
    if kind < 0.7 and x.rank > 1:
        return g.node("MatMul", g.weight((g.size(), x.shape[-2]), x.shape[-2]), x)
    return g.node("MatMul", x, g.weight((k, n), k))


def can_multiply(x, y):
    inner = y.shape[-2] if y.rank > 1 else y.shape[0]
    batch = zip(x.shape[:-2][::-1], y.shape[:-2][::-1])
    return x.shape[-1] == inner and all(m == n or 1 in (m, n) for m, n in batch)


def gram(g):
    """A product of a tensor with itself, the other way round."""
    x = g.pick(rank=range(2, 5))
    turned = g.node("Transpose", x, perm=[*range(x.rank - 2), x.rank - 1, x.rank - 2])
    product = g.node("MatMul", *((x, turned) if g.chance(0.5) else (turned, x)))
    return g.node("Mul", product, g.constant(np.array(1 / max(x.shape[-1], 1), x.dtype)))


def gemm(g):
    x = g.pick(rank=2)
    transA, transB = g.chance(0.25), g.chance(0.5)
    k, m = x.shape if transA else x.shape[::-1]
    n = g.choose(g.size(), 8, 16)
    w = g.weight((n, k) if transB else (k, n), k)
    c = None
    if g.opset < 11 or g.chance(0.8):
        shape = g.choose((n,), (1, n), (m, 1), (m, n), (), (1,))
        c = g.given(g.random(shape), 0.8)
    scale = g.choose({}, {}, {"alpha": 0.5}, {"beta": 0.25}, {"alpha": 1.5, "beta": 2.0})
    return g.node("Gemm", x, w, c, transA=int(transA), transB=int(transB), **scale)


EINSUMS = (
    "ij,jk->ik", "bij,bjk->bik", "bij,bkj->bik", "bhid,bhjd->bhij", "ij->ji", "ij->i", "bij,jk->bik", "ij,ij->", "i,j->ij", "bij->bj",
    "...ij,...jk->...ik", "ij,ij->ij", "bhij,bhjd->bihd", "ii->i", "bij,bi->bj", "abc,acd,de->abe", "ij,kj",
)  # fmt: skip


def einsum(g):
    g.since(12)
    equation = g.rng.choice(EINSUMS)
    terms = equation.split("->")[0].split(",")
    sizes = {letter: g.choose(1, 2, 3, 5, 8, 16) for letter in "abcdehijk"}
    batch = g.choose((), (2,), (3, 2))
    shapes = [(*(batch if "..." in t else ()), *(sizes[letter] for letter in t.replace("...", ""))) for t in terms]
    # The first term is a tensor that is there, if one has its rank.
    plain = [t for t in g.visible() if t.dtype == g.dtype and t.rank == len(shapes[0])]
    if plain and "..." not in equation and "ii" not in equation and g.chance(0.7):
        x = g.rng.choice(plain)
        sizes.update(zip(terms[0], x.shape))
        shapes = [tuple(sizes[letter] for letter in t) for t in terms]
        if not all(shapes[0][i] == s for i, s in enumerate(x.shape)):
            raise Rejected("does not fit")
        operands = [x, *(g.some(s, scale=0.5) for s in shapes[1:])]
    else:
        operands = [g.some(s, scale=0.5) for s in shapes]
    if any(o.size == 0 for o in operands):
        raise Rejected("ONNX Runtime divides by zero")
    return g.node("Einsum", *operands, equation=equation)


# ---- windows ----------------------------------------------------------------


def image(g):
    return g.pick(rank=(3, 4, 4, 4, 5), where=lambda t: 0 not in t.shape)


def windows(g, spatial, largest=5, isPool=False):
    """Attributes of a window that fits into the image."""
    rank = len(spatial)
    same = g.chance(0.5)
    kernel = [g.choose(1, 2, 3, 3, 3, largest) for _ in spatial]
    if same:
        kernel = [kernel[0]] * rank
    dilations = [g.choose(1, 1, 1, 2, 3) for _ in spatial]
    strides = [g.choose(1, 1, 2, 2, 3) for _ in spatial] if g.chance(0.5) else [1] * rank
    kind = g.rng.random()
    if isPool and kind < 0.3:
        # The references leave dilations out of the sizes of average pools with VALID, and read beyond the image.
        # "output_spatial_shape[i] = floor((input_spatial_shape[i] - 1) / strides_spatial_shape[i]) + 1" for SAME_*, whatever the
        # dilations; ONNX Runtime's pools subtract these.
        dilations = [1] * rank
    attributes = {"kernel_shape": kernel, "strides": strides, "dilations": dilations}
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilations)]
    if kind < 0.15:
        attributes["auto_pad"] = g.choose("SAME_UPPER", "SAME_LOWER")
    elif kind < 0.3:
        attributes["auto_pad"] = "VALID"
    elif kind < 0.65:
        attributes["pads"] = [r // 2 for r in reach] * 2
    elif kind < 0.85:
        attributes["pads"] = [g.between(0, min(r - 1, 3)) for r in reach * 2]
    pads = attributes.get("pads", [0] * (2 * rank))
    fits = all(s + pads[i] + pads[i + rank] >= r for i, (s, r) in enumerate(zip(spatial, reach)))
    if not attributes.get("auto_pad", "").startswith("SAME") and not fits:
        raise Rejected("the window is larger than the image")
    if strides == [1] * rank and g.chance(0.5):
        del attributes["strides"]
    if dilations == [1] * rank:
        del attributes["dilations"]
    return attributes


def conv(g):
    x = image(g)
    channels = x.shape[1]
    attributes = windows(g, x.shape[2:])
    groups = g.rng.choice([d for d in range(1, channels + 1) if channels % d == 0]) if g.chance(0.4) else 1
    if g.chance(0.15):
        groups = channels
    out = groups * g.choose(1, 1, 2) if groups > 1 else g.choose(g.size(), 8, 16, 32, *((48, 64) if g.isLarge else ()))
    kernel = attributes["kernel_shape"]
    if out * channels // groups * math.prod(kernel) * math.prod(x.shape[2:]) > (1e8 if g.isLarge else 8e6):
        raise Rejected("too large")
    fan = channels // groups * math.prod(kernel)
    w = g.weight((out, channels // groups, *kernel), fan)
    b = g.given(g.random((out,)), 0.8) if g.chance(0.6) else None
    if g.chance(0.5):
        del attributes["kernel_shape"]
    return g.node("Conv", x, w, b, group=groups if groups > 1 or g.chance(0.3) else None, **attributes)


def conv_transpose(g):
    x = image(g)
    channels = x.shape[1]
    spatial = x.shape[2:]
    groups = g.rng.choice([d for d in range(1, channels + 1) if channels % d == 0]) if g.chance(0.3) else 1
    out = g.choose(1, 2, 3, 8, 16) if groups == 1 else g.choose(1, 2)
    kernel = [g.choose(1, 2, 3, 4) for _ in spatial]
    strides = [g.choose(1, 2, 2, 3) for _ in spatial]
    dilations = [g.choose(1, 1, 1, 2) for _ in spatial]
    attributes = {"strides": strides, "dilations": dilations}
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilations)]
    kind = g.rng.random()
    if kind < 0.4:
        attributes["pads"] = [g.between(0, min(2, r - 1)) for r in reach * 2]
    elif kind < 0.55:
        attributes["output_padding"] = [g.between(0, max(s, d) - 1) for s, d in zip(strides, dilations)]
    elif kind < 0.65:
        attributes["auto_pad"] = g.choose("SAME_UPPER", "SAME_LOWER", "VALID")
        # "pad the input so that output_shape[i] = input_shape[i] * strides[i]"; ONNX Runtime gives less where windows do not touch.
        if any(r < s for r, s in zip(reach, strides)) and attributes["auto_pad"] != "VALID":
            raise Rejected("gaps between windows")
    pads = attributes.get("pads", [0] * (2 * len(spatial)))
    if any((s - 1) * st + r - pads[i] - pads[i + len(spatial)] < 1 for i, (s, st, r) in enumerate(zip(spatial, strides, reach))):
        raise Rejected("nothing is left")
    w = g.weight((channels, out, *kernel), channels // groups * math.prod(kernel))
    b = g.given(g.random((out * groups,)), 0.8) if g.chance(0.5) else None
    return g.node("ConvTranspose", x, w, b, group=groups, **attributes)


def pool(g):
    x = image(g)
    attributes = windows(g, x.shape[2:], 4, isPool=True)
    op = g.rng.choices(("MaxPool", "AveragePool", "LpPool"), (4, 4, 1))[0]
    if "dilations" in attributes and g.opset < {"MaxPool": 10, "AveragePool": 19, "LpPool": 18}[op]:
        raise Rejected("no dilations yet")
    pads, rank = attributes.get("pads"), x.rank - 2
    if pads and any(p >= k for p, k in zip(pads, attributes["kernel_shape"] * 2)):
        raise Rejected("windows of padding alone")
    if op != "LpPool" and g.opset >= 10 and g.chance(0.25) and "auto_pad" not in attributes:
        attributes["ceil_mode"] = 1
    if op == "AveragePool" and g.chance(0.3):
        attributes["count_include_pad"] = 1
    if op == "LpPool":
        attributes["p"] = g.choose(1, 2, 3)
    if op == "MaxPool" and g.opset >= 8 and g.chance(0.15):
        return g.node("MaxPool", x, outputs=2, **attributes)
    return g.node(op, x, **attributes)


def global_pool(g):
    x = g.pick(rank=(3, 4, 5), where=lambda t: 0 not in t.shape)
    if x.dtype == F64:
        raise Rejected("onnx.reference, which alone has it, drops an axis")
    return g.node(g.choose("GlobalAveragePool", "GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool"), x)


PRODUCTS = [(8, matmul), (2, gram), (4, gemm), (3, einsum)]
WINDOWS = [(10, conv), (3, conv_transpose), (5, pool), (1, global_pool)]
