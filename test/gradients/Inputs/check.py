"""check.py - gradients of operators against differences.

    python check.py CASES.py [NAME ...]

Every case of CASES is one node (or a few) on f64 inputs. All of them go into one model whose loss adds up the results of each,
times fixed random weights. It is compiled once as it is, giving the sums one by one, and once with `burnish --gradient`. The
gradient by every input is compared with central differences of the former, whose error is about 1e-9 of the greatest gradient;
one element of each case moves at a time.
"""

import pathlib
import runpy
import subprocess
import sys
import tempfile

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

STEP, ALLOWED = 1e-5, 2e-6


class Case:
    """`inputs` are differentiated, `constants` are not; `nodes` compute y (or `result`) from both, by name."""

    def __init__(self, name, nodes, inputs, constants=None, result="y"):
        self.name, self.inputs, self.constants, self.result = name, inputs, constants or {}, result
        self.nodes = nodes if isinstance(nodes, list) else [nodes]


class Cases:
    """A list of cases, and what they are made of."""

    def __init__(self):
        self.rng = np.random.default_rng(1)
        self.every = []

    def normal(self, *shape):
        return self.rng.standard_normal(shape)

    def apart(self, *shape):
        """Numbers at least 0.1 from each other and from 0: no step of a difference crosses a kink."""
        count = int(np.prod(shape))
        return (self.rng.permutation(count) - count // 2 + 0.5).reshape(shape) * 0.13

    def node(self, op, inputs, **attributes):
        return helper.make_node(op, inputs, attributes.pop("outputs", ["y"]), **attributes)

    def case(self, name, nodes, result="y", constants=None, **inputs):
        self.every.append(Case(name, nodes, inputs, constants, result))


def renamed(graph_nodes, prefix):
    """Copies of nodes in which every name of the case begins with its prefix; bodies see the names outside, too."""
    nodes = []
    for node in graph_nodes:
        copy = onnx.NodeProto.FromString(node.SerializeToString())
        rename(copy, prefix)
        nodes.append(copy)
    return nodes


def rename(node, prefix):
    for names in (node.input, node.output):
        for i, name in enumerate(names):
            names[i] = prefix + name if name else ""
    for attribute in node.attribute:
        graphs = [attribute.g] if attribute.type == onnx.AttributeProto.GRAPH else attribute.graphs
        for graph in graphs:
            for inner in graph.node:
                rename(inner, prefix)
            for port in (*graph.input, *graph.output, *graph.initializer):
                port.name = prefix + port.name


def run(folder, program, data):
    """The results of a compiled program on inputs in order, by name."""
    np.savez(folder / "in.npz", **{f"arr_{i}": value for i, value in enumerate(data.values())})
    subprocess.run([f"./{program}", "in.npz", "-o", "out.npz"], cwd=folder, check=True)
    return dict(np.load(folder / "out.npz"))


def differences(folder, cases, data):
    """The gradient of the part of each case by each of its inputs, by their names in the model."""
    places = {case.name: [(k, i) for k, v in case.inputs.items() for i in np.ndindex(v.shape)] for case in cases}
    gradients = {name: np.zeros(value.shape) for name, value in data.items()}
    for turn in range(max(map(len, places.values()))):
        ends = []
        for sign in (1, -1):
            moved = {name: value.copy() for name, value in data.items()}
            for case, each in places.items():
                if turn < len(each):
                    moved[f"{case}.{each[turn][0]}"][each[turn][1]] += sign * STEP
            ends.append(run(folder, "forward", moved))
        for case, each in places.items():
            if turn < len(each):
                part = f"{case}.part"
                gradients[f"{case}.{each[turn][0]}"][each[turn][1]] = (ends[0][part] - ends[1][part]) / (2 * STEP)
    return gradients


def main():
    cases = runpy.run_path(sys.argv[1], init_globals={"Case": Case, "Cases": Cases})["cases"]()
    if sys.argv[2:]:
        cases = [case for case in cases if case.name in sys.argv[2:]]
    nodes, ports, initializers, parts, data = [], [], [], [], {}
    for number, case in enumerate(cases):
        prefix = case.name + "."
        nodes += renamed(case.nodes, prefix)
        # Weights of any shape: sin(k), sin(k + 0.7), ... over the flat result.
        flat, size, places = (prefix + name for name in ("flat", "size", "places"))
        nodes += [
            helper.make_node("Reshape", [prefix + case.result, "minus_one"], [flat]),
            helper.make_node("Size", [flat], [size]),
            helper.make_node("Range", ["zero", size, "one"], [places]),
            helper.make_node("Cast", [places], [prefix + "numbers"], to=TensorProto.DOUBLE),
            helper.make_node("Mul", [prefix + "numbers", "step"], [prefix + "angles"]),
            helper.make_node("Cos", [prefix + "angles"], [prefix + "weights"]),
            helper.make_node("Mul", [flat, prefix + "weights"], [prefix + "weighted"]),
            helper.make_node("ReduceSum", [prefix + "weighted"], [prefix + "part"], keepdims=0),
        ]
        ports += [helper.make_tensor_value_info(prefix + k, TensorProto.DOUBLE, v.shape) for k, v in case.inputs.items()]
        initializers += [numpy_helper.from_array(np.asarray(v), prefix + k) for k, v in case.constants.items()]
        parts.append(prefix + "part")
        data.update({prefix + k: v for k, v in case.inputs.items()})
    for name, value in {"minus_one": [-1], "zero": 0, "one": 1, "step": 0.7}.items():
        initializers.append(numpy_helper.from_array(np.array(value), name))
    nodes.append(helper.make_node("Sum", parts, ["loss"]))
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for program, outputs, options in (("forward", parts, []), ("backward", ["loss"], ["--gradient=loss"])):
            results = [helper.make_tensor_value_info(name, TensorProto.DOUBLE, []) for name in outputs]
            graph = helper.make_graph(nodes, program, ports, results, initializers)
            model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 26)], ir_version=13)
            onnx.save(model, folder / f"{program}.onnx")
            subprocess.run(["burnish", f"{program}.onnx", *options, "-o", program], cwd=folder, check=True)
        expected = differences(folder, cases, data)
        found = run(folder, "backward", data)
    failed = 0
    for name, gradient in expected.items():
        scale = max(1e-3, np.abs(gradient).max(initial=0))
        error = np.abs(found["grad." + name] - gradient).max(initial=0) / scale
        if not error <= ALLOWED:
            failed += 1
            print(f"{name}: differs by {error:.1e} of {scale:.3g}\n  {found['grad.' + name].ravel()[:6]}\n  {gradient.ravel()[:6]}")
    print(f"{len(expected)} gradients of {len(cases)} cases, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
