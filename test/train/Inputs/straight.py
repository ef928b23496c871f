"""straight.py - a network of weights that are -1 or 1, which learns through a derivative of its own, and not without it."""

import pathlib
import subprocess

import numpy as np

NET = """use std
layer binary(w: f32[...]) -> f32[...] { where(w >= 0, 1.0, -1.0) }
{rule}
layer binary_dense(out)(x: f32[N, I]) -> f32[N, out] {
  param w: f32[I, out] = uniform(-0.5, 0.5)
  x @ binary(w)
}
net signs(x: f32[N, 8]) -> f32[N, 3] { x |> binary_dense(3) as d }
train signs {
  data   (x, y) from npz("signs.npz")
  batch  N = 16, shuffle
  loss   mse(signs(x), y)
  update adam(lr = 0.02)
  epochs 20
  save   "signs.safetensors"
}
"""
RULE = "derivative of binary(w)(grad) { where(abs(w) <= 1, grad, 0) }"


def loss_of(name, rule):
    pathlib.Path(f"{name}.nn").write_text(NET.replace("{rule}", rule))
    subprocess.run(["burnish", f"{name}.nn", "--train", "-o", name], check=True)
    said = subprocess.run([f"./{name}"], check=True, capture_output=True, text=True).stdout
    return float(said.split("train loss ")[-1].split()[0].rstrip(",;"))


def main():
    generator = np.random.default_rng(3)
    x = generator.standard_normal((160, 8)).astype(np.float32)
    np.savez("signs.npz", x=x, y=x @ np.sign(generator.standard_normal((8, 3))).astype(np.float32))
    flat, straight = loss_of("flat", ""), loss_of("straight", RULE)
    assert straight < 1e-8 < 1 < flat, (straight, flat)
    print("straight through: learns")


if __name__ == "__main__":
    main()
