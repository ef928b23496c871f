"""train_burnish.py - Burnish's side of train_peers.py: the training program of train/CASE.nn, which times itself."""

import json
import pathlib
import subprocess
import tempfile

import numpy as np
import peers
import train_cases

NETWORKS = pathlib.Path(__file__).resolve().parent / "train"


def output_of(command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


class Burnish:
    def __init__(self, case, threads):
        compiler = peers.burnish()
        self.version = output_of([compiler, "--version"]).splitlines()[0]
        self.work = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.work.name)
        inputs, labels = train_cases.batch(case)
        np.savez(self.folder / "batch.npz", x=inputs, y=labels)
        program = str(self.folder / case)
        output_of([compiler, str(NETWORKS / f"{case}.nn"), "--train", "-o", program])
        self.command = [program, f"--data={self.folder}", f"--threads={threads}"]

    def step(self):
        """The loss after three steps from the beginning, as the others have it the third time."""
        log = self.folder / "log.jsonl"
        output_of([*self.command, "--steps=3", f"--log={log}", "-o", str(self.folder / "weights.safetensors")])
        return [json.loads(line)["loss"] for line in log.read_text().splitlines() if '"loss"' in line][-1]

    def slot(self, seconds):
        measured = json.loads(output_of([*self.command, f"--bench={seconds}"]))
        return dict(
            runs=measured["runs"],
            median_ms=measured["median_ms"],
            min_ms=measured["min_ms"],
            rss_mb=measured["peak_rss_bytes"] / 2**20,
        )
