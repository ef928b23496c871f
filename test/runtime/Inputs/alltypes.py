"""alltypes.py - sends arrays of every element type through a program that copies them, in every form that numpy writes.

usage: alltypes.py PROGRAM SCRATCH_FOLDER
"""

import io
import os
import subprocess
import sys
import zipfile

import ml_dtypes
import numpy as np

program, scratch = sys.argv[1:]
os.makedirs(scratch, exist_ok=True)
NAMES = """float32 uint8 int8 uint16 int16 int32 int64 bool float16 float64 uint32 uint64 complex64 complex128 bfloat16
float8_e4m3fn float8_e4m3fnuz float8_e5m2 float8_e5m2fnuz uint4 int4 float4_e2m1fn float8_e8m0fnu uint2 int2""".split()
random = np.random.default_rng(0)


def dtype(name):
    return np.dtype(getattr(ml_dtypes, name, None) or name)


def sample(name, shape):
    if name == "bool":
        return random.integers(0, 2, shape).astype(bool)
    if name.startswith(("uint4", "int4", "uint2", "int2", "float4", "float8")):
        bits = {"4": 4, "2": 2}.get(name.removeprefix("u")[3], 4 if name.startswith("float4") else 8)
        return np.asarray(random.integers(0, 1 << bits, shape).astype("u1")).view(dtype(name))
    if name.startswith("complex"):
        return np.asarray(random.normal(size=shape) + 1j * random.normal(size=shape)).astype(name)
    if name.startswith(("int", "uint")):
        info = np.iinfo(name)
        return np.asarray(random.integers(info.min, info.max, shape, dtype=name, endpoint=True))
    return np.asarray(random.normal(size=shape)).astype(dtype(name))


arrays = {}
for name in NAMES:
    arrays[name] = sample(name, (3, 5))
    arrays[name + " scalar"] = sample(name, ())


def npy(array, version=None):
    out = io.BytesIO()
    np.lib.format.write_array(out, array, version)
    return out.getvalue()


def archive(path, members, method=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", method) as file:
        for name, contents in members.items():
            file.writestr(name + ".npy", contents)


def run(path):
    out = f"{scratch}/out.npz"
    subprocess.run([program, path, "-o", out], check=True)
    assert zipfile.ZipFile(out).testzip() is None
    return out


def check(what, path):
    results = np.load(run(path))
    assert list(results.files) == list(arrays), what
    for key, wanted in arrays.items():
        got = results[key]
        # numpy reads what ml_dtypes has types for as bytes.
        if got.dtype.kind == "V":
            got = got.view(wanted.dtype)
        # Bits above the four of an int4 are its sign, or none.
        bits = "i1" if key.startswith(("int4", "int2")) else None
        got, wanted = (got.astype(bits), wanted.astype(bits)) if bits else (got, wanted)
        assert got.shape == wanted.shape and got.tobytes() == np.ascontiguousarray(wanted).tobytes(), f"{what}: {key}"


# numpy cannot write '<f1' in a way that it would read; ml_dtypes' float8_e5m2 calls itself so.
path = f"{scratch}/in.npz"
np.savez(path, **arrays)
check("savez", path)
first = open(run(path), "rb").read()
assert open(run(path), "rb").read() == first, "the same arrays, other bytes"
np.savez_compressed(path, **arrays)
check("savez_compressed", path)
assert open(run(path), "rb").read() == first, "the same arrays compressed, other bytes"
np.savez(path, *arrays.values())
check("arr_0, arr_1, ...", path)
np.savez(path, **dict(reversed(arrays.items())))
check("another order", path)
for version in ((1, 0), (2, 0), (3, 0)):
    archive(path, {key: npy(array, version) for key, array in arrays.items()})
    check(f"version {version}", path)
archive(path, {key: npy(np.asfortranarray(array) if array.ndim else array) for key, array in arrays.items()}, zipfile.ZIP_DEFLATED)
check("column-major", path)
archive(path, {key: npy(array).replace(b"'<", b"'=") for key, array in arrays.items()})
check("this machine's order", path)
archive(path, {key: npy(array).replace(b"'descr'", b'"descr"').replace(b", }", b"}  ") for key, array in arrays.items()})
check("another spelling", path)
limit, zipfile.ZIP64_LIMIT = zipfile.ZIP64_LIMIT, 16
np.savez(path, **arrays)
zipfile.ZIP64_LIMIT = limit
assert b"PK\6\6" in open(path, "rb").read()
check("zip64", path)
np.savez(path, **arrays)
with open(path, "r+b") as file:
    contents = file.read()
    file.seek(len(contents) - 2)
    file.write(b"\5\0hello")
check("with a comment", path)
files = []
for index, array in enumerate(arrays.values()):
    files.append(f"{scratch}/{index}.npy")
    open(files[-1], "wb").write(npy(array))
subprocess.run([program, *files, "-o", f"{scratch}/out.npz"], check=True)
assert open(f"{scratch}/out.npz", "rb").read() == first, "one file an input, other bytes"

# The summary knows the value of every bit pattern.
summary = subprocess.run([program, path], check=True, capture_output=True, text=True).stdout
for key, array in arrays.items():
    if array.ndim and array.dtype.kind not in "bc":
        values = np.sort(array.astype(array.dtype if array.dtype.kind in "iu" else "f8"), axis=None)
        values = values[~np.isnan(values)] if values.dtype.kind == "f" else values
        low, high = (str(value) if key[-2:] in ("32", "64") and array.dtype.kind in "iu" else f"{value:.15g}" if key == "float64" else f"{value:.7g}" for value in (values[0], values[-1]))
        assert f"{key}: {key}[3,5], {low} to {high}" in summary, f"{key}: not {low} to {high} in\n{summary}"
print("all types")
