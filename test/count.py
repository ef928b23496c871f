"""count.py - reads a test log, prints how many tests passed and failed in it.

Understands lit's summary and lines that end in `N passed, N failed`.
"""

import re
import sys

GOOD = ("Passed", "Expectedly Failed", "Passed With Retry")
BAD = ("Failed", "Unexpectedly Passed", "Unresolved", "Timed Out")


def count(text):
    summary = re.findall(r"^ +([A-Z][A-Za-z ]*?) *: +(\d+) \(", text, re.M)
    plain = re.findall(r"\b(\d+) passed, (\d+) failed$", text, re.M)
    passed = sum(int(n) for name, n in summary if name in GOOD) + sum(int(p) for p, _ in plain)
    failed = sum(int(n) for name, n in summary if name in BAD) + sum(int(f) for _, f in plain)
    return passed, failed


if __name__ == "__main__":
    print(*count(open(sys.argv[1], errors="replace").read()))
