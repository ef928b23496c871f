"""broken.py - makes one thing about a model of one node illegal, or hostile.

A change takes (rng, model, feed) and edits them; it gives False where there is nothing of its kind to change. Data and model agree
about types and shapes afterwards, so that a run goes as far as it can.
"""

import numpy as np
import onnx
from onnx import helper, numpy_helper

FAR = (2**62, -(2**62), 2**63 - 1, -(2**63), 2**31, -1, 0, 17, -18, 10**9)
INT, INTS, FLOAT, FLOATS, STRING, TENSOR = (getattr(onnx.AttributeProto, n) for n in ("INT", "INTS", "FLOAT", "FLOATS", "STRING", "TENSOR"))
CHANGES = {}


def change(function):
    CHANGES[function.__name__] = function
    return function


def attribute_of(rng, model, *kinds):
    some = [a for a in model.graph.node[0].attribute if a.type in kinds]
    return rng.choice(some) if some else None


def set_ints(attribute, values):
    del attribute.ints[:]
    attribute.ints.extend(values)


@change
def number(rng, model, feed):
    attribute = attribute_of(rng, model, INT)
    if attribute is None:
        return False
    attribute.i = rng.choice((*FAR, attribute.i + 100, -attribute.i - 100))


@change
def element(rng, model, feed):
    attribute = attribute_of(rng, model, INTS)
    if attribute is None or not attribute.ints:
        return False
    values = list(attribute.ints)
    values[rng.randrange(len(values))] = rng.choice(FAR)
    set_ints(attribute, values)


@change
def length(rng, model, feed):
    attribute = attribute_of(rng, model, INTS)
    if attribute is None:
        return False
    values = list(attribute.ints)
    set_ints(attribute, rng.choice((values + values[-1:], values[:-1], [], values * 2, values[:1] * 1000, [1] * 1_000_000)))


@change
def repeated(rng, model, feed):
    attribute = attribute_of(rng, model, INTS)
    if attribute is None or len(attribute.ints) < 2:
        return False
    values = list(attribute.ints)
    values[0] = values[1]
    set_ints(attribute, values)


@change
def real(rng, model, feed):
    attribute = attribute_of(rng, model, FLOAT, FLOATS)
    if attribute is None:
        return False
    value = rng.choice((float("nan"), float("inf"), -1.0, 0.0, 3e38, -1e-40))
    if attribute.type == FLOAT:
        attribute.f = value
    elif attribute.floats:
        if rng.random() < 0.5:
            attribute.floats[rng.randrange(len(attribute.floats))] = value
        else:
            del attribute.floats[rng.randrange(len(attribute.floats))]


@change
def text(rng, model, feed):
    attribute = attribute_of(rng, model, STRING, onnx.AttributeProto.STRINGS)
    if attribute is None:
        return False
    value = rng.choice((b"", b"bad", b"%s%n", b"y" * 1_000_000, b"\xff\xfe", b"Relu"))
    if attribute.type == STRING:
        attribute.s = value
    else:
        attribute.strings[rng.randrange(len(attribute.strings))] = value


@change
def kind(rng, model, feed):
    attribute = attribute_of(rng, model, INT, INTS, FLOAT, FLOATS, STRING)
    if attribute is None:
        return False
    value = rng.choice((1, 1.5, "x", [1, 2], [1.5], ["x"]))
    attribute.CopyFrom(helper.make_attribute(attribute.name, value))


@change
def missing(rng, model, feed):
    attributes = model.graph.node[0].attribute
    if not attributes:
        return False
    del attributes[rng.randrange(len(attributes))]


@change
def unknown(rng, model, feed):
    model.graph.node[0].attribute.append(helper.make_attribute(rng.choice(("axes", "axis", "to", "nonsense", "")), rng.choice((1, [1, 0], "x"))))


@change
def fewer(rng, model, feed):
    inputs = model.graph.node[0].input
    if not inputs:
        return False
    if rng.random() < 0.5:
        del inputs[-1]
    else:
        inputs[rng.randrange(len(inputs))] = ""


@change
def more(rng, model, feed):
    node = model.graph.node[0]
    if not node.input:
        return False
    node.input.extend([rng.choice(node.input)] * rng.choice((1, 5, 1000)))


@change
def swapped(rng, model, feed):
    inputs = model.graph.node[0].input
    if len(inputs) < 2:
        return False
    i, j = rng.sample(range(len(inputs)), 2)
    inputs[i], inputs[j] = inputs[j], inputs[i]


@change
def results(rng, model, feed):
    node = model.graph.node[0]
    node.output.extend(rng.choice((["more"], ["more"] * 2, list(node.output), [f"r{i}" for i in range(5000)], [""])))


def other_array(rng, model, feed, edit):
    """Gives one input, or a constant, what `edit` makes of it."""
    names = [*feed, *(t.name for t in model.graph.initializer)]
    if not names:
        return False
    name = rng.choice(names)
    if name in feed:
        array = edit(feed[name])
        if array is None:
            return False
        info = next(i for i in model.graph.input if i.name == name)
        feed[name] = array
        info.CopyFrom(helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape))
    else:
        tensor = next(t for t in model.graph.initializer if t.name == name)
        array = edit(numpy_helper.to_array(tensor))
        if array is None:
            return False
        tensor.CopyFrom(numpy_helper.from_array(array, name))


@change
def rank(rng, model, feed):
    def edit(array):
        if rng.random() < 0.5:
            return np.expand_dims(array, tuple(range(rng.choice((1, 2, 6)))))
        return array.reshape(-1) if array.ndim != 1 else array[:1].reshape(()) if array.size else None

    return other_array(rng, model, feed, edit)


@change
def size(rng, model, feed):
    def edit(array):
        if not array.ndim:
            return None
        axis = rng.randrange(array.ndim)
        wanted = rng.choice((array.shape[axis] + 1, max(0, array.shape[axis] - 1), 0, 3 * array.shape[axis] + 2))
        if not array.size:
            return np.full([wanted if i == axis else d for i, d in enumerate(array.shape)], "" if array.dtype.kind == "O" else 0, array.dtype)
        return np.take(array, np.arange(wanted) % array.shape[axis], axis)

    return other_array(rng, model, feed, edit)


@change
def type_(rng, model, feed):
    def edit(array):
        to = rng.choice((np.float32, np.int64, np.int8, np.bool_, np.float16, np.float64, np.uint8, np.complex64))
        with np.errstate(all="ignore"):
            return None if array.dtype.kind in "VO" else np.nan_to_num(array.astype(np.float32)).astype(to)

    return other_array(rng, model, feed, edit)


@change
def numbers(rng, model, feed):
    """Numbers of integers that are indices, sizes or divisors, known when compiling or when running."""

    def edit(array):
        if array.dtype.kind not in "iu" or not array.size:
            return None
        info, array = np.iinfo(array.dtype), array.copy()
        for _ in range(rng.choice((1, 1, array.size))):
            value = rng.choice((*FAR, info.max, info.min, array.size, -array.size - 1))
            array.reshape(-1)[rng.randrange(array.size)] = max(info.min, min(info.max, value))
        return array

    return other_array(rng, model, feed, edit)


@change
def unsized(rng, model, feed):
    """The same, of inputs whose sizes only the run knows, and which do not fit."""
    if not model.graph.input:
        return False
    for info in model.graph.input:
        for i, dim in enumerate(info.type.tensor_type.shape.dim):
            if rng.random() < 0.7:
                dim.Clear()
                # Dims of one name are equal: who calls a model's own run says so.
                dim.dim_param = f"{info.name}{i}"
    kept = {name: array for name, array in feed.items()}
    name = rng.choice(list(kept))
    array = kept[name]
    if not array.ndim:
        return False
    axis = rng.randrange(array.ndim)
    wanted = rng.choice((array.shape[axis] + 1, max(0, array.shape[axis] - 1), 0))
    if array.size:
        feed[name] = np.take(array, np.arange(wanted) % array.shape[axis], axis)
    return None


@change
def special(rng, model, feed):
    def edit(array):
        if array.dtype.kind != "f" or not array.size:
            return None
        array = array.copy()
        array.reshape(-1)[rng.randrange(array.size)] = rng.choice((np.nan, np.inf, -np.inf, 6e4, 0))
        return array

    return other_array(rng, model, feed, edit)


def some_initializer(rng, model, feed):
    """A constant, where need be one made of an input."""
    if not model.graph.initializer:
        if not feed:
            return None
        name = rng.choice(list(feed))
        model.graph.initializer.append(numpy_helper.from_array(feed.pop(name), name))
        for i, info in enumerate(model.graph.input):
            if info.name == name:
                del model.graph.input[i]
                break
    return rng.choice(model.graph.initializer)


@change
def bytes_(rng, model, feed):
    tensor = some_initializer(rng, model, feed)
    if tensor is None:
        return False
    raw = tensor.raw_data
    tensor.raw_data = rng.choice((raw[:-1], raw + b"\0", b"", raw * 2, raw[: len(raw) // 2]))


@change
def dims(rng, model, feed):
    tensor = some_initializer(rng, model, feed)
    if tensor is None:
        return False
    values = list(tensor.dims) or [1]
    values[rng.randrange(len(values))] = rng.choice((-1, 2**62, 2**63 - 1, -(2**63), 2**32, 0, values[0] + 1))
    del tensor.dims[:]
    tensor.dims.extend(rng.choice((values, values * 2, values + [2**31] * 3, [2**21] * 3)))


@change
def declared(rng, model, feed):
    """Dims of an input that no memory has."""
    if not model.graph.input:
        return False
    info = rng.choice(model.graph.input)
    dims = info.type.tensor_type.shape.dim
    if not dims:
        return False
    rng.choice(dims).dim_value = rng.choice((-1, 2**62, 2**63 - 1, 2**40, 2**32, -(2**63)))


@change
def words(rng, model, feed):
    """Types that are none."""
    if rng.random() < 0.5 and model.graph.input:
        rng.choice(model.graph.input).type.tensor_type.elem_type = rng.choice((0, 8, 14, 15, 27, 99, -1))
        return None
    tensor = some_initializer(rng, model, feed)
    if tensor is None:
        return False
    tensor.data_type = rng.choice((0, 8, 14, 27, 99, -1, 1, 7))


@change
def elsewhere(rng, model, feed):
    tensor = some_initializer(rng, model, feed)
    if tensor is None:
        return False
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    where = rng.choice(("../model.onnx", "/etc/passwd", "missing.bin", "model.onnx", "", ".", "a/../../b", "x" * 5000, "a\0b"))
    tensor.external_data.add(key="location", value=where)
    if rng.random() < 0.7:
        tensor.external_data.add(key="offset", value=rng.choice(("-1", "0", "1", "99999999999999999999", "9223372036854775807", "x", "")))
        tensor.external_data.add(key="length", value=rng.choice(("-1", "0", "8", "9223372036854775807", "x")))


@change
def versions(rng, model, feed):
    imports = model.opset_import
    action = rng.randrange(5)
    if action == 0:
        rng.choice(imports).version = rng.choice((0, -1, 1, 6, 99, 2**31, 2**63 - 1))
    elif action == 1:
        model.graph.node[0].domain = rng.choice(("nowhere", "ai.onnx.ml", "com.microsoft", "\0"))
    elif action == 2:
        model.graph.node[0].op_type = rng.choice(("Nothing", "", "add", "Loop", "x" * 100_000, "SequenceMap"))
    elif action == 3:
        del imports[:]
    else:
        model.ir_version = rng.choice((0, 1, 2, 99, 2**31))


@change
def names(rng, model, feed):
    node, graph = model.graph.node[0], model.graph
    action = rng.randrange(7)
    if action == 0 and node.input:
        node.input[rng.randrange(len(node.input))] = node.output[0]  # needs itself
    elif action == 1 and node.input:
        node.output[0] = node.input[0]
    elif action == 2:
        graph.node.add().CopyFrom(node)
    elif action == 3 and graph.input:
        graph.input.add().CopyFrom(graph.input[0])
    elif action == 4:
        graph.output.add().CopyFrom(graph.output[0])
    elif action == 5:
        graph.output[0].name = rng.choice(("nowhere", "", "x" * 100_000))
    elif action == 6 and graph.initializer:
        graph.initializer.add().CopyFrom(graph.initializer[0])
    else:
        return False


@change
def nested(rng, model, feed):
    """The node inside as many branches as nobody writes."""
    depth, graph = rng.choice((2, 10, 28)), model.graph  # protobuf reads no more than a hundred messages deep
    if len(graph.output) != 1:
        return False
    node, name = graph.node[0], graph.output[0].name
    inner = onnx.GraphProto(name="b")
    inner.node.add().CopyFrom(node)
    inner.output.add().CopyFrom(graph.output[0])
    for level in range(depth):
        outer = onnx.GraphProto(name="b")
        result = name if level == depth - 1 else f"{name}_{level}"
        added = outer.node.add(op_type="If", input=["truth"], output=[result], name=f"if{level}")
        for branch in ("then_branch", "else_branch"):
            attribute = added.attribute.add(name=branch, type=onnx.AttributeProto.GRAPH)
            if branch == "then_branch":
                attribute.g.CopyFrom(inner)
            else:
                attribute.g.CopyFrom(onnx.GraphProto(name="e"))
                attribute.g.node.add(op_type="Identity", input=[rng.choice([*feed, "truth"])], output=["other"])
                attribute.g.output.add(name="other")
        outer.output.add(name=result)
        inner = outer
    del graph.node[:]
    graph.node.extend(inner.node)
    graph.initializer.append(numpy_helper.from_array(np.array(True), "truth"))


@change
def endless(rng, model, feed):
    """The node in a loop of more iterations than there is time for, whose results all are kept."""
    graph = model.graph
    body = onnx.GraphProto(name="body")
    body.input.extend([helper.make_tensor_value_info("i", 7, []), helper.make_tensor_value_info("go", 9, [])])
    body.node.add(op_type="Identity", input=["go"], output=["on"])
    body.node.extend(graph.node)
    body.output.add(name="on")
    body.output.extend(helper.make_empty_tensor_value_info(o.name) for o in graph.output)
    loop = helper.make_node("Loop", ["trips", ""], [f"all_{o.name}" for o in graph.output], name="n", body=body)
    del graph.node[:]
    graph.node.append(loop)
    for output in graph.output:
        output.CopyFrom(helper.make_empty_tensor_value_info(f"all_{output.name}"))
    graph.initializer.append(numpy_helper.from_array(np.array(rng.choice((2**62, 2**63 - 1, 2**40, -1)), np.int64), "trips"))


def break_(rng, model, feed):
    """Makes one change that there is something for; its name."""
    while True:
        name = rng.choice(list(CHANGES))
        if CHANGES[name](rng, model, feed) is not False:
            return name
