"""refusals.py - gives a program files that it must refuse: the message, exit status 1, and no output.

usage: refusals.py DOUBLE ROWS SCRATCH_FOLDER; the programs of double.c and rows.c.
"""

import io
import os
import struct
import subprocess
import sys
import warnings
import zipfile

import numpy as np

double, rows, scratch = map(os.path.abspath, sys.argv[1:])
os.makedirs(scratch, exist_ok=True)
os.chdir(scratch)
for leftover in os.listdir("."):
    os.remove(leftover)
good = np.arange(6, dtype="f4").reshape(2, 3)
refused = 0


def npy(array, version=None):
    out = io.BytesIO()
    np.lib.format.write_array(out, array, version)
    return out.getvalue()


def header(text, version=1, data=good.tobytes()):
    text = text.encode()
    return b"\x93NUMPY" + bytes([version, 0]) + (struct.pack("<H", len(text)) if version == 1 else struct.pack("<I", len(text))) + text + data


def described(descr="'<f4'", order="False", shape="(2, 3)", **more):
    return header(f"{{'descr': {descr}, 'fortran_order': {order}, 'shape': {shape}}}", **more)


def archive(members, method=zipfile.ZIP_STORED):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as file:
        for name, contents in members:
            file.writestr(name, contents)
    return bytearray(out.getvalue())


def refuse(message, contents, name="in.npy", program=double):
    """`message` is what comes after the file's name; "x:" in it stands for the words of input x."""
    global refused
    with open(name, "wb") as file:
        file.write(contents)
    done = subprocess.run([program, name, "-o", "out.npz"], capture_output=True, timeout=20)
    wanted = f"{name}: {message}\n".replace(": x: ", ": input 'x': ")
    assert done.stderr.decode() == wanted and done.returncode == 1, f"wanted: {wanted}got:    {done.stderr.decode()}exit {done.returncode}"
    assert not done.stdout and sorted(os.listdir(".")) == [name], os.listdir(".")
    os.remove(name)
    refused += 1


# One array.
refuse("is empty", b"")
refuse("is neither an .npy nor an .npz file", b"x")
refuse("is neither an .npy nor an .npz file", b"GIF89a" * 100)
refuse("x: is no .npy file", b"\x93NUMBY\x01\x00v\x00{}")
refuse("x: ends within its header", b"\x93NUMPY\x01")
refuse("x: ends within its header", npy(good)[:100])
refuse("x: is of .npy version 4, the known ones are 1 to 3", described(version=4))
refuse("x: has a header of 4294967295 bytes, that of a plain array is shorter than 4096", b"\x93NUMPY\x02\x00\xff\xff\xff\xff{}")
refuse("x: has a header of 65535 bytes, that of a plain array is shorter than 4096", b"\x93NUMPY\x01\x00\xff\xff" + b" " * 70000)
for text in ("", "{", "{}", "{'descr': '<f4'}", "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)}",
             "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), 'more': 1}", "{'descr': <f4, 'fortran_order': False, 'shape': (2, 3)}",
             "{'descr': '<f4' 'fortran_order': False, 'shape': (2, 3)}", "{'descr': '<f4', 'fortran_order': Maybe, 'shape': (2, 3)}",
             "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)} + exit()", "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3)",
             "{'descr': '" + "f" * 100 + "', 'fortran_order': False, 'shape': (2, 3)}", "{'descr': '<f4, 'fortran_order': False, 'shape': (2, 3)}"):
    refuse("x: has a header that is not numpy's", header(text))
for shape in ("2", "(2)", "[2, 3]", "(2, -3)", "(2, 3", "(2 3)", "(2, , 3)", "(2, 3.0)", "(2, 99999999999999999999)", "(" + "1, " * 65 + ")"):
    refuse("x: has a header that is not numpy's", described(shape=shape))
refuse("x: is an array of records, not of numbers", npy(np.zeros(3, [("a", "f4"), ("b", "i8")])))
refuse("x: is float64[2,3], the model wants float32[2,3]", npy(good.astype("f8")))
refuse("x: is '>f4'[2,3], the model wants float32[2,3]", npy(good.astype(">f4")))
refuse("x: is '<U3'[2], the model wants float32[2,3]", npy(np.array(["one", "two"])))
refuse("x: is '|O'[2,3], the model wants float32[2,3]", npy(good.astype(object)))
refuse("x: is '<M8[s]'[2], the model wants float32[2,3]", npy(np.zeros(2, "M8[s]")))
refuse("x: is '<V4'[2,3], the model wants float32[2,3]", described("'<V4'"))
refuse("x: is float32[3,2], the model wants float32[2,3]", npy(good.T))
refuse("x: is float32[6], the model wants float32[2,3]", npy(good.ravel()))
refuse("x: is float32[], the model wants float32[2,3]", npy(good[0, 0]))
refuse("x: is float32[1,2,3], the model wants float32[2,3]", npy(good[None]))
refuse("x: is float32[9223372036854775807,9223372036854775807], the model wants float32[2,3]", described(shape="(9223372036854775807, 9223372036854775807)"))
refuse("x: is float32[" + ",".join(["1"] * 64) + "], the model wants float32[2,3]", described(shape="(" + "1, " * 64 + ")"))
refuse("x: has 20 bytes of data, float32[2,3] takes 24", npy(good)[:-4])
refuse("x: has 28 bytes of data, float32[2,3] takes 24", npy(good) + b"more")
refuse("is one array, the model has 2 inputs", npy(good), program=rows)

# An archive.
refuse("input 'x' is missing", archive([]), "in.npz")
refuse("has 'z', which is no input of the model", archive([("x.npy", npy(good)), ("z.npy", npy(good))]), "in.npz")
refuse("has 'arr_1', which is no input of the model", archive([("arr_1.npy", npy(good))]), "in.npz")
for name in ("arr_00", "arr_", "arr_-0", "arr_0x", "arr_18446744073709551616", "", "x\n\x1b[2J"):
    refuse(f"has '{name}', which is no input of the model".replace("\n", "?").replace("\x1b", "?"), archive([(name + ".npy", npy(good))]), "in.npz")
refuse("its member 'readme' is no .npy", archive([("readme", b"")]), "in.npz")
refuse("its member 'x/' is no .npy", archive([("x/", b"")]), "in.npz")
refuse("has input 'x' twice", archive([("x.npy", npy(good)), ("arr_0.npy", npy(good))]), "in.npz")
warnings.simplefilter("ignore")  # zipfile's of the duplicate name
refuse("has input 'x' twice", archive([("x.npy", npy(good)), ("x.npy", npy(good))]), "in.npz")
refuse("x: is float64[2,3], the model wants float32[2,3]", archive([("x.npy", npy(good.astype("f8")))]), "in.npz")
refuse("x: is float64[2,3], the model wants float32[2,3]", archive([("x.npy", npy(good.astype("f8")))], zipfile.ZIP_DEFLATED), "in.npz")
refuse("x: is no .npy file", archive([("x.npy", b"")]), "in.npz")
refuse("x: is no .npy file", archive([("x.npy", b"")], zipfile.ZIP_DEFLATED), "in.npz")
refuse("x: has 20 bytes of data, float32[2,3] takes 24", archive([("x.npy", npy(good)[:-4])]), "in.npz")
refuse("its member 'x.npy' has compression method 12, the known ones are 0 (stored) and 8 (deflated)", archive([("x.npy", npy(good))], zipfile.ZIP_BZIP2), "in.npz")
refuse("is no .npz file, or is cut off (a zip file's directory is at its end)", b"PK", "in.npz")
plain, packed = archive([("x.npy", npy(good))]), archive([("x.npy", npy(good))], zipfile.ZIP_DEFLATED)
for cut in (1, 21, 22, 23, 40, 100):
    refuse("is no .npz file, or is cut off (a zip file's directory is at its end)", plain[:-cut], "in.npz")


def patched(contents, record, offset, value):
    """Replaces bytes at an offset in the last record of a kind."""
    contents = bytearray(contents)
    at = contents.rindex(record) + offset
    contents[at : at + len(value)] = value
    return contents


LOCAL, ENTRY, END = b"PK\3\4", b"PK\1\2", b"PK\5\6"
huge = b"\xfe\xff\xff\xff"
refuse("is a part of a split archive", patched(plain, END, 4, b"\1\0"), "in.npz")
for offset, value in ((10, b"\2\0"), (12, huge), (16, huge)):
    refuse("its directory lies outside the file", patched(plain, END, offset, value), "in.npz")
refuse("its directory is damaged", patched(plain, END, 16, struct.pack("<I", 4)), "in.npz")
for field in (28, 30, 32):
    refuse("its directory is damaged", patched(plain, ENTRY, field, b"\xff\xff"), "in.npz")
refuse("its member 'x.npy' is encrypted", patched(plain, ENTRY, 8, b"\1"), "in.npz")
for field in (20, 24, 42):
    refuse("the sizes of its member 'x.npy' are not possible", patched(plain, ENTRY, field, huge), "in.npz")
    refuse("the sizes of its member 'x.npy' are not possible", patched(plain, ENTRY, field, b"\xff\xff\xff\xff"), "in.npz")
refuse("the sizes of its member 'x.npy' are not possible", patched(packed, ENTRY, 24, huge), "in.npz")
refuse("x: its header and its entry in the directory differ", patched(plain, LOCAL, 2, b"\7"), "in.npz")
refuse("x: its header and its entry in the directory differ", patched(plain, LOCAL, 26, b"\6"), "in.npz")
refuse("x: its header and its entry in the directory differ", patched(plain, LOCAL, 28, b"\xff\xff"), "in.npz")
refuse("x: its header and its entry in the directory differ", patched(plain, LOCAL, 30, b"y"), "in.npz")
refuse("x: its header and its entry in the directory differ", patched(plain, LOCAL, 8, b"\10"), "in.npz")
refuse("x: its data is damaged (the CRC-32 differs)", patched(plain, b"\n", 1, b"\1\2\3\4"), "in.npz")
refuse("x: its data is damaged (the CRC-32 differs)", patched(packed, ENTRY, 16, b"\0\0\0\0"), "in.npz")
size = struct.unpack_from("<I", packed, packed.rindex(ENTRY) + 24)[0]
refuse("x: has 28 bytes of data, float32[2,3] takes 24", patched(packed, ENTRY, 24, struct.pack("<I", size + 4)), "in.npz")
for change, word in ((b"more", "more"), (b"", "less")):
    wrong = archive([("x.npy", npy(good) + change if change else npy(good)[:-4])], zipfile.ZIP_DEFLATED)
    refuse(f"x: has {word} data than its header says", patched(wrong, ENTRY, 24, struct.pack("<I", size)), "in.npz")
refuse("x: its compressed data is damaged", patched(packed, LOCAL, 35, b"\xff"), "in.npz")
refuse("x: its compressed data is damaged", patched(packed, ENTRY, 20, struct.pack("<I", 9)), "in.npz")

# Shapes that are known at run time.
a, b = np.zeros((4, 2), "f4"), np.zeros((5, 3), "f4")


def both(a, b):
    return archive([("a.npy", npy(a)), ("b/weird.npy", npy(b))])


refuse("input 'b/weird': dim 0 ('batch') is 5, and dim 0 of input 'a', of the same name, is 4", both(a, b), "in.npz", rows)
refuse("input 'a': is int8[4,2], the model wants float32[batch,n]", both(a.astype("i1"), b), "in.npz", rows)
refuse("input 'b/weird': is float32[4,2], the model wants float32[batch,3]", both(a, a), "in.npz", rows)
refuse("input 'a': float32[4611686018427387904,4] has more elements than can be counted",
       archive([("a.npy", described(shape="(4611686018427387904, 4)")), ("b/weird.npy", npy(b))]), "in.npz", rows)
refuse("input 'a': has 24 bytes of data, float32[1000000000000,1] takes 4000000000000",
       archive([("a.npy", described(shape="(1000000000000, 1)")), ("b/weird.npy", npy(b))]), "in.npz", rows)
refuse("input 'a': has 24 bytes of data, float32[9223372036854775807,0] takes 0",
       archive([("a.npy", described(shape="(9223372036854775807, 0)")), ("b/weird.npy", npy(b))]), "in.npz", rows)

# An archive and something else.
with open("x.npy", "wb") as file:
    file.write(npy(good))
for order in (["in.npz", "x.npy"], ["x.npy", "in.npz"]):
    with open("in.npz", "wb") as file:
        file.write(plain)
    done = subprocess.run([rows, *order], capture_output=True, text=True)
    assert done.returncode == 1 and done.stderr == "in.npz: is an .npz, which comes alone, with all inputs in it\n", done.stderr
print(refused, "files refused")
