"""layout.py - operators that move elements, make them, or say how many there are."""

import numpy as np

from .case import FLOATS, NUMBER, RANGE, Skip, ints, rule


@rule("Concat")
def concat(c):
    dims = c.shape(1)
    axis, word = c.axis(len(dims)), c.type("T")
    parts = []
    for _ in range(c.integer(1, 4)):
        part = list(dims)
        part[axis] = c.choose(0, 1, 2, 3, 5) if c.chance(0.5) else dims[axis]
        parts.append(c.array(word, part, "wild"))
    c.inputs["inputs"], c.attributes["axis"] = parts, axis


@rule("Split")
def split(c):
    dims = c.shape(1)
    axis = c.axis(len(dims))
    c.input("input", dims, "wild")
    if axis or c.chance(0.5):
        c.attributes["axis"] = axis
    else:
        axis = 0
    count = c.integer(1, 4)
    if c.chance(0.5):
        cuts = sorted(c.integer(0, dims[axis]) for _ in range(count - 1))
        c.give("split", np.diff([0, *cuts, dims[axis]]))
    elif c.opset >= 18:
        if dims[axis] < count:
            count = 1
        c.attributes["num_outputs"] = count
    elif dims[axis] % count:
        count = 1
    c.outputs = [f"output_{i}" for i in range(count)]


@rule("Reshape")
def reshape(c):
    dims = c.shape()
    c.input("data", dims, "wild")
    total = int(np.prod(dims))
    if total == 0:
        target = [d if c.chance(0.5) else c.choose(1, 3) for d in dims]
        if 0 not in target:
            target[dims.index(0)] = 0
        if c.has_attribute("allowzero") and c.chance(0.5):
            c.attributes["allowzero"] = 1
    else:
        factors, rest = [], total
        while rest > 1 and len(factors) < 5:
            step = c.rng.choice([d for d in range(2, rest + 1) if rest % d == 0][:6] + [rest])
            factors.append(step)
            rest //= step
        target = factors + ([rest] if rest > 1 else []) + [1] * c.integer(0, 2)
        c.rng.shuffle(target)
        for i, d in enumerate(target):
            if i < len(dims) and dims[i] == d and c.chance(0.4) and not c.attributes:
                target[i] = 0
        if target and c.chance(0.5):
            target[c.rng.randrange(len(target))] = -1
    c.value("shape", ints(*target), 0.8)


@rule("Flatten")
def flatten(c):
    dims = c.shape(1 if c.opset < 9 else 0)
    c.input("input", dims, "wild")
    c.attribute("axis", *range(-len(dims) if c.opset >= 11 else 0, len(dims) + 1), probability=0.6 if dims else 1)


@rule("Squeeze")
def squeeze(c):
    dims = [1 if c.chance(0.5) else d for d in c.shape()]
    c.input("data", dims, "wild")
    ones = [i for i, d in enumerate(dims) if d == 1]
    axes = c.rng.sample(ones, c.integer(0, len(ones))) if c.chance(0.7) else []
    # A run is refused whose dim of run time is 1: it was not taken away.
    c.is_symbolic = c.is_symbolic and bool(axes)
    if axes or c.has_input("axes"):
        c.give("axes", [a - len(dims) if c.opset >= 11 and c.chance(0.4) else a for a in axes], 0.9)


@rule("Unsqueeze")
def unsqueeze(c):
    dims = c.shape(0, 4)
    c.input("data", dims, "wild")
    rank = len(dims) + c.integer(1, 2)
    axes = c.rng.sample(range(rank), rank - len(dims))
    c.give("axes", [a - rank if c.opset >= 11 and c.chance(0.4) else a for a in axes], 0.9)


@rule("Transpose")
def transpose(c):
    dims = c.shape()
    c.input("data", dims, "wild")
    if c.chance(0.8):
        c.attributes["perm"] = c.rng.sample(range(len(dims)), len(dims))


@rule("Expand")
def expand(c):
    dims = c.shape()
    c.input("input", c.broadcast(dims), "wild")
    c.value("shape", ints(*(c.broadcast(dims, 0) if c.chance(0.3) else dims)), 0.8)


@rule("Tile")
def tile(c):
    dims = c.shape(1, 4, 300)
    c.input("input", dims, "wild")
    c.value("repeats", ints(*(c.choose(1, 1, 2, 3, 0 if c.chance(0.2) else 1) for _ in dims)), 0.8)


@rule("Pad")
def pad(c):
    dims = c.shape(1, 5, 800)
    mode = c.attribute("mode", "constant", "reflect", "edge", *(["wrap"] if c.opset >= 19 else [])) or "constant"
    if mode != "constant":
        dims = [max(d, 1) for d in dims]
    c.input("data", dims, "wild")
    rank = len(dims)
    axes = list(range(rank))
    if c.has_input("axes") and c.chance(0.4):
        axes = c.rng.sample(axes, c.integer(1, rank))
        c.value("axes", ints(*(a - rank if c.chance(0.4) else a for a in axes)).astype(c.choose(np.int32, np.int64)), 0.9)
    pads = []
    for _ in range(2):
        for a in axes:
            if c.chance(0.15) and mode == "constant":
                pads.append(-c.integer(0, dims[a] // 2))
            else:
                pads.append(c.integer(0, max(0, dims[a] - 1) if mode in ("reflect", "wrap") else 3))
    if c.inputs.get("axes") is None:
        c.absent("constant_value")
    c.give("pads", pads, 0.8)
    if c.has_input("constant_value") and mode == "constant" and c.chance(0.5):
        c.input("constant_value", [], "normal", constant=0.6)
    c.attribute("value", 0.5, -3.0)


@rule("Slice")
def slice_(c):
    dims = c.shape(1)
    c.input("data", dims, "wild")
    rank = len(dims)
    axes = c.rng.sample(range(rank), c.integer(1, rank)) if c.chance(0.7) else list(range(c.integer(1, rank)))
    needed = axes != list(range(len(axes)))
    steps = [c.choose(1, 1, 2, 3, -1, -2) if c.opset >= 10 else 1 for _ in axes]
    far = 2**31 - 1 if c.chance(0.5) else 2**63 - 1
    starts, ends = [], []
    for a, s in zip(axes, steps):
        starts.append(c.choose(0, 1, -1, c.integer(-dims[a] - 2, dims[a] + 2), far if s < 0 else -far))
        ends.append(c.choose(dims[a], -1, c.integer(-dims[a] - 2, dims[a] + 2), far if s > 0 else -far))
    word = c.type("Tind") if c.opset >= 10 else "int64"
    if word == "int32":
        starts, ends = np.clip(starts, -(2**31), 2**31 - 1), np.clip(ends, -(2**31), 2**31 - 1)
    constant = c.choose(0, 1, 1)
    c.give("starts", starts, constant, word)
    c.give("ends", ends, constant, word)
    if needed or c.chance(0.4):
        c.give("axes", [a - rank if c.opset >= 10 and c.chance(0.3) else a for a in axes], 1, word)
    if any(s != 1 for s in steps) or c.chance(0.3):
        if c.opset >= 10:
            c.inputs.setdefault("axes", np.array(axes, c.inputs["starts"].dtype))
            c.give("steps", steps, 1, word)
            c.constants.add("axes")


@rule("DepthToSpace", "SpaceToDepth")
def depth(c):
    block = c.choose(1, 2, 3)
    n, ch, h, w = c.choose(0, 1, 2), c.dim(5), c.dim(5), c.dim(5)
    dims = [n, ch * block * block, h, w] if c.name == "DepthToSpace" else [n, ch, h * block, w * block]
    c.input("input", dims, "wild")
    c.attributes["blocksize"] = block
    c.attribute("mode", "DCR", "CRD")


@rule("Shape")
def shape(c):
    dims = c.shape()
    c.input("data", dims, "wild")
    c.attribute("start", *range(-len(dims) - 2, len(dims) + 3))
    c.attribute("end", *range(-len(dims) - 2, len(dims) + 3))


@rule("Size")
def size(c):
    c.input("data", c.shape(), "wild")


@rule("CenterCropPad")
def center(c):
    dims = c.shape(1)
    c.input("input_data", dims, "wild")
    axes = range(len(dims))
    if c.chance(0.5):
        c.attributes["axes"] = c.axes(len(dims))
        axes = c.attributes["axes"]
    c.value("shape", np.array([c.dim(8) for _ in axes], c.choose(np.int32, np.int64)), 0.8)
    c.types["Tind"] = "int32" if c.inputs["shape"].dtype == np.int32 else "int64"


@rule("Trilu")
def trilu(c):
    c.input("input", c.shape(2), "wild")
    if c.chance(0.6):
        c.value("k", np.array(c.integer(-20, 20)), 0.7)
    c.attribute("upper", 0, 1)


@rule("EyeLike")
def eye(c):
    c.input("input", c.shape(2, 2), "wild")
    c.attribute("k", *range(-5, 6))
    word = c.type("T2")
    if c.chance(0.6):
        c.attributes["dtype"] = NUMBER[word]
    else:
        c.types["T2"] = c.types["T1"]


@rule("ReverseSequence")
def reverse(c):
    dims = c.shape(2, empty=0)
    c.input("input", dims, "wild")
    batch = c.attribute("batch_axis", 0, 1)
    batch = 1 if batch is None else batch
    c.attributes["time_axis"] = 1 - batch
    c.attributes["batch_axis"] = batch
    c.value("sequence_lens", ints(*(c.integer(1, dims[1 - batch]) for _ in range(dims[batch]))), 0.5)


@rule("Constant")
def constant(c):
    raise Skip("covered by constants of all the others")


@rule("ConstantOfShape")
def constant_of_shape(c):
    word = c.type("T2")
    c.value("input", ints(*c.shape()), 0.8)
    from onnx import numpy_helper

    if c.chance(0.8):
        c.attributes["value"] = numpy_helper.from_array(c.array(word, [1], "wild"))
    else:
        c.types["T2"] = "float"


@rule("Range")
def range_(c):
    word = c.type("T", ("float", "double", "int16", "int32", "int64", "float16", "bfloat16"))
    step = c.choose(1, 2, 3, -1, -2)
    start, count = c.integer(-9, 9), c.integer(-1, 40)
    scale = c.choose(1, 0.5, 0.25) if word in FLOATS else 1
    from .case import DTYPE

    constant = c.choose(0, 1, 1)
    for name, value in (("start", start), ("limit", start + count * step), ("delta", step)):
        c.value(name, np.array(value * scale, DTYPE[word]), constant)


@rule("OneHot")
def one_hot(c):
    dims = c.shape(0 if c.opset >= 11 else 1, 4, 300)
    depth = c.integer(1, 7)
    words = [w for w in c.allowed("T1") if RANGE.get(w, (0, 200))[1] > 20]
    word = c.type("T1", words)
    low = 0 if word.startswith("u") or c.opset < 11 else -depth - 2
    x = c.numbers.integers(low, depth + 2, dims)
    from .case import DTYPE

    c.value("indices", np.asarray(x).astype(DTYPE[word]))
    kind = c.type("T2")
    c.value("depth", np.array(depth if c.opset >= 11 or c.chance(0.5) else [depth], DTYPE[kind]), 0.8)
    c.input("values", [2], "normal")
    c.attribute("axis", *range(-len(dims) - 1, len(dims) + 1))


@rule("NonZero")
def non_zero(c):
    x = c.input("X", c.shape(), "small")
    c.inputs["X"] = np.where(c.numbers.random(x.shape) < 0.4, np.zeros_like(x), x)


@rule("Unique")
def unique(c):
    dims = c.shape(1, 3, 200, empty=0.03)
    c.input("X", dims, "small")
    if c.chance(0.5):
        c.attributes["axis"] = c.axis(len(dims))
        c.distrusted.add("reference")
    if c.attribute("sorted", 0, 1) == 0:
        c.distrusted.add("reference")
    c.outputs = ["Y", "indices", "inverse_indices", "counts"][: c.integer(1, 4)]


@rule("Compress")
def compress(c):
    dims = c.shape(1)
    c.input("input", dims, "wild")
    length = int(np.prod(dims))
    if c.chance(0.7):
        c.attributes["axis"] = c.axis(len(dims))
        length = dims[c.attributes["axis"]]
    c.value("condition", c.numbers.random(c.integer(0, length)) < 0.6, 0.5)


@rule("AffineGrid")
def affine_grid(c):
    n, two = c.integer(1, 3), c.choose(2, 3)
    c.input("theta", [n, two, two + 1])
    c.value("size", ints(n, c.integer(1, 3), *(c.dim(7) for _ in range(two))), 0.8)
    c.attribute("align_corners", 0, 1)
