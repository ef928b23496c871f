"""graph_stats.py - counts the floating-point operations, the weights and the operators of an ONNX model.

Operations are two for each multiply-accumulate of Conv, ConvTranspose, MatMul, Gemm, LSTM and GRU and their int8 kin.
"""

import collections
import math
import os
import sys

import onnx

INTEGER = ("ConvInteger", "MatMulInteger", "QLinearConv", "QLinearMatMul")


def shapes_of(model):
    """{value: dims} after ONNX's shape inference; an open dim counts as 0."""
    graph = onnx.shape_inference.infer_shapes(model, data_prop=True).graph
    shapes = {i.name: list(i.dims) for i in graph.initializer}
    for value in (*graph.input, *graph.value_info, *graph.output):
        if value.type.HasField("tensor_type"):
            shapes.setdefault(value.name, [d.dim_value for d in value.type.tensor_type.shape.dim])
    return shapes


def flops(node, shapes):
    """The operations of one node; KeyError where a shape is unknown."""
    operand = lambda k: shapes[node.input[k]]
    result = lambda: shapes[node.output[0]]
    match node.op_type:
        case "Conv" | "ConvInteger":
            return 2 * math.prod(result()) * math.prod(operand(1)[1:])
        case "QLinearConv":
            return 2 * math.prod(result()) * math.prod(operand(3)[1:])
        case "ConvTranspose":
            return 2 * math.prod(operand(0)) * math.prod(operand(1)[1:])
        case "MatMul" | "MatMulInteger":
            return 2 * math.prod(result()) * operand(0)[-1]
        case "Gemm":
            transposed = any(a.name == "transA" and a.i for a in node.attribute)
            return 2 * math.prod(result()) * operand(0)[0 if transposed else 1]
        case "LSTM" | "GRU":
            steps, batch, _ = operand(0)
            return 2 * steps * batch * (math.prod(operand(1)) + math.prod(operand(2)))
    return 0


def is_integer(node, makers):
    """Whether its products may be taken in int8: it says so, or both of its factors were dequantized just before."""
    factors = [makers.get(name) for name in node.input[:2]]
    return node.op_type in INTEGER or bool(factors) and all(m is not None and m.op_type == "DequantizeLinear" for m in factors)


def bytes_of(value):
    """Of an initializer."""
    bits = onnx.helper.tensor_dtype_to_np_dtype(value.data_type).itemsize * 8
    return math.prod(value.dims) * bits // 8


def sweeps_of(model, shapes):
    """[(bytes, times)]: what of the weights a run must read, and how often at least.

    All of them once, but only the rows that are looked up of a table that nothing else reads; the recurrent weights of LSTM
    and GRU once a step, as a step needs the one before it.
    """
    graph, users = model.graph, collections.defaultdict(list)
    for node in graph.node:
        for k, name in enumerate(node.input):
            users[name].append((node, k))
    once, sweeps = 0, []
    for weight in graph.initializer:
        size, readers = bytes_of(weight), users[weight.name]
        if readers and all(node.op_type == "Gather" and k == 0 for node, k in readers):
            element = size // max(1, math.prod(weight.dims))
            size = min(size, sum(element * math.prod(shapes.get(node.output[0], [0])) for node, _ in readers))
        once += size
    for node in graph.node:
        if node.op_type in ("LSTM", "GRU"):
            steps, recurrent = shapes[node.input[0]][0], 4 * math.prod(shapes[node.input[2]])  # in f32
            sweeps.append((recurrent, steps - 1))
    return [(once, 1), *sweeps]


def graph_stats(path):
    model = onnx.load(path)
    shapes = shapes_of(model)
    makers = {name: node for node in model.graph.node for name in node.output}
    total, integer, uncounted = 0, 0, collections.Counter()
    for node in model.graph.node:
        try:
            count = flops(node, shapes)
        except KeyError:
            uncounted[node.op_type] += 1
            continue
        total += count
        integer += count if is_integer(node, makers) else 0
    if uncounted:
        print(f"{path}: the operations of {dict(uncounted)} are not counted", file=sys.stderr)
    weights = {i.name for i in model.graph.initializer}
    io = [v for v in (*model.graph.input, *model.graph.output) if v.name not in weights]
    itemsize = lambda v: onnx.helper.tensor_dtype_to_np_dtype(v.type.tensor_type.elem_type).itemsize
    return {
        "flops": total,
        "int8_flops": integer,
        "params": sum(math.prod(i.dims) for i in model.graph.initializer),
        "weight_bytes": sum(bytes_of(i) for i in model.graph.initializer),
        "weight_sweeps": sweeps_of(model, shapes),
        "io_bytes": sum(itemsize(v) * math.prod(shapes[v.name]) for v in io),
        "bytes": os.path.getsize(path),
        "ops": dict(collections.Counter(node.op_type for node in model.graph.node).most_common()),
    }
