"""grammar.py - checks a TextMate grammar: every rule that is included is there, and every pattern compiles."""

import json
import re
import sys

grammar = json.load(open(sys.argv[1]))


def check(rule):
    for key in ("match", "begin", "end"):
        if key in rule:
            re.compile(rule[key])
    for inner in rule.get("patterns", []):
        if "include" in inner:
            assert inner["include"].removeprefix("#") in grammar["repository"], inner
        check(inner)


check(grammar)
for rule in grammar["repository"].values():
    check(rule)
print(len(grammar["repository"]), "rules")
