"""references.py - what others compute for a model of one node: ONNX Runtime and onnx.reference."""

import os
import warnings

os.environ.setdefault("ALLOW_RELEASED_ONNX_OPSET_ONLY", "0")

import numpy as np
import onnx
import onnxruntime
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

from .case import FLOATS, WORD

# Shares of a value, and of the largest value, that results may differ by.
RELATIVE = {"float": 2e-5, "double": 1e-11, "float16": 4e-3, "bfloat16": 3e-2, "float4e2m1": 0.5, "float8e8m0": 1.0}
LEAST = {"float": 3e-6, "double": 1e-12, "float16": 3e-3, "bfloat16": 2e-2}
# CPUs' own conversions to bfloat16 take what is less than its least normal number for 0; of such numbers others have few digits.
FLOOR = {"float": 2.0**-140, "double": 2.0**-1060, "bfloat16": 2.0**-126}
onnxruntime.set_default_logger_severity(4)


def session(model):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def by_runtime(model, feed):
    """The outputs by ONNX Runtime, or why there are none."""
    if any(array.dtype.kind == "V" or array.dtype.name in ("bfloat16", "int4", "uint4", "int2", "uint2") or "float8" in array.dtype.name for array in feed.values()):
        return "types that numpy has no words for"
    try:
        # Results of such types cannot be had either.
        outputs = session(model).run(None, feed)
        return outputs if all(isinstance(o, np.ndarray) for o in outputs) else "no arrays"
    except Exception as error:
        return str(error).split("\n")[0][:300] or type(error).__name__


def lifted(model, feed):
    """What ONNX Runtime computes in floats where the model has bfloat16, for which it has few kernels."""
    other = onnx.ModelProto.FromString(model.SerializeToString())
    for info in (*other.graph.input, *other.graph.output):
        if info.type.tensor_type.elem_type == onnx.TensorProto.BFLOAT16:
            info.type.tensor_type.elem_type = onnx.TensorProto.FLOAT
    for i, tensor in enumerate(other.graph.initializer):
        if tensor.data_type == onnx.TensorProto.BFLOAT16:
            other.graph.initializer[i].CopyFrom(numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float32), tensor.name))
    return by_runtime(other, {n: a.astype(np.float32) if a.dtype.name == "bfloat16" else a for n, a in feed.items()})


def by_reference(model, feed):
    try:
        with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
            outputs = ReferenceEvaluator(model).run(None, feed)
            outputs = [np.asarray(output) for output in outputs]
        are_texts = [info.type.tensor_type.elem_type == onnx.TensorProto.STRING for info in model.graph.output]
        if any(output.dtype == object and not text for output, text in zip(outputs, are_texts)):
            return "no arrays"
        return outputs
    except Exception as error:
        return str(error).split("\n")[0][:300] or type(error).__name__


def typed(outputs, model):
    """Outputs in the types that the model declares; a reference may compute in others."""
    if isinstance(outputs, str):
        return outputs
    if len(outputs) != len(model.graph.output):
        return f"{len(outputs)} outputs"
    result = []
    for output, info in zip(outputs, model.graph.output):
        wanted = info.type.tensor_type.elem_type
        if wanted and wanted != onnx.TensorProto.BFLOAT16 or wanted == onnx.TensorProto.BFLOAT16 and output.dtype.name != "bfloat16":
            dtype = np.dtype(helper.tensor_dtype_to_np_dtype(wanted))
            if wanted == onnx.TensorProto.STRING and output.dtype.kind == "U":
                output = output.astype(object)
            if output.dtype != dtype:
                if dtype.name.startswith(("int4", "uint4", "int2", "uint2", "float")) or output.dtype.kind == dtype.kind:
                    with np.errstate(all="ignore"):
                        output = output.astype(dtype)
                else:
                    return f"a result of {output.dtype} and not {dtype}"
        result.append(output)
    return result


def tolerance(case, output):
    """(relative, absolute) tolerance for an output."""
    word = WORD.get(helper.np_dtype_to_tensor_dtype(output.dtype))
    if word not in FLOATS:
        return 0.0, float(case.steps)
    word = "float" if word == "double" and case.is_short else word
    relative = RELATIVE.get(word, 0.26)
    x = np.abs(output.astype(np.float64))
    x = x[np.isfinite(x) & (x > 0)]
    if not x.size:
        return relative, max(LEAST.get(word, 1e-3) * 1e-3, case.least)
    size = float(x.max()) if case.accumulates else min(1.0, float(np.median(x)))
    return relative, max(LEAST.get(word, 0.1) * size, FLOOR.get(word, 0), case.least)


def agree(a, b, tolerances):
    """Whether two references say the same."""
    for x, y, (relative, absolute) in zip(a, b, tolerances):
        if x.shape != y.shape or x.dtype != y.dtype:
            return False
        if x.dtype.kind in "biuO" and not absolute:
            if not np.array_equal(x, y):
                return False
            continue
        with np.errstate(all="ignore"):
            x, y = x.astype(np.float64), y.astype(np.float64)
            same = (x == y) | (np.isnan(x) & np.isnan(y)) | (np.abs(x - y) <= absolute + relative * np.abs(y))
        if not same.all():
            return False
    return True


def spread(model, feed, evaluate, outputs):
    """How far roundings of what it is given move the results, for each output."""
    numbers = np.random.default_rng(1)
    worst = [0.0] * len(outputs)
    for _ in range(4):
        other = onnx.ModelProto.FromString(model.SerializeToString())
        moved = {n: shaken(a, numbers) for n, a in feed.items()}
        results = typed(evaluate(other, moved), model)
        if isinstance(results, str):
            continue
        for k, (x, y) in enumerate(zip(results, outputs)):
            if x.shape == y.shape and x.size and np.dtype(x.dtype).kind not in "biuO":
                with np.errstate(all="ignore"):
                    difference = np.abs(x.astype(np.float64) - y.astype(np.float64))
                worst[k] = max(worst[k], float(difference[np.isfinite(difference)].max(initial=0)))
    return worst


def shaken(array, numbers):
    name = array.dtype.name
    eps = {"float32": 2.0**-23, "float64": 2.0**-52, "float16": 2.0**-10, "bfloat16": 2.0**-7}.get(name)
    if eps is None:
        return array
    with np.errstate(all="ignore"):
        return (array.astype(np.float64) * (1 + eps * numbers.choice([-1, 0, 1], array.shape))).astype(array.dtype)
