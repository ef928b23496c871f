"""models.py - writes the malformed or unusual models of these tests: models.py FOLDER NAME..., each as NAME.onnx."""

import sys

import numpy as np
import onnx
from onnx import TensorProto, helper


def value(name, shape=(2, 3), element=TensorProto.FLOAT):
    return helper.make_tensor_value_info(name, element, shape)


def model(nodes, inputs=("x",), outputs=("y",), initializers=(), opsets=(("", 18),), ir=8, functions=()):
    graph = helper.make_graph(
        nodes, "g", [value(n) if isinstance(n, str) else n for n in inputs],
        [value(n, None) if isinstance(n, str) else n for n in outputs], list(initializers))
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid(*o) for o in opsets], functions=list(functions))
    made.ir_version = ir
    return made


def node(op, inputs, outputs, name="", **attributes):
    return helper.make_node(op, inputs, outputs, name=name, **attributes)


def relu():
    return model([node("Relu", ["x"], ["y"], "act")])


def cyclic():
    return model([node("Add", ["x", "b"], ["a"], "first"), node("Relu", ["a"], ["b"], "second"), node("Relu", ["b"], ["y"], "third")])


def itself():
    return model([node("Add", ["x", "y"], ["y"], "loop")])


def out_of_order():
    return model([node("Relu", ["a"], ["y"], "last"), node("Neg", ["x"], ["a"], "first")])


def undefined():
    return model([node("Add", ["x", "nowhere"], ["y"], "sum")])


def undefined_output():
    return model([node("Relu", ["x"], ["z"], "act")])


def duplicate():
    return model([node("Relu", ["x"], ["y"], "one"), node("Neg", ["x"], ["y"], "two")])


def duplicate_initializer():
    w = helper.make_tensor("w", TensorProto.FLOAT, [1], [1.0])
    return model([node("Add", ["x", "w"], ["y"])], initializers=[w, w])


def duplicate_input():
    return model([node("Relu", ["x"], ["y"])], inputs=["x", "x"])


def duplicate_output():
    return model([node("Relu", ["x"], ["y"])], outputs=["y", "y"])


def input_as_output():
    return model([node("Relu", ["x"], ["x"], "act")], outputs=["x"])


def no_graph():
    made = relu()
    made.ClearField("graph")
    return made


def no_opset():
    made = relu()
    made.ClearField("opset_import")
    return made


def two_opsets():
    return model([node("Relu", ["x"], ["y"])], opsets=[("", 18), ("ai.onnx", 17)])


def new_opset():
    return model([node("Relu", ["x"], ["y"])], opsets=[("", 29)])


def old_opset():
    return model([node("Relu", ["x"], ["y"])], opsets=[("", 5)])


def new_ir():
    return model([node("Relu", ["x"], ["y"])], ir=99)


def old_ir():
    return model([node("Relu", ["x"], ["y"])], ir=2)


def unknown_operators():
    return model([
        node("Frobnicate", ["x"], ["a"], "one"),
        node("Fancy", ["a"], ["b"], "two", domain="com.example"),
        node("Gelu", ["b"], ["c"], "three"),
        node("Scaler", ["c"], ["d"], "four", domain="ai.onnx.ml"),
        node("Relu", ["d"], ["y"], "five"),
    ])


def counts():
    return model([
        node("Relu", ["x", "x"], ["a"], "many"),
        node("Add", ["x"], ["b"], "few"),
        node("Add", ["x", ""], ["c"], "missing"),
        node("Neg", ["x"], ["d", "e"], "outputs"),
    ], outputs=["a", "b", "c", "d"])


def attributes():
    wrong = node("LeakyRelu", ["x"], ["a"], "wrong", alpha=1)
    twice = node("LeakyRelu", ["x"], ["b"], "twice", alpha=0.5)
    twice.attribute.append(twice.attribute[0])
    loose = node("LeakyRelu", ["x"], ["e"], "loose")
    loose.attribute.add(name="alpha", type=onnx.AttributeProto.FLOAT, ref_attr_name="slope")
    return model([wrong, twice, node("Relu", ["x"], ["c"], "unknown", shiny=1), node("Cast", ["x"], ["d"], "missing"), loose],
                 outputs=["a", "b", "c", "d", "e"])


def broken_branch():
    good = helper.make_graph([node("Neg", ["x"], ["z"])], "e", [], [value("z")])
    bad = helper.make_graph([node("BatchNormalization", ["x"], ["z"], "few", spatial=0)], "t", [], [value("z")])
    return model([node("If", ["c"], ["y"], then_branch=bad, else_branch=good)], inputs=["x", value("c", (), TensorProto.BOOL)], opsets=[("", 8)])


def graphs():
    """Types of attributes that are not those of what they hold."""
    branch = helper.make_graph([node("Neg", ["x"], ["z"])], "t", [], [value("z")])
    empty = node("If", ["c"], ["a"], "empty", then_branch=branch, else_branch=branch)
    empty.attribute[0].ClearField("g")
    filled = node("Concat", ["x", "x"], ["b"], "filled", axis=0)
    filled.attribute[0].g.CopyFrom(branch)
    return model([empty, filled], inputs=["x", value("c", (), TensorProto.BOOL)], outputs=["a", "b"])


def bodies():
    """Graphs that take or give another number of values than their nodes."""
    def body(inputs, outputs):
        """The first input, or `x`, by every output's name."""
        made = [value(name, (), TensorProto.BOOL if name == "on" else TensorProto.INT64 if name == "i" else TensorProto.FLOAT) for name in inputs]
        return helper.make_graph([node("Identity", [inputs[0] if inputs else "x"], [name]) for name in outputs], "b", made, [value(name) for name in outputs])

    loop = ["n", "c", "x"]
    return model([
        node("If", ["c"], ["a"], "more", then_branch=body([], ["z"]), else_branch=body([], ["z", "u"])),
        node("If", ["c"], ["b"], "taking", then_branch=body(["v"], ["z"]), else_branch=body([], ["z"])),
        node("Loop", loop, ["d"], "short", body=body(["i", "on", "v"], ["z"])),
        node("Loop", loop, ["e"], "narrow", body=body(["i", "on"], ["z", "u"])),
        node("Loop", loop + ["x"], ["f"], "carrying", body=body(["i", "on", "v", "w"], ["z", "u"])),
        node("Scan", ["x", "x"], ["g", "h"], "single", num_scan_inputs=1, body=body(["v"], ["z"])),
        node("SequenceMap", ["s"], ["k"], "mapped", body=body(["v", "w"], ["z"])),
        node("SequenceConstruct", ["x"], ["s"]),
    ], inputs=["x", value("c", (), TensorProto.BOOL), value("n", (), TensorProto.INT64)], outputs=list("abdefgh"))


def nested(depth=1000):
    """Subgraphs in subgraphs, as bytes from the inside out: the library does not write so many."""
    def field(number, body):
        length, head = len(body), bytes()
        while length >= 128:
            head, length = head + bytes([length & 127 | 128]), length >> 7
        return bytes([number << 3 | 2]) + head + bytes([length]) + body

    graph = field(2, b"g")
    for _ in range(depth):
        attribute = field(1, b"then_branch") + field(6, graph)
        graph = field(1, field(4, b"If") + field(5, attribute))
    return bytes([8, 8]) + field(7, graph)


def recursive_functions():
    def function(name, calls):
        return helper.make_function("own", name, ["a"], ["b"], [node(calls, ["a"], ["b"], "call", domain="own")],
                                    [helper.make_opsetid("own", 1), helper.make_opsetid("", 18)])
    return model([node("F", ["x"], ["y"], "outer", domain="own")], functions=[function("F", "G"), function("G", "F")],
                 opsets=[("", 18), ("own", 1)])


def exploding_functions():
    def function(level):
        calls = f"F{level - 1}" if level else "Relu"
        domain = "own" if level else ""
        return helper.make_function("own", f"F{level}", ["a"], ["c"], [node(calls, ["a"], ["b"], domain=domain), node(calls, ["b"], ["c"], domain=domain)],
                                    [helper.make_opsetid("own", 1), helper.make_opsetid("", 18)])
    return model([node("F40", ["x"], ["y"], "outer", domain="own")], functions=[function(i) for i in range(41)],
                 opsets=[("", 18), ("own", 1)])


def doubled():
    """A size of n, 2n, 4n and so on past 64 bits."""
    nodes = [node("Concat", ["x" if i == 0 else f"v{i}"] * 2, [f"v{i + 1}"], f"double{i}", axis=0) for i in range(70)]
    return model(nodes, inputs=[value("x", ("n",))], outputs=["v70"])


def squared_shape():
    """Elements of a shape squared again and again: written out, the last would have 2^40 factors."""
    nodes = [node("Shape", ["x"], ["v0"])] + [node("Mul", [f"v{i}"] * 2, [f"v{i + 1}"]) for i in range(40)]
    return model(nodes + [node("Reshape", ["x", "v40"], ["y"])], inputs=[value("x", ("n", "m"))])


def nameless_body_output():
    body = helper.make_graph([node("Identity", ["c"], ["d"])], "b", [value("i", (), TensorProto.INT64), value("c", (), TensorProto.BOOL)],
                             [value("", (), TensorProto.BOOL)])
    loop = node("Loop", ["n", ""], [], "loop", body=body)
    return model([loop, node("Relu", ["x"], ["y"])], inputs=["x", value("n", (), TensorProto.INT64)])


def empty_and_huge():
    return model([node("ReduceSum", ["x"], ["y"])], inputs=[value("x", (0, 1 << 40, 1 << 40))])


def local_function():
    leaky = node("LeakyRelu", ["a"], ["b"], "leak")
    leaky.attribute.add(name="alpha", type=onnx.AttributeProto.FLOAT, ref_attr_name="slope")
    function = helper.make_function("own", "Twice", ["a"], ["c"], [leaky, node("Add", ["b", "b"], ["c"], "double")],
                                    [helper.make_opsetid("", 18)], ["slope"])
    return model([node("Twice", ["x"], ["y"], "call", domain="own", slope=0.25)], functions=[function],
                 opsets=[("", 18), ("own", 1)])


def with_tensor(tensor, op="Add"):
    return model([node(op, ["x", "w"], ["y"], "use")], initializers=[tensor])


def tensor(element, dims, **fields):
    made = TensorProto(name="w", data_type=element, dims=dims)
    for name, content in fields.items():
        getattr(made, name).extend(content) if isinstance(content, list) else setattr(made, name, content)
    return made


def raw_short():
    return with_tensor(tensor(TensorProto.FLOAT, [2, 3], raw_data=b"\0" * 20))


def raw_short_mapped():
    return with_tensor(tensor(TensorProto.FLOAT, [200, 3], raw_data=b"\0" * 2000))


def raw_long():
    return with_tensor(tensor(TensorProto.FLOAT, [2, 3], raw_data=b"\0" * 28))


def typed_short():
    return with_tensor(tensor(TensorProto.FLOAT, [2, 3], float_data=[1.0, 2.0]))


def typed_other_field():
    return with_tensor(tensor(TensorProto.FLOAT, [2], int64_data=[1, 2]))


def negative_dim():
    return with_tensor(tensor(TensorProto.FLOAT, [2, -3], raw_data=b"\0" * 24))


def huge_dims():
    return with_tensor(tensor(TensorProto.FLOAT, [1 << 32, 1 << 32], raw_data=b"\0" * 24))


def no_type():
    return with_tensor(tensor(99, [1], raw_data=b"\0"))


def with_sparse(dims, indices, count=2):
    places = onnx.numpy_helper.from_array(np.array(indices, np.int64), "places")
    values = onnx.numpy_helper.from_array(np.array([5, -7, 9], np.float32)[:count], "w")
    made = model([node("Add", ["x", "w"], ["y"], "use")])
    made.graph.sparse_initializer.append(onnx.SparseTensorProto(values=values, indices=places, dims=dims))
    return made


def sparse():
    return with_sparse([2, 3], [1, 5])


def sparse_by_axes():
    made = with_sparse([2, 3], [[0, 1], [1, 2]])
    return model([helper.make_node("Constant", [], ["w"], sparse_value=made.graph.sparse_initializer[0]), node("Add", ["x", "w"], ["y"], "use")])


def sparse_outside():
    return with_sparse([2, 3], [[0, 1], [1, 3]])


def sparse_order():
    return with_sparse([2, 3], [5, 1])


def sparse_counts():
    return with_sparse([2, 3], [1, 5], count=3)


def sparse_huge():
    return with_sparse([1 << 20, 1 << 20], [1, 5])


def strings():
    return with_tensor(tensor(TensorProto.STRING, [1], string_data=[b"word"]))


def segments():
    made = tensor(TensorProto.FLOAT, [1], raw_data=b"\0" * 4)
    made.segment.begin = 0
    made.segment.end = 1 << 40
    return with_tensor(made)


def external(location, dims=(2, 3), offset=None, length=None, name="w"):
    made = TensorProto(name=name, data_type=TensorProto.FLOAT, dims=dims, data_location=TensorProto.EXTERNAL)
    for key, content in (("location", location), ("offset", offset), ("length", length)):
        if content is not None:
            made.external_data.add(key=key, value=str(content))
    return made


def external_good():
    return with_tensor(external("w.bin", offset=8))


def external_tied():
    made = with_tensor(external("w.bin", offset=8))
    made.graph.initializer.append(external("w.bin", offset=8, name="v"))
    made.graph.node[0].input[0] = "v"
    return made


def external_missing():
    return with_tensor(external("nowhere.bin"))


def external_outside():
    return with_tensor(external("../w.bin"))


def external_absolute():
    return with_tensor(external("/etc/passwd"))


def external_link():
    return with_tensor(external("link.bin"))


def external_folder():
    return with_tensor(external("folder"))


def external_short():
    return with_tensor(external("w.bin", offset=16))


def external_far():
    return with_tensor(external("w.bin", offset=(1 << 64) - 8))


def external_length():
    return with_tensor(external("w.bin", length=20))


def external_number():
    return with_tensor(external("w.bin", offset="-8"))


def external_nul():
    return with_tensor(external("w.bin\0x"))


def external_nameless():
    return with_tensor(external(None))


def external_overlap():
    made = with_tensor(external("w.bin", offset=0))
    made.graph.initializer.append(external("w.bin", offset=4, name="v"))
    return made


def named(name):
    return model([node("Add", ["x", "nowhere"], ["y"], name)])


def name_quotes():
    return named("it's \"so\"\n\\ \0\x1b[31m \u00e9")


def name_long():
    return named("n" * 10_000_000)


def names_long_everywhere():
    long = "v" * 10_000_000
    return model([node("Relu", ["x"], [long], "n" * 10_000_000), node("MatMul", [long, long], ["y"], "n" * 10_000_000)])


def declared_wrong():
    """A dim of -1, and an output with another rank than it has."""
    return model([node("Relu", ["x"], ["y"])], inputs=[value("x", (-1, 3))], outputs=[value("y", (1, 2, 3, 4))])


def no_rank():
    return model([node("Relu", ["x"], ["y"])], inputs=[value("x", None)])


def symbolic():
    return model([node("Relu", ["x"], ["y"])], inputs=[value("x", ("batch", 3, "width"))], outputs=[value("y", ("batch", 3, "width"))])


def shared_dim():
    return model([node("Add", ["x", "z"], ["y"])], inputs=[value("x", ("n", 3)), value("z", ("n", 3))])


def sequence_input():
    made = helper.make_tensor_sequence_value_info("x", TensorProto.FLOAT, None)
    return model([node("SequenceLength", ["x"], ["y"])], inputs=[made])


def default_input():
    """Up to IR version 3 initialisers are listed as inputs too."""
    w = helper.make_tensor("w", TensorProto.FLOAT, [3], [1.0, 2.0, 3.0])
    return model([node("Add", ["x", "w"], ["y"])], inputs=["x", value("w", (3,))], initializers=[w], ir=3)


def constant_node():
    """Raw data too long for the IR's text and too short to be referred to in the file: in a node, and in an attribute of a function's call."""
    def ones(count):
        return helper.make_tensor("", TensorProto.FLOAT, [count], b"\0\0\x80?" * count, raw=True)
    inner = node("Constant", [], ["c"])
    inner.attribute.add(name="value", ref_attr_name="what", type=onnx.AttributeProto.TENSOR)
    function = helper.make_function("local", "Ones", [], ["c"], [inner], [helper.make_opsetid("", 18)], attributes=["what"])
    nodes = [node("Constant", [], ["a"], value=ones(20)), node("Ones", [], ["b"], domain="local", what=ones(40)),
             node("Add", ["x", "a"], ["y"]), node("Add", ["x2", "b"], ["y2"])]
    return model(nodes, inputs=[value("x", (20,)), value("x2", (40,))], outputs=["y", "y2"], opsets=(("", 18), ("local", 1)), functions=[function])


TYPED = {
    "float": (TensorProto.FLOAT, "float_data", [1.5, -2.0]),
    "double": (TensorProto.DOUBLE, "double_data", [1.5, -2.0]),
    "int8": (TensorProto.INT8, "int32_data", [1, -2]),
    "uint8": (TensorProto.UINT8, "int32_data", [1, 254]),
    "int16": (TensorProto.INT16, "int32_data", [1, -2]),
    "uint16": (TensorProto.UINT16, "int32_data", [1, 65534]),
    "int32": (TensorProto.INT32, "int32_data", [1, -2]),
    "int64": (TensorProto.INT64, "int64_data", [1, -2]),
    "uint32": (TensorProto.UINT32, "uint64_data", [1, 4294967294]),
    "uint64": (TensorProto.UINT64, "uint64_data", [1, 18446744073709551614]),
    "bool": (TensorProto.BOOL, "int32_data", [1, 0]),
    "float16": (TensorProto.FLOAT16, "int32_data", [0x3E00, 0xC000]),
    "bfloat16": (TensorProto.BFLOAT16, "int32_data", [0x3FC0, 0xC000]),
    "float8": (TensorProto.FLOAT8E4M3FN, "int32_data", [0x3C, 0xC0]),
    "complex": (TensorProto.COMPLEX64, "float_data", [1.5, -2.0, 0.5, 4.0]),
    "int4": (TensorProto.INT4, "int32_data", [0xE1]),
    "uint4": (TensorProto.UINT4, "int32_data", [0xE1]),
}


def initializers():
    """Every element type, from its typed field and from raw data."""
    typed, nodes, outputs = [], [], []
    for name, (element, field, content) in TYPED.items():
        one = TensorProto(name=f"typed_{name}", data_type=element, dims=[2])
        getattr(one, field).extend(content)
        typed.append(one)
        nodes.append(node("Identity", [one.name], [name]))
        outputs.append(value(name, None, element))
    return model(nodes, inputs=[], outputs=outputs, initializers=typed, opsets=[("", 25)], ir=11)


def write(folder, name):
    made = globals()[name]()
    with open(f"{folder}/{name}.onnx", "wb") as file:
        file.write(made if isinstance(made, bytes) else made.SerializeToString())


if __name__ == "__main__":
    for each in sys.argv[2:]:
        write(sys.argv[1], each)
