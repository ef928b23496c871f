"""loop.py - runs training programs made from network.cpp and checks what they do.

usage: loop.py TEST COMPILER INCLUDE RUNTIME; in the current folder, where programs and data are put.
"""

import json
import math
import pathlib
import random
import re
import resource
import signal
import subprocess
import sys
import time

import numpy as np
from network import Compiler, classes, numbers, weights

SHUFFLE = ("shuffle", "", [], [])
VAL = ("split", "val", ["npz", "val.npz"], [])
ACCURACY = ("metric", "accuracy", [], [])


def run(*command, status=0, error="", **more):
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, **more)
    assert done.returncode == status, (command, done)
    assert (error in done.stderr if error else not done.stderr), (command, error, done.stderr)
    return done.stdout


def refuse(program, *arguments, status=1, error, **more):
    """All that it says on stderr, after the program's name."""
    done = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=120, **more)
    assert done.returncode == status and done.stderr == f"{program[2:]}: {error}\n", (arguments, done.returncode, done.stderr, error)


def lines(path):
    return [json.loads(line) for line in open(path)]


def epochs(path):
    return [line for line in lines(path) if "train" in line]


def untimed(path):
    return [{key: value for key, value in line.items() if key not in ("seconds", "samples_s")} for line in lines(path)]


def content(path):
    return pathlib.Path(path).read_bytes()


def save(**sets):
    for name, arrays in sets.items():
        np.savez(name + ".npz", **arrays)


def near(a, b, tolerance=2e-5):
    assert abs(a - b) <= tolerance * max(1, abs(b)), (a, b)


#---- what comes out ----

def metrics(compiler):
    """Each metric against numpy, by the weights that the program wrote."""
    names = ["accuracy", "f1", "precision", "recall", "auc", "confusion", "perplexity"]
    clauses = [VAL, SHUFFLE, *[("metric", name, ["y"], []) for name in names], ("metric", "top", ["y"], [2]),
               ("metric", "expression", ["largest"], [])]
    program = compiler.program("net", clauses)
    data, val = classes(203, 1, spread=2.5), classes(61, 2, spread=2.5)
    save(data=data, val=val)
    out = run(program, "--epochs=6", "-o", "net.safetensors", "--log=run.jsonl")
    last = epochs("run.jsonl")[-1]
    w = weights("net.safetensors")
    scores = val["x"].astype("f8") @ w["net.w"].T + w["net.b"]
    y, guess = val["y"], scores.argmax(1)
    p = np.exp(scores - scores.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    matrix = np.zeros((3, 3))
    for a, b in zip(y, guess):
        matrix[a, b] += 1
    hits, labels, guesses = matrix.diagonal(), matrix.sum(1), matrix.sum(0)
    areas = [np.mean([(a > b) + (a == b) / 2 for a in p[y == k, k] for b in p[y != k, k]]) for k in range(3)]
    wanted = {
        "loss": -np.log(p[np.arange(61), y]).mean(), "accuracy": hits.sum() / 61, "f1": (2 * hits / (labels + guesses)).mean(),
        "precision": (hits / guesses).mean(), "recall": (hits / labels).mean(), "auc": np.mean(areas),
        "perplexity": np.exp(-np.log(p[np.arange(61), y]).mean()),
        "top2": np.mean([np.sort(s)[::-1].tolist().index(s[k]) < 2 for s, k in zip(scores, y)]),
    }
    for name, value in wanted.items():
        near(last["val"][name], value)
    assert last["val"]["confusion"] == matrix.tolist()
    assert last["val"]["accuracy"] > 0.5 and "confusion (rows" in out and "203 samples to train with, 61 to validate with" in out
    # An expression is a mean over batches, the last samples one by one.
    parts = [scores[i : i + 8] for i in range(0, 56, 8)] + [scores[i : i + 1] for i in range(56, 61)]
    near(last["val"]["largest"], sum(part.max() * len(part) for part in parts) / 61)
    # How many samples were seen is a statistic, saved as such.
    assert w["net.seen"] == [6 * 25 * 8]
    assert {"train", "val"} <= last.keys() and last["epoch"] == 6 and last["step"] == 150


def regression(compiler):
    program = compiler.program("fit", [VAL, SHUFFLE, *[("metric", name, [], []) for name in ("mse", "mae", "r2")]], classes=0, averages=True)
    data, val = numbers(160, 1), numbers(37, 2)
    save(data=data, val=val)
    run(program, "--epochs=20", "-o", "fit.safetensors", "--log=run.jsonl")
    w = weights("fit.safetensors")
    # Averages stand in the place of params, in the file as in the evaluation.
    errors = val["x"].astype("f8") @ w["net.w"].T + w["net.b"] - val["y"]
    last = epochs("run.jsonl")[-1]["val"]
    near(last["mse"], (errors**2).mean()), near(last["loss"], (errors**2).mean()), near(last["mae"], abs(errors).mean())
    near(last["r2"], 1 - (errors**2).sum() / ((val["y"] - val["y"].mean()) ** 2).sum())
    assert last["mse"] < 1e-3 and set(w) == {"net.w", "net.b", "net.seen"}
    # A run may begin with these weights.
    run(program, "--steps=1", "--lr=0", "--init=fit.safetensors", "-o", "again.safetensors")
    assert (weights("again.safetensors")["net.w"] == w["net.w"]).all()


def same_bits(compiler):
    program = compiler.program("net", [VAL, SHUFFLE, ACCURACY], noise=0.1, averages=True)
    save(data=classes(100), val=classes(30, 1))
    outcomes = []
    for threads in (1, 2, 3):
        run(program, f"--threads={threads}", "-o", f"{threads}.safetensors", f"--log={threads}.jsonl")
        outcomes.append((content(f"{threads}.safetensors"), untimed(f"{threads}.jsonl")))
    assert outcomes[0] == outcomes[1] == outcomes[2]
    run(program, "--seed=43", "-o", "other.safetensors")
    assert content("other.safetensors") != outcomes[0][0]
    # Nothing but the file is left behind.
    assert not list(pathlib.Path(".").glob("*.new")) and pathlib.Path("other.checkpoint").exists()


#---- cut off and resumed ----

CUT_OFF = [("split", "train", [], [0.8]), ("split", "val", [], [0.2]), ("split", "stratified", ["y"], []), SHUFFLE, ACCURACY,
           ("stop", "val.accuracy", ["max"], []), ("save", "net.safetensors", ["best", "val.loss", "min"], []), ("schedule", "plateau", [], [])]
CUT_OFF_VALUES = {"stop.after": 1000, "lr.patience": 2, "lr.factor": 0.5}


def resume(compiler):
    """Killed at random instants again and again, a run ends in the bits of one undisturbed."""
    program = compiler.program("net", CUT_OFF, averages=True, noise=0.2, values=CUT_OFF_VALUES)
    save(data=classes(400, spread=3))
    kills = 0
    for every in (0, 7):
        common = ["--epochs=60", f"--checkpoint.every={every}"]
        run(program, *common, "-o", "whole.safetensors", "--log=whole.jsonl")
        begin = time.time()
        run(program, *common, "-o", "whole.safetensors", "--log=whole.jsonl")
        duration = time.time() - begin
        rng = random.Random(every)
        for round in range(6):
            name = f"cut{every}-{round}"
            while True:
                process = subprocess.Popen([program, *common, "--resume", "-o", name + ".safetensors", f"--log={name}.jsonl"],
                                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                try:
                    process.wait(timeout=rng.uniform(0, duration / 3) + 0.002)
                    assert process.returncode == 0
                    break
                except subprocess.TimeoutExpired:
                    process.send_signal(signal.SIGKILL)
                    process.wait()
                    kills += 1
            assert content(name + ".safetensors") == content("whole.safetensors"), name
            assert untimed(name + ".jsonl") == untimed("whole.jsonl"), name
            assert content(name + ".checkpoint")[:24] == content("whole.checkpoint")[:24]
    assert kills >= 12, kills
    # One that ended in the midst of an epoch (there are 40 steps) goes on from there.
    for steps in (3, 95, 110, 203):
        run(program, *common, f"--steps={steps}", "-o", "part.safetensors", "--log=part.jsonl")
        assert lines("part.jsonl")[-1]["step"] == steps
        run(program, *common, "--resume", "-o", "part.safetensors", "--log=part.jsonl")
        assert content("part.safetensors") == content("whole.safetensors"), steps
        assert [line for line in untimed("part.jsonl") if "train" in line] == [line for line in untimed("whole.jsonl") if "train" in line], steps
    # A run that is at its end has nothing to do.
    run(program, *common, "--resume", "-o", "whole.safetensors", "--log=whole.jsonl")


def interrupt(compiler):
    program = compiler.program("net", CUT_OFF, noise=0.2, values=CUT_OFF_VALUES)
    save(data=classes(4000, spread=3))
    run(program, "--epochs=300", "-o", "whole.safetensors")
    process = subprocess.Popen([program, "--epochs=300", "-o", "cut.safetensors"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    for _ in range(3):
        process.stdout.readline()
    process.send_signal(signal.SIGINT)
    out, error = process.communicate(timeout=60)
    assert process.returncode == 130, process.returncode
    assert error.startswith("net: interrupted after step ") and error.endswith("; --resume goes on from cut.checkpoint\n"), error
    run(program, "--epochs=300", "--resume", "-o", "cut.safetensors")
    assert content("cut.safetensors") == content("whole.safetensors")


#---- what is refused ----

def messages(compiler):
    program = compiler.program("net", [VAL, SHUFFLE, ACCURACY])
    other = compiler.program("other", [VAL, ACCURACY])
    save(data=classes(64), val=classes(20, 1))
    usage = [
        ([], "no place for the weights: -o FILE.safetensors is wanted (see --help)"),
        (["--what"], "unknown option '--what', see --help"),
        (["data.npz"], "unknown option 'data.npz', see --help"),
        (["-o"], "-o wants a file"),
        (["-o", "a", "-o", "b"], "-o is given twice"),
        (["--data="], "--data= wants a name"),
        (["--threads=0"], "--threads=0: a number from 1 to 1024 is wanted"),
        (["--epochs=0"], "--epochs=0: a whole number from 1 is wanted"),
        (["--epochs=1.5"], "--epochs=1.5: a whole number from 1 is wanted"),
        (["--steps=-1"], "--steps=-1: a whole number from 0 is wanted"),
        (["--seed=1e99"], "--seed=1e99: a whole number from 0 is wanted"),
        (["--lr=fast"], "--lr=fast: a number is wanted"),
        (["--lr=nan"], "--lr=nan: a number is wanted"),
        (["--lr="], "--lr=: a number is wanted"),
        (["--fold=1"], "--fold=1: the recipe has no folds"),
        (["--bench=soon"], "--bench=soon: a number of seconds is wanted"),
        (["--bench=1", "-o", "a"], "--bench writes nothing: it goes without -o, --log and --resume"),
        (["-o", "a", "--log=a"], "what is written are different files, and 'a' is given twice"),
        (["--resume", "--init=a", "-o", "b"], "--resume goes on where a run was, --init begins one: not both"),
    ]
    for arguments, error in usage:
        refuse(program, *arguments, status=2, error=error)
    text = run(program, "--help")
    assert "net trains the neural network 'net'" in text and "  --lr=               0.05\n" in text and max(map(len, text.splitlines())) <= 80

    # A loss that is no number: nothing is lost, and the layer is named.
    run(program, "--steps=3", "-o", "net.safetensors")
    kept = content("net.checkpoint")
    done = subprocess.run([program, "--lr=1e38", "-o", "net.safetensors"], capture_output=True, text=True)
    assert done.returncode == 1 and "the loss is not a number, and the first layer with a value that is no number is 'net.dense'" in done.stderr, done
    assert done.stderr.endswith("; what was before is in net.checkpoint\n") and content("net.checkpoint") == kept

    # A checkpoint whose bits were turned, that was cut, or that is of something else.
    for place in [*range(0, len(kept), 13), len(kept) - 1]:
        pathlib.Path("net.checkpoint").write_bytes(kept[:place] + bytes([kept[place] ^ 4]) + kept[place + 1 :])
        done = subprocess.run([program, "--resume", "-o", "net.safetensors"], capture_output=True, text=True)
        assert done.returncode == 1 and done.stderr.startswith("net: net.checkpoint: is "), (place, done)
    for place in (0, 1, 47, 48, 100, len(kept) - 1):
        pathlib.Path("net.checkpoint").write_bytes(kept[:place])
        done = subprocess.run([program, "--resume", "-o", "net.safetensors"], capture_output=True, text=True)
        assert done.returncode == 1 and "net.checkpoint: is damaged: it has" in done.stderr, (place, done)
    pathlib.Path("net.checkpoint").write_bytes(kept + b"1")
    refuse(program, "--resume", "-o", "net.safetensors",
           error=f"net.checkpoint: is damaged: it has {len(kept) + 1} bytes in place of {len(kept)}")
    pathlib.Path("net.checkpoint").write_bytes(content("net.safetensors") + bytes(100))
    refuse(program, "--resume", "-o", "net.safetensors", error="net.checkpoint: is no checkpoint")
    pathlib.Path("net.checkpoint").write_bytes(kept)
    refuse(other, "--resume", "-o", "net.safetensors", error="net.checkpoint: is a checkpoint of another recipe or network")
    refuse(program, "--resume", "--seed=1", "-o", "net.safetensors", error="net.checkpoint: is of a run with seed 42")
    assert content("net.checkpoint") == kept
    run(program, "--resume", "-o", "new.safetensors", error="net: new.checkpoint: there is none yet, the run begins anew\n")

    # A full disk leaves what was there.
    weights_before = content("net.safetensors")
    small = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (256, 256))}
    refuse(program, "--steps=9", "-o", "net.safetensors", error="net.checkpoint: cannot write: File too large", **small)
    refuse(program, "--steps=9", "-o", "net.safetensors", "--log=run.jsonl", error="run.jsonl: cannot write: File too large", **small)
    assert content("net.checkpoint") == kept and content("net.safetensors") == weights_before and not pathlib.Path("net.checkpoint.new").exists()
    refuse(program, "-o", "no/net.safetensors", error="no/net.safetensors: cannot write: No such file or directory")

    # Data and weights that are not there, or are not right.
    refuse(program, "--data=nowhere", "-o", "net.safetensors", error="nowhere/data.npz: cannot open: No such file or directory")
    np.savez("data.npz", **classes(7))
    refuse(program, "-o", "net.safetensors", error="./data.npz: 7 samples to train with are fewer than a batch of 8")
    np.savez("data.npz", **classes(20, inputs=5))
    refuse(program, "-o", "net.safetensors", error="./data.npz: column 'x': a sample is float32[5], and the network wants float32[6]")
    save(data=classes(64))
    refuse(program, "--init=none.safetensors", "-o", "net.safetensors", error="none.safetensors: cannot open: No such file or directory")
    wide = compiler.program("wide", classes=4)
    refuse(wide, "--init=net.safetensors", "-o", "w.safetensors", error="net.safetensors: 'net.w' is float32[3,6], and the network wants float32[4,6]")
    refuse(compiler.program("deaf", [("stop", "val.accuracy", ["max"], []), ACCURACY]), "-o", "d.safetensors",
           error="stop 'val.accuracy': the recipe splits nothing off for validation")
    refuse(compiler.program("mute", [("stop", "train.recall", ["max"], [])]), "-o", "d.safetensors",
           error="'train.recall': the recipe has no metric 'recall'")


#---- parts of a recipe ----

def schedules(compiler):
    save(data=classes(64))
    half = lambda a, b, x: b + (a - b) * (1 + math.cos(math.pi * x)) / 2
    def cycle(p):
        return half(0.02, 0.5, p / 0.3) if p < 0.3 else half(0.5, 0.02 * 1e-4, (p - 0.3) / 0.7)
    kinds = {
        "constant": ({}, lambda s: 0.5),
        "step": ({"lr.every": 6, "lr.factor": 0.5}, lambda s: 0.5 * 0.5 ** ((s - 1) // 6)),
        "linear": ({"lr.to": 0.1}, lambda s: 0.5 + (0.1 - 0.5) * (s - 1) / 40),
        "cosine": ({}, lambda s: half(0.5, 0, (s - 1) / 40)),
        "onecycle": ({"lr.peak": 0.3, "lr.divide": 25}, lambda s: cycle((s - 1) / 40)),
    }
    for kind, (values, rate) in kinds.items():
        program = compiler.program(kind, [("schedule", kind, [], [])], values={"lr": 0.5, **values})
        run(program, "--steps=40", "-o", "s.safetensors", "--log=s.jsonl")
        steps = [line for line in lines("s.jsonl") if "train" not in line]
        assert [line["step"] for line in steps] == list(range(1, 41))
        for line in steps:
            near(line["lr"], rate(line["step"]), 1e-9)
    # Warm-up goes up in a line, and what is left is the schedule's.
    run("./cosine", "--steps=40", "--lr.warmup=10", "-o", "s.safetensors", "--log=s.jsonl")
    for line in lines("s.jsonl"):
        step = line["step"]
        near(line["lr"], 0.5 * step / 10 if step <= 10 else half(0.5, 0, (step - 11) / 30), 1e-9)
    # The length is that of all epochs where no steps are said.
    run("./linear", "--epochs=100", "-o", "s.safetensors", "--log=s.jsonl")
    near(lines("s.jsonl")[-1]["lr"], 0.5 + (0.1 - 0.5) * 799 / 800, 1e-9)
    # Plateau: no better loss for more than two epochs, and the rate is half.
    program = compiler.program("plateau", [("schedule", "plateau", [], [])], values={"lr": 0, "lr.patience": 2, "lr.factor": 0.5})
    run(program, "--epochs=10", "-o", "s.safetensors", "--log=s.jsonl")
    run(program, "--epochs=10", "--lr=1e-30", "-o", "s.safetensors", "--log=s.jsonl")
    rates = [line["lr"] / 1e-30 for line in epochs("s.jsonl")]
    assert np.allclose(rates, [1, 1, 1, 1, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25]), rates


def stopping(compiler):
    """The best weights are kept, and a run without better ones ends."""
    clauses = [VAL, ("split", "test", ["npz", "test.npz"], []), SHUFFLE, ACCURACY, ("stop", "val.loss", ["min"], []),
               ("save", "net.safetensors", ["best", "val.loss", "min"], [])]
    program = compiler.program("net", clauses, values={"stop.after": 4, "lr": 0.5}, inputs=40)
    save(data=classes(40, 1, inputs=40, spread=8), val=classes(200, 2, inputs=40, spread=8), test=classes(50, 3, inputs=40, spread=8))
    out = run(program, "--epochs=200", "--log=run.jsonl")
    all_epochs = epochs("run.jsonl")
    losses = [line["val"]["loss"] for line in all_epochs]
    best = int(np.argmin(losses)) + 1
    assert len(losses) == best + 4 < 200, (best, losses)
    assert f"stopped after epoch {best + 4}, step {(best + 4) * 5}: no better val.loss for 4 epochs" in out, out
    assert f"best: epoch {best}, val.loss {losses[best - 1]:.5g} (saved)" in out, out
    assert "overfits: accuracy is" in out, out
    # The test is by the weights that were kept.
    w, test = weights("net.safetensors"), dict(np.load("test.npz"))
    scores = test["x"].astype("f8") @ w["net.w"].T + w["net.b"]
    near(lines("run.jsonl")[-1]["test"]["accuracy"], (scores.argmax(1) == test["y"]).mean())
    # One that was cut short says so too.
    program = compiler.program("fit", classes=0, values={"lr": 1e-3})
    save(data=numbers(64))
    assert "underfits: the loss of training still fell from" in run(program, "--epochs=3", "-o", "fit.safetensors")
    # One whose loss is next to nothing has learned what there is, though it still halves.
    assert "underfits" not in run(program, "--epochs=60", "--lr=0.05", "-o", "fit.safetensors")


def folds(compiler):
    program = compiler.program("net", [("split", "folds", [], [5]), ("split", "stratified", ["y"], []), SHUFFLE, ACCURACY])
    save(data=classes(103, spread=2))
    out = run(program, "--epochs=3", "-o", "net.safetensors", "--log=run.jsonl")
    last = [line for line in epochs("run.jsonl") if line["epoch"] == 3]
    assert [line["fold"] for line in last] == [1, 2, 3, 4, 5]
    accuracies = [line["val"]["accuracy"] for line in last]
    assert "5 folds, mean and deviation:" in out
    assert f"val.accuracy {np.mean(accuracies):.5g} +- {np.std(accuracies, ddof=1):.3g}" in out, (out, accuracies)
    assert len({content(f"net.fold{fold}.safetensors") for fold in range(1, 6)}) == 5
    # One of them alone is the same; cut off between folds, the mean is as well.
    run(program, "--epochs=3", "--fold=3", "-o", "one.safetensors")
    assert content("one.fold3.safetensors") == content("net.fold3.safetensors")
    rng = random.Random(1)
    while True:
        process = subprocess.Popen([program, "--epochs=3", "--resume", "-o", "cut.safetensors"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        try:
            again, _ = process.communicate(timeout=rng.uniform(0.001, 0.02))
            break
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
    assert process.returncode == 0 and again[again.index("5 folds") :] == out[out.index("5 folds") :], again
    refuse(program, "--fold=6", "-o", "net.safetensors", status=2, error="--fold=6: a number from 1 to 5 is wanted")


def balance(compiler):
    data = classes(120)
    keep = np.concatenate([np.flatnonzero(data["y"] == k)[:n] for k, n in enumerate((20, 10, 30))])
    save(data={key: value[keep] for key, value in data.items()})
    program = compiler.program("weighted", [SHUFFLE, ("balance", "weight", ["y"], [])], weighted=True, averages=True)
    assert "classes of 'y': 20 10 30\n" in run(program, "-o", "w.safetensors")
    program = compiler.program("plain", [SHUFFLE], averages=True)
    run(program, "-o", "p.safetensors")
    assert content("w.safetensors") != content("p.safetensors")
    program = compiler.program("over", [SHUFFLE, ("balance", "oversampling", ["y"], [])])
    out = run(program, "-o", "o.safetensors", "--log=o.jsonl")
    assert "90 samples to train with\nclasses of 'y': 20 10 30\n" in out and epochs("o.jsonl")[0]["step"] == 90 // 8, out


def bench(compiler):
    program = compiler.program("net")
    save(data=classes(64))
    line = json.loads(run(program, "--bench=0.05", "--threads=2"))
    assert line["runs"] > 10 and line["threads"] == 2 and 0 < line["min_ms"] <= line["median_ms"] and line["peak_rss_bytes"] > 0
    run(program, "--steps=3", "-o", "net.safetensors", "--log=run.jsonl")
    assert [line["step"] for line in lines("run.jsonl") if "train" not in line] == [1, 2, 3] and all(line["loss"] > 0 for line in lines("run.jsonl"))


def live(compiler):
    """On a terminal a line is written over and over, and gone at the end; elsewhere there is one line an epoch."""
    import os
    import pty

    program = compiler.program("net", [VAL, SHUFFLE, ACCURACY, ("stop", "val.accuracy", ["max"], [])], values={"stop.after": 100})
    save(data=classes(4000, spread=4), val=classes(200, 1, spread=4))
    out = run(program, "--epochs=3", "-o", "net.safetensors")
    assert "\r" not in out and [line.split(",")[0] for line in out.splitlines() if line.startswith("epoch")] == ["epoch 1", "epoch 2", "epoch 3"], out
    leader, follower = pty.openpty()
    process = subprocess.Popen([program, "--epochs=20", "-o", "net.safetensors"], stdout=follower)
    os.close(follower)
    shown = b""
    try:
        while part := os.read(leader, 1 << 16):
            shown += part
    except OSError:
        pass
    assert process.wait() == 0
    text = shown.decode()
    assert re.search(r"\r\x1b\[Kepoch 2/20  step \d+/10000  loss [\d.e-]+  val.accuracy 0\.\d+  \d+ samples/s  [\d.:]+( s)? left", text), text
    assert re.search(r"\r\x1b\[Kepoch 20, step 10000, ", text), text
    assert "left" not in text[text.index("epoch 20, step 10000, ") :], text


if __name__ == "__main__":
    test, *arguments = sys.argv[1:]
    globals()[test](Compiler(*arguments))
    print(test, "holds")
