"""ends.py - how a compiled training ends where it cannot go on."""

import os
import pathlib
import resource
import signal
import subprocess

import numpy as np

NET = """use std
net n(x: f32[N, 4]) -> f32[N, 3] {{ x |> dense(64) as a |> {middle} |> dense(3) as b }}
train n {{
  data (x, y) from npz("t.npz")
  split train 75%, val 25%
  batch N = 4, shuffle
  loss cross_entropy(n(x), y)
  update {update}
  metric accuracy
  epochs 3
  save "n.safetensors"
}}
"""


def build(name, middle="tanh", update="adamw(lr = 0.01)", use=""):
    pathlib.Path(name + ".nn").write_text(NET.format(middle=middle, update=update).replace("use std\n", "use std\n" + use))
    done = subprocess.run(["burnish", name + ".nn", "--train", "-o", name], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def run(program, *arguments, **more):
    return subprocess.run([f"./{program}", "--threads=1", *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60, **more)


def folder():
    """All that is here, but for programs and data."""
    return {path.name: path.read_bytes() for path in pathlib.Path(".").iterdir() if path.suffix in (".safetensors", ".checkpoint", ".jsonl", ".new", ".txt")}


def refuses(program, *arguments, error, changes=(), **more):
    before = folder()
    done = run(program, *arguments, **more)
    assert done.returncode == 1 and done.stderr == f"{program}: {error}\n", (error, done)
    after = folder()
    for name in changes:
        before.pop(name, None)
        after.pop(name, None)
    assert before == after, (error, before.keys(), after.keys())


def disks():
    build("n")
    assert run("n", "--log=n.jsonl").returncode == 0
    state, weights = os.path.getsize("n.checkpoint"), os.path.getsize("n.safetensors")
    assert weights < state
    refuses("n", "--log=/dev/full", error="/dev/full: cannot write: No space left on device")
    refuses("n", "--checkpoint=/dev/full", error="/dev/full: cannot write: No space left on device")
    refuses("n", "-o", "/dev/full", "--checkpoint=n.checkpoint", error="/dev/full: cannot write: No space left on device", changes=["n.checkpoint"])
    full = open("/dev/full", "w")
    done = subprocess.run(["./n", "--steps=1"], stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 1 and done.stderr == "n: cannot write to standard output\n", done
    assert run("n", "--log=n.jsonl").returncode == 0

    # Files may grow to so many bytes: the log, the checkpoint, the weights are cut off in turn.
    def most(size):
        return {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))}

    for size in (0, 64, 1000, state - 1):
        refuses("n", error="n.checkpoint: cannot write: File too large", **most(size))
    refuses("n", "--log=new.jsonl", error="new.jsonl: cannot write: File too large", changes=["new.jsonl"], **most(10))
    refuses("n", "--checkpoint=/dev/null", error="n.safetensors: cannot write: File too large", **most(weights - 1))
    assert run("n", **most(state)).returncode == 0

    # Places that cannot be written are told before the first epoch.
    refuses("n", "-o", "no/n.safetensors", error="no/n.safetensors: cannot write: No such file or directory")
    refuses("n", "--checkpoint=no/n.checkpoint", error="no/n.checkpoint: cannot write: No such file or directory")
    refuses("n", "--log=no/n.jsonl", error="no/n.jsonl: cannot write: No such file or directory")
    os.mkdir("folder")
    refuses("n", "-o", "folder", "--checkpoint=c", error="folder: is a folder")
    if os.geteuid() != 0:
        os.chmod("folder", 0o500)
        refuses("n", "-o", "folder/n.safetensors", error="folder/n.safetensors: cannot write: Permission denied")
    pathlib.Path("data.txt").write_text("p,q\n1,2\n")
    refuses("n", "--log=data.txt", error="data.txt: is no log of a training, and is left as it is")
    refuses("n", "--log=n.jsonl", "--init=none.safetensors", error="none.safetensors: cannot open: No such file or directory")
    refuses("n", "--log=n.jsonl", "--data=nowhere", error="nowhere/t.npz: cannot open: No such file or directory")
    # A run goes on with the data it began with.
    assert run("n", "--steps=9").returncode == 0
    rows(36)
    refuses("n", "--resume", error="n.checkpoint: is of a run with 30 samples to train with, and there are 27")
    rows(40)
    assert run("n", "--resume", "--epochs=9007199254740992", "--steps=20").returncode == 0


def losses():
    saved = folder()
    build("logs", middle="log_of as c", use="layer log_of(x: f32[...]) -> f32[...] { log(x) }\n")
    done = run("logs", "-o", "logs.safetensors")
    assert done.returncode == 1 and done.stderr == ("logs: step 1: the loss is not a number, and the first layer with a value that is no number is 'n.c'\n"), done
    assert not pathlib.Path("logs.safetensors").exists()
    build("steep", middle="relu", update="sgd(lr = 1e30)")
    done = run("steep", "-o", "steep.safetensors")
    assert done.returncode == 1 and "step 2: the loss is not a number, and the first layer with a value that is no number is 'n.b'" in done.stderr, done
    # After epochs that went well: what they came to is in the checkpoint, and goes on with another rate.
    assert run("n", "--epochs=2", "-o", "late.safetensors").returncode == 0
    kept = pathlib.Path("late.checkpoint").read_bytes()
    done = run("n", "--resume", "--epochs=4", "--lr=1e38", "-o", "late.safetensors")
    assert done.returncode == 1 and "the first layer with a value that is no number is 'n." in done.stderr and done.stderr.endswith("; what was before is in late.checkpoint\n"), done
    assert pathlib.Path("late.checkpoint").read_bytes() == kept
    assert run("n", "--resume", "--epochs=4", "-o", "late.safetensors").returncode == 0
    assert all(pathlib.Path(name).read_bytes() == content for name, content in saved.items())


def readers():
    process = subprocess.Popen(["./n", "--epochs=300", "-o", "piped.safetensors"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    process.stdout.readline()
    process.stdout.close()
    error = process.stderr.read()
    assert process.wait(timeout=60) == 1 and error == "n: cannot write to standard output\n", (process.returncode, error)
    assert pathlib.Path("piped.safetensors").exists()
    # What nohup ignores stays ignored.
    process = subprocess.Popen(["./n", "--epochs=300", "-o", "hung.safetensors"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    process.stdout.readline()
    process.send_signal(signal.SIGHUP)
    out, error = process.communicate(timeout=60)
    assert process.returncode == 0 and not error, (process.returncode, error)


def rows(count):
    generator = np.random.default_rng(1)
    np.savez("t.npz", x=generator.standard_normal((count, 4)).astype("f4"), y=np.arange(count) % 3)


if __name__ == "__main__":
    rows(40)
    disks()
    print("disks: nothing lost")
    losses()
    print("losses: the layer is named")
    readers()
    print("readers: the run goes on")
