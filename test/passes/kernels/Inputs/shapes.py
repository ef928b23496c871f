"""shapes.py - one model of many odd shapes, its inputs, and what ONNX's reference evaluator makes of them.

shapes.py make     writes shapes.onnx, in.npz, expected.npz
shapes.py check A  compares A with expected.npz
shapes.py same A B compares two results bit by bit
"""

import sys

import case
import numpy as np
from onnx import helper

rng = np.random.default_rng(1)
nodes, inputs, constants = [], {}, {}
outputs = []


def random(*shape):
    return rng.standard_normal(shape).astype(np.float32)


def given(*shape):
    inputs[f"x{len(inputs)}"] = random(*shape)
    return f"x{len(inputs) - 1}"


def constant(value):
    constants[f"c{len(constants)}"] = value
    return f"c{len(constants) - 1}"


def node(op, *operands, **attributes):
    nodes.append(helper.make_node(op, operands, [f"t{len(nodes)}"], **attributes))
    return nodes[-1].output[0]


def products():
    for rows, columns, depth in [(1, 7, 5), (1, 100, 33), (2, 2, 2), (15, 33, 17), (37, 51, 65), (60, 530, 30)]:
        for right in (constant(random(depth, columns)), given(depth, columns)):
            sum = node("MatMul", given(rows, depth), right)
            outputs.append(node("Relu", node("Add", sum, constant(random(columns)))))
    outputs.append(node("MatMul", given(3, 5, 37, 20), given(3, 5, 20, 19)))
    outputs.append(node("MatMul", given(2, 1, 9, 8), given(3, 8, 40)))


def greatest():
    """The greatest of products over a long axis: what looks like a sum of products and is none."""
    product = node("Mul", given(2, 2500, 1), given(2, 2500, 40))
    outputs.append(node("ReduceMax", node("Sub", product, constant(np.float32(1000))), constant(np.array([1])), keepdims=0))


def few_results():
    """Convolutions with fewer results side by side than vectors have lanes, of an image that lies channel by channel and of one that does not."""
    for image in (given(2, 1, 19, 28), node("Conv", given(2, 5, 19, 28), constant(random(16, 5, 1, 1)))):
        channels = inputs[image].shape[1] if image in inputs else 16
        for results, taps, stride in [(2, 3, 1), (4, 3, 1), (4, 3, 2), (5, 3, 1), (6, 5, 1), (7, 5, 1), (7, 1, 1)]:
            weights = constant(random(results, channels, taps, taps) / np.float32(channels))
            outputs.append(node("Conv", image, weights, constant(random(results)), pads=[taps // 2] * 4, strides=[stride] * 2))


def windows():
    """3x3 taps, enough channels and places for minimal filtering, with all that may follow."""

    def conv(x, shape, pads=(1, 1, 1, 1)):
        return node("Conv", x, constant(random(*shape) / np.float32(shape[1])), constant(random(shape[0])), pads=list(pads))

    x = given(1, 32, 14, 15)
    y = node("Relu", conv(x, (48, 32, 3, 3)))
    z = node("Add", conv(y, (32, 48, 3, 3)), x)
    outputs.extend([node("Clip", z, constant(np.float32(0)), constant(np.float32(6))), conv(z, (20, 32, 3, 3), (0, 2, 3, 1))])
    outputs.append(conv(given(3, 16, 20, 40), (33, 16, 3, 3)))  # several blocks and images
    outputs.append(node("Conv", given(2, 64, 8, 8), constant(random(64, 64, 3, 3) / np.float32(64)), pads=[1] * 4))


def layouts():
    """A small network in which the channels come to lie innermost, and what may stand between convolutions."""

    def conv(x, shape, **attributes):
        return node("Conv", x, constant(random(*shape) / np.float32(shape[1])), **attributes)

    x = conv(given(2, 3, 12, 13), (8, 3, 3, 3), strides=[2, 2], pads=[1] * 4)
    pooled = node("MaxPool", x, kernel_shape=[3, 3], pads=[1] * 4, strides=[1, 1])
    both = node("Concat", x, pooled, conv(x, (4, 8, 1, 1)), axis=1)
    depthwise = conv(both, (20, 1, 3, 3), group=20, pads=[1] * 4)
    grouped = conv(depthwise, (16, 5, 3, 3), group=4)
    part = node("Slice", grouped, constant(np.array([3])), constant(np.array([11])), constant(np.array([1])))
    squeezed = node("Sigmoid", conv(node("GlobalAveragePool", part), (8, 8, 1, 1)))
    outputs.append(node("Mul", part, squeezed))
    outputs.append(node("Transpose", node("Reshape", part, constant(np.array([2, 8, -1]))), perm=[0, 2, 1]))
    outputs.append(node("Softmax", part, axis=1))
    outputs.append(node("Flatten", grouped))
    outputs.append(node("Add", conv(part, (6, 8, 1, 1)), given(1, 6, 4, 5)))


def convolutions():
    def conv(x, shape, **attributes):
        y = node("Conv", x, constant(random(*shape)), constant(random(shape[0])), **attributes)
        outputs.append(node("Relu", node("Mul", y, y)))

    conv(given(1, 3, 9, 11), (5, 3, 3, 3), pads=[1] * 4)
    conv(given(2, 16, 14, 13), (24, 16, 3, 3), pads=[1] * 4, strides=[2, 2])
    conv(given(1, 64, 7, 7), (70, 64, 1, 1))
    conv(given(1, 300, 6, 5), (33, 300, 3, 3), pads=[1] * 4)
    conv(given(1, 12, 19, 37), (12, 1, 3, 3), pads=[1] * 4, strides=[2, 2], group=12)
    conv(given(1, 16, 12, 12), (32, 4, 3, 3), pads=[2] * 4, dilations=[2, 2], group=4)
    for shape, strides, more in [
        ((16, 19, 2, 2), [2, 2], {}),
        ((16, 5, 4, 4), [4, 4], {}),
        ((16, 20, 3, 4), [1, 2], {"pads": [1, 1, 1, 1]}),
        ((16, 3, 5, 3), [2, 2], {"pads": [3, 0, 1, 1], "output_padding": [1, 1]}),
        ((16, 1, 4, 2), [3, 1], {"group": 16, "dilations": [1, 2]}),
        ((16, 3, 2, 3), [2, 2], {"dilations": [3, 1]}),
    ]:
        y = node("ConvTranspose", given(2, 16, 6, 37), constant(random(*shape)), strides=strides, **more)
        outputs.append(node("Relu", node("Mul", y, y)))
    # Two phases of 8 channels are lanes in another order than the weights have.
    outputs.append(node("ConvTranspose", given(3, 16, 6, 2), constant(random(16, 8, 1, 2)), strides=[1, 2]))
    y = node("ConvTranspose", given(1, 24, 5, 18), constant(random(24, 40, 2, 2)), constant(random(40)), strides=[2, 2])
    outputs.append(node("Add", y, given(1, 40, 10, 36)))
    # A view with gaps between its rows.
    view = node("Slice", given(1, 6, 9, 12), constant(np.array([2])), constant(np.array([11])), constant(np.array([3])))
    conv(view, (5, 6, 1, 1))


def channelwise(x, channels, taps, pads, **attributes):
    weights = constant(random(channels, 1, *taps) / np.float32(np.prod(taps)))
    return node("Conv", x, weights, constant(random(channels)), group=channels, pads=pads, **attributes)


def depthwise():
    """Windows of each channel by itself."""
    for shape, taps, pads, attributes in [
        ((1, 3, 5, 7), (3, 3), [1, 1, 1, 1], {}),
        ((2, 17, 13, 9), (3, 3), [0, 1, 2, 1], {"strides": [2, 2]}),
        ((1, 24, 5, 7), (5, 5), [2, 2, 2, 2], {}),
        ((2, 40, 13, 9), (5, 3), [2, 0, 1, 3], {"strides": [1, 2]}),
        ((1, 33, 9, 31), (1, 3), [0, 1, 0, 1], {}),
        ((1, 33, 13, 9), (3, 1), [1, 0, 1, 0], {"strides": [2, 1]}),
        ((1, 16, 13, 19), (3, 3), [2, 2, 2, 2], {"dilations": [2, 3]}),
        ((1, 100, 7, 7), (3, 3), [1, 1, 1, 1], {"strides": [3, 3]}),
    ]:
        outputs.append(node("Relu", channelwise(given(*shape), shape[1], taps, pads, **attributes)))


def cascades():
    """Windows between products, with more between them than caches hold."""

    def pointwise(x, inner, outer):
        return node("Conv", x, constant(random(outer, inner, 1, 1) / np.float32(inner)), constant(random(outer)))

    def clip(x):
        return node("Clip", x, constant(np.float32(0)), constant(np.float32(6)))

    x = given(2, 9, 33, 37)
    y = clip(channelwise(clip(pointwise(x, 9, 72)), 72, (3, 3), [1, 1, 1, 1]))
    outputs.append(node("Add", pointwise(y, 72, 9), x))
    y = clip(channelwise(clip(pointwise(x, 9, 80)), 80, (3, 3), [0, 1, 2, 0], strides=[2, 2]))
    outputs.append(pointwise(y, 80, 17))
    y = channelwise(clip(pointwise(given(1, 3, 61, 40), 3, 70)), 70, (5, 5), [2, 3, 2, 1], strides=[2, 1])
    outputs.append(node("Mul", y, node("Sigmoid", y)))
    # Taps further apart, and the first product one with taps of its own.
    y = node("Conv", given(1, 3, 81, 70), constant(random(40, 3, 3, 3) / 9), strides=[1, 1], pads=[1, 0, 1, 2])
    outputs.append(pointwise(clip(channelwise(y, 40, (3, 3), [3, 2, 3, 2], dilations=[3, 2])), 40, 24))
    # No border, no first product, and a window that stands still across.
    outputs.append(pointwise(channelwise(given(1, 50, 57, 59), 50, (3, 3), [0, 0, 0, 0]), 50, 21))
    outputs.append(pointwise(channelwise(pointwise(given(3, 5, 29, 53), 5, 40), 40, (1, 3), [0, 1, 0, 1]), 40, 6))
    # What is made is used twice, and factors of channels.
    y = clip(pointwise(x, 9, 72))
    z = clip(channelwise(y, 72, (3, 3), [1, 1, 1, 1]))
    outputs.append(node("Add", pointwise(y, 72, 8), pointwise(z, 72, 8)))
    y = clip(pointwise(given(1, 9, 48, 50), 9, 72))
    z = channelwise(y, 72, (3, 3), [1, 1, 1, 1])
    factors = node("Sigmoid", pointwise(node("GlobalAveragePool", z), 72, 72))
    outputs.append(pointwise(node("Mul", z, factors), 72, 20))


def views():
    """Parts of larger tensors: what is added to a sum, every other channel for minimal filtering, and steps of run time."""
    corner = node("Slice", given(1, 64, 30, 30), constant(np.array([0, 0])), constant(np.array([28, 28])), constant(np.array([2, 3])))
    outputs.append(node("Add", node("Conv", given(1, 16, 28, 28), given(64, 16, 5, 5), pads=[2] * 4), corner))
    channels = node("Conv", given(1, 16, 32, 32), constant(random(32, 16, 3, 3) / np.float32(16)), pads=[1] * 4)
    ends = [constant(np.array([end])) for end in (0, 32, 1, 2)]
    outputs.append(node("Conv", node("Slice", channels, *ends), constant(random(16, 16, 3, 3) / np.float32(16)), pads=[1] * 4))
    inputs["steps"] = np.array([2, 3])
    part = node("Slice", given(9, 50), constant(np.array([0, 0])), constant(np.array([9, 50])), constant(np.array([0, 1])), "steps")
    outputs.append(node("ReduceMax", part, keepdims=0))
    outputs.append(node("ReduceMax", part, constant(np.array([1])), keepdims=0))
    outputs.append(node("Exp", part))
    outputs.append(node("MatMul", part, given(17, 20)))
    outputs.append(node("MatMul", given(20, 5), part))


def recurrences():
    # What the steps read again and again is larger than a cache, or not.
    for hidden in (256, 21):
        weights = [constant(random(*shape) / 8) for shape in ((1, 4 * hidden, 9), (1, 4 * hidden, hidden), (1, 8 * hidden))]
        outputs.append(node("LSTM", given(5, 1, 9), *weights, hidden_size=hidden))


def passes():
    for axis in (-1, 1):
        outputs.append(node("Softmax", given(5, 7, 33), axis=axis))
    outputs.append(node("Softmax", given(2, 17000)))
    outputs.append(node("LayerNormalization", given(3, 5, 77), constant(random(77)), constant(random(77))))
    outputs.append(node("LogSoftmax", given(1, 90), axis=-1))
    for axes in ([2], [1], [0, 2], [0, 1, 2]):
        # Absolute values, so that a sum of many has no cancellation to measure.
        outputs.append(node("ReduceMean", node("Abs", given(5, 12, 63)), constant(np.array(axes)), keepdims=0))
    outputs.append(node("Erf", node("Tanh", node("Exp", given(5, 71, 3)))))
    outputs.append(node("Sigmoid", node("Transpose", given(5, 71, 33), perm=[0, 2, 1])))
    outputs.append(node("MaxPool", given(1, 12, 29, 37), kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4))


def make():
    products()
    convolutions()
    windows()
    greatest()
    few_results()
    layouts()
    depthwise()
    cascades()
    views()
    recurrences()
    passes()
    case.write("shapes", nodes, inputs, constants, outputs)


{"make": make, "check": case.check, "same": case.same}[sys.argv[1]](*sys.argv[2:])
