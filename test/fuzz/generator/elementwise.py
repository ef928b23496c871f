"""elementwise.py - functions of single elements, operands that are broadcast, comparisons and casts."""

import numpy as np

from .graph import BOOL, F16, F32, F64, I8, I32, I64, U8, FLOATS, Rejected

ANY = (F32, F16, F64, I8, U8, I32, I64, BOOL)
INTEGERS = (I32, I64, I8, U8)
# Operator: the opset that brought it. Functions of all numbers.
PLAIN = {
    "Abs": 7, "Neg": 7, "Relu": 7, "Tanh": 7, "Sigmoid": 7, "Exp": 7, "Sin": 7, "Cos": 7, "Softplus": 7, "Softsign": 7, "Elu": 7, "Selu": 7,
    "LeakyRelu": 7, "HardSigmoid": 7, "Identity": 7, "Erf": 9, "Sign": 9, "Sinh": 9, "Asinh": 9, "Atan": 7, "ThresholdedRelu": 10,
    "Celu": 12, "HardSwish": 14, "Mish": 18, "Gelu": 20, "Floor": 7, "Ceil": 7, "Round": 11, "Shrink": 9, "Cosh": 9, "Dropout": 7,
}  # fmt: skip
# ONNX Runtime's f64 results have the precision of f32.
SHORT = ("Erf", "Gelu", "HardSwish", "Shrink")
# Functions of some numbers, and what brings every number into their domain.
PARTIAL = {
    "Log": "positive", "Sqrt": "positive", "Reciprocal": "positive", "Asin": "unit", "Acos": "unit", "Atanh": "unit", "Tan": "unit",
    "Acosh": "above one",
}  # fmt: skip


def unary(g):
    x = g.pick()
    op = g.rng.choice(list(PLAIN))
    g.since(PLAIN[op])
    if op in SHORT and x.dtype == F64:
        raise Rejected("ONNX Runtime computes it in f32")
    attributes = {}
    if op in ("LeakyRelu", "Elu", "ThresholdedRelu", "Celu", "HardSigmoid") and g.chance(0.6):
        attributes["alpha"] = g.choose(0.01, 0.25, 0.5, 1.25)
    if op == "Gelu":
        attributes["approximate"] = g.choose("none", "tanh")
    if op == "Shrink":
        attributes.update(bias=g.choose(0.0, 0.3), lambd=g.choose(0.5, 0.25))
    return g.node(op, x, **attributes)


def partial(g):
    x = g.pick()
    op = g.rng.choice(list(PARTIAL))
    if op in ("Acosh", "Atanh"):
        g.since(9)
    kind = PARTIAL[op]
    if kind == "unit":
        inside = g.node("Mul", g.node("Tanh", x), g.constant(x.dtype.type(0.9)))
    else:
        inside = g.node("Add", g.node("Abs", x), g.constant(x.dtype.type(0.25 if kind == "positive" else 1.25)))
    return g.node(op, inside)


def integer_unary(g):
    x = g.pick(dtype=INTEGERS)
    op = g.choose("Abs", "Neg", "Sign", "Identity", "Relu", "BitwiseNot")
    g.since({"Sign": 9, "Relu": 14, "BitwiseNot": 18}.get(op, 7))
    if op == "Neg" and x.dtype == U8:
        raise Rejected("no negative numbers")
    return g.node(op, x)


def broadcast_shape(g, shape):
    """A shape that can be broadcast with this one, to it or beyond."""
    kind = g.rng.random()
    if kind < 0.15:
        return g.choose((), (1,))
    if kind < 0.4:
        return tuple(shape[g.between(0, len(shape)) :])
    shape = [s if g.chance(0.5) else 1 for s in shape]
    if kind < 0.55 and len(shape) < 5:
        return (g.choose(1, 2, 3), *shape)
    if kind < 0.7:
        return tuple(shape)
    return tuple(shape[g.between(0, len(shape)) :])


def partner(g, x):
    """Another operand for an operator that broadcasts."""
    found = [t for t in g.visible() if t.dtype == x.dtype and fits(t.shape, x.shape)]
    if found and g.chance(0.6):
        return g.rng.choice(found)
    shape = x.shape if g.chance(0.4) else broadcast_shape(g, x.shape)
    return g.given(g.random(shape, x.dtype))


def fits(a, b):
    return all(m == n or 1 in (m, n) for m, n in zip(a[::-1], b[::-1]))


def shuffled(g, x, y):
    return (x, y) if g.chance(0.6) else (y, x)


def binary(g):
    x = g.pick()
    y = partner(g, x)
    op = g.rng.choices(("Add", "Mul", "Sub", "Div", "Pow", "Max", "Min", "Mod"), (6, 6, 4, 3, 1, 2, 2, 1))[0]
    if op == "Div":
        return g.node("Div", x, g.node("Add", g.node("Abs", y), g.constant(y.dtype.type(0.5))))
    if op == "Pow":
        if g.chance(0.5):
            exponent = g.constant(np.array(g.choose(2, 3, 0, 1, -1, 0.5), x.dtype), isNode=False)
            base = x if exponent.value in (0, 1, 2, 3) else g.node("Add", g.node("Abs", x), g.constant(x.dtype.type(0.5)))
            return g.node("Pow", base, exponent)
        return g.node("Pow", g.node("Add", g.node("Abs", x), g.constant(x.dtype.type(0.5))), y)
    if op == "Mod":
        g.since(10)
        return g.node("Mod", x, g.node("Add", g.node("Abs", y), g.constant(y.dtype.type(0.5))), fmod=1)
    if op in ("Max", "Min"):
        g.since(8)
    return g.node(op, *shuffled(g, x, y))


def integer_binary(g):
    x = g.pick(dtype=INTEGERS)
    y = partner(g, x)
    op = g.choose("Add", "Mul", "Sub", "Div", "Max", "Min", "Mod", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "Pow", "BitShift")
    g.since({"Max": 12, "Min": 12, "Mod": 10, "BitwiseAnd": 18, "BitwiseOr": 18, "BitwiseXor": 18, "BitShift": 11, "Pow": 12}.get(op, 7))
    if x.dtype in (I8, U8) and op in ("Add", "Mul", "Sub", "Div"):
        g.since(14)
    if op in ("Div", "Mod"):
        divisor = g.given(np.where(g.numbers.random(y.shape) < 0.5, 3, 7).astype(x.dtype))
        # Integer division is truncated since opset 14's text, and was left to C++ before: no negative dividend is unclear.
        dividend = x if op == "Mod" else g.node("Abs", x)
        return g.node(op, dividend, divisor, **({"fmod": g.choose(0, 1)} if op == "Mod" else {}))
    if op == "Pow":
        if x.dtype not in (I32, I64) or np.abs(x.value).max(initial=0) > 100:
            raise Rejected("not defined")
        return g.node("Pow", x, g.constant(np.array(g.choose(0, 1, 2, 3), x.dtype)))
    if op == "BitShift":
        if x.dtype != U8:
            raise Rejected("not defined")
        return g.node("BitShift", x, g.given(g.numbers.integers(0, 7, y.shape).astype(x.dtype)), direction=g.choose("LEFT", "RIGHT"))
    return g.node(op, *shuffled(g, x, y))


def variadic(g):
    g.since(8)
    x = g.pick()
    operands = [x, *(partner(g, x) for _ in range(g.between(0, 3)))]
    g.rng.shuffle(operands)
    if any(not fits(a.shape, b.shape) for a in operands for b in operands):
        raise Rejected("shapes do not fit")
    return g.node(g.choose("Sum", "Mean", "Max", "Min"), *operands)


def comparison(g):
    x = g.pick(dtype=(g.dtype, g.dtype, I32, I64))
    y = partner(g, x)
    op = g.choose("Equal", "Less", "Greater", "LessOrEqual", "GreaterOrEqual")
    g.since({"LessOrEqual": 12, "GreaterOrEqual": 12, "Equal": 11}.get(op, 7 if x.isFloat else 9))
    return g.node(op, *shuffled(g, x, y))


def logic(g):
    x = g.pick(dtype=BOOL)
    op = g.choose("And", "Or", "Xor", "Not")
    return g.node("Not", x) if op == "Not" else g.node(op, *shuffled(g, x, partner(g, x)))


def where(g):
    g.since(9)
    x = g.pick(dtype=(g.dtype, g.dtype, I64, I32, U8))
    found = [t for t in g.visible() if t.dtype == BOOL and fits(t.shape, x.shape)]
    condition = g.rng.choice(found) if found else g.given(g.random(broadcast_shape(g, x.shape), BOOL))
    y = partner(g, x)
    if not fits(y.shape, condition.shape):
        raise Rejected("shapes do not fit")
    return g.node("Where", condition, *shuffled(g, x, y))


def clip(g):
    x = g.pick(dtype=(g.dtype, g.dtype, g.dtype, I32, I64, U8, I8))
    low, high = sorted(g.rng.sample([-6, -1, -0.5, 0, 0.5, 1, 2, 3, 6], 2))
    low, high = g.choose((low, high), (low, None), (None, high), (low, high), (None, None))
    if not x.isFloat:
        g.since(12)
        low, high = (None if v is None else max(int(v), 0) for v in (low, high))
    if g.opset < 11:
        return g.node("Clip", x, min=low if low is None else float(low), max=high if high is None else float(high))
    bound = lambda v: None if v is None else g.given(x.dtype.type(v), 0.9)
    return g.node("Clip", x, bound(low), bound(high))


def cast(g):
    x = g.pick(dtype=ANY)
    to = g.rng.choices((g.dtype, F32, F16, F64, I32, I64, U8, I8, BOOL), (8, 2, 1, 1, 2, 2, 1, 1, 2))[0]
    if to == F16 and x.size and np.abs(x.value.astype(np.float64)).max() > 100:
        raise Rejected("does not fit")
    if x.isFloat and to in (U8, I8, I32, I64):
        # Beyond the integer's range everything is allowed.
        x = g.node("Abs", x) if to == U8 else x
        if x.size and np.abs(x.value).max() > 120:
            raise Rejected("does not fit")
    if g.opset >= 15 and g.chance(0.2):
        return g.node("CastLike", x, g.constant(np.zeros((), to)))
    return g.node("Cast", x, to={F16: 10, F32: 1, F64: 11, I32: 6, I64: 7, U8: 2, I8: 3, BOOL: 9}[to])


def prelu(g):
    x = g.pick(rank=(1, 2, 3, 4, 5))
    shape = [s if g.chance(0.5) else 1 for s in x.shape][g.between(0, x.rank - 1) :]
    return g.node("PRelu", x, g.given(g.random(shape)))


def questions(g):
    g.since(10)
    x = g.pick()
    return g.node(g.choose("IsNaN", "IsInf"), x)


FAMILY = [
    (10, unary), (4, partial), (14, binary), (2, variadic), (3, comparison), (2, logic), (3, where), (3, clip), (4, cast), (1, prelu),
    (2, integer_unary), (4, integer_binary), (0.3, questions),
]  # fmt: skip
