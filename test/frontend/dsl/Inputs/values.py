"""values.py - the networks of the language's page, computed by numpy from the definitions.

values.py NET prepare FOLDER   writes NET.safetensors and in.npz
values.py NET compare FOLDER   compares out.npz with what numpy gives: to 1e-5 of the largest value
"""

import math
import sys

import numpy
from weights import draw, save


def dense(w, x, path):
    return x @ w[path + ".w"] + w[path + ".b"]


def sigmoid(x):
    return 1 / (1 + numpy.exp(-x))


def softmax(x):
    e = numpy.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def conv(w, x, path, pad=0):
    k, b = w[path + ".w"], w[path + ".b"]
    x = numpy.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    windows = numpy.lib.stride_tricks.sliding_window_view(x, k.shape[2:], axis=(2, 3))
    return numpy.einsum("nchwij,ocij->nohw", windows, k) + b[:, None, None]


def pool(x):
    n, c, h, w = x.shape
    return x.reshape(n, c, h // 2, 2, w // 2, 2).mean((3, 5))


def layernorm(w, x, path):
    c = x - x.mean(-1, keepdims=True)
    return c / numpy.sqrt((c * c).mean(-1, keepdims=True) + 1e-5) * w[path + ".scale"] + w[path + ".bias"]


def lenet(w, image):
    x = pool(numpy.maximum(conv(w, image, "lenet.c1", 2), 0))
    x = pool(numpy.maximum(conv(w, x, "lenet.c2"), 0)).reshape(len(image), 400)
    x = numpy.maximum(dense(w, x, "lenet.f1"), 0)
    return dense(w, numpy.maximum(dense(w, x, "lenet.f2"), 0), "lenet.out")


def tagger(w, words):
    x = w["tagger.embed.table"][words]
    n, t, _ = x.shape
    s = c = numpy.zeros((n, 256))
    out = []
    for step in range(t):
        gates = x[:, step] @ w["tagger.lstm.wx"] + s @ w["tagger.lstm.wh"] + w["tagger.lstm.b"]
        i, f, g, o = numpy.split(gates, 4, axis=1)
        c = sigmoid(f + 1) * c + sigmoid(i) * numpy.tanh(g)
        s = sigmoid(o) * numpy.tanh(c)
        out.append(s)
    return dense(w, numpy.stack(out, 1), "tagger.dense")


def attention(w, x, mask, path, heads=6):
    n, t, d = x.shape

    def split(part):
        return part.reshape(n, t, heads, d // heads).transpose(0, 2, 1, 3)

    q, k, v = (split(part) for part in numpy.split(dense(w, x, path + ".qkv"), 3, axis=-1))
    scores = q @ k.transpose(0, 1, 3, 2) / math.sqrt(d / heads)
    a = softmax(numpy.where(mask[:, None, None, :], scores, -1e30))
    return dense(w, (a @ v).transpose(0, 2, 1, 3).reshape(n, t, d), path + ".proj")


def gelu(x):
    return x * 0.5 * (1 + numpy.vectorize(math.erf)(x / math.sqrt(2)))


def classify(w, ids, mask):
    h = w["classify.embed.table"][ids]
    for block in range(2):
        path = f"classify.repeat.{block}.encoder"
        y = h + attention(w, layernorm(w, h, path + ".layernorm"), mask, path + ".attention")
        ff = gelu(dense(w, layernorm(w, y, path + ".layernorm_2"), path + ".dense"))
        h = y + dense(w, ff, path + ".dense_2")
    mean = (h * mask[:, :, None]).sum(1) / mask.sum(1, keepdims=True)
    return dense(w, mean, "classify.head")


def shapes(net):
    def affine(path, i, o):
        return {path + ".w": (i, o), path + ".b": (o,)}

    if net == "lenet":
        convs = {"lenet.c1.w": (6, 1, 5, 5), "lenet.c1.b": (6,), "lenet.c2.w": (16, 6, 5, 5), "lenet.c2.b": (16,)}
        return {**convs, **affine("lenet.f1", 400, 120), **affine("lenet.f2", 120, 84), **affine("lenet.out", 84, 10)}
    if net == "tagger":
        cell = {"tagger.lstm.wx": (128, 1024), "tagger.lstm.wh": (256, 1024), "tagger.lstm.b": (1024,)}
        return {"tagger.embed.table": (10000, 128), **cell, **affine("tagger.dense", 256, 17)}
    all = {"classify.embed.table": (100, 24), **affine("classify.head", 24, 3)}
    for block in range(2):
        path = f"classify.repeat.{block}.encoder"
        for norm in (".layernorm", ".layernorm_2"):
            all |= {path + norm + ".scale": (24,), path + norm + ".bias": (24,)}
        all |= affine(path + ".attention.qkv", 24, 72) | affine(path + ".attention.proj", 24, 24)
        all |= affine(path + ".dense", 24, 96) | affine(path + ".dense_2", 96, 24)
    return all


def inputs(net):
    rng = numpy.random.default_rng(5)
    if net == "lenet":
        return {"image": rng.random((3, 1, 28, 28), "f4")}
    if net == "tagger":
        return {"words": rng.integers(0, 10000, (2, 7)).astype("i4")}
    mask = rng.random((2, 7)) < 0.7
    mask[:, 0] = True
    return {"ids": rng.integers(0, 100, (2, 7)).astype("i4"), "mask": mask}


if __name__ == "__main__":
    net, what, folder = sys.argv[1:]
    weights = {name: draw(name, dims) for name, dims in shapes(net).items()}
    data = inputs(net)
    if what == "prepare":
        save(f"{folder}/{net}.safetensors", weights)
        numpy.savez(f"{folder}/in.npz", **data)
    else:
        wide = {name: tensor.astype("f8") for name, tensor in weights.items()}
        expected = globals()[net](wide, *data.values())
        found = numpy.load(f"{folder}/out.npz")
        (found,) = (found[name] for name in found)
        error = numpy.abs(found - expected).max() / numpy.abs(expected).max()
        print("close" if found.shape == expected.shape and error <= 1e-5 else f"error {error}")
