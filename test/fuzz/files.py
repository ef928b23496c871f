"""files.py - feeds the compiler and a program broken files of other kinds than ONNX's, and looks for anything but an orderly end.

    build/venv/bin/python test/fuzz/files.py [--runs N] [--seed S] [--first I] [--kinds inputs,weights,...] [--burnish FILE]

Run I of seed S always makes the same file: an .npz of inputs (for a program, `burnish run` and `burnish bench`), weights as safetensors, a
table of schedules, a network or a recipe as text, or a model whose constants lie in a file beside it, or are said to. Its
bytes are flipped, cut off, moved or repeated, or whose description (a header of numpy's, a directory of zip's, the JSON of
safetensors) says something else. An orderly end is exit 0, or exit 1 with messages that name a file and blame nothing inside, within ten
seconds and 4 GB, and nothing half-written. What breaks that is kept in build/fuzz/files.
"""

import argparse
import collections
import io
import json
import pathlib
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import zipfile

import numpy as np
import onnx
from onnx import parser

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE))

import mutate

SECONDS, MEGABYTES = 10, 4096
MODEL = '<ir_version: 10, opset_import: ["": 21]> g (float[N,4] a, int64[6] b) => (float[N,4] y, int64[6] z) { y = Relu(a) z = Neg(b) }'
NETWORK = "use std\nnet f(x: f32[2, 4]) -> f32[2, 3] {\n  x |> dense(5) as one |> relu |> dense(3) as two\n}\n"
SHAPES = {"f.one.w": (4, 5), "f.one.b": (5,), "f.two.w": (5, 3), "f.two.b": (3,)}
NETWORKS = []
NUMBERS = (0, -1, 1, 2**31, 2**32, 2**62, 2**63 - 1, 2**64 - 1, 10**30)


def other_bytes(data, rng):
    for _ in range(rng.choice((1, 1, 3))):
        if data:
            data = rng.choice((mutate.flip_bytes, mutate.flip_bytes, mutate.truncate, mutate.move_slice, mutate.repeat_slice))(data, rng)
    return data


def npy(rng, array):
    """An array as numpy writes it, or with a header that says something else of it."""
    action = rng.randrange(8)
    if action == 0:
        array = array.astype(rng.choice((np.float64, np.int32, ">f4", np.complex64, "U3", "S5", np.bool_)))
    elif action == 1:
        array = np.asfortranarray(np.ones((3, 4), np.float32))
    elif action == 2:
        array = np.array([{"a": 1}, None], object)
    elif action == 3:
        array = array.reshape(-1)[: rng.randrange(3)]
    file = io.BytesIO()
    np.lib.format.write_array(file, array, rng.choice(((1, 0), (2, 0), None)), allow_pickle=True)
    data = file.getvalue()
    if action == 4:
        shape = tuple(rng.choice(NUMBERS) for _ in range(rng.choice((1, 2, 3, 40))))
        text = f"{{'descr': '{rng.choice(('<f4', '<i8', '|O', '<f' + '9' * 50, '<V0'))}', 'fortran_order': {rng.choice(('True', 'False', '2'))}, 'shape': {shape}, }}"
        data = b"\x93NUMPY\1\0" + struct.pack("<H", rng.choice((len(text), 65535, 0))) + text.encode() + data[-96:]
    return data


def inputs(rng):
    if rng.random() < 0.02:
        return bomb(rng)
    file = io.BytesIO()
    method = rng.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2))
    names = rng.choice((("a", "b"),) * 6 + (("a", "a"), ("a",), ("arr_0", "arr_1"), ("../a", "b"), ("a", "b\n\xff"), ("y" * 60000, "b")))
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, array in zip(names, (np.ones((3, 4), np.float32), np.arange(6))):
            with archive.open(name + ".npy", "w", force_zip64=rng.random() < 0.3) as member:
                member.write(npy(rng, array))
    data = file.getvalue()
    return data if rng.random() < 0.4 else other_bytes(data, rng)


def bomb(rng):
    """A small file of many zeros, which its header does not want, or which it wants too many of."""
    data = io.BytesIO()
    np.save(data, np.ones((3, 4), np.float32))
    head = data.getvalue()
    if rng.random() < 0.5:
        text = "{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000, 4), }"
        head = b"\x93NUMPY\1\0" + struct.pack("<H", len(text)) + text.encode()
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("a.npy", "w") as member:
            member.write(head)
            for _ in range(rng.choice((1, 100))):
                member.write(bytes(1 << 20))
    return file.getvalue()


SECRET = b"a file that nobody may read "


def external(rng):
    """A model, and the file that its constant is in; or another file, or another place in it."""
    array = np.arange(16, dtype=np.float32).reshape(4, 4)
    model = parser.parse_model('<ir_version: 10, opset_import: ["": 21]> g (float[N,4] a) => (float[N,4] y) { y = MatMul(a, w) }')
    tensor = model.graph.initializer.add(name="w", data_type=1, data_location=onnx.TensorProto.EXTERNAL)
    tensor.dims.extend(rng.choice(((4, 4),) * 20 + ((4, 5), (2**40, 4), (0, 4), (4, -4))))
    places = ("w.bin",) * 16 + ("../secret", "../../secret", "link", "linked/secret", "", ".", "..", "inner", "inner/../w.bin", "inner/../../secret", "W" * 5000, "w.bin\n", "/etc/passwd", "./w.bin", "/dev/zero", "pipe")
    numbers = ("0", "4", "64", "1", "-1", "63", "65", "4096", str(2**63 - 1), str(2**64 - 1), str(2**64 - 4), "1e1", "0x0", " 0", "", "x", "9" * 40)
    tensor.external_data.add(key="location", value=rng.choice(places))
    for key in ("offset", "length"):
        if rng.random() < 0.6:
            tensor.external_data.add(key=key, value=rng.choice(("0" if key == "offset" else "64",) * 8 + numbers))
    if rng.random() < 0.1:
        tensor.external_data.add(key=rng.choice(("location", "checksum", "nonsense")), value="w.bin")
    data = model.SerializeToString()
    content = array.tobytes() + rng.choice((b"", b"", b"more", bytes(5000)))
    return {"model.onnx": data if rng.random() < 0.8 else other_bytes(data, rng), "w.bin": content[: rng.choice((None, None, None, 63, 0))],
            "inner/x": b"", "link": pathlib.Path("../secret"), "linked": pathlib.Path("..")}  # fmt: skip


def weights(rng):
    """Tensors one after another, whose JSON may say something else."""
    at, head = 0, {}
    for name, shape in SHAPES.items():
        size = 4 * int(np.prod(shape))
        head[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [at, at + size]}
        at += size
    name = rng.choice(list(SHAPES))
    action = rng.randrange(7)
    if action == 0:
        head[name][rng.choice(("shape", "data_offsets"))][0] = rng.choice(NUMBERS)
    elif action == 1:
        head[name]["dtype"] = rng.choice(("F64", "I32", "BF16", "F8_E4M3", "", "x" * 1_000_000, 3, None))
    elif action == 2:
        head["f.one.w"]["data_offsets"] = head["f.two.w"]["data_offsets"]
    elif action == 3:
        del head[name][rng.choice(list(head[name]))]
    elif action == 4:
        head["more\x01" if rng.random() < 0.5 else "x" * 100_000] = head[name]
    text = json.dumps(head).encode()
    if action == 5:
        text = rng.choice((b"[" * 200_000, text[:-1] + b',"f.one.w":' + json.dumps(head["f.one.w"]).encode() + b"}", text.replace(b"one", b"\xff\xfe"), text + b" " * 1_000_000))
    length = rng.choice(NUMBERS) % 2**64 if action == 6 else len(text)
    data = struct.pack("<Q", length) + text + bytes(at)
    return data if rng.random() < 0.6 else other_bytes(data, rng)


def schedules(rng):
    kinds = ("product", "elements", "convolution", "sum")
    lines = ["burnish schedules 1"]
    for _ in range(rng.choice((1, 3, 2000))):
        sizes = "x".join(str(rng.choice((4, 5, *NUMBERS))) for _ in range(rng.choice((1, 2, 3, 500))))
        words = " ".join(f"{rng.choice(('rows', 'lanes', 'vectors', 'x'))}={rng.choice((1, 8, *NUMBERS))}" for _ in range(rng.randrange(5)))
        lines.append(f"{rng.choice(('any', 'x86_64'))}: {rng.choice(kinds)} {sizes}r f32:1,0 f32 -> {words}")
    return other_bytes("\n".join(lines).encode(), rng)


def networks():
    """Every network of the tests, of the library, and this one."""
    if not NETWORKS:
        files = sorted([*(ROOT / "test").rglob("*.nn"), *(ROOT / "frontend/dsl/std").rglob("*.nn")])
        NETWORKS.extend([NETWORK.encode(), *(file.read_bytes() for file in files if file.stat().st_size < 20_000)])
    return NETWORKS


TOKEN = re.compile(rb"\s+|[A-Za-z_]\w*|\d[\w.]*|\"[^\"\n]*\"|//[^\n]*|\|>|->|==|<=|>=|\.\.|.", re.S)


def other_tokens(data, rng):
    """Tokens dropped, doubled, put in each other's place or taken from another network."""
    tokens = TOKEN.findall(data)
    for _ in range(rng.choice((1, 1, 2, 5))):
        solid = [i for i, t in enumerate(tokens) if t.strip()]
        if len(solid) < 2:
            break
        a, b = rng.sample(solid, 2)
        action = rng.randrange(6)
        if action == 0:
            del tokens[a]
        elif action == 1:
            tokens.insert(a, tokens[a])
        elif action == 2:
            tokens[a], tokens[b] = tokens[b], tokens[a]
        elif action == 3:
            tokens[a] = tokens[b]
        elif action == 4:
            tokens[a] = rng.choice([t for t in TOKEN.findall(rng.choice(networks())) if t.strip()])
        else:
            tokens[a] = rng.choice((b"0", b"-1", b"9223372036854775808", b"1e400", b"None", b"f32", b"[", b")", b"use", b"net", b"@", b"\"", b"_"))
    return b"".join(tokens)


def network(rng):
    data = rng.choice(networks())
    return other_tokens(data, rng) if rng.random() < 0.7 else other_bytes(data, rng)


def recipe(rng):
    data = rng.choice([n for n in networks() if re.search(rb"^train ", n, re.M)])
    return other_tokens(data, rng) if rng.random() < 0.7 else other_bytes(data, rng)


# What makes the file (or several), its name, and the command that reads it.
KINDS = {
    "inputs": (inputs, "in.npz", ["{folder}/program", "in.npz", "-o", "out.npz"]),
    "weights": (weights, "w.safetensors", ["{burnish}", "{folder}/net.nn", "--weights-from=w.safetensors", "-c", "-o", "out.o"]),
    "schedules": (schedules, "table", ["{burnish}", "{folder}/model.onnx", "--schedules=table", "-c", "-o", "out.o"]),
    "run": (inputs, "in.npz", ["{burnish}", "run", "{folder}/model.onnx", "in.npz", "-o", "out.npz"]),
    "bench": (inputs, "in.npz", ["{burnish}", "bench", "{folder}/model.onnx", "in.npz", "--seconds=0.01"]),
    "external": (external, "model.onnx", ["{burnish}", "model.onnx", "-c", "-o", "out.o"]),
    "recipe": (recipe, "net.nn", ["{burnish}", "net.nn", "--train", "-c", "-o", "out.o"]),
    "network": (network, "net.nn", ["{burnish}", "net.nn", "--emit=nn", "-o", "out.mlir"]),
}


def write(run, made):
    """Puts files, and links to others, into a folder; their names."""
    for name, data in made.items():
        (run / name).parent.mkdir(exist_ok=True)
        if isinstance(data, pathlib.Path):
            (run / name).symlink_to(data)
        else:
            (run / name).write_bytes(data)
    return {name.split("/")[0] for name in made}


def finding(done, left, run):
    """What is wrong about an end, or None."""
    if any(SECRET in (run / name).read_bytes() for name in left):
        return "reads what lies outside of the folder"
    said = (done.stderr + done.stdout).decode(errors="replace")
    if done.returncode not in (0, 1):
        return f"ends with {done.returncode}: {said}"
    if done.returncode == 0:
        return None
    if left:
        return f"exit 1 leaves {', '.join(left)}"
    if mutate.INTERNAL.search(said) or not said.strip():
        return f"says {said!r}"
    longest = max(map(len, said.splitlines()))
    return f"a line of {longest} bytes" if longest > 4000 else None


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--runs", type=int, default=200, help="files of each kind")
    arguments.add_argument("--seed", type=int, default=1)
    arguments.add_argument("--first", type=int, default=0)
    arguments.add_argument("--kinds", default=",".join(KINDS))
    arguments.add_argument("--burnish", default=str(ROOT / "build/bin/burnish"))
    options = arguments.parse_args()
    burnish = str(pathlib.Path(shutil.which(options.burnish) or sys.exit(f"files.py: no {options.burnish}")).resolve())
    counts, failed = collections.Counter(), 0
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        onnx.save(parser.parse_model(MODEL), folder / "model.onnx")
        (folder / "net.nn").write_text(NETWORK)
        (folder / "secret").write_bytes(SECRET * 20)
        subprocess.run([burnish, folder / "model.onnx", "-o", folder / "program"], check=True)
        for kind in options.kinds.split(","):
            make, file, command = KINDS[kind]
            for index in range(options.first, options.first + options.runs):
                run = folder / "run"
                shutil.rmtree(run, ignore_errors=True)
                run.mkdir()
                made = make(random.Random(f"{options.seed}/{kind}/{index}"))
                given = write(run, made if isinstance(made, dict) else {file: made})
                filled = [word.format(folder=folder, burnish=burnish) for word in command]
                try:
                    done = subprocess.run(["prlimit", f"--data={MEGABYTES << 20}", *filled], cwd=run, capture_output=True, timeout=SECONDS)
                    counts[kind, "read" if done.returncode == 0 else "refused"] += 1
                    wrong = finding(done, sorted(path.name for path in run.iterdir() if path.name not in given), run)
                except subprocess.TimeoutExpired:
                    wrong = f"takes more than {SECONDS} s"
                if wrong:
                    failed += 1
                    kept = ROOT / "build/fuzz/files" / f"{kind}-{options.seed}-{index}"
                    shutil.rmtree(kept, ignore_errors=True)
                    shutil.copytree(run, kept, symlinks=True)
                    print(f"FAIL {kept.relative_to(ROOT)}: {' '.join(filled)}\n     {wrong[:600]}", flush=True)
    print("files: " + ", ".join(f"{kind}: {n} {what}" for (kind, what), n in sorted(counts.items())))
    print(f"files: {len(options.kinds.split(',')) * options.runs - failed} passed, {failed} failed")
    sys.exit(failed != 0)


if __name__ == "__main__":
    main()
