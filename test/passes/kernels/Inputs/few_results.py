"""few_results.py - writes few.onnx: convolutions of 4 to 7 results behind one of 16."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

rng = np.random.default_rng(1)
weights, nodes, outputs = [], [], []


def conv(image, results, channels, taps, stride=1):
    name = f"w{len(weights)}"
    weights.append(numpy_helper.from_array(rng.standard_normal((results, channels, taps, taps), dtype=np.float32), name))
    nodes.append(helper.make_node("Conv", [image, name], [f"y{len(nodes)}"], pads=[taps // 2] * 4, strides=[stride] * 2))
    return nodes[-1].output[0]


body = conv("x", 16, 8, 1)
for results, taps, stride in [(4, 3, 1), (7, 3, 1), (4, 3, 2)]:
    outputs.append(helper.make_tensor_value_info(conv(body, results, 16, taps, stride), TensorProto.FLOAT, None))
image = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 8, 40, 48])
graph = helper.make_graph(nodes, "few", [image], outputs, weights)
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10), "few.onnx")
