"""network.py - writes recipes for network.cpp, compiles programs of them, and makes their data."""

import pathlib
import subprocess

import numpy as np

HERE = pathlib.Path(__file__).parent
DATA = [("data", "npz", ["data.npz", "column=x", "column=y"], [])]
VALUES = {"lr": 0.05, "lr.warmup": 0, "seed": 42, "epochs": 5, "steps": 0, "checkpoint.every": 0}


class Compiler:
    def __init__(self, command, include, runtime):
        self.command, self.include, self.runtime = command.split(), include, runtime

    def program(self, name, clauses=(), classes=3, inputs=6, batch=8, averages=False, weighted=False, noise=0.0, values=None):
        """A program NAME in the current folder. `classes` 0: two numbers are fitted."""
        text = f"constexpr int64_t kIn = {inputs}, kOut = {classes or 2}, kBatch = {batch}, kClasses = {classes};\n"
        text += f"constexpr bool kAverages = {int(averages)}, kWeighted = {int(weighted)};\nconstexpr float kNoise = {float(noise)};\n"
        all_values = {**VALUES, **(values or {})}
        rows = [f'{{"{key}", {value}, {0 if key == "lr" else -1}, 0}}' for key, value in all_values.items()]
        text += f"constexpr int64_t kPlaces = 1;\nstatic const burnish_value values[] = {{{', '.join(rows)}}};\n"
        rows = []
        for number, (clause, word, words, numbers) in enumerate([*DATA, *clauses]):
            quoted = ", ".join(f'"{each}"' for each in words) or "nullptr"
            text += f"static const char *const words{number}[] = {{{quoted}}};\n"
            text += f"static const double numbers{number}[] = {{{', '.join(map(str, numbers)) or 0}}};\n"
            rows.append(f'{{"{clause}", "{word}", words{number}, numbers{number}, {len(words)}, {len(numbers)}}}')
        text += f"static const burnish_clause clauses[] = {{{', '.join(rows)}}};\n"
        folder = pathlib.Path(name + ".recipe")
        folder.mkdir(exist_ok=True)
        (folder / "recipe.inc").write_text(text)
        subprocess.run([*self.command, "-std=c++20", "-O1", "-ffp-contract=off", f"-I{folder}", f"-I{self.include}", str(HERE / "network.cpp"),
                        self.runtime, "-o", name, "-lm"], check=True)
        return "./" + name


def classes(rows, seed=0, count=3, inputs=6, spread=1.0):
    """Clouds around a centre for each class."""
    random = np.random.default_rng(seed)
    centres = np.random.default_rng(99).normal(size=(count, inputs)) * 2
    y = random.integers(0, count, rows)
    return {"x": (centres[y] + random.normal(size=(rows, inputs)) * spread).astype("f4"), "y": y.astype("i8")}


def numbers(rows, seed=0, inputs=6):
    random = np.random.default_rng(seed)
    w = np.random.default_rng(98).normal(size=(inputs, 2))
    x = random.normal(size=(rows, inputs)).astype("f4")
    return {"x": x, "y": (x @ w + [1, -2] + random.normal(size=(rows, 2)) * 0.01).astype("f4")}


def weights(path):
    """The tensors of a file of safetensors, by a reader of its own."""
    import json
    raw = pathlib.Path(path).read_bytes()
    size = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + size])
    kinds = {"F32": "f4", "I64": "i8"}
    return {name: np.frombuffer(raw[8 + size + each["data_offsets"][0] : 8 + size + each["data_offsets"][1]], kinds[each["dtype"]]).reshape(each["shape"])
            for name, each in header.items() if name != "__metadata__"}
