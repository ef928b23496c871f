"""windows.py - convolutions, pools, what is resized and what is sampled."""

import numpy as np

from .case import DTYPE, FLOATS, RANGE, Skip, ints, rule

PADS = ("SAME_UPPER", "SAME_LOWER", "VALID")


def window(c, spatial, kernel, ceil=False, given=True):
    """Attributes of a window; the effective size of it."""
    count = len(spatial)
    if given:
        c.attributes["kernel_shape"] = kernel
    strides = [c.choose(1, 1, 2, 3) for _ in kernel]
    if c.chance(0.6):
        c.attributes["strides"] = strides
    dilations = [c.choose(1, 1, 2, 3) for _ in kernel]
    if c.has_attribute("dilations") and c.chance(0.4):
        c.attributes["dilations"] = dilations
    else:
        dilations = [1] * count
    reach = [(k - 1) * d + 1 for k, d in zip(kernel, dilations)]
    if c.chance(0.6):
        pads = [c.integer(0, min(3, k - 1)) for k in kernel] + [c.integer(0, min(3, k - 1)) for k in kernel]
        c.attributes["pads"] = pads
        if any(s + pads[i] + pads[count + i] < r for i, (s, r) in enumerate(zip(spatial, reach))):
            raise Skip("no place for the window")
    else:
        auto = c.attribute("auto_pad", *PADS, probability=0.5)
        if auto in (None, "VALID") and any(s < r for s, r in zip(spatial, reach)):
            raise Skip("no place for the window")
        if auto in PADS[:2] and any(d > 1 for d in dilations):
            del c.attributes["dilations"]
    if ceil:
        c.attribute("ceil_mode", 0, 1)
    return reach


def image(c, least=1, most=3, empty=0.03, size=11):
    rank = c.choose(1, 2, 2, 2, 3) if most >= 3 else c.integer(least, most)
    return [c.integer(1, 3) if not c.chance(empty) else 0, c.integer(1, 6), *(c.integer(1, size if rank < 3 else 6) for _ in range(rank))]


@rule("MaxPool", "AveragePool", "LpPool")
def pool(c):
    dims = image(c)
    c.input("X", dims, "normal")
    kernel = [c.integer(1, 4) for _ in dims[2:]]
    window(c, dims[2:], kernel, ceil=c.opset >= 10)
    if c.name == "LpPool" and c.opset < 18:
        c.attributes.pop("ceil_mode", None), c.attributes.pop("dilations", None)
    c.attribute("count_include_pad", 0, 1)
    c.attribute("p", 1, 2, 3)
    if c.name == "LpPool" and c.attributes.get("ceil_mode"):
        c.distrusted.add("reference")
    if c.name == "MaxPool":
        # Without images it forgets the pads.
        if 0 in dims:
            c.distrusted.add("reference")
        if c.chance(0.4):
            c.outputs = ["Y", "Indices"]
            c.attribute("storage_order", 0, 1)
    else:
        c.accumulates = True


def weights(c, dims):
    """(weight's dims, group) for channels of an image."""
    group = c.rng.choice([g for g in range(1, dims[1] + 1) if dims[1] % g == 0])
    kernel = [c.choose(1, 2, 3, 3, 5) for _ in dims[2:]]
    return group, kernel


@rule("Conv", "ConvInteger")
def conv(c):
    dims = image(c)
    x, w = ("X", "W") if c.name == "Conv" else ("x", "w")
    group, kernel = weights(c, dims)
    outs = group * c.integer(1, 4)
    c.input(x, dims)
    c.input(w, [outs, dims[1] // group, *kernel], constant=0.6)
    window(c, dims[2:], kernel, given=c.chance(0.6))
    if group > 1 or c.chance(0.2):
        c.attributes["group"] = group
    c.accumulates = True
    if c.name == "Conv":
        if c.chance(0.6):
            c.input("B", [outs])
        return
    if c.chance(0.6):
        c.input("x_zero_point", [], constant=0.6)
    if c.chance(0.5):
        c.inputs.setdefault("x_zero_point", np.zeros([], c.inputs["x"].dtype))
        c.input("w_zero_point", [] if c.chance(0.6) else [outs], constant=0.8)
        # onnx.reference has one for each channel of images only: it puts three axes behind, whatever there are.
        if c.inputs["w_zero_point"].ndim and c.inputs["w"].ndim != 4:
            c.distrusted.add("reference")


@rule("ConvTranspose")
def conv_transpose(c):
    dims = image(c, empty=0.02, size=7)
    group, kernel = weights(c, dims)
    outs = c.integer(1, 4)
    c.input("X", dims)
    c.input("W", [dims[1], outs, *kernel], constant=0.6)
    if c.chance(0.6):
        c.input("B", [outs * group])
    if group > 1:
        c.attributes["group"] = group
    strides = [c.choose(1, 2, 3) for _ in kernel]
    if c.chance(0.7):
        c.attributes["strides"] = strides
    else:
        strides = [1] * len(kernel)
    dilations = [c.choose(1, 1, 2) for _ in kernel]
    if c.chance(0.4):
        c.attributes["dilations"] = dilations
    else:
        dilations = [1] * len(kernel)
    if c.chance(0.5):
        c.attributes["kernel_shape"] = kernel
    extra = [c.integer(0, max(s, d) - 1) for s, d in zip(strides, dilations)]
    if c.chance(0.4):
        c.attributes["output_padding"] = extra
    else:
        extra = [0] * len(kernel)
    mode = c.choose("pads", "auto", "shape", "none")
    full = [s * (n - 1) + e + (k - 1) * d + 1 for s, n, e, k, d in zip(strides, dims[2:], extra, kernel, dilations)]
    if mode == "pads":
        c.attributes["pads"] = [c.integer(0, min(2, (f - 1) // 2)) for f in full * 2]
    elif mode == "auto":
        # "SAME_UPPER or SAME_LOWER mean pad the input so that `output_shape[i] = input_shape[i] * strides[i]`": where a stride is longer than what
        # the taps reach, ONNX Runtime gives less.
        if c.attributes.setdefault("auto_pad", c.choose(*PADS)) != "VALID" and any(f < s * n for f, s, n in zip(full, strides, dims[2:])):
            c.distrusted.add("ort")
    elif mode == "shape":
        c.attributes["output_shape"] = [max(1, f - c.integer(0, 2)) for f in full]
    # It gives each group the biases of the first.
    if group > 1 and "B" in c.inputs:
        c.distrusted.add("reference")
    c.accumulates = True


@rule("QLinearConv")
def qlinear_conv(c):
    dims = image(c)
    if len(dims) != 4:
        c.distrusted.add("reference")
    group, kernel = weights(c, dims)
    outs = group * c.integer(1, 4)
    c.input("x", dims)
    c.value("x_scale", np.float32(0.05 + c.rng.random() * 0.1), 0.8)
    c.input("x_zero_point", [], constant=0.8)
    c.input("w", [outs, dims[1] // group, *kernel], constant=0.9)
    per = [outs] if c.chance(0.5) else []
    c.value("w_scale", (0.01 + c.numbers.random(per) * 0.1).astype(np.float32), 0.8)
    zero = c.array(c.type("T2"), per if c.chance(0.7) else [])
    if zero.ndim != len(per):
        zero = np.zeros(per, zero.dtype)
    c.value("w_zero_point", zero * 0 if c.types["T2"] == "int8" or per else zero, 0.9)
    c.value("y_scale", np.float32(0.1 + c.rng.random()), 0.8)
    c.input("y_zero_point", [], constant=0.8)
    if c.chance(0.5):
        c.value("B", c.numbers.integers(-500, 500, outs).astype(np.int32), 0.9)
    window(c, dims[2:], kernel)
    if group > 1:
        c.attributes["group"] = group
    c.steps = 1


@rule("DeformConv")
def deform(c):
    dims = [c.integer(1, 2), c.choose(1, 2, 4), c.integer(3, 8), c.integer(3, 8)]
    group, kernel = weights(c, dims)
    kernel = [c.integer(1, 3) for _ in kernel]
    outs = group * c.integer(1, 3)
    try:
        reach = window(c, dims[2:], kernel)
    finally:
        c.attributes.pop("auto_pad", None)
    pads = c.attributes.get("pads", [0] * 4)
    strides = c.attributes.get("strides", [1, 1])
    out = [(s + pads[i] + pads[i + 2] - r) // t + 1 for i, (s, r, t) in enumerate(zip(dims[2:], reach, strides))]
    if min(out) < 1:
        raise Skip("no place for the window")
    fields = c.rng.choice([g for g in range(1, dims[1] + 1) if dims[1] % g == 0])
    c.input("X", dims)
    c.input("W", [outs, dims[1] // group, *kernel])
    c.input("offset", [dims[0], fields * kernel[0] * kernel[1] * 2, *out])
    if c.chance(0.5):
        c.input("B", [outs])
    if c.chance(0.5):
        c.input("mask", [dims[0], fields * kernel[0] * kernel[1], *out])
    if group > 1:
        c.attributes["group"] = group
    if fields > 1:
        c.attributes["offset_group"] = fields
    c.accumulates = True


@rule("MaxUnpool")
def unpool(c):
    dims = [c.integer(1, 2), c.integer(1, 3), c.integer(1, 4), c.integer(1, 4)]
    kernel = [c.integer(1, 3), c.integer(1, 3)]
    full = [(d - 1) * k + k for d, k in zip(dims[2:], kernel)]
    c.input("X", dims)
    slots = np.stack([c.numbers.permutation(dims[0] * dims[1] * full[0] * full[1])[: int(np.prod(dims))]]).reshape(dims)
    c.value("I", slots.astype(np.int64), 0.3)
    c.attributes.update(kernel_shape=kernel, strides=kernel)


@rule("Col2Im")
def col2im(c):
    count = c.integer(1, 3)
    block, size = [c.integer(1, 3) for _ in range(count)], [c.integer(1, 7) for _ in range(count)]
    try:
        window(c, size, block, given=False)
    finally:
        c.attributes.pop("auto_pad", None)
    strides, dilations, pads = (c.attributes.get(n, o) for n, o in (("strides", [1] * count), ("dilations", [1] * count), ("pads", [0] * 2 * count)))
    steps = [(s + pads[i] + pads[i + count] - (b - 1) * d - 1) // t + 1 for i, (s, b, d, t) in enumerate(zip(size, block, dilations, strides))]
    if min(steps) < 1:
        raise Skip("no place for the window")
    c.input("input", [c.integer(1, 2), c.integer(1, 3) * int(np.prod(block)), int(np.prod(steps))])
    c.value("image_shape", ints(*size), 0.9)
    c.value("block_shape", ints(*block), 0.9)
    c.accumulates = True


def regions(c, dims, count, columns):
    corners = np.sort(c.numbers.random((count, 2, 2)) * [dims[3], dims[2]] * 1.1 - 0.5, axis=1).reshape(count, 4)
    return corners if columns == 4 else np.concatenate([c.numbers.integers(0, dims[0], (count, 1)), corners], 1)


@rule("RoiAlign")
def roi_align(c):
    dims, count = [c.integer(1, 3), c.integer(1, 4), c.integer(1, 9), c.integer(1, 9)], c.integer(0 if c.chance(0.1) else 1, 5)
    c.input("X", dims)
    c.value("rois", regions(c, dims, count, 4).astype(DTYPE[c.types["T1"]]))
    c.value("batch_indices", c.numbers.integers(0, dims[0], count).astype(np.int64))
    c.attribute("mode", "avg", "max")
    c.attribute("coordinate_transformation_mode", "half_pixel", "output_half_pixel")
    for name, values in (("output_height", (1, 2, 3)), ("output_width", (1, 2, 5)), ("sampling_ratio", (0, 1, 2, 3)), ("spatial_scale", (0.5, 1.0, 2.0))):
        c.attribute(name, *values)
    c.accumulates = True


@rule("MaxRoiPool")
def roi_pool(c):
    dims, count = [c.integer(1, 3), c.integer(1, 4), c.integer(1, 9), c.integer(1, 9)], c.integer(1, 5)
    c.input("X", dims)
    c.value("rois", np.clip(np.rint(regions(c, dims, count, 5)), 0, None).astype(DTYPE[c.types["T"]]))
    c.attributes["pooled_shape"] = [c.integer(1, 4), c.integer(1, 4)]
    c.attribute("spatial_scale", 0.5, 1.0)


@rule("Resize")
def resize(c):
    rank = c.integer(1, 5) if c.chance(0.3) else 4
    dims = [c.dim(3), c.dim(3), *(c.integer(1, 9) for _ in range(rank - 2))][:rank]
    mode = c.choose("nearest", "linear", "cubic")
    if mode == "cubic" and rank != 4:
        mode = "linear"
    axes = list(range(rank))
    if c.has_attribute("axes") and c.chance(0.3):
        axes = sorted(c.rng.sample(axes, c.integer(1, rank)))
        c.attributes["axes"] = axes
    word = c.type("T1" if c.opset >= 11 else "T", None if mode == "nearest" else ("float", "double", "float16"))
    c.input("X", dims, word=word)
    c.types["T" if c.opset < 11 else "T1"] = word
    c.attributes["mode"] = mode
    outs = [d for d in dims]
    for a in axes:
        if a >= rank - 2 or mode == "nearest" and c.chance(0.4):
            outs[a] = c.integer(1, 12)
    transformation = None
    if c.has_attribute("coordinate_transformation_mode"):
        more = ["half_pixel_symmetric"] if c.opset >= 19 else []
        transformation = c.attribute("coordinate_transformation_mode", "half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", *more)
        if mode == "nearest":
            c.attribute("nearest_mode", "round_prefer_floor", "round_prefer_ceil", "floor", "ceil")
        if mode == "cubic":
            c.attribute("cubic_coeff_a", -0.5, -0.75)
            c.attribute("exclude_outside", 0, 1)
        if c.opset >= 18 and mode != "nearest" and c.chance(0.4):
            c.attributes["antialias"] = 1
    if c.opset >= 11 and c.chance(0.5):
        if c.opset < 13:
            c.value("roi", np.zeros([0], np.float32), 1), c.value("scales", np.zeros([0], np.float32), 1)
        c.value("sizes", ints(*(outs[a] for a in axes)), 0.85)
        if c.opset >= 18 and c.chance(0.3):
            c.attributes["keep_aspect_ratio_policy"] = c.choose("stretch", "not_larger", "not_smaller")
    else:
        if c.opset == 11 or c.opset == 12:
            c.value("roi", np.zeros([0], np.float32), 1)
        scales = [np.float32(outs[a] / dims[a]) if c.chance(0.5) else np.float32(c.choose(0.5, 0.6, 1, 1.5, 2, 3) if outs[a] != dims[a] else 1) for a in axes]
        if any(int(np.floor(np.float64(s) * dims[a])) < 1 for s, a in zip(scales, axes)):
            raise Skip("nothing is left")
        c.value("scales", np.array(scales, np.float32), 0.85)
    c.accumulates = True


@rule("Upsample")
def upsample(c):
    dims = [c.dim(3), c.dim(3), c.integer(1, 7), c.integer(1, 7)]
    mode = c.attributes["mode"] = c.choose("nearest", "linear")
    c.type("T", None if mode == "nearest" else FLOATS)
    c.input("X", dims)
    c.give("scales", [1.0, 1.0, c.choose(1.0, 2.0, 2.5), c.choose(1.0, 2.0, 3.0)], 0.9, "float")
    c.accumulates = True


@rule("GridSample")
def grid_sample(c):
    two = 2 if c.opset < 20 or c.chance(0.7) else 3
    dims = [c.integer(1, 2), c.integer(1, 3), *(c.integer(1, 7) for _ in range(two))]
    c.type(c.variable("X"), FLOATS), c.type(c.variable("grid"), ("float", "double"))
    c.input("X", dims)
    c.input("grid", [dims[0], *(c.integer(1, 6) for _ in range(two)), two])
    modes = ("linear", "nearest", "cubic") if c.opset >= 20 else ("bilinear", "nearest", "bicubic")
    mode = c.attribute("mode", *modes)
    if two == 3 and mode == "cubic":
        c.attributes["mode"] = "linear"
    padding = c.attribute("padding_mode", "zeros", "border", "reflection")
    if padding == "border" and mode and "cubic" in mode:
        c.distrusted.add("ort")
    c.attribute("align_corners", 0, 1)
    c.accumulates = True


@rule("CausalConvWithState")
def causal(c):
    n, channels, length, k = c.integer(1, 3), c.integer(1, 5), c.integer(1, 9), c.integer(1, 4)
    c.input("input", [n, channels, length])
    c.input("weight", [channels, 1, k], constant=0.6)
    if c.chance(0.5):
        c.input("bias", [channels])
    if c.chance(0.5):
        c.input("past_state", [n, channels, k - 1])
    c.attribute("activation", "none", "silu", "swish")
    c.outputs = ["output", "present_state"]
    c.accumulates = True
