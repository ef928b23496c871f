"""onnx_models.py - models of ONNX that are trained, beside the same networks in the language from the same weights."""

import json
import pathlib
import re
import subprocess

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

MLP_NET = """use std
net mlp(x: f32[N, 6]) -> f32[N, 3] { x |> dense(16) as first |> tanh |> dense(3) as second }
"""
CONV_NET = """use std
net images(image: f32[N, 2, 6, 6]) -> f32[N, 3] {
  image |> conv(4, 3, pad = 1) as c |> batchnorm as n |> relu |> maxpool(2) |> flatten |> dense(3) as out
}
"""
RECIPE = """train {name} {{
  {more}
  data   ({column}, kind) from npz("data.npz")
  split  train 75%, val 25%
  batch  N = 8, shuffle
  loss   cross_entropy({name}({column}), kind)
  update {update}
  metric accuracy
  epochs 4
  save   "{name}.safetensors"
}}
"""


def run(*words):
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, (words, done)
    return done.stdout


def read(path):
    """{path: array} of a safetensors file of f32."""
    raw = pathlib.Path(path).read_bytes()
    size = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + size])
    header.pop("__metadata__", None)
    return {
        key: np.frombuffer(raw, "<f4", int(np.prod(each["shape"])), 8 + size + each["data_offsets"][0]).reshape(each["shape"])
        for key, each in header.items()
    }


def write(path, tensors):
    header, at = {}, 0
    for name, array in tensors.items():
        header[name] = {"dtype": "F32", "shape": list(array.shape), "data_offsets": [at, at + array.nbytes]}
        at += array.nbytes
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    body = b"".join(np.ascontiguousarray(array, np.float32).tobytes() for array in tensors.values())
    pathlib.Path(path).write_bytes(len(text).to_bytes(8, "little") + text + body)


def model(path, nodes, inputs, outputs, weights):
    value = lambda name, shape, kind=TensorProto.FLOAT: helper.make_tensor_value_info(name, kind, shape)
    graph = helper.make_graph(
        nodes,
        "graph",
        [value(*each) for each in inputs],
        [value(*each) for each in outputs],
        [numpy_helper.from_array(array, name) for name, array in weights.items()],
    )
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9), path)


def mlp(generator, path="mlp.onnx"):
    """Two products: one with its bias added, one as Gemm with a matrix the other way round. Dims and values have names of
    ONNX that are none in the language."""
    weights = {
        "fc1.weight": generator.standard_normal((6, 16)).astype("f4") * np.float32(0.4),
        "fc1.bias": generator.standard_normal(16).astype("f4") * np.float32(0.1),
        "fc2.weight": generator.standard_normal((3, 16)).astype("f4") * np.float32(0.3),
        "fc2.bias": np.zeros(3, "f4"),
        "one": np.float32(1),
    }
    nodes = [
        helper.make_node("MatMul", ["input.1", "fc1.weight"], ["a"]),
        helper.make_node("Add", ["a", "fc1.bias"], ["b"]),
        helper.make_node("Tanh", ["b"], ["c"]),
        helper.make_node("Mul", ["c", "one"], ["d"]),
        helper.make_node("Gemm", ["d", "fc2.weight", "fc2.bias"], ["scores"], transB=1),
    ]
    model(path, nodes, [("input.1", ["batch_size", 6])], [("scores", ["batch_size", 3])], weights)
    return weights


def images(generator, path="images.onnx", **norm):
    weights = {
        "conv.w": generator.standard_normal((4, 2, 3, 3)).astype("f4") * np.float32(0.3),
        "conv.b": np.zeros(4, "f4"),
        "norm.scale": np.ones(4, "f4"),
        "norm.bias": np.zeros(4, "f4"),
        "norm.mean": generator.standard_normal(4).astype("f4") * np.float32(0.1),
        "norm.var": np.ones(4, "f4") * np.float32(1.2),
        "out.w": generator.standard_normal((36, 3)).astype("f4") * np.float32(0.2),
        "out.b": np.zeros(3, "f4"),
    }
    names = ["norm.scale", "norm.bias", "norm.mean", "norm.var"]
    results = ["n", "now.mean", "now.var"] if norm.get("training_mode") else ["n"]
    nodes = [
        helper.make_node("Conv", ["image", "conv.w", "conv.b"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("BatchNormalization", ["c", *names], results, epsilon=1e-5, **norm),
        helper.make_node("Relu", ["n"], ["r"]),
        helper.make_node("MaxPool", ["r"], ["p"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("Gemm", ["f", "out.w", "out.b"], ["scores"]),
    ]
    model(path, nodes, [("image", ["N", 2, 6, 6])], [("scores", ["N", 3])], weights)
    return weights


def losses(text):
    return [float(number) for number in re.findall(r"loss ([0-9.e+-]+)", text)]


def worst(a, b):
    return max(abs(x - y) / max(abs(y), 1e-6) for x, y in zip(a, b, strict=True))


def train(name, *words):
    """What the program says, and what it writes to `name`.safetensors."""
    return run(f"./{name}", "--threads=1", "-o", f"{name}.safetensors", *words), read(f"{name}.safetensors")


def compare(what, found, wanted, renamed, net, update, column, more="", other_more=""):
    """Trains a model and the network that is the same from the same weights: `renamed` has for each initialiser the path of a
    param, and how the one becomes the other."""
    stem = "mlp" if net is MLP_NET else "images"
    name = what.replace(" ", "_")
    pathlib.Path(f"{name}.recipe.nn").write_text("use std\n" + RECIPE.format(name=stem, column=column, update=update, more=more))
    pathlib.Path(f"{name}.nn").write_text(net + RECIPE.format(name=stem, column=column, update=update, more=other_more))
    run("burnish", found, f"--train={name}.recipe.nn", "-o", f"{name}_model")
    run("burnish", f"{name}.nn", "--train", "-o", f"{name}_net")
    write(f"{name}_first.safetensors", {path: turn(wanted[key]) for key, (path, turn) in renamed.items()})
    said, trained = train(f"{name}_model")
    other_said, other = train(f"{name}_net", f"--init={name}_first.safetensors")
    assert sorted(trained) == sorted(renamed), sorted(trained)
    apart = worst(losses(said), losses(other_said))
    assert len(losses(said)) > 4 and apart < 1e-5, (said, other_said)
    furthest = max(np.abs(turn(trained[key]) - other[path]).max() for key, (path, turn) in renamed.items())
    assert furthest < 2e-5, furthest
    print(f"{what}: the same losses and weights")
    return said, trained
