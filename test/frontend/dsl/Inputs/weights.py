"""weights.py - weights for a network in the language, and its inputs, drawn by numpy; and files that are none.

weights.py OUT.safetensors KEY=DIMxDIM ...   writes random float tensors under these keys
"""

import json
import struct
import sys
import zlib

import numpy

FORMAT = {"float32": "F32", "int64": "I64", "float16": "F16", "float64": "F64"}


def save(path, tensors):
    header, data = {}, b""
    for name, tensor in tensors.items():
        raw = numpy.ascontiguousarray(tensor).tobytes()
        header[name] = {
            "dtype": FORMAT[str(tensor.dtype)],
            "shape": list(tensor.shape),
            "data_offsets": [len(data), len(data) + len(raw)],
        }
        data += raw
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def draw(name, dims, scale=0.2):
    """The same numbers for a name, whatever else is drawn."""
    return (numpy.random.default_rng(zlib.crc32(name.encode())).standard_normal(dims) * scale).astype("f4")


if __name__ == "__main__":
    keys = [word.split("=") for word in sys.argv[2:]]
    save(sys.argv[1], {key: draw(key, [int(d) for d in dims.split("x") if d]) for key, dims in keys})
