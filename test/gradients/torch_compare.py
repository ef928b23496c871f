"""torch_compare.py - the networks of networks.py in PyTorch.

    python torch_compare.py [--write [--new]]

Compares losses and gradients in f64 with the stored ones (Inputs/networks/*.npz), which networks.test holds Burnish to;
--write makes these, with --new those that are not there. Needs torch, which no test does. Params are drawn by their paths, inputs by their names.
"""

import pathlib
import sys

import numpy as np
import torch
import torch.nn.functional as F

HERE = pathlib.Path(__file__).resolve().parent / "Inputs"
sys.path[:0] = [str(HERE), str(HERE.parents[2] / "tools/bench")]
import gradients_torch  # noqa: E402
from networks import NETWORKS, draw, inputs_of  # noqa: E402


class Params(gradients_torch.Params):
    def __init__(self, net):
        super().__init__(net, draw, torch.float64)

    def rmsnorm(self, x, path):
        return x / torch.sqrt((x * x).mean(-1, keepdim=True) + 1e-6) * self(path + ".scale", x.shape[-1])

    def embed(self, ids, path, count, size):
        return self(path + ".table", count, size)[ids]

    def positions(self, x, path, most):
        return x + self(path + ".table", most, x.shape[-1])[: x.shape[1]]


def mlp(p, x, label):
    h = F.gelu(p.dense(torch.tanh(p.dense(x, "f1", 16)), "f2", 12))
    return F.cross_entropy(p.dense(h, "out", 5), label, label_smoothing=0.1)


def lenet(p, image, label):
    x = F.max_pool2d(F.relu(p.conv(image, "c1", 4, 5, pad=2)), 2)
    x = F.max_pool2d(F.relu(p.conv(x, "c2", 6, 5)), 2).flatten(1)
    x = F.relu(p.dense(F.relu(p.dense(x, "f1", 20)), "f2", 14))
    return F.cross_entropy(p.dense(x, "out", 10), label)


def tagger(p, words, label):
    x = p.lstm(p.embed(words, "embed", 20, 8), "lstm", 8)
    return F.cross_entropy(p.dense(x, "dense", 5).flatten(0, 1), label.flatten())


def digits(p, image, label):
    x = F.avg_pool2d(F.relu(p.conv(image, "c1", 3, 5, pad=2)), 2)
    x = F.avg_pool2d(F.relu(p.conv(x, "c2", 4, 3)), 2).flatten(1)
    return F.cross_entropy(p.dense(F.relu(p.dense(x, "f1", 11)), "out", 10), label)


def series(p, x, label):
    return F.cross_entropy(p.dense(p.lstm(p.lstm(x, "l1", 6), "l2", 7)[:, -1], "head", 4), label)


def classifier(p, x, label):
    seen = torch.ones(1, 1, 1, 1, dtype=torch.bool)
    for i in range(2):
        x = p.encoder(x, f"layers.{i}.encoder", 2, 12, seen)
    return F.cross_entropy(p.dense(x.mean(1), "head", 5), label)


def classify(p, words, mask, label):
    x = p.positions(p.embed(words, "embed", 20, 8), "positions", 16)
    for i in range(2):
        x = p.encoder(x, f"repeat.{i}.encoder", 2, 12, mask[:, None, None, :])
    weights = mask[:, :, None].double()
    return F.cross_entropy(p.dense((x * weights).sum(1) / weights.sum(1), "head", 3), label)


def decoder(p, words, next):
    x = p.positions(p.embed(words, "embed", 24, 8), "positions", 16)
    seen = torch.ones(words.shape[1], words.shape[1], dtype=torch.bool).tril()
    for i in range(2):
        path = f"repeat.{i}.block."
        x = x + p.attention(p.rmsnorm(x, path + "rmsnorm"), path + "causal_attention", 2, seen)
        x = x + p.dense(F.silu(p.dense(p.rmsnorm(x, path + "rmsnorm_2"), path + "up", 16, bias=False)), path + "down", 8, bias=False)
    return F.cross_entropy(p.dense(p.layernorm(x, "layernorm"), "head", 24, bias=False).flatten(0, 1), next.flatten())


def unet(p, image, target):
    def twice(x, path, out):
        return F.relu(p.conv(F.relu(p.conv(x, path + ".c1", out, 3, pad=1)), path + ".c2", out, 3, pad=1))

    a = twice(image, "down1", 4)
    b = twice(F.max_pool2d(a, 2), "down2", 6)
    c = twice(F.max_pool2d(b, 2), "down3", 8)
    rise = F.conv_transpose2d(c, p("rise1.w", 8, 6, 2, 2), p("rise1.b", 6), stride=2)
    d = twice(torch.cat((rise, b), 1), "up1", 6)
    e = twice(torch.cat((F.interpolate(d, scale_factor=2), a), 1), "up2", 4)
    return F.binary_cross_entropy_with_logits(p.conv(e, "out", 1, 1), target)


def mobile(p, image, label):
    def inverted(x, path, out, wide):
        x = F.hardswish(p.norm(p.conv(x, path + ".expand", wide, 1), path + ".n1"))
        x = F.hardswish(p.norm(p.conv(x, path + ".depthwise", wide, 3, pad=1, groups=wide), path + ".n2"))
        gate = torch.sigmoid(p.dense(F.relu(p.dense(x.mean((2, 3)), path + ".se.down", wide // 2)), path + ".se.up", wide))
        return p.norm(p.conv(x * gate[:, :, None, None], path + ".project", out, 1), path + ".n3")

    x = F.relu6(p.norm(p.conv(image, "stem", 4, 3, pad=1, stride=2), "norm"))
    x = x + inverted(x, "b1", 4, 12)
    return F.cross_entropy(p.dense(inverted(x, "b2", 6, 8).mean((2, 3)), "out", 5), label)


def resnet(p, image, label):
    def two(x, path, out, stride=1):
        y = F.relu(p.norm(p.conv(x, path + ".c1", out, 3, pad=1, stride=stride), path + ".n1"))
        return p.norm(p.conv(y, path + ".c2", out, 3, pad=1), path + ".n2")

    x = F.relu(p.norm(p.conv(image, "stem", 4, 3, pad=1), "norm"))
    x = F.relu(x + two(x, "b1", 4))
    x = F.relu(two(x, "b2", 6, 2) + p.norm(p.conv(x, "b2.skip", 6, 1, stride=2), "b2.n3"))
    x = F.relu(x + two(x, "b3", 6))
    return F.cross_entropy(p.dense(x.mean((2, 3)), "out", 5), label)


def twofold(p, image, table, target):
    seen = torch.tanh(p.dense(F.avg_pool2d(F.relu(p.conv(image, "c1", 4, 3)), 2).flatten(1), "f1", 7))
    known = F.relu(p.dense(F.relu(p.dense(table, "t1", 9)), "t2", 5))
    y = p.dense(F.silu(p.dense(torch.cat((seen, known), 1), "join", 8)), "out", 3)
    return F.huber_loss(y, target, delta=0.5)


def main():
    functions = {f.__name__: f for f in (mlp, lenet, tagger, classify, decoder, unet, mobile, resnet, digits, series, classifier, twofold)}
    worst = 0
    for name, network in NETWORKS.items():
        params = Params(network.net)
        inputs = {k: torch.tensor(v) for k, v in inputs_of(network).items()}
        variables = {k: (v.double() if v.is_floating_point() else v) for k, v in inputs.items()}
        for value in variables.values():
            value.requires_grad_(value.is_floating_point())
        loss = functions[network.net](params, **variables)
        loss.backward()
        found = {"loss": loss.item()}
        found |= {path: value.grad.numpy() for path, value in params.all.items()}
        found |= {k: v.grad.numpy() for k, v in variables.items() if v.is_floating_point()}
        stored = HERE / "networks" / f"{name}.npz"
        if "--write" in sys.argv and not (stored.exists() and "--new" in sys.argv):
            np.savez_compressed(stored, **{k: np.asarray(v, "f8" if k == "loss" else "f4") for k, v in found.items()})
        expected = np.load(stored)
        # The bias before a norm has the gradient 0, but for roundings.
        errors = {k: np.abs(np.asarray(v) - expected[k]).max() / max(np.abs(v).max(), 1e-9) for k, v in found.items()}
        worst = max(worst, *errors.values())
        print(f"{name}: loss {loss.item():.6f}, {len(found) - 1} gradients, largest difference {max(errors.values()):.1e}")
    return bool(worst > 1e-6)


if __name__ == "__main__":
    sys.exit(main())
