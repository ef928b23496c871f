"""promises.py - measures a program beside what its model needs.

    promises.py PROGRAM OBJECT REMARKS

OBJECT is the same model as an object file; REMARKS is what --remarks said of it.
"""

import json
import math
import os
import re
import subprocess
import sys
import time

program, model, remarks = sys.argv[1:]
said = re.search(r"a workspace of (\d+) bytes, and the widest point has (\d+)", open(remarks).read())
workspace, widest = map(int, said.groups())
assert widest <= workspace <= 1.05 * widest, (workspace, widest)

text = subprocess.run(["llvm-size", "--format=berkeley", model], check=True, capture_output=True, text=True).stdout
needed = int(text.splitlines()[1].split()[3])  # weights, kernels and tables
beyond = os.path.getsize(program) - needed
assert beyond <= 100_000, beyond

signature = json.loads(subprocess.run([f"./{program}", "--signature"], check=True, capture_output=True, text=True).stdout)
assert signature["workspace_bytes"] == workspace, signature
elements = sum(math.prod(port["dims"]) for port in signature["inputs"] + signature["outputs"])

starts = []
for _ in range(30):
    begin = time.perf_counter()
    text = subprocess.run([f"./{program}", "--bench=0"], check=True, capture_output=True, text=True).stdout
    wall, ran = 1000 * (time.perf_counter() - begin), json.loads(text)
    starts.append(wall - ran["first_ms"] - ran["min_ms"])
resident = ran["peak_rss_bytes"] - needed - workspace - 8 * elements
# Of several starts on a busy machine the fastest says what the program needs; making a process is in it.
print(f"{beyond} bytes, {min(starts):.1f} ms, {resident} bytes resident, workspace {workspace} of {widest}")
assert min(starts) <= 5, starts
assert resident <= 2 << 20, resident
print("kept")
