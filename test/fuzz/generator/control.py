"""control.py - If, Loop and Scan, whose bodies are random graphs themselves."""

import numpy as np
from onnx import helper, numpy_helper

from . import contraction, elementwise, layout, reduction
from .graph import BOOL, I64, Rejected, Tensor, uses, value_info

INSIDE = [*elementwise.FAMILY, *layout.FAMILY, *contraction.PRODUCTS, *reduction.FAMILY]


def grow(body, count):
    from .styles import add_some

    add_some(body, INSIDE, count)


def like(body, shape, dtype):
    """A tensor of the body that has this shape: one of the newest, or something made of one that has its elements' number."""
    found = [t for t in body.pool if t.shape == tuple(shape) and t.dtype == dtype]
    if found:
        return found[-1]
    near = [t for t in body.visible() if t.dtype == dtype and elementwise.fits(t.shape, shape) and t.rank <= len(shape)]
    if not near:
        raise Rejected("nothing of this shape")
    zeros = body.constant(np.zeros(shape, dtype))
    if dtype == BOOL:
        return body.node("Or", near[-1], zeros)
    return body.node("Add", near[-1], zeros)


def graph_of(body, name, inputs, outputs):
    """The body as a GraphProto; what it uses of the graphs around it is returned too."""
    results = []
    for t in outputs:  # a result must be a node's own
        isOwn = t.name not in body.inputs and any(t.name in n.output for n in body.nodes) and t not in results
        results.append(t if isOwn else body.node("Identity", t))
    nodes, names = body.needed(results)
    constants = [numpy_helper.from_array(a, n) for n, a in body.constants.items() if n in names]
    ranks = lambda tensors: [value_info(t.name, t.value, [None] * t.rank) for t in tensors]
    graph = helper.make_graph(nodes, name, ranks(inputs), ranks(results), constants)
    outside = {t.name: t for t in outer_tensors(body)}
    own = {o for n in nodes for o in n.output}
    used = set().union(*(uses(n) for n in nodes)) - own - set(body.constants)
    return graph, [outside[n] for n in sorted(used) if n in outside]


def outer_tensors(body):
    level = body.outer
    while level:
        yield from level.tensors.values()
        level = level.outer


def enter(body, array):
    """An input of the body, of which one value is known."""
    tensor = body.keep(Tensor(body.name("b"), np.asarray(array)))
    body.inputs[tensor.name] = tensor.value
    body.pool.append(tensor)
    return tensor


def if_(g):
    x = g.pick(rank=range(0, 5))
    conditions = [t for t in g.visible() if t.dtype == BOOL and t.size == 1 and t.rank == 0]
    condition = g.rng.choice(conditions) if conditions and g.chance(0.5) else g.given(np.array(g.chance(0.5)), 0.2)
    branches, free = [], []
    count = g.choose(1, 1, 2)
    for name in ("then", "else"):
        body = g.body()
        body.pool.append(body.node("Identity", x))
        grow(body, g.between(0, 4))
        results = [like(body, x.shape, x.dtype) if i == 0 or g.opset < 11 else body.pool[-1] for i in range(count)]
        graph, outside = graph_of(body, name, [], results)
        branches.append(graph)
        free += outside
    if count == 2 and branches[0].output[1].type.tensor_type.elem_type != branches[1].output[1].type.tensor_type.elem_type:
        raise Rejected("different types")
    if count == 2 and len(branches[0].output[1].type.tensor_type.shape.dim) != len(branches[1].output[1].type.tensor_type.shape.dim):
        raise Rejected("different ranks")
    return g.node("If", condition, outputs=count, free=free, then_branch=branches[0], else_branch=branches[1])


def loop(g):
    x = g.pick(rank=range(0, 5))
    body = g.body()
    step, going, carried = enter(body, np.array(0, np.int64)), enter(body, np.array(True)), enter(body, x.value)
    body.pool.remove(going)
    grow(body, g.between(1, 4))
    result = like(body, x.shape, x.dtype)
    if not np.isfinite(result.value).all():
        raise Rejected("grows")
    result = body.node("Tanh", result) if g.chance(0.6) else result
    scans = [body.pool[-1]] if g.chance(0.6) else []
    isEndless = g.chance(0.2) and g.opset >= 11
    if isEndless or g.chance(0.2):
        limit = body.constant(np.array(g.between(1, 3), np.int64))
        more = body.node("Not", body.node("Equal", step, limit)) if g.opset >= 11 else body.node("Identity", going)
    else:
        more = body.node("Identity", going)
    graph, outside = graph_of(body, "body", [step, going, carried], [more, result, *scans])
    # Of no steps nothing says which sizes they would have had.
    trips = g.given(np.array(g.choose(1, 2, 3, 5) if scans else g.choose(0, 1, 2, 5), np.int64), 0.6)
    going = g.constant(np.array(True)) if isEndless or g.chance(0.5) else None
    return g.node("Loop", None if isEndless else trips, going, x, outputs=1 + len(scans), free=outside, body=graph)


def scan(g):
    g.since(9)
    x = g.pick(rank=range(1, 4), where=lambda t: t.size and max(t.shape) <= 16)
    axis = g.between(0, x.rank - 1) if g.chance(0.3) else 0
    state = g.some(g.choose((), (3,), tuple(np.delete(x.shape, axis))))
    body = g.body()
    carried, element = enter(body, state.value), enter(body, x.value.take(0, axis))
    grow(body, g.between(1, 4))
    result = body.node("Tanh", like(body, state.shape, state.dtype))
    graph, outside = graph_of(body, "body", [carried, element], [result, *([body.pool[-1]] if body.pool[-1] is not result else [element])])
    how = {"scan_input_axes": [axis]} if axis else {}
    if g.chance(0.3):
        how["scan_input_directions"] = [1]
    if g.chance(0.3):
        how["scan_output_directions"] = [1]
    return g.node("Scan", state, x, outputs=2, free=outside, body=graph, num_scan_inputs=1, **how)


FAMILY = [(2, if_), (2, loop), (1, scan)]
