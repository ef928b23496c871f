"""machine_peak.py - measures what this machine can physically do: f32 FMA peak and memory bandwidth.

    python3 tools/bench/machine_peak.py [--threads 1 2] [--out peak.json]

Compiles machine_peak.c and prints one JSON object: {"1": {"fma_gflops", "fma512_gflops" (only with AVX-512), "read_gbs",
"copy_gbs", "triad_gbs", "l2_read_gbs", "l3_read_gbs"}, "2": ...}. Arrays are twice the last-level cache, 256 MB at least.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).with_name("machine_peak.c")


def array_megabytes():
    try:
        return max(256, 2 * os.sysconf("SC_LEVEL3_CACHE_SIZE") >> 20)
    except (ValueError, OSError):
        return 256


def measure(threads, compiler="gcc"):
    """{number of threads as a string: figures}."""
    with tempfile.TemporaryDirectory() as folder:
        program = os.path.join(folder, "machine_peak")
        subprocess.check_call([compiler, "-O3", "-march=native", "-fopenmp", str(SOURCE), "-o", program])
        run = lambda n: json.loads(subprocess.check_output([program, str(n), str(array_megabytes())]))
        return {str(n): run(n) for n in threads}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--compiler", default=os.environ.get("CC", "gcc"))
    parser.add_argument("--out", type=pathlib.Path)
    options = parser.parse_args()
    text = json.dumps(measure(options.threads, options.compiler), indent=1)
    print(text)
    if options.out:
        options.out.write_text(text + "\n")


if __name__ == "__main__":
    sys.exit(main())
