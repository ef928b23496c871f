"""elementwise.py - functions of single elements, of broadcast ones, comparisons, casts and choices."""

import numpy as np

from .case import DTYPE, FLOATS, RANGE, WIDE, rule

# Several to a byte.
PACKED = ("int4", "uint4", "int2", "uint2", "float4e2m1")
# What keeps numbers inside the domain, where half of the cases stay.
INSIDE = {"Acos": "unit", "Asin": "unit", "Atanh": "unit", "Log": "positive", "Sqrt": "positive", "Reciprocal": "positive"}
# The references compute infinity times zero where there is a limit.
LIMITS = ("Gelu", "HardSwish", "Mish", "Swish")


@rule(*"""Abs Acos Acosh Asin Asinh Atan Atanh BitwiseNot Ceil Celu Cos Cosh Elu Erf Exp Floor Gelu HardSigmoid HardSwish Identity IsInf
IsNaN LeakyRelu Log Mish Neg Not Reciprocal Relu Round Selu Shrink Sigmoid Sign Sin Sinh Softplus Softsign Sqrt Swish Tan Tanh
ThresholdedRelu""".split())  # fmt: skip
def unary(c):
    name = c.schema.inputs[0].name
    kind = c.choose("wild", INSIDE.get(c.name, "normal"))
    # As a float the greatest integer is one that no integer is.
    if c.name == "Shrink" and c.type(c.variable(name)) in RANGE:
        kind = "normal"
    x = c.input(name, c.shape(), kind)
    if c.name in LIMITS and x.dtype.kind not in "iub":
        c.inputs[name] = np.where(np.isinf(x.astype(np.float64)), np.ones_like(x), x)
    for attribute in c.schema.attributes:
        if attribute in ("alpha", "beta", "gamma", "lambd", "bias"):
            c.attribute(attribute, 0.25, 0.5, 1.0, 1.5, 0.0 if c.name not in ("Celu",) else 2.0)
        if attribute == "approximate":
            c.attribute(attribute, "none", "tanh")
        if attribute.startswith("detect"):
            c.attribute(attribute, 0, 1)


def operands(c, first, second, kind, kind_of_second=None):
    dims = c.shape()
    a, b = dims, c.broadcast(dims)
    if c.chance(0.3):
        a, b = b, a
    if c.chance(0.2):
        a = c.broadcast(a)
    return c.input(first, a, kind), c.input(second, b, kind_of_second or kind)


@rule(*"Add Sub Mul And Or Xor Equal Greater GreaterOrEqual Less LessOrEqual BitwiseAnd BitwiseOr BitwiseXor PRelu".split())
def binary(c):
    first, second = (parameter.name for parameter in c.schema.inputs)
    if c.name == "PRelu":
        dims = c.shape()
        c.input(first, dims, c.choose("wild", "normal"))
        c.input(second, c.broadcast(dims))
        return
    operands(c, first, second, c.choose("wild", "normal", "small"))


@rule("Div", "Mod")
def divide(c):
    word = c.type("T")
    if c.name == "Mod" and c.has_attribute("fmod"):
        if word in FLOATS or c.chance(0.3):
            c.attributes["fmod"] = 1
    _, b = operands(c, "A", "B", c.choose("wild", "normal"))
    if word in RANGE:
        # Nobody says what a number by zero is, nor the least one by -1.
        b[b == 0] = 3
        b[b == DTYPE[word].type(RANGE[word][1])] = 2 if RANGE[word][0] == 0 else 3
        c.inputs["B"] = np.where(b.astype(np.int64) == -1, 5 if RANGE[word][1] > 4 else 1, b.astype(np.int64)).astype(b.dtype) if RANGE[word][0] else b


@rule("Pow")
def power(c):
    c.type("T")
    x, y = operands(c, "X", "Y", "positive", c.choose("small", "positive") if c.types["T"] in FLOATS else "positive")
    if c.types["T"] not in FLOATS:
        c.inputs["X"] = (x.astype(np.int64) % 4 + 1).astype(x.dtype)
        c.inputs["Y"] = (np.abs(y.astype(np.float64)) % 4).astype(np.int64).astype(y.dtype)


@rule("BitShift")
def shift(c):
    _, y = operands(c, "X", "Y", "wild")
    c.inputs["Y"] = (y % (8 * y.dtype.itemsize)).astype(y.dtype)
    c.attributes["direction"] = c.choose("LEFT", "RIGHT")


@rule("Max", "Min", "Mean", "Sum")
def variadic(c):
    dims, name = c.shape(), c.schema.inputs[0].name
    word, kind = c.type("T"), c.choose("wild", "normal")
    if c.name in ("Mean", "Sum") and kind == "wild":
        kind = "normal"
    c.inputs[name] = [c.array(word, dims if c.chance(0.5) else c.broadcast(dims), kind) for _ in range(c.integer(1, 4))]


@rule("Clip")
def clip(c):
    word = c.type("T")
    # Before opset 11 the lowest finite number is the least without 'min'.
    c.input("input", c.shape(), c.choose("wild", "normal") if c.opset >= 11 else "normal")
    low, high = c.array(word, (), "normal"), c.array(word, (), "normal")
    for name, value in (("min", low), ("max", high)):
        if c.chance(0.7):
            c.give(name, value, 0.6, word)


@rule("Where")
def where(c):
    dims = c.shape()
    c.input("condition", c.broadcast(dims))
    c.input("X", dims if c.chance(0.5) else c.broadcast(dims), "wild")
    c.input("Y", dims if c.chance(0.5) else c.broadcast(dims), "wild")


def castable(c, word, to, dims):
    """Numbers whose cast everyone agrees about: what does not fit an integer may become anything."""
    x = c.array(word, dims, "wild")
    if word in FLOATS and to in RANGE and to != "bool":
        x = c.array(word, dims, "positive" if RANGE[to][0] == 0 else "normal")
        if RANGE[to][1] < 20:
            x = (np.tanh(x.astype(np.float32)) * RANGE[to][1]).astype(x.dtype)
    elif word in RANGE and to in FLOATS and to not in WIDE:
        x = c.array(word, dims, "positive")
    return x


@rule("Cast")
def cast(c):
    word, to = c.type("T1"), c.type("T2")
    c.value("input", castable(c, word, to, c.shape()))
    from .case import NUMBER

    c.attributes["to"] = NUMBER[to]
    if to.startswith("float8e") and to != "float8e8m0":
        c.attribute("saturate", 0, 1)


@rule("CastLike")
def cast_like(c):
    word, to = c.type("T1"), c.type("T2")
    c.value("input", castable(c, word, to, c.shape()))
    c.input("target_type", c.shape())
    if to.startswith("float8e") and to != "float8e8m0":
        c.attribute("saturate", 0, 1)


@rule("BitCast")
def bit_cast(c):
    from .case import NUMBER, Skip

    word = c.type("T1")
    same = [w for w in c.allowed("T2") if DTYPE[w].itemsize == DTYPE[word].itemsize and w not in ("bool", *PACKED)]
    if word in ("bool", *PACKED) or not same:
        raise Skip("no other type of that size")
    c.types["T2"] = c.rng.choice(same)
    c.attributes["to"] = NUMBER[c.types["T2"]]
    c.input("input", c.shape(), "wild")


@rule("Dropout")
def dropout(c):
    c.input("data", c.shape(), "wild")
    if c.has_input("ratio") and c.chance(0.5):
        c.input("ratio", [], "unit", constant=0.7)
        c.inputs["ratio"] = abs(c.inputs["ratio"])
        if c.chance(0.4):
            c.value("training_mode", np.array(False))
    c.attribute("ratio", 0.1, 0.9)


@rule("Bernoulli", "RandomNormalLike", "RandomUniformLike", "Multinomial", "RandomNormal", "RandomUniform")
def random(c):
    from .case import Skip

    raise Skip("results are drawn")


@rule("SwiGLU")
def swiglu(c):
    dims = c.shape()
    c.input("A", dims)
    c.input("B", dims)
    c.attribute("alpha", 0.5, 1.7)
