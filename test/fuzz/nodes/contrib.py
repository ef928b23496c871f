"""contrib.py - operators of com.microsoft, which have no schemas here: inputs in the order of the rules."""

import numpy as np

from .case import CONTRIB, DTYPE, RANGE, Skip, ints, rule
from .windows import image, weights, window

F32, F16 = "float", "float16"


def scale(c, dims=(), word=F32, low=0.02, high=0.2):
    return np.asarray(low + c.numbers.random(dims) * (high - low)).astype(DTYPE[word])


def quantized(c, name, dims, word=None, zero=True, constant=0.15, scales=True):
    """An input with its scale and zero point behind it."""
    word = word or c.choose("uint8", "int8")
    c.input(name, dims, "wild", word, constant)
    c.value(f"{name}_scale", scale(c), 0.8)
    if zero:
        c.input(f"{name}_zero_point", [], "normal", word, 0.8)
    else:
        c.absent(f"{name}_zero_point")
    return word


def result(c, word, name="Y"):
    c.value(f"{name}_scale", scale(c, high=1), 0.9)
    c.input(f"{name}_zero_point", [], "normal", word, 0.9)
    c.steps = 1


@rule("BiasGelu", "FastGelu", "Gelu", "QuickGelu", domain=CONTRIB)
def gelu(c):
    dims = c.shape(1)
    c.input("X", dims, word=F32)
    if c.name == "BiasGelu" or c.name == "FastGelu" and c.chance(0.5):
        c.input("bias", dims[-1:], word=F32)
    if c.name == "QuickGelu":
        c.attributes["alpha"] = c.choose(1.702, 0.5)


@rule("BiasSoftmax", domain=CONTRIB)
def bias_softmax(c):
    raise Skip("ONNX Runtime has it for GPUs alone")


@rule("BiasAdd", "BiasSplitGelu", domain=CONTRIB)
def bias(c):
    raise Skip("ONNX Runtime has it for GPUs alone")


@rule("CDist", domain=CONTRIB)
def distance(c):
    k, word = c.dim(), c.choose(F32, "double")
    c.input("A", [c.dim(), k], word=word)
    c.input("B", [c.dim(), k], word=word)
    c.attributes["metric"] = c.choose("euclidean", "sqeuclidean")
    c.accumulates = True


@rule("QuantizeLinear", "DequantizeLinear", domain=CONTRIB)
def quantize(c):
    word, dims = c.choose("uint8", "int8", "uint16", "int16"), c.shape(1)
    per = []
    if c.chance(0.4) and 0 not in dims:
        c.attributes["axis"] = c.axis(len(dims))
        per = [dims[c.attributes["axis"]]]
    is_quantize = c.name == "QuantizeLinear"
    c.input("x", dims, word=F32 if is_quantize else word)
    c.value("scale", scale(c, per), 0.8)
    c.input("zero", per, word=word, constant=0.8)
    c.steps = 1 if is_quantize else 0


@rule("DynamicQuantizeMatMul", domain=CONTRIB)
def dynamic(c):
    m, k, n = c.dim(), c.dim(), c.dim()
    word = c.choose("int8", "uint8")
    c.input("A", [*c.shape(0, 2, 6, 0), m, k], word=F32)
    c.input("B", [k, n], word=word, constant=0.8)
    per = [n] if c.chance(0.4) else [1]
    c.value("b_scale", scale(c, per), 0.8)
    c.input("b_zero_point", per, word=word, constant=0.8) if c.chance(0.6) else c.absent("b_zero_point")
    if c.chance(0.5):
        c.input("bias", [n], word=F32)
    c.accumulates = True


@rule("MatMulIntegerToFloat", domain=CONTRIB)
def integer_to_float(c):
    m, k, n = c.dim(), c.dim(), c.dim()
    first, second = c.choose("int8", "uint8"), c.choose("int8", "uint8")
    c.input("A", [m, k], word=first)
    c.input("B", [k, n], word=second, constant=0.8)
    per = [n] if c.chance(0.4) else []
    c.value("a_scale", scale(c))
    c.value("b_scale", scale(c, per), 0.8)
    c.input("a_zero_point", [], word=first) if c.chance(0.6) else c.absent("a_zero_point")
    c.input("b_zero_point", per, word=second, constant=0.8) if c.chance(0.6) else c.absent("b_zero_point")
    if c.chance(0.5):
        c.input("bias", [n], word=F32)
    c.accumulates = True


@rule("MatMulNBits", domain=CONTRIB)
def bits(c):
    block, width = c.choose(16, 32, 64), c.choose(2, 4, 4, 8)
    k, n = c.choose(5, 16, 32, 40, 64, 100), c.integer(1, 12)
    blocks, per = -(-k // block), 8 // width
    c.input("A", [*c.shape(0, 1, 4, 0), c.dim(), k], word=F32)
    c.value("B", c.numbers.integers(0, 256, [n, blocks, block // per]).astype(np.uint8), 0.9)
    c.value("scales", scale(c, [n * blocks] if c.chance(0.5) else [n, blocks]), 0.9)
    c.value("zero_points", c.numbers.integers(0, 256, [n * -(-blocks // per)]).astype(np.uint8), 0.9) if c.chance(0.5) else c.absent("zero_points")
    c.attributes.update(K=k, N=n, bits=width, block_size=block)
    c.accumulates = True


def mixture(c):
    """Rows, columns of rows and of what is between, experts; and what both mixtures have."""
    experts = c.integer(1, 6)
    activation = c.choose("relu", "gelu", "silu", "identity", "swiglu")
    c.attributes.update(k=c.integer(1, experts), activation_type=activation)
    c.attribute("normalize_routing_weights", 0, 1)
    if activation == "swiglu":
        # ONNX Runtime has no other order for CPUs.
        c.attributes["swiglu_fusion"] = 1
        c.attribute("activation_alpha", 1.7)
        c.attribute("activation_beta", 1.0)
        c.attribute("swiglu_limit", 0.75)
    c.accumulates = True
    rows = c.choose(1, 2, c.integer(3, 9), c.integer(10, 70))
    return rows, experts, 2 if activation == "swiglu" else 1


@rule("MoE", domain=CONTRIB)
def experts(c):
    rows, count, wide = mixture(c)
    columns, inner, word = c.integer(1, 40), c.integer(1, 40), c.choose(F32, F32, F16)
    batched = rows > 1 and rows % 2 == 0 and c.chance(0.4)
    c.input("input", [2, rows // 2, columns] if batched else [rows, columns], word=word)
    c.input("router_probs", [rows, count], word=word)
    for name, outs, ins in (("fc1", wide * inner, columns), ("fc2", columns, inner)):
        c.input(f"{name}_experts_weights", [count, outs, ins], word=word, constant=0.7)
        c.input(f"{name}_experts_bias", [count, outs], word=word, constant=0.7) if c.chance(0.6) else c.absent(f"{name}_experts_bias")


@rule("QMoE", domain=CONTRIB)
def quantized_experts(c):
    rows, count, wide = mixture(c)
    bits, block = c.choose(2, 4, 4, 8), c.choose(0, 0, 16, 32)
    # Of bytes in blocks ONNX Runtime takes rows in bytes, too.
    block = 0 if bits == 8 else block
    columns, inner, per = 32 * c.integer(1, 3), 32 * c.integer(1, 2), 8 // bits
    c.attributes["expert_weight_bits"] = bits
    if block:
        c.attributes["block_size"] = block
    c.input("input", [rows, columns], word=F32)
    c.input("router_probs", [rows, count], word=F32)
    zeros, has_zeros = {}, c.chance(0.5)
    for name, outs, ins in (("fc1", wide * inner, columns), ("fc2", columns, inner)):
        c.value(f"{name}_experts_weights", c.numbers.integers(0, 256, [count, outs, ins // per]).astype(np.uint8), 1)
        c.value(f"{name}_scales", scale(c, [count, outs, ins // block] if block else [count, outs]), 1)
        c.input(f"{name}_experts_bias", [count, outs], word=F32, constant=0.7) if c.chance(0.6) else c.absent(f"{name}_experts_bias")
        zeros[name] = [count, outs, -(-(ins // block) // per)] if block else [count, -(-outs // per)]
    for name in ("fc3_experts_weights", "fc3_scales", "fc3_experts_bias"):
        c.absent(name)
    if has_zeros:
        for name, dims in zeros.items():
            c.value(f"{name}_zero_points", c.numbers.integers(0, 256, dims).astype(np.uint8), 1)


def factors(c):
    """The dims of two matrices, each of which may lie the other way round, and of their product."""
    m, k, n = c.dim(), c.dim(), c.dim()
    a, b = [m, k], [k, n]
    for name, dims in (("transA", a), ("transB", b)):
        if c.chance(0.4):
            c.attributes[name] = 1
            dims.reverse()
    return a, b, [m, n]


@rule("FusedMatMul", "TransposeMatMul", domain=CONTRIB)
def fused_matmul(c):
    a, b, _ = factors(c)
    batch = c.shape(0, 2, 12)
    c.input("A", [*batch, *a], word=F32)
    c.input("B", [*batch, *b], word=F32, constant=0.5)
    c.attribute("alpha", 0.5)
    c.accumulates = True


@rule("FusedGemm", domain=CONTRIB)
def fused_gemm(c):
    a, b, product = factors(c)
    c.input("A", a, word=F32)
    c.input("B", b, word=F32, constant=0.5)
    if c.chance(0.7):
        c.input("C", c.broadcast(product), word=F32)
    c.attributes["activation"] = c.choose("Relu", "Tanh", "Sigmoid", "LeakyRelu")
    c.attributes["activation_alpha"] = 0.1
    c.attribute("alpha", 0.5)
    c.attribute("beta", 0.5)
    c.accumulates = True


@rule("FusedConv", "NhwcFusedConv", "NhwcConv", domain=CONTRIB)
def fused_conv(c):
    dims = image(c, empty=0)
    if c.name != "FusedConv":
        raise Skip("ONNX Runtime has it for GPUs or halves alone")
    group, kernel = weights(c, dims)
    outs = group * c.integer(1, 4)
    c.input("X", dims, word=F32)
    c.input("W", [outs, dims[1] // group, *kernel], word=F32, constant=0.6)
    if c.chance(0.6):
        c.input("B", [outs], word=F32)
    window(c, dims[2:], kernel)
    c.attributes["group"] = group
    c.attributes["activation"] = c.choose("Relu", "Tanh", "Sigmoid", "LeakyRelu", "Clip", "HardSigmoid")
    wants = {"LeakyRelu": [0.1], "Clip": [-0.5, 0.5], "HardSigmoid": [0.2, 0.5]}.get(c.attributes["activation"])
    if wants:
        c.attributes["activation_params"] = wants
    c.accumulates = True


@rule("ExpandDims", domain=CONTRIB)
def expand_dims(c):
    dims = c.shape(0, 4)
    c.input("X", dims, word=F32)
    c.value("axis", np.array(c.integer(-len(dims) - 1, len(dims)), np.int32), 1)


@rule("Trilu", domain=CONTRIB)
def trilu(c):
    c.input("X", c.shape(2), "wild", c.choose(F32, "double", "int64", "bool"))
    if c.chance(0.6):
        c.value("k", np.array(c.integer(-20, 20)), 0.7)
    c.attribute("upper", 0, 1)


@rule("SkipLayerNormalization", "SkipSimplifiedLayerNormalization", domain=CONTRIB)
def skip_norm(c):
    dims = c.shape(3, 3, empty=0)
    word = c.choose(F32, F32, F16)
    c.input("input", dims, word=word)
    c.input("skip", dims if c.chance(0.6) else [1, *dims[1:]] if c.chance(0.5) else dims[1:], word=word)
    c.input("gamma", dims[-1:], word=word)
    if c.name == "SkipLayerNormalization":
        c.input("beta", dims[-1:], word=word) if c.chance(0.7) else c.absent("beta")
    if c.chance(0.5):
        c.input("bias", dims[-1:], word=word)
    c.attributes["epsilon"] = 1e-3
    if c.chance(0.4):
        c.outputs = ["output", None, None, "input_skip_bias_sum"]
    c.accumulates = True


@rule("EmbedLayerNormalization", domain=CONTRIB)
def embed(c):
    batch, length, hidden = c.integer(1, 3), c.integer(1, 6), c.dim()
    c.value("input_ids", c.numbers.integers(0, 9, [batch, length]).astype(np.int32))
    segments = c.chance(0.5)
    c.value("segment_ids", c.numbers.integers(0, 2, [batch, length]).astype(np.int32)) if segments else c.absent("segment_ids")
    c.input("word_embedding", [9, hidden], word=F32)
    c.input("position_embedding", [8, hidden], word=F32)
    c.input("segment_embedding", [2, hidden], word=F32) if segments else c.absent("segment_embedding")
    c.input("gamma", [hidden], word=F32)
    c.input("beta", [hidden], word=F32)
    if c.chance(0.5):
        c.value("mask", c.numbers.integers(0, 2, [batch, length]).astype(np.int32))
    c.attributes["epsilon"] = 1e-3
    c.outputs = ["output", "mask_index"]
    c.accumulates = True


@rule("RotaryEmbedding", domain=CONTRIB)
def rotary(c):
    batch, heads, length, per = c.integer(1, 2), c.integer(1, 3), c.integer(1, 6), c.choose(4, 8, 16)
    c.input("input", [batch, length, heads * per] if c.chance(0.5) else [batch, heads, length, per], word=F32)
    most = length + 4
    c.value("position_ids", c.numbers.integers(0, most, [batch, length]) if c.chance(0.6) else ints(c.integer(0, 3)))
    c.input("cos_cache", [most, per // 2], word=F32)
    c.input("sin_cache", [most, per // 2], word=F32)
    c.attribute("interleaved", 0, 1)


@rule("MultiHeadAttention", domain=CONTRIB)
def heads(c):
    batch, count, q, kv, per, v_per = c.integer(1, 2), c.integer(1, 4), c.integer(1, 7), c.integer(1, 7), c.choose(2, 4, 8), c.choose(2, 4)
    word = F32
    c.input("query", [batch, q, count * per], word=word)
    c.input("key", [batch, kv, count * per], word=word)
    c.input("value", [batch, kv, count * v_per], word=word)
    c.input("bias", [count * (2 * per + v_per)], word=word) if c.chance(0.5) else c.absent("bias")
    if c.chance(0.4):
        mask = c.numbers.integers(0, 2, [batch, kv]) if c.chance(0.5) else None
        mask = c.numbers.integers(1, kv + 1, [batch]) if mask is None else mask
        c.value("mask", mask.astype(np.int32))
    else:
        c.absent("mask")
    if c.chance(0.4):
        c.input("attention_bias", [c.choose(1, batch), c.choose(1, count), q, kv], word=word)
    c.attributes["num_heads"] = count
    # Of other numbers of keys ONNX Runtime's last query sees all.
    if q == kv:
        c.attribute("unidirectional", 0, 1, probability=0.5)
    c.attribute("scale", 0.5)
    c.accumulates = True


@rule("Attention", domain=CONTRIB)
def attention(c):
    batch, count, length, per, size = c.integer(1, 2), c.integer(1, 4), c.integer(1, 7), c.choose(2, 4, 8), c.dim()
    c.input("input", [batch, length, size], word=F32)
    c.input("weights", [size, 3 * count * per], word=F32, constant=0.7)
    c.input("bias", [3 * count * per], word=F32)
    kind = c.choose("none", "ends", "matrix", "cube")
    mask = {"ends": lambda: c.numbers.integers(1, length + 1, [batch]), "matrix": lambda: c.numbers.integers(0, 2, [batch, length]),
            "cube": lambda: c.numbers.integers(0, 2, [batch, length, length])}.get(kind)  # fmt: skip
    if mask:
        c.value("mask_index", mask().astype(np.int32))
    c.attributes["num_heads"] = count
    c.attribute("unidirectional", 0, 1)
    c.accumulates = True


@rule("GroupQueryAttention", domain=CONTRIB)
def grouped(c):
    batch, shared, times, per = c.integer(1, 2), c.integer(1, 2), c.integer(1, 3), c.choose(8, 16)
    decode = c.chance(0.5)
    length = 1 if decode else c.integer(1, 6)
    past = c.integer(1, 5) if decode else 0
    count = shared * times
    c.input("query", [batch, length, count * per], word=F32)
    c.input("key", [batch, length, shared * per], word=F32)
    c.input("value", [batch, length, shared * per], word=F32)
    c.input("past_key", [batch, shared, past, per], word=F32)
    c.input("past_value", [batch, shared, past, per], word=F32)
    c.value("seqlens_k", np.full([batch], past + length - 1, np.int32), 0)
    c.value("total_sequence_length", np.array(past + length, np.int32), 1)
    if c.chance(0.4):
        c.input("cos_cache", [past + length + 2, per // 2], word=F32)
        c.input("sin_cache", [past + length + 2, per // 2], word=F32)
        c.attributes.update(do_rotary=1, rotary_interleaved=c.choose(0, 1))
    c.attributes.update(num_heads=count, kv_num_heads=shared)
    c.attribute("local_window_size", 3, probability=0.3)
    c.attribute("softcap", 2.0, probability=0.3)
    c.outputs = ["output", "present_key", "present_value"]
    c.accumulates = True


@rule("QAttention", domain=CONTRIB)
def quantized_attention(c):
    batch, count, length, per, size = c.integer(1, 2), c.integer(1, 4), c.integer(1, 7), c.choose(2, 4, 8), c.dim()
    word = c.choose("int8", "uint8")
    c.input("input", [batch, length, size], word="uint8")
    c.input("weights", [size, 3 * count * per], word=word, constant=0.9)
    c.input("bias", [3 * count * per], word=F32)
    c.value("input_scale", scale(c), 0.8)
    c.value("weight_scale", scale(c), 0.8)
    c.value("mask_index", c.numbers.integers(1, length + 1, [batch]).astype(np.int32)) if c.chance(0.5) else c.absent("mask_index")
    c.input("input_zero_point", [], word="uint8", constant=0.8)
    c.input("weight_zero_point", [], word=word, constant=0.8)
    c.attributes["num_heads"] = count
    c.attribute("unidirectional", 0, 1)
    c.accumulates = True


@rule("QGemm", domain=CONTRIB)
def qgemm(c):
    a, b, product = factors(c)
    word = quantized(c, "A", a)
    quantized(c, "B", b, word if c.chance(0.5) else None, constant=0.8)
    c.value("C", c.numbers.integers(-500, 500, product[1:]).astype(np.int32), 0.8) if c.chance(0.6) else c.absent("C")
    if c.chance(0.6):
        result(c, word)
    else:
        c.accumulates = True


@rule("QLinearAdd", "QLinearMul", domain=CONTRIB)
def qlinear_binary(c):
    dims = c.shape(1)
    word = quantized(c, "A", dims if c.chance(0.5) else c.broadcast(dims))
    quantized(c, "B", dims, word)
    result(c, word, "C")


@rule("QLinearLeakyRelu", "QLinearSigmoid", "QLinearSoftmax", domain=CONTRIB)
def qlinear_unary(c):
    dims = c.shape(1, 4, empty=0)
    word = quantized(c, "X", dims)
    result(c, word)
    if c.name == "QLinearLeakyRelu":
        c.attributes["alpha"] = c.choose(0.1, 0.5)
    if c.name == "QLinearSoftmax":
        c.attributes.update(axis=len(dims) - 1 if c.chance(0.5) else c.integer(0, len(dims) - 1), opset=c.opset)


@rule("QLinearAveragePool", "QLinearGlobalAveragePool", domain=CONTRIB)
def qlinear_pool(c):
    dims = [c.integer(1, 2), c.integer(1, 5), c.integer(2, 9), c.integer(2, 9)]
    last = c.chance(0.4)
    word = quantized(c, "X", [dims[0], *dims[2:], dims[1]] if last else dims)
    result(c, word)
    c.attributes["channels_last"] = int(last)
    if c.name == "QLinearAveragePool":
        c.attributes.update(kernel_shape=[2, 2], strides=[c.integer(1, 2)] * 2, pads=[c.integer(0, 1)] * 4, count_include_pad=c.integer(0, 1))


@rule("QLinearConcat", domain=CONTRIB)
def qlinear_concat(c):
    word, dims = c.choose("uint8", "int8"), c.shape(1, 4, empty=0)
    axis = c.integer(0, len(dims) - 1)
    result(c, word)
    for i in range(c.integer(1, 3)):
        part = list(dims)
        part[axis] = c.dim(5)
        quantized(c, f"x{i}", part, word)
    c.attributes["axis"] = axis


@rule("QLinearConv", domain=CONTRIB)
def qlinear_conv(c):
    dims = [c.integer(1, 2), c.integer(1, 5), c.integer(3, 9), c.integer(3, 9)]
    outs, word = c.integer(1, 5), c.choose("uint8", "int8")
    last = c.chance(0.5)
    quantized(c, "x", [dims[0], *dims[2:], dims[1]] if last else dims, word)
    c.input("w", [outs, dims[1], 3, 3], word="int8", constant=1)
    c.value("w_scale", scale(c, [outs] if c.chance(0.5) else []), 1)
    c.value("w_zero_point", np.zeros(c.inputs["w_scale"].shape, np.int8), 1)
    result(c, word, "y")
    if c.chance(0.5):
        c.value("B", c.numbers.integers(-500, 500, outs).astype(np.int32), 1)
    c.attributes.update(channels_last=int(last), kernel_shape=[3, 3], pads=[c.integer(0, 1)] * 4, strides=[c.integer(1, 2)] * 2)


@rule("QLinearReduceMean", domain=CONTRIB)
def qlinear_mean(c):
    raise Skip("ONNX Runtime has no kernel")


@rule("QLinearWhere", domain=CONTRIB)
def qlinear_where(c):
    dims, word = c.shape(1, empty=0), c.choose("uint8", "int8")
    c.input("condition", dims, word="bool")
    quantized(c, "X", dims, word)
    quantized(c, "Y", dims if c.chance(0.5) else c.broadcast(dims), word)
    result(c, word, "z")
    c.outputs = ["Z"]


@rule("DynamicQuantizeLSTM", domain=CONTRIB)
def quantized_lstm(c):
    raise Skip("the state is rounded to bytes, of which the last bit of a float may make others")


@rule("GroupNorm", domain=CONTRIB)
def group_norm(c):
    raise Skip("ONNX Runtime has it for GPUs alone")
