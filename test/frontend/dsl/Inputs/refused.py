"""refused.py COMMAND... - a command that ends with status 1 after one diagnostic, and leaves every file as it was.

Prints what it said.
"""

import pathlib
import subprocess
import sys


def files():
    return {path: path.read_bytes() if path.is_file() else None for path in pathlib.Path().rglob("*")}


before = files()
done = subprocess.run(sys.argv[1:], capture_output=True, text=True)
print(done.stdout + done.stderr, end="")
if done.returncode != 1:
    sys.exit(f"exit status {done.returncode}, not 1")
if done.stdout:
    sys.exit("something on stdout")
# A diagnostic begins at the start of a line; its notes, its line and its caret do not count.
lines = [line for line in done.stderr.splitlines() if not line.startswith("    ") and ": note: " not in line]
if len(lines) != 1:
    sys.exit(f"{len(lines)} diagnostics, not 1")
if files() != before:
    sys.exit(f"files are others: {sorted(map(str, set(files()) ^ set(before)))}")
