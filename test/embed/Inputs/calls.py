"""calls.py - compiles a model for many targets and lists what its object calls that runtime/abi.def does not have.

usage: calls.py RUNTIME_FOLDER MODEL.onnx
"""

import re
import subprocess
import sys

runtime, model = sys.argv[1:]
TARGETS = ["x86_64-linux-gnu", "aarch64-linux-gnu", "riscv64-linux-gnu", "armv7-linux-gnueabihf", "thumbv7em-none-eabihf", "wasm32-unknown-unknown"]
listed = set()
for kind, name in re.findall(r"^BURNISH_(UNARY|BINARY|FUNCTION|CONVERSION|STRINGS)\((\w+)", open(f"{runtime}/abi.def").read(), re.M):
    listed |= {name, name + "f"} if kind in ("UNARY", "BINARY") else {name}
# The same under the names of ARM's ABI, and what WebAssembly's linker makes.
listed |= {f"__aeabi_mem{what}{size}" for what in ("cpy", "move", "set", "clr") for size in ("", "4", "8")}
listed |= {"__indirect_function_table", "__stack_pointer", "__linear_memory", "_GLOBAL_OFFSET_TABLE_"}
for target in TARGETS:
    subprocess.run(["burnish", model, "-c", f"--target={target}", "-o", "calls.o"], check=True)
    symbols = subprocess.run(["llvm-nm", "-u", "calls.o"], check=True, capture_output=True, text=True).stdout.split()
    print(target, *sorted({name for name in symbols if name != "U"} - listed))
