"""collect.py - writes ONNX's own cases as backend-test folders.

    build/venv/bin/python test/onnx/collect.py OUT

makes OUT/SET/CASE/{model.onnx, tolerance, test_data_set_K/{input,output}_I.pb} for the sets that the onnx wheel carries:
node (made by its Python code), pytorch-converted, pytorch-operator, simple and light (on its disk). `tolerance` holds
the relative and the absolute tolerance that the suite grants the case.
"""

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


def write_tolerance(folder, case):
    outputs = onnx.load(folder / "model.onnx", load_external_data=False).graph.output
    coarse = any(o.type.tensor_type.elem_type == onnx.TensorProto.BFLOAT16 for o in outputs)
    rtol = max(case.rtol, BFLOAT16_RTOL) if coarse else case.rtol
    (folder / "tolerance").write_text(f"{rtol:g} {case.atol:g}\n")


def write_node_case(folder, case):
    folder.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(case.model.SerializeToString())
    write_data(folder, case.model.graph, case.data_sets)


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
    if not stamp.exists() or stamp.read_text() != onnx.__version__:
        shutil.rmtree(out, ignore_errors=True)
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
        stamp.write_text(onnx.__version__)
    return sum(1 for kind in SETS for _ in (out / kind).iterdir())


if __name__ == "__main__":
    print(collect(pathlib.Path(sys.argv[1])), "cases")
