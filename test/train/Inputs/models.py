"""models.py - models of ONNX that are trained, data for them, and what programs that train say and write."""

import json
import pathlib
import subprocess

import numpy as np
from onnx import TensorProto, helper, numpy_helper, save

def run(*words):
    """What a command says; it must not fail."""
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


def samples(generator, count=83):
    """Three kinds in rows of six numbers and in small images, which all can be told apart."""
    kind = generator.integers(0, 3, count)
    rows = np.eye(3)[kind] @ generator.standard_normal((3, 6)) + 0.5 * generator.standard_normal((count, 6))
    image = (kind - 1)[:, None, None, None] * 0.5 + generator.standard_normal((count, 2, 6, 6))
    return {"x": rows.astype("f4"), "image": image.astype("f4"), "kind": kind}


def train(program, *words):
    """The epochs of a run's log, and the weights that it wrote."""
    run(f"./{program}", "--threads=1", "-o", f"{program}.safetensors", f"--log={program}.jsonl", *words)
    log = [json.loads(line) for line in pathlib.Path(f"{program}.jsonl").read_text().splitlines()]
    return [each for each in log if "train" in each], read(f"{program}.safetensors")


def cross_entropy(scores, kind):
    shifted = scores.astype(np.float64) - scores.max(1, keepdims=True)
    return float((np.log(np.exp(shifted).sum(1)) - shifted[np.arange(len(kind)), kind]).mean())
