"""output.py - runs the programs `double` and `copy` of the current folder with all kinds of places for the output."""

import os
import resource
import signal
import stat
import subprocess

import numpy as np

x = np.arange(6, dtype="f4").reshape(2, 3)
np.save("x.npy", x)
np.save("million.npy", np.ones((1000, 1000), "f4"))


def run(*arguments, fails=None, **more):
    before = sorted(os.listdir())
    done = subprocess.run(arguments, capture_output=True, text=True, **more)
    assert done.stderr == (fails + "\n" if fails else ""), done
    assert done.returncode == (1 if fails else 0), done
    if fails:
        assert sorted(os.listdir()) == before, os.listdir()


# A place that is free, one that is taken, one behind a link: the link stays.
run("./double", "x.npy", "-o", "out.npz")
assert (np.load("out.npz")["y"] == 2 * x).all()
run("./double", "x.npy", "-o", "out.npy")
assert (np.load("out.npy") == 2 * x).all()
os.chmod("out.npy", 0o640)
os.symlink("out.npy", "link.npy")
run("./double", "out.npy", "-o", "link.npy")
assert (np.load("out.npy") == 4 * x).all() and os.path.islink("link.npy") and stat.S_IMODE(os.stat("out.npy").st_mode) == 0o640
os.umask(0o027)
run("./double", "x.npy", "-o", "new.npy")
assert stat.S_IMODE(os.stat("new.npy").st_mode) == 0o640
# A device is written to in place.
os.symlink("/dev/null", "null.npz")
run("./double", "x.npy", "-o", "null.npz")
assert stat.S_ISCHR(os.stat("/dev/null").st_mode)

run("./double", "x.npy", "-o", "folder.npz", fails="folder.npz: is a folder")
run("./double", "x.npy", "-o", "nowhere/out.npz", fails="nowhere/out.npz: cannot write: No such file or directory")
run("./double", "x.npy", "-o", "x.npy/out.npz", fails="x.npy/out.npz: cannot write: Not a directory")
long = "x" * 260 + ".npz"
run("./double", "x.npy", "-o", long, fails=f"{long}: cannot write: File name too long")
run("./double", "nothing.npy", fails="nothing.npy: cannot open: No such file or directory")
run("./double", "folder.npz", fails="folder.npz: is a folder")
os.symlink("/dev/full", "full.npz")
run("./double", "x.npy", "-o", "full.npz", fails="full.npz: cannot write: No space left on device")
with open("/dev/full", "w") as full:
    done = subprocess.run(["./double", "x.npy"], stdout=full, stderr=subprocess.PIPE, text=True)
assert done.returncode == 1 and done.stderr == "double: cannot write to standard output\n", done


# A disk that fills up halfway, as a limit on the size of files plays it.
def limit():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))


before = open("out.npz", "rb").read()
for name in ("big.npz", "big.npy", "out.npz"):
    run("./copy", "million.npy", "-o", name, fails=f"{name}: cannot write: File too large", preexec_fn=limit)
assert open("out.npz", "rb").read() == before
# And memory that is not there.
run("./copy", "million.npy", fails="million.npy: input 'x': no memory for 4000000 bytes",
    preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (5 << 20, 5 << 20)))
if os.geteuid() != 0:
    os.chmod("out.npy", 0o444)
    run("./double", "x.npy", "-o", "out.npy", fails="out.npy: cannot write: Permission denied")
print("written whole or not at all")
