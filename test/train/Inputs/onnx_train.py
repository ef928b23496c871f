"""onnx_train.py - trains models of ONNX, beside the same networks in the language from the same weights."""

import pathlib

import numpy as np
from models import cross_entropy, helper, images, mlp, model, read, run, samples, train, write

# Batch norm by the means and variances that it has, and by those of its batch.
HELD = """layer held(x: f32[N, C, H, W]) -> f32[N, C, H, W] {
  param scale: f32[C] = ones
  param bias:  f32[C] = zeros
  state mean:  f32[C] = zeros
  state var:   f32[C] = ones
  (x - mean[:, 1, 1]) / sqrt(var[:, 1, 1] + 1e-5) * scale[:, 1, 1] + bias[:, 1, 1]
}
"""
MLP = "net mlp(x: f32[N, 6]) -> f32[N, 3] { x |> dense(16) as first |> tanh |> dense(3) as second }\n"
IMAGES = """net images(image: f32[N, 2, 6, 6]) -> f32[N, 3] {
  image |> conv(4, 3, pad = 1) as c |> %s as n |> relu |> maxpool(2) |> flatten |> dense(3) as out
}
"""


def same(array):
    return array


def turned(array):
    return np.ascontiguousarray(array.T)


MLP_PATHS = {
    "fc1.weight": ("mlp.first.w", same),
    "fc1.bias": ("mlp.first.b", same),
    "fc2.weight": ("mlp.second.w", turned),
    "fc2.bias": ("mlp.second.b", same),
}
IMAGES_PATHS = {
    "conv.w": ("images.c.w", same),
    "conv.b": ("images.c.b", same),
    "norm.scale": ("images.n.scale", same),
    "norm.bias": ("images.n.bias", same),
    "norm.mean": ("images.n.mean", same),
    "norm.var": ("images.n.var", same),
    "out.w": ("images.out.w", same),
    "out.b": ("images.out.b", same),
}


def recipe(net, column, update, more=""):
    return f"""train {net} {{
  {more}
  data   ({column}, kind) from npz("train.npz")
  split  val ({column}, kind) from npz("val.npz")
  batch  N = 8, shuffle
  loss   cross_entropy({net}({column}), kind)
  update {update}
  metric accuracy
  epochs 4
}}
"""


def compile_model(name, path, text):
    pathlib.Path(f"{name}.recipe.nn").write_text("use std\n" + text)
    run("burnish", path, f"--train={name}.recipe.nn", "-o", name)


def compile_net(name, text):
    pathlib.Path(f"{name}.nn").write_text("use std\n" + text)
    run("burnish", f"{name}.nn", "--train", "-o", name)


def losses(epochs):
    return np.array([[epoch["train"]["loss"], epoch["val"]["loss"]] for epoch in epochs])


def compare(name, path, weights, paths, text, update, net, column):
    """Trains a model and the network that is the same: `paths` has for each initialiser its param, and how the one becomes the
    other."""
    compile_model(name, path, recipe(net, column, update))
    compile_net(f"{name}_net", text + recipe(net, column, update))
    write("first.safetensors", {param: turn(weights[key]) for key, (param, turn) in paths.items()})
    epochs, trained = train(name)
    others, wanted = train(f"{name}_net", "--init=first.safetensors")
    assert sorted(trained) == sorted(paths), sorted(trained)
    assert len(epochs) == 4 and losses(epochs)[-1, 0] < losses(epochs)[0, 0]
    assert np.abs(losses(epochs) / losses(others) - 1).max() < 1e-5, (losses(epochs), losses(others))
    for key, (param, turn) in paths.items():
        assert np.abs(turn(trained[key]) - wanted[param]).max() < 1e-5, key
    print(f"{name}: the losses and weights of the network")
    return epochs, trained


def use(name, path, weights, column, epochs, data):
    """The model with the trained weights, compiled for use."""
    run("burnish", path, f"--weights-from={weights}", "-o", f"{name}_use")
    given = "input.1" if column == "x" else column
    np.savez("in.npz", **{given: data[column]})
    run(f"./{name}_use", "in.npz", "-o", "out.npz")
    loss = cross_entropy(np.load("out.npz")["scores"], data["kind"])
    assert abs(loss / epochs[-1]["val"]["loss"] - 1) < 1e-5, (loss, epochs[-1])
    print(f"{name}: in use the loss of its validation")


def main():
    generator = np.random.default_rng(3)
    data = samples(generator)
    parts = {"train": slice(0, 64), "val": slice(64, None)}
    for part, chosen in parts.items():
        np.savez(f"{part}.npz", **{key: value[chosen] for key, value in data.items()})
    val = np.load("val.npz")

    weights = mlp(generator)
    epochs, trained = compare("mlp", "mlp.onnx", weights, MLP_PATHS, MLP, "adam(lr = 0.01)", "mlp", "x")
    use("mlp", "mlp.onnx", "mlp.safetensors", "x", epochs, val)
    run("./mlp", "--threads=2", "-o", "two.safetensors")
    assert pathlib.Path("two.safetensors").read_bytes() == pathlib.Path("mlp.safetensors").read_bytes()
    print("mlp: the same bits on two threads")

    # A net that imports the model is the same training, under other paths and any name.
    wrapped = 'import onnx "mlp.onnx" as base\nnet mlp(x: f32[N, 6]) -> f32[N, 3] { base(x) }\n'
    compile_net("wrapped", wrapped + recipe("mlp", "x", "adam(lr = 0.01)"))
    _, others = train("wrapped")
    assert all((others[f"base.{key}"] == trained[key]).all() for key in trained)
    compile_model("other", "mlp.onnx", recipe("any_name", "x", "adam(lr = 0.01)"))
    _, others = train("other")
    assert all((others[key] == trained[key]).all() for key in trained)
    print("wrapped: the same bits")

    weights = images(generator, "held.onnx")
    text = HELD + IMAGES % "held"
    epochs, trained = compare("held", "held.onnx", weights, IMAGES_PATHS, text, "sgd(lr = 0.05)", "images", "image")
    assert all((trained[key] == weights[key]).all() for key in ("norm.mean", "norm.var"))
    use("held", "held.onnx", "held.safetensors", "image", epochs, val)
    weights = images(generator, "live.onnx", training_mode=1, momentum=0.9)
    text = IMAGES % "batchnorm"
    _, trained = compare("live", "live.onnx", weights, IMAGES_PATHS, text, "sgd(lr = 0.05)", "images", "image")
    assert not (trained["norm.mean"] == weights["norm.mean"]).any()

    # What was learnt before stays, and a new head learns.
    compile_model("transfer", "held.onnx", recipe("images", "image", "adam(lr = 0.02)", 'freeze "conv.*", "norm.*"'))
    weights = {key: value for key, value in images(generator, "held.onnx").items()}
    write("new_head.safetensors", {**weights, "out.w": np.zeros((36, 3), "f4")})
    epochs, trained = train("transfer", "--init=new_head.safetensors")
    assert all((trained[key] == weights[key]).all() == (not key.startswith("out.")) for key in weights)
    assert epochs[-1]["train"]["loss"] < epochs[0]["train"]["loss"]
    print("transfer: only the head changes")

    # Two inputs and two outputs, one of them of a fixed number; a dim that the recipe names.
    nodes = [
        helper.make_node("MatMul", ["a", "w"], ["b"]),
        helper.make_node("Add", ["b", "c"], ["first"]),
        helper.make_node("ReduceSum", ["first", "axes"], ["second"], keepdims=0),
    ]
    arrays = {"w": generator.standard_normal((6, 3)).astype("f4"), "axes": np.array([2])}
    model(
        "two.onnx", nodes, [("a", ["batch", "T", 6]), ("c", ["batch", 1, 3])], [("first", ["batch", "T", 3]), ("second", ["batch", "T"])], arrays
    )
    a, c = generator.standard_normal((16, 5, 6)), generator.standard_normal((16, 1, 3))
    wanted = generator.standard_normal((6, 3))
    np.savez("two.npz", a=a.astype("f4"), c=c.astype("f4"), y=(a @ wanted + c).astype("f4"), z=(a @ wanted + c).sum(2).astype("f4"))
    text = """train two {
  data   (a, c, y, z) from npz("two.npz")
  batch  N = 16, T = 5
  loss   mse(two(a, c)[0], y) + mse(two(c = c, a = a)[1], z)
  update sgd(lr = 0.05)
  epochs 1000
}
"""
    compile_model("two", "two.onnx", text)
    run("./two", "-o", "two.safetensors")
    assert np.abs(read("two.safetensors")["w"] - wanted).max() < 1e-3
    print("two: both outputs are fitted")


if __name__ == "__main__":
    main()
