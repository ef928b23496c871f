"""refuse.py - runs the command lines of a test file, which all must fail in the way that stands behind them.

usage: refuse.py STATUS < FILE; a line is `PROGRAM ARGUMENTS:  message`, and programs are in the current folder.
"""

import re
import subprocess
import sys

count = 0
for line in sys.stdin:
    match = re.fullmatch(r"((?:double|rows)\b.*?): +(.*)\n", line)
    if not match or line.startswith(("#", "RUN")):
        continue
    command, message = match[1].split(), match[2]
    done = subprocess.run(["./" + command[0], *command[1:]], capture_output=True, text=True)
    assert done.returncode == int(sys.argv[1]) and done.stderr == f"{command[0]}: {message}\n" and not done.stdout, (line, done)
    count += 1
assert count > 1
