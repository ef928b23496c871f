"""mutate.py - feeds the compiler random mutations of small models and looks for anything but an orderly end.

    build/venv/bin/python test/fuzz/mutate.py [--runs N] [--seed S] [--first I] [--jobs N] [--kind KIND] [--burnish build/asan/bin/burnish]

Run I of seed S always makes the same model out of one of ONNX's own cases. `burnish test` compiles it, links it, loads it and
runs it on the case's data, each in a fork of one warm process, so that a run costs milliseconds. An orderly end is a run,
a status of a run, or messages that name the file and blame nothing inside the compiler, within the time and memory
allowed. One of the refused models of every batch is also compiled as users do it: exit 1, the same messages, and nothing left beside
the model. What breaks that is kept in build/fuzz/ and printed with the command that shows it.
"""

import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import tempfile

import numpy as np
import onnx
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import DecodeError

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent / "onnx"))

import collect
import structure

SECONDS = 60
MEGABYTES = 4096
BATCH = 200
LARGEST_SEED_MODEL = 20_000
LARGEST_CONSTANT = 2_000
KINDS = ("structure", "fields", "bytes")
INTEGERS = (0, 1, -1, 2, 7, 255, 2**31 - 1, -(2**31), 2**31, 2**62, 2**63 - 1, -(2**63))
STRINGS = ("", "x", "'\"\\", "a\nb", "a\0b", "..", "/etc/passwd", "é", "%s%n", "y" * 10_000, "Add", "Loop", "ai.onnx.ml")
FLOATS = (0.0, -1.0, 1e38, float("inf"), float("nan"))
# What only the compiler's own developers should ever read.
INTERNAL = re.compile(r"'(?!nn\.)[a-z_]+\.[\w.]+' op|the compiler failed|Sanitizer|runtime error|Assertion|PLEASE submit|beyond the end")

# What may turn out only after constants are folded or memory is planned.
TOO_GREAT = re.compile(r"would have \S+ elements|needs 2\^61 bytes")


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


def repeat_slice(data, rng):
    start, end = sorted(rng.randrange(len(data)) for _ in range(2))
    return data[:end] + data[start:end] * rng.choice((1, 2, 50)) + data[end:]


def grow_varint(data, rng):
    """A byte that may be a number or a length becomes a number of up to eleven bytes."""
    at, length = rng.randrange(len(data)), rng.randrange(1, 11)
    last = rng.choice((0, 1, 127))
    return data[:at] + bytes([data[at] | 128]) + bytes([rng.choice((128, 255))] * length) + bytes([last]) + data[at + 1 :]


def messages(message):
    """The message and every one inside it."""
    yield message
    for field, value in message.ListFields():
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            for inner in value if field.is_repeated else [value]:
                yield from messages(inner)


def other_element(value, rng):
    """Raw data with one element changed, as if elements were int64 or float32."""
    if len(value) % 8 == 0 and rng.random() < 0.7:
        element = np.int64(rng.choice(INTEGERS)).tobytes()
    else:
        element = np.float32(rng.choice(FLOATS)).tobytes()
    at = rng.randrange(len(value) // len(element)) * len(element)
    return value[:at] + element + value[at + len(element) :]


def other_value(field, value, rng):
    if isinstance(value, bytes):
        if len(value) >= 4 and rng.random() < 0.8:
            return other_element(value, rng)
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


def make_constant(model, folder, rng):
    """Makes an input of the case an initializer, so that what the compiler then knows can be mutated, too."""
    index = rng.randrange(len(model.graph.input))
    info = model.graph.input[index]
    file = folder / f"test_data_set_0/input_{index}.pb"
    if not info.type.HasField("tensor_type") or not file.exists() or file.stat().st_size > LARGEST_CONSTANT:
        return
    tensor = onnx.TensorProto.FromString(file.read_bytes())
    tensor.name = info.name
    model.graph.initializer.append(tensor)
    del model.graph.input[index]


def forget_sizes(model, rng):
    """Makes dims of inputs known only at run time; the same sizes get the same name, or none."""
    for info in model.graph.input:
        for dim in info.type.tensor_type.shape.dim:
            if rng.random() < 0.5:
                dim.dim_param = f"n{dim.dim_value}" if rng.random() < 0.8 else ""


def call_function(model, rng):
    """Moves the nodes into a function, whose call may leave inputs out and gives some of the nodes' attributes."""
    graph, function = model.graph, model.functions.add(domain="fuzz", name="F")
    outside = [value.name for value in (*graph.input, *graph.initializer)]
    call = onnx.NodeProto(op_type="F", domain="fuzz", output=[value.name for value in graph.output])
    call.input.extend("" if rng.random() < 0.1 else name for name in outside)
    for i, node in enumerate(graph.node):
        for attribute in node.attribute:
            if rng.random() < 0.5:
                given, name = call.attribute.add(), f"{attribute.name}_{i}"
                given.CopyFrom(attribute)
                given.name = name
                function.attribute.append(name)
                attribute.CopyFrom(onnx.AttributeProto(name=attribute.name, type=attribute.type, ref_attr_name=name))
    function.input.extend(outside)
    function.output.extend(call.output)
    function.opset_import.extend(model.opset_import)
    function.node.extend(graph.node)
    del graph.node[:]
    graph.node.append(call)
    model.opset_import.add(domain="fuzz", version=1)
    model.ir_version = max(model.ir_version, 8)


def edit_model(folder, edits, rng):
    model = onnx.load(folder / "model.onnx", load_external_data=False)
    if model.graph.input and rng.random() < 0.5:
        make_constant(model, folder, rng)
    if rng.random() < 0.3:
        forget_sizes(model, rng)
    if rng.random() < 0.1:
        call_function(model, rng)
    for _ in range(edits):
        edit_field(model, rng)
    return model.SerializeToString()


def mutate(folder, rng, kind):
    kind = kind or rng.choices(KINDS, (25, 55, 20))[0]
    if kind == "structure":
        model = onnx.load(folder / "model.onnx", load_external_data=False)
        if model.graph.input:
            make_constant(model, folder, rng)
        structure.break_(model, rng)
        return model.SerializeToString()
    if kind == "fields":
        return edit_model(folder, rng.choice((1, 1, 2, 4)), rng)
    return rng.choice((flip_bytes, truncate, move_slice, repeat_slice, grow_varint))((folder / "model.onnx").read_bytes(), rng)


def mutate_data(data, to, rng):
    """Copies the data of a case with some numbers of one input changed."""
    shutil.copytree(data, to)
    inputs = sorted(to.glob("input_*.pb"))
    file = rng.choice(inputs) if inputs else None
    if file and file.stat().st_size < LARGEST_CONSTANT:
        tensor = onnx.TensorProto()
        try:
            tensor.ParseFromString(file.read_bytes())
        except DecodeError:  # a sequence or an optional value
            return
        for _ in range(rng.choice((1, 1, 3))):
            if len(tensor.raw_data) >= 4:
                tensor.raw_data = other_element(tensor.raw_data, rng)
        file.write_bytes(tensor.SerializeToString())


def environment():
    """A sanitizer's report ends the process; what it cannot give is what the system would not have given."""
    limits = f"allocator_may_return_null=1:max_allocation_size_mb={MEGABYTES}:hard_rss_limit_mb={MEGABYTES}"
    # allow_user_poisoning: see lit.cfg.py. Where memory was allocated matters to who debugs a finding, and takes a tenth of a run.
    asan = f"detect_leaks=0:abort_on_error=1:allow_user_poisoning=0:malloc_context_size=2:{limits}"
    return dict(os.environ, ASAN_OPTIONS=asan, UBSAN_OPTIONS="print_stacktrace=0")


def compile_alone(burnish, model):
    """Compiles as a user does; what is wrong about the way that ends, or None."""
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        shutil.copy(model, folder / "model.onnx")
        command = [burnish, "model.onnx", "-c", "-o", "model.o"]
        if "asan" not in burnish:
            command = ["prlimit", f"--data={MEGABYTES << 20}", *command]
        try:
            done = subprocess.run(command, cwd=folder, env=environment(), capture_output=True, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            return f"compiles for more than {SECONDS} s"
        said = done.stderr.decode(errors="replace")
        left = sorted(path.name for path in folder.iterdir() if path.name != "model.onnx")
        if done.returncode == 0:
            return f"says something and succeeds: {said}" if said else None
        if done.returncode != 1:
            return f"ends with {done.returncode}: {said}"
        if left:
            return f"exit 1 leaves {', '.join(left)}"
        return None if all(line.startswith("model.onnx: ") for line in said.splitlines()) and said else f"says {said!r}"


def finding(burnish, record):
    """What is wrong about the outcome of a case, or None."""
    outcome, message = record["outcome"], record["message"]
    if outcome == "timeout":
        # A mutated loop may run for ever, and compile it must.
        return compile_alone(burnish, pathlib.Path(record["name"]) / "model.onnx")
    if outcome == "crash" or INTERNAL.search(message):
        return f"{outcome}: {message}"
    lines = message.splitlines()
    if outcome == "error" and message.startswith(record["name"]) and not TOO_GREAT.search(message):
        return f"accepted at first, and then not compiled: {message}"
    if outcome == "unsupported" and (not lines or not all(line.startswith(record["name"] + "/") for line in lines)):
        return f"refused without a message that names the file: {message!r}"
    return f"the same message twice: {message}" if len(set(lines)) < len(lines) else None


def keep(model, seed, index):
    kept = ROOT / "build/fuzz" / f"{seed}-{index}" / "model.onnx"
    kept.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(model, kept)
    for data in model.parent.glob("test_data_set_*"):
        shutil.copytree(data, kept.parent / data.name, dirs_exist_ok=True)
    return kept.parent


def run_batch(burnish, seeds, seed, indices, kind):
    """Makes and runs some mutations; (outcomes counted, [(folder kept, finding)])."""
    with tempfile.TemporaryDirectory() as name:
        folders = []
        for index in indices:
            rng = random.Random(f"{seed}/{index}")
            case = rng.choice(seeds)
            folder = pathlib.Path(name) / str(index)
            folder.mkdir()
            wantsData = kind == "data" or not kind and rng.random() < 0.2
            model = edit_model(case, 0, rng) if wantsData else mutate(case, rng, kind)
            (folder / "model.onnx").write_bytes(model)
            for data in case.glob("test_data_set_*"):
                mutate_data(data, folder / data.name, rng) if wantsData else (folder / data.name).symlink_to(data)
            folders.append(folder)
        command = [burnish, "test", "--json", "--jobs=1", f"--timeout={SECONDS}", f"--memory={MEGABYTES}", *map(str, folders)]
        done = subprocess.run(command, env=environment(), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        records = [json.loads(line) for line in done.stdout.decode(errors="replace").splitlines()]
        found = [(pathlib.Path(record["name"]), finding(burnish, record)) for record in records]
        if len(records) < len(folders):
            found.append((folders[len(records)], f"burnish test ends with {done.returncode} after {len(records)} cases"))
        refused = [pathlib.Path(record["name"]) for record in records if record["outcome"] == "unsupported"]
        if refused:
            found.append((refused[0], compile_alone(burnish, refused[0] / "model.onnx")))
        kept = [(keep(folder / "model.onnx", seed, folder.name), what) for folder, what in found if what]
        return collections.Counter(record["outcome"] for record in records), kept


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="index of the first run")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--kind", choices=(*KINDS, "data"), default="", help="only mutations of one kind; data: of what a run is given")
    parser.add_argument("--burnish", default=str(ROOT / "build/bin/burnish"))
    options = parser.parse_args()

    cases = ROOT / "build/onnx-cases"
    collect.collect(cases)
    seeds = sorted(path.parent for path in cases.glob("*/*/model.onnx") if path.stat().st_size < LARGEST_SEED_MODEL)
    burnish = str(pathlib.Path(options.burnish).resolve())
    runs = range(options.first, options.first + options.runs)
    batches = [runs[i : i + BATCH] for i in range(0, len(runs), BATCH)]
    outcomes, failures = collections.Counter(), 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for counts, found in pool.map(lambda batch: run_batch(burnish, seeds, options.seed, batch, options.kind), batches):
            outcomes.update(counts)
            failures += len(found)
            for folder, what in found:
                print(f"FAIL {burnish} test {folder.relative_to(ROOT)}\n     " + "\n     ".join(what.splitlines()[:12]), flush=True)
    print("fuzz: " + ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items())))
    print(f"fuzz: {options.runs - failures} passed, {failures} failed")
    sys.exit(failures != 0)


if __name__ == "__main__":
    main()
