"""contraction.py - products of matrices, attention, recurrent layers and transforms."""

import numpy as np

from .case import DTYPE, FLOATS, NUMBER, RANGE, Skip, ints, rule


def matrices(c, first, second, kind="normal"):
    m, k, n = c.dim(), c.dim() if not c.chance(0.03) else 0, c.dim()
    batch = c.shape(0, 2, 12)
    a, b = [*batch, m, k], [*c.broadcast(batch), k, n]
    if c.chance(0.3):
        a = [*c.broadcast(batch), m, k]
    if c.chance(0.1):
        a = [k]
    if c.chance(0.1):
        b = [k]
    c.input(first, a, kind)
    c.input(second, b, kind, constant=0.5)
    c.accumulates = True
    return a, b


@rule("MatMul")
def matmul(c):
    matrices(c, "A", "B")


@rule("MatMulInteger")
def matmul_integer(c):
    a, b = matrices(c, "A", "B")
    if c.chance(0.6):
        c.input("a_zero_point", [] if c.chance(0.7) or len(a) != 2 else [a[-2]], constant=0.8)
        # It takes zero points of rows for those of columns.
        if c.inputs["a_zero_point"].ndim:
            c.distrusted.add("reference")
        if c.chance(0.6):
            c.input("b_zero_point", [] if c.chance(0.6) or len(b) != 2 else [b[-1]], constant=0.8)


@rule("QLinearMatMul")
def qlinear_matmul(c):
    a, b = matrices(c, "a", "b")
    for name, limit in (("a", 0.1), ("b", 0.1), ("y", 1)):
        word = c.type(c.variable(f"{name}_scale"))
        c.value(f"{name}_scale", np.array(0.02 + c.rng.random() * limit, DTYPE[word]), 0.8)
        c.input(f"{name}_zero_point", [], constant=0.8)
    c.steps = 1


@rule("Gemm")
def gemm(c):
    m, k, n = c.dim(), c.dim(), c.dim()
    a, b = [m, k], [k, n]
    if c.attribute("transA", 0, 1):
        a = [k, m]
    if c.attribute("transB", 0, 1):
        b = [n, k]
    c.input("A", a)
    c.input("B", b, constant=0.5)
    if c.chance(0.7) or c.opset < 11:
        c.input("C", c.broadcast([m, n]))
    if c.types["T"] in FLOATS:
        c.attribute("alpha", 0.5, 2.0)
        c.attribute("beta", 0.5, 0.0)
    c.accumulates = True


@rule("Attention")
def attention(c):
    batch, heads, per = c.integer(1, 2), c.integer(1, 4), c.choose(2, 4, 8)
    shared = c.rng.choice([h for h in range(1, heads + 1) if heads % h == 0])
    q, kv, past, v_per = c.integer(1, 7), c.integer(1, 7), c.integer(0, 4), c.choose(2, 4, 8)
    flat = c.chance(0.4)
    c.input("Q", [batch, q, heads * per] if flat else [batch, heads, q, per])
    c.input("K", [batch, kv, shared * per] if flat else [batch, shared, kv, per])
    c.input("V", [batch, kv, shared * v_per] if flat else [batch, shared, kv, v_per])
    if flat:
        c.attributes.update(q_num_heads=heads, kv_num_heads=shared)
    with_past = c.chance(0.3)
    total = kv + (past if with_past else 0)
    if c.chance(0.5):
        dims = [q, total] if c.chance(0.5) else [c.choose(1, batch), c.choose(1, heads), q, total]
        word = c.type("U")
        mask = c.array(word, dims)
        if word == "bool":
            mask[..., 0] = True
        c.value("attn_mask", mask)
    if with_past:
        c.input("past_key", [batch, shared, past, per])
        c.input("past_value", [batch, shared, past, v_per])
        c.outputs = ["Y", "present_key", "present_value"]
    # "attn_mask: [...] a boolean mask [...] also supports a float mask": what its function makes of others adds the integer that -inf is.
    if c.attribute("is_causal", 0, 1) and c.types.get("U") in RANGE and c.types["U"] != "bool":
        c.attributes["is_causal"] = 0
    c.attribute("scale", 0.5)
    c.attribute("softcap", 0.0, 2.0)
    c.accumulates = True


@rule("LinearAttention")
def linear_attention(c):
    batch, length, heads, per = c.integer(1, 2), c.integer(1, 6), c.integer(1, 3), c.choose(2, 4)
    c.input("query", [batch, length, heads * per])
    c.input("key", [batch, length, heads * per])
    c.input("value", [batch, length, heads * per])
    update = c.attribute("update_rule", "linear", "gated", "delta", "gated_delta", probability=1)
    if c.chance(0.4):
        c.input("past_state", [batch, heads, per, per])
    if "gated" in update:
        x = c.input("decay", [batch, length, heads * per])
        c.inputs["decay"] = (-abs(x)).astype(x.dtype)
    if "delta" in update:
        c.input("beta", [batch, length, heads], "positive")
    c.attributes.update(q_num_heads=heads, kv_num_heads=heads)
    c.outputs = ["output", "present_state"]
    c.accumulates = True


@rule("RotaryEmbedding")
def rotary(c):
    batch, heads, length, per = c.integer(1, 2), c.integer(1, 3), c.integer(1, 6), c.choose(2, 4, 8)
    flat = c.chance(0.4)
    c.input("X", [batch, length, heads * per] if flat else [batch, heads, length, per])
    part = per
    if c.chance(0.3) and per > 2:
        part = per // 2
        c.attributes["rotary_embedding_dim"] = part
    if flat:
        c.attributes["num_heads"] = heads
    c.attribute("interleaved", 0, 1)
    if c.chance(0.6):
        c.input("cos_cache", [12, part // 2])
        c.input("sin_cache", [12, part // 2])
        c.value("position_ids", c.numbers.integers(0, 12, [batch, length]), 0.3)
    else:
        c.input("cos_cache", [batch, length, part // 2])
        c.input("sin_cache", [batch, length, part // 2])


# Of the others nobody agrees what they are without alpha and beta.
ACTIVATIONS = ("Relu", "Tanh", "Sigmoid", "Softsign", "LeakyRelu", "Elu", "HardSigmoid")


@rule("RNN", "GRU", "LSTM")
def recurrent(c):
    gates, kinds = {"RNN": (1, 1), "GRU": (3, 2), "LSTM": (4, 3)}[c.name]
    direction = c.attribute("direction", "forward", "reverse", "bidirectional") or "forward"
    both = 2 if direction == "bidirectional" else 1
    length, batch, size, hidden = c.integer(1, 7), c.integer(1, 4), c.integer(1, 8), c.integer(1, 9)
    layout = c.attribute("layout", 0, 1, probability=0.3)
    flip = (lambda dims: [dims[1], dims[0], *dims[2:]]) if layout else (lambda dims: dims)
    c.input("X", flip([length, batch, size]))
    c.input("W", [both, gates * hidden, size], constant=0.7)
    c.input("R", [both, gates * hidden, hidden], constant=0.7)
    if c.chance(0.6):
        c.input("B", [both, 2 * gates * hidden], constant=0.7)
    if c.chance(0.4):
        c.value("sequence_lens", c.numbers.integers(1, length, batch, endpoint=True).astype(np.int32), 0.3)
    if c.chance(0.5):
        c.input("initial_h", flip([both, batch, hidden]))
    if c.name == "LSTM":
        if c.chance(0.5):
            c.input("initial_c", flip([both, batch, hidden]))
        if c.chance(0.3):
            c.input("P", [both, 3 * hidden], constant=0.7)
        c.attribute("input_forget", 0, probability=0.2)
    if c.name == "GRU":
        c.attribute("linear_before_reset", 0, 1)
    c.attributes["hidden_size"] = hidden
    if c.chance(0.3):
        c.attributes["activations"] = [c.choose(*ACTIVATIONS) for _ in range(kinds * both)]
    if c.chance(0.2):
        # ONNX Runtime lets cells of LSTM pass.
        c.attributes["clip"] = c.choose(0.5, 3.0) if c.name != "LSTM" else 30.0
    c.outputs = ["Y", "Y_h", "Y_c"][: 3 if c.name == "LSTM" else 2]
    if set(c.attributes) - {"hidden_size"} or "sequence_lens" in c.inputs:
        c.distrusted.add("reference")
    keep = c.integer(1, len(c.outputs))
    c.outputs = c.outputs[:keep] if c.chance(0.6) else [None, *c.outputs[1:]]
    c.accumulates = True


@rule("DFT")
def dft(c):
    dims = [*c.shape(1, 3, 100, 0, 13), c.choose(1, 2)]
    inverse = c.attribute("inverse", 0, 1) or 0
    onesided = c.attribute("onesided", 0, 1) if dims[-1] == 1 and not inverse else None
    if len(dims) == 2:
        dims = [1, *dims]
    axis = c.integer(1, len(dims) - 2) if len(dims) > 2 else 1
    c.input("input", dims)
    length = c.type("T2") if c.chance(0.4) else None
    if length:
        c.value("dft_length", np.array(c.integer(1, 16), DTYPE[length]), 0.9)
    if c.has_attribute("axis"):
        c.attributes["axis"] = axis
    elif c.chance(0.7):
        c.value("axis", ints(axis if c.chance(0.6) else axis - len(dims)).reshape(()), 1)
    c.accumulates = True


@rule("STFT")
def stft(c):
    length, frame = c.integer(8, 40), c.choose(4, 5, 8)
    word = c.type("T1")
    c.input("signal", [c.integer(1, 3), length, 1])
    c.value("frame_step", np.array(c.integer(1, 6), DTYPE[c.type("T2")]), 1)
    if c.chance(0.5):
        c.input("window", [frame])
        if c.chance(0.5):
            c.value("frame_length", np.array(frame, DTYPE[c.types["T2"]]), 1)
    else:
        c.value("frame_length", np.array(frame, DTYPE[c.types["T2"]]), 1)
    c.attribute("onesided", 0, 1)
    c.accumulates = True


@rule("HannWindow", "HammingWindow", "BlackmanWindow")
def taper(c):
    c.value("size", np.array(c.integer(1, 20), DTYPE[c.type("T1")]), 0.8)
    c.attribute("periodic", 0, 1)
    # The ends are differences of cosines that are 1.
    c.least = 1e-6
    word = c.type("T2", FLOATS)
    if word == "float" and c.chance(0.5):
        return
    c.attributes["output_datatype"] = NUMBER[word]


@rule("MelWeightMatrix")
def mel(c):
    rate = c.choose(8000, 16000)
    whole = c.type("T1")
    for name, value in (("num_mel_bins", c.integer(1, 10)), ("dft_length", c.choose(16, 64)), ("sample_rate", rate)):
        if RANGE[whole][1] < 20000:
            raise Skip("no such rate")
        c.value(name, np.array(value, DTYPE[whole]), 0.9)
    real = c.type("T2")
    # It takes logarithms in the type of the edges, and another bin then.
    if real in ("float16", "bfloat16"):
        c.distrusted.add("reference")
    c.value("lower_edge_hertz", np.array(c.choose(0, 20, 300), DTYPE[real]), 0.9)
    c.value("upper_edge_hertz", np.array(c.choose(1000, rate // 2), DTYPE[real]), 0.9)
    word = c.type("T3", FLOATS)
    c.attributes["output_datatype"] = NUMBER[word]


@rule("QuantizeLinear", "DequantizeLinear")
def quantize(c):
    dims = c.shape(0, 4)
    is_quantize = c.name == "QuantizeLinear"
    x_variable, q_variable = ("T1", "T2")
    if c.opset >= 23 and is_quantize:
        q_variable = "T3"
    if not is_quantize:
        q_variable = "T1"
    quantized = c.type(q_variable)
    scale_variable = c.variable("y_scale" if is_quantize else "x_scale")
    if scale_variable == "tensor(float)":
        scale_word = "float"
    else:
        scale_word = c.type(scale_variable, ("float", "float16", "bfloat16"))
    if is_quantize:
        c.type(x_variable)
    how = c.choose("tensor", "axis", "block")
    per = []
    if how != "tensor" and dims and c.has_attribute("axis") and 0 not in dims:
        axis = c.axis(len(dims))
        c.attributes["axis"] = axis
        per = [dims[axis]]
        if how == "block" and c.has_attribute("block_size"):
            block = c.integer(1, dims[axis])
            c.attributes["block_size"] = block
            per = list(dims)
            per[axis] = -(-dims[axis] // block)
    x = c.array(c.types[x_variable] if is_quantize else quantized, dims, "normal" if not is_quantize or c.chance(0.7) else "wild")
    if is_quantize and x.dtype.kind not in "iu":
        finite = np.isfinite(x.astype(np.float64))
        x = np.where(finite, x, np.zeros_like(x))
        if np.dtype(DTYPE[quantized]).kind == "V" or "float" in quantized:
            x = np.clip(x.astype(np.float64), -50, 50).astype(x.dtype)
    if is_quantize:
        # "Saturation": numpy's int32 of what is greater is its least number.
        x = np.clip(x.astype(np.float64), -1e6, 1e6).astype(x.dtype)
    c.value("x", x)
    scale = c.numbers.random(per) * 0.2 + 0.01
    c.value("y_scale" if is_quantize else "x_scale", np.asarray(scale).astype(DTYPE[scale_word]), 0.7)
    zero = "y_zero_point" if is_quantize else "x_zero_point"
    if is_quantize and quantized != "uint8" or c.chance(0.6):
        z = c.array(quantized, per)
        c.value(zero, z * np.zeros_like(z) if quantized in FLOATS or quantized in ("int32",) else z, 0.7)
    if c.has_attribute("saturate") and "float8" in quantized:
        c.attribute("saturate", 0, 1)
    if not is_quantize and c.has_attribute("output_dtype") and c.chance(0.3):
        words = [w for w in ("float", "float16", "bfloat16")]
        word = c.rng.choice(words)
        c.attributes["output_dtype"] = NUMBER[word]
        c.output_types[0] = word
    elif not is_quantize:
        c.output_types[0] = scale_word
    c.steps = 1 if is_quantize else 0


@rule("DynamicQuantizeLinear")
def dynamic_quantize(c):
    c.input("x", c.shape(empty=0))
    c.outputs = ["y", "y_scale", "y_zero_point"]
    c.steps = 1
