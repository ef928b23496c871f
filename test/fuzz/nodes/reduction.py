"""reduction.py - sums, greatest, least and norms along axes, scans, and losses."""

import numpy as np

from .case import DTYPE, FLOATS, RANGE, WIDE, ints, rule


@rule(*"ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare".split())
def reduce_(c):
    dims = c.shape(empty=0.02)
    word = c.type("T")
    kind = {"ReduceLogSum": "positive", "ReduceProd": "unit"}.get(c.name, "normal")
    if c.name in ("ReduceMax", "ReduceMin") and c.chance(0.4):
        kind = "wild"
    x = c.input("data", dims, kind)
    if kind == "wild" and word in FLOATS:
        c.inputs["data"] = np.where(np.isnan(x.astype(np.float64)), np.zeros_like(x), x)
    if word in RANGE and c.name not in ("ReduceMax", "ReduceMin"):
        c.inputs["data"] = (x % 3 + (c.name == "ReduceLogSum")).astype(x.dtype)
    if c.chance(0.8) and dims:
        c.give("axes", c.axes(len(dims), 0 if c.has_input("axes") else 1) if c.opset >= 11 else sorted(a % len(dims) for a in c.axes(len(dims))), 0.9)
    c.attribute("keepdims", 0, 1)
    c.attribute("noop_with_empty_axes", 0, 1)
    if c.name == "ReduceLogSumExp" and word in RANGE:
        c.distrusted.add("ort")
    c.accumulates = True


@rule("CumSum", "CumProd")
def cumulate(c):
    dims = c.shape(1, 4, 500)
    c.input("x", dims, "unit" if c.name == "CumProd" else "normal")
    axis = c.type("T2")
    c.value("axis", np.array(c.axis(len(dims)), DTYPE[axis]), 0.8)
    c.attribute("exclusive", 0, 1)
    c.attribute("reverse", 0, 1)
    c.accumulates = True


@rule("Softmax", "LogSoftmax", "Hardmax", "LpNormalization")
def softmax(c):
    dims = c.shape(1 if c.opset >= 13 else 2)
    name = c.schema.inputs[0].name
    x = c.input(name, dims)
    if c.name != "LpNormalization":
        c.inputs[name] = (x * DTYPE[c.types["T"]].type(c.choose(1, 10))).astype(x.dtype)
    c.attribute("axis", *range(-len(dims) if c.opset >= 11 or c.name == "LpNormalization" else 0, len(dims)))
    c.attribute("p", 1, 2)
    if c.opset < 13:
        c.distrusted.add("reference")
    c.accumulates = c.name != "Hardmax"


@rule("MeanVarianceNormalization")
def mean_variance(c):
    dims = c.shape(4, 4, empty=0)
    c.input("X", dims)
    c.attribute("axes", [0], [1, 2], [0, 2, 3], [-1])
    c.accumulates = True


@rule("LRN")
def lrn(c):
    c.distrusted.add("reference")
    c.input("X", c.shape(4, 4))
    c.attributes["size"] = c.choose(1, 3, 5)
    c.attribute("alpha", 0.01, 0.5)
    c.attribute("beta", 0.5, 1.0)
    c.attribute("bias", 2.0, 0.5)


@rule("Det")
def det(c):
    n = c.integer(1, 6)
    c.input("X", [*c.shape(0, 2, 20), n, n])
    c.accumulates = True


@rule("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool")
def global_pool(c):
    dims = c.shape(3, 5, empty=0.02)
    c.input("X", dims)
    if c.name == "GlobalMaxPool" and len(dims) != 4:
        c.distrusted.add("reference")
    c.attribute("p", 1, 2, 3)
    c.accumulates = True


@rule("BatchNormalization")
def batch_norm(c):
    dims = c.shape(2, 5)
    c.input("X", dims)
    for name in ("scale", "B", "input_mean", "mean", "input_var", "var"):
        if c.has_input(name):
            c.input(name, dims[1:2], "positive" if "var" in name else "normal", constant=0.6)
    c.attribute("epsilon", 1e-3, 0.1)


@rule("InstanceNormalization")
def instance_norm(c):
    dims = c.shape(3, 5, empty=0.02)
    c.input("input", dims)
    c.input("scale", dims[1:2])
    c.input("B", dims[1:2])
    c.attribute("epsilon", 1e-3, 0.1)
    c.accumulates = True


@rule("GroupNormalization")
def group_norm(c):
    groups = c.choose(1, 2, 3)
    dims = c.shape(2, 5, empty=0)
    dims[1] = groups * c.choose(1, 2, 3)
    per = [dims[1]] if c.opset >= 21 else [groups]
    c.input("X", dims)
    c.input("scale", per)
    c.input("bias", per)
    c.attributes["num_groups"] = groups
    c.attribute("epsilon", 1e-3, 0.1)
    c.accumulates = True


@rule("LayerNormalization", "RMSNormalization")
def layer_norm(c):
    dims = c.shape(1, 5, empty=0.03)
    c.input("X", dims)
    axis = c.attribute("axis", *range(-len(dims), len(dims)))
    axis = -1 if axis is None else axis
    inner = dims[axis:] if axis < 0 else dims[axis:]
    scale, bias = ("scale", None) if c.name == "RMSNormalization" else ("Scale", "B")
    c.input(scale, inner if c.chance(0.7) else c.broadcast(inner))
    if bias and c.chance(0.6):
        c.input(bias, inner)
    c.attribute("epsilon", 1e-3, 0.1)
    c.accumulates = True
    if bias and c.chance(0.3):
        c.outputs = ["Y", "Mean", "InvStdDev"][: c.integer(2, 3)]


@rule("NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss")
def loss(c):
    dims = c.shape(2, 5, empty=0)
    first, second = (c.schema.inputs[i].name for i in (0, 1))
    c.input(first, dims)
    word = c.type(c.variable(second))
    target = np.asarray(c.numbers.integers(0, dims[1], [dims[0], *dims[2:]])).astype(DTYPE[word])
    ignored = c.attribute("ignore_index", -1, 0, 255)
    if ignored is not None:
        target = np.where(c.numbers.random(target.shape) < 0.2, ignored, target).astype(target.dtype)
        if ignored == 0:
            target.flat[0] = dims[1] - 1
        elif (target == ignored).all():
            target.flat[0] = 0
    c.value(second, target)
    if c.chance(0.5):
        c.input(c.schema.inputs[2].name, dims[1:2], "positive")
    c.attribute("reduction", "none", "sum", "mean")
    c.accumulates = True
    if c.name.startswith("Softmax") and c.chance(0.4):
        c.outputs = ["output", "log_prob"]


TERMS = {
    "ij,jk->ik": 2, "ij,kj": 2, "bij,bjk->bik": 2, "...ij,...jk->...ik": 2, "ii->i": 1, "ii": 1, "ij->ji": 1, "i,j->ij": 2, "ij->": 1, "ij,ij->i": 2,
    "bhqd,bhkd->bhqk": 2, "ijk->kj": 1, "i,i": 2, "...->...": 1, "a,ab,b->": 3, "ij,jk,kl->il": 3, "iij->ij": 1, "bi...,i...->b...": 2,
}  # fmt: skip


@rule("Einsum")
def einsum(c):
    equation = c.rng.choice(sorted(TERMS))
    c.attributes["equation"] = equation if c.chance(0.6) else equation.replace(",", " , ").replace("->", " -> ")
    dims = {letter: c.dim(7) for letter in "abdhijklmnqk"}
    more = c.shape(0, 2, 12, 0)
    word = c.type("T", (*WIDE, "int32", "int64", "int8", "uint8"))
    parts = []
    for term in equation.split("->")[0].split(","):
        shape = []
        for letter in term.replace("...", "."):
            shape += more if letter == "." else [dims[letter]]
        parts.append(c.array(word, shape, "small" if word in RANGE else "normal"))
        if word in RANGE:
            parts[-1] = parts[-1] % 4
    c.inputs["Inputs"] = parts
    c.accumulates = True


@rule("Adagrad", "Adam", "Momentum", domain="ai.onnx.preview.training")
def step(c):
    dims, word = c.shape(), c.type("T3" if c.name in ("Adam", "Momentum", "Adagrad") else "T")
    c.value("R", np.array(c.rng.random(), DTYPE[c.type("T1")]))
    c.value("T", np.array(c.integer(0, 4), np.int64))
    count = {"Adam": 4}.get(c.name, 3)
    kinds = ["normal", "normal", "positive" if c.name == "Adagrad" else "normal", "positive"][:count]
    c.inputs["inputs"] = [c.array(word, dims, kind) for kind in kinds]
    c.attribute("norm_coefficient", 0.01)
    if c.name == "Momentum":
        c.attributes.update(alpha=0.9, beta=0.5, norm_coefficient=0.01, mode=c.choose("standard", "nesterov"))
    if c.name == "Adam":
        c.attribute("alpha", 0.7)
        c.attribute("norm_coefficient_post", 0.1)
    if c.name == "Adagrad":
        c.attribute("decay_factor", 0.1)
    c.outputs = [f"outputs_{i}" for i in range(count - 1)]
    c.types["T3"] = word
