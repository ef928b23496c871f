"""bf16.py - products and convolutions whose operands are bf16, beside sums of rounded operands in f64.

    bf16.py make           model.onnx and in.npz
    bf16.py check OUT.npz  each output is what its rounded operands give, to f32's accuracy, and not what they give unrounded
    bf16.py same A B       two files have the same bits
"""

import sys

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

random = np.random.default_rng(7)


def rounded(array):
    """To the nearest bf16; of two, the one whose last bit is 0."""
    bits = np.ascontiguousarray(array, np.float32).view(np.uint32).astype(np.uint64)
    return ((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000).astype(np.uint32).view(np.float32).reshape(array.shape)


def conv(image, weights, strides=1, pad=0, group=1):
    image = np.pad(image, [(0, 0), (0, 0), (pad, pad), (pad, pad)])
    windows = np.lib.stride_tricks.sliding_window_view(image, weights.shape[2:], (2, 3))[:, :, ::strides, ::strides]
    images = np.split(windows, group, 1)
    return np.concatenate([np.einsum("nchwij,ocij->nohw", i, w) for i, w in zip(images, np.split(weights, group))], 1)


def transposed(a, b):
    return a @ np.swapaxes(b, -1, -2)


# Name: shapes of the operands, whether the second is constant, what is computed, attributes of a convolution.
CASES = {
    "odd": ([37, 46], [46, 35], True, np.matmul, None),
    "long": ([5, 2050], [2050, 70], True, np.matmul, None),
    "row": ([1, 512], [512, 300], True, np.matmul, None),
    "wide": ([70, 64], [64, 512], True, np.matmul, None),
    "straight": ([3, 40, 64], [3, 64, 50], False, np.matmul, None),
    "turned": ([3, 40, 64], [3, 50, 64], False, transposed, None),
    "blocks": ([64, 1200], [1200, 170], False, np.matmul, None),
    "point": ([2, 32, 9, 11], [48, 32, 1, 1], True, conv, {}),
    "strided": ([1, 32, 15, 13], [40, 32, 3, 3], True, conv, dict(strides=2, pad=1)),
    "grouped": ([1, 64, 7, 9], [48, 32, 5, 5], True, conv, dict(group=2)),
}
# What stays f32: an odd depth, a short one, few results side by side, few rows.
EXACT = {
    "uneven": ([37, 45], [45, 35], True, np.matmul, None),
    "short": ([37, 16], [16, 35], True, np.matmul, None),
    "thin": ([37, 64], [64, 5], True, np.matmul, None),
    "few": ([3, 2, 64], [3, 64, 50], False, np.matmul, None),
}


def numbers(shape):
    return random.standard_normal(shape).astype(np.float32)


def operands():
    """The same ones each time."""
    return {name: (numbers(a), numbers(b)) for name, (a, b, *_) in (CASES | EXACT).items()}


def node(name, isConstant, compute, attributes):
    b = f"{name}_b"
    if compute is conv:
        # An image of the caller's has no pairs of channels side by side, and is multiplied in f32; what comes out has.
        channels = CASES[name][0][1]
        same = numpy_helper.from_array(np.eye(channels, dtype=np.float32).reshape(channels, channels, 1, 1))
        image = [
            helper.make_node("Constant", [], [f"{name}_same"], value=same),
            helper.make_node("Conv", [f"{name}_a", f"{name}_same"], [f"{name}_image"]),
        ]
        wanted = dict(strides=[attributes.get("strides", 1)] * 2, pads=[attributes.get("pad", 0)] * 4, group=attributes.get("group", 1))
        return [*image, helper.make_node("Conv", [f"{name}_image", b], [name], **wanted)]
    if compute is transposed:
        turn = helper.make_node("Transpose", [b], [f"{name}_t"], perm=[0, 2, 1])
        return [turn, helper.make_node("MatMul", [f"{name}_a", f"{name}_t"], [name])]
    return [helper.make_node("MatMul", [f"{name}_a", b], [name])]


def make():
    inputs, constants, nodes, arrays = [], [], [], {}
    for name, (a, b) in operands().items():
        _, _, isConstant, compute, attributes = (CASES | EXACT)[name]
        nodes += node(name, isConstant, compute, attributes)
        given = {f"{name}_a": a} if isConstant else {f"{name}_a": a, f"{name}_b": b}
        arrays |= given
        inputs += [helper.make_tensor_value_info(key, TensorProto.FLOAT, array.shape) for key, array in given.items()]
        if isConstant:
            constants.append(numpy_helper.from_array(b, f"{name}_b"))
    # An elementwise result that only products read is rounded where it arises; one that others read too is not.
    nodes += [
        helper.make_node("Relu", ["odd"], ["positive"]),
        helper.make_node("Slice", ["positive", "begin", "end", "axis"], ["part"]),
        helper.make_node("MatMul", ["part", "chain_b"], ["chained"]),
        helper.make_node("Add", ["chained", "wide_first"], ["chain"]),
        helper.make_node("Slice", ["wide", "begin", "rows", "first"], ["wide_first"]),
    ]
    nodes[-1], nodes[-2] = nodes[-2], nodes[-1]
    constants += [numpy_helper.from_array(np.array([n], np.int64), key) for key, n in dict(begin=0, end=34, axis=1, rows=37, first=0).items()]
    constants.append(numpy_helper.from_array(chain_weights(), "chain_b"))
    outputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in [*CASES, *EXACT, "chain"]]
    graph = helper.make_graph(nodes, "g", inputs, outputs, constants)
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), "model.onnx")
    np.savez("in.npz", **arrays)


def chain_weights():
    return np.random.default_rng(8).standard_normal((34, 512)).astype(np.float32)


def check(path):
    found = np.load(path)
    for name, (a, b) in operands().items():
        _, _, _, compute, attributes = (CASES | EXACT)[name]
        exact = compute(a.astype(float), b.astype(float), **(attributes or {}))
        near = compute(rounded(a).astype(float), rounded(b).astype(float), **(attributes or {}))
        size = np.abs(near).max()
        to_exact, to_near = np.abs(found[name] - exact).max() / size, np.abs(found[name] - near).max() / size
        low, high = (to_exact, to_near) if name in EXACT else (to_near, to_exact)
        assert low < 3e-6 and high > 3e-4, (name, to_exact, to_near)
    chain = rounded(np.maximum(found["odd"][:, :34], 0)).astype(float) @ rounded(chain_weights()) + found["wide"][:37]
    assert np.abs(found["chain"] - chain).max() < 3e-6 * np.abs(chain).max()


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make()
    elif sys.argv[1] == "check":
        check(sys.argv[2])
    else:
        first, second = np.load(sys.argv[2]), np.load(sys.argv[3])
        assert all(first[key].tobytes() == second[key].tobytes() for key in first)
