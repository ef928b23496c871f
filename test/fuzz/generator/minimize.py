"""minimize.py - makes a failing case smaller while it fails in the same way."""

import pathlib
import shutil
import tempfile

import numpy as np
import onnx
from onnx import helper, numpy_helper

from .graph import Evaluator, model_of, uses, value_info

# Roundings are no longer known, so that only what is far off counts: shares of the largest value.
LEAST = {np.dtype(np.float16): 2e-2, np.dtype(np.float32): 1e-4, np.dtype(np.float64): 1e-9}


def all_values(model, feed):
    """{name: array} of every tensor, each node run by whoever can."""
    values = {**feed, **{t.name: numpy_helper.to_array(t) for t in model.graph.initializer}}
    constants = {t.name for t in model.graph.initializer}
    for node in model.graph.node:
        names = [n for n in sorted(uses(node)) if n in values]
        outputs = [o for o in node.output if o]
        alone = model_of(
            [node], [value_info(n, values[n]) for n in names if n not in constants], [onnx.ValueInfoProto(name=o) for o in outputs],
            {n: values[n] for n in names if n in constants}, model.opset_import[0].version)  # fmt: skip
        values.update(zip(outputs, Evaluator(alone).run({n: values[n] for n in names if n not in constants})))
        if node.op_type == "Constant":
            constants.update(outputs)
    return values


def cut(model, values, outputs, dims, inputs=()):
    """The part of the model that computes `outputs`, with the tensors named in `inputs` given; {input: array}."""
    needed, nodes = set(outputs), []
    for node in reversed(model.graph.node):
        if needed & (set(node.output) - set(inputs)) - {""}:
            nodes.append(node)
            needed |= uses(node)
    made = {o for n in nodes for o in n.output}
    constants = [i for i in model.graph.initializer if i.name in needed]
    old = {i.name: i for i in model.graph.input}
    known = {i.name for i in constants} | (made - set(inputs))
    names = [n for n in values if n in needed and n not in known and (n in old or n in inputs)]
    infos = [value_info(n, values[n], dims.get(n)) for n in names]
    graph = helper.make_graph(nodes[::-1], "graph", infos, [value_info(o, values[o], [None] * values[o].ndim) for o in outputs], constants)
    small = helper.make_model(graph, opset_imports=model.opset_import, ir_version=model.ir_version)
    return small, {n: values[n] for n in names}


def tolerance(array):
    if array.dtype not in LEAST or not array.size:
        return 0.0
    return LEAST[array.dtype] * float(np.abs(array.astype(np.float64)).max()) + 1e-30


def minimize(folder, outcomes, load_case, write_case):
    """Writes FOLDER-small; `outcomes` runs case folders and says how they end."""
    model, feed, expected = load_case(folder)
    values = all_values(model, feed)
    size = lambda dim: dim.dim_value if dim.HasField("dim_value") else dim.dim_param or None
    dims = {i.name: [size(d) for d in i.type.tensor_type.shape.dim] for i in model.graph.input}
    wanted = outcomes([folder])[0]
    with tempfile.TemporaryDirectory() as scratch:
        place = pathlib.Path(scratch) / "case"

        def fails(outputs, inputs, dims):
            try:
                small, given = cut(model, values, outputs, dims, inputs)
            except KeyError:
                return False
            shutil.rmtree(place, ignore_errors=True)
            write_case(place, small, given, {o: values[o] for o in outputs}, [tolerance(values[o]) for o in outputs])
            return outcomes([place])[0] == wanted

        outputs, inputs = list(expected), []
        if fails(outputs, inputs, {}):
            dims = {}
        names = [o for n in model.graph.node for o in n.output if o]
        single = next((o for o in names if fails([o], inputs, dims)), None)
        if single:
            outputs = [single]
        else:
            for output in list(outputs):
                rest = [o for o in outputs if o != output]
                if rest and fails(rest, inputs, dims):
                    outputs = rest
        for node in model.graph.node:
            results = [o for o in node.output if o]
            isNeeded = node.op_type == "Constant" or set(results) & set(outputs)
            if not isNeeded and fails(outputs, inputs + results, dims):
                inputs += results
        fails(outputs, inputs, dims)
        to = folder.with_name(folder.name + "-small")
        shutil.rmtree(to, ignore_errors=True)
        shutil.copytree(place, to)
    shutil.copy(folder / "flags", to / "flags")
