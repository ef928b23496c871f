"""gradients.py - losses and gradients of eleven networks beside PyTorch's: the numbers, the time, what is kept for them.

    build/bench-venv/bin/python tools/bench/gradients.py [--nets mlp ...] [--peers burnish eager compile] [--threads 1] [--rounds 3]
        [--slot 0.5] [--burnish PATH] [--out results.json] [--warm]

gradients/NAME.nn is compiled with `--gradient` by all its params, and called with the weights and inputs that PyTorch has, which
are drawn by their names. The loss must be PyTorch's in f64 within 1e-5, each gradient within 1e-4 of the largest value, or within twice what PyTorch in
f32 is off, where that is more: a relu that is on in one and off in the other makes a difference that no rounding explains. Then both take turns: forward and
backward, no update. MB are the workspace of the compiled function beside what PyTorch's autograd keeps of the forward pass (params
and inputs not counted; what it needs on the way comes on top of that). `--warm` compiles for torch.compile, whose caches then stay, and times nothing.
"""

import argparse
import json
import math
import pathlib
import subprocess
import sys
import tempfile
import zlib

import numpy as np

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE))
sys.path.insert(0, str(ROOT / "test/frontend/dsl/Inputs"))

import workers  # noqa: E402
from weights import save  # noqa: E402

LOSS, GRADIENT = 1e-5, 1e-4
# Net, inputs (shape, or shape and limit of whole numbers, or shape and None for a mask), dims.
NETS = {
    "mlp": ("mlp", {"x": (64, 784), "label": ((64,), 10)}, {"N": 64}),
    "lenet5": ("lenet5", {"image": (64, 1, 28, 28), "label": ((64,), 10)}, {"N": 64}),
    "lstm": ("series", {"x": (32, 64, 128), "label": ((32,), 10)}, {"N": 32, "T": 64}),
    "transformer": ("classifier", {"x": (16, 128, 256), "label": ((16,), 10)}, {"N": 16, "T": 128}),
    "resnet18": ("resnet18", {"image": (32, 3, 32, 32), "label": ((32,), 10)}, {"N": 32}),
    "lenet": ("lenet", {"image": (64, 1, 28, 28), "label": ((64,), 10)}, {"N": 64}),
    "tagger": ("tagger", {"words": ((32, 32), 10_000), "label": ((32, 32), 17)}, {"N": 32, "T": 32}),
    "encoder": ("classify", {"words": ((8, 64), 10_000), "mask": ((8, 64), None), "label": ((8,), 3)}, {"N": 8, "T": 64}),
    "unet": ("unet", {"image": (4, 3, 64, 64), "target": (4, 1, 64, 64)}, {"N": 4}),
    "mobile": ("mobile", {"image": (16, 24, 28, 28), "label": ((16,), 10)}, {"N": 16}),
    "twofold": ("twofold", {"image": (32, 3, 32, 32), "table": (32, 20), "target": (32, 3)}, {"N": 32}),
}


def generator(name):
    return np.random.default_rng(zlib.crc32(name.encode()))


def draw(path, shape):
    """A param by its path: products keep sizes, factors are near 1 and terms near 0."""
    numbers = generator(path).standard_normal(shape)
    if path.endswith(".scale"):
        return (1 + 0.1 * numbers).astype("f4")
    if len(shape) == 1:
        return (0.1 * numbers).astype("f4")
    if path.endswith(".table"):
        return numbers.astype("f4")
    return (numbers / math.sqrt(np.prod(shape) / (shape[-1] if len(shape) == 2 else shape[0]))).astype("f4")


def inputs_of(name):
    data = {}
    for key, said in NETS[name][1].items():
        random = generator(f"{name} {key}")
        if isinstance(said[0], int):
            data[key] = random.standard_normal(said).astype("f4")
        elif said[1] is None:
            data[key] = random.random(said[0]) < 0.7
            data[key][:, 0] = True
        else:
            data[key] = random.integers(0, said[1], said[0])
    return data


class Torch:
    """A network in PyTorch, by its own fused functions where it has them."""

    def __init__(self, name, threads, compiles=False, is_double=False):
        import torch

        import gradients_torch

        torch.set_num_threads(threads)
        self.torch, self.name = torch, name
        dtype = torch.float64 if is_double else torch.float32
        self.params = gradients_torch.Params(NETS[name][0], draw, dtype)
        data = {k: torch.tensor(v) for k, v in inputs_of(name).items()}
        self.data = {k: v.to(dtype) if v.is_floating_point() else v for k, v in data.items()}
        function = getattr(gradients_torch, NETS[name][0])
        function(self.params, **self.data)  # makes the params
        self.loss = torch.compile(function) if compiles else function

    def step(self):
        for param in self.params.all.values():
            param.grad = None
        loss = self.loss(self.params, **self.data)
        loss.backward()
        return loss

    def results(self):
        loss = self.step()
        return {"loss": loss.detach().numpy()} | {k: v.grad.numpy() for k, v in self.params.all.items()}

    def kept_mb(self):
        """What autograd keeps of one forward pass."""
        own = {v.untyped_storage().data_ptr() for v in (*self.params.all.values(), *self.data.values())}
        kept = {}

        def pack(tensor):
            storage = tensor.untyped_storage()
            if storage.data_ptr() not in own:
                kept[storage.data_ptr()] = storage.nbytes()
            return tensor

        with self.torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            loss = self.loss(self.params, **self.data)
        del loss
        return sum(kept.values()) / 1e6


def serve(name, peer, threads):
    network = None

    def load():
        nonlocal network
        network = Torch(name, threads, peer == "compile")
        network.step()
        network.step()
        return dict(kept_mb=network.kept_mb() if peer == "eager" else None)

    workers.serve(load, lambda seconds: workers.time_runs(network.step, seconds, least=2))


class Burnish:
    """The compiled gradient."""

    def __init__(self, name, folder, options, expected):
        self.name, self.folder, self.said = name, folder, []
        net, _, dims = NETS[name]
        gradients = [key for key in expected if key != "loss"]
        save(folder / "weights.safetensors", {key: draw(key, expected[key].shape) for key in gradients})
        words = [options.burnish, HERE / "gradients" / f"{name}.nn", "--weights-from=weights.safetensors", "--gradient=output"]
        words += [f"--wrt={key}" for key in gradients] + [f"--dim={key}={size}" for key, size in dims.items()]
        subprocess.run([*words, "-o", name], cwd=folder, check=True)
        np.savez(folder / "in.npz", **inputs_of(name))
        subprocess.run([f"./{name}", "in.npz", "-o", "out.npz"], cwd=folder, check=True)
        found = np.load(folder / "out.npz")
        self.results = {"loss": found["output"]} | {key: found["grad." + key] for key in gradients}

    def slot(self, seconds, threads):
        words = [f"./{self.name}", "in.npz", f"--bench={seconds}", f"--threads={threads}"]
        self.said.append(json.loads(subprocess.run(words, cwd=self.folder, check=True, capture_output=True, text=True).stdout))


def errors(found, expected):
    """(of the loss, the largest of a gradient), as shares of the largest value."""
    gradients = [key for key in expected if key != "loss"]
    # A bias before a normalisation has no gradient but rounding.
    least = 1e-2 * max(np.abs(expected[key]).max() for key in gradients)
    worst = max(np.abs(found[key] - expected[key]).max() / max(np.abs(expected[key]).max(), least) for key in gradients)
    return float(abs(found["loss"] - expected["loss"]) / abs(expected["loss"])), float(worst)


def compare(name, options):
    expected = Torch(name, options.threads, is_double=True).results()
    torch_loss, torch_gradient = errors(Torch(name, options.threads).results(), expected)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        ours = Burnish(name, folder, options, expected)
        peers = {}
        for peer in options.peers:
            if peer != "burnish":
                words = [sys.executable, __file__, "--worker", name, peer, str(options.threads)]
                peers[peer] = workers.Worker(words, options.threads, folder / f"{peer}.txt")
        for _ in range(0 if options.warm else options.rounds):
            if "burnish" in options.peers:
                ours.slot(options.slot, options.threads)
            for worker in peers.values():
                if not worker.dead:
                    worker.slot(options.slot)
        loss, gradient = errors(ours.results, expected)
        row = dict(net=name, loss=loss, gradient=gradient, torch_loss=torch_loss, torch_gradient=torch_gradient)
        if ours.said:
            row["burnish"] = min(said["median_ms"] for said in ours.said)
            row["workspace_mb"] = ours.said[0]["workspace_bytes"] / 1e6
        for peer, worker in peers.items():
            row[peer] = min((slot["median_ms"] for slot in worker.slots if "median_ms" in slot), default=None)
            if "error" in worker.info:
                row[peer + "_error"] = worker.info["error"]
            if worker.info.get("kept_mb"):
                row["kept_mb"] = worker.info["kept_mb"]
            worker.quit()
    return row


def main():
    if sys.argv[1:2] == ["--worker"]:
        return serve(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nets", nargs="+", default=list(NETS), choices=list(NETS))
    parser.add_argument("--peers", nargs="*", default=["burnish", "eager", "compile"])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--slot", type=float, default=0.5, help="seconds")
    parser.add_argument("--burnish", default=str(ROOT / "build/bin/burnish"))
    parser.add_argument("--out", type=pathlib.Path)
    parser.add_argument("--warm", action="store_true")
    options = parser.parse_args()
    options.burnish = str(pathlib.Path(options.burnish).resolve())
    rows, wrong = [], []
    for name in options.nets:
        row = compare(name, options)
        rows.append(row)
        print(", ".join(f"{key} {value:.3g}" if isinstance(value, float) else f"{key} {value}" for key, value in row.items()), flush=True)
        if not (row["loss"] <= LOSS and row["gradient"] <= max(GRADIENT, 2 * row["torch_gradient"])):
            wrong.append(name)
        if options.out:
            options.out.write_text(json.dumps(rows, indent=1))
    print(f"differ: {', '.join(wrong)}" if wrong else "all agree")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
