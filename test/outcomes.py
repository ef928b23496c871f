"""outcomes.py - tables of expected outcomes, kept in git beside the tests they are about.

A table is tab-separated: the columns of the key, then `outcome` (`pass` or why not), then what else is worth a diff.
"""


def read(path, key_columns, column="outcome"):
    """{key tuple: outcome} of a table; empty where there is none yet, or no such column."""
    if not path.exists():
        return {}
    header, *rows = (line.split("\t") for line in path.read_text().splitlines())
    if column not in header:
        return {}
    place = header.index(column)
    return {tuple(row[:key_columns]): row[place] for row in rows}


def write(path, header, rows):
    path.write_text("\n".join("\t".join(row) for row in [header, *sorted(rows)]) + "\n")


def compare(results, known):
    """Prints what changed and returns the number of failures.

    `results` is {key: (outcome, message)}. A failure is a case that passed and no longer does, one that passes though the
    table says that it does not, and one that the table does not know; other changes are only noted.
    """
    failures = 0
    for key, (now, message) in sorted(results.items()):
        was = known.get(key, "not in the table")
        if was == now:
            continue
        bad = "pass" in (was, now) or key not in known
        failures += bad
        reason = f": {message.splitlines()[0]}" if message else ""
        print(f"{'FAIL' if bad else 'note'} {'/'.join(key)}: was {was}, is {now}{reason}")
    return failures


def summary(name, results, known, failures):
    """The closing line of a run, which `./dev test` adds up; a case that passes against the table is a failure only."""
    passed = sum(outcome == "pass" and known.get(key) == "pass" for key, (outcome, _) in results.items())
    return f"{name}: {passed} passed, {failures} failed"
