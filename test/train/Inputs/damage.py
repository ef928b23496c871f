"""damage.py - turns single bits in checkpoints and weights, and cuts them off; each must be found.

usage: damage.py [--flips=N], in a folder of its own
"""

import json
import pathlib
import random
import struct
import subprocess
import sys

import numpy as np

NET = """use std
net n(x: f32[N, 4]) -> f32[N, 3] { x |> dense(8) as a |> dropout(0.1) |> tanh |> dense(3) as b }
train n {
  data (x, y) from npz("t.npz")
  split train 75%, val 25%
  batch N = 4, shuffle
  loss cross_entropy(n(x), y)
  update adamw(lr = 0.01), ema 0.9
  metric accuracy
  epochs 2
  save "w.safetensors"
}
"""
flips = int(next((word[8:] for word in sys.argv if word.startswith("--flips=")), 150))
rng = random.Random(7)


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=60)


def damage(what, good, path, command, flips, check=None):
    """Runs the command on the file `path` with one thing wrong each time."""
    whole = pathlib.Path(good).read_bytes()
    head = 8 + struct.unpack("<Q", whole[:8])[0] if good.endswith(".safetensors") else 112
    cuts = flips // 7 if check is None else 0
    for i in range(flips + cuts):
        bad = bytearray(whole)
        # Half of them where the file says what it is.
        place = rng.randrange(head if i % 2 else len(whole))
        if i < flips:
            bad[place] ^= 1 << rng.randrange(8)
        else:
            bad = bad[: place if i % 3 else len(whole) - 1]
        pathlib.Path(path).write_bytes(bad)
        done = run(*command)
        if check:
            check(done)
        else:
            assert done.returncode == 1 and path + ": " in done.stderr and done.stderr.count("error: ") <= 1, (what, i, place, done)
    print(f"{what}: {flips} turned, " + ("no crash" if check else f"{cuts} cut off, all found"))


pathlib.Path("n.nn").write_text(NET)
assert run("burnish", "n.nn", "--train", "-o", "n").returncode == 0
generator = np.random.default_rng(1)
np.savez("t.npz", x=generator.standard_normal((40, 4)).astype("f4"), y=np.arange(40) % 3)
assert run("./n", "--threads=1").returncode == 0
damage("checkpoint", "w.checkpoint", "c.checkpoint", ["./n", "--threads=1", "--resume", "--epochs=3", "-o", "c.safetensors"], flips)
damage("weights to begin with", "w.safetensors", "bad.safetensors", ["./n", "--threads=1", "--steps=1", "--init=bad.safetensors", "-o", "c.safetensors"], flips)
compile = ["burnish", "n.nn", "--weights-from=bad.safetensors", "--dim", "N=1", "--emit=nn", "-o", "n.mlir"]
pathlib.Path("wide.nn").write_text("use std\nnet wide(x: f32[1, 40]) -> f32[1, 50] { x |> dense(50) as a }\n")
assert run("burnish", "wide.nn", "--emit=dsl", "-o", "printed.nn").returncode == 0
damage("weights to compile", "w.safetensors", "bad.safetensors", compile, flips // 5)
pathlib.Path("good.safetensors").write_bytes(pathlib.Path("printed.safetensors").read_bytes())
damage("printed weights", "good.safetensors", "printed.safetensors", ["burnish", "printed.nn", "--emit=nn", "-o", "p.mlir"], flips // 5)


# Without checksums a weight may be another number, but header, sizes and what is no number are told.
whole = pathlib.Path("w.safetensors").read_bytes()
length = struct.unpack("<Q", whole[:8])[0]
head = json.loads(whole[8 : 8 + length])
assert head.pop("__metadata__")["burnish.checksum"]
bare = json.dumps(head).encode()
pathlib.Path("o.safetensors").write_bytes(struct.pack("<Q", len(bare)) + bare + whole[8 + length :])


def told(done):
    assert done.returncode == 0 or (done.returncode == 1 and ("bad.safetensors: " in done.stderr or "the loss is" in done.stderr)), done


damage("weights of others", "o.safetensors", "bad.safetensors", ["./n", "--threads=1", "--steps=1", "--init=bad.safetensors", "-o", "c.safetensors"], flips, told)
for bits, error in ((0x7FC00000, "NaN"), (0xFF800000, "-infinity")):
    bad = pathlib.Path("o.safetensors").read_bytes()[:-4] + struct.pack("<I", bits)
    pathlib.Path("bad.safetensors").write_bytes(bad)
    last = max(head, key=lambda name: head[name]["data_offsets"][1])
    done = run("./n", "--init=bad.safetensors", "-o", "c.safetensors")
    assert done.returncode == 1 and done.stderr == f"n: bad.safetensors: '{last}': element {np.prod(head[last]['shape']) - 1} is {error}\n", done
