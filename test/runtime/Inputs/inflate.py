"""inflate.py - compresses bytes of many kinds in zlib's ways, and compares what a program reads.

usage: inflate.py COPY SCRATCH_FOLDER; the program copies uint8[300001].
"""

import subprocess
import sys
import zipfile
import zlib

import numpy as np

program, scratch = sys.argv[1:]
random = np.random.default_rng(0)
size = 300001
kinds = {
    "noise": random.integers(0, 256, size),
    "zeros": np.zeros(size),
    "words": random.integers(0, 3, size) ** 2,
    "period": np.tile(random.integers(0, 256, 32768), 10)[:size],
    "floats": np.frombuffer(random.normal(size=size).astype("f4").round(2).tobytes(), "u1")[:size],
    # Code lengths up to the longest, which only very uneven frequencies give.
    "uneven": np.minimum(random.geometric(0.4, size), 255),
    "runs": np.repeat(random.integers(0, 256, size), random.integers(1, 400, size))[:size],
}
# Fibonacci's numbers as frequencies make a code of 15 bits.
fibonacci = [1, 1]
while sum(fibonacci) < size:
    fibonacci.append(fibonacci[-1] + fibonacci[-2])
kinds["fibonacci"] = random.permutation(np.repeat(np.arange(len(fibonacci)), fibonacci)[:size])
kinds["mixed"] = np.concatenate([array[: size // 8 + 1] for array in kinds.values()])[:size]
streams = 0
for kind, array in kinds.items():
    array = array.astype("u1")
    for level, strategy in ((9, zlib.Z_DEFAULT_STRATEGY), (1, zlib.Z_HUFFMAN_ONLY), (6, zlib.Z_FIXED)):
        zipfile._get_compressor = lambda *_: zlib.compressobj(level, zlib.DEFLATED, -15, 9, strategy)
        np.savez_compressed(f"{scratch}/in.npz", x=array)
        subprocess.run([program, f"{scratch}/in.npz", "-o", f"{scratch}/out.npy"], check=True)
        assert (np.load(f"{scratch}/out.npy") == array).all(), (kind, level, strategy)
        streams += 1
print(streams, "streams")
