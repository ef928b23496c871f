"""caches.py - models whose states grow, and what they give over steps: NAME.onnx, NAME.npz with steps along the first axis, NAME.expected.npz from numpy.

rows      queries over keys and values [batch,head,past,depth], as decoders have them
turned    keys [batch,head,depth,past]
half      caches of f16
bytes     caches of int8 with a scale
grouped   four query heads for two of keys
operator  those of grouped by ONNX's Attention
first     the cache grows along its first axis
thrice    a step joins two pieces to what came
again     what came is read once more after it has grown
moved     a step puts the batch of the cache into another order first, as beams do: no cache that is added to
window    only the last three are kept: nor is that

usage: caches.py DIR
"""

import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

folder = sys.argv[1]
random = np.random.default_rng(7)
kSteps, kBatch, kHeads, kDepth = 5, 2, 2, 19
kKinds = {np.dtype("f4"): TensorProto.FLOAT, np.dtype("f2"): TensorProto.FLOAT16, np.dtype("i1"): TensorProto.INT8, np.dtype("i8"): TensorProto.INT64}


def save(name, nodes, shapes, constants, given, compute, opset=21):
    """`given` has the inputs of all steps; `compute` makes outputs and states of inputs and states, which begin empty."""
    states = {name: np.zeros([0 if dim == "past" else kBatch if dim == "batch" else dim for dim in shape], dtype)
              for name, (shape, dtype) in shapes.items() if name.startswith("past")}
    collected = []
    for step in range(kSteps):
        made = compute({key: value[step] for key, value in given.items()}, states)
        states = {key: made["present" + key[4:]] for key in states}
        collected.append({key: value for key, value in made.items() if not key.startswith("present")})
    expected = {key: np.array([each[key] for each in collected]) for key in collected[0]}
    expected |= {key: value for key, value in made.items() if key.startswith("present")}
    inputs = [helper.make_tensor_value_info(key, kKinds[np.dtype(dtype)], shape) for key, (shape, dtype) in shapes.items()]
    outputs = [helper.make_tensor_value_info(key, kKinds[value.dtype], [None] * value.ndim) for key, value in made.items()]
    graph = helper.make_graph(nodes, name, inputs, outputs, [numpy_helper.from_array(np.asarray(array), key) for key, array in constants.items()])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10), f"{folder}/{name}.onnx")
    np.savez(f"{folder}/{name}.npz", **given)
    np.savez(f"{folder}/{name}.expected.npz", **expected)


def node(kind, inputs, output, **attributes):
    return helper.make_node(kind, inputs.split(), [output], **attributes)


def softmax(scores):
    raised = np.exp(scores - scores.max(-1, keepdims=True))
    return raised / raised.sum(-1, keepdims=True)


def draw(*shape):
    return random.normal(size=(kSteps, *shape)).astype("f4")


def attention(name, dtype="f4", turns=False, groups=1):
    """Queries q, keys k and values v of one place a step."""
    axis = 3 if turns else 2
    key = ["batch", kHeads, kDepth, "past"] if turns else ["batch", kHeads, "past", kDepth]
    shapes = {"q": (["batch", groups * kHeads, 1, kDepth], "f4"), "k": ([dim if dim != "past" else 1 for dim in key], dtype),
              "v": (["batch", kHeads, 1, kDepth], dtype), "past.key": (key, dtype), "past.value": (["batch", kHeads, "past", kDepth], dtype)}
    constants = {"scale": np.array(0.05, "f4"), "zero": np.array(0, "i1"), "group": np.array([1, 1, groups, 1, 1]), "axis": np.array([2]),
                 "heads": np.array([0, groups * kHeads, -1, kDepth])}
    nodes = [node("Concat", "past.key k", "present.key", axis=axis), node("Concat", "past.value v", "present.value", axis=2)]
    keys, values = "present.key", "present.value"
    for which in "key", "value":
        last = f"present.{which}"
        if dtype == "f2":
            nodes.append(node("Cast", last, f"{which}s", to=TensorProto.FLOAT))
        elif dtype == "i1":
            nodes.append(node("DequantizeLinear", f"{last} scale zero", f"{which}s"))
        elif groups > 1:
            nodes += [node("Unsqueeze", f"{last} axis", f"{which}.one"), node("Expand", f"{which}.one group", f"{which}.all"),
                      node("Reshape", f"{which}.all heads", f"{which}s")]
        else:
            continue
        keys, values = (f"{which}s", values) if which == "key" else (keys, f"{which}s")
    if not turns:
        nodes.append(node("Transpose", keys, "columns", perm=[0, 1, 3, 2]))
        keys = "columns"
    nodes += [node("MatMul", f"q {keys}", "scores"), node("Softmax", "scores", "weights", axis=-1), node("MatMul", f"weights {values}", "y")]

    def compute(given, states):
        keys = np.concatenate([states["past.key"], given["k"]], axis)
        values = np.concatenate([states["past.value"], given["v"]], 2)
        k, v = [each.astype("f4") * (0.05 if dtype == "i1" else 1) for each in (keys, values)]
        k = k if turns else k.swapaxes(2, 3)
        k, v = k.repeat(groups, 1), v.repeat(groups, 1)
        return {"y": (softmax(given["q"] @ k) @ v).astype("f4"), "present.key": keys, "present.value": values}

    def cached(*shape):
        return (draw(*shape) * 40).clip(-127, 127).astype("i1") if dtype == "i1" else draw(*shape).astype(dtype)

    row = (kBatch, kHeads, 1, kDepth)
    given = {"q": draw(kBatch, groups * kHeads, 1, kDepth), "k": cached(*(row[:2] + (kDepth, 1) if turns else row)), "v": cached(*row)}
    used = {name for each in nodes for name in each.input}
    save(name, nodes, shapes, {key: value for key, value in constants.items() if key in used}, given, compute)


def operator():
    shapes = {"q": (["batch", 2 * kHeads, 1, kDepth], "f4")} | {which: (["batch", kHeads, 1, kDepth], "f4") for which in "kv"}
    shapes |= {f"past.{which}": (["batch", kHeads, "past", kDepth], "f4") for which in ("key", "value")}

    def compute(given, states):
        k, v = [np.concatenate([states[f"past.{which}"], given[which[0]]], 2) for which in ("key", "value")]
        y = softmax(given["q"] @ k.repeat(2, 1).swapaxes(2, 3) * kDepth**-0.5) @ v.repeat(2, 1)
        return {"y": y.astype("f4"), "present.key": k, "present.value": v}

    row = (kBatch, kHeads, 1, kDepth)
    save("operator", [helper.make_node("Attention", ["q", "k", "v", "", "past.key", "past.value"], ["y", "present.key", "present.value"])], shapes, {},
         {"q": draw(kBatch, 2 * kHeads, 1, kDepth), "k": draw(*row), "v": draw(*row)}, compute, opset=23)


attention("rows")
attention("turned", turns=True)
attention("half", "f2")
attention("bytes", "i1")
attention("grouped", groups=2)
operator()

x = draw(3, kBatch, 5)
save("first", [node("Concat", "past x", "present", axis=0), node("ReduceMax", "present axes", "y", keepdims=0)],
     {"x": ([3, "batch", 5], "f4"), "past": (["past", "batch", 5], "f4")}, {"axes": np.array([0])}, {"x": x},
     lambda given, states: {"y": np.concatenate([states["past"], given["x"]]).max(0), "present": np.concatenate([states["past"], given["x"]])})

x = draw(kBatch, 1, 5)


def thrice(given, states):
    joined = np.concatenate([states["past"], given["x"], given["x"]], 1)
    return {"y": joined.sum(1), "present": joined}


save("thrice", [node("Concat", "past x x", "present", axis=1), node("ReduceSum", "present axes", "y", keepdims=0)],
     {"x": (["batch", 1, 5], "f4"), "past": (["batch", "past", 5], "f4")}, {"axes": np.array([1])}, {"x": x}, thrice)


def again(given, states):
    past, joined = states["past"], np.concatenate([states["past"], given["x"]], 1)
    total = joined.sum(1)
    return {"y": total + past.sum(1) * total, "present": joined}


save("again", [node("Concat", "past x", "present", axis=1), node("ReduceSum", "present axes", "total", keepdims=0),
               node("Unsqueeze", "total axes", "row"), node("Mul", "past row", "products"), node("ReduceSum", "products axes", "late", keepdims=0),
               node("Add", "total late", "y")],
     {"x": (["batch", 1, 5], "f4"), "past": (["batch", "past", 5], "f4")}, {"axes": np.array([1])}, {"x": x}, again)


def moved(given, states):
    joined = np.concatenate([states["past"][given["beam"]], given["x"]], 1)
    return {"y": joined.sum(1), "present": joined}


save("moved", [node("Gather", "past beam", "ordered", axis=0), node("Concat", "ordered x", "present", axis=1), node("ReduceSum", "present axes", "y", keepdims=0)],
     {"x": ([kBatch, 1, 5], "f4"), "beam": ([kBatch], "i8"), "past": ([kBatch, "past", 5], "f4")}, {"axes": np.array([1])},
     {"x": x, "beam": np.array([[1, 0], [0, 0], [1, 1], [1, 0], [0, 1]])}, moved)


def window(given, states):
    joined = np.concatenate([states["past"], given["x"]], 1)[:, -3:]
    return {"y": joined.sum(1), "present": joined}


save("window", [node("Concat", "past x", "joined", axis=1), node("Slice", "joined starts ends axes", "present"), node("ReduceSum", "present axes", "y", keepdims=0)],
     {"x": ([kBatch, 1, 5], "f4"), "past": ([kBatch, "past", 5], "f4")}, {"axes": np.array([1]), "starts": np.array([-3]), "ends": np.array([1 << 40])},
     {"x": x}, window)
