"""train_losses.py - the losses of the training cases, step by step, beside PyTorch's from the same weights and batch.

    build/bench-venv/bin/python tools/bench/train_losses.py [--cases mlp ...] [--burnish=build/bin/burnish] [--steps=50]

Prints for each case the first and last loss and the greatest difference, in parts of the first loss, and exits with 1 where
that is above `TOLERANCE`. PyTorch also runs in f64 from the same weights: what both are from there is printed beside.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

import numpy as np
import torch
from torch import nn

import torch_weights
import train_cases
import train_torch

TOLERANCE = 1e-4
HERE = pathlib.Path(__file__).resolve().parent
PROGRAMS = HERE / "train"


def split_lstm(network):
    """Each layer of a module that has several, as `layers` wants it."""
    parts = []
    for layer in range(network.cells.num_layers):
        parts.append(torch_weights.lstm_layer(network.cells, layer))
    return {f"l{index + 1}.{leaf}": tensor for index, part in enumerate(parts) for leaf, tensor in part.items()}


def resnet18_paths():
    yield from ("stem", "stem.norm")
    for name in ("a1", "a2", "b1", "b2", "c1", "c2", "d1", "d2"):
        for part in ("c1", "c2", "shortcut") if name in ("b1", "c1", "d1") else ("c1", "c2"):
            yield from (f"{name}.{part}", f"{name}.{part}.norm")
    yield "head"


def transformer_layer(layer, prefix):
    attention = layer.self_attn
    yield f"{prefix}.attention.qkv", {"w": attention.in_proj_weight.T, "b": attention.in_proj_bias}
    yield f"{prefix}.attention.proj", torch_weights.layers(attention.out_proj)
    yield f"{prefix}.layernorm", torch_weights.layers(layer.norm1)
    yield f"{prefix}.layernorm_2", torch_weights.layers(layer.norm2)
    yield f"{prefix}.feed_forward.up", torch_weights.layers(layer.linear1)
    yield f"{prefix}.feed_forward.down", torch_weights.layers(layer.linear2)


def parts(case, network):
    """(path, {leaf: tensor}) of everything in the network of a case."""
    if case == "lstm":
        for path, tensor in split_lstm(network).items():
            layer, leaf = path.split(".")
            yield layer, {leaf: tensor}
        yield "head", torch_weights.layers(network.head)
    elif case == "transformer":
        for index, layer in enumerate(network.layers.layers):
            yield from transformer_layer(layer, f"layers.{index}.encoder")
        yield "head", torch_weights.layers(network.head)
    else:
        names = {"mlp": ("f1", "f2", "head"), "lenet5": ("c1", "c2", "f1", "f2", "head"), "resnet18": resnet18_paths()}[case]
        found = [part for part in (torch_weights.layers(module) for module in network.modules()) if part]
        yield from zip(names, found, strict=True)


NETS = {"mlp": "mlp", "lenet5": "lenet5", "resnet18": "resnet18", "lstm": "tagger", "transformer": "classifier"}


def initial_weights(case, network):
    return {
        f"{NETS[case]}.{path}.{leaf}": tensor.detach().float().contiguous()
        for path, tensors in parts(case, network)
        for leaf, tensor in tensors.items()
    }


def network_of(case):
    torch.manual_seed(1)
    network = train_torch.network(case).train()
    if case == "lstm":
        torch_weights.bind_lstm(network.cells)
    return network


def optimiser_of(case, network):
    """As in train_torch.py, but biases and norms do not decay, as they do not here."""
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    optimiser = train_torch.OPTIMISERS[train_cases.OPTIMISERS[case]](trained)
    if optimiser.defaults["weight_decay"]:
        groups = [{"params": [p for p in trained if p.ndim > 1]}, {"params": [p for p in trained if p.ndim < 2], "weight_decay": 0.0}]
        optimiser = type(optimiser)(groups, optimiser.defaults["lr"])
    return optimiser


def torch_losses(case, steps, dtype):
    network = network_of(case).to(dtype)
    optimiser = optimiser_of(case, network)
    inputs, labels = (torch.from_numpy(array) for array in train_cases.batch(case))
    found = []
    for _ in range(steps):
        optimiser.zero_grad(set_to_none=True)
        loss = nn.functional.cross_entropy(network(inputs.to(dtype)), labels)
        loss.backward()
        optimiser.step()
        found.append(float(loss.detach()))
    return np.array(found)


def burnish_losses(case, steps, burnish, folder):
    """An epoch is one step here, as the data are one batch."""
    x, y = train_cases.batch(case)
    np.savez(folder / "batch.npz", x=x, y=y)
    torch_weights.save(initial_weights(case, network_of(case)), folder / "initial.safetensors")
    program, log = folder / case, folder / "log.jsonl"
    subprocess.run([burnish, PROGRAMS / f"{case}.nn", "--train", "-o", program], check=True)
    words = [f"--data={folder}", "-o", folder / "end.safetensors", f"--log={log}", f"--epochs={steps}", f"--init={folder / 'initial.safetensors'}"]
    subprocess.run([program, *words], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    return np.array([line["train"]["loss"] for line in lines if "train" in line])


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", nargs="+", default=list(train_cases.SHAPES), choices=list(train_cases.SHAPES))
    parser.add_argument("--burnish", type=pathlib.Path, default=HERE.parents[1] / "build" / "bin" / "burnish")
    parser.add_argument("--steps", type=int, default=50)
    options = parser.parse_args()
    failed = 0
    print(f"{'':12s}    first     last   beside PyTorch   beside f64   PyTorch's own", flush=True)
    for case in options.cases:
        with tempfile.TemporaryDirectory() as folder:
            ours = burnish_losses(case, options.steps, options.burnish.resolve(), pathlib.Path(folder))
        theirs, exact = torch_losses(case, options.steps, torch.float32), torch_losses(case, options.steps, torch.float64)
        apart = [np.abs(a - b).max() / exact[0] for a, b in ((ours, theirs), (ours, exact), (theirs, exact))]
        verdict = "" if apart[0] <= TOLERANCE else f"  above {TOLERANCE:g}"
        print(f"{case:12s} {ours[0]:8.5f} {ours[-1]:8.5f} {apart[0]:16.1e} {apart[1]:12.1e} {apart[2]:15.1e}{verdict}", flush=True)
        failed += bool(verdict)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
