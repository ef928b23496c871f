"""lora.py - matrices trained through factors of a small rank, beside the same steps in float64."""

import pathlib
import subprocess

import numpy as np
from models import cross_entropy, helper, mlp, model, read, run, samples, train

BATCH, STEPS, RATE = 8, 5, 0.1


def formula(weight, bias, first, x, y, is_turned, scale):
    """Weights after some steps of gradient descent on the mean squared error, by the factors alone, and the bias."""
    w, b, left, right = weight.astype(np.float64), bias.astype(np.float64), first.astype(np.float64), np.zeros((2, weight.shape[1]))
    for _ in range(STEPS):
        whole = w + scale * left @ right
        change = 2 * (x @ (whole.T if is_turned else whole) + b - y) / y.size
        slope = x.T @ change
        slope = slope.T if is_turned else slope
        left, right, b = left - RATE * scale * slope @ right.T, right - RATE * scale * left.T @ slope, b - RATE * change.sum(0)
    return w + scale * left @ right, b


def check_formula(generator, name, is_turned):
    shape = (3, 6) if is_turned else (6, 3)
    arrays = {"w": generator.standard_normal(shape).astype("f4"), "b": generator.standard_normal(3).astype("f4")}
    node = helper.make_node("Gemm", ["x", "w", "b"], ["y"], transB=int(is_turned))
    model(f"{name}.onnx", [node], [("x", ["N", 6])], [("y", ["N", 3])], arrays)
    x, y = generator.standard_normal((BATCH, 6)), generator.standard_normal((BATCH, 3))
    np.savez(f"{name}.npz", x=x.astype("f4"), y=y.astype("f4"))
    text = f"""use std
train {name} {{
  lora   2 on "w", alpha 3
  data   (x, y) from npz("{name}.npz")
  batch  N = {BATCH}
  loss   mse({name}(x), y)
  update sgd(lr = {RATE})
}}
"""
    pathlib.Path(f"{name}.nn").write_text(text)
    run("burnish", f"{name}.onnx", f"--train={name}.nn", "-o", name)
    # No step has changed the first factor where the rate is 0.
    run(f"./{name}", "--steps=1", "--lr=0", "-o", "none.safetensors", "--adapters=first.safetensors")
    assert (read("none.safetensors")["w"] == arrays["w"]).all()
    first = read("first.safetensors")["w.lora_a"]
    assert first.shape == (shape[0], 2) and first.std() > 0
    run(f"./{name}", f"--steps={STEPS}", "--epochs=99", "-o", f"{name}.safetensors", "--adapters=factors.safetensors")
    trained, factors = read(f"{name}.safetensors"), read("factors.safetensors")
    w, b = formula(arrays["w"], arrays["b"], first, x.astype("f4"), y.astype("f4"), is_turned, 1.5)
    assert sorted(trained) == ["b", "w"] and sorted(factors) == ["w.lora_a", "w.lora_b"]
    assert np.abs(trained["w"] - w).max() < 2e-6 and np.abs(trained["b"] - b).max() < 2e-6
    assert np.abs(arrays["w"] + 1.5 * factors["w.lora_a"] @ factors["w.lora_b"] - trained["w"]).max() < 1e-6
    print(f"{name}: right")


NET = """use std
layer cell(h)(x: f32[N, T, I]) -> f32[N, h] {
  param wx: f32[I, h] = glorot
  param wh: f32[h, h] = orthogonal
  scan t in T with (s = zeros[N, h]) { s <- tanh(x[:, t] @ wx + s @ wh) }
}
net steps(x: f32[N, 4, 6]) -> f32[N, 3] { x |> cell(8) as body |> dense(3) as head }
train steps {
  data   (x, y) from npz("steps.npz")
  batch  N = 8
  loss   mse(steps(x), y)%s
  update %s
  %s
  epochs 1
}
"""


def check_net(generator):
    """One step from 0: the sum of both changes by scale^2 A A^T times what the whole matrix would have changed by. In the
    body of a scan, and where a penalty uses the matrix as well."""
    np.savez("steps.npz", x=generator.standard_normal((8, 4, 6)).astype("f4"), y=generator.standard_normal((8, 3)).astype("f4"))
    results = {}
    for name, more in (("whole", ""), ("factors", 'lora 3 on "body.*", 2 on "head.w", alpha 6')):
        pathlib.Path(f"{name}.nn").write_text(NET % (' + 0.01 * l2("*.w*")', "sgd(lr = 0.1)", more))
        run("burnish", f"{name}.nn", "--train", "-o", name)
        adapters = ["--adapters=adapters.safetensors"] if more else []
        run(f"./{name}", "--lr=0", "-o", "before.safetensors")
        run(f"./{name}", "-o", f"{name}.safetensors", *adapters)
        results[name] = read(f"{name}.safetensors")
    before, factors = read("before.safetensors"), read("adapters.safetensors")
    assert sorted(before) == sorted(results["factors"]) == ["steps.body.wh", "steps.body.wx", "steps.head.b", "steps.head.w"]
    for key, rank in (("steps.body.wx", 3), ("steps.body.wh", 3), ("steps.head.w", 2)):
        left = factors[f"{key}.lora_a"].astype(np.float64)
        assert left.shape[1] == rank
        wanted = (6 / rank) ** 2 * left @ left.T @ (results["whole"][key].astype(np.float64) - before[key])
        assert np.abs(results["factors"][key] - before[key] - wanted).max() < 1e-6, key
    assert np.abs(results["factors"]["steps.head.b"] - results["whole"]["steps.head.b"]).max() < 1e-6
    run("burnish", "factors.nn", "--weights-from=factors.safetensors", "-o", "use")
    print("steps: right in scans, too")


DEEP = """use std
net deep(x: f32[N, 6]) -> f32[N, 3] {
  x |> dense(6) as first |> repeat 2 { dense(6) as inner |> tanh } as body%s |> dense(3) as head
}
train deep {
  lora   2 on "body.*.w"
  data   (x, y) from npz("straight.npz")
  batch  N = 8
  loss   mse(deep(x), y)
  update sgd(lr = 0.1)
  epochs 3
}
"""


def check_again():
    """With what is computed again for the gradients."""
    for name, mark in (("kept", ""), ("again", " @checkpoint")):
        pathlib.Path(f"{name}.nn").write_text(DEEP % mark)
        run("burnish", f"{name}.nn", "--train", "-o", name)
        run(f"./{name}", "-o", f"{name}.safetensors")
    kept, again = read("kept.safetensors"), read("again.safetensors")
    assert sorted(kept) == sorted(again) and all(np.abs(kept[key] - again[key]).max() < 1e-6 for key in kept)
    print("deep: the same when it is computed again")


def check_run(generator):
    data = samples(generator)
    for part, chosen in {"train": slice(0, 64), "val": slice(64, None)}.items():
        np.savez(f"{part}.npz", x=data["x"][chosen], kind=data["kind"][chosen])
    weights = mlp(generator)
    text = """use std
train mlp {
  lora   2 on "fc*", alpha 4
  data   (x, kind) from npz("train.npz")
  split  val (x, kind) from npz("val.npz")
  batch  N = 8, shuffle
  loss   cross_entropy(mlp(x), kind)
  update adamw(lr = 0.02), ema 0.5
  metric accuracy
  epochs 6
}
"""
    pathlib.Path("mlp.nn").write_text(text)
    run("burnish", "mlp.onnx", "--train=mlp.nn", "-o", "mlp")
    epochs, trained = train("mlp", "--adapters=adapters.safetensors")
    factors = read("adapters.safetensors")
    assert epochs[-1]["train"]["loss"] < 0.5 * epochs[0]["train"]["loss"] and epochs[-1]["val"]["accuracy"] > 0.9
    for key in ("fc1.weight", "fc2.weight"):
        whole = weights[key] + 2 * factors[f"{key}.lora_a"] @ factors[f"{key}.lora_b"]
        assert np.abs(trained[key] - whole).max() < 1e-6 and np.abs(trained[key] - weights[key]).max() > 1e-2
    assert all((trained[key] == weights[key]).all() for key in ("fc1.bias", "fc2.bias"))
    print("mlp: learns, and nothing else changes")

    run("burnish", "mlp.onnx", "--weights-from=mlp.safetensors", "-o", "mlp_use")
    np.savez("in.npz", **{"input.1": np.load("val.npz")["x"]})
    run("./mlp_use", "in.npz", "-o", "out.npz")
    loss = cross_entropy(np.load("out.npz")["scores"], np.load("val.npz")["kind"])
    assert abs(loss - epochs[-1]["val"]["loss"]) < 1e-6
    print("mlp: in use the loss of its validation")

    run("./mlp", "--threads=2", "-o", "two.safetensors")
    run("./mlp", "--steps=24", "-o", "part.safetensors")
    run("./mlp", "--resume", "-o", "part.safetensors")
    wanted = pathlib.Path("mlp.safetensors").read_bytes()
    assert pathlib.Path("two.safetensors").read_bytes() == wanted and pathlib.Path("part.safetensors").read_bytes() == wanted
    print("mlp: the same bits on two threads, and after a break")

    # From the sum, the factors begin at 0 again: the first loss of validation is the last of before.
    again, _ = train("mlp", "--init=mlp.safetensors", "--lr=0", "--decay=0", "--epochs=1", "--seed=7")
    assert abs(again[0]["val"]["loss"] - epochs[-1]["val"]["loss"]) < 1e-6
    refused = subprocess.run(["./whole", "-o", "a.safetensors", "--adapters=b.safetensors"], capture_output=True, text=True)
    assert refused.returncode and "the recipe has no lora" in refused.stderr, refused
    print("mlp: goes on from the sum")


def main():
    generator = np.random.default_rng(11)
    check_formula(generator, "straight", False)
    check_formula(generator, "turned", True)
    check_net(generator)
    check_again()
    check_run(generator)


if __name__ == "__main__":
    main()
