"""hostile.py - networks that are deep, long or costly; a line each: the exit status and what the report should hold."""

import subprocess

HEAD = "net n(x: f32[N]) -> f32[N] { "
LAYER = "layer l{}(x: f32[N]) -> f32[N] {{ {} }}\n"
CASES = {
    "deep": (HEAD + "(" * 50000 + "x" + ")" * 50000 + " }", "more than 250 expressions deep"),
    "negations": (HEAD + "-" * 50000 + "x }", "more than 250 expressions deep"),
    "chain": (HEAD + "x" + " + x" * 50000 + " }", "more than 250 expressions deep"),
    "blocks": (HEAD + "if true { " * 50000 + "x" + " } else { x }" * 50000 + " }", "more than 250"),
    "branches": (HEAD + "if false { x } else " * 50000 + "{ x } }", "more than 250 expressions deep"),
    "types": ("net n(x: " + "(" * 50000 + "f32" + ")" * 50000 + ") -> f32 { x }", "a type that is less deep"),
    "dims": ("net n(x: f32[" + "N, " * 1000 + "]) -> f32 { x }", "a type of 1000 dims, and 64 are the most"),
    "indices": (HEAD + "x" + "[0]" * 50000 + " }", "more than 250 expressions deep"),
    "repeats": (HEAD + "x |> " + "repeat 10000 { " * 4 + "relu" + " }" * 4 + " }", "the network is made of more than 500000 expressions"),
    "counting": (HEAD + "x |> " + "repeat 10000 { " * 4 + "_" + " }" * 4 + " }", "the network is made of more than 500000 expressions"),
    "calls": (
        "".join(LAYER.format(i, f"l{i + 1}(l{i + 1}(x))") for i in range(40)) + LAYER.format(40, "x") + HEAD + "l0(x) }",
        "the network is made of more than 500000 expressions",
    ),
    "layers": (
        "".join(LAYER.format(i, f"l{i + 1}(x)") for i in range(80)) + LAYER.format(80, "x") + HEAD + "l0(x) }",
        "more than 64 layers inside each other",
    ),
    "sizes": (
        "net n(x: f32[N]) -> f32[_] {\n let a0 = x\n"
        + "".join(f" let a{i + 1} = concat((a{i}, a{i}), axis = 0)\n" for i in range(80))
        + " a80 }",
        "too great",
    ),
    "numbers": (HEAD + "x * 9223372036854775807 ** 3 }", "this is too great a number"),
    "zero": (HEAD + "\0 }", "begins no word or sign"),
    "empty": ("", "the file has no net"),
}
for name, (text, expected) in CASES.items():
    with open("hostile.nn", "w") as file:
        file.write(text)
    done = subprocess.run(["burnish", "check", "hostile.nn"], capture_output=True, text=True, timeout=120)
    print(f"{name}: {done.returncode}: {expected if expected in done.stdout else done.stdout[:200]}")
