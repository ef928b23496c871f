"""printed.py - models of all that the language has a form for, printed, compiled again and compared, bit for bit.

printed.py FOLDER [NAME ...]   a line for each model
"""

import pathlib
import struct
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

sys.path.insert(0, str(pathlib.Path(__file__).parents[3] / "onnx"))
import roundtrip  # noqa: E402

F, I, B = TensorProto.FLOAT, TensorProto.INT64, TensorProto.BOOL
rng = np.random.default_rng(7)
MODELS = {}


def node(op, inputs, outputs="y", **attributes):
    return helper.make_node(op, inputs.split(","), outputs.split(","), **attributes)


def port(said):
    """`x`, a float of any one dim, or (name, type, dims)."""
    name, kind, dims = said if isinstance(said, tuple) else (said, F, ["D"])
    return helper.make_tensor_value_info(name, kind, dims)


def body(nodes, inputs, outputs):
    return helper.make_graph(nodes, "body", [port(i) for i in inputs], [port(o) for o in outputs])


def tensor(name, kind, dims, raw):
    return helper.make_tensor(name, kind, dims, raw, raw=True)


def model(name, nodes, inputs, outputs, constants=None, tensors=(), domain=None, **values):
    """Values of inputs are by name; dims of outputs are left open where they are None."""
    initializers = [numpy_helper.from_array(np.asarray(v), k) for k, v in (constants or {}).items()] + list(tensors)
    graph = helper.make_graph(nodes, name, [port(i) for i in inputs], [port(o) for o in outputs], initializers)
    opsets = [helper.make_opsetid("", 24)] + ([helper.make_opsetid(domain, 4)] if domain else [])
    MODELS[name] = helper.make_model(graph, opset_imports=opsets, ir_version=11), values


x5, x34 = rng.standard_normal(5).astype("f4"), rng.standard_normal((3, 4)).astype("f4")

# Elements of fewer than 16 bits: as inputs, as constants in the text and in the file.
for name, kind in {"f8e4m3fn": 17, "f8e4m3fnuz": 18, "f8e5m2": 19, "f8e5m2fnuz": 20, "f4e2m1fn": 23, "f8e8m0fnu": 24}.items():
    codes = bytes(rng.integers(0, 128, 100, dtype="u1"))
    half = bytes(rng.integers(0, 256, 50, dtype="u1")) if kind == 23 else codes
    few = bytes([0x21, 0x43]) if kind == 23 else bytes([1, 50, 126, 127])
    nodes = [node("Cast", "x", "a", to=kind), node("Cast", "a", "b", to=F), node("Cast", "few", "c", to=F)]
    nodes += [node("Cast", "many", "m", to=F), node("ReduceSum", "m", "s", keepdims=0), node("Sum", "b,c,s")]
    tensors = [tensor("few", kind, [4], few), tensor("many", kind, [100], half)]
    model(name, nodes, [("x", F, [4])], [("y", F, [4])], tensors=tensors, x=np.array([0.3, 1.7, -2.0, 5], "f4"))
for name, kind in {"i4": 22, "u4": 21}.items():
    nodes = [node("Cast", "many", "m", to=F), node("Gather", "m,i", "g"), node("Cast", "few", "c", to=F), node("Sum", "x,g,c")]
    tensors = [tensor("few", kind, [2], b"\x9f"), tensor("many", kind, [100], bytes(rng.integers(0, 256, 50, dtype="u1")))]
    model(name, nodes, [("x", F, [2])], [("y", F, [2])], {"i": np.array([7, 99])}, tensors, x=np.array([0.5, 1], "f4"))

# The least number of 64 bits, and numbers that are none, with signs and bits of their own.
model("least", [node("Max", "x,l")], [("x", I, [2])], [("y", I, [2])], {"l": np.array([-(2**63), 2**63 - 1])}, x=np.array([-5, 3]))
odd = np.frombuffer(struct.pack("<4I", 0x7FC00001, 0xFFC00000, 0x7FC00000, 0x80000000), "f4")
model("nans", [node("Where", "c,x,n")], [("c", B, [4]), ("x", F, [4])], [("y", F, [4])], {"n": odd}, c=np.zeros(4, bool), x=np.ones(4, "f4"))

# Strings, with what has to be written in another way.
words = np.array(['a "b"', "c\\d", "e\nf", "\t", "ü"], object)
model("strings", [node("StringConcat", "x,w")], [("x", TensorProto.STRING, [5])], [("y", TensorProto.STRING, [5])], {"w": words}, x=np.array(list("12345")))
model("pattern", [node("RegexFullMatch", "x", pattern='\\d+"?')], [("x", TensorProto.STRING, [3])], [("y", B, [3])], x=np.array(["12", 'a"', '7"']))
model("pieces", [node("StringSplit", "x", "y,z", delimiter="-")], [("x", TensorProto.STRING, ["N"])], [("y", TensorProto.STRING, ["N", None]), ("z", I, ["N"])], x=np.array(["a-b", "c"]))  # fmt: skip
model(
    "labels", [node("LabelEncoder", "x", keys_strings=["a", 'q"', "c"], values_int64s=[3, 1, 2], default_int64=-1, domain="ai.onnx.ml")],
    [("x", TensorProto.STRING, [4])], [("y", I, [4])], domain="ai.onnx.ml", x=np.array(["c", "a", 'q"', "z"]),
)  # fmt: skip

# Loops: as often as a number says, as long as a condition holds, both; dims that change; what is stacked.
grow = body([node("Concat", "s,x", "n", axis=0), node("Identity", "c", "go"), node("ReduceSum", "n", "e", keepdims=0)], [("i", I, []), ("c", B, []), ("s", F, ["K"])], [("go", B, []), ("n", F, ["K2"]), ("e", F, [])])  # fmt: skip
model("grows", [node("Loop", "m,,x", "y,z", body=grow)], [("m", I, []), ("x", F, ["N"])], [("y", F, [None]), ("z", F, [None])], m=np.array(3), x=x5)
until = body(
    [node("Mul", "s,two", "n"), node("ReduceMax", "n", "top", keepdims=0), node("Less", "top,most", "go"), node("Cast", "i", "f", to=F), node("Add", "n,f", "e")],
    [("i", I, []), ("c", B, []), ("s", F, [5])], [("go", B, []), ("n", F, [5]), ("e", F, [5])],
)  # fmt: skip
limits = {"two": np.float32(2), "most": np.float32(40)}
for name, inputs in {"while": ",t,x", "both": "m,t,x", "often": "m,,x"}.items():
    model(name, [node("Loop", inputs, "y,z", body=until)], [("x", F, [5])], [("y", F, [5]), ("z", F, [None, 5])], limits | {"t": np.array(True), "m": np.array(9)}, x=x5)
one = limits | {"t": np.array([True]), "m": np.array([4])}
model("dims", [node("Loop", "m,t,x", "y,z", body=until)], [("x", F, [5])], [("y", F, [5]), ("z", F, [None, 5])], one, x=x5)
inner = body([node("Add", "u,s", "v"), node("Identity", "d", "on")], [("j", I, []), ("d", B, []), ("u", F, [5])], [("on", B, []), ("v", F, [5])])
outer = body([node("Loop", "m,,s", "n", body=inner), node("Identity", "c", "go")], [("i", I, []), ("c", B, []), ("s", F, [5])], [("go", B, []), ("n", F, [5])])
model("nested", [node("Loop", "m,,x", "y", body=outer)], [("x", F, [5])], [("y", F, [5])], {"m": np.array(2)}, x=x5)
push = body(
    [node("SequenceInsert", "s,x", "n"), node("Identity", "c", "go")], [("i", I, []), ("c", B, [])], [("go", B, [])],
)  # fmt: skip
push.input.append(helper.make_tensor_sequence_value_info("s", F, [5]))
push.output.append(helper.make_tensor_sequence_value_info("n", F, [5]))
model("sequence", [helper.make_node("SequenceEmpty", [], ["e"]), node("Loop", "m,,e", "n", body=push), node("ConcatFromSequence", "n", axis=0)], [("m", I, []), ("x", F, [5])], [("y", F, [None])], m=np.array(3), x=x5)  # fmt: skip

# Scans one way, the other, and both at once.
step = body([node("Add", "s,p", "n"), node("Mul", "n,q", "o"), node("Identity", "n", "k")], [("s", F, [4]), ("p", F, [4]), ("q", F, [4])], [("n", F, [4]), ("o", F, [4]), ("k", F, [4])])  # fmt: skip
for name, ways in {"forth": ([0, 0], [0, 0]), "back": ([1, 1], [1, 1]), "ways": ([0, 1], [1, 0])}.items():
    scan = node("Scan", "s,x,q", "y,z,k", body=step, num_scan_inputs=2, scan_input_directions=ways[0], scan_output_directions=ways[1], scan_output_axes=[-1, 0])
    model(name, [scan], [("s", F, [4]), ("x", F, ["T", 4]), ("q", F, ["T2", 4])], [("y", F, [4]), ("z", F, [4, None]), ("k", F, [None, 4])], s=x34[0], x=x34, q=x34[::-1])

# Branches of other dims, a condition with a dim, and one that is known.
part = body([node("Slice", "x,zero,two", "h")], [], [("h", F, [2])])
whole = body([node("Identity", "x", "w")], [], [("w", F, [5])])
for sign in (1, -1):
    nodes = [node("ReduceSum", "x", "s", keepdims=1), node("Greater", "s,none", "c"), node("If", "c", then_branch=part, else_branch=whole)]
    model(f"if{sign}", nodes, [("x", F, [5])], [("y", F, [None])], {"zero": np.array([0]), "two": np.array([2]), "none": np.float32(0)}, x=np.abs(x5) * sign)
flat = body([node("ReduceSum", "x", "h", keepdims=0)], [], [("h", F, [])])
model("known", [node("If", "t", then_branch=whole, else_branch=flat)], [("x", F, [5])], [("y", F, [5])], {"t": np.array(True)}, x=x5)


def main():
    folder = pathlib.Path(sys.argv[1])
    for name, (proto, values) in MODELS.items():
        if sys.argv[2:] and name not in sys.argv[2:]:
            continue
        place = folder / name
        place.mkdir(parents=True, exist_ok=True)
        onnx.save(proto, place / f"{name}.onnx")
        outcome, why = roundtrip.compare("burnish", place / f"{name}.onnx", values, place)
        print(f"{name}: {outcome}{': ' + why if why else ''}", flush=True)


main()
