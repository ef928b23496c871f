"""bodies.py - a case for every operator with bodies, and for recurrent layers."""

import numpy as np
from onnx import TensorProto, helper


def cases():
    rng = np.random.default_rng(2)

    def normal(*shape):
        return rng.standard_normal(shape)

    def node(op, inputs, outputs=("y",), **attributes):
        return helper.make_node(op, inputs, list(outputs), **attributes)

    def body(nodes, inputs, outputs):
        """A graph whose ports are f64 of any shape, but for those given as (name, type)."""
        def port(said):
            name, kind = said if isinstance(said, tuple) else (said, TensorProto.DOUBLE)
            return helper.make_tensor_value_info(name, kind, None)
        return helper.make_graph(nodes, "body", [port(i) for i in inputs], [port(o) for o in outputs])

    every = []

    def case(name, nodes, constants=None, result="y", **inputs):
        every.append(Case(name, nodes, inputs, constants, result))

    # An if whose condition only run time knows; each branch uses another input.
    for name, sign in (("Then", 1.0), ("Else", -1.0)):
        then = body([node("Mul", ["a", "b"], ["t"])], [], ["t"])
        otherwise = body([node("Exp", ["b"], ["e"])], [], ["e"])
        case(
            "If" + name,
            [
                node("ReduceSum", ["s"], ["sum"], keepdims=0),
                node("Greater", ["sum", "zero"], ["c"]),
                node("If", ["c"], then_branch=then, else_branch=otherwise),
            ],
            constants={"zero": np.array(0.0)}, a=normal(2, 3), b=normal(2, 3), s=np.array([sign, sign]),
        )  # fmt: skip

    # A recurrence that uses a matrix from outside, scans two inputs (one backwards), and gives states and outputs.
    step = body(
        [
            node("MatMul", ["h", "w"], ["hw"]),
            node("Add", ["hw", "p"], ["sum"]),
            node("Tanh", ["sum"], ["t"]),
            node("Mul", ["t", "q"], ["n"]),
            node("Mul", ["n", "n"], ["o"]),
        ],
        ["h", "p", "q"], ["n", "o"],
    )  # fmt: skip
    case(
        "Scan",
        [
            node("Scan", ["h0", "ps", "qs"], ["last", "os"], body=step, num_scan_inputs=2, scan_input_directions=[0, 1], scan_input_axes=[0, 1]),
            node("ReduceSum", ["last"], ["r"], keepdims=1),
            node("Add", ["os", "r"]),
        ],
        h0=normal(2, 3), ps=normal(4, 2, 3), qs=normal(2, 4, 3), w=normal(3, 3),
    )  # fmt: skip
    # The state alone counts, and an output is stacked backwards along the last axis.
    case(
        "ScanState",
        [node("Scan", ["h0", "ps", "qs"], ["y", "os"], body=step, num_scan_inputs=2, scan_output_axes=[-1], scan_output_directions=[1])],
        h0=normal(2, 3), ps=normal(4, 2, 3), qs=normal(4, 2, 3), w=normal(3, 3),
    )  # fmt: skip
    case(
        "ScanOutput",
        [node("Scan", ["h0", "ps", "qs"], ["last", "y"], body=step, num_scan_inputs=2, scan_output_axes=[-1], scan_output_directions=[1])],
        h0=normal(2, 3), ps=normal(4, 2, 3), qs=normal(4, 2, 3), w=normal(3, 3),
    )  # fmt: skip
    # A scan in a scan.
    inner = body([node("Mul", ["s", "f"], ["m"]), node("Add", ["m", "v"], ["u"])], ["s", "v"], ["u"])
    outer = body(
        [node("Scan", ["g", "row"], ["next"], body=inner, num_scan_inputs=1), node("Tanh", ["next"], ["k"])],
        ["g", "row"], ["next", "k"],
    )  # fmt: skip
    case(
        "ScanNested",
        [node("Scan", ["g0", "rows"], ["last", "y"], body=outer, num_scan_inputs=1)],
        g0=normal(2), rows=normal(3, 4, 2), f=normal(2),
    )  # fmt: skip

    # A loop that runs as long as its state is small, and whose body knows its number.
    turn = body(
        [
            node("Cast", ["i"], ["number"], to=TensorProto.DOUBLE),
            node("Add", ["number", "one"], ["factor"]),
            node("MatMul", ["s", "w"], ["sw"]),
            node("Mul", ["sw", "factor"], ["n"]),
            node("Sin", ["n"], ["o"]),
            node("ReduceSumSquare", ["n"], ["size"], keepdims=0),
            node("Less", ["size", "limit"], ["go"]),
        ],
        [("i", TensorProto.INT64), ("c", TensorProto.BOOL), "s"], [("go", TensorProto.BOOL), "n", "o"],
    )  # fmt: skip
    for name, result in (("State", ["y", "os"]), ("Output", ["last", "y"])):
        case(
            "Loop" + name, [node("Loop", ["m", "", "s0"], result, body=turn)],
            constants={"m": np.array(20), "one": np.array(1.0), "limit": np.array(30.0)},
            s0=normal(1, 3) * 0.2, w=np.eye(3) + normal(3, 3) * 0.2,
        )  # fmt: skip

    def recurrent(op, gates, steps=4, batch=2, features=3, hidden=2, **attributes):
        directions = 2 if attributes.get("direction") == "bidirectional" else 1
        return dict(
            x=normal(steps, batch, features), w=normal(directions, gates * hidden, features) * 0.5,
            r=normal(directions, gates * hidden, hidden) * 0.5, b=normal(directions, 2 * gates * hidden),
        )  # fmt: skip

    lengths = {"l": np.array([3, 4], np.int32)}
    for op, gates in (("RNN", 1), ("GRU", 3), ("LSTM", 4)):
        case(op, node(op, ["x", "w", "r", "b"], hidden_size=2), **recurrent(op, gates))
        case(op + "Last", node(op, ["x", "w", "r", "b"], ["", "y"], hidden_size=2), **recurrent(op, gates))
        case(
            op + "Both",
            node(op, ["x", "w", "r", "b", "l", "h"], hidden_size=2, direction="bidirectional"),
            constants=lengths, h=normal(2, 2, 2), **recurrent(op, gates, direction="bidirectional"),
        )  # fmt: skip
        case(op + "Reverse", node(op, ["x", "w", "r"], hidden_size=2, direction="reverse"), **{k: v for k, v in recurrent(op, gates).items() if k != "b"})
    case("GRUAfter", node("GRU", ["x", "w", "r", "b"], hidden_size=2, linear_before_reset=1), **recurrent("GRU", 3))
    case(
        "LSTMPeepholes",
        node("LSTM", ["x", "w", "r", "b", "", "h", "c", "p"], hidden_size=2, activations=["HardSigmoid", "Softsign", "Elu"]),
        h=normal(1, 2, 2), c=normal(1, 2, 2), p=normal(1, 6) * 0.3, **recurrent("LSTM", 4),
    )  # fmt: skip
    case("LSTMCell", node("LSTM", ["x", "w", "r", "b"], ["", "", "y"], hidden_size=2, input_forget=1), **recurrent("LSTM", 4))
    return every
