"""program.py - a program that trains, from a table to a network in use."""

import pathlib
import subprocess

import numpy as np

NET = """use std
net kinds(size: f32[N, 4]) -> f32[N, 3] { size |> dense(16) as hidden |> dropout(0.1) |> tanh |> dense(3) as kind }
train kinds {
  data   (size, kind) from csv("kinds.csv")
  split  train 80%, val 20%, stratified by kind
  batch  N = 8, shuffle
  loss   cross_entropy(kinds(size), kind) + 1e-4 * l2(weights)
  update adamw(lr = cosine(0.02, warmup = 10), decay = 0.01), clip 1.0
  metric accuracy, confusion
  epochs 12
  save   "kinds.safetensors"
}
"""


def run(*words):
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.returncode == 0, (words, done)
    return done.stdout


def main():
    generator = np.random.default_rng(5)
    centres = generator.standard_normal((3, 4)) * 2
    labels = np.arange(150) % 3
    rows = centres[labels] + generator.standard_normal((150, 4)) * 0.7
    lines = [",".join([*(f"{value:.4f}" for value in row), "abc"[label]]) for row, label in zip(rows, labels)]
    pathlib.Path("kinds.csv").write_text("\n".join(["p,q,r,s,kind", *lines]) + "\n")
    pathlib.Path("kinds.nn").write_text(NET)
    run("burnish", "kinds.nn", "--train", "-o", "kinds-train")

    said = run("./kinds-train", "--threads=1")
    assert "120 samples to train with, 30 to validate with" in said, said
    accuracy = float(said.split("val loss")[-1].split("accuracy ")[1].split()[0])
    assert accuracy >= 0.9, said
    weights = pathlib.Path("kinds.safetensors").read_bytes()
    print("learns: accuracy of at least 0.9")

    run("./kinds-train", "--threads=2")
    assert pathlib.Path("kinds.safetensors").read_bytes() == weights
    print("threads: the same bits")

    run("./kinds-train", "--epochs=12", "--steps=100", "-o", "part.safetensors")
    run("./kinds-train", "--epochs=12", "--resume", "-o", "part.safetensors")
    print("resume: goes on")

    run("burnish", "kinds.nn", "--weights-from=kinds.safetensors", "--dim", "N=150", "-o", "kinds")
    table = np.array([[float(f"{value:.4f}") for value in row] for row in rows], np.float32)
    np.savez("in.npz", size=table)
    run("./kinds", "in.npz", "-o", "out.npz")
    scores = list(np.load("out.npz").values())[0]
    assert (scores.argmax(1) == labels).mean() >= 0.9
    print("use: the trained network tells the kinds")


if __name__ == "__main__":
    main()
