"""mutate.py - feeds the compiler random mutations of small models and looks for anything but an orderly end.

    build/venv/bin/python test/fuzz/mutate.py [--runs N] [--seed S] [--jobs N] [--burnish build/asan/bin/burnish]

Run I of seed S always makes the same file. Each file is checked and compiled; an orderly end is exit 0, or exit 1 with a
diagnostic and nothing left beside the model, within the time and memory allowed. What breaks that is kept in build/fuzz/ and
printed with the command that shows it.
"""

import argparse
import concurrent.futures
import pathlib
import random
import re
import shutil
import sys
import tempfile

import onnx
from google.protobuf.descriptor import FieldDescriptor

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(HERE.parent / "onnx"), str(HERE.parent / "models")]

import collect
import measure

SECONDS = 60
MEGABYTES = 4096
LARGEST_SEED_MODEL = 20_000
INTEGERS = (0, 1, -1, 2, 7, 255, 2**31 - 1, -(2**31), 2**31, 2**62, 2**63 - 1, -(2**63))
STRINGS = ("", "x", "'\"\\", "a\nb", "a\0b", "..", "/etc/passwd", "é", "%s%n", "y" * 10_000, "Add", "Loop", "ai.onnx.ml")
FLOATS = (0.0, -1.0, 1e38, float("inf"), float("nan"))


def flip_bytes(data, rng):
    data = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 8))):
        data[rng.randrange(len(data))] = rng.randrange(256)
    return bytes(data)


def truncate(data, rng):
    return data[: rng.randrange(len(data))]


def move_slice(data, rng):
    start, end = sorted(rng.randrange(len(data)) for _ in range(2))
    to = rng.randrange(len(data))
    return data[:to] + data[start : min(end, start + 200)] + data[to if rng.random() < 0.5 else min(to + 20, len(data)) :]


def messages(message):
    """The message and every one inside it."""
    yield message
    for field, value in message.ListFields():
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            for inner in value if field.is_repeated else [value]:
                yield from messages(inner)


def other_value(field, value, rng):
    if isinstance(value, bytes):
        return value[: rng.randrange(len(value) + 1)] + bytes(rng.choice((0, 0, 1, 7)))
    if isinstance(value, str):
        return rng.choice(STRINGS)
    if isinstance(value, float):
        return rng.choice(FLOATS)
    number = rng.choice((*INTEGERS, value + 1, value - 1))
    if field.type == FieldDescriptor.TYPE_ENUM:
        return rng.choice(field.enum_type.values).number
    if field.type in (FieldDescriptor.TYPE_INT32, FieldDescriptor.TYPE_ENUM):
        return max(-(2**31), min(number, 2**31 - 1))
    return max(0, number) if field.type == FieldDescriptor.TYPE_UINT64 else number


def edit_field(model, rng):
    """Changes one field somewhere: another value, cleared, or an element dropped, doubled or taken from its neighbour."""
    message = rng.choice([m for m in messages(model) if m.ListFields()])
    field, value = rng.choice(message.ListFields())
    if not field.is_repeated:
        if field.type == FieldDescriptor.TYPE_MESSAGE or rng.random() < 0.2:
            message.ClearField(field.name)
        else:
            setattr(message, field.name, other_value(field, value, rng))
        return
    i, j = rng.randrange(len(value)), rng.randrange(len(value))
    action = rng.choice(("drop", "double", "copy", "change"))
    if action == "drop":
        del value[i]
    elif field.type == FieldDescriptor.TYPE_MESSAGE:
        value.add().CopyFrom(value[i]) if action == "double" else value[i].CopyFrom(value[j])
    elif action == "double":
        value.append(value[i])
    else:
        value[i] = value[j] if action == "copy" else other_value(field, value[i], rng)


def edit_model(data, rng):
    model = onnx.ModelProto.FromString(data)
    for _ in range(rng.choice((1, 1, 2, 4))):
        edit_field(model, rng)
    return model.SerializeToString()


def mutate(data, rng):
    return rng.choice((flip_bytes, truncate, move_slice, edit_model, edit_model, edit_model, edit_model))(data, rng)


def finding(command, folder):
    """What is wrong about the way a command ends, or None."""
    try:
        measure.run(command, SECONDS)
        return None
    except measure.Failure as failure:
        text = str(failure)
        if failure.outcome != "unsupported":
            return text
        if re.search(r"Sanitizer|runtime error|Assertion|PLEASE submit", text):
            return text
        if "model.onnx" not in text:
            return f"exit 1 without a diagnostic that names the file: {text!r}"
        left = sorted(path.name for path in folder.iterdir() if path.name != "model.onnx")
        return f"exit 1 leaves {', '.join(left)}" if left else None


def one_run(burnish, seeds, seed, index):
    """Makes mutation `index` and returns [(command, finding)]."""
    rng = random.Random(f"{seed}/{index}")
    data = mutate(rng.choice(seeds).read_bytes(), rng)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        (folder / "model.onnx").write_bytes(data)
        found = []
        for arguments in (["check"], ["-c", "-o", folder / "model.o"]):
            words = [burnish, arguments[0], folder / "model.onnx", *arguments[1:]]
            what = finding(["prlimit", f"--data={MEGABYTES << 20}", *words] if "asan" not in burnish else words, folder)
            if what:
                found.append((arguments[0], what))
        if found:
            kept = ROOT / "build/fuzz" / f"{seed}-{index}.onnx"
            kept.parent.mkdir(exist_ok=True)
            shutil.copy(folder / "model.onnx", kept)
        return [(f"{burnish} {argument} build/fuzz/{seed}-{index}.onnx", what) for argument, what in found]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="index of the first run")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--burnish", default=str(ROOT / "build/bin/burnish"))
    options = parser.parse_args()

    cases = ROOT / "build/onnx-cases"
    collect.collect(cases)
    seeds = sorted(path for path in cases.glob("*/*/model.onnx") if path.stat().st_size < LARGEST_SEED_MODEL)
    failures = 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        runs = range(options.first, options.first + options.runs)
        for found in pool.map(lambda index: one_run(options.burnish, seeds, options.seed, index), runs):
            failures += bool(found)
            for command, what in found:
                print(f"FAIL {command}\n     " + "\n     ".join(what.splitlines()[:12]), flush=True)
    print(f"fuzz: {options.runs - failures} passed, {failures} failed")
    sys.exit(failures != 0)


if __name__ == "__main__":
    main()
