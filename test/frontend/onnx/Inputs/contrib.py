"""contrib.py - operators of com.microsoft beside ONNX Runtime, or, where that has none for CPUs, beside numpy.

    contrib.py FOLDER [NAME ...]

writes cases for `burnish test`: models of one node with random data; the first case of each operator also with its first size
symbolic. Results may differ by roundings; quantized ones by one step.
"""

import math
import pathlib
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

R = np.random.default_rng(7)


def f(*shape, scale=1.0):
    return (scale * R.standard_normal(shape)).astype(np.float32)


def i(low, high, *shape, dtype=np.int64):
    return R.integers(low, high, shape).astype(dtype)


def u8(*shape):
    return i(0, 256, *shape, dtype=np.uint8)


def s8(*shape):
    return i(-127, 128, *shape, dtype=np.int8)


def one(value, dtype=np.float32):
    return np.array(value, dtype)


# name: (operator, operands (None: absent), attributes, number of outputs, indices of operands that are constants)
CASES = {}


def case(name, op, operands, outputs=1, constant=(), domain="com.microsoft", **attributes):
    CASES[name] = (op, operands, attributes, outputs, constant, domain)


D, H, B, S, P, T = 24, 3, 2, 5, 4, 7

# Activations, norms, products.
case("gelu", "Gelu", [f(3, 5)])
case("quick_gelu", "QuickGelu", [f(3, 5)], alpha=1.5)
case("fast_gelu", "FastGelu", [f(3, 5)])
case("fast_gelu_bias", "FastGelu", [f(3, 5), f(5)])
case("bias_gelu", "BiasGelu", [f(3, 5), f(5)])
case("fused_matmul", "FusedMatMul", [f(2, 3, 5), f(2, 4, 5)], alpha=0.5, transB=1)
case("fused_matmul_a", "FusedMatMul", [f(2, 5, 3), f(2, 5, 4)], transA=1)
case("fused_matmul_batch", "FusedMatMul", [f(3, 2, 5), f(2, 4, 5)], transBatchA=1, transB=1)
case("fused_gemm", "FusedGemm", [f(3, 5), f(4, 5), f(4)], transB=1, activation="LeakyRelu", activation_alpha=0.2)
case("fused_conv", "FusedConv", [f(1, 3, 8, 9), f(4, 3, 3, 3), f(4)], activation="Relu", pads=[1, 1, 1, 1])
case("fused_conv_sum", "FusedConv", [f(1, 3, 8, 9), f(4, 3, 3, 3), f(4), f(1, 4, 6, 7)], activation="Relu")
case("fused_conv_clip", "FusedConv", [f(1, 3, 8, 9), f(4, 3, 3, 3)], activation="Clip", activation_params=[-0.5, 0.25])
case("skip_norm", "SkipLayerNormalization", [f(B, S, D), f(B, S, D), f(D), f(D), f(D)], epsilon=1e-5)
case("skip_norm_sum", "SkipLayerNormalization", [f(B, S, D), f(1, S, D), f(D), f(D)], outputs=4, epsilon=1e-5)
case("skip_simplified", "SkipSimplifiedLayerNormalization", [f(B, S, D), f(B, S, D), f(D)], outputs=4, epsilon=1e-5)
case("simplified_norm", "SimplifiedLayerNormalization", [f(B, S, D), f(D)], domain="", axis=-1, epsilon=1e-5)
case("embed_norm", "EmbedLayerNormalization",
     [i(0, 9, B, S, dtype=np.int32), i(0, 2, B, S, dtype=np.int32), f(9, D), f(8, D), f(2, D), f(D), f(D), i(0, 2, B, S, dtype=np.int32)], outputs=2)
case("embed_norm_ids", "EmbedLayerNormalization", [i(0, 9, B, S, dtype=np.int32), None, f(9, D), f(8, D), None, f(D), f(D)], outputs=2)
case("bias_add", "BiasAdd", [f(B, S, D), f(D), f(B, S, D)])
case("bias_split_gelu", "BiasSplitGelu", [f(B, S, D), f(D)])
case("group_norm", "GroupNorm", [f(B, 4, 5, 6), f(6), f(6)], groups=3, activation=1, epsilon=1e-5)
case("nhwc_conv", "NhwcConv", [f(1, 7, 8, 3), f(4, 3, 1, 1), f(4)])
case("bias_softmax", "BiasSoftmax", [f(B, H, S, S), f(B, 1, 1, S)], axis=3, is_inner_broadcast=1)
case("distances", "CDist", [f(4, 6), f(5, 6)], metric="euclidean")
case("square_distances", "CDist", [f(4, 6), f(5, 6)], metric="sqeuclidean")
case("expand_dims", "ExpandDims", [f(3, 4), one(-1, np.int32)], constant=(1,))
case("trilu", "Trilu", [f(3, 4)], upper=0)

# Attention.
lengths = np.array([3, 5], np.int32)
case("attention", "Attention", [f(B, S, D), f(D, 3 * D, scale=0.3), f(3 * D)], num_heads=H)
case("attention_mask", "Attention", [f(B, S, D), f(D, 3 * D, scale=0.3), f(3 * D), i(0, 2, B, S, dtype=np.int32)], num_heads=H)
case("attention_lengths", "Attention", [f(B, S, D), f(D, 3 * D, scale=0.3), f(3 * D), lengths], num_heads=H)
case("attention_begins", "Attention", [f(B, S, D), f(D, 3 * D, scale=0.3), f(3 * D), np.array([3, 5, 1, 0], np.int32)], num_heads=H)
case("attention_mask_3d", "Attention", [f(B, S, D), f(D, 3 * D, scale=0.3), f(3 * D), i(0, 2, B, S, S, dtype=np.int32)], num_heads=H)
case("attention_causal", "Attention", [f(B, S, D), f(D, 3 * D, scale=0.3), f(3 * D)], num_heads=H, unidirectional=1)
case("attention_past", "Attention", [f(B, S, D), f(D, 3 * D, scale=0.3), f(3 * D), None, f(2, B, H, P, D // H)], outputs=2, num_heads=H, unidirectional=1)
case("attention_bias", "Attention", [f(B, S, D), f(D, 3 * D, scale=0.3), f(3 * D), None, None, f(B, H, S, S)], num_heads=H)
case("attention_sizes", "Attention", [f(B, S, D), f(D, 2 * 12 + 18, scale=0.3), f(2 * 12 + 18)], num_heads=H, qkv_hidden_sizes=[12, 12, 18])
case("mha", "MultiHeadAttention", [f(B, S, D), f(B, T, D), f(B, T, D)], num_heads=H)
case("mha_bias", "MultiHeadAttention", [f(B, S, D), f(B, T, D), f(B, T, 18), f(2 * D + 18)], num_heads=H)
case("mha_mask", "MultiHeadAttention", [f(B, S, D), f(B, T, D), f(B, T, D), None, i(0, 2, B, T, dtype=np.int32)], num_heads=H)
case("mha_past", "MultiHeadAttention",
     [f(B, S, D), f(B, S, D), f(B, S, D), None, None, f(1, H, S, P + S), f(B, H, P, D // H), f(B, H, P, D // H)], outputs=3, num_heads=H, scale=0.4)
case("mha_causal", "MultiHeadAttention", [f(B, S, D), f(B, S, D), f(B, S, D)], num_heads=H, unidirectional=1)
case("mha_cross", "MultiHeadAttention", [f(B, S, D), f(B, H, T, D // H), f(B, H, T, D // H)], num_heads=H)
case("mha_packed", "MultiHeadAttention", [f(B, S, H, 3, D // H)], num_heads=H)
case("mha_packed_pair", "MultiHeadAttention", [f(B, S, D), f(B, T, H, 2, D // H)], num_heads=H)
angles = f(16, 4)
case("rotary", "RotaryEmbedding", [f(B, S, D), i(0, 16, B, S), np.cos(angles), np.sin(angles)])
case("rotary_from", "RotaryEmbedding", [f(B, H, S, D // H), np.array([3], np.int64), np.cos(angles), np.sin(angles)], interleaved=1)
case("rotary_part", "RotaryEmbedding", [f(B, S, D), i(0, 16, B, S), np.cos(angles[:, :2]), np.sin(angles[:, :2])], num_heads=H, rotary_embedding_dim=4)

N, G, h = 4, 2, 16
hot = f(32, h // 2)


def gqa(name, past, total, lengths, steps, outputs=3, packed=False, bias=None, sink=None, constant=(), **attributes):
    batch = len(lengths)
    query = f(batch, steps, (N + 2 * G) * h if packed else N * h)
    key, value = (None, None) if packed else (f(batch, steps, G * h), f(batch, steps, G * h))
    caches = [f(batch, G, past, h), f(batch, G, past, h)] if past is not None else [None, None]
    operands = [query, key, value, *caches, np.array(lengths, np.int32), one(total, np.int32)]
    rotary = attributes.get("do_rotary")
    operands += [np.cos(hot), np.sin(hot)] if rotary else [None, None]
    operands += [None, bias, sink]
    while operands[-1] is None:
        operands.pop()
    case(name, "GroupQueryAttention", operands, outputs, constant, num_heads=N, kv_num_heads=G, **attributes)


gqa("gqa_prompt", None, 5, [4, 4], 5)
gqa("gqa_step", 6, 7, [6], 1)
gqa("gqa_rotary", 6, 7, [6], 1, do_rotary=1)
gqa("gqa_packed", 6, 7, [6], 1, do_rotary=1, packed=True)
gqa("gqa_interleaved", None, 5, [4, 4], 5, do_rotary=1, rotary_interleaved=1)
gqa("gqa_window", None, 5, [4], 5, local_window_size=2)
gqa("gqa_softcap", None, 5, [4], 5, softcap=3.0)
gqa("gqa_smooth", None, 5, [4], 5, smooth_softmax=1)
gqa("gqa_sink", None, 5, [4], 5, sink=f(N))
gqa("gqa_bias", None, 5, [4], 5, bias=f(1, N, 5, 5))
gqa("gqa_continued", 6, 9, [8], 3)

# Quantized.
q = [one(0.03), one(7, np.uint8)]
case("dynamic_matmul", "DynamicQuantizeMatMul", [f(3, 8), u8(8, 5), one(0.02), one(120, np.uint8)], constant=(1, 2, 3))
case("dynamic_matmul_bias", "DynamicQuantizeMatMul", [f(2, 3, 8), s8(8, 5), f(5) ** 2 + 0.01, None, f(5)], constant=(1, 2))
case("dynamic_lstm", "DynamicQuantizeLSTM",
     [f(6, 2, 5), s8(1, 5, 16), s8(1, 4, 16), f(1, 32), None, None, None, None, f(1, 16) ** 2 * 0.01, np.zeros((1, 16), np.int8), np.float32([0.01]), np.int8([3])],
     outputs=3, constant=(1, 2, 3, 8, 9, 10, 11), hidden_size=4)
case("dynamic_lstm_both", "DynamicQuantizeLSTM",
     [f(6, 1, 5), s8(2, 5, 16), s8(2, 4, 16), f(2, 32), np.int32([4]), f(2, 1, 4), f(2, 1, 4), f(2, 12),
      np.float32([0.01, 0.02]), np.int8([0, 0]), np.float32([0.02, 0.01]), np.int8([0, 2])],
     outputs=3, constant=(1, 2, 3, 8, 9, 10, 11), hidden_size=4, direction="bidirectional")
case("dynamic_lstm_reverse", "DynamicQuantizeLSTM", [f(6, 2, 5), u8(1, 5, 16), u8(1, 4, 16), None, None, None, None, None, one(0.01)[None], np.uint8([99]), one(0.02)[None], np.uint8([120])],
     outputs=3, constant=(1, 2, 8, 9, 10, 11), hidden_size=4, direction="reverse", input_forget=1, clip=2.0)
case("integer_to_float", "MatMulIntegerToFloat", [u8(3, 8), u8(8, 5), one(0.02), one(0.03), one(3, np.uint8), one(120, np.uint8), f(5)])
case("qgemm", "QGemm", [u8(3, 8), *q, s8(8, 5), one(0.02), one(0, np.int8), i(-99, 99, 5, dtype=np.int32), one(0.5), one(100, np.uint8)], constant=tuple(range(1, 9)))
case("qgemm_float", "QGemm", [u8(3, 8), *q, s8(5, 8), one(0.02), one(0, np.int8)], constant=tuple(range(1, 6)), transB=1, alpha=0.5)
case("qadd", "QLinearAdd", [u8(3, 5), *q, u8(5), one(0.02), one(9, np.uint8), one(0.05), one(11, np.uint8)], constant=(1, 2, 4, 5, 6, 7))
case("qmul", "QLinearMul", [u8(3, 5), *q, u8(3, 5), one(0.02), one(9, np.uint8), one(0.05), one(11, np.uint8)], constant=(1, 2, 4, 5, 6, 7))
case("qsigmoid", "QLinearSigmoid", [u8(3, 5), *q, one(1 / 256), one(0, np.uint8)], constant=(1, 2, 3, 4))
case("qleaky", "QLinearLeakyRelu", [u8(3, 5), *q, one(0.03), one(50, np.uint8)], constant=(1, 2, 3, 4), alpha=0.2)
case("qsoftmax", "QLinearSoftmax", [u8(3, 5), *q, one(1 / 256), one(0, np.uint8)], constant=(1, 2, 3, 4), axis=-1, opset=13)
case("qsoftmax_flat", "QLinearSoftmax", [u8(2, 3, 5), *q, one(1 / 256), one(0, np.uint8)], constant=(1, 2, 3, 4), axis=1, opset=12)
case("qglobal_pool", "QLinearGlobalAveragePool", [u8(1, 3, 4, 5), *q, one(0.02), one(9, np.uint8)], constant=(1, 2, 3, 4))
case("qglobal_pool_last", "QLinearGlobalAveragePool", [u8(1, 4, 5, 3), *q, one(0.02), one(9, np.uint8)], constant=(1, 2, 3, 4), channels_last=1)
case("qpool", "QLinearAveragePool", [u8(1, 3, 6, 7), *q, one(0.02), one(9, np.uint8)], constant=(1, 2, 3, 4), kernel_shape=[2, 3], strides=[2, 1])
case("qconcat", "QLinearConcat", [one(0.05), one(11, np.uint8), u8(3, 5), *q, u8(3, 2), one(0.02), one(9, np.uint8)], constant=(0, 1, 3, 4, 6, 7), axis=1)
case("qwhere", "QLinearWhere", [i(0, 2, 3, 5, dtype=bool), u8(3, 5), *q, u8(3, 5), one(0.02), one(9, np.uint8), one(0.05), one(11, np.uint8)], constant=(2, 3, 5, 6, 7, 8))
case("qconv_last", "QLinearConv", [u8(1, 6, 7, 4), *q, s8(8, 4, 3, 3), one(0.02), one(0, np.int8), one(0.9), one(100, np.uint8)],
     constant=tuple(range(1, 8)), channels_last=1)
for name, w, more in (("", u8(20, 5, 3, 3), {"pads": [1, 0, 2, 1], "strides": [2, 1]}), ("_point", u8(20, 5, 1, 1), {}), ("_signed", s8(20, 5, 3, 3), {"dilations": [2, 1]})):
    case(f"conv_integer{name}", "ConvInteger", [u8(2, 5, 9, 8), w, one(77, np.uint8), one(9, w.dtype)], constant=(1, 3), domain="", **more)
case("qattention", "QAttention", [u8(B, S, D), s8(D, 3 * D), f(3 * D), one(0.01), one(0.01), i(0, 2, B, S, dtype=np.int32), one(128, np.uint8), one(0, np.int8)],
     constant=(1, 2, 3, 4, 6, 7), num_heads=H)
case("quantize", "QuantizeLinear", [f(3, 5), one(0.02), one(99, np.uint8)], constant=(1, 2))
case("dequantize", "DequantizeLinear", [u8(3, 5), one(0.02), one(99, np.uint8)], constant=(1, 2))
for bits, block, k in ((4, 32, 96), (4, 16, 40), (8, 32, 64), (2, 32, 64)):
    blocks, size = -(-k // block), block * bits // 8
    case(f"bits_{bits}_{block}", "MatMulNBits", [f(3, k), u8(6, blocks, size), f(6, blocks, scale=0.1)], constant=(1, 2), K=k, N=6, bits=bits, block_size=block)
case("bits_zeros", "MatMulNBits", [f(3, 96), u8(6, 3, 16), f(6, 3, scale=0.1), u8(6, 2)], constant=(1, 2, 3), K=96, N=6, bits=4, block_size=32)
case("bits_bias", "MatMulNBits", [f(2, 3, 64), u8(6, 2, 16), f(6, 2, scale=0.1), None, None, f(6)], constant=(1, 2, 5), K=64, N=6, bits=4, block_size=32)

# Mixtures of experts: ONNX Runtime has them for CPUs without a third product, and gates only by turns.
E, M, W = 6, 32, 16
GATES = {"swiglu_fusion": 1, "activation_alpha": 1.5, "activation_beta": 0.5, "swiglu_limit": 1.25}
for name, rows, activation, wide, more in (("one", 1, "silu", 1, {}), ("few", 3, "gelu", 1, {"normalize_routing_weights": 1}), ("many", 40, "relu", 1, {}),
                                           ("gated", 17, "swiglu", 2, GATES), ("plain", 5, "identity", 1, {"k": 3})):  # fmt: skip
    case(f"experts_{name}", "MoE", [f(rows, M), f(rows, E), f(E, wide * W, M, scale=0.2), f(E, wide * W), f(E, M, W, scale=0.2), f(E, M)],
         constant=(2, 3, 4, 5), activation_type=activation, **{"k": 2, **more})  # fmt: skip
case("experts_given", "MoE", [f(2, 9, M), f(18, E), f(E, W, M, scale=0.2), None, f(E, M, W, scale=0.2)], activation_type="silu", k=2)
case("experts_gates", "MoE", [f(7, M), f(7, E), f(E, 2 * W, M, scale=0.2), f(E, 2 * W), f(E, M, W, scale=0.2), f(E, M)], constant=(2, 3, 4, 5),
     activation_type="swiglu", k=2, **GATES | {"swiglu_fusion": 2})  # fmt: skip
case("experts_third", "MoE", [f(20, M), f(20, E), f(E, W, M, scale=0.2), f(E, W), f(E, M, W, scale=0.2), f(E, M), f(E, W, M, scale=0.2), f(E, W)],
     constant=(2, 3, 4, 5, 6, 7), activation_type="swiglu", k=2, **GATES | {"swiglu_fusion": 0})  # fmt: skip
for name, bits, block, zeros in (("rows", 4, 0, False), ("zeros", 4, 0, True), ("blocks", 4, 16, True), ("bytes", 8, 0, True), ("pairs", 2, 16, True)):
    def scales(n, k):
        return f(E, n, k // block, scale=0.01) if block else f(E, n, scale=0.01)

    def points(n, k):
        per = 8 // bits
        return (u8(E, n, -(-(k // block) // per)) if block else u8(E, -(-n // per))) if zeros else None

    case(f"qexperts_{name}", "QMoE",
         [f(9, M), f(9, E), u8(E, W, M * bits // 8), scales(W, M), f(E, W), u8(E, M, W * bits // 8), scales(M, W), f(E, M), None, None, None, points(W, M), points(M, W)],
         constant=(2, 3, 4, 5, 6, 7, 11, 12), k=2, activation_type="silu", normalize_routing_weights=int(zeros), expert_weight_bits=bits, **{"block_size": block} if block else {})  # fmt: skip


def experts(name):
    """Each row through its experts, one after the other."""

    def through(x, scores, w1, b1, w2, b2, w3=None, b3=None):
        attributes, rows = CASES[name][2], []
        limit = attributes["swiglu_limit"]
        for row, score in zip(x.astype(np.float64), scores.astype(np.float64)):
            share, chosen = softmax(score), np.argsort(-score)[: attributes["k"]]
            total = np.zeros(M)
            for one in chosen:
                gate = w1[one] @ row + b1[one]
                gate, linear = np.split(gate, 2) if w3 is None else (gate, w3[one] @ row + b3[one])
                gate, linear = np.minimum(gate, limit), np.clip(linear, -limit, limit)
                hidden = gate / (1 + np.exp(-attributes["activation_alpha"] * gate)) * (linear + attributes["activation_beta"])
                total += share[one] * (w2[one] @ hidden + b2[one])
            rows.append(total)
        return np.array(rows)

    return through


def split_gelu(x, bias):
    left, right = np.split(x + bias, 2, axis=-1)
    return left * 0.5 * right * (1 + np.vectorize(math.erf)(right / np.sqrt(2)))


def group_norm(x, gamma, beta):
    groups = x.reshape(*x.shape[:-1], 3, -1)
    mean, variance = groups.mean((1, 2, 4), keepdims=True), groups.var((1, 2, 4), keepdims=True)
    y = ((groups - mean) / np.sqrt(variance + 1e-5)).reshape(x.shape) * gamma + beta
    return y / (1 + np.exp(-y))


def softmax(x):
    powers = np.exp(x - x.max(-1, keepdims=True))
    return powers / powers.sum(-1, keepdims=True)


def packed(x):
    q, k, v = (x[:, :, :, part].swapaxes(1, 2) for part in range(3))
    y = softmax(q @ k.swapaxes(2, 3) / np.sqrt(q.shape[-1])) @ v
    return y.swapaxes(1, 2).reshape(*x.shape[:2], -1)


def packed_pair(query, pair):
    q = query.reshape(*query.shape[:2], H, -1).swapaxes(1, 2)
    k, v = (pair[:, :, :, part].swapaxes(1, 2) for part in range(2))
    y = softmax(q @ k.swapaxes(2, 3) / np.sqrt(q.shape[-1])) @ v
    return y.swapaxes(1, 2).reshape(query.shape)


REFERENCES = {
    "mha_packed": packed,
    "mha_packed_pair": packed_pair,
    "bias_add": lambda x, bias, skip: x + bias + skip,
    "bias_split_gelu": split_gelu,
    "bias_softmax": lambda x, bias: softmax(x + bias),
    "experts_gates": experts("experts_gates"),
    "experts_third": experts("experts_third"),
    "group_norm": group_norm,
    "nhwc_conv": lambda x, w, b: x @ w[:, :, 0, 0].T + b,
}


# Cases that are also written with constants as inputs, and no dim of them known.
UNKNOWN = ("gqa_rotary", "gqa_prompt", "experts_gated", "experts_many", "qexperts_blocks", "qexperts_zeros")


def model_of(name, symbolic, unknown=False):
    op, operands, attributes, outputs, constant, domain = CASES[name]
    names = ["" if value is None else f"x{k}" for k, value in enumerate(operands)]
    results = [f"y{k}" for k in range(outputs)]
    if op == "SkipSimplifiedLayerNormalization" or (op == "SkipLayerNormalization" and outputs > 1):
        results[1] = results[2] = ""  # ONNX Runtime does not write them
    node = helper.make_node(op, names, results, domain=domain, **attributes)
    inputs, initialisers = [], []
    first = next(value.shape[0] for k, value in enumerate(operands) if k not in constant)
    for k, value in enumerate(operands):
        if value is None:
            continue
        kind = helper.np_dtype_to_tensor_dtype(value.dtype)
        if unknown:
            inputs.append(helper.make_tensor_value_info(names[k], kind, [None] * value.ndim))
        elif k in constant:
            initialisers.append(onnx.numpy_helper.from_array(value, names[k]))
        else:
            shape = [f"d{k}_{axis}" if symbolic and axis == 0 and value.ndim > 1 and size == first else size
                     for axis, size in enumerate(value.shape)]
            shape = ["batch" if isinstance(size, str) else size for size in shape]
            inputs.append(helper.make_tensor_value_info(names[k], kind, shape))
    graph = helper.make_graph([node], name, inputs, [helper.make_empty_tensor_value_info(r) for r in results if r], initialisers)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21), helper.make_opsetid("com.microsoft", 1)], ir_version=10)


def feed_of(name, unknown=False):
    operands, constant = CASES[name][1], () if unknown else CASES[name][4]
    return {f"x{k}": value for k, value in enumerate(operands) if value is not None and k not in constant}


def tolerance(value):
    """Roundings, and of bytes one step."""
    if value.dtype.kind == "f":
        return 2e-5 * max(1.0, float(np.abs(value).max(initial=0)))
    return int(value.dtype.itemsize == 1)


def write(folder, name, symbolic, unknown=False):
    model = model_of(name, symbolic, unknown)
    if name in REFERENCES:
        expected = REFERENCES[name](*CASES[name][1])
        expected = [value.astype(np.float32) for value in (expected if isinstance(expected, list) else [expected])]
    else:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # several threads round the states of DynamicQuantizeLSTM sequence by sequence
        session = onnxruntime.InferenceSession(model_of(name, False).SerializeToString(), options, providers=["CPUExecutionProvider"])
        expected = session.run(None, feed_of(name))
    data = folder / "test_data_set_0"
    data.mkdir(parents=True)
    onnx.save(model, folder / "model.onnx")
    (folder / "tolerance").write_text("".join(f"0 {tolerance(value):.17g}\n" for value in expected))
    for kind, arrays in (("input", list(feed_of(name, unknown).items())), ("output", [(o.name, v) for o, v in zip(model.graph.output, expected)])):
        for index, (named, array) in enumerate(arrays):
            (data / f"{kind}_{index}.pb").write_bytes(onnx.numpy_helper.from_array(array, named).SerializeToString())


def main():
    onnxruntime.set_default_logger_severity(4)
    met = set()
    for name in sys.argv[2:] or CASES:
        op = CASES[name][0]
        for symbolic in (False, True) if op not in met else (False,):
            write(pathlib.Path(sys.argv[1], name + "_symbolic" * symbolic), name, symbolic)
        met.add(op)
        if name in UNKNOWN:
            write(pathlib.Path(sys.argv[1], name + "_unknown"), name, False, True)


if __name__ == "__main__":
    main()
