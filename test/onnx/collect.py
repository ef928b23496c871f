"""collect.py - writes ONNX's own cases as backend-test folders.

    build/venv/bin/python test/onnx/collect.py OUT

makes OUT/SET/CASE/{model.onnx, tolerance, test_data_set_K/{input,output}_I.pb} for the sets that the onnx wheel carries:
node (made by its Python code), pytorch-converted, pytorch-operator, simple and light (on its disk). `tolerance` holds
the relative and the absolute tolerance that the suite grants the case; or, where outputs are random, `within` and what
they lie between.
"""

import argparse
import hashlib
import pathlib
import shutil
import sys
import warnings

import numpy as np
import onnx
from onnx import numpy_helper
from onnx.backend.test.case.node import collect_testcases
from onnx.backend.test.loader import DATA_DIR, load_model_tests
from onnx.backend.test.runner import Runner

SETS = ("node", "pytorch-converted", "pytorch-operator", "simple", "light")
# The suite compares bfloat16 to two units in the last place at least.
BFLOAT16_RTOL = 2.0**-6


def digest(path):
    """A word for the contents of a script: what it wrote is there as long as they are the same."""
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()[:16]


def write_value(path, value, info):
    """Writes one input or output as the protobuf message that its type in the graph asks for."""
    if isinstance(value, onnx.TensorProto):
        message = value
    elif info.type.HasField("sequence_type"):
        message = numpy_helper.from_list(value, info.name)
    elif info.type.HasField("optional_type"):
        message = numpy_helper.from_optional(value, info.name)
    elif info.type.HasField("map_type"):
        message = numpy_helper.from_dict(value, info.name)
    else:
        message = numpy_helper.from_array(np.asarray(value), info.name)
    path.write_bytes(message.SerializeToString())


def write_data(folder, graph, data_sets):
    for k, (inputs, outputs) in enumerate(data_sets):
        data = folder / f"test_data_set_{k}"
        data.mkdir()
        for kind, values, infos in (("input", inputs, graph.input), ("output", outputs, graph.output)):
            for i, value in enumerate(values):
                write_value(data / f"{kind}_{i}.pb", value, infos[i])


def bounds(model, inputs):
    """Between which numbers each output lies where they are random; None where they are not."""
    operators = {node.op_type for node in model.graph.node}
    if operators & {"Bernoulli", "RandomUniformLike"}:
        return [(0, 1)]
    if operators == {"Dropout"} and len(inputs) == 3 and inputs[2] and inputs[1] > 0:
        kept = np.asarray(inputs[0]) / (1 - np.asarray(inputs[1]))
        return [(min(kept.min(), 0) * 1.00001, max(kept.max(), 0) * 1.00001), (0, 1)]
    return None


def exact_outputs(case):
    """The outputs of inverse transforms, computed in f64: the cases have them as f32 made them, with noise above the tolerance
    where they are zero. Less than a millionth of the largest value is between the two."""
    (inputs, outputs), *_ = case.data_sets
    node = case.model.graph.node[0]
    attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
    axis = attributes.get("axis", 1) if len(inputs) < 3 else int(inputs[2])
    x = np.asarray(inputs[0], np.float64)
    y = np.fft.ifft(x[..., 0] + 1j * x[..., 1], axis=axis)
    exact = np.stack([y.real, y.imag], axis=-1).astype(np.float32)
    assert np.abs(exact - outputs[0]).max() < 1e-6 * np.abs(exact).max(), case.name
    return [exact]


def write_tolerance(folder, case):
    outputs = onnx.load(folder / "model.onnx", load_external_data=False).graph.output
    coarse = any(o.type.tensor_type.elem_type == onnx.TensorProto.BFLOAT16 for o in outputs)
    rtol = max(case.rtol, BFLOAT16_RTOL) if coarse else case.rtol
    lines = [f"{rtol:g} {case.atol:g}"]
    if case.data_sets and (random := bounds(case.model, case.data_sets[0][0])):
        lines = [f"within {least:.9g} {most:.9g}" for least, most in random]
    (folder / "tolerance").write_text("\n".join(lines) + "\n")


def write_node_case(folder, case):
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(case.model.SerializeToString())
    data_sets = case.data_sets
    if case.name.startswith("test_dft_inverse"):
        data_sets = [(data_sets[0][0], exact_outputs(case))]
    write_data(folder, case.model.graph, data_sets)


def write_light_case(folder, case):
    """A network without its trained weights: the input is a ramp, the expected output lies beside the model."""
    source = pathlib.Path(DATA_DIR) / "light" / pathlib.Path(case.url).name
    folder.mkdir(parents=True)
    shutil.copy(source, folder / "model.onnx")
    graph = onnx.load(source).graph
    weights = {i.name for i in graph.initializer}
    inputs = [Runner.generate_dummy_data(i, name=i.name) for i in graph.input if i.name not in weights]
    write_data(folder, graph, [(inputs, [])])
    for i in range(len(graph.output)):
        shutil.copy(source.with_name(f"{source.stem}_output_{i}.pb"), folder / "test_data_set_0" / f"output_{i}.pb")


def collect(out):
    """Writes all cases below `out` and returns how many; once for each version of ONNX."""
    stamp = out / "version"
    version = f"{onnx.__version__} {digest(__file__)}"
    if not stamp.exists() or stamp.read_text() != version:
        if not stamp.exists() and out.exists() and any(out.iterdir()):
            raise SystemExit(f"{out} holds something else than cases")
        shutil.rmtree(out, ignore_errors=True)
        out.mkdir(parents=True)
        stamp.write_text("not all of them")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            cases = {"node": collect_testcases(None)}
        for kind in ("pytorch-converted", "pytorch-operator", "simple", "real"):
            cases["light" if kind == "real" else kind] = load_model_tests(kind=kind)
        for kind in SETS:
            for case in cases[kind]:
                folder = out / kind / case.name
                if kind == "node":
                    write_node_case(folder, case)
                elif kind == "light":
                    write_light_case(folder, case)
                else:
                    shutil.copytree(case.model_dir, folder)
                write_tolerance(folder, case)
        stamp.write_text(version)
    return sum(1 for kind in SETS for _ in (out / kind).iterdir())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Writes ONNX's own cases as folders.")
    parser.add_argument("out", type=pathlib.Path)
    print(collect(parser.parse_args().out), "cases")
