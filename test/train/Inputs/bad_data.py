"""bad_data.py - gives compiled trainings data that is wrong in one place, and compares what they say."""

import gzip
import io
import json
import os
import pathlib
import shutil
import struct
import subprocess
import time
import zipfile
import zlib

import numpy as np

NET = """use std
net n(x: {type}) -> f32[N, 3] {{ x {body}|> dense(8) as a |> tanh |> dense(3) as b }}
train n {{
  data (x{scale}, y) from {source}
  split {split}
  batch N = 4, shuffle
  loss cross_entropy(n(x), y)
  update adamw(lr = 0.01)
  metric accuracy
  epochs 2
  save "out.safetensors"
{more}}}
"""
WORDS = """use std
net letters({input}) -> f32[N, 8, 5] {{ {ids} |> embed(5, 8) as e |> dense(5) as h }}
train letters {{
  data {data}
  batch N = 4, shuffle
  loss cross_entropy(letters({first}), {next})
  update adam(lr = 0.01)
  epochs 1
  save "out.safetensors"
}}
"""
random = np.random.default_rng(1)
kept = {}
count = 0


def build(name, text):
    pathlib.Path(name + ".nn").write_text(text)
    done = subprocess.run(["burnish", name + ".nn", "--train", "-o", name], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def table(name, source, split="train 75%, val 25%", more="", type="f32[N, 4]", body="", scale=""):
    build(name, NET.format(source=source, split=split, more=more, type=type, body=body, scale=scale))


def write(name, data):
    path = pathlib.Path(name)
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_bytes(data if isinstance(data, bytes) else data.encode())


def run(program, **more):
    return subprocess.run([f"./{program}", "--threads=1"], capture_output=True, text=True, timeout=60, **more)


def takes(program):
    done = run(program)
    assert done.returncode == 0 and not done.stderr, done
    kept.update({path: path.read_bytes() for path in map(pathlib.Path, ("out.safetensors", "out.checkpoint")) if path.exists()})


def refuses(program, error, **more):
    global count
    count += 1
    done = run(program, **more)
    assert done.returncode == 1 and done.stderr == f"{program}: {error}\n", (error, done)
    for path, content in kept.items():
        assert path.read_bytes() == content, path


#---- tables ----

def csv():
    table("csv", 'csv("t.csv")')
    rows = [",".join([*(f"{value:.4f}" for value in random.standard_normal(4)), "abc"[i % 3]]) for i in range(40)]
    head = "p,q,r,s,y"

    def text(*middle, head=head, rows=rows):
        return "\n".join([head, *rows[:5], *middle, *rows[5:]]) + "\n"

    for good in (text(), b"\xef\xbb\xbf" + text(head='"p",q,r,s,y').replace("\n", "\r\n").encode(), text().rstrip()):
        write("t.csv", good)
        takes("csv")
    # A number of the recipe in the place of what is missing.
    table("gaps", 'csv("t.csv", missing = 0.5)')
    weights = []
    for value in ("", "0.5"):
        write("t.csv", text(f"1,2,{value},4,a"))
        takes("gaps")
        weights.append(kept[pathlib.Path("out.safetensors")])
    assert weights[0] == weights[1]
    at = "./t.csv: row 5 (line 7): "
    for bad, error in [
        (text("1,2,3"), at + "has 3 fields, the first row 5"),
        (text("1,2,3,4,a,"), at + "has 6 fields, the first row 5"),
        (text("1,2,x,4,a"), at + "column 'r': 'x' is no number"),
        (text("1,2,1.2.3,4,a"), at + "column 'r': '1.2.3' is no number"),
        (text("1,2,0x10,4,a"), at + "column 'r': '0x10' is no number"),
        (text("1,2,\x1b[2Jx,4,a"), at + "column 'r': '?[2Jx' is no number"),
        (text("1,2," + "1" * 70 + ",4,a"), at + "column 'r': '" + "1" * 60 + "' is no number"),
        (text("1,2,,4,a"), at + "column 'r': the value is missing"),
        (text("1,2,nan,4,a"), at + "column 'r': the value is missing"),
        (text("1,2,-nan,4,a"), at + "column 'r': '-nan' is not finite"),
        (text("1,2,inf,4,a"), at + "column 'r': 'inf' is not finite"),
        (text("1,2,1e39,4,a"), at + "column 'r': '1e39' is not finite"),
        (text("1,2,3,4,"), at + "column 'y': the value is missing"),
        (text('1,2,"3,4,a'), at + "a quoted field has no end or something behind it"),
        (text('1,2,"3"x,4,a'), at + "a quoted field has no end or something behind it"),
        (text(head='"p,q,r,s,y'), "./t.csv: line 1: a quoted field has no end or something behind it"),
        (text("1,2,3,4,d"), "./t.csv: column 'y': has 4 classes ('d' is the last), 3 are told apart"),
        (text("1,2,3\0,4,a"), "./t.csv: is no text: its byte %d is 0" % text("1,2,3\0,4,a").index("\0")),
        (text().encode("utf-16"), "./t.csv: is UTF-16, wanted is UTF-8"),
        (text().replace("\n", "\r"), "./t.csv: its lines end with CR alone, wanted is LF or CR LF"),
        (head + "\n", "./t.csv: has no rows"),
        ("", "./t.csv: has no rows"),
        (text(head="p,q,r,s,z"), "./t.csv: has no column 'y'; it has p, q, r, s, z"),
        (text(head="y,q,r,s,y"), "./t.csv: has two columns 'y'"),
        ("y\na\nb\n", "./t.csv: no column is left for 'x'"),
        ("p,q,r,y\n1,2,3,a\n", "./t.csv: column 'x': a sample is float32[3], and the network wants float32[4]"),
        ("\n".join([head, *rows[:4]]), "./t.csv: 3 samples to train with are fewer than a batch of 4"),
    ]:
        write("t.csv", bad)
        refuses("csv", error)


def arrays():
    table("npz", 'npz("t.npz")')
    table("strat", 'npz("t.npz")', "train 75%, val 25%, stratified by y")
    table("folds", 'npz("t.npz")', "folds 3, stratified by y")
    table("weight", 'npz("t.npz")', more="  balance y by weight\n")
    table("over", 'npz("t.npz")', more="  balance y by oversampling\n")
    table("other", 'npz("t.npz")', 'val (x, y) from npz("v.npz")')
    x, y = random.standard_normal((40, 4)).astype("f4"), np.arange(40) % 3
    place, some = np.arange(160).reshape(40, 4) == 21, np.arange(40) == 7
    rare = np.where((y == 1) & (np.arange(40) > 4), 2, y)
    for good in ({"y": y.astype("u1")}, {"y": y[:, None]}, {"x": x.astype("f2")}, {"x": np.asfortranarray(x.astype("f8"))}, {}):
        np.savez("t.npz", **{"x": x, "y": y, **good})
        takes("npz")
    column = "./t.npz: column 'x': "
    for program, bad, error in [
        ("npz", {"y": np.where(some, 3, y)}, "./t.npz: row 7: column 'y': 3 is outside of 0 to 2"),
        ("npz", {"y": np.where(some, -1, y)}, "./t.npz: row 7: column 'y': -1 is outside of 0 to 2"),
        ("npz", {"y": np.where(some, 2**64 - 1, y.astype("u8"))}, "./t.npz: row 7: column 'y': -1 is outside of 0 to 2"),
        ("npz", {"y": y + 0.5}, "./t.npz: column 'y': a label is one integer a sample, this is float64[]"),
        ("npz", {"y": np.eye(3)[y]}, "./t.npz: column 'y': a sample is float64[3], and the network wants int64[]"),
        ("npz", {"y": y.astype("U1")}, "./t.npz: 'y': column 'y': is of type '<U1'[40], of which no batch can be made"),
        ("npz", {"x": x.astype("c8")}, column + "is of type complex64, of which no batch can be made"),
        ("npz", {"x": x.astype(">f4")}, "./t.npz: 'x': column 'x': is of type '>f4'[40,4], of which no batch can be made"),
        ("npz", {"x": np.where(place, 1e300, x.astype("f8"))}, "./t.npz: row 5: column 'x': 1e+300 is no float32"),
        ("npz", {"x": np.where(place, np.nan, x)}, "./t.npz: row 5: column 'x': element 1 is NaN"),
        ("npz", {"x": np.where(place, np.float32(-np.inf), x)}, "./t.npz: row 5: column 'x': element 1 is -infinity"),
        ("npz", {"x": x[:30]}, "./t.npz: column 'y': has 40 rows, and 'x' of ./t.npz has 30"),
        ("npz", {"x": x[:, :3]}, column + "a sample is float32[3], and the network wants float32[4]"),
        ("npz", {"x": np.float32(1)}, column + "float32[] has 0 dims, a column has 1 to 9, the first counts samples"),
        ("npz", {"x": x[:0], "y": y[:0]}, column + "float32[0,4] has no elements"),
        ("npz", {"x": x[:3], "y": y[:3]}, "./t.npz: 2 samples to train with are fewer than a batch of 4"),
        ("npz", {"x": x[:1], "y": y[:1]}, "./t.npz: val: 0.25 of 1 rows are no row"),
        ("npz", {"y": None}, "./t.npz: has no array 'y'"),
        ("strat", {"y": np.where(y == 1, 2, y)}, "./t.npz: column 'y': class 1 of 3 has no samples"),
        ("folds", {"x": x[:2], "y": y[:2]}, "./t.npz: 3 folds: there are 2 rows only"),
        ("folds", {"y": rare}, "./t.npz: 3 folds: class 1 has 2 samples only"),
        ("weight", {"y": np.where(y == 1, 2, y)}, "./t.npz: column 'y': class 1 of 3 has none of the 30 samples to balance"),
        ("over", {"y": np.where(y == 2, 1, y)}, "./t.npz: column 'y': class 2 of 3 has none of the 30 samples to balance"),
    ]:
        np.savez("t.npz", **{key: value for key, value in {"x": x, "y": y, **bad}.items() if value is not None})
        refuses(program, error)
    # What is held back is looked at before the first step, too.
    np.savez("t.npz", x=x, y=y)
    for bad, error in [({"y": y + 1}, "row 2: column 'y': 3 is outside of 0 to 2"), ({"x": x[:0], "y": y[:0]}, "column 'x': float32[0,4] has no elements"),
                       ({"x": np.where(place, 1e39, x.astype("f8"))}, "row 5: column 'x': 1e+39 is no float32")]:
        np.savez("v.npz", **{"x": x, "y": y, **bad})
        refuses("other", "./v.npz: " + error)


def header(descr, shape, fortran=False):
    text = f"{{'descr': '{descr}', 'fortran_order': {fortran}, 'shape': {shape}, }}".ljust(117) + "\n"
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text.encode()


def numpy():
    table("npy", 'npy("x.npy", "y.npy")')
    x, y = random.standard_normal((40, 4)).astype("<f4").tobytes(), (np.arange(40) % 3).astype("<i8").tobytes()
    write("x.npy", header("<f4", "(40, 4)") + x)
    write("y.npy", header("<i8", "(40,)") + y)
    takes("npy")
    for bad, error in [
        (header("<f4", "(40, 4)") + x[:-1], "has 639 bytes of data, float32[40,4] takes 640"),
        (header("<f4", "(40, 4)") + x + b"x", "has 641 bytes of data, float32[40,4] takes 640"),
        (header("<f4", "(40, 4)")[:40], "ends within its header"),
        (b"", "is no .npy file"),
        (header("|O", "(40, 4)") + x, "column 'x': is of type '|O'[40,4], of which no batch can be made"),
        (header("<f4", "(4611686018427387904, 4)") + x, "column 'x': float32[4611686018427387904,4] has more elements than can be counted"),
        (header("<f4", "(99999999999999999999, 4)") + x, "has a header that is not numpy's"),
        (header("<f4", "(-40, 4)") + x, "has a header that is not numpy's"),
    ]:
        write("x.npy", bad)
        refuses("npy", "./x.npy: " + error)

    def archive(method, data):
        file = io.BytesIO()
        with zipfile.ZipFile(file, "w", method) as members:
            members.writestr("x.npy", data)
            members.writestr("y.npy", header("<i8", "(40,)") + y)
        return file.getvalue()

    good = archive(zipfile.ZIP_STORED, header("<f4", "(40, 4)") + x)
    packed = archive(zipfile.ZIP_DEFLATED, header("<f4", "(40, 4)") + x)
    no_zip = "is no .npz file, or is cut off (a zip file's directory is at its end)"
    for bad, error in [
        (good[:-1], no_zip), (good[: len(good) // 2], no_zip), (b"", no_zip), (good + b"x", no_zip),
        (good[:300] + bytes([good[300] ^ 1]) + good[301:], "'x': its data is damaged (the CRC-32 differs)"),
        (packed[:60] + bytes([packed[60] ^ 255]) + packed[61:], None),
        # Sizes of terabytes and of gigabytes, which nothing is behind.
        (archive(zipfile.ZIP_DEFLATED, header("<f4", "(1000000000000, 4)") + x), "'x': has 640 bytes of data, float32[1000000000000,4] takes 16000000000000"),
        (archive(zipfile.ZIP_DEFLATED, header("<f4", "(100000000, 4)") + bytes(64)), "'x': has 64 bytes of data, float32[100000000,4] takes 1600000000"),
    ]:
        write("t.npz", bad)
        if error:
            refuses("npz", "./t.npz: " + error)
        else:
            done = run("npz")
            assert done.returncode == 1 and done.stderr.startswith("npz: ./t.npz: 'x': "), done


def idx():
    table("idx", 'idx("x.idx", "y.idx")')
    x = b"\0\0\x0d\2" + struct.pack(">2I", 40, 4) + random.standard_normal((40, 4)).astype(">f4").tobytes()
    y = b"\0\0\x08\1" + struct.pack(">I", 40) + bytes(i % 3 for i in range(40))
    packed = gzip.compress(x)
    write("y.idx", y)
    for good in (x, packed):
        write("x.idx", good)
        takes("idx")
    for bad, error in [
        (b"\1" + x[1:], "is no idx file"), (x[:2] + b"\x0a" + x[3:], "is no idx file"), (b"", "is no idx file"),
        (x[:9], "ends within its header"),
        (b"\0\0\x0d\xc8" + x[4:], "has 200 dims, a column has 1 to 9, the first counts samples"),
        (x[:-3], "has 637 bytes of data, 40 rows of 16 bytes take 640"), (x + b"abc", "has 643 bytes of data, 40 rows of 16 bytes take 640"),
        (b"\0\0\x0d\2" + struct.pack(">2I", 2**32 - 1, 2**32 - 1), "column 'x': float32[4294967295,4294967295] has more elements than can be counted"),
        (b"\0\0\x0d\2" + struct.pack(">2I", 0, 4), "column 'x': float32[0,4] has no elements"),
        (x[:32] + b"\x7f\xc0\0\0" + x[36:], "row 1: column 'x': element 1 is NaN"),
        (packed[:5], "has a damaged gzip header"), (packed[:3] + b"\xff" + packed[4:], "has a damaged gzip header"),
        (packed[:-10], "its compressed data is damaged"), (packed[:-6] + b"x" + packed[-5:], "its data is damaged (the CRC-32 differs)"),
        (packed + b"abc", "something follows its compressed data"), (packed + packed, "something follows its compressed data"),
        (packed[:-1] + b"\7", "holds 652 bytes, its end says 117441164"),
        (gzip.compress(b"\0\0\x0d\2" + struct.pack(">2I", 10**8, 4) + bytes(64)), "has 15 bytes of compressed data, 100000000 rows of 16 bytes take 1600000000"),
    ]:
        write("x.idx", bad)
        refuses("idx", "./x.idx: " + error)
    write("x.idx", x)
    for bad, error in [(y[:8] + bytes([3]) + y[9:], "row 0: column 'y': 3 is outside of 0 to 2"),
                       (y[:7] + b"\x27" + y[8:-1], "column 'y': has 39 rows, and 'x' of ./x.idx has 40")]:
        write("y.idx", bad)
        refuses("idx", "./y.idx: " + error)


def tensors():
    table("tensors", 'safetensors("t.safetensors")')
    shapes = {"x": {"dtype": "F32", "shape": [40, 4], "data_offsets": [0, 640]}, "y": {"dtype": "I64", "shape": [40], "data_offsets": [640, 960]}}
    x, y = random.standard_normal((40, 4)).astype("f4"), np.arange(40) % 3
    data = x.tobytes() + y.tobytes()

    def file(data=data, meta=None, text=None, **changes):
        names = {**shapes, "x": {**shapes["x"], **changes}, **({"__metadata__": meta} if meta else {})}
        head = json.dumps(names).encode() if text is None else text
        return struct.pack("<Q", len(head)) + head + data

    write("t.safetensors", file())
    takes("tensors")
    for bad, error in [
        (file(data[:-1]), "tensor 'y': bytes 640 to 960 lie outside the data of 959 bytes"), (file(data + b"x"), "1 bytes at its end belong to no tensor"),
        (file(data_offsets=[320, 960]), "tensor 'x': overlaps the one before or leaves a gap"),
        (file(data_offsets=[0, 639]), "tensor 'x': float32[40,4] has not 639 bytes"),
        (file(data_offsets=[640, 0]), "tensor 'x': bytes 640 to 0 lie outside the data of 960 bytes"),
        (file(data_offsets=[0, 2**64 + 640]), "header, byte 80: a number from 0 to 2^63 - 1 is missing"),
        (file(shape=[2**62, 4]), "tensor 'x': float32[4611686018427387904,4] has not 640 bytes"),
        (file(shape=[-40, 4]), "header, byte 33: a number from 0 to 2^63 - 1 is missing"), (file(dtype="F33"), "tensor 'x': type 'F33' is unknown"),
        (file(text=b"hello"), "header, byte 0: '{' is missing"), (file(text=b"[" * 9999), "header, byte 0: '{' is missing"),
        (struct.pack("<Q", 2**63) + bytes(99), "a header of 9223372036854775808 bytes does not fit its 107 bytes"), (b"", "has 0 bytes, a safetensors file at least 8"),
        (file(meta={"crc32c.y": "00000000"}), None),
        (file(np.where(x == x[5, 1], np.float32(np.inf), x).tobytes() + y.tobytes()), "row 5: column 'x': element 1 is infinity"),
        (file(text=json.dumps({"x": shapes["x"]}).encode(), data=data[:640]), "has no tensor 'y'"),
    ]:
        write("t.safetensors", bad)
        if error:
            refuses("tensors", "./t.safetensors: " + error)
        else:
            assert "./t.safetensors: tensor 'y': is damaged (its CRC-32C is " in run("tensors").stderr


#---- pictures and texts ----

def png(width, height, channels=1, pixels=None):
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    if pixels is None:
        pixels = b"".join(b"\0" + bytes(random.integers(0, 256, width * channels, dtype="u1")) for _ in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, {1: 0, 3: 2, 4: 6}[channels], 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")


def images():
    table("images", 'images("pics")', type="f32[N, 1, 4, 4]", body="|> flatten ", scale=" / 255")

    def folder(**more):
        shutil.rmtree("pics", ignore_errors=True)
        for name in "abc":
            for i in range(8):
                write(f"pics/{name}/{i}.png", png(4, 4))
        for name, data in more.items():
            write("pics/" + name.replace("_", "/").replace("-", "."), data)

    folder(**{"-hidden": b"", "b_-DS": b"", "b_rgba-png": png(4, 4, 4)})
    takes("images")
    good, x = png(4, 4), "./pics/b/x: "
    for name, bad, error in [
        ("b_x", good[:-30], x + "is damaged or cut off"), ("b_x", good[:45] + bytes([good[45] ^ 1]) + good[46:], x + "is damaged or cut off"),
        ("b_x", good[:20], x + "is damaged or cut off"), ("b_x", png(0, 0), x + "no picture can be what its header says"),
        ("b_x", png(60000, 60000, pixels=b""), x + "no picture can be what its header says"), ("b_x", png(20000, 20000, pixels=b""), x + "20000 by 20000 pixels are too many"),
        ("b_x", png(4, 4, pixels=b"\0" * 9), x + "is damaged (not enough pixels)"),
        ("b_x", b"\xff\xd8\xff\xe0" + bytes(99), x + "is damaged or cut off"),
        # A Huffman code of 510 symbols, and a picture that ends before it is whole.
        ("b_x", b"\xff\xd8\xff\xc4\x02\x11\0" + bytes([255, 255] + [0] * 14 + [0] * 510) + b"\xff\xd9", x + "is damaged or cut off"),
        ("b_x", b"\xff\xd8\xff\xda\0\2abc", x + "is damaged or cut off"),
        ("b_x", b"", x + "is no PNG or JPEG picture"), ("b_x", b"hello", x + "is no PNG or JPEG picture"),
        ("b_x", png(5, 4), x + "has 4 by 5 pixels, and ./pics/a/0.png 4 by 4"), ("b_x_y", b"", "./pics/b/x: is a folder"),
        ("readme", b"", "./pics/readme: is no folder; pictures are in a folder for each class"),
        ("d_x", png(4, 4), "./pics: column 'y': has 4 classes ('d' is the last), 3 are told apart"),
    ]:
        folder(**{name: bad})
        refuses("images", error)
    folder()
    os.mkdir("pics/d")
    refuses("images", "./pics/d: has no pictures")
    shutil.rmtree("pics")
    refuses("images", "./pics: cannot open: No such file or directory")
    os.mkdir("pics")
    refuses("images", "./pics: has no subfolders, which would be the classes")


def words():
    build("words", WORDS.format(input="ids: i64[N, 8]", ids="ids", data='(ids, next) from npz("t.npz")', first="ids", next="next"))
    build("text", WORDS.format(input="t: i64[N, 9]", ids="t[:, 0:8]", data='t from text("t.txt", window = 9, stride = 8)', first="t", next="t[:, 1:9]"))
    ids, after = random.integers(0, 5, (2, 40, 8))
    np.savez("t.npz", ids=ids, next=after)
    takes("words")
    for name in ("ids", "next"):
        for wrong in (5, -1, 10**15):
            bad = {"ids": ids.copy(), "next": after.copy()}
            bad[name][6, 2] = wrong
            np.savez("t.npz", **bad)
            refuses("words", f"./t.npz: row 6: column '{name}': {wrong} is outside of 0 to 4")
    np.savez("t.npz", ids=ids + 0.5 * (ids == 3), next=after)
    refuses("words", f"./t.npz: row {np.argwhere(ids == 3)[0][0]}: column 'ids': 3.5 is no int64")
    write("t.txt", bytes([0, 1, 2, 3, 4] * 30))
    takes("text")
    for bad, error in [(b"", "has 0 bytes, a window 9"), (bytes(8), "has 8 bytes, a window 9"), (bytes(9), "1 samples to train with are fewer than a batch of 4"),
                       (bytes(80) + b"\5" + bytes(80), "row 10: column 't': 5 is outside of 0 to 4"), (bytes(80) + b"\5", "row 9: column 't': 5 is outside of 0 to 4")]:
        write("t.txt", bad)
        refuses("text", "./t.txt: " + error)


#---- files that are none ----

def files():
    for program, name in (("csv", "t.csv"), ("npz", "t.npz"), ("npy", "x.npy"), ("idx", "x.idx"), ("tensors", "t.safetensors"), ("text", "t.txt")):
        os.remove(name)
        refuses(program, f"./{name}: cannot open: No such file or directory")
        os.mkdir(name)
        refuses(program, f"./{name}: is a folder")
        os.rmdir(name)
        write(name, b"")
        os.chmod(name, 0)
        # Root may read everything.
        if os.geteuid() != 0:
            refuses(program, f"./{name}: cannot open: Permission denied")
    # A file that is made shorter while it is in use, at any time.
    x, y = np.zeros((400000, 4), "f4"), np.arange(400000) % 3
    os.remove("x.npy")
    np.save("y.npy", y)
    for pause in (0.001, 0.003, 0.01, 0.1, 0.4):
        np.save("x.npy", x)
        process = subprocess.Popen(["./npy", "--epochs=1000"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        time.sleep(pause)
        os.truncate("x.npy", 1000)
        error = process.communicate(timeout=60)[1]
        assert process.returncode == 1 and error.startswith("npy: ./x.npy: "), (pause, error)
    os.remove("x.npy")


if __name__ == "__main__":
    for part in (csv, arrays, numpy, idx, tensors, images, words, files):
        before = count
        part()
        print(f"{part.__name__}: {count - before} files, all refused")
    print("nothing lost")
