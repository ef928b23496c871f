"""recompute.py - gradients with what they need computed again instead of kept, beside those of the same network as it is."""

import pathlib
import re
import subprocess
import sys
import tempfile

import numpy as np

# A network as the file's text; what stands in <> is left out in the other one.
NETS = {
    "mlp": """net mlp(x: f32[N, 24], y: i64[N]) -> f32 {
      x |> repeat 4 { dense(40) |> tanh |> dense(24) |> gelu } as blocks <@checkpoint> |> dense(5) as head |> cross_entropy(_, y)
    }""",
    "encoder": """net encoder_net(x: f32[N, 12, 16], y: i64[N]) -> f32 {
      let h = x |> repeat 3 { encoder(2, 32, p = 0.0) } as layers <@checkpoint>
      mean(h, over = 1) |> dense(5) as head |> cross_entropy(_, y)
    }""",
    "images": """layer block(x: f32[N, C, H, W]) -> f32[N, C, H, W] {
      relu(x + (x |> conv(C, 3, pad = 1) as c1 |> batchnorm as n1 |> relu |> conv(C, 3, pad = 1) as c2 |> groupnorm(2) as n2))
    }
    net images(x: f32[N, 3, 9, 9], y: i64[N]) -> f32 {
      x |> conv(8, 3, pad = 1) as stem |> relu |> block as a <@checkpoint> |> maxpool(2) |> block as b <@checkpoint> |> block as c <@checkpoint>
      |> global_avgpool |> dense(5) as head |> cross_entropy(_, y)
    }""",
    "steps": """net steps(x: f32[N, 10, 8], y: i64[N]) -> f32 {
      let h = x |> lstm(16) as first <@checkpoint> |> gru(16) as second <@checkpoint> |> dense(16) as d |> tanh <@checkpoint>
      h[:, -1] |> dense(5) as head |> cross_entropy(_, y)
    }""",
    "tuple": """layer both(x: f32[N, D]) -> (f32[N, D], f32[N, D]) {
      let h = x |> dense(4*D) as up |> tanh
      (h |> dense(D) as left |> sigmoid, h |> dense(D) as right |> gelu)
    }
    net tuple(x: f32[N, 24], y: i64[N]) -> f32 {
      let (a, b) = x |> both as one <@checkpoint>
      let (c, d) = a * b |> both as two <@checkpoint>
      (c + d, a - b) |> each dense(5) <@checkpoint> |> sums as sums |> cross_entropy(_, y)
    }
    layer sums(p: (f32[N, C], f32[N, C])) -> f32[N, C] {
      let (a, b) = p
      a + b
    }""",
    "inner": """net inner(x: f32[N, 24], y: i64[N]) -> f32 {
      x |> repeat 3 { repeat 3 { dense(40) |> tanh |> dense(24) |> gelu } as times <@checkpoint> } as blocks <@checkpoint>
      |> dense(5) as head |> cross_entropy(_, y)
    }""",
}
SHAPES = {"encoder": (64, 12, 16), "images": (8, 3, 9, 9), "steps": (32, 10, 8)}
DROPOUT = """use std
net drops(x: f32[N, 24]) -> f32[N, 5] {
  x |> repeat 4 { dense(64) |> gelu |> dropout(0.3) |> dense(24) } as blocks <@checkpoint> |> dense(5) as head
}
train drops {
  data    (x, y) from npz("batch.npz")
  batch   N = 32, shuffle
  loss    cross_entropy(drops(x), y)
  update  adam(lr = 1e-2)
  epochs  2
  save    "drops.safetensors"
}
"""


def variants(text):
    return {"kept": re.sub("<[^<>]*@[^<>]*>", "", text), "again": re.sub("<([^<>]*@[^<>]*)>", r"\1", text)}


def run(folder, *words):
    subprocess.run([str(word) for word in words], cwd=folder, check=True, stdout=subprocess.DEVNULL)


def workspace(folder, name):
    return int(re.search(r"WORKSPACE_BYTES (\d+)", (folder / f"{name}.h").read_text())[1])


def compile_gradient(folder, name, *words):
    """The results, and the bytes of the workspace."""
    run(folder, "burnish", f"{name}.nn", "--gradient=output", "--wrt=*", "--dim=N=%d" % np.load(folder / "in.npz")["x"].shape[0], *words, "-o", name)
    run(folder, f"./{name}", "in.npz", "-o", "out.npz")
    signature = subprocess.run([f"./{name}", "--signature"], cwd=folder, check=True, capture_output=True, text=True).stdout
    return dict(np.load(folder / "out.npz")), int(re.search(r'"workspace_bytes": (\d+)', signature)[1])


def difference(a, b):
    assert a.keys() == b.keys()
    most = max(np.abs(value).max() for key, value in a.items() if key != "output")
    return max(np.abs(a[key] - b[key]).max() / (abs(a[key]) if key == "output" else most) for key in a)


def report(name, bits, error, before, after):
    isRight = bits and error <= 1e-6 and after < before
    print(f"{name}: " + ("-O0 the same bits" if bits else "-O0 OTHER BITS") + (", -O2 within 1e-6" if error <= 1e-6 else f", -O2 {error:.1e}"), end="")
    print(", less memory" if after < before else ", NO LESS MEMORY", f"({before} and {after} bytes, {error:.1e})", flush=True)
    return isRight


def inputs(folder, name):
    random = np.random.default_rng(1)
    shape = SHAPES.get(name, (64, 24))
    np.savez(folder / "in.npz", x=random.standard_normal(shape).astype("f4"), y=random.integers(0, 5, shape[0]))


def gradients(folder, name, text):
    inputs(folder, name)
    for variant, body in variants("use std\n" + text).items():
        (folder / f"{variant}.nn").write_text(body)
    found = {(variant, level): compile_gradient(folder, variant, level) for variant in ("kept", "again") for level in ("-O0", "-O2")}
    plain, again = found["kept", "-O0"][0], found["again", "-O0"][0]
    bits = all(plain[key].tobytes() == again[key].tobytes() for key in plain)
    error = difference(found["kept", "-O2"][0], found["again", "-O2"][0])
    return report(name, bits, error, found["kept", "-O2"][1], found["again", "-O2"][1])


def weights(path):
    data = path.read_bytes()
    return data[8 + int.from_bytes(data[:8], "little") :]


def dropout(folder):
    """Trained weights: masks that were drawn again otherwise would change them."""
    random = np.random.default_rng(1)
    np.savez(folder / "batch.npz", x=random.standard_normal((96, 24)).astype("f4"), y=random.integers(0, 5, 96))
    found, bytes = {}, {}
    for variant, body in variants(DROPOUT).items():
        (folder / f"{variant}.nn").write_text(body)
        run(folder, "burnish", f"{variant}.nn", "--train", "-O0", "-o", "train")
        run(folder, "./train")
        found[variant] = weights(folder / "drops.safetensors")
        run(folder, "burnish", f"{variant}.nn", "--train", "-c", "-o", "object.o")
        bytes[variant] = workspace(folder, "object")
    isRight = found["kept"] == found["again"] and bytes["again"] < bytes["kept"]
    print("dropout: -O0 the same bits, less memory" if isRight else "dropout: WRONG", bytes)
    return isRight


def deep(folder):
    """What a block costs more: all of its values, its input, or nothing but in one of four."""
    inputs(folder, "deep")

    def bytes(blocks, text):
        (folder / "deep.nn").write_text("use std\nnet deep(x: f32[N, 24], y: i64[N]) -> f32 {\n  x |> " + text + " |> dense(5) as head |> cross_entropy(_, y)\n}\n")
        return compile_gradient(folder, "deep")[1]

    block = "{ linear(24) |> tanh |> linear(24) |> gelu }"
    kept = (bytes(16, f"repeat 16 {block}") - bytes(8, f"repeat 8 {block}")) / 8
    again = (bytes(16, f"repeat 16 {block} @checkpoint") - bytes(8, f"repeat 8 {block} @checkpoint")) / 8
    nested = (bytes(16, f"repeat 4 {{ repeat 4 {block} @checkpoint }} @checkpoint") - bytes(8, f"repeat 2 {{ repeat 4 {block} @checkpoint }} @checkpoint")) / 8
    # Gradients of weights are results. A value is 64x24 floats.
    value = 64 * 24 * 4
    isRight = again <= 1.1 * value < 2 * value < kept and nested <= 0.3 * value
    print("deep: 16 blocks keep their inputs, 4 by 4 those of every fourth" if isRight else "deep: WRONG", f"({kept / value:.2f}, {again / value:.2f}, {nested / value:.2f} values a block)")
    return isRight


def memory(folder):
    inputs(folder, "encoder")
    (folder / "kept.nn").write_text(variants("use std\n" + NETS["encoder"])["kept"])
    expected, most = compile_gradient(folder, "kept")
    marks, isRight = [], True
    for share in (0.85, 0.55):
        limit = int(share * most)
        found, bytes = compile_gradient(folder, "kept", f"--memory={limit}")
        text = subprocess.run(["burnish", "kept.nn", "--gradient=output", "--wrt=*", "--dim=N=64", f"--memory={limit}", "--emit=nn", "-o", "-"], cwd=folder, check=True, capture_output=True, text=True).stdout
        marks.append(text.count("nn.barrier"))
        isRight &= bytes <= limit and difference(expected, found) <= 1e-6
    isRight &= 0 < marks[0] < marks[1]
    print("memory: less recomputed where more is allowed" if isRight else "memory: WRONG", marks)
    return isRight


def main():
    isRight = True
    with tempfile.TemporaryDirectory() as work:
        folder = pathlib.Path(work)
        for name, text in NETS.items():
            if not sys.argv[1:] or name in sys.argv[1:]:
                isRight &= gradients(folder, name, text)
        for check in (dropout, deep, memory):
            if not sys.argv[1:] or check.__name__ in sys.argv[1:]:
                isRight &= check(folder)
    print("all agree" if isRight else "not all agree")
    return not isRight


if __name__ == "__main__":
    sys.exit(main())
