"""small_networks.py - small networks, one for each kind of kernel, as ONNX models with weights of a fixed seed."""

import numpy as np
from onnx import TensorProto, helper, numpy_helper, shape_inference


class Network:
    """A graph under construction; weights and names are made as they are needed."""

    def __init__(self, name, shape):
        self.name, self.random = name, np.random.default_rng(7)
        self.nodes, self.weights = [], []
        self.input = helper.make_tensor_value_info("input", TensorProto.FLOAT, shape)

    def weight(self, *shape):
        fan_in = int(np.prod(shape[1:])) or 1
        array = self.random.standard_normal(shape, dtype=np.float32) / np.float32(np.sqrt(fan_in))
        return self.constant(array)

    def constant(self, array):
        self.weights.append(numpy_helper.from_array(np.asarray(array), f"weight{len(self.weights)}"))
        return self.weights[-1].name

    def add(self, operator, *inputs, results=1, **attributes):
        names = [f"value{len(self.nodes)}_{k}" for k in range(results)]
        self.nodes.append(helper.make_node(operator, inputs, names, **attributes))
        return names[0] if results == 1 else names

    def model(self, output):
        result = helper.make_tensor_value_info(output, TensorProto.FLOAT, None)
        graph = helper.make_graph(self.nodes, self.name, [self.input], [result], self.weights)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
        return shape_inference.infer_shapes(model)


def conv(net, x, inputs, outputs, kernel, **attributes):
    group = attributes.get("group", 1)
    pads = [kernel // 2] * 4
    w, b = net.weight(outputs, inputs // group, kernel, kernel), net.weight(outputs)
    return net.add("Relu", net.add("Conv", x, w, b, pads=pads, kernel_shape=[kernel] * 2, **attributes))


def mlp():
    """Matrix products with bias and ReLU, a batch of 16."""
    net, x = Network("mlp", [16, 784]), "input"
    for inputs, outputs in ((784, 256), (256, 128)):
        x = net.add("Relu", net.add("Gemm", x, net.weight(outputs, inputs), net.weight(outputs), transB=1))
    return net.model(net.add("Gemm", x, net.weight(10, 128), net.weight(10), transB=1))


def vector():
    """One vector times a matrix, bound by reading it."""
    net = Network("vector", [1, 784])
    return net.model(net.add("Gemm", "input", net.weight(512, 784), net.weight(512), transB=1))


def winograd():
    """Two 3x3 convolutions with stride 1."""
    net = Network("winograd", [1, 64, 28, 28])
    return net.model(conv(net, conv(net, "input", 64, 64, 3), 64, 64, 3))


def direct():
    """The first convolution of an image network: three channels, stride 2."""
    net = Network("direct", [1, 3, 64, 64])
    return net.model(conv(net, "input", 3, 32, 3, strides=[2, 2]))


def pointwise():
    """1x1 convolutions."""
    net = Network("pointwise", [1, 96, 14, 14])
    return net.model(conv(net, conv(net, "input", 96, 192, 1), 192, 96, 1))


def depthwise():
    """An inverted residual: expand, depthwise, project, add."""
    net = Network("depthwise", [1, 32, 28, 28])
    x = conv(net, conv(net, "input", 32, 192, 1), 192, 192, 3, group=192)
    x = net.add("Conv", x, net.weight(32, 192, 1, 1), net.weight(32), kernel_shape=[1, 1])
    return net.model(net.add("Add", x, "input"))


def lstm():
    """Eight steps of an LSTM cell."""
    net, hidden = Network("lstm", [8, 1, 128]), 128
    weights = [net.weight(1, 4 * hidden, 128), net.weight(1, 4 * hidden, hidden), net.weight(1, 8 * hidden)]
    return net.model(net.add("LSTM", "input", *weights, hidden_size=hidden))


def attention():
    """Softmax attention of four heads over 64 positions, with its four projections and a layer norm."""
    net, steps, width, heads = Network("attention", [1, 64, 128]), 64, 128, 4
    ones, zeros = net.constant(np.ones(width, np.float32)), net.constant(np.zeros(width, np.float32))
    x = net.add("LayerNormalization", "input", ones, zeros)
    shape, back = net.constant([1, steps, heads, width // heads]), net.constant([1, steps, width])
    project = lambda value: net.add("Add", net.add("MatMul", value, net.weight(width, width)), net.weight(width))
    split = lambda order: net.add("Transpose", net.add("Reshape", project(x), shape), perm=order)
    q, k, v = split([0, 2, 1, 3]), split([0, 2, 3, 1]), split([0, 2, 1, 3])
    scale = net.constant(np.float32((width // heads) ** -0.5))
    weights = net.add("Softmax", net.add("Mul", net.add("MatMul", q, k), scale), axis=-1)
    mixed = net.add("Transpose", net.add("MatMul", weights, v), perm=[0, 2, 1, 3])
    return net.model(net.add("Add", project(net.add("Reshape", mixed, back)), "input"))


NETWORKS = {make.__name__: make for make in (mlp, vector, winograd, direct, pointwise, depthwise, lstm, attention)}


def example(model):
    """{input: array} for a model."""
    shape = [d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim]
    return {"input": np.random.default_rng(3).standard_normal(shape, dtype=np.float32)}
