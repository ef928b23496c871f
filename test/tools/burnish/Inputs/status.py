"""status.py STATUS COMMAND... - succeeds when the command ends with that status."""

import subprocess
import sys

found = subprocess.run(sys.argv[2:]).returncode
if found != int(sys.argv[1]):
    sys.exit(f"exit status {found}, not {sys.argv[1]}")
