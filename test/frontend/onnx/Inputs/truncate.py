"""truncate.py - compiles a model cut at every byte: truncate.py MODEL SCRATCH COMPILER.

Every cut must end with exit code 1 and one line that names the file.
"""

import subprocess
import sys

model, scratch, compiler = sys.argv[1:]
whole = open(model, "rb").read()
for length in range(len(whole)):
    with open(scratch, "wb") as file:
        file.write(whole[:length])
    run = subprocess.run([compiler, scratch, "--emit=nn"], capture_output=True, text=True)
    lines = run.stderr.splitlines()
    if run.returncode != 1 or len(lines) != 1 or not lines[0].startswith(scratch + ": ") or run.stdout:
        sys.exit(f"cut after {length} bytes: exit {run.returncode}\n{run.stdout}{run.stderr}")
print(f"{len(whole)} cuts refused")
