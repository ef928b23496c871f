"""portable.py - compiles the core of the runtime for many targets and lists what the objects lack.

usage: portable.py RUNTIME_FOLDER SCRATCH
"""

import subprocess
import sys

TARGETS = [
    "x86_64-linux-gnu", "aarch64-linux-gnu", "riscv64-linux-gnu", "armv7-linux-gnueabihf", "thumbv7em-none-eabihf",
    "wasm32-unknown-unknown",
]
OPTIONS = "-std=c++20 -O2 -Wall -Wextra -Werror -ffreestanding -fno-exceptions -fno-rtti -nostdinc++ -fvisibility=hidden".split()
# The linker of WebAssembly makes these.
EXPECTED = {"__stack_pointer", "__indirect_function_table"}

runtime, scratch = sys.argv[1:]
for target in TARGETS:
    done = []
    for source in ("run.cpp", "half.cpp"):
        subprocess.run(["clang++", f"--target={target}", *OPTIONS, f"-I{runtime}/include", "-c", f"{runtime}/{source}", "-o", scratch], check=True)
        lacks = subprocess.run(["llvm-nm", "-u", scratch], check=True, capture_output=True, text=True).stdout
        lacks = {line.split()[-1] for line in lacks.splitlines() if line.strip()} - EXPECTED
        done.append(source + (f" needs {' '.join(sorted(lacks))}" if lacks else ""))
    print(f"{target}: {' '.join(done)}")
