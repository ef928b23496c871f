"""ml_broken.py - writes models of ai.onnx.ml that cannot be: ml_broken.py FOLDER, each as NAME.onnx."""

import sys

import onnx
from onnx import TensorProto, helper

REGRESSOR = dict(
    nodes_treeids=[0, 0, 0], nodes_nodeids=[0, 1, 2], nodes_featureids=[1, 0, 0], nodes_values=[0.5, 0.0, 0.0],
    nodes_modes=["BRANCH_LEQ", "LEAF", "LEAF"], nodes_truenodeids=[1, 0, 0], nodes_falsenodeids=[2, 0, 0],
    target_treeids=[0, 0], target_nodeids=[1, 2], target_ids=[0, 0], target_weights=[1.0, 2.0], n_targets=1)
LOOP = dict(
    REGRESSOR, nodes_treeids=[0] * 4, nodes_nodeids=[0, 1, 2, 3], nodes_featureids=[0] * 4, nodes_values=[0.0] * 4,
    nodes_modes=["BRANCH_LEQ", "BRANCH_LT", "LEAF", "LEAF"], nodes_truenodeids=[1, 0, 0, 0], nodes_falsenodeids=[2, 3, 0, 0],
    target_nodeids=[2, 3])
CLASSIFIER = {key.replace("target_", "class_"): value for key, value in REGRESSOR.items() if key != "n_targets"}
SVM = dict(support_vectors=[0.0] * 6, vectors_per_class=[1, 1], coefficients=[1.0, -1.0], rho=[0.0], classlabels_ints=[0, 1])


def floats(*values):
    return helper.make_tensor("t", TensorProto.FLOAT, [len(values)], values)


ENSEMBLE = dict(
    nodes_featureids=[0, 0], nodes_truenodeids=[1, 0], nodes_falsenodeids=[0, 1], nodes_trueleafs=[0, 1], nodes_falseleafs=[1, 1],
    nodes_splits=floats(0, 0), nodes_modes=helper.make_tensor("m", TensorProto.UINT8, [2], [0, 0]), leaf_targetids=[0, 0],
    leaf_weights=floats(1, 2), tree_roots=[0], n_targets=1)
MEMBER = helper.make_tensor("m", TensorProto.UINT8, [2], [6, 7])

CASES = {
    "child": ("TreeEnsembleRegressor", dict(REGRESSOR, nodes_truenodeids=[7, 0, 0])),
    "cycle": ("TreeEnsembleRegressor", LOOP),
    "itself": ("TreeEnsembleRegressor", dict(REGRESSOR, nodes_truenodeids=[0, 0, 0])),
    "lengths": ("TreeEnsembleRegressor", dict(REGRESSOR, nodes_values=[0.5, 0.0])),
    "weights": ("TreeEnsembleRegressor", dict(REGRESSOR, target_weights=[1.0])),
    "columns": ("TreeEnsembleRegressor", dict(REGRESSOR, nodes_featureids=[3, 0, 0])),
    "negative": ("TreeEnsembleRegressor", dict(REGRESSOR, nodes_featureids=[-1, 0, 0])),
    "open": ("TreeEnsembleRegressor", dict(REGRESSOR, nodes_featureids=[3, 0, 0])),
    "target": ("TreeEnsembleRegressor", dict(REGRESSOR, target_ids=[0, 1])),
    "targets": ("TreeEnsembleRegressor", dict(REGRESSOR, n_targets=0)),
    "leaf": ("TreeEnsembleRegressor", dict(REGRESSOR, target_nodeids=[1, 5])),
    "twice": ("TreeEnsembleRegressor", dict(REGRESSOR, nodes_nodeids=[0, 1, 1])),
    "mode": ("TreeEnsembleRegressor", dict(REGRESSOR, nodes_modes=["BRANCH_LIKE", "LEAF", "LEAF"])),
    "base": ("TreeEnsembleRegressor", dict(REGRESSOR, base_values=[1.0, 2.0])),
    "transform": ("TreeEnsembleRegressor", dict(REGRESSOR, post_transform="TANH")),
    "aggregate": ("TreeEnsembleRegressor", dict(REGRESSOR, aggregate_function="MEDIAN")),
    "none": ("TreeEnsembleRegressor", dict(n_targets=1)),
    "class_id": ("TreeEnsembleClassifier", dict(CLASSIFIER, class_ids=[0, 2], classlabels_int64s=[4, 5])),
    "strings": ("TreeEnsembleClassifier", dict(CLASSIFIER, classlabels_strings=["a"])),
    "placed_child": ("TreeEnsemble", dict(ENSEMBLE, nodes_truenodeids=[2, 0])),
    "placed_leaf": ("TreeEnsemble", dict(ENSEMBLE, nodes_falsenodeids=[0, -1])),
    "placed_cycle": ("TreeEnsemble", dict(ENSEMBLE, nodes_trueleafs=[0, 0])),
    "placed_root": ("TreeEnsemble", dict(ENSEMBLE, tree_roots=[2])),
    "placed_target": ("TreeEnsemble", dict(ENSEMBLE, leaf_targetids=[0, 9])),
    "placed_mode": ("TreeEnsemble", dict(ENSEMBLE, nodes_modes=MEMBER)),
    "placed_sets": ("TreeEnsemble", dict(ENSEMBLE, nodes_modes=helper.make_tensor("m", TensorProto.UINT8, [2], [6, 6]),
                                         membership_values=floats(1, 2))),
    "svm": ("SVMClassifier", dict(SVM, coefficients=[1.0])),
    "svm_columns": ("SVMClassifier", dict(SVM, support_vectors=[0.0] * 8)),
    "svm_kernel": ("SVMRegressor", dict(n_supports=1, support_vectors=[0.0] * 3, coefficients=[1.0], rho=[0.0], kernel_type="COSINE")),
    "linear": ("LinearRegressor", dict(coefficients=[1.0] * 5, targets=2)),
    "scaler": ("Scaler", dict(offset=[1.0, 2.0], scale=[1.0])),
    "encoder": ("LabelEncoder", dict(keys_floats=[1.0, 2.0], values_int64s=[1])),
}

for name, (op, attributes) in CASES.items():
    outputs = ["y", "z"] if op.endswith("Classifier") else ["y"]
    node = helper.make_node(op, ["x"], outputs, name="n", domain="ai.onnx.ml", **attributes)
    shape = ["rows", "columns" if name == "open" else 3]
    graph = helper.make_graph([node], "g", [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
                              [helper.make_tensor_value_info(o, TensorProto.FLOAT, None) for o in outputs])
    version = 5 if op == "TreeEnsemble" else 3
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", version)])
    made.ir_version = 8
    onnx.save(made, f"{sys.argv[1]}/{name}.onnx")
print(*CASES)
