"""kills.py - kills a training at random instants and resumes it: it must end as one undisturbed.

usage: kills.py [--kills=N] [--signals=N] [--seed=N], in a folder of its own, with burnish in the path
"""

import json
import pathlib
import random
import signal
import subprocess
import sys
import time

import numpy as np

NET = """use std
net n(image: f32[N, 1, 8, 8], sums: f32[N, 4]) -> f32[N, 3] {
  let seen = image |> conv(8, 3, pad = 1) as c1 |> batchnorm as n1 |> relu |> maxpool(2) |> flatten |> dropout(0.3)
  concat((seen, sums), axis = 1) |> dense(32) as f1 |> tanh |> dropout(0.1) |> dense(3) as head
}
train n {
  data     (image / 16, sums, label) from npz("t.npz")
  split    train 70%, val 20%, test 10%, stratified by label
  augment  image: shift(1), image: noise(0.1)
  batch    N = 16, shuffle, seed 5
  balance  label by weight
  loss     cross_entropy(n(image, sums), label) + 1e-4 * l2(weights)
  update   adamw(lr = onecycle(3e-3), decay = 0.01), clip 1.0, ema 0.99
  metric   accuracy, f1
  epochs   60, stop after 50 without better val.loss
  save     "n.safetensors" when best val.accuracy
}
"""


def option(name, default):
    return int(next((word[len(name) + 3 :] for word in sys.argv if word.startswith(f"--{name}=")), default))


def content(path):
    return pathlib.Path(path).read_bytes()


def log(path):
    return [{key: value for key, value in json.loads(line).items() if key not in ("seconds", "samples_s")} for line in open(path)]


def summary(out):
    return out[out.index("stopped after") :]


def command(name, every):
    return ["./n", f"--checkpoint.every={every}", f"--threads={1 + every % 2}", "--resume", "-o", name + ".safetensors", f"--log={name}.jsonl"]


def whole(every):
    begin = time.monotonic()
    name = f"whole{every}"
    done = subprocess.run(command(name, every), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and "there is none yet" in done.stderr, done
    return {"weights": content(name + ".safetensors"), "log": log(name + ".jsonl"), "summary": summary(done.stdout)}, time.monotonic() - begin


def compare(name, out, wanted):
    assert content(name + ".safetensors") == wanted["weights"], f"{name}: other weights"
    assert log(name + ".jsonl") == wanted["log"], f"{name}: another log"
    assert summary(out) == wanted["summary"], (name, out, wanted["summary"])
    left = sorted(path.name for path in pathlib.Path(".").glob(name + ".*"))
    assert left == [name + ".checkpoint", name + ".jsonl", name + ".safetensors"], left


def killed(count, rng, wanted, seconds):
    """Runs until `count` have been killed, from nothing each time a run is at its end. Some kills fall close to another."""
    kills = runs = 0
    while True:
        every = (0, 7)[runs % 2]
        name = f"cut{runs}"
        while True:
            process = subprocess.Popen(command(name, every), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            try:
                limit = rng.choice((seconds, seconds / 4, 0.02)) if kills < count else 1000
                out, error = process.communicate(timeout=rng.uniform(0, 1) * limit if kills < count else 120)
                assert process.returncode == 0, (process.returncode, error)
                break
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGKILL)
                process.communicate()
                kills += 1
        compare(name, out, wanted[every])
        runs += 1
        if kills >= count:
            return kills, runs


def interrupted(count, rng, wanted, seconds):
    """SIGINT, SIGTERM and SIGHUP save what there is and exit with 130."""
    saved = 0
    for i in range(count):
        name, kind = f"sent{i}", (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)[i % 3]
        process = subprocess.Popen(command(name, 0), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        process.stdout.readline()
        time.sleep(rng.uniform(0, 0.7) * seconds)
        process.send_signal(kind)
        out, error = process.communicate(timeout=60)
        assert process.returncode in (0, 130), (process.returncode, error)
        if process.returncode == 130:
            assert "interrupted after " in error, error
            saved += 1
            done = subprocess.run(command(name, 0), capture_output=True, text=True, timeout=120)
            assert done.returncode == 0, done
            out = done.stdout
        compare(name, out, wanted[0])
    return saved


def main():
    pathlib.Path("n.nn").write_text(NET)
    done = subprocess.run(["burnish", "n.nn", "--train", "-o", "n"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    generator = np.random.default_rng(3)
    label = np.arange(400) % 3
    centres = generator.standard_normal((3, 1, 8, 8)) * 4
    np.savez("t.npz", image=(centres[label] + generator.standard_normal((400, 1, 8, 8)) * 8).astype("f4"),
             sums=generator.standard_normal((400, 4)).astype("f4"), label=label)
    wanted, seconds = {}, 0
    for every in (0, 7):
        wanted[every], seconds = whole(every)
    assert wanted[0]["weights"] == wanted[7]["weights"] and wanted[0]["log"] == wanted[7]["log"]
    rng = random.Random(option("seed", 1))
    count, signals = option("kills", 8), option("signals", 4)
    kills, runs = killed(count, rng, wanted, seconds)
    print(f"kills: {kills} of {count}, the same weights, log and summary ({runs} runs of {seconds:.1f} s)")
    print(f"signals: {interrupted(signals, rng, wanted, seconds)} saved")


if __name__ == "__main__":
    main()
