"""losses.py - losses of the standard library and their gradients, beside PyTorch's.

Inputs are sines, so that they need no file. `losses.json` has what torch.nn.functional gives for them in float64, and its gradient by x;
`losses.py write` makes it anew, in a Python that has torch. Losses agree to 1e-5, gradients to 1e-4 of the largest.
"""

import json
import pathlib
import subprocess
import sys

import numpy as np

STORED = pathlib.Path(__file__).with_suffix(".json")


def waves(*shape, first=0.0, scale=1.0):
    return (scale * np.sin(0.7 * np.arange(np.prod(shape)) + first)).reshape(shape)


def shares(*shape):
    e = np.exp(waves(*shape, first=1.0))
    return e / e.sum(-1, keepdims=True)


KIND = np.array([2, 0, 3, 1, 2])
PLACES = np.array([[1, 0, 3], [2, 2, 0]])
SIGN = np.where(waves(5, 4, first=2.0) > 0, 1.0, -1.0)
ROWS = {"x": waves(5, 4), "t": waves(5, 4, first=0.3)}
CLASSES = {"x": waves(5, 4), "y": KIND}
WEIGHTS, COUNTS = np.array([1.0, 0.5, 2.0, 0.25]), np.array([1.0, 2.0, 0.5, 0.0, 3.0])
# One target of probability 0.
KINDS = shares(5, 4) * np.array([1, 1, 0, 1])

# Of sequences: labels that end early, that repeat, that are none, and one that needs more steps than there are.
PADDED = np.array([[1, 2, 3], [2, 2, -1], [3, -1, -1], [-1, -1, -1]])
FULL = np.array([[1, 2, 3], [2, 2, 1], [1, 0, 0], [3, 3, 3]])
STEPS, LENGTHS = np.array([7, 4, 5, 1]), np.array([3, 3, 1, 0])
SEQUENCES = {"x": waves(4, 7, 5, scale=2.0)}


def log_softmax(f, x):
    return f.log_softmax(x, -1)


def mean_of(each, weight):
    return (each * weight).sum() / weight.sum()


def ctc(f, i, steps=None, lengths=None, blank=0, **options):
    import torch

    x, y = i["x"], i["y"]
    lengths = i["lengths"] if lengths else (y >= 0).sum(1)
    steps = i["steps"] if steps else torch.full((len(x),), x.shape[1])
    return f.ctc_loss(f.log_softmax(x, -1).transpose(0, 1), y.clamp(min=0), steps, lengths, blank=blank, **options)


# What is compiled, its inputs, and the same of torch.nn.functional `f` on tensors `i`.
CASES = {
    "mse": ("mse(x, t)", ROWS, lambda f, i: f.mse_loss(i["x"], i["t"])),
    "mae": ("mae(x, t)", ROWS, lambda f, i: f.l1_loss(i["x"], i["t"])),
    "huber": ("huber(0.2)(x, t)", ROWS, lambda f, i: f.huber_loss(i["x"], i["t"], delta=0.2)),
    "weighted": ("mse(x, t, w)", {**ROWS, "w": COUNTS}, lambda f, i: mean_of(((i["x"] - i["t"]) ** 2).mean(1), i["w"])),
    "cross_entropy": ("cross_entropy(x, y)", CLASSES, lambda f, i: f.cross_entropy(i["x"], i["y"])),
    "smoothed": ("cross_entropy(0.1)(x, y)", CLASSES, lambda f, i: f.cross_entropy(i["x"], i["y"], label_smoothing=0.1)),
    "classes": ("cross_entropy(x, y, classes = w)", {**CLASSES, "w": WEIGHTS}, lambda f, i: f.cross_entropy(i["x"], i["y"], i["w"])),
    "both": (
        "cross_entropy(0.2)(x, y, classes = w)", {**CLASSES, "w": WEIGHTS},
        lambda f, i: f.cross_entropy(i["x"], i["y"], i["w"], label_smoothing=0.2),
    ),
    "samples": (
        "cross_entropy(0.2)(x, y, w)", {**CLASSES, "w": COUNTS},
        lambda f, i: mean_of(f.cross_entropy(i["x"], i["y"], label_smoothing=0.2, reduction="none"), i["w"]),
    ),
    "everything": (
        "cross_entropy(x, y, w, v)", {**CLASSES, "w": COUNTS, "v": WEIGHTS},
        lambda f, i: mean_of(f.cross_entropy(i["x"], i["y"], reduction="none"), i["w"] * i["v"][i["y"]]),
    ),
    "places": (
        "cross_entropy(x, y, classes = w)", {"x": waves(2, 3, 4), "y": PLACES, "w": WEIGHTS},
        lambda f, i: f.cross_entropy(i["x"].transpose(1, 2), i["y"], i["w"]),
    ),
    "probabilities": ("soft_cross_entropy(x, t)", {"x": waves(5, 4), "t": shares(5, 4)}, lambda f, i: f.cross_entropy(i["x"], i["t"])),
    "binary": (
        "binary_cross_entropy(x, t)", {"x": waves(5, 4, scale=40), "t": shares(5, 4)},
        lambda f, i: f.binary_cross_entropy_with_logits(i["x"], i["t"]),
    ),
    "nll": ("nll(log_softmax(x), y)", CLASSES, lambda f, i: f.nll_loss(log_softmax(f, i["x"]), i["y"])),
    "nll_classes": ("nll(x, y, classes = w)", {**CLASSES, "w": WEIGHTS}, lambda f, i: f.nll_loss(i["x"], i["y"], i["w"])),
    "kl": ("kl(log_softmax(x), t)", {"x": waves(5, 4), "t": KINDS}, lambda f, i: f.kl_div(log_softmax(f, i["x"]), i["t"], reduction="batchmean")),
    "hinge": ("hinge(x, t)", {"x": waves(5, 4, scale=2), "t": SIGN}, lambda f, i: f.relu(1 - i["x"] * i["t"]).mean()),
    "cosine": ("cosine(x, t)", ROWS, lambda f, i: f.cosine_embedding_loss(i["x"], i["t"], i["x"].new_ones(5))),
    "cosine_of_zeros": (
        "cosine(x * w[:, None], t)", {**ROWS, "w": np.array([1.0, 0, 1, 1, 1])},
        lambda f, i: f.cosine_embedding_loss(i["x"] * i["w"][:, None], i["t"], i["x"].new_ones(5)),
    ),
    "ctc": ("ctc(x, y)", {**SEQUENCES, "y": PADDED}, ctc),
    "ctc_lengths": (
        "ctc(4, true)(x, y, steps, lengths)", {**SEQUENCES, "y": FULL, "steps": STEPS, "lengths": LENGTHS},
        lambda f, i: ctc(f, i, True, True, blank=4, zero_infinity=True),
    ),
    "ctc_impossible": ("ctc(x, y)", {"x": waves(2, 4, 5), "y": np.array([[1, 1, 1], [1, 2, 3]])}, ctc),
    "ctc_nothing": (
        "ctc(zero_infinity = true)(x, y)", {"x": waves(2, 4, 5), "y": np.array([[1, 1, 1], [1, 2, 3]])},
        lambda f, i: ctc(f, i, zero_infinity=True),
    ),
    "ctc_one_step": ("ctc(x, y)", {"x": waves(3, 1, 5), "y": np.array([[3, -1], [1, -1], [-1, -1]])}, ctc),
    "ctc_long": ("ctc(x, y)", {"x": waves(2, 120, 6, scale=12.0), "y": 1 + np.arange(40).reshape(2, 20) % 5}, ctc),
}


def write():
    import torch

    stored = {}
    for name, (_, inputs, reference) in CASES.items():
        i = {key: torch.tensor(value) for key, value in inputs.items()}
        i["x"].requires_grad_(True)
        loss = reference(torch.nn.functional, i)
        loss.backward()
        # Of an infinite loss PyTorch has no gradient that is a number.
        gradient = [round(each, 8) for each in i["x"].grad.flatten().tolist()] if torch.isfinite(loss) else None
        stored[name] = {"loss": loss.item() if torch.isfinite(loss) else "inf", "gradient": gradient}
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(each)}" for name, each in stored.items())
    STORED.write_text("{\n" + lines + "\n}\n")


def typed(name, value):
    return f"{name}: {'i64' if value.dtype.kind == 'i' else 'f32'}[{', '.join(map(str, value.shape))}]"


def main():
    stored = json.loads(STORED.read_text())
    for name, (text, inputs, _) in CASES.items():
        types = ", ".join(typed(key, value) for key, value in inputs.items())
        pathlib.Path(f"{name}.nn").write_text(f"use std\nnet loss({types}) -> f32 {{ {text} }}\n")
        np.savez("in.npz", **{key: value.astype("f4" if value.dtype.kind == "f" else "i8") for key, value in inputs.items()})
        subprocess.run(["burnish", f"{name}.nn", "--gradient=output", "--wrt=x", "-o", name], check=True)
        subprocess.run([f"./{name}", "in.npz", "-o", "out.npz"], check=True, capture_output=True)
        loss, gradient = np.load("out.npz").values()
        expected = float(stored[name]["loss"])
        assert loss == expected or abs(loss - expected) <= 1e-5 * max(1, abs(expected)), (name, loss, expected)
        if stored[name]["gradient"] is not None:
            wanted = np.array(stored[name]["gradient"]).reshape(gradient.shape)
            error = np.abs(gradient - wanted).max()
            assert error <= 1e-4 * np.abs(wanted).max(), (name, error, gradient, wanted)
        print(f"{name}: as PyTorch's")


if __name__ == "__main__":
    write() if sys.argv[1:] == ["write"] else main()
