"""brackets.py - writes a model of that many branches in branches, with brackets in strings and comments: brackets.py FILE COUNT."""

import sys

count = int(sys.argv[2])
before = "y = If (c) <then_branch = t () => (float[2] y) {" * count
after = "}, else_branch = e () => (float[2] y) { y = Neg (x) }>" * count
with open(sys.argv[1], "w") as file:
    file.write(f"""<ir_version: 8, opset_import: ["": 18], producer_name: "\\"{'(' * 1000}">
# {'[' * 1000}
g (bool c, float[2] x) => (float[2] y) {{ {before} y = Abs (x) {after} }}
""")
