"""data.py - writes small files of each kind and compares what the data program prints of them."""

import gzip
import json
import struct
import subprocess
import sys

import numpy as np

program, folder = sys.argv[1:]
wrong = 0


def check(arguments, expected):
    global wrong
    got = subprocess.run([program, *arguments], capture_output=True, text=True).stdout.replace(folder + "/", "").strip()
    if got != expected:
        wrong += 1
        print(f"{arguments}: got\n{got}\nexpected\n{expected}")


def write(name, data):
    with open(f"{folder}/{name}", "wb") as file:
        file.write(data)
    return f"{folder}/{name}"


check([], "d16cfe09 94fdcceb 5001e420 24126ea1 mean 1.00 variance 1.00")
idx = b"\0\0\x08\3" + struct.pack(">3I", 2, 1, 3) + bytes(range(6))
for name, data in (("a.idx", idx), ("a.idx.gz", gzip.compress(idx))):
    check(["i", write(name, data), "x"], "x 2 x uint8[1,3]: 3 4 5")
check(["i", write("b.idx", idx[:-1]), "x"], "b.idx: has 5 bytes of data, 2 rows of 3 bytes take 6")
check(["i", write("c.idx", b"\0\0\x0b\1" + struct.pack(">I2h", 2, 5, -3)), "x"], "x 2 x int16[]: -3")
a = np.arange(6, dtype="f4").reshape(2, 3)
np.save(f"{folder}/a.npy", a)
check(["n", f"{folder}/a.npy", "x"], "x 2 x float32[3]: 3 4 5")
np.save(f"{folder}/f.npy", np.asfortranarray(a))
check(["n", f"{folder}/f.npy", "x"], "x 2 x float32[3]: 3 4 5")
np.savez_compressed(f"{folder}/a.npz", x=a, y=np.array([1, 7]))
check(["z", f"{folder}/a.npz", "*"], "x 2 x float32[3]: 3 4 5\ny 2 x int64[]: 7")
a[1, 2] = np.nan
np.save(f"{folder}/nan.npy", a)
check(["n", f"{folder}/nan.npy", "x"], "nan.npy: row 1: column 'x': element 2 is NaN")
check(["c", write("a.csv", b'p,kind,q\n1,b,2\r\n"3","a ""x""",4.5\n'), "kind"], "x 2 x float32[2]: 3 4.5\nkind 2 x int64[]: 0")
check(["c", write("b.csv", b"p,kind\n1,a\n2\n"), "kind"], "b.csv: row 1 (line 3): has 1 fields, the first row 2")
check(["c", write("c.csv", b"p,kind\n1,a\nx,b\n"), "kind"], "c.csv: row 1 (line 3): column 'p': 'x' is no number")
check(["t", write("a.txt", b"abcdefgh!"), "x"], "x 2 x uint8[4]: 101 102 103 104")
check(["n", f"{folder}/none.npy", "x"], "none.npy: cannot open: No such file or directory")
header = json.dumps({"x": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}, "__metadata__": {"k": "v"}}).encode()
check(["s", write("a.st", struct.pack("<Q", len(header)) + header + struct.pack("<2f", 1, 2)), "*"], "x 2 x float32[]: 2")
check(["s", write("b.st", struct.pack("<Q", len(header)) + header), "*"], "b.st: tensor 'x': bytes 0 to 8 lie outside the data of 0 bytes")
print("wrong" if wrong else "all right")
