"""inputs.py - plausible inputs for the real models: speech, lines of text, token ids, molecules.

`make(spec, dims, generator)` fills one input. A spec is a row of open.json: [name, element type, shape, {"kind": ..., ...}];
letters in the shape, and strings among the values, are looked up in the dims of the case. `seed` makes it repeatable.
"""

import math

import numpy as np

LINES = ("HELLO 2024", "TOTAL 318", "ABC 90")
# 5x7 glyphs, row by row.
FONT = {
    "0": "01110100011001110101110011000101110", "1": "00100011000010000100001000010001110",
    "2": "01110100010000100010001000100011111", "3": "11111000100010000010000011000101110",
    "4": "00010001100101010010111110001000010", "8": "01110100011000101110100011000101110",
    "9": "01110100011000101111000010001001100", "A": "01110100011000111111100011000110001",
    "B": "11110100011000111110100011000111110", "C": "01110100011000010000100001000101110",
    "E": "11111100001000011110100001000011111", "H": "10001100011000111111100011000110001",
    "L": "10000100001000010000100001000011111", "O": "01110100011000110001100011000101110",
    "T": "11111001000010000100001000010000100", " ": "0" * 35,
}  # fmt: skip


def line_image(text, height, width):
    """A line of dark text on light ground in [0, 1], a little blurred."""
    image = np.ones((7, 6 * len(text) + 2))
    for k, letter in enumerate(text):
        image[:, 1 + 6 * k : 6 + 6 * k] -= 0.9 * np.array([int(bit) for bit in FONT[letter]]).reshape(7, 5)
    image = np.pad(image, 2, constant_values=1.0)
    rows = np.arange(height) * image.shape[0] // height
    columns = np.arange(width) * image.shape[1] // width
    padded = np.pad(image[rows][:, columns], 1, mode="edge")
    return sum(padded[i : i + height, j : j + width] for i in range(3) for j in range(3)) / 9


def page_image(height, width):
    """Some lines of text below each other."""
    image = np.ones((height, width))
    tall = max(14, height // 10)
    for top, text in zip(range(height // 16, height - tall, tall + height // 10), LINES):
        wide = min(width - 8, tall * len(text) * 2 // 3)
        image[top : top + tall, 4 : 4 + wide] = line_image(text, tall, wide)
    return image


def text_images(shape, values):
    """A batch of images in NCHW, normalised with `mean` and `std`."""
    count, channels, height, width = shape
    images = [page_image(height, width) if values.get("page") else line_image(LINES[i % 3], height, width) for i in range(count)]
    return np.repeat((np.stack(images)[:, None] - values["mean"]) / values["std"], channels, axis=1)


def speech(generator, samples, rate):
    """Harmonics of a voice under three formants, rising and falling like syllables, with a little noise."""
    time = np.arange(samples) / rate
    phase = 2 * np.pi * np.cumsum(120 + 25 * np.sin(2 * np.pi * 2.3 * time)) / rate
    wave = np.zeros(samples)
    for k in range(1, min(25, int((rate / 2 - 200) / 120) + 1)):
        strength = 0.05 + sum(math.exp(-(((120 * k - f) / w) ** 2)) for f, w in ((500, 150), (1500, 250), (2500, 300)))
        wave += strength * np.sin(k * phase + generator.uniform(0, 2 * np.pi))
    loudness = 0.25 + 0.75 * np.clip(np.sin(2 * np.pi * 3.1 * time + 0.4), 0, 1)
    return wave / np.abs(wave).max() * 0.5 * loudness + 0.003 * generator.standard_normal(samples)


def token_ids(generator, shape, values):
    ids = generator.integers(values["lo"], values["hi"], shape)
    if "first" in values:
        ids[..., 0], ids[..., -1] = values["first"], values["last"]
    return ids


def bonds(generator, shape, nodes):
    """Edges of a graph, [2, E]: every one in both directions."""
    half = shape[1] // 2
    start = generator.integers(0, nodes, half)
    end = (start + 1 + generator.integers(0, nodes - 1, half)) % nodes
    return np.stack([np.concatenate([start, end]), np.concatenate([end, start])])


def one_hot(generator, shape):
    rows = np.zeros((math.prod(shape[:-1]), shape[-1]))
    rows[np.arange(len(rows)), generator.integers(0, shape[-1], len(rows))] = 1
    return rows.reshape(shape)


def padding_mask(shape, share):
    """Ones; the last `share` of every row but the first is zero."""
    mask = np.ones(shape)
    mask[1:, shape[-1] - int(shape[-1] * share) :] = 0
    return mask


def unit_vectors(generator, shape):
    vectors = generator.standard_normal(shape)
    return vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)


KINDS = {
    "normal": lambda g, s, v: g.standard_normal(s) * v.get("std", 1),
    "uniform": lambda g, s, v: g.uniform(v["lo"], v["hi"], s),
    "randint": token_ids,
    "const": lambda g, s, v: np.full(s, v["value"]),
    "bernoulli": lambda g, s, v: g.random(s) < v["p"],
    "mask": lambda g, s, v: padding_mask(s, v["pad"]),
    "unit": lambda g, s, v: unit_vectors(g, s),
    "onehot": lambda g, s, v: one_hot(g, s),
    "bondgraph": lambda g, s, v: bonds(g, s, v["nodes"]),
    "speech": lambda g, s, v: speech(g, math.prod(s), v["sr"]),
    "text": lambda g, s, v: text_images(s, v),
}


def make(spec, dims, generator):
    """The array of one input of a case."""
    _, element_type, shape, values = spec
    shape = [dims.get(d, d) for d in shape]
    values = {key: dims.get(v, v) if isinstance(v, str) else v for key, v in values.items()}
    array = KINDS[values["kind"]](generator, shape, values)
    return np.asarray(array).reshape(shape).astype(element_type, order="C")
