"""learned.py - models of ai.onnx.ml: what takes and gives numbers."""

import numpy as np
from onnx import numpy_helper

from .case import DTYPE, ML, RANGE, Skip, rule


def floats(c, name, dims):
    """An input; onnx.reference keeps integers what they are all the way."""
    c.input(name, dims)
    if c.inputs[name].dtype.kind in "iu":
        c.distrusted.add("reference")


@rule("ArrayFeatureExtractor", domain=ML)
def extract(c):
    dims = c.shape(1, 3, empty=0)
    c.input("X", dims)
    c.value("Y", c.numbers.integers(0, dims[-1], [c.dim(6)]), 0.4)


@rule("Binarizer", domain=ML)
def binarizer(c):
    c.input("X", c.shape(1))
    c.attribute("threshold", 0.0, 0.5, -1.0)


@rule("FeatureVectorizer", domain=ML)
def vectorizer(c):
    rows, word = c.dim(), c.type("T1")
    widths = [c.dim(5) for _ in range(c.integer(1, 4))]
    c.inputs["X"] = [c.array(word, [rows, w]) for w in widths]
    c.attributes["inputdimensions"] = widths


@rule("Imputer", domain=ML)
def imputer(c):
    dims, word = c.shape(1, 2), c.type("T")
    x = c.array(word, dims, "small")
    whole = word in RANGE
    kind = "int64" if whole else "float"
    if not whole and c.chance(0.5):
        x = np.where(c.numbers.random(dims) < 0.3, np.nan, x).astype(x.dtype)
        c.attributes["replaced_value_float"] = float("nan")
    else:
        c.attributes[f"replaced_value_{kind}"] = 2 if whole else 2.0
    c.value("X", x)
    count = dims[-1] if c.chance(0.5) and dims[-1] else 1
    c.attributes[f"imputed_value_{kind}s"] = [int(v) if whole else float(v) for v in c.numbers.integers(-9, 9, count)]


@rule("LabelEncoder", domain=ML)
def encoder(c):
    if c.opset < 2:
        raise Skip("of strings alone")
    keys = list(map(int, c.numbers.permutation(12)[: c.integer(1, 8)]))
    from_, to = c.choose("int64", "float"), c.choose("int64", "float")
    pick = {"int64": int, "float": float}
    c.attributes[f"keys_{from_}s"] = [pick[from_](k) for k in keys]
    c.attributes[f"values_{to}s"] = [pick[to](v) for v in c.numbers.integers(-50, 50, len(keys))]
    if c.chance(0.6):
        c.attributes[f"default_{to}"] = pick[to](-7)
    c.types.update(T1=from_, T2=to)
    c.value("X", np.asarray(c.numbers.integers(0, 12, c.shape())).astype(DTYPE[from_]))


@rule("LinearRegressor", domain=ML)
def regressor(c):
    k, targets = c.dim(), c.integer(1, 5)
    floats(c, "X", [c.dim(), k])
    c.attributes.update(coefficients=[float(x) for x in c.numbers.standard_normal(k * targets)], targets=targets)
    if c.chance(0.7):
        c.attributes["intercepts"] = [float(x) for x in c.numbers.standard_normal(targets)]
    else:
        c.distrusted.add("reference")
    c.attribute("post_transform", "NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT", probability=0.3)
    c.accumulates = True


@rule("LinearClassifier", domain=ML)
def classifier(c):
    k, classes = c.dim(), c.integer(2, 5)
    floats(c, "X", [c.dim(), k])
    c.attributes.update(coefficients=[float(x) for x in c.numbers.standard_normal(k * classes)], intercepts=[float(x) for x in c.numbers.standard_normal(classes)])
    c.attributes["classlabels_ints"] = list(map(int, c.numbers.permutation(20)[:classes]))
    c.attribute("post_transform", "NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO")
    c.types["T2"] = "int64"
    c.outputs = ["Y", "Z"]
    c.accumulates = True


@rule("Normalizer", domain=ML)
def normalizer(c):
    floats(c, "X", c.shape(1, 2, empty=0))
    c.attribute("norm", "MAX", "L1", "L2")
    c.accumulates = True


@rule("OneHotEncoder", domain=ML)
def one_hot(c):
    word = c.type("T")
    cats = list(map(int, c.numbers.permutation(9)[: c.integer(1, 6)]))
    x = c.numbers.choice(cats, c.shape(0, 3, 200)) if c.chance(0.5) else c.numbers.integers(0, 9, c.shape(0, 3, 200))
    c.value("X", np.asarray(x).astype(DTYPE[word]))
    c.attributes.update(cats_int64s=cats, zeros=1)


@rule("Scaler", domain=ML)
def scaler(c):
    dims = c.shape(1, 3, empty=0)
    floats(c, "X", dims)
    count = dims[-1] if c.chance(0.6) else 1
    c.attributes.update(offset=[float(x) for x in c.numbers.standard_normal(count)], scale=[float(x) for x in c.numbers.standard_normal(count)])


def kernel(c):
    c.attributes["kernel_type"] = c.choose("LINEAR", "POLY", "RBF", "SIGMOID")
    c.attributes["kernel_params"] = [0.3, 0.5, float(c.choose(1, 2, 3))]


@rule("SVMRegressor", domain=ML)
def svm_regressor(c):
    k, vectors = c.dim(), c.dim(8)
    floats(c, "X", [c.dim(), k])
    kernel(c)
    c.attributes.update(support_vectors=[float(x) for x in c.numbers.standard_normal(k * vectors)], n_supports=vectors,
                        coefficients=[float(x) for x in c.numbers.standard_normal(vectors)], rho=[0.25])  # fmt: skip
    c.attribute("one_class", 0, 1, probability=0.2)
    c.accumulates = True


@rule("SVMClassifier", domain=ML)
def svm_classifier(c):
    k, classes = c.dim(), c.integer(2, 4)
    per = [c.integer(1, 4) for _ in range(classes)]
    vectors, pairs = sum(per), classes * (classes - 1) // 2
    floats(c, "X", [c.dim(), k])
    kernel(c)
    c.attributes.update(
        support_vectors=[float(x) for x in c.numbers.standard_normal(k * vectors)], vectors_per_class=per, rho=[float(x) for x in c.numbers.standard_normal(pairs)],
        coefficients=[float(x) for x in c.numbers.standard_normal(vectors * (classes - 1))], classlabels_ints=list(range(classes)),
    )  # fmt: skip
    if c.chance(0.5):
        c.attributes.update(prob_a=[float(x) for x in c.numbers.standard_normal(pairs)], prob_b=[float(x) for x in c.numbers.standard_normal(pairs)])
    c.types["T2"] = "int64"
    c.outputs = ["Y", "Z"]
    c.accumulates = True


MODES = ("BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ")


def forest(c, features, prefix, slots):
    """Nodes of random trees, and numbers of their leaves."""
    trees, a = c.integer(1, 4), c.attributes
    words = ("treeids", "nodeids", "featureids", "values", "modes", "truenodeids", "falsenodeids", "missing_value_tracks_true")
    rows, leaves = [], []
    modes = MODES if c.chance(0.4) else MODES[:1]
    for tree in range(trees):
        nodes = [None]
        open_ = [(0, 0)]
        while open_:
            place, depth = open_.pop()
            if depth >= 4 or c.chance(0.25):
                nodes[place] = (tree, place, 0, 0.0, "LEAF", 0, 0, 0)
                leaves.extend((tree, place, slot, float(c.numbers.standard_normal())) for slot in c.rng.sample(range(slots), c.integer(1, slots)))
                continue
            nodes += [None, None]
            first = len(nodes) - 2
            nodes[place] = (tree, place, c.integer(0, features - 1), float(np.float32(c.rng.gauss(0, 1))), c.choose(*modes), first, first + 1, c.integer(0, 1))
            open_ += [(first, depth + 1), (first + 1, depth + 1)]
        rows += nodes
    for i, word in enumerate(words):
        a[f"nodes_{word}"] = [row[i] for row in rows]
    for i, word in enumerate(("treeids", "nodeids", "ids", "weights")):
        a[f"{prefix}_{word}"] = [leaf[i] for leaf in leaves]


@rule("TreeEnsembleRegressor", domain=ML)
def trees_regressor(c):
    features, targets = c.dim(8), c.integer(1, 3)
    floats(c, "X", [c.dim(), features])
    forest(c, features, "target", targets)
    c.attributes["n_targets"] = targets
    c.attribute("aggregate_function", "SUM", "AVERAGE", "MIN", "MAX")
    if c.chance(0.5):
        c.attributes["base_values"] = [0.5] * targets
    c.attribute("post_transform", "NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", probability=0.3)
    c.accumulates = True


@rule("TreeEnsemble", domain=ML)
def trees(c):
    """The newer form: nodes and leaves are lists of their own, and nodes may ask for a member of a set."""
    features, targets, word = c.dim(8), c.integer(1, 3), c.type("T", ("float", "double"))
    modes = (0,) if c.chance(0.4) else (0, 1, 2, 3, 4, 5) if c.chance(0.6) else (0, 6)
    # ONNX Runtime rounds what it looks up in a set.
    c.input("X", [c.dim(), features], "small" if 6 in modes else c.choose("normal", "small"))
    nodes, leaves, sets, roots = [], [], [], []

    def grow(depth):
        """(place, whether that is a leaf) of a new tree."""
        if depth and (depth >= 4 or c.chance(0.25)):
            leaves.append((c.integer(0, targets - 1), c.numbers.standard_normal()))
            return len(leaves) - 1, 1
        place, mode = len(nodes), c.choose(*modes)
        nodes.append(None)
        if mode == 6:
            sets.extend([*map(float, c.rng.sample(range(-4, 5), c.integer(1, 4))), np.nan])
        branches = grow(depth + 1), grow(depth + 1)
        nodes[place] = (c.integer(0, features - 1), mode, float(c.integer(-3, 3)) if mode > 3 else c.rng.gauss(0, 1), *branches[0], *branches[1], c.integer(0, 1))
        return place, 0

    for _ in range(c.integer(1, 4)):
        roots.append(grow(0)[0])
    columns, targetids = list(zip(*nodes)), [leaf[0] for leaf in leaves]
    dtype = DTYPE[word]

    def tensor(values, dtype=dtype):
        return numpy_helper.from_array(np.array(values, dtype))

    for name, column in zip(("featureids", "modes", "splits", "truenodeids", "trueleafs", "falsenodeids", "falseleafs", "missing_value_tracks_true"), columns):
        c.attributes[f"nodes_{name}"] = tensor(column, np.uint8) if name == "modes" else tensor(column) if name == "splits" else list(column)
    c.attributes.update(tree_roots=roots, n_targets=targets, leaf_targetids=targetids, leaf_weights=tensor([leaf[1] for leaf in leaves]))
    if sets:
        c.attributes["membership_values"] = tensor(sets)
    c.attribute("aggregate_function", 0, 1, 2, 3)
    # onnx.reference leaves it out, and ONNX Runtime takes SOFTMAX for LOGISTIC and the other way round.
    if c.attribute("post_transform", 0, 3, probability=0.3):
        c.distrusted.add("reference")
    c.accumulates = True


@rule("TreeEnsembleClassifier", domain=ML)
def trees_classifier(c):
    features, classes = c.dim(8), c.integer(2, 4)
    floats(c, "X", [c.dim(), features])
    forest(c, features, "class", classes)
    c.attributes["classlabels_int64s"] = list(map(int, c.numbers.permutation(20)[:classes]))
    if c.chance(0.5):
        c.attributes["base_values"] = [0.5] * classes
    c.attribute("post_transform", "NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO")
    c.outputs = ["Y", "Z"]
    c.output_types = {0: "int64", 1: "float"}
    c.accumulates = True
