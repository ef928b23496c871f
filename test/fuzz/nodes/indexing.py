"""indexing.py - what reads and writes at places that numbers say, and what finds places."""

import numpy as np

from .case import DTYPE, Skip, ints, rule


def places(c, dims, limit, negative=True, word="int64"):
    low = -limit if negative and c.chance(0.5) else 0
    if limit == 0:
        raise Skip("no place to index")
    return np.asarray(c.numbers.integers(low, limit, dims)).astype(DTYPE[word])


@rule("Gather")
def gather(c):
    dims = c.shape(1, 4, empty=0.02)
    axis = c.axis(len(dims))
    c.input("data", dims, "wild")
    c.value("indices", places(c, c.shape(0, 3, 60), dims[axis], c.opset >= 11, c.type("Tind")), 0.4)
    c.attributes["axis"] = axis


@rule("GatherElements")
def gather_elements(c):
    dims = c.shape(1, 4, empty=0.02)
    axis = c.axis(len(dims))
    c.input("data", dims, "wild")
    of = [c.integer(1, d) if d else 0 for d in dims]
    of[axis] = c.dim()
    c.value("indices", places(c, of, dims[axis], True, c.type("Tind")), 0.4)
    c.attributes["axis"] = axis


def nd_indices(c, dims, batch, front):
    depth = c.integer(1, len(dims) - batch)
    columns = [places(c, dims[:batch] + front, d) for d in dims[batch : batch + depth]]
    return np.stack(columns, -1), depth


@rule("GatherND")
def gather_nd(c):
    dims = c.shape(1, 4, empty=0)
    c.input("data", dims, "wild")
    batch = c.integer(0, len(dims) - 1) if c.opset >= 12 else 0
    indices, _ = nd_indices(c, dims, batch, c.shape(0, 2, 40, 0.03))
    if indices.ndim <= batch:
        raise Skip("no rank for indices")
    c.value("indices", indices, 0.4)
    if batch or (c.opset >= 12 and c.chance(0.3)):
        c.attributes["batch_dims"] = batch


@rule("Scatter", "ScatterElements")
def scatter_elements(c):
    dims = c.shape(1, 4, empty=0)
    axis = c.axis(len(dims))
    c.input("data", dims, "normal")
    of = [c.integer(1, d) for d in dims]
    reduction = c.attribute("reduction", *(["none", "add", "mul"] + (["max", "min"] if c.opset >= 18 else [])))
    word = c.type("Tind")
    if reduction in (None, "none"):
        # Of two for one place, nobody says which stays.
        order = c.numbers.permuted(np.broadcast_to(np.arange(dims[axis]).reshape([-1 if i == axis % len(dims) else 1 for i in range(len(dims))]), dims), axis=axis)
        indices = order[tuple(slice(0, d) for d in of)].astype(DTYPE[word])
    else:
        of[axis] = c.dim()
        indices = places(c, of, dims[axis], True, word)
    c.value("indices", indices, 0.4)
    c.input("updates", indices.shape, "normal")
    c.attributes["axis"] = axis
    c.accumulates = True


@rule("ScatterND")
def scatter_nd(c):
    dims = c.shape(1, 4, empty=0)
    c.input("data", dims, "normal")
    reduction = c.attribute("reduction", *(["none", "add", "mul"] + (["max", "min"] if c.opset >= 18 else [])))
    if reduction in (None, "none"):
        depth = c.integer(1, len(dims))
        count = int(np.prod(dims[:depth]))
        flat = c.numbers.permutation(count)[: c.integer(1, count)]
        indices = np.stack(np.unravel_index(flat, dims[:depth]), -1)
    else:
        indices, depth = nd_indices(c, dims, 0, [c.dim()])
    c.value("indices", indices.astype(np.int64), 0.4)
    c.input("updates", [*indices.shape[:-1], *dims[depth:]], "normal")
    c.accumulates = True


@rule("TensorScatter")
def tensor_scatter(c):
    batch, most = c.integer(1, 3), c.integer(3, 9)
    three = c.chance(0.4)
    dims = [batch, most, c.dim(5)] if three else [batch, c.integer(1, 3), most, c.dim(5)]
    axis = len(dims) - 2
    c.input("past_cache", dims, "wild")
    some = list(dims)
    some[axis] = c.integer(1, most)
    c.input("update", some, "wild")
    mode = c.attribute("mode", "linear", "circular") or "linear"
    if c.chance(0.8):
        last = most - 1 if mode == "circular" else most - some[axis]
        c.value("write_indices", c.numbers.integers(0, last, batch, endpoint=True), 0.3)
    if c.chance(0.5):
        c.attributes["axis"] = axis - len(dims) if c.chance(0.5) else axis


@rule("TopK")
def top_k(c):
    dims = c.shape(1, empty=0.03)
    axis = c.axis(len(dims), c.opset >= 11)
    word = c.type("T")
    count = int(np.prod(dims))
    # Distinct numbers: of equals, the first comes first, and ONNX Runtime's unsorted ones are in no order.
    if count > 200 and word in ("int8", "uint8", "float8e4m3fn"):
        raise Skip("not so many numbers")
    x = c.numbers.permutation(count).reshape(dims) - (count // 2 if not word.startswith("u") else 0)
    c.value("X", (x * 0.5 if word in ("float", "double") else x).astype(DTYPE[word]))
    c.give("K" if c.has_input("K") else "k", [c.integer(0 if c.opset >= 11 else 1, dims[axis])] if c.has_input("K") else c.integer(0, dims[axis]), 0.8)
    c.attributes["axis"] = axis
    c.attribute("largest", 0, 1)
    c.outputs = ["Values", "Indices"]


@rule("ArgMax", "ArgMin")
def arg(c):
    dims = c.shape(1, empty=0.03)
    c.input("data", dims, c.choose("normal", "small"))
    c.attribute("axis", *range(-len(dims) if c.opset >= 11 else 0, len(dims)))
    c.attribute("keepdims", 0, 1)
    c.attribute("select_last_index", 0, 1)


@rule("NonMaxSuppression")
def suppression(c):
    batch, classes, boxes = c.integer(1, 2), c.integer(1, 3), c.integer(1, 12)
    x = np.sort(c.numbers.random((batch, boxes, 2, 2)), axis=2).reshape(batch, boxes, 4) * c.choose(1, 10)
    if c.attribute("center_point_box", 0, 1):
        x[..., 2:] = np.abs(x[..., 2:])
    c.value("boxes", x.astype(np.float32))
    c.value("scores", c.numbers.random((batch, classes, boxes)).astype(np.float32))
    for name, value in (("max_output_boxes_per_class", ints(c.integer(0, 6))), ("iou_threshold", np.float32([c.rng.random()])),
                        ("score_threshold", np.float32([c.rng.random() * 0.6]))):  # fmt: skip
        if c.chance(0.85):
            c.value(name, value, 0.7)
