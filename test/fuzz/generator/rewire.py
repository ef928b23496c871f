"""rewire.py - writes a graph in other words that mean the same: calls of functions, branches that agree, constants stored elsewhere.

Of a finished model every change takes (rng, model, whole): what it adds to inputs and outputs it says in `whole`, and what it cannot do
there it leaves. So a graph meets functions with attributes of the call, in bodies as well, values that branches capture, results that
are inputs or constants, defaults, sparse and external constants, dead ends, and operands left out at the end.
"""

import numpy as np
import onnx
from onnx import AttributeProto, TensorProto, defs, helper, numpy_helper

from .graph import value_info

DOMAIN = "own"
LONGEST = 6
ODD = ("a b", "a/b:0", "é", "日本", "%s", "'\"", "x" * 300, "0", "a\\b", "...", "main", "nn.y")


class Whole:
    """What is known of a graph's values, and what was added to its inputs and outputs."""

    def __init__(self, tensors):
        self.arrays = {name: tensor.value for name, tensor in tensors.items()}
        self.feed, self.results = {}, []
        self.number = 0

    def name(self, prefix):
        self.number += 1
        return f"{prefix}_{self.number}"


def bodies(graph):
    """The graph and all inside its nodes."""
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.type == AttributeProto.GRAPH:
                yield from bodies(attribute.g)


def replace(nodes, first, last, others):
    kept = list(nodes)
    del nodes[:]
    nodes.extend([*kept[:first], *others, *kept[last:]])


def free(node):
    """Names of values around a node that it uses, also inside of its bodies."""
    names = set(node.input) - {""}
    for attribute in node.attribute:
        if attribute.type == AttributeProto.GRAPH:
            inner = attribute.g
            own = {v.name for v in (*inner.input, *inner.initializer)}.union(*(n.output for n in inner.node))
            names |= {o.name for o in inner.output}.union(*(free(n) for n in inner.node)) - own
    return names


def piece(rng, graph):
    """(first, last, names taken, names given) of some nodes of a graph that follow each other."""
    if not graph.node:
        return None
    first = rng.randrange(len(graph.node))
    last = min(len(graph.node), first + rng.randint(1, LONGEST))
    inside = graph.node[first:last]
    made = {o for n in inside for o in n.output if o}
    taken = sorted(set().union(*(free(n) for n in inside)) - made)
    later = {o.name for o in graph.output}.union(*(free(n) for n in graph.node[last:]))
    given = sorted(made & later)
    return (first, last, taken, given) if given else None


def opset(model):
    return next(i.version for i in model.opset_import if not i.domain)


def function(rng, model, whole):
    """Nodes, of the graph or of a body, become a call; some of their attributes are the call's."""
    if model.ir_version < 4:
        return
    graph = rng.choice(list(bodies(model.graph)))
    found = piece(rng, graph)
    if not found:
        return
    first, last, taken, given = found
    rng.shuffle(taken)
    name = whole.name("F")
    call = helper.make_node(name, taken, given, domain=DOMAIN, name=name)
    nodes = [onnx.NodeProto.FromString(n.SerializeToString()) for n in graph.node[first:last]]
    names, defaults = [], []
    for node in nodes:
        for attribute in node.attribute:
            if attribute.ref_attr_name or attribute.type == AttributeProto.GRAPH or rng.random() < 0.5:
                continue
            word = whole.name(rng.choice(("way", attribute.name)))
            given_value = AttributeProto.FromString(attribute.SerializeToString())
            given_value.name = word
            kind = attribute.type
            local = attribute.name
            attribute.Clear()
            attribute.name, attribute.type, attribute.ref_attr_name = local, kind, word
            if rng.random() < 0.4:
                defaults.append(given_value)
                if rng.random() < 0.5:
                    continue
            else:
                names.append(word)
            call.attribute.append(given_value)
    made = onnx.FunctionProto(name=name, domain=DOMAIN, input=taken, output=given, node=nodes, attribute=names, attribute_proto=defaults)
    made.opset_import.extend([helper.make_opsetid("", opset(model)), helper.make_opsetid(DOMAIN, 1)])
    model.functions.append(made)
    if all(i.domain != DOMAIN for i in model.opset_import):
        model.opset_import.append(helper.make_opsetid(DOMAIN, 1))
    model.ir_version = max(model.ir_version, 9 if defaults else 8)
    replace(graph.node, first, last, [call])


def branch(rng, model, whole):
    """Nodes move into both branches of an If, which calls their results by the same names or by others."""
    found = piece(rng, model.graph)
    if not found or any(o not in whole.arrays for o in found[3]):
        return
    first, last, _, given = found
    nodes = model.graph.node[first:last]
    same = rng.random() < 0.5
    graphs = []
    for which in ("then", "else"):
        copies = [onnx.NodeProto.FromString(n.SerializeToString()) for n in nodes]
        renamed = {o: whole.name(f"{which if not same else 'inner'}_{o}") for n in copies for o in n.output if o}
        if same and graphs:
            renamed = dict(zip(renamed, first_names))
        first_names = list(renamed.values())
        for node in copies:
            rename(node, renamed)
        outs = [value_info(renamed[o], whole.arrays[o], [None] * whole.arrays[o].ndim) for o in given]
        graphs.append(helper.make_graph(copies, which, [], outs))
    condition = whole.name("condition")
    if rng.random() < 0.6:
        whole.feed[condition] = np.array(rng.random() < 0.5)
        model.graph.input.append(value_info(condition, whole.feed[condition]))
    else:
        constant(model, condition, np.array(rng.random() < 0.5))
    node = helper.make_node("If", [condition], given, then_branch=graphs[0], else_branch=graphs[1])
    replace(model.graph.node, first, last, [node])


def rename(node, names):
    """Gives values other names in a node and in its bodies."""
    for field in (node.input, node.output):
        field[:] = [names.get(n, n) for n in field]
    for attribute in node.attribute:
        if attribute.type == AttributeProto.GRAPH:
            for inner in attribute.g.node:
                rename(inner, names)
            for info in (*attribute.g.output, *attribute.g.input):
                info.name = names.get(info.name, info.name)
            for tensor in attribute.g.initializer:
                tensor.name = names.get(tensor.name, tensor.name)


def constant(model, name, array):
    tensor = numpy_helper.from_array(array, name)
    model.graph.initializer.append(tensor)
    if model.ir_version < 4:
        model.graph.input.append(value_info(name, array))


def result(rng, model, whole):
    """A result that is an input or a constant, or the same as another one."""
    taken = {o.name for o in model.graph.output}
    mine = [i.name for i in model.graph.input] + [t.name for t in model.graph.initializer]
    mine = [n for n in mine if n in whole.arrays and n not in taken]
    if mine and rng.random() < 0.6:
        name = rng.choice(mine)
        model.graph.output.append(value_info(name, whole.arrays[name], [None] * whole.arrays[name].ndim))
        whole.results.append((name, name))
        return
    source = rng.choice([o.name for o in model.graph.output])
    name = whole.name("same")
    model.graph.node.append(helper.make_node("Identity", [source], [name]))
    info = onnx.ValueInfoProto.FromString(next(o for o in model.graph.output if o.name == source).SerializeToString())
    info.name = name
    model.graph.output.append(info)
    whole.results.append((name, source))


def dead(rng, model, whole):
    """Nodes, constants and inputs that nobody uses."""
    names = [n for n in (o for node in model.graph.node for o in node.output) if n in whole.arrays and whole.arrays[n].dtype.kind == "f"]
    if names:
        model.graph.node.append(helper.make_node(rng.choice(("Neg", "Exp", "Shape")), [rng.choice(names)], [whole.name("dead")]))
    if rng.random() < 0.5:
        constant(model, whole.name("unused"), np.ones((2, 0, 3) if rng.random() < 0.3 else (2, 3), np.float32))
    if rng.random() < 0.5:
        name = whole.name("idle")
        whole.feed[name] = np.arange(6, dtype=np.int32).reshape(2, 3)
        model.graph.input.append(value_info(name, whole.feed[name], ["idle", 3]))


def default(rng, model, whole):
    """A constant that is an input too, which nobody gives."""
    free = [t for t in model.graph.initializer if all(i.name != t.name for i in model.graph.input)]
    if free and model.ir_version >= 4:
        tensor = rng.choice(free)
        model.graph.input.append(value_info(tensor.name, numpy_helper.to_array(tensor)))


def aliases(rng, model, whole):
    """A value under another name wherever it is used, twice over."""
    users = [n for n in model.graph.node if n.input and n.input[0]]
    node = rng.choice(users) if users else None
    if node is None:
        return
    place = next(i for i, n in enumerate(model.graph.node) if n is node or n == node)
    names = [whole.name("alias"), whole.name("alias")]
    old = node.input[0]
    model.graph.node[place].input[0] = names[1]
    replace(model.graph.node, place, place, [helper.make_node("Identity", [old], [names[0]]), helper.make_node("Identity", [names[0]], [names[1]])])


def omitted(rng, model, whole):
    """Optional operands and results that are named '' at the end."""
    for graph in bodies(model.graph):
        for node in graph.node:
            if node.domain or not defs.has(node.op_type, opset(model), ""):
                continue
            schema = defs.get_schema(node.op_type, opset(model), "")
            for field, formal in ((node.input, schema.inputs), (node.output, schema.outputs)):
                rest = formal[len(field) :]
                if rest and len(field) and rest[0].option == defs.OpSchema.FormalParameterOption.Optional and rng.random() < 0.5:
                    field.append("")


def odd_names(rng, model, whole):
    """Values inside are called anything."""
    ends = {v.name for v in (*model.graph.input, *model.graph.output)}
    inside = [o for n in model.graph.node for o in n.output if o and o not in ends]
    left = [n for n in ODD if n not in inside]
    odd = rng.sample(left, min(len(left), len(inside)))
    names = dict(zip(rng.sample(inside, len(odd)), odd))
    for node in model.graph.node:
        rename(node, names)
    for name, other in names.items():
        if name in whole.arrays:
            whole.arrays[other] = whole.arrays[name]


def infos(rng, model, whole):
    """The shapes of values inside are declared, in part."""
    for node in model.graph.node:
        for name in node.output:
            if name in whole.arrays and rng.random() < 0.5 and all(o.name != name for o in model.graph.output):
                array = whole.arrays[name]
                model.graph.value_info.append(value_info(name, array, [None] * array.ndim))


def sparse(rng, model, whole):
    """A constant of which only what is not zero is stored."""
    inputs = {i.name for i in model.graph.input}
    fits = [t for t in model.graph.initializer if t.dims and 0 not in t.dims and t.name not in inputs and t.data_type in (TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.INT64)]
    if not fits:
        return
    tensor = rng.choice(fits)
    array = numpy_helper.to_array(tensor)
    flat = np.flatnonzero(array.reshape(-1).view(np.int64 if array.itemsize == 8 else np.int32))
    places = flat if rng.random() < 0.5 else np.stack(np.unravel_index(flat, array.shape), -1)
    made = helper.make_sparse_tensor(numpy_helper.from_array(array.reshape(-1)[flat], tensor.name), numpy_helper.from_array(places.astype(np.int64), tensor.name + "_at"), array.shape)
    if rng.random() < 0.4 and opset(model) >= 11:
        node = helper.make_node("Constant", [], [tensor.name], sparse_value=made)
        replace(model.graph.node, 0, 0, [node])
        if any(o.name == tensor.name for o in model.graph.output):
            return
    else:
        model.graph.sparse_initializer.append(made)
        model.ir_version = max(model.ir_version, 5)
    model.graph.initializer.remove(tensor)


def external(rng, model, folder):
    """Some constants lie in files beside the model."""
    files = {}
    for tensor in model.graph.initializer:
        if rng.random() < 0.5 or not tensor.dims:
            continue
        data = numpy_helper.to_array(tensor).tobytes()
        name = rng.choice(("weights.bin", "more data.bin", "inner/w"))
        file = files.setdefault(name, bytearray())
        file += bytes(-len(file) % rng.choice((1, 1, 64, 4096)) + rng.choice((0, 3)))
        entries = {"location": name, "offset": str(len(file)), "length": str(len(data))}
        if not file and rng.random() < 0.5:
            del entries["offset"]
        file += data
        kind, dims, own = tensor.data_type, list(tensor.dims), tensor.name
        tensor.Clear()
        tensor.data_type, tensor.name, tensor.data_location = kind, own, TensorProto.EXTERNAL
        tensor.dims.extend(dims)
        for key, value in entries.items():
            tensor.external_data.add(key=key, value=value)
    for name, data in files.items():
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_bytes(data + b"rest")


CHANGES = (function, function, function, branch, branch, result, dead, default, aliases, omitted, odd_names, infos, sparse)


def rewire(rng, model, tensors):
    """(another model that means the same, what was added)."""
    other = onnx.ModelProto.FromString(model.SerializeToString())
    whole = Whole(tensors)
    for _ in range(rng.choice((1, 2, 3, 5, 8))):
        rng.choice(CHANGES)(rng, other, whole)
    return other, whole
