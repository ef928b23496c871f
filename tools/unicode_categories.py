"""unicode_categories.py - writes ir/UnicodeCategories.inc: the general category of every code point, for \\p{} in regular expressions.

    build/venv/bin/python tools/unicode_categories.py > ir/UnicodeCategories.inc
"""

import sys
import unicodedata

LAST = 0x10FFFF


def runs(points):
    """(first, last, step) that cover ascending numbers, with steps of one or two."""
    result = []
    for point in points:
        if result:
            first, last, step = result[-1]
            if point - last == step or (first == last and point - last == 2):
                result[-1] = (first, point, point - last)
                continue
        result.append((point, point, 1))
    return result


def main():
    by_category = {}
    for point in range(LAST + 1):
        category = unicodedata.category(chr(point))
        if category != "Cn":  # what is not assigned is in no category of RE2's
            by_category.setdefault(category, []).append(point)
    print(f"// UnicodeCategories.inc - code points by general category in Unicode {unicodedata.unidata_version}.")
    print("// Written by tools/unicode_categories.py: first, last and the step between.")
    for category, points in sorted(by_category.items()):
        print(f"CATEGORY({category},")
        line = "    "
        for first, last, step in runs(points):
            word = f" {{0x{first:x}, 0x{last:x}, {step}}},"
            if len(line) + len(word) > 80:
                print(line)
                line = "    "
            line += word
        print(line.rstrip(",") + ")")


if __name__ == "__main__":
    sys.exit(main())
