"""graph_stats.py - counts the floating-point operations, the weights and the operators of an ONNX model.

Operations are two for each multiply-accumulate of Conv, ConvTranspose, MatMul, Gemm, LSTM and GRU and their int8 kin.
"""

import collections
import math
import os
import sys

import onnx


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


def graph_stats(path):
    model = onnx.load(path)
    shapes = shapes_of(model)
    total, uncounted = 0, collections.Counter()
    for node in model.graph.node:
        try:
            total += flops(node, shapes)
        except KeyError:
            uncounted[node.op_type] += 1
    if uncounted:
        print(f"{path}: the operations of {dict(uncounted)} are not counted", file=sys.stderr)
    return {
        "flops": total,
        "params": sum(math.prod(i.dims) for i in model.graph.initializer),
        "weight_bytes": sum(len(i.raw_data) or 4 * math.prod(i.dims) for i in model.graph.initializer),
        "bytes": os.path.getsize(path),
        "ops": dict(collections.Counter(node.op_type for node in model.graph.node).most_common()),
    }
