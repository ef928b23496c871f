"""build.py - builds parts of the runtime with a sanitizer, and a program from them and more sources.

usage: build.py RUNTIME_FOLDER SCRATCH_FOLDER SANITIZER PART.cpp ... -- SOURCE ... [OPTION ...]
Makes SCRATCH_FOLDER/program; `all` stands for every part.
"""

import os
import pathlib
import subprocess
import sys

runtime, scratch, sanitizer, *rest = sys.argv[1:]
parts, more = rest[: rest.index("--")], rest[rest.index("--") + 1 :]
if parts == ["all"]:
    parts = sorted(path.name for path in pathlib.Path(runtime).glob("*.cpp"))
os.makedirs(scratch, exist_ok=True)
common = ["-g1", "-O1", f"-fsanitize={sanitizer}", "-fno-sanitize-recover=all", "-D_GNU_SOURCE", f"-I{runtime}/include", f"-I{runtime}", "-c"]
objects = []
for source in [f"{runtime}/{part}" for part in parts] + [source for source in more if not source.startswith("-")]:
    objects.append(f"{scratch}/{pathlib.Path(source).name}.o")
    options = ["-std=c++20", "-fno-exceptions", "-fno-rtti"] if source.endswith(".cpp") else ["-std=gnu11"]
    options += [option for option in more if option.startswith("-")]
    subprocess.run(["clang", *common, *options, source, "-o", objects[-1]], check=True)
subprocess.run(["clang", f"-fsanitize={sanitizer}", *objects, "-o", f"{scratch}/program", "-lm"], check=True)
