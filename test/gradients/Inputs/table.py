"""table.py - every operator has a gradient, or a reason in ir/gradients/README.md.

    python table.py ROOT [--update]

Reads the operators' records (ir/ops/*.td) and compares them with the two lists of the README; --update writes the first.
"""

import pathlib
import re
import sys

RECORD = re.compile(r"^(?:def|class) (\w+)\s*(<[^{;]*?>)?\s*:\s*(\w+)\s*<(.*?)>\s*[;{]", re.M | re.S)


def operators(root):
    """For each family its operators, and whether a record or a class that it is made of has a rule."""
    for file in sorted((root / "ir/ops").glob("*.td")):
        classes, found = {}, {}
        for match in RECORD.finditer(file.read_text()):
            name, parent, arguments = match[1], match[3], match[4]
            has_rule = "NN_HasGradient" in arguments or classes.get(parent, False)
            if match[0].startswith("class"):
                classes[name] = has_rule
            else:
                found[re.search(r'"(\w+)"', arguments)[1]] = has_rule
        yield file.stem, found


def main():
    root = pathlib.Path(sys.argv[1])
    page = root / "ir/gradients/README.md"
    text = page.read_text()
    families = dict(operators(root))
    rows = [f"| {family} | {', '.join(sorted(op for op, has in ops.items() if has))} |" for family, ops in families.items() if any(ops.values())]
    table = "\n".join(["| family | operators with a rule |", "| --- | --- |", *rows])
    begin, end = "<!-- rules -->\n", "\n<!-- /rules -->"
    before, rest = text.split(begin)
    listed, after = rest.split(end)
    if "--update" in sys.argv:
        page.write_text(before + begin + table + end + after)
        listed = table
    failures = []
    if listed != table:
        failures.append("the list of rules is not that of ir/ops; --update writes it")
    reasons = {op: reason for row in re.findall(r"^\| (.*?) \| (.*?) \|$", after, re.M) for op in row[0].split(", ") for reason in [row[1]]}
    without = {op for ops in families.values() for op, has in ops.items() if not has}
    failures += [f"{op} has neither a rule nor a reason" for op in sorted(without - reasons.keys())]
    failures += [f"{op} has a reason, and is no operator without a rule" for op in sorted(reasons.keys() - without - {"operator", "---"})]
    print("\n".join(failures) or f"{sum(map(len, families.values()))} operators, {len(without)} without a rule, all with a reason")
    return bool(failures)


if __name__ == "__main__":
    sys.exit(main())
