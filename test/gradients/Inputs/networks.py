"""networks.py - whole networks, forward and backward, beside what PyTorch gives in f64.

    python networks.py [NAME ...]

networks/NAME.nn is compiled with its loss and all gradients; the numbers to compare with are in networks/NAME.npz, and
../torch_compare.py has the same networks in PyTorch, which made them.
"""

import pathlib
import subprocess
import sys
import tempfile
import zlib
from dataclasses import dataclass

import numpy as np

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1] / "frontend/dsl/Inputs"))
from weights import save  # noqa: E402

LOSS, GRADIENT = 1e-5, 1e-4


@dataclass
class Network:
    """Inputs are shapes of floats, or of whole numbers up to a limit, or (limit None) a mask."""

    net: str
    inputs: dict
    dims: dict


NETWORKS = {
    "mlp": Network("mlp", {"x": (8, 10), "label": ((8,), 5)}, {"N": 8}),
    "lenet": Network("lenet", {"image": (3, 1, 16, 16), "label": ((3,), 10)}, {"N": 3}),
    "tagger": Network("tagger", {"words": ((2, 7), 20), "label": ((2, 7), 5)}, {"N": 2, "T": 7}),
    "encoder": Network("classify", {"words": ((3, 6), 20), "mask": ((3, 6), None), "label": ((3,), 3)}, {"N": 3, "T": 6}),
    "transformer": Network("decoder", {"words": ((2, 9), 24), "next": ((2, 9), 24)}, {"N": 2, "T": 9}),
    "unet": Network("unet", {"image": (2, 2, 16, 16), "target": (2, 1, 16, 16)}, {"N": 2}),
    "mobile": Network("mobile", {"image": (4, 3, 9, 9), "label": ((4,), 5)}, {"N": 4}),
    "resnet": Network("resnet", {"image": (4, 3, 12, 12), "label": ((4,), 5)}, {"N": 4}),
    "digits": Network("digits", {"image": (3, 1, 12, 12), "label": ((3,), 10)}, {"N": 3}),
    "series": Network("series", {"x": (2, 7, 5), "label": ((2,), 4)}, {"N": 2, "T": 7}),
    "classifier": Network("classifier", {"x": (3, 6, 8), "label": ((3,), 5)}, {"N": 3, "T": 6}),
    "twofold": Network("twofold", {"image": (5, 2, 8, 8), "table": (5, 6), "target": (5, 3)}, {"N": 5}),
}


def generator(name):
    return np.random.default_rng(zlib.crc32(name.encode()))


def draw(path, shape):
    """A param by its path: what is multiplied keeps sizes, factors are near 1 and terms near 0."""
    numbers = generator(path).standard_normal(shape)
    if path.endswith(".scale"):
        return (1 + 0.2 * numbers).astype("f4")
    if len(shape) == 1:
        return (0.2 * numbers).astype("f4")
    if path.endswith(".table"):
        return numbers.astype("f4")
    fan = np.prod(shape) / (shape[-1] if len(shape) == 2 else shape[0])
    return (1.2 * numbers / np.sqrt(fan)).astype("f4")


def inputs_of(network):
    data = {}
    for name, said in network.inputs.items():
        random = generator(f"{network.net} {name}")
        if isinstance(said[0], int):
            data[name] = random.standard_normal(said).astype("f4")
        elif said[1] is None:
            data[name] = random.random(said[0]) < 0.7
            data[name][:, 0] = True
        else:
            data[name] = random.integers(0, said[1], said[0])
    return data


def check(folder, name, network):
    """What is wrong: a line for each result that differs."""
    expected, inputs = np.load(HERE / "networks" / f"{name}.npz"), inputs_of(network)
    gradients = [key for key in expected.files if key != "loss"]
    save(folder / "weights.safetensors", {key: draw(key, expected[key].shape) for key in gradients if key not in inputs})
    words = ["burnish", HERE / "networks" / f"{name}.nn", "--weights-from=weights.safetensors", "--gradient=output", "-o", name]
    words += [f"--wrt={key}" for key in gradients] + [f"--dim={key}={size}" for key, size in network.dims.items()]
    subprocess.run(words, cwd=folder, check=True)
    np.savez(folder / "in.npz", **inputs)
    subprocess.run([f"./{name}", "in.npz", "-o", "out.npz"], cwd=folder, check=True)
    found, wrong, worst = np.load(folder / "out.npz"), [], 0
    # A bias before a normalisation has no gradient but rounding.
    least = 1e-2 * max(np.abs(expected[key]).max() for key in gradients)
    for key in expected.files:
        allowed = LOSS if key == "loss" else GRADIENT
        value, right = found["output" if key == "loss" else "grad." + key], expected[key]
        error = np.abs(value - right).max() / (np.abs(right).max() if key == "loss" else max(np.abs(right).max(), least))
        worst = max(worst, error)
        if not error <= allowed:
            wrong.append(f"{name}: {key} differs by {error:.1e} of the largest value")
    print(f"{name}: loss and {len(gradients)} gradients, largest difference {worst:.1e}")
    return wrong


def main():
    wrong = []
    for name, network in NETWORKS.items():
        if sys.argv[1:] and name not in sys.argv[1:]:
            continue
        with tempfile.TemporaryDirectory() as folder:
            wrong += check(pathlib.Path(folder), name, network)
    print("\n".join(wrong) or "all agree")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
