"""sequences.py - a network that reads sequences learns from labels that nobody aligned with the steps."""

import pathlib
import subprocess

import numpy as np

NET = """use std
net read(x: f32[N, 12, 4]) -> f32[N, 12, 6] { x |> dense(16) as h |> tanh |> dense(6) as out }
train read {
  data   (x, y) from npz("sequences.npz")
  split  train 80%, val 20%
  batch  N = 8, S = 4, shuffle
  loss   ctc(read(x), y)
  update adam(lr = 0.01)
  epochs 15
  save   "read.safetensors"
}
"""


def run(*words):
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, (words, done)
    return done.stdout


def main():
    generator = np.random.default_rng(1)
    signs = generator.standard_normal((5, 4)) * 2
    x, y = np.zeros((240, 12, 4), np.float32), np.full((240, 4), -1)
    for steps, labels in zip(x, y):
        labels[: generator.integers(1, 5)] = 1
        labels[labels > 0] = generator.integers(1, 6, (labels > 0).sum())
        at = 0
        for label in labels[labels > 0]:
            long = generator.integers(1, 3)
            steps[at : at + long] = signs[label - 1]
            at += long + 1
    x += 0.1 * generator.standard_normal(x.shape).astype(np.float32)
    np.savez("sequences.npz", x=x, y=y)
    pathlib.Path("read.nn").write_text(NET)
    run("burnish", "read.nn", "--train", "-o", "read-train")
    said = run("./read-train")
    loss = float(said.split("val loss ")[-1].split()[0].rstrip(",;"))
    assert loss < 0.05, said
    print("ctc: learns")

    run("burnish", "read.nn", "--weights-from=read.safetensors", "--dim", "N=240", "-o", "read")
    np.savez("in.npz", x=x)
    run("./read", "in.npz", "-o", "out.npz")
    best = list(np.load("out.npz").values())[0].argmax(2)
    right = 0
    for row, labels in zip(best, y):
        heard = [label for label, before in zip(row, [0, *row[:-1]]) if label not in (0, before)]
        right += heard == list(labels[labels > 0])
    assert right >= 0.95 * len(y), right
    print("use: the network reads sequences")


if __name__ == "__main__":
    main()
