"""seeds.py - writes small files of each kind for fuzz-readers to begin with."""

import argparse
import gzip
import io
import json
import pathlib
import struct
import zipfile
import zlib

import numpy as np

IDX, CSV, NPY, NPZ, TENSORS, IMAGES, TEXT, WEIGHTS = range(8)
parser = argparse.ArgumentParser(description=__doc__)
parser.add_argument("folder", type=pathlib.Path)
folder = parser.parse_args().folder
folder.mkdir(parents=True, exist_ok=True)
x, y = np.arange(24, dtype="f4").reshape(6, 4), np.arange(6) % 3


def seed(name, kind, data, *options):
    for option in options or (0,):
        (folder / f"{name}-{option}").write_bytes(bytes([kind, option]) + data)


def saved(array, order="C"):
    file = io.BytesIO()
    np.save(file, np.asarray(array, order=order))
    return file.getvalue()


def archive(method):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as members:
        for name, array in (("x", x), ("y", y)):
            members.writestr(zipfile.ZipInfo(name + ".npy"), saved(array), method)
    data = bytearray(file.getvalue())
    # Checksums of zip: at 14 of a member's header, at 16 of its entry.
    for mark, place in ((b"PK\3\4", 14), (b"PK\1\2", 16)):
        at = -1
        while (at := data.find(mark, at + 1)) >= 0:
            data[at + place : at + place + 4] = bytes(4)
    return bytes(data)


def tensors(**more):
    head = {"x": {"dtype": "F32", "shape": [6, 4], "data_offsets": [0, 96]}, "y": {"dtype": "I64", "shape": [6], "data_offsets": [96, 144]}, **more}
    text = json.dumps(head).encode()
    return struct.pack("<Q", len(text)) + text + x.tobytes() + y.tobytes()


def png(channels, colour, bits=8, interlaced=0):
    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + bytes(4)

    rows = b"".join(bytes([i % 5]) + bytes(range(i, i + 4 * channels * bits // 8)) for i in range(5))
    palette = chunk(b"PLTE", bytes(range(48))) if colour == 3 else b""
    head = struct.pack(">IIBBBBB", 4, 5, bits, colour, 0, 0, interlaced)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + palette + chunk(b"IDAT", zlib.compress(rows + bytes(99))) + chunk(b"IEND", b"")


def jpeg():
    """A grey square of 8x8: tables of one, a Huffman code of one symbol each."""
    def part(mark, data):
        return bytes([255, mark]) + struct.pack(">H", len(data) + 2) + data

    table = bytes([1] + [0] * 15)
    return (b"\xff\xd8" + part(0xDB, b"\0" + bytes([1] * 64)) + part(0xC0, struct.pack(">BHHB", 8, 8, 8, 1) + b"\1\x11\0")
            + part(0xC4, b"\0" + table + b"\0") + part(0xC4, b"\x10" + table + b"\0") + part(0xDA, b"\1\1\0\0\x3f\0") + b"\0\xff\xd9")


idx = b"\0\0\x0d\2" + struct.pack(">2I", 6, 4) + x.astype(">f4").tobytes()
labels = b"\0\0\x08\1" + struct.pack(">I", 6) + bytes(y.tolist())
packed = gzip.compress(idx, mtime=0)
seed("idx", IDX, idx, 0, 9, 36)
seed("labels", IDX, labels, 4, 12)
seed("packed", IDX, packed[:-8] + bytes(4) + packed[-4:], 0, 8)
seed("csv", CSV, b'p,q,y\n1,2.5,a\n"3",-4e3,"b ""x"""\r\n5,6,c\n7,8,a\n', 4, 12, 28, 29)
seed("gaps", CSV, b"p,q,y\n1,NA,2\n,4,1\n5,6,0\n", 5, 6, 7, 30)
seed("bare", CSV, b"1;a;3\n2;b;4\n3;a;5\n", 64, 88)
seed("npy", NPY, saved(x), 0, 1, 6)
seed("fortran", NPY, saved(x.astype("f8"), "F"), 0, 4)
for kind in ("u1", "i2", "u4", "i8", "u8", "f2", "?"):
    seed("npy-" + kind.replace("?", "b"), NPY, saved(y.astype(kind)), 5, 13)
seed("npz", NPZ, archive(zipfile.ZIP_STORED), 0, 16)
seed("deflated", NPZ, archive(zipfile.ZIP_DEFLATED), 0, 16)
seed("tensors", TENSORS, tensors(), 0, 16)
sums = {"crc32c.x": "0" * 8, "crc32c.y": "0" * 8, "burnish.checksum": "0" * 8, "format": "a\u00e9\n"}
seed("weights", WEIGHTS, tensors(__metadata__=sums))
for name, data in (("grey", png(1, 0)), ("rgb", png(3, 2)), ("rgba", png(4, 6)), ("deep", png(1, 0, 16)), ("palette", png(1, 3)), ("interlaced", png(1, 0, 8, 1)), ("jpeg", jpeg())):
    seed(name, IMAGES, data, 0, 1, 6, 7)
seed("text", TEXT, b"abcdefgh" * 4, 0, 11, 63)
