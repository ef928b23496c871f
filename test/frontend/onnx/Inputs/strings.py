"""strings.py - random models with strings, compiled, run and compared with ONNX Runtime or with Python.

    strings.py FOLDER KIND [--runs N] [--first S] [--options "-O0 ..."]

KIND is a function below, which gives a model, its inputs, and its outputs where ONNX Runtime is not to be asked. Strings must be the
same, numbers near each other. One line for each case that is not so; a summary at the end.
"""

import argparse
import pathlib
import re
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto as T
from onnx import helper

ML = "ai.onnx.ml"
ALPHABET = list("abcABC xyz,.-_019") + ["é", "Ä", "ß", "ж", "Ж", "日", "😀", "İ", "ς"]


def words(rng, count, longest=6, alphabet=ALPHABET):
    return ["".join(rng.choice(alphabet, rng.integers(longest + 1))) for _ in range(count)]


def array(strings, shape=None):
    made = np.array(strings, dtype=object)
    return made.reshape(shape) if shape is not None else made


def build(nodes, feeds, outputs, is_open=True, ml=4, initializers=()):
    inputs = []
    for name, value in feeds.items():
        kind = T.STRING if value.dtype == object else helper.np_dtype_to_tensor_dtype(value.dtype)
        shape = [f"{name}_N" if is_open and axis == 0 else size for axis, size in enumerate(value.shape)]
        inputs.append(helper.make_tensor_value_info(name, kind, shape))
    results = [helper.make_tensor_value_info(name, kind, None) for name, kind in outputs]
    graph = helper.make_graph(nodes, "g", inputs, results, list(initializers))
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21), helper.make_opsetid(ML, ml)])
    made.ir_version = 10
    return made


def one(op, feeds, outputs, domain="", is_open=True, ml=4, **attributes):
    node = helper.make_node(op, list(feeds), [name for name, _ in outputs], domain=domain, **attributes)
    return build([node], feeds, outputs, is_open, ml)


def flip(rng):
    return bool(rng.integers(2))


def moves(rng):
    """What moves elements moves strings; constants among them, and bodies."""
    rows = int(rng.integers(1, 5))
    x, y = array(words(rng, 3 * rows), (rows, 3)), array(words(rng, 3 * rows), (rows, 3))
    keep = np.array([flip(rng) for _ in range(3 * rows)]).reshape(rows, 3)
    constant = helper.make_tensor("c", T.STRING, [1, 3], [w.encode() for w in words(rng, 3)])
    ints = lambda name, values: helper.make_tensor(name, T.INT64, [len(values)], values)
    sub = lambda name: helper.make_graph([helper.make_node("Identity", [name], ["r" + name])], "b", [], [helper.make_tensor_value_info("r" + name, T.STRING, None)])
    nodes = [
        helper.make_node("Concat", ["x", "c", "y"], ["cat"], axis=0),
        helper.make_node("Where", ["k", "x", "c"], ["w"]),
        helper.make_node("Gather", ["cat", "i"], ["g"], axis=0),
        helper.make_node("Transpose", ["g"], ["t"], perm=[1, 0]),
        helper.make_node("Slice", ["cat", "b", "e", "a", "s"], ["sl"]),
        helper.make_node("Tile", ["w", "two"], ["ti"]),
        helper.make_node("Reshape", ["ti", "minus"], ["re"]),
        helper.make_node("Equal", ["x", "c"], ["eq"]),
        helper.make_node("Compress", ["cat", "some"], ["co"], axis=1),
        helper.make_node("If", ["flag"], ["if"], then_branch=sub("t"), else_branch=sub("sl")),
        helper.make_node("Identity", ["x"], ["id"]),
        helper.make_node("Unique", ["re"], ["u", "ui", "uv", "uc"], sorted=int(rng.integers(2))),
        helper.make_node("ScatterElements", ["x", "where", "upd"], ["sc"], axis=1),
    ]
    initializers = [constant, ints("i", [0, -1, 0]), ints("b", [-1]), ints("e", [-100]), ints("a", [1]), ints("s", [-2]), ints("two", [2, 1]), ints("minus", [-1]),
                    helper.make_tensor("some", T.BOOL, [3], [1, 0, 1]), helper.make_tensor("where", T.INT64, [1, 2], [2, 0]),
                    helper.make_tensor("upd", T.STRING, [1, 2], [b"new", "é".encode()])]
    outputs = [(n, T.STRING) for n in ("cat", "w", "t", "sl", "re", "co", "if", "id", "u", "sc")] + [("eq", T.BOOL), ("ui", T.INT64), ("uv", T.INT64), ("uc", T.INT64)]
    feeds = {"x": x, "y": y, "k": keep, "flag": np.array(flip(rng))}

    def corrected(values):
        """ONNX Runtime 1.32 loses strings of a square that it transposes."""
        t = values["cat"][[0, -1, 0]].T
        return values | {"t": t} | ({"if": t} if feeds["flag"] else {})

    return build(nodes, feeds, outputs, flip(rng), initializers=initializers), feeds, corrected


def encoder(rng):
    """LabelEncoder of every type of keys and values, CategoryMapper and OneHotEncoder."""
    keys = list(dict.fromkeys(words(rng, int(rng.integers(1, 30)), 3)))
    count = len(keys)
    seen = lambda known, make: array([known[rng.integers(count)] if rng.random() < 0.7 else make() for _ in range(int(rng.integers(1, 40)))])
    text = lambda: words(rng, 1, 4)[0]
    ints, floats = [int(v) for v in rng.permutation(100)[:count] - 50], [float(v) for v in rng.permutation(100).astype(np.float32)[:count] / 4]
    if rng.random() < 0.3:
        floats[rng.integers(count)] = float("nan")
    values = {"strings": (words(rng, count), T.STRING), "int64s": ([int(v) for v in rng.integers(-9, 9, count)], T.INT64), "floats": ([float(v) for v in rng.integers(-9, 9, count)], T.FLOAT)}
    kind = str(rng.choice(list(values)))
    x = {"strings": lambda: seen(keys, text), "int64s": lambda: seen(ints, lambda: int(rng.integers(-60, 60))).astype(np.int64),
         "floats": lambda: seen(floats, lambda: float(rng.integers(99))).astype(np.float32)}
    of = str(rng.choice(list(x)))
    which = rng.integers(5)
    if which == 0:
        from_text = flip(rng)
        feeds = {"X": x["strings"]() if from_text else x["int64s"]()}
        return one("CategoryMapper", feeds, [("Y", T.INT64 if from_text else T.STRING)], ML, cats_int64s=ints, cats_strings=keys, default_int64=-7, default_string="né"), feeds, None
    if which == 1:
        feeds = {"X": x["strings"]()}
        return one("OneHotEncoder", feeds, [("Y", T.FLOAT)], ML, cats_strings=keys), feeds, None
    feeds = {"X": x[of]()}
    given = {"strings": keys, "int64s": ints, "floats": floats}[of]
    if which == 2:
        type_of = {"strings": T.STRING, "int64s": T.INT64, "floats": T.FLOAT}
        encode = lambda v: [s.encode() for s in v] if v and isinstance(v[0], str) else v
        default = {"strings": [b"no"], "int64s": [3], "floats": [2.5]}[kind]
        return one("LabelEncoder", feeds, [("Y", values[kind][1])], ML, keys_tensor=helper.make_tensor("k", type_of[of], [count], encode(given)),
                   values_tensor=helper.make_tensor("v", type_of[kind], [count], encode(values[kind][0])), default_tensor=helper.make_tensor("d", type_of[kind], [1], default)), feeds, None
    if which == 3 and of != "floats":
        feeds = {"X": x["strings"]() if of == "strings" else np.arange(-2, count + 2)}
        return one("LabelEncoder", feeds, [("Y", T.INT64 if of == "strings" else T.STRING)], ML, ml=1, classes_strings=keys), feeds, None
    return one("LabelEncoder", feeds, [("Y", values[kind][1])], ML, **{f"keys_{of}": given, f"values_{kind}": values[kind][0]}), feeds, None


def concat(rng):
    count = int(rng.integers(1, 6))
    longest = 60000 if rng.random() < 0.2 else 8  # more than a program has room for at first
    feeds = {"X": array(words(rng, 2 * count, longest), (count, 2)), "Y": array(words(rng, 2, longest), (1, 2))}
    return one("StringConcat", feeds, [("Z", T.STRING)], is_open=False), feeds, None


def split(rng):
    """As Python does it: ONNX Runtime takes spaces alone for whitespace."""
    x = array(words(rng, int(rng.integers(0, 7)), 12, list("ab  ,\t;é")))
    delimiter = str(rng.choice(["", ",", ", ", "a", "é"]))
    attributes = {"delimiter": delimiter} if delimiter or flip(rng) else {}
    most = int(rng.integers(0, 4)) if flip(rng) else -1
    if most >= 0:
        attributes["maxsplit"] = most
    feeds = {"X": x}
    pieces = [each.split(delimiter or None, most) for each in x]
    widest = max(map(len, pieces), default=0)
    y = array([p + [""] * (widest - len(p)) for p in pieces], (len(x), widest))
    return one("StringSplit", feeds, [("Y", T.STRING), ("Z", T.INT64)], is_open=flip(rng), **attributes), feeds, {"Y": y, "Z": np.array([len(p) for p in pieces], np.int64)}


def lower(text):
    return "".join("i" if c == "İ" else c.lower() for c in text)


def upper(text):
    return "".join(c.upper() if len(c.upper()) == 1 else c for c in text)


def normalizer(rng):
    """Case by Python's Unicode, where it gives one character for one; ONNX Runtime wants the system's locales."""
    every = [chr(c) for c in range(32, 0x1f000) if not 0xd800 <= c < 0xe000]
    x = words(rng, int(rng.integers(1, 12)), 5, every if flip(rng) else list("abAB") + ["é", "É"])
    x += [lower(x[0]), "The", "the"]
    stops = ["the"] + [x[i] for i in rng.permutation(len(x))[:rng.integers(4)]] if flip(rng) else []
    if rng.random() < 0.1:
        stops = list(x)
    action, sensitive = str(rng.choice(["NONE", "LOWER", "UPPER"])), int(rng.integers(2))
    feeds = {"X": array(x) if flip(rng) else array(x, (1, len(x)))}
    known = set(stops) if sensitive else {lower(w) for w in stops}
    kept = [w for w in x if (w if sensitive else lower(w)) not in known]
    change = {"NONE": str, "LOWER": lower, "UPPER": upper}[action]
    y = array([change(w) for w in kept] or [""])
    attributes = dict(case_change_action=action, is_case_sensitive=sensitive, **({"stopwords": stops} if stops else {}))
    return one("StringNormalizer", feeds, [("Y", T.STRING)], is_open=False, **attributes), feeds, {"Y": y if feeds["X"].ndim == 1 else y.reshape(1, -1)}


def tfidf(rng):
    is_text, rank2 = flip(rng), flip(rng)
    vocabulary = list(dict.fromkeys(words(rng, int(rng.integers(1, 6)), 2))) if is_text else [int(v) for v in rng.integers(-3, 4, int(rng.integers(1, 6)))]
    pick = lambda n: [vocabulary[i] for i in rng.integers(len(vocabulary), size=n)]
    most = int(rng.integers(1, 4))
    least = int(rng.integers(1, most + 1))
    pool, counts, grams = [], [], 0
    for length in range(1, most + 1):
        counts.append(len(pool))
        different = {tuple(pick(length)) for _ in range(int(rng.integers(1, 6)))}
        for gram in sorted(different):
            pool += gram
        grams += len(different)
    x = pick(int(rng.integers(1, 12)) * (2 if rank2 else 1))
    x = [v if rng.random() < 0.9 else (words(rng, 1)[0] if is_text else int(rng.integers(9))) for v in x]
    x = array(x) if is_text else np.array(x, [np.int64, np.int32][rng.integers(2)])
    feeds = {"X": x.reshape(2, -1) if rank2 else x}
    attributes = {"pool_strings" if is_text else "pool_int64s": pool}
    if flip(rng):
        attributes["weights"] = [float(v) for v in rng.integers(1, 20, grams)]
    return one("TfIdfVectorizer", feeds, [("Y", T.FLOAT)], is_open=flip(rng), mode=str(rng.choice(["TF", "IDF", "TFIDF"])), min_gram_length=least, max_gram_length=most,
               max_skip_count=int(rng.integers(0, 4)), ngram_counts=counts, ngram_indexes=[int(v) for v in rng.permutation(grams)], **attributes), feeds, None


def casts(rng):
    if flip(rng):
        kinds = [np.float32, np.float64, np.float16, np.int64, np.int32, np.uint8, np.bool_, np.uint64, np.int8]
        dtype = kinds[rng.integers(len(kinds))]
        x = (rng.normal(size=20) * 10.0 ** rng.integers(-12, 12, 20)).astype(np.float64)
        x[:4] = [np.nan, np.inf, -np.inf, -0.0]
        with np.errstate(all="ignore"):
            x = x.astype(dtype) if np.issubdtype(dtype, np.floating) else rng.integers(0, 1 << 63, 20, dtype=np.uint64).astype(dtype)
        feeds = {"X": x}
        return one("Cast", feeds, [("Y", T.STRING)], to=T.STRING), feeds, None
    kind = [T.FLOAT, T.DOUBLE, T.INT64, T.INT32, T.UINT8][rng.integers(5)]
    if kind in (T.FLOAT, T.DOUBLE):
        strings = ["nan", "NaN", "INF", "-inf", "+INF", "Infinity", "1e30", "-2.5E-3", ".5", "5.", "+7", " 3", "0.1"] + [repr(float(v)) for v in rng.normal(size=9) * 1e5]
    else:
        strings = ["0", "+7", "-5", " 12", "3.7", "12345678901"] + [str(v) for v in rng.integers(-1000, 1000, 9)]
    feeds = {"X": array(strings)}
    return one("Cast", feeds, [("Y", kind)], to=kind), feeds, None


PATTERNS = [r"a*b+", r"[a-c]{2,3}", r"(ab|ba)*c?", r"\d+(\.\d+)?", r"[^a]*", r".*é.*", r"(?i)straße|É", r"[[:alpha:]]+[-_]?", r"^a.*z$", r"a|", r"", r"(a?){5}a{5}", r"[à-ÿ]+", r"日.?",
            r"\w+\s\w+", r"\S*", r"[\d,]+", r"(?:a|b)+?c", r"\Qa.b\E", r"x{0}", r"[^\x00-\x7F]+", r"(?s).*", r"a\.b", r"[]a]+", r"(?P<n>a)b", r"😀|[😀-😂]", r"(a|ab)(c|bcd)", r"a{,2}", r"$|a^b|\Aa\z",
            r"(?i)[k-m]+", r"[\w.]+@[\w.]+",
            r"\ba+\b.*", r".*\bb\b.*", r"(?s).*\Bb.*", r"\b|a\B.?", r"(a\b|b)*.?\w?", r"(?ms)^a$.*^z$", r"(?m)(a$|\n)*^z", r"(?m)^$", r"(?m:^a$)\nz$", r"\w+(\b.\b)?\w*", r"\B", r"é\b|\bé"]
# By Unicode's general categories.
CATEGORIES = [r"\pL+", r"\p{Lu}\p{Ll}*", r"[\p{L}\p{Nd}]*", r"\PL*", r"\p{^L}+", r"\P{^Lu}+", r"[^\pL]+", r"(?i)\p{Lu}+", r"(?i)\P{Lu}*", r"\p{So}+|\p{Sm}", r"\p{Any}", r"\p{P}|\pZ|\p{Lo}+",
              r"[\p{Lu}-z]+", r"\p{N}+\p{P}\p{N}+"]


def regex(rng, patterns=PATTERNS):
    pattern = patterns[int(rng.integers(len(patterns)))]
    fixed = ["", "a", "ab", "aab", "abab", "éé", "STRASSE", "straße", "É", "é", "1.25", "a.b", "a]", "az", "a\nz", "aaaaa", "日本", "😁", "ab c", "abcd", "a{,2}", "K", "kLm", "x@y.z", "a-", "10,5"]
    feeds = {"X": array(fixed + words(rng, 30, 4))}
    return one("RegexFullMatch", feeds, [("Y", T.BOOL)], pattern=pattern), feeds, None


def categories(rng):
    return regex(rng, CATEGORIES)


def classifier(rng):
    """Labels that are strings, and what ZipMap is here: the scores."""
    classes = int(rng.integers(2, 5))
    labels = [w + str(i) for i, w in enumerate(words(rng, classes))]
    x = rng.normal(size=(int(rng.integers(1, 9)), 3)).astype(np.float32)
    outputs = [("L", T.STRING), ("S", T.FLOAT)]
    if flip(rng):
        made = one("LinearClassifier", {"X": x}, outputs, ML, classlabels_strings=labels, coefficients=[float(v) for v in rng.normal(size=3 * classes)], intercepts=[float(v) for v in rng.normal(size=classes)],
                   post_transform="SOFTMAX", multi_class=1)
    else:
        made = one("TreeEnsembleClassifier", {"X": x}, outputs, ML, ml=3, classlabels_strings=labels, nodes_treeids=[0] * 3, nodes_nodeids=[0, 1, 2], nodes_featureids=[int(rng.integers(3)), 0, 0],
                   nodes_values=[0.1, 0.0, 0.0], nodes_modes=["BRANCH_LEQ", "LEAF", "LEAF"], nodes_truenodeids=[1, 0, 0], nodes_falsenodeids=[2, 0, 0],
                   class_treeids=[0] * 2 * classes, class_nodeids=[1] * classes + [2] * classes, class_ids=list(range(classes)) * 2, class_weights=[float(v) for v in rng.permutation(2 * classes)])
    return made, {"X": x}, None


def difference(found, expected):
    """What is wrong with an output; nothing when it is right."""
    if found.shape != expected.shape:
        return f"{found.dtype}{list(found.shape)} instead of {expected.dtype}{list(expected.shape)}"
    if expected.dtype == object:
        wrong = [i for i in range(found.size) if str(found.flat[i]) != expected.flat[i]]
        return f"{len(wrong)} of {found.size} differ, {found.flat[wrong[0]]!r} instead of {expected.flat[wrong[0]]!r}" if wrong else ""
    if found.dtype != expected.dtype:
        return f"{found.dtype} instead of {expected.dtype}"
    close = np.isclose(found, expected, rtol=1e-5, atol=1e-6, equal_nan=True) if np.issubdtype(expected.dtype, np.floating) else found == expected
    wrong = np.flatnonzero(~close)
    return f"{len(wrong)} of {found.size} differ, {found.flat[wrong[0]]} instead of {expected.flat[wrong[0]]}" if len(wrong) else ""


def reference(made, feeds):
    session = onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    return dict(zip([o.name for o in session.get_outputs()], session.run(None, feeds)))


def characters(value):
    """As an .npz has it: as wide as the longest."""
    return value.astype(str) if value.dtype == object and value.size else np.zeros(value.shape, "U1") if value.dtype == object else value


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("kind")
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--options", default="")
    parser.add_argument("--burnish", default="burnish")
    options = parser.parse_args()
    onnxruntime.set_default_logger_severity(4)
    options.folder.mkdir(parents=True, exist_ok=True)
    path, inputs, outputs = (str(options.folder / f"{options.kind}.{end}") for end in ("onnx", "in.npz", "out.npz"))
    wrong = 0
    for seed in range(options.first, options.first + options.runs):
        made, feeds, expected = globals()[options.kind](np.random.default_rng(seed))
        onnx.save(made, path)
        np.savez(inputs, **{name: characters(value) for name, value in feeds.items()})
        program = str(options.folder / options.kind)
        reasons = []
        compiled = subprocess.run([options.burnish, path, "-o", program, *options.options.split()], capture_output=True, text=True)
        if compiled.returncode:
            reasons.append(compiled.stderr.strip())
        else:
            # numpy drops zeros at the end of strings, and so are the inputs.
            read = {name: value.astype(object) if value.dtype.kind == "U" else value for name, value in np.load(inputs).items()}
            ran = subprocess.run([program, inputs, "-o", outputs], capture_output=True, text=True)
            if ran.returncode:
                reasons.append(ran.stderr.strip())
            else:
                found = np.load(outputs)
                values = expected(reference(made, read)) if callable(expected) else expected or reference(made, read)
                reasons += [f"{name}: {why}" for name, value in values.items() if (why := difference(found[name], value))]
        if reasons:
            wrong += 1
            short = re.sub(r"\s+", " ", onnx.printer.to_text(made.graph))[:300]
            print(f"seed {seed}: {reasons[0]}\n   {short}", flush=True)
    print(f"{options.kind}: {options.runs - wrong} of {options.runs} right")
    sys.exit(wrong != 0)


if __name__ == "__main__":
    main()
