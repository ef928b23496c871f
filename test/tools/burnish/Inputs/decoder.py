"""decoder.py - a small random decoder with a cache, and the tokens that ONNX Runtime makes with it, one run a token.

usage: decoder.py DIR [WIDTH [LAYERS [VOCABULARY [TOKENS]]]]     writes decoder.onnx, prompt.npy and tokens.txt, and says how long the loop took
"""

import sys
import time

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

folder = sys.argv[1]
kWidth, kLayers, kVocabulary, kTokens = [int(word) for word in sys.argv[2:6]] + [16, 2, 37, 12][len(sys.argv) - 2 :]
kHeads = max(2, kWidth // 64)
kHead, kPlaces = kWidth // kHeads, 512
random = np.random.default_rng(11)
nodes, constants = [], {}


def constant(name, array):
    constants[name] = array
    return name


def weight(name, *shape):
    return constant(name, (random.normal(size=shape) * 0.6 / shape[0] ** 0.5).astype("f4"))


def op(kind, inputs, output, **attributes):
    nodes.append(helper.make_node(kind, inputs, [output], **attributes))
    return output


def heads(name, source):
    split = op("Reshape", [source, constant("split", np.array([0, 0, kHeads, kHead]))], f"{name}.split")
    return op("Transpose", [split], f"{name}.heads", perm=[0, 2, 1, 3])


x = op("Add", [op("Gather", [constant("words", random.normal(size=(kVocabulary, kWidth)).astype("f4")), "input_ids"], "words.x"),
               op("Gather", [constant("places", random.normal(size=(kPlaces, kWidth)).astype("f4")), "position_ids"], "places.x")], "x")
inputs = {"input_ids": (TensorProto.INT64, [1, "tokens"]), "position_ids": (TensorProto.INT64, [1, "tokens"])}
outputs = {"logits": (TensorProto.FLOAT, [1, "tokens", kVocabulary])}
zero, one = constant("zero", np.array(0)), constant("one", np.array(1))
for layer in range(kLayers):
    norm = op("LayerNormalization", [x, constant("scale", np.ones(kWidth, "f4"))], f"{layer}.norm")
    for what in "key", "value":
        inputs[f"past.{layer}.{what}"] = (TensorProto.FLOAT, [1, kHeads, "past", kHead])
        outputs[f"present.{layer}.{what}"] = (TensorProto.FLOAT, [1, kHeads, "total", kHead])
        made = heads(f"{layer}.{what}", op("MatMul", [norm, weight(f"{layer}.{what}.w", kWidth, kWidth)], f"{layer}.{what}"))
        op("Concat", [f"past.{layer}.{what}", made], f"present.{layer}.{what}", axis=2)
    query = heads(f"{layer}.query", op("MatMul", [norm, weight(f"{layer}.query.w", kWidth, kWidth)], f"{layer}.query"))
    if layer == 0:
        total = op("Gather", [op("Shape", ["present.0.key"], "shape"), constant("two", np.array(2))], "total")
        all_places = op("Range", [zero, total, one], "all")
        row = op("Unsqueeze", ["position_ids", constant("axes", np.array([1, 3]))], "row")
        op("GreaterOrEqual", [row, all_places], "seen")
    turned = op("Transpose", [f"present.{layer}.key"], f"{layer}.turned", perm=[0, 1, 3, 2])
    scores = op("Mul", [op("MatMul", [query, turned], f"{layer}.raw"), constant("factor", np.array(kHead**-0.5, "f4"))], f"{layer}.scores")
    masked = op("Where", ["seen", scores, constant("never", np.array(-1e9, "f4"))], f"{layer}.masked")
    mixed = op("MatMul", [op("Softmax", [masked], f"{layer}.soft", axis=-1), f"present.{layer}.value"], f"{layer}.mixed")
    joined = op("Reshape", [op("Transpose", [mixed], f"{layer}.back", perm=[0, 2, 1, 3]), constant("join", np.array([0, 0, kWidth]))], f"{layer}.joined")
    x = op("Add", [x, op("MatMul", [joined, weight(f"{layer}.out.w", kWidth, kWidth)], f"{layer}.out")], f"{layer}.attended")
    norm = op("LayerNormalization", [x, "scale"], f"{layer}.norm2")
    wide = op("Gelu", [op("MatMul", [norm, weight(f"{layer}.up.w", kWidth, 4 * kWidth)], f"{layer}.up")], f"{layer}.gelu")
    x = op("Add", [x, op("MatMul", [wide, weight(f"{layer}.down.w", 4 * kWidth, kWidth)], f"{layer}.down")], f"{layer}.x")
op("MatMul", [op("LayerNormalization", [x, "scale"], "last"), weight("head", kWidth, kVocabulary)], "logits")

ports = [[helper.make_tensor_value_info(name, kind, shape) for name, (kind, shape) in side.items()] for side in (inputs, outputs)]
graph = helper.make_graph(nodes, "decoder", *ports, [numpy_helper.from_array(array, key) for key, array in constants.items()])
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), f"{folder}/decoder.onnx")

prompt = random.integers(0, kVocabulary, size=(1, 7))
np.save(f"{folder}/prompt.npy", prompt)
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1
session = onnxruntime.InferenceSession(f"{folder}/decoder.onnx", options)
states = {name: np.zeros((1, kHeads, 0, kHead), "f4") for name in inputs if name.startswith("past")}
ids, tokens, begin = prompt, [], time.perf_counter()
for step in range(kTokens):
    first = 0 if step == 0 else prompt.size + step - 1
    results = session.run(None, {"input_ids": ids, "position_ids": np.arange(first, first + ids.shape[1])[None], **states})
    tokens.append(int(results[0][0, -1].argmax()))
    ids = np.array([tokens[-1:]])
    states = {name.replace("present", "past"): value for name, value in zip(list(outputs)[1:], results[1:])}
print(f"{kTokens / (time.perf_counter() - begin):.0f} tokens/s")
with open(f"{folder}/tokens.txt", "w") as file:
    file.write(" ".join(map(str, tokens)) + "\n")
