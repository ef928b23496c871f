"""machine_peak.py - says what this machine is, and measures what it can physically do: FMA peak, int8 peak and bandwidths.

    python3 tools/bench/machine_peak.py [--threads 1 2] [--out machine.json]

Compiles machine_peak.c and prints one JSON object: {"cpu", "cores", "vectors", "cache_bytes": {level: bytes}, "peak": {"1":
{"fma_gflops", "fma512_gflops" (only with AVX-512), "int8_gops" (only on x86), "read_gbs", "copy_gbs", "triad_gbs", "l2_read_gbs",
"l3_read_gbs"}, "2": ...}}. Arrays are twice the last-level cache, 256 MB at least. What an older FILE of the same processor has
better is kept.
"""

import argparse
import json
import os
import pathlib
import platform
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).with_name("machine_peak.c")


def describe():
    """What the kernel says of the processor: its name, cores and widest vectors."""
    facts = {}
    for line in open("/proc/cpuinfo"):
        key, _, value = line.partition(":")
        facts.setdefault(key.strip(), value.strip())
    flags = facts.get("flags", "").split()
    vectors = [word for word, flag in (("AVX-512", "avx512f"), ("AVX2", "avx2"), ("SSE2", "sse2")) if flag in flags]
    units = [word for word, flag in (("VNNI", "avx512_vnni"), ("VNNI", "avx_vnni"), ("BF16", "avx512_bf16"), ("AMX", "amx_tile")) if flag in flags]
    name = facts.get("model name", platform.machine())
    if "cpu family" in facts:
        name += f" (family {facts['cpu family']}, model {facts['model']})"
    return {"cpu": name, "cores": len(os.sched_getaffinity(0)), "vectors": " ".join(dict.fromkeys([*vectors[:1], *units]))}


def cache_bytes():
    """{level: bytes} of the first core's data caches, as the kernel tells; what it does not tell is guessed small."""
    found = {2: 512 << 10, 3: 8 << 20}
    for index in pathlib.Path("/sys/devices/system/cpu/cpu0/cache").glob("index*"):
        try:
            level, kind, size = ((index / name).read_text().strip() for name in ("level", "type", "size"))
        except OSError:
            continue
        if kind != "Instruction":
            found[int(level)] = int(size[:-1]) << {"K": 10, "M": 20}[size[-1]]
    return found


def measure(threads, compiler="gcc"):
    """{number of threads as a string: figures}."""
    caches = cache_bytes()
    array = max(256, 2 * caches[3] >> 20)

    def run(n):
        beyond = min(8 << 20, max(2 * caches[2], caches[3] // (2 * n)))
        return json.loads(subprocess.check_output([program, *map(str, (n, array, caches[2] >> 12, beyond >> 10))]))

    with tempfile.TemporaryDirectory() as folder:
        program = os.path.join(folder, "machine_peak")
        subprocess.check_call([compiler, "-O3", "-march=native", "-fopenmp", str(SOURCE), "-o", program])
        return {str(n): run(n) for n in threads}


def keep_best(found, earlier):
    """Takes over what was better before on the same processor: other processes only ever lower a figure."""
    if any(found[key] != earlier.get(key) for key in ("cpu", "cores", "vectors")):
        return
    for threads, figures in found["peak"].items():
        for name, figure in earlier["peak"].get(threads, {}).items():
            figures[name] = max(figure, figures.get(name, figure))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--compiler", default=os.environ.get("CC", "gcc"))
    parser.add_argument("--out", type=pathlib.Path)
    options = parser.parse_args()
    found = {**describe(), "cache_bytes": cache_bytes(), "peak": measure(options.threads, options.compiler)}
    if options.out and options.out.exists():
        keep_best(found, json.loads(options.out.read_text()))
    text = json.dumps(found, indent=1)
    print(text)
    if options.out:
        options.out.write_text(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
