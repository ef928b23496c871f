"""case.py - a model of many shapes as a file, its inputs, and what ONNX's reference evaluator makes of them."""

import sys

import numpy as np
import onnx
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator


def write(name, nodes, inputs, constants, outputs):
    """Writes NAME.onnx, in.npz and expected.npz; `inputs` and `constants` are {name: array}."""
    types = [helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(value.dtype), value.shape) for name, value in inputs.items()]
    results = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
    weights = [onnx.numpy_helper.from_array(value, name) for name, value in constants.items()]
    model = helper.make_model(helper.make_graph(nodes, name, types, results, weights), opset_imports=[helper.make_opsetid("", 22)])
    model.ir_version = 10
    onnx.save(model, f"{name}.onnx")
    np.savez("in.npz", **inputs)
    np.savez("expected.npz", **dict(zip(outputs, ReferenceEvaluator(model).run(None, inputs))))


def check(file):
    got, expected = np.load(file), np.load("expected.npz")
    for name in expected.files:
        error = np.abs(got[name] - expected[name]).max() / np.abs(expected[name]).max()
        if got[name].shape != expected[name].shape or not error < 3e-6:
            sys.exit(f"{name}: {got[name].shape} for {expected[name].shape}, error {error}")


def same(left, right):
    left, right = np.load(left), np.load(right)
    for name in left.files:
        if left[name].tobytes() != right[name].tobytes():
            sys.exit(f"{name} differs")
