"""structure.py - one thing wrong with how a model hangs together: names, order, versions, functions, where constants lie."""

import onnx
from onnx import helper


def dangling(model, rng):
    node = rng.choice([n for n in model.graph.node if n.input])
    node.input[rng.randrange(len(node.input))] = rng.choice(("nobody", "x.y", node.output[0] if node.output else "z"))


def cycle(model, rng):
    """A node takes what a later one makes of it."""
    first, last = model.graph.node[0], model.graph.node[-1]
    if not first.input or not last.output:
        raise IndexError
    first.input[0] = last.output[0]


def twice(model, rng):
    """Two values of one name."""
    graph = model.graph
    names = [i.name for i in graph.input] + [i.name for i in graph.initializer] + [o for n in graph.node for o in n.output if o]
    node = rng.choice(graph.node)
    node.output[rng.randrange(len(node.output))] = rng.choice(names)


def order(model, rng):
    nodes = list(model.graph.node)
    rng.shuffle(nodes)
    del model.graph.node[:]
    model.graph.node.extend(nodes)


def shorter(model, rng):
    tensor = rng.choice(model.graph.initializer)
    tensor.dims[:] = [*tensor.dims, rng.choice((2, 1000, 2**31, 2**40, 2**62, -1))]


def external(model, rng):
    tensor = rng.choice(model.graph.initializer)
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    places = ("/etc/passwd", "../../../etc/passwd", "nothing", "model.onnx", "", ".", "a\0b")
    entries = {"location": rng.choice(places), "offset": rng.choice(("0", "-1", "99999999999999999999", "x")), "length": rng.choice(("4", "-4", str(2**62), ""))}
    for key, value in entries.items():
        tensor.external_data.add(key=key, value=value)


def size(model, rng):
    dims = [d for i in (*model.graph.input, *model.graph.output) for d in i.type.tensor_type.shape.dim]
    rng.choice(dims).dim_value = rng.choice((-1, 0, 2**31, 2**40, 2**62, -(2**63)))


def versions(model, rng):
    action = rng.randrange(3)
    if action == 0:
        del model.opset_import[:]
    elif action == 1:
        rng.choice(model.opset_import).version = rng.choice((0, -1, 1000, 2**62, 6))
    else:
        model.opset_import.add(domain=rng.choice(("", "ai.onnx", "nowhere")), version=rng.choice((1, 18, 10**9)))


def capture(model, rng):
    """A branch that takes what is not there, or what only the other one makes."""
    result = model.graph.output[0].name
    inner = lambda name, taken: helper.make_graph([helper.make_node("Identity", [taken], [name])], name, [], [onnx.ValueInfoProto(name=name)])
    node = model.graph.node.add(op_type="If", input=[rng.choice(("nobody", result, model.graph.node[0].output[0]))], output=["chosen"])
    node.attribute.append(helper.make_attribute("then_branch", inner("yes", rng.choice(("no", "nobody", result)))))
    node.attribute.append(helper.make_attribute("else_branch", inner("no", rng.choice(("yes", "chosen", result)))))
    model.graph.output.add(name="chosen")


def function(model, rng):
    """Functions that call themselves or each other, or twice as often at every level."""
    depth = rng.choice((1, 2, 40))
    model.opset_import.add(domain="own", version=1)
    for level in range(depth):
        next_ = f"F{(level + 1) % depth}" if depth < 40 else f"F{level + 1}"
        body = [helper.make_node(next_, ["a"], ["b"], domain="own"), helper.make_node(next_, ["b"], ["c"], domain="own")]
        if depth == 40 and level == depth - 1:
            body = [helper.make_node("Identity", ["a"], ["c"])]
        imports = [*model.opset_import]
        model.functions.append(helper.make_function("own", f"F{level}", ["a"], ["c"], body, imports))
    model.graph.node.append(helper.make_node("F0", [model.graph.output[0].name], ["called"], domain="own"))
    model.graph.output.add(name="called")
    model.ir_version = max(model.ir_version, 8)


BREAKS = (dangling, cycle, twice, order, shorter, external, size, versions, capture, function)


def break_(model, rng):
    """Makes one such change, if there is something to change."""
    for _ in range(8):
        try:
            return rng.choice(BREAKS)(model, rng)
        except (IndexError, ValueError):
            continue
