"""recurrent.py - LSTM, GRU and RNN."""

import numpy as np

from .graph import F32, Rejected

GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}


def recurrent(g):
    if g.dtype != F32:
        raise Rejected("ONNX Runtime has none of other types, and onnx.reference none of both directions")
    op = g.rng.choice(list(GATES))
    gates = GATES[op]
    x = g.pick(rank=3, where=lambda t: t.size and t.shape[0] <= 12 and t.shape[1] <= 5)
    steps, batch, width = x.shape
    hidden = g.choose(1, 3, 5, 8, 16, 17)
    direction = g.choose("forward", "forward", "reverse", "bidirectional")
    two = 2 if direction == "bidirectional" else 1
    w = g.weight((two, gates * hidden, width), width)
    r = g.weight((two, gates * hidden, hidden), hidden)
    b = g.given(g.normal((two, 2 * gates * hidden), scale=0.3), 0.9) if g.chance(0.7) else None
    lengths = g.given(g.numbers.integers(1, steps + 1, batch).astype(np.int32), 0.3) if g.chance(0.2) else None
    h = g.given(g.normal((two, batch, hidden), scale=0.5)) if g.chance(0.4) else None
    wanted = g.choose([True, True], [True, False], [False, True])
    if op != "LSTM":
        how = {"linear_before_reset": g.choose(0, 1)} if op == "GRU" else {}
        if op == "RNN" and g.chance(0.3):
            how["activations"] = ["Relu"] * two
        return g.node(op, x, w, r, b, lengths, h, outputs=wanted, hidden_size=hidden, direction=direction, **how)
    c = g.given(g.normal((two, batch, hidden), scale=0.5)) if g.chance(0.4) else None
    p = g.given(g.normal((two, 3 * hidden), scale=0.3)) if g.chance(0.15) else None
    how = {"clip": 3.0} if g.chance(0.1) else {}
    return g.node(op, x, w, r, b, lengths, h, c, p, outputs=[*wanted, g.chance(0.5)], hidden_size=hidden, direction=direction, **how)


FAMILY = [(1, recurrent)]
