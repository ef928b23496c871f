"""forms.py - ONNX's own cases with less, or with more, known when compiling.

`dynamic` gives every dim of every input a name of its own, so that only the run knows its size; ranks stay, and sequences
have lengths of run time. `constant` makes every input but the first a constant. Cases that this leaves as they are, because
they have no dims, or one input, have no such form. The data stays where it is.
"""

import itertools
import shutil

import onnx
from onnx import helper

import collect

FORMS = ("static", "dynamic", "constant")


def inputs_of(graph):
    weights = {weight.name for weight in graph.initializer}
    return [info for info in graph.input if info.name not in weights]


def read_value(path, type_proto):
    """What is in a .pb file: a TensorProto, a list of them, or None."""
    data = path.read_bytes()
    if type_proto.HasField("sequence_type"):
        return list(onnx.SequenceProto.FromString(data).tensor_values)
    if type_proto.HasField("optional_type"):
        value = onnx.OptionalProto.FromString(data)
        if value.HasField("sequence_value"):
            return list(value.sequence_value.tensor_values)
        return value.tensor_value if value.HasField("tensor_value") else None
    return onnx.TensorProto.FromString(data)


def name_dims(type_proto, value, names):
    """Names the dims of a tensor's type, or of those inside another; whether there were any, or a length is left to the run."""
    kind = type_proto.WhichOneof("value")
    if kind == "tensor_type":
        for dim in type_proto.tensor_type.shape.dim:
            dim.Clear()
            dim.dim_param = next(names)
        return len(type_proto.tensor_type.shape.dim) > 0
    if kind not in ("sequence_type", "optional_type"):
        return False
    element = getattr(type_proto, kind).elem_type
    ranks = {len(each.dims) for each in value} if isinstance(value, list) else set()
    if element.HasField("tensor_type") and not element.tensor_type.HasField("shape") and len(ranks) == 1:
        element.tensor_type.shape.dim.extend(onnx.TensorShapeProto.Dimension() for _ in range(ranks.pop()))
    name_dims(element, value, names)
    return True


def forget_sizes(type_proto):
    kind = type_proto.WhichOneof("value")
    if kind == "tensor_type":
        for dim in type_proto.tensor_type.shape.dim:
            dim.Clear()
    elif kind in ("sequence_type", "optional_type"):
        forget_sizes(getattr(type_proto, kind).elem_type)


def make_dynamic(model, data):
    names = (f"d{i}" for i in itertools.count())
    changed = False
    for i, info in enumerate(inputs_of(model.graph)):
        changed |= name_dims(info.type, read_value(data / f"input_{i}.pb", info.type), names)
    for info in model.graph.output:
        forget_sizes(info.type)
    return changed


def constant_nodes(info, value):
    """Nodes that make a value that is no tensor."""
    parts = value if isinstance(value, list) else [] if value is None else [value]
    nodes = [helper.make_node("Constant", [], [f"{info.name}_part{i}"], value=part) for i, part in enumerate(parts)]
    names = [node.output[0] for node in nodes]
    if value is None:
        nodes.append(helper.make_node("Optional", [], [info.name], type=info.type.optional_type.elem_type))
    elif isinstance(value, list):
        nodes.append(helper.make_node("SequenceConstruct" if names else "SequenceEmpty", names, [info.name]))
    else:
        nodes.append(helper.make_node("Identity", names, [info.name]))
    return nodes


def make_constant(model, data):
    graph = model.graph
    inputs = inputs_of(graph)
    for i, info in list(enumerate(inputs))[1:]:
        value = read_value(data / f"input_{i}.pb", info.type)
        if isinstance(value, onnx.TensorProto):
            graph.initializer.add().CopyFrom(value)
            graph.initializer[-1].name = info.name
        else:
            for node in reversed(constant_nodes(info, value)):
                graph.node.insert(0, node)
        if model.ir_version >= 4 or not isinstance(value, onnx.TensorProto):
            graph.input.remove(info)
    return len(inputs) > 1


def link_data(source, target, is_constant):
    """The data of a case; of constant inputs there is one set, and the first input is left."""
    for path in source.iterdir():
        if path.name == "model.onnx" or (is_constant and path.name.startswith("test_data_set_")):
            continue
        (target / path.name).symlink_to(path.resolve())
    if is_constant:
        data = target / "test_data_set_0"
        data.mkdir()
        for path in (source / "test_data_set_0").iterdir():
            if path.name == "input_0.pb" or path.name.startswith("output_"):
                (data / path.name).symlink_to(path.resolve())


def write_form(form, cases, out):
    """Writes the cases in another form to `out`, unless they are there already; the folder that has them."""
    if form == "static":
        return cases
    stamp = out / "version"
    version = (cases / "version").read_text() + collect.digest(__file__)
    if stamp.exists() and stamp.read_text() == version:
        return out
    shutil.rmtree(out, ignore_errors=True)
    change = make_dynamic if form == "dynamic" else make_constant
    for case in sorted(path for kind in collect.SETS for path in (cases / kind).iterdir()):
        model = onnx.load(case / "model.onnx", load_external_data=False)
        if not change(model, case / "test_data_set_0"):
            continue
        folder = out / case.relative_to(cases)
        folder.mkdir(parents=True)
        (folder / "model.onnx").write_bytes(model.SerializeToString())
        link_data(case, folder, form == "constant")
    stamp.write_text(version)
    return out
