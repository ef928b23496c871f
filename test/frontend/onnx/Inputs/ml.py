"""ml.py - random models of ai.onnx.ml, compiled, run and compared with ONNX Runtime.

    ml.py FOLDER KIND [--runs N] [--seed S] [--options "-O0 ..."]

KIND is a function below. Labels must be the same, numbers near each other in proportion to the largest one. One line for each
case that is not so, with what the model is; a summary at the end.
"""

import argparse
import pathlib
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper

TYPES = {np.float32: TensorProto.FLOAT, np.float64: TensorProto.DOUBLE, np.int64: TensorProto.INT64, np.int32: TensorProto.INT32}
TRANSFORMS = ["NONE", "LOGISTIC", "SOFTMAX", "SOFTMAX_ZERO"]


def model(op, outputs, x, version=3, is_open=True, inputs=("X",), **attributes):
    """A model of one node; the batch is known only at run time if it `is_open`."""
    node = helper.make_node(op, list(inputs), [name for name, _ in outputs], domain="ai.onnx.ml", **attributes)
    shape = ["N" if is_open else x.shape[0], *x.shape[1:]]
    graph = helper.make_graph(
        [node], "g", [helper.make_tensor_value_info("X", TYPES[x.dtype.type], shape)],
        [helper.make_tensor_value_info(name, kind, None) for name, kind in outputs])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", version)])
    made.ir_version = 8
    return made


def features(rng, dtype, rows, columns, missing=0.1):
    """Few different values, so that thresholds are met exactly, and some NaN."""
    x = np.round(rng.normal(size=(rows, columns)) * 3, 1 if rng.random() < 0.7 else 6)
    if np.issubdtype(dtype, np.integer):
        return np.round(x).astype(dtype)
    x[rng.random(x.shape) < missing] = np.nan
    return x.astype(dtype)


def grow(rng, depth, columns, modes, dtype):
    """A tree as nested tuples: (mode, column, threshold, is true for NaN, when true, when false), or None for a leaf."""
    if depth == 0 or rng.random() < 0.1:
        return None
    threshold = float(np.float32(np.round(rng.normal() * 3, 1))) if rng.random() < 0.7 else float(np.float32(rng.normal() * 3))
    if np.issubdtype(dtype, np.integer) and rng.random() < 0.5:
        threshold = float(np.round(threshold))
    children = [grow(rng, depth - 1, columns, modes, dtype) for _ in range(2)]
    return (rng.choice(modes), int(rng.integers(columns)), threshold, int(rng.integers(2)), *children)


def number(trees, has_tracks):
    """The nodes_* attributes of trees, and the numbers of their leaves."""
    nodes = {k: [] for k in ("treeids", "nodeids", "featureids", "values", "modes", "truenodeids", "falsenodeids")}
    tracks, leaves = [], []
    for tree_id, tree in enumerate(trees):
        count = 0

        def add(node):
            nonlocal count
            own, place = count, len(tracks)
            count += 1
            tracks.append(node[3] if node else 0)
            mode, column, value = node[:3] if node else ("LEAF", 0, 0.0)
            for key, item in zip(nodes, (tree_id, own, column, value, str(mode), 0, 0)):
                nodes[key].append(item)
            if not node:
                leaves.append((tree_id, own))
                return own
            nodes["truenodeids"][place] = add(node[4])
            nodes["falsenodeids"][place] = add(node[5])
            return own

        add(tree)
    attributes = {f"nodes_{key}": value for key, value in nodes.items()}
    if has_tracks:
        attributes["nodes_missing_value_tracks_true"] = tracks
    return attributes, leaves


def random_trees(rng, dtype):
    columns, depth = int(rng.integers(1, 9)), int(rng.integers(1, 13))
    count = int(rng.choice([1, 2, 7, 8, 9, 30, 200] if depth < 8 else [1, 3, 11]))
    every = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"]
    modes = every if rng.random() < 0.3 else [rng.choice(every)]
    trees = [grow(rng, depth, columns, modes, dtype) or grow(rng, depth, columns, modes, dtype) for _ in range(count)]
    return trees, columns


def leaf_weights(rng, leaves, targets, is_each_all, is_by_tree):
    """(tree, leaf, target, weight) of all leaves; `is_by_tree` gives a tree one target, as boosting has it."""
    for tree, leaf in leaves:
        own = range(targets) if is_each_all else [tree % targets] if is_by_tree else sorted(set(rng.integers(targets, size=2)))
        for target in own:
            yield tree, leaf, int(target), float(np.float32(rng.normal()))


def rows_of(rng):
    return int(rng.choice([1, 2, 8, 13, 100, 1000]))


def regressor(rng):
    dtype = rng.choice([np.float32, np.float64])
    trees, columns = random_trees(rng, dtype)
    attributes, leaves = number(trees, rng.random() < 0.5)
    targets = int(rng.choice([1, 1, 2, 5]))
    weights = list(leaf_weights(rng, leaves, targets, rng.random() < 0.5, rng.random() < 0.5))
    for key, column in zip(("treeids", "nodeids", "ids", "weights"), zip(*weights)):
        attributes[f"target_{key}"] = list(column)
    if rng.random() < 0.5:
        attributes["base_values"] = [float(v) for v in np.float32(rng.normal(size=targets))]
    aggregate = str(rng.choice(["SUM", "AVERAGE", "MIN", "MAX"]))
    x = features(rng, dtype, rows_of(rng), columns)
    return model("TreeEnsembleRegressor", [("Y", TensorProto.FLOAT)], x, is_open=rng.random() < 0.5, n_targets=targets,
                 aggregate_function=aggregate, post_transform=str(rng.choice(TRANSFORMS)), **attributes), x


def paths(rng):
    """The number of the leaf that a row comes to, which skl2onnx writes once for each class: the first of several counts."""
    trees, columns = random_trees(rng, np.float32)
    attributes, leaves = number(trees[:1], False)
    for key, each in (("treeids", 0), ("nodeids", 1)):
        attributes[f"target_{key}"] = [place[each] for place in leaves for _ in range(3)]
    attributes["target_ids"] = [0] * 3 * len(leaves)
    attributes["target_weights"] = [float(leaf + 1 + more) for _, leaf in leaves for more in (0, 0, rng.integers(2))]
    x = features(rng, np.float32, rows_of(rng), columns)
    return model("TreeEnsembleRegressor", [("Y", TensorProto.FLOAT)], x, is_open=rng.random() < 0.5, n_targets=1, **attributes), x


def classifier(rng):
    dtype = rng.choice([np.float32, np.float64, np.int64, np.int32])
    trees, columns = random_trees(rng, dtype)
    attributes, leaves = number(trees, rng.random() < 0.5)
    classes = int(rng.choice([1, 2, 2, 2, 3, 6]))
    kind = rng.integers(4)
    weights = list(leaf_weights(rng, leaves, classes, kind == 0, kind == 1))
    if classes == 2 and kind == 2:
        only = int(rng.integers(2))
        weights = [(tree, leaf, only, rng.normal()) for tree, leaf in leaves]
    if rng.random() < 0.4:
        weights = [(*place, abs(weight)) for *place, weight in weights]
    for key, column in zip(("treeids", "nodeids", "ids", "weights"), zip(*weights)):
        attributes[f"class_{key}"] = list(column)
    if rng.random() < 0.4:
        attributes["base_values"] = [float(v) for v in np.float32(rng.normal(size=classes))]
    elif classes == 2 and kind != 3 and rng.random() < 0.3:
        attributes["base_values"] = [0.25]
    x = features(rng, dtype, rows_of(rng), columns)
    return model("TreeEnsembleClassifier", [("label", TensorProto.INT64), ("scores", TensorProto.FLOAT)], x, is_open=rng.random() < 0.5,
                 classlabels_int64s=[int(v) for v in rng.permutation(20)[:classes]], post_transform=str(rng.choice(TRANSFORMS)),
                 **attributes), x


def ensemble(rng):
    """TreeEnsemble of version 5, with sets."""
    dtype = rng.choice([np.float32, np.float64])
    trees, columns = random_trees(rng, dtype)
    names = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"]
    nodes = {k: [] for k in ("featureids", "truenodeids", "falsenodeids", "trueleafs", "falseleafs", "missing_value_tracks_true")}
    modes, splits, members, targets, weights, roots = [], [], [], [], [], []
    count, has_sets = int(rng.choice([1, 3])), rng.random() < 0.5

    def add(node):
        if node is None:
            targets.append(int(rng.integers(count)))
            weights.append(float(rng.normal()))
            return len(targets) - 1, 1
        place = len(modes)
        is_set = has_sets and rng.random() < 0.4
        modes.append(6 if is_set else names.index(node[0]))
        splits.append(0.0 if is_set else node[2])
        if is_set:
            members.extend([*rng.permutation(9)[: rng.integers(1, 9)], np.nan])
        for key in nodes:
            nodes[key].append(0)
        nodes["featureids"][place] = node[1]
        nodes["missing_value_tracks_true"][place] = 0 if is_set else node[3]
        for key, child in (("true", node[4]), ("false", node[5])):
            nodes[f"{key}nodeids"][place], nodes[f"{key}leafs"][place] = add(child)
        return place, 0

    for tree in trees:
        roots.append(len(modes))
        # Sets stand in the order of nodes.
        add(tree or ("BRANCH_LEQ", 0, 0.5, 0, None, None))
    tensor = lambda name, values: helper.make_tensor(name, TYPES[dtype], [len(values)], np.array(values, dtype))
    attributes = {f"nodes_{key}": value for key, value in nodes.items()}
    if members:
        attributes["membership_values"] = tensor("members", members)
    x = features(rng, dtype, rows_of(rng), columns)
    if has_sets:  # ONNX Runtime knows whole numbers only, and takes 0.5 for one
        x = np.round(np.abs(np.nan_to_num(x)))
    return model("TreeEnsemble", [("Y", TYPES[dtype])], x, version=5, is_open=rng.random() < 0.5, n_targets=count, tree_roots=roots,
                 nodes_modes=helper.make_tensor("modes", TensorProto.UINT8, [len(modes)], modes), nodes_splits=tensor("splits", splits),
                 leaf_targetids=targets, leaf_weights=tensor("weights", weights), aggregate_function=int(rng.integers(4)),
                 post_transform=int(rng.choice([0, 3])), **attributes), x  # 1 and 2 are exchanged in ONNX Runtime


def floats(rng, *shape):
    return [float(v) for v in np.float32(rng.normal(size=shape)).ravel()]


def any_features(rng, columns):
    dtype = rng.choice([np.float32, np.float64, np.int64, np.int32])
    return features(rng, dtype, rows_of(rng), columns, missing=0)


def float_features(rng, columns):
    return features(rng, np.float32, rows_of(rng), columns, missing=0)


def linear(rng):
    columns, targets = int(rng.integers(1, 20)), int(rng.integers(1, 5))
    transform = str(rng.choice(TRANSFORMS))
    if rng.random() < 0.4:
        x = float_features(rng, columns)
        return model("LinearRegressor", [("Y", TensorProto.FLOAT)], x, version=1, targets=targets, coefficients=floats(rng, targets, columns),
                     intercepts=floats(rng, targets), post_transform=transform, is_open=rng.random() < 0.5), x
    x = any_features(rng, columns)
    labels = max(targets, 2)
    return model("LinearClassifier", [("label", TensorProto.INT64), ("scores", TensorProto.FLOAT)], x, version=1,
                 coefficients=floats(rng, targets, columns), intercepts=floats(rng, targets), post_transform=transform,
                 classlabels_ints=[int(v) for v in rng.permutation(20)[:labels]], is_open=rng.random() < 0.5), x


def support_vectors(rng):
    columns = int(rng.integers(1, 12))
    kernel = str(rng.choice(["LINEAR", "POLY", "RBF", "SIGMOID"]))
    attributes = {"kernel_type": kernel, "kernel_params": [float(np.float32(rng.uniform(0.02, 0.1))), 0.5, float(rng.integers(2, 4))]}
    transform = str(rng.choice(TRANSFORMS))
    if rng.random() < 0.4:
        x, count = float_features(rng, columns), int(rng.integers(0, 30))
        attributes.update(coefficients=floats(rng, count or columns), rho=floats(rng, 1), n_supports=count)
        if count:
            attributes["support_vectors"] = floats(rng, count, columns)
        return model("SVMRegressor", [("Y", TensorProto.FLOAT)], x, version=1, one_class=int(rng.integers(2)), post_transform=transform,
                     is_open=rng.random() < 0.5, **attributes), x
    x, classes = any_features(rng, columns), int(rng.integers(2, 6))
    pairs = classes * (classes - 1) // 2
    if rng.random() < 0.2:
        attributes.update(coefficients=floats(rng, classes, columns), rho=floats(rng, 1))
        if rng.random() < 0.3:
            attributes["coefficients"] = [abs(v) for v in attributes["coefficients"]]
    else:
        counts = [int(v) for v in rng.integers(1, 8, size=classes)]
        attributes.update(vectors_per_class=counts, support_vectors=floats(rng, sum(counts), columns),
                          coefficients=floats(rng, classes - 1, sum(counts)), rho=floats(rng, pairs))
        if rng.random() < 0.5:
            attributes.update(prob_a=[-abs(v) for v in floats(rng, pairs)], prob_b=floats(rng, pairs))
    return model("SVMClassifier", [("label", TensorProto.INT64), ("scores", TensorProto.FLOAT)], x, version=1, post_transform=transform,
                 classlabels_ints=[int(v) for v in rng.permutation(20)[:classes]], is_open=rng.random() < 0.5, **attributes), x


def feature_ops(rng):
    columns = int(rng.integers(1, 9))
    is_open = rng.random() < 0.5
    kind = rng.choice(["Scaler", "Normalizer", "Binarizer", "Imputer", "OneHotEncoder", "LabelEncoder", "FeatureVectorizer"])
    few = lambda: floats(rng, count)
    count = int(rng.choice([1, columns]))
    if kind == "Scaler":
        x = any_features(rng, columns)
        return model(kind, [("Y", TensorProto.FLOAT)], x, version=1, is_open=is_open, offset=few(), scale=few()), x
    if kind == "Normalizer":
        x = any_features(rng, columns)
        x[rng.random(len(x)) < 0.2] = 0
        return model(kind, [("Y", TensorProto.FLOAT)], x, version=1, is_open=is_open, norm=str(rng.choice(["MAX", "L1", "L2"]))), x
    if kind == "Binarizer":
        x = float_features(rng, columns)
        return model(kind, [("Y", TensorProto.FLOAT)], x, version=1, is_open=is_open, threshold=float(np.float32(rng.normal()))), x
    if kind == "Imputer":
        if rng.random() < 0.5:
            x = features(rng, np.float32, rows_of(rng), columns, missing=0.3)
            return model(kind, [("Y", TensorProto.FLOAT)], x, version=1, is_open=is_open, imputed_value_floats=few(),
                         replaced_value_float=float(rng.choice([np.nan, 0.0, 1.0]))), x
        x = features(rng, np.int64, rows_of(rng), columns)
        return model(kind, [("Y", TensorProto.INT64)], x, version=1, is_open=is_open, replaced_value_int64=int(rng.integers(3)),
                     imputed_value_int64s=[int(v) for v in rng.integers(100, size=rng.choice([1, columns]))]), x
    if kind == "OneHotEncoder":
        x = features(rng, rng.choice([np.float32, np.float64, np.int64]), rows_of(rng), columns, missing=0)
        return model(kind, [("Y", TensorProto.FLOAT)], x, version=1, is_open=is_open,
                     cats_int64s=[int(v) for v in rng.permutation(9)[: rng.integers(1, 9)] - 4], zeros=1), x
    if kind == "LabelEncoder":
        count = int(rng.integers(1, 9))
        is_float, gives_float = rng.random() < 0.5, rng.random() < 0.5
        x = features(rng, np.float32 if is_float else np.int64, rows_of(rng), columns)
        keys = [float(v) for v in rng.permutation(9)[:count] - 4] if is_float else [int(v) for v in rng.permutation(9)[:count] - 4]
        if is_float and rng.random() < 0.5:
            keys[0] = float("nan")
        attributes = {"keys_floats" if is_float else "keys_int64s": keys}
        attributes.update({"values_floats": floats(rng, count), "default_float": 0.5} if gives_float else
                          {"values_int64s": [int(v) for v in rng.integers(100, size=count)], "default_int64": -7})
        return model(kind, [("Y", TensorProto.FLOAT if gives_float else TensorProto.INT64)], x, version=4, is_open=is_open, **attributes), x
    x = any_features(rng, columns)
    return model(kind, [("Y", TensorProto.FLOAT)], x, version=1, is_open=is_open, inputs=("X", "X"), inputdimensions=[columns, columns]), x


def reference(made, x):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(made.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return dict(zip([o.name for o in session.get_outputs()], session.run(None, {"X": x})))


def difference(found, expected):
    """What is wrong with an output; nothing when it is right."""
    if found.shape != expected.shape or found.dtype != expected.dtype:
        return f"{found.dtype}{list(found.shape)} instead of {expected.dtype}{list(expected.shape)}"
    if not np.issubdtype(expected.dtype, np.floating):
        wrong = np.flatnonzero(found != expected)
        return f"{len(wrong)} of {found.size} differ, {found.flat[wrong[0]]} instead of {expected.flat[wrong[0]]}" if len(wrong) else ""
    finite = np.isfinite(expected)
    if not np.array_equal(found[~finite], expected[~finite], equal_nan=True):
        return "infinity or NaN elsewhere"
    scale = max(1.0, np.abs(expected[finite]).max(initial=0))
    worst = np.abs(found[finite] - expected[finite]).max(initial=0)
    return "" if worst <= 2e-5 * scale else f"the largest difference is {worst:.3g} at numbers up to {scale:.3g}"


def describe(made):
    node = made.graph.node[0]
    short = lambda v: f"[{len(v)}]" if isinstance(v, list) and len(v) > 6 else v
    return node.op_type, {a.name: short(helper.get_attribute_value(a)) for a in node.attribute if a.type != onnx.AttributeProto.TENSOR}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("kind")
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--options", default="")
    parser.add_argument("--burnish", default="burnish")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    path, inputs, outputs = (str(options.folder / f"{options.kind}.{end}") for end in ("onnx", "in.npz", "out.npz"))
    wrong = 0
    for seed in range(options.first, options.first + options.runs):
        made, x = globals()[options.kind](np.random.default_rng(seed))
        onnx.save(made, path)
        np.savez(inputs, X=x)
        program = str(options.folder / options.kind)
        reasons = []
        compiled = subprocess.run([options.burnish, path, "-o", program, *options.options.split()], capture_output=True, text=True)
        if compiled.returncode:
            reasons.append(compiled.stderr.strip())
        for threads in (1, 2) if not reasons else ():
            ran = subprocess.run([program, inputs, "-o", outputs, f"--threads={threads}"], capture_output=True, text=True)
            if ran.returncode:
                reasons.append(ran.stderr.strip())
                continue
            found = np.load(outputs)
            reasons += [f"{name}: {why}" for name, expected in reference(made, x).items() if (why := difference(found[name], expected))]
        if reasons:
            wrong += 1
            print(f"seed {seed}: {reasons[0]}\n   X is {x.dtype}{list(x.shape)}, {describe(made)}", flush=True)
    print(f"{options.kind}: {options.runs - wrong} of {options.runs} right")
    sys.exit(wrong != 0)


if __name__ == "__main__":
    main()
