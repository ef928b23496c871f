"""attention.py - one model of attention in many shapes, its inputs, and what ONNX's reference evaluator makes of them.

attention.py make     writes attention.onnx, in.npz, expected.npz
attention.py narrow   the same in shapes whose products --precision=bf16 takes: both, or one of the two
attention.py check A  compares A with expected.npz
attention.py near A   the same, of operands that were rounded to bf16
attention.py same A B compares two results bit by bit
"""

import sys

import case
import numpy as np
from onnx import helper

rng = np.random.default_rng(3)
nodes, inputs, constants, outputs = [], {}, {}, []


def given(value):
    inputs[f"x{len(inputs)}"] = value
    return f"x{len(inputs) - 1}"


def random(*shape):
    return given(rng.standard_normal(shape).astype(np.float32))


def constant(value):
    constants[f"c{len(constants)}"] = value
    return f"c{len(constants) - 1}"


def node(op, *operands, **attributes):
    nodes.append(helper.make_node(op, operands, [f"t{len(nodes)}"], **attributes))
    return nodes[-1].output[0]


def softmax(scores, isGuarded):
    weights = node("Softmax", scores, axis=-1)
    return node("Where", node("IsNaN", weights), constant(np.float32(0)), weights) if isGuarded else weights


def attend(queries, keys, values, masked=lambda scores: scores, isGuarded=False):
    """Of [batch, heads, rows, depth] each, keys not transposed yet."""
    scores = node("MatMul", node("Mul", queries, constant(np.float32(0.3))), node("Transpose", keys, perm=[0, 1, 3, 2]))
    outputs.append(node("MatMul", softmax(masked(scores), isGuarded), values))


def shapes():
    for queries, keys, depth, lanes in [(1, 40, 8, 8), (7, 7, 5, 5), (13, 13, 64, 64), (13, 128, 16, 21), (128, 197, 64, 64),
                                        (197, 16, 20, 3), (30, 1100, 8, 40), (4, 5000, 4, 4), (4, 17000, 2, 16)]:
        attend(random(2, 3, queries, depth), random(2, 3, keys, depth), random(2, 3, keys, lanes))


def masks():
    def operands(rows=37):
        return random(2, 3, rows, 24), random(2, 3, rows, 24), random(2, 3, rows, 33)

    padding = np.where(np.arange(37) < [[[[30]]], [[[11]]]], 0, -1e9).astype(np.float32)
    attend(*operands(), lambda scores: node("Add", scores, given(padding)), isGuarded=True)
    above = np.triu(np.full((37, 37), -np.inf, np.float32), 1)
    attend(*operands(), lambda scores: node("Add", scores, constant(above)))
    least = constant(np.float32(np.finfo(np.float32).min))
    attend(*operands(), lambda scores: node("Where", given(np.tril(np.ones((1, 1, 37, 37), bool))), scores, least))
    # A row of which all is masked has no weights; the guard makes them 0.
    gone = np.where(np.arange(37) == 5, -np.inf, 0).astype(np.float32)[:, None]
    attend(*operands(), lambda scores: node("Add", scores, given(gone)), isGuarded=True)
    positions = random(3, 37, 37)
    attend(*operands(), lambda scores: node("Tanh", node("Add", node("Div", scores, constant(np.float32(3))), positions)))


def heads():
    """Heads apart and together again, queries in groups, and keys that lie as products read them."""
    batch, rows, count, depth = 2, 45, 3, 16

    def split(columns=count * depth):
        weights = constant(rng.standard_normal((20, columns)).astype(np.float32) / np.float32(4))
        sum = node("Add", node("MatMul", random(batch, rows, 20), weights), constant(rng.standard_normal(columns).astype(np.float32)))
        return node("Transpose", node("Reshape", sum, constant(np.array([batch, rows, -1, depth]))), perm=[0, 2, 1, 3])

    queries, keys, values = split(), split(), split()
    turned = node("Mul", node("Transpose", keys, perm=[0, 1, 3, 2]), constant(np.float32(0.5)))
    together = node("MatMul", softmax(node("MatMul", queries, turned), True), values)
    together = node("Reshape", node("Transpose", together, perm=[0, 2, 1, 3]), constant(np.array([batch, rows, count * depth])))
    outputs.append(node("MatMul", together, constant(rng.standard_normal((count * depth, 20)).astype(np.float32))))

    grouped = node("MatMul", softmax(node("MatMul", random(2, 3, 4, 21, 8), random(2, 3, 1, 8, 33)), False), random(2, 3, 1, 33, 8))
    outputs.append(grouped)
    # Weights that are used elsewhere are a result beside that of the second product.
    weights = softmax(node("MatMul", random(3, 20, 8), random(3, 8, 20)), False)
    outputs.extend([node("MatMul", weights, random(3, 20, 8)), weights])


def narrow():
    for queries, keys, depth, lanes in [(33, 50, 64, 40), (64, 1100, 34, 48), (20, 38, 32, 21), (128, 197, 64, 64), (30, 1200, 8, 40)]:
        attend(random(2, 3, queries, depth), random(2, 3, keys, depth), random(2, 3, keys, lanes))
    above = np.triu(np.full((38, 38), -np.inf, np.float32), 1)
    attend(*[random(2, 3, 38, 32) for _ in range(3)], lambda scores: node("Add", scores, constant(above)), isGuarded=True)
    # Weights that are no exponentials are rounded as they are.
    scores = node("MatMul", random(3, 20, 32), random(3, 32, 40))
    outputs.append(node("MatMul", node("Tanh", node("Mul", scores, constant(np.float32(0.2)))), random(3, 40, 33)))
    case.write("narrow", nodes, inputs, constants, outputs)


def near(file):
    got, expected = np.load(file), np.load("expected.npz")
    for name in expected.files:
        error = np.abs(got[name] - expected[name]).max() / np.abs(expected[name]).max()
        if not 3e-4 < error < 2e-2:
            sys.exit(f"{name}: error {error}")


def make():
    shapes()
    masks()
    heads()
    case.write("attention", nodes, inputs, constants, outputs)


{"make": make, "narrow": narrow, "near": near, "check": case.check, "same": case.same}[sys.argv[1]](*sys.argv[2:])
