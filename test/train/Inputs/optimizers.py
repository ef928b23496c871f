"""optimizers.py - what compiled steps make of weights, beside the papers' formulas in float64.

A network of two layers is trained for six steps on one batch by each optimiser of the standard library, with and without what
a recipe may add. The weights must agree to 2e-5 of the largest change.
"""

import pathlib
import subprocess
import sys

import numpy as np

BATCH, IN, HIDDEN, OUT, STEPS = 8, 5, 7, 3, 6

NET = """use std
net net(x: f32[N, 5]) -> f32[N, 3] {{ x |> dense(7) as a |> tanh |> dense(3) as b }}
train net {{
  data   (x, y) from npz("batch.npz")
  batch  N = 8
  loss   cross_entropy(net(x), y){loss}
  update {update}
  {more}
}}
"""


def gradients(w, x, y, l1, l2):
    h = np.tanh(x @ w["net.a.w"] + w["net.a.b"])
    s = h @ w["net.b.w"] + w["net.b.b"]
    p = np.exp(s - s.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    ds = (p - np.eye(OUT)[y]) / len(x)
    dh = ds @ w["net.b.w"].T * (1 - h * h)
    g = {"net.b.w": h.T @ ds, "net.b.b": ds.sum(0), "net.a.w": x.T @ dh, "net.a.b": dh.sum(0)}
    for key in ("net.a.w", "net.b.w"):
        g[key] = g[key] + 2 * l2 * w[key]
    for key in ("net.a.w", "net.a.b"):
        g[key] = g[key] + l1 * np.sign(w[key])
    return g


def sgd(w, g, s, lr, wd, t):
    return w - lr * (g + wd * w)


def momentum(w, g, s, lr, wd, t):
    s["v"] = 0.9 * s.get("v", 0) + g + wd * w
    return w - lr * s["v"]


def nesterov(w, g, s, lr, wd, t):
    d = g + wd * w
    s["v"] = 0.9 * s.get("v", 0) + d
    return w - lr * (d + 0.9 * s["v"])


def moments(s, g, beta1, beta2):
    s["m"] = beta1 * s.get("m", 0) + (1 - beta1) * g
    s["v"] = beta2 * s.get("v", 0) + (1 - beta2) * g * g


def adam(w, g, s, lr, wd, t, beta1=0.9):
    moments(s, g + wd * w, beta1, 0.999)
    return w - lr * (s["m"] / (1 - beta1**t)) / (np.sqrt(s["v"] / (1 - 0.999**t)) + 1e-8)


def adamw(w, g, s, lr, wd, t):
    moments(s, g, 0.9, 0.999)
    return w * (1 - lr * wd) - lr * (s["m"] / (1 - 0.9**t)) / (np.sqrt(s["v"] / (1 - 0.999**t)) + 1e-8)


def adagrad(w, g, s, lr, wd, t):
    d = g + wd * w
    s["s"] = s.get("s", 0) + d * d
    return w - lr * d / (np.sqrt(s["s"]) + 1e-10)


def rmsprop(w, g, s, lr, wd, t):
    d = g + wd * w
    s["s"] = 0.99 * s.get("s", 0) + 0.01 * d * d
    return w - lr * d / (np.sqrt(s["s"]) + 1e-8)


def lion(w, g, s, lr, wd, t):
    m = s.get("m", 0)
    step = np.sign(0.9 * m + 0.1 * g)
    s["m"] = 0.99 * m + 0.01 * g
    return w * (1 - lr * wd) - lr * step


def lamb(w, g, s, lr, wd, t):
    moments(s, g, 0.9, 0.999)
    r = s["m"] / (1 - 0.9**t) / (np.sqrt(s["v"] / (1 - 0.999**t)) + 1e-6) + wd * w
    sizes = np.sqrt((w * w).sum()), np.sqrt((r * r).sum())
    return w - lr * (sizes[0] / sizes[1] if sizes[0] * sizes[1] > 0 else 1) * r


def reference(w, x, y, rule, lr, wd=0, clip=None, clip_value=None, ema=None, l1=0, l2=0, accumulate=1, rate=None):
    """The weights after all steps; averages instead where there are any."""
    states = {key: {} for key in w}
    averages, sums, updates = dict(w), {}, 0
    for step in range(1, STEPS + 1):
        g = gradients(w, x, y, l1, l2)
        sums = {key: sums.get(key, 0) + g[key] / accumulate for key in g}
        if step % accumulate:
            continue
        g, sums, updates = sums, {}, updates + 1
        if clip:
            norm = np.sqrt(sum((each * each).sum() for each in g.values()))
            g = {key: each * min(1, clip / (norm + 1e-6)) for key, each in g.items()}
        if clip_value:
            g = {key: np.clip(each, -clip_value, clip_value) for key, each in g.items()}
        now = rate(step) if rate else lr
        w = {key: rule(w[key], g[key], states[key], now, wd if key.endswith(".w") else 0, updates) for key in w}
        averages = {key: ema * averages[key] + (1 - ema) * w[key] for key in w} if ema else w
    return averages


def read(path):
    import json

    raw = pathlib.Path(path).read_bytes()
    size = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + size])
    return {
        key: np.frombuffer(raw, "<f4", int(np.prod(each["shape"])), 8 + size + each["data_offsets"][0]).reshape(each["shape"])
        for key, each in header.items()
        if key != "__metadata__"
    }


def check(name, update, rule, loss="", more="", data=".", **arguments):
    pathlib.Path(f"{name}.nn").write_text(NET.format(update=update, loss=loss, more=more))
    subprocess.run(["burnish", f"{name}.nn", "--train", "-o", name], check=True)
    run = [f"./{name}", f"--data={data}", "-o"]
    # The first values are those after no update: a rate of 0 changes nothing, except where weights decay by themselves.
    subprocess.run([*run, "first.safetensors", "--steps=1", "--lr=0", "--decay=0"], check=True, capture_output=True)
    first = {key: value.astype(np.float64) for key, value in read("first.safetensors").items()}
    outcomes = []
    for threads in (1, 2):
        done = [*run, f"{name}.safetensors", f"--steps={STEPS}", f"--threads={threads}"]
        subprocess.run(done, check=True, capture_output=True)
        outcomes.append(read(f"{name}.safetensors"))
    batch = np.load("batch.npz")
    wanted = reference(first, batch["x"].astype(np.float64), batch["y"], rule, **arguments)
    for key in wanted:
        assert outcomes[0][key].tobytes() == outcomes[1][key].tobytes(), f"{name}: {key} depends on the number of threads"
        change = np.abs(wanted[key] - first[key]).max()
        error = np.abs(outcomes[0][key] - wanted[key]).max()
        assert error <= 2e-5 * change + 1e-7, f"{name}: {key} is off by {error:.3g} after a change of {change:.3g}"
    print(f"{name}: right")


def main():
    generator = np.random.default_rng(7)
    np.savez("batch.npz", x=generator.standard_normal((BATCH, IN)).astype(np.float32), y=generator.integers(0, OUT, BATCH))
    check("sgd", "sgd(lr = 0.3, decay = 0.01)", sgd, lr=0.3, wd=0.01)
    check("momentum", "momentum(lr = 0.1)", momentum, lr=0.1)
    check("nesterov", "nesterov(lr = 0.1, decay = 0.02), clip 0.5", nesterov, lr=0.1, wd=0.02, clip=0.5)
    check("adam", "adam(lr = 0.01, beta1 = 0.8)", lambda *a: adam(*a, beta1=0.8), lr=0.01)
    check("adamw", "adamw(lr = 0.01, decay = 0.1), ema 0.7", adamw, lr=0.01, wd=0.1, ema=0.7)
    check("adagrad", "adagrad(lr = 0.05), clip value 0.02", adagrad, lr=0.05, clip_value=0.02)
    check("rmsprop", "rmsprop(lr = 0.01)", rmsprop, loss=" + 0.01 * l2(weights)", lr=0.01, l2=0.01)
    check("lion", "lion(lr = 0.01, decay = 0.1)", lion, lr=0.01, wd=0.1)
    check("lamb", "lamb(lr = 0.05, decay = 0.1, accumulate = 2)", lamb, lr=0.05, wd=0.1, accumulate=2)
    check("lasso", "sgd(lr = 0.1)", sgd, loss=' + 0.01 * l1("a.*")', lr=0.1, l1=0.01)
    check("warm", "sgd(lr = constant(0.3, warmup = 4))", sgd, lr=0.3, rate=lambda step: 0.3 * min(1, step / 4))


if __name__ == "__main__":
    sys.exit(main())
