"""mixup.py - how samples are mixed, seen by a network that gives back what it is given.

Sample i is the i-th unit vector and the network's matrix the identity, so a step's metrics tell its share and how many samples met
themselves, and the loss must be share**2 + (1 - share)**2 on all others. Shares follow Beta(alpha, alpha).
"""

import json
import pathlib
import subprocess

import numpy as np

N, STEPS = 6, 3000

NET = """use std
layer picked(s: f32[N, C], label: int[N]) -> f32 { mean(squeeze(nn.gather_elements(s, label[:, None], axis = -1), -1)) }
layer squares(s: f32[N, C]) -> f32 { mean(sum(s * s, over = 1)) }
layer uneven(s: f32[N, C]) -> f32 { max(abs(sum(s, over = 0) - 1)) }
layer alone(s: f32[N, C]) -> f32 { mean(f32(max(s, over = 1) > 0.99999)) }
"""
ONE = """net net(x: f32[N, 6]) -> f32[N, 6] {
  param w: f32[6, 6] = identity
  x @ w
}
train net {
  data    (x, y) from npz("data.npz")
  augment x: mixup(ALPHA)
  batch   N = 6
  loss    picked(net(x), y)
  update  sgd(lr = 0)
  metric  picked(net(x), y), squares(net(x)), uneven(net(x)), alone(net(x))
  epochs  3000
  save    "w.safetensors"
}
"""
TWO = """net net(x: f32[N, 6], z: f32[N, 6]) -> f32[N, 6] {
  param w: f32[6, 6] = identity
  (0.5 * x + 0.5 * z) @ w
}
train net {
  data    (x, z, y) from npz("data.npz")
  augment x: mixup(0.4), z: mixup(0.4)
  batch   N = 6
  loss    picked(net(x, z), y)
  update  sgd(lr = 0.1)
  metric  picked(net(x, z), y), squares(net(x, z)), uneven(net(x, z)), alone(net(x, z))
  epochs  20
  save    "w.safetensors"
}
"""
# Classes that are balanced by weight: others bring the weights of their labels.
WEIGHED = """layer weighed(s: f32[N, D], label: int[N], weight: f32[N] = None) -> f32 {
  sum((s @ f32(range(D))) * weight) / sum(weight) + 0 * mean(f32(label))
}
layer weighed_twice(s: f32[N, C], weight: f32[N] = None) -> f32 {
  sum((s @ f32(range(C))) * (s[:, 0:N] @ weight)) / sum(weight)
}
net net(x: f32[N, 6]) -> f32[N, 6] {
  param w: f32[6, 6] = identity
  x @ w
}
train net {
  data    (x, label) from npz("data.npz")
  augment x: mixup(0.8)
  balance label by weight
  batch   N = 6
  loss    weighed(net(x), label)
  update  sgd(lr = 0)
  metric  weighed_twice(net(x))
  epochs  50
  save    "w.safetensors"
}
"""


def run(*words):
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, (words, done)
    return done.stdout


def steps(name, text, *options):
    pathlib.Path(f"{name}.nn").write_text(NET + text)
    run("burnish", f"{name}.nn", "--train", "-o", name)
    run(f"./{name}", "--log=log.jsonl", *options)
    lines = [json.loads(line) for line in pathlib.Path("log.jsonl").read_text().splitlines()]
    return [line["train"] for line in lines if "train" in line]


def check_steps(found):
    """The shares of steps whose loss and metrics agree."""
    shares = []
    for step in found:
        alone = step["alone"]
        # Where one of two samples is as good as nothing, all look alone.
        share = (step["picked"] - alone) / (1 - alone) if alone < 1 else float(step["picked"] > 0.99)
        both = share**2 + (1 - share) ** 2
        assert abs(step["loss"] - (alone + (1 - alone) * both)) < 3e-5, step
        assert abs(step["loss"] - step["squares"]) < 1e-5, step
        assert step["uneven"] < 1e-5, step
        shares.append(share)
    return np.array(shares)


def check_shares(alpha):
    found = steps("one", ONE.replace("ALPHA", str(alpha)))
    assert len(found) == STEPS, len(found)
    shares = check_steps(found)
    variance = 1 / (4 * (2 * alpha + 1))
    assert abs(shares.mean() - 0.5) < 4 * (variance / STEPS) ** 0.5, shares.mean()
    assert abs(shares.var() / variance - 1) < 0.1, (shares.var(), variance)
    # Kolmogorov's distance to a large sample of the distribution.
    reference = np.random.default_rng(1).beta(alpha, alpha, 200_000)
    places = np.linspace(0, 1, 1001)[1:-1]
    distance = np.abs((shares[:, None] <= places).mean(0) - (reference[:, None] <= places).mean(0)).max()
    assert distance < 1.63 / STEPS**0.5 + 0.003, distance
    alone = np.mean([step["alone"] for step, share in zip(found, shares) if 1e-3 < share < 0.999])
    assert abs(alone - 1 / N) < 0.02, alone
    print(f"alpha {alpha}: shares and permutations are right")


def main():
    eye = np.eye(N, dtype=np.float32)
    np.savez("data.npz", x=eye, z=eye, y=np.arange(N), label=[0, 0, 0, 1, 1, 2])
    for alpha in (0.2, 1, 4.0):
        check_shares(alpha)

    weights = []
    for options in (["--threads=1"], ["--threads=2"], ["--threads=1", "--seed=7"]):
        found = steps("two", TWO, *options)
        weights.append(pathlib.Path("w.safetensors").read_bytes())
    check_steps(steps("two", TWO, "--lr=0"))
    print("two columns: mixed the same way")
    found = steps("weighed", WEIGHED)
    assert all(abs(step["loss"] - step["weighed_twice"]) < 1e-5 for step in found), found
    assert len({round(step["loss"], 3) for step in found}) > 10, found
    print("weights: mixed with their labels")
    assert weights[0] == weights[1] and weights[0] != weights[2]
    print("threads: the same bits")


if __name__ == "__main__":
    main()
