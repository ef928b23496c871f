"""compile_time.py - whether the time of a compile grows with the number of nodes, and not with its square.

    compile_time.py BURNISH FOLDER

Compiles 60 and 120 convolutions in a row, 400 and 800 pairs of Concat and Slice, 30 and 60 sums that may have to broadcast and 140 and 280 joined tensors
whose sizes only the run knows, and 1500 and 3000 layers of the language to the nn dialect, and compares the user time of both beyond that of one.
Twice the nodes take twice the time, a little more counts; what grows with the square takes four times. The least of three runs counts, which a busy machine
changes little.
"""

import pathlib
import resource
import subprocess
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def convolutions(count):
    weights = np.random.default_rng(0).standard_normal((8, 8, 3, 3)).astype(np.float32) / 9
    nodes = [helper.make_node("Conv", [f"t{i}", "w"], [f"t{i + 1}"], pads=[1, 1, 1, 1]) for i in range(count)]
    return nodes, [1, 8, 12, 12], {"w": weights}


def joins(count):
    nodes = []
    for i in range(count):
        nodes.append(helper.make_node("Concat", [f"t{i}", "t0"], [f"c{i}"], axis=0))
        nodes.append(helper.make_node("Slice", [f"c{i}", "from", "to"], [f"t{i + 1}"]))
    return nodes, [4, 33], {"from": np.array([2]), "to": np.array([6])}


def chain(make):
    def write(folder, count):
        nodes, shape, constants = make(count)
        info = helper.make_tensor_value_info
        graph = helper.make_graph(
            nodes,
            "chain",
            [info("t0", TensorProto.FLOAT, shape)],
            [info(f"t{count}", TensorProto.FLOAT, shape)],
            [numpy_helper.from_array(array, name) for name, array in constants.items()],
        )
        onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), folder / "chain.onnx")
        return ["chain.onnx", "-c", "-o", "chain.o"]

    return write


def save(folder, nodes, inputs, output):
    info = helper.make_tensor_value_info
    graph = helper.make_graph(nodes, "sizes", [info(name, TensorProto.FLOAT, dims) for name, dims in inputs.items()], [info(output, TensorProto.FLOAT, None)])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10), folder / "sizes.onnx")
    return ["sizes.onnx", "-c", "-o", "sizes.o"]


def sums(folder, count):
    nodes = [helper.make_node("Add", [f"t{i}", f"x{i}"], [f"t{i + 1}"]) for i in range(count)]
    return save(folder, nodes, {"t0": ["a", "b"], **{f"x{i}": [f"a{i}", f"b{i}"] for i in range(count)}}, f"t{count}")


def pieces(folder, count):
    nodes = [helper.make_node("Relu", [f"x{i}"], [f"r{i}"]) for i in range(count)]
    nodes.append(helper.make_node("Concat", [f"r{i}" for i in range(count)], ["y"], axis=0))
    return save(folder, nodes, {f"x{i}": [f"n{i}", 4] for i in range(count)}, "y")


def layers(folder, count):
    text = "use std\n"
    for i in range(count):
        text += f"layer l{i}(x: f32[N, 8]) -> f32[N, 8] {{\n  let y = x |> dense(8) as d |> relu\n  y + x\n}}\n"
    steps = "".join(f"  let h{i + 1} = l{i}(h{i})\n" for i in range(count))
    text += f"net n(h0: f32[N, 8]) -> f32[N, 8] {{\n{steps}  h{count}\n}}\n"
    (folder / "layers.nn").write_text(text)
    return ["layers.nn", "--emit=nn", "-o", "layers.mlir"]


def seconds(burnish, folder, write, count):
    command = [burnish, *write(folder, count)]
    times = []
    for _ in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        subprocess.run(command, cwd=folder, check=True)
        times.append(resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before)
    return min(times)


burnish, folder = sys.argv[1], pathlib.Path(sys.argv[2])
# As many as take long beside what each compile takes by itself.
for name, write, count in (("convolutions", chain(convolutions), 60), ("joins", chain(joins), 400), ("sums", sums, 30), ("pieces", pieces, 140), ("layers", layers, 1500)):
    one, some, many = (seconds(burnish, folder, write, times * count or 1) for times in (0, 1, 2))
    ratio = (many - one) / (some - one)
    print(f"{name}: {ratio:.2f} times the time for twice the nodes ({some:.2f} s, {many:.2f} s)")
    if ratio > 3.5:
        sys.exit(1)
