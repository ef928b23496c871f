"""versions.py - operators in every version whose meaning differs, with what ONNX Runtime makes of them.

    build/venv/bin/python test/onnx/versions.py OUT

writes OUT/OPERATOR_OPSET[_WHAT]/, folders that `burnish test` runs: one for each meaning that an operator has had from
opset 7 on, in the opset where it came, or the last that had it.
"""

import pathlib
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

CASES = {}
RNG = np.random.default_rng(7)


class Constant:
    """An input that the model has as an initialiser."""

    def __init__(self, values, dtype=np.int64):
        self.values = np.asarray(values, dtype)


def floats(*shape):
    return RNG.standard_normal(shape).astype(np.float32)


def case(op, opset, *inputs, what="", outputs=1, **attributes):
    """Adds a model of one node. None among the inputs is one that is not there; `outputs` may be names, '' for none."""
    names = [f"y{i}" for i in range(outputs)] if isinstance(outputs, int) else outputs
    CASES[f"{op.lower()}_{opset}{what and '_' + what}"] = (op, opset, inputs, names, attributes)


def cases():
    x = floats(2, 3, 4, 5)
    for opset, axes in ((12, {"axis": 1}), (12, {}), (13, {"axis": 1}), (13, {})):
        for op in ("Softmax", "LogSoftmax", "Hardmax"):
            case(op, opset, x, what="axis" if axes else "default", **axes)
    case("Dropout", 7, x, ratio=0.5)
    case("Dropout", 10, x, ratio=0.5)
    case("Dropout", 12, x, Constant(0.5, np.float32), outputs=2)
    case("Dropout", 13, x, Constant(0.5, np.float32), Constant(False, bool), outputs=2)
    channel = [np.abs(floats(3)) + 0.5 for _ in range(4)]
    for opset in (7, 9, 14, 15):
        case("BatchNormalization", opset, x, *channel, epsilon=1e-3)
    case("BatchNormalization", 14, x, *channel, what="training", outputs=3, training_mode=1)
    for mode in ("nearest", "linear"):
        for factor in (2.0, 1.5):
            scales = Constant([1, 1, factor, factor], np.float32)
            word = f"{mode}_{'up' if factor == 2 else 'more'}"
            case("Upsample", 7, x, what=word, mode=mode, scales=list(scales.values))
            case("Upsample", 9, x, scales, what=word, mode=mode)
            case("Resize", 10, x, scales, what=word, mode=mode)
        down = Constant([1, 1, 0.5, 0.6], np.float32)
        case("Resize", 10, x, down, what=f"{mode}_down", mode=mode)
        for place in ("half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"):
            for opset in (11, 13, 18, 19):
                roi = Constant([], np.float32)
                case("Resize", opset, x, roi, Constant([1, 1, 2.0, 1.6], np.float32), what=f"{mode}_{place}", mode=mode,
                     coordinate_transformation_mode=place)
    case("Resize", 11, x, Constant([], np.float32), Constant([1, 1, 1.5, 0.8], np.float32), what="tf", mode="nearest",
         coordinate_transformation_mode="tf_half_pixel_for_nn", nearest_mode="floor")
    case("Resize", 18, x, None, None, Constant([8, 7]), what="axes", mode="linear", axes=[2, 3])
    case("Resize", 18, x, None, None, Constant([6, 6]), what="policy", mode="linear", axes=[2, 3],
         keep_aspect_ratio_policy="not_larger")
    case("Resize", 18, x, None, Constant([1, 1, 0.5, 0.6], np.float32), what="antialias", mode="linear", antialias=1)
    case("TopK", 7, x, outputs=2, k=3)
    case("TopK", 10, x, Constant([3]), outputs=2)
    case("TopK", 11, x, Constant([3]), outputs=2, axis=1, largest=0)
    case("Clip", 7, x, min=-0.5, max=0.5)
    case("Clip", 7, x, what="open", max=0.5)
    case("Clip", 11, x, Constant(-0.5, np.float32), Constant(0.5, np.float32))
    case("Clip", 11, x, None, Constant(0.5, np.float32), what="open")
    case("Clip", 12, RNG.integers(-9, 9, (3, 4)), Constant(-2), Constant(3), what="integers")
    case("Slice", 7, x, starts=[0, 1], ends=[2, -1], axes=[1, 3])
    case("Slice", 7, x, what="all", starts=[0, 1, 1, 0], ends=[9, 3, 4, 2])
    case("Slice", 10, x, Constant([4, 0]), Constant([-9, 2]), Constant([3, 1]), Constant([-2, 1]))
    case("Slice", 11, x, Constant([-1]), Constant([-9]), Constant([-2]), Constant([-1]), what="negative")
    ones = x[:, :1, :, :1]
    for opset, given in ((7, {"axes": [1, 3]}), (11, {"axes": [1, -1]})):
        case("Squeeze", opset, ones, **given)
    case("Squeeze", 13, ones, Constant([1, -1]))
    case("Squeeze", 13, ones, what="all")
    case("Unsqueeze", 7, x[0, 0], axes=[0, 2])
    case("Unsqueeze", 11, x[0, 0], axes=[0, -1])
    case("Unsqueeze", 13, x[0, 0], Constant([0, -1]))
    plane = x[0, 0]
    case("Pad", 7, plane, pads=[1, 0, 0, 2], value=1.5)
    case("Pad", 7, plane, what="reflect", mode="reflect", pads=[1, 0, 0, 2])
    case("Pad", 11, plane, Constant([1, 0, 0, 2]), Constant(1.5, np.float32))
    case("Pad", 13, plane, Constant([1, 0, -1, 2]), what="negative")
    case("Pad", 18, plane, Constant([1, 2]), Constant(1.5, np.float32), Constant([1]))
    case("Pad", 19, plane, Constant([2, 0, 0, 2]), what="wrap", mode="wrap")
    for op in ("Sum", "Max", "Min", "Mean", "Prod", "L1", "L2", "SumSquare", "LogSumExp", "LogSum"):
        values = np.abs(x) + 0.1 if op == "LogSum" else x
        case(f"Reduce{op}", 7, values, axes=[1, 3])
        case(f"Reduce{op}", 11, values, axes=[-1], keepdims=0)
        case(f"Reduce{op}", 11, values, what="all")
        case(f"Reduce{op}", 13 if op == "Sum" else 18, values, Constant([1, -1]))
        case(f"Reduce{op}", 13 if op == "Sum" else 18, values, what="noop", noop_with_empty_axes=1)
    case("ReduceMax", 20, x > 0, Constant([1]), what="bool")
    case("Split", 7, x, outputs=2, axis=1, split=[1, 2])
    case("Split", 7, x, what="equal", outputs=2, axis=2)
    case("Split", 11, x, outputs=2, axis=-1, split=[1, 4])
    case("Split", 13, x, Constant([1, 2]), outputs=2, axis=1)
    case("Split", 18, x, what="uneven", outputs=2, axis=3, num_outputs=2)
    for op, gates in (("GRU", 3), ("LSTM", 4), ("RNN", 1)):
        for opset in (7, 14, 22):
            steps = (floats(5, 2, 3), floats(2, gates * 4, 3), floats(2, gates * 4, 4), floats(2, 8 * gates))
            case(op, opset, *steps, outputs=2, hidden_size=4, direction="bidirectional")
        steps = (floats(2, 5, 3), floats(1, gates * 4, 3), floats(1, gates * 4, 4))
        lengths = Constant([5, 3], np.int32)
        case(op, 7, floats(5, 2, 3), *steps[1:], None, lengths, what="lengths", outputs=2, hidden_size=4)
    case("GRU", 7, floats(5, 2, 3), floats(1, 12, 3), floats(1, 12, 4), what="linear", outputs=2, hidden_size=4,
         linear_before_reset=1)
    for op, opsets in (("MaxPool", (7, 8, 10, 11, 12, 22)), ("AveragePool", (7, 10, 11, 19, 22))):
        for opset in opsets:
            case(op, opset, x, kernel_shape=[2, 3], strides=[2, 2], pads=[0, 1, 1, 1])
            if opset >= 10:
                case(op, opset, x, what="ceil", kernel_shape=[3, 2], strides=[2, 2], ceil_mode=1)
    case("MaxPool", 8, x, what="indices", outputs=2, kernel_shape=[2, 2])
    case("MaxPool", 10, x, what="dilated", kernel_shape=[2, 2], dilations=[2, 1])
    case("AveragePool", 19, x, what="dilated", kernel_shape=[2, 2], dilations=[2, 1])
    case("AveragePool", 7, x, what="counted", kernel_shape=[2, 2], pads=[1, 1, 1, 1], count_include_pad=1)
    for opset in (7, 11, 18):
        case("LpPool", opset, x, kernel_shape=[2, 2], p=2)
    case("LpPool", 18, x, what="ceil", kernel_shape=[3, 2], strides=[2, 2], ceil_mode=1, p=3)
    at = Constant([[0, 2, 1, 0, 1]])
    case("Scatter", 9, plane, at, floats(1, 5), axis=0)
    case("ScatterElements", 11, plane, at, floats(1, 5), axis=0)
    case("ScatterElements", 16, plane, Constant([[0, 0, 1, 0, 1]] * 2), floats(2, 5), what="add", axis=0, reduction="add")
    case("ScatterElements", 18, plane, Constant([[0, 0, 1, 0, 1]] * 2), floats(2, 5), what="max", axis=0, reduction="max")
    case("ScatterND", 11, plane, Constant([[2], [0]]), floats(2, 5))
    case("ScatterND", 16, plane, Constant([[0], [0]]), floats(2, 5), what="add", reduction="add")
    case("ScatterND", 18, plane, Constant([[0], [0]]), floats(2, 5), what="min", reduction="min")
    hot = (np.array([1, 0, 3], np.int64), Constant(4), Constant([-1, 2], np.float32))
    case("OneHot", 9, *hot)
    case("OneHot", 11, np.array([1, -1, -4], np.int64), *hot[1:], what="negative", axis=0)
    for opset in (7, 9, 13, 19):
        case("Cast", opset, x * 10, to=TensorProto.INT32)
        case("Cast", opset, x > 0, what="bool", to=TensorProto.FLOAT)
    for opset in (7, 11, 12, 13):
        case("ArgMax", opset, x, axis=1)
    ties = np.array([[1, 3, 3], [2, 2, 0]], np.float32)
    case("ArgMax", 12, ties, what="last", axis=1, select_last_index=1)
    case("ArgMin", 11, ties, what="negative", axis=-1, keepdims=0)
    for opset in (7, 9, 11):
        case("Gemm", opset, plane, floats(5, 3), floats(3), alpha=0.5, beta=2.0)
    case("Gemm", 11, plane, floats(5, 3), what="without")
    case("Flatten", 7, x, axis=2)
    case("Flatten", 11, x, axis=-1)
    case("Gather", 11, x, Constant([-1, 0]), axis=2)
    case("DepthToSpace", 7, floats(1, 8, 2, 3), blocksize=2)
    case("DepthToSpace", 11, floats(1, 8, 2, 3), blocksize=2, mode="CRD")
    case("CumSum", 11, x, Constant(1))
    case("CumSum", 14, x, Constant(-1), exclusive=1, reverse=1)
    case("Mod", 10, RNG.integers(-9, 9, (3, 4)), RNG.integers(1, 5, (3, 4)))
    case("Mod", 10, plane, np.abs(plane[::-1]) + 0.5, what="fmod", fmod=1)
    case("Reshape", 7, x, Constant([2, 0, -1]))
    case("Reshape", 14, x, Constant([4, 30]), what="allowzero", allowzero=1)
    case("Shape", 7, x)
    case("Shape", 15, x, start=1, end=-1)
    case("PRelu", 7, x, floats(3, 1, 1))
    case("PRelu", 9, x, floats(5))
    for op in ("Add", "Sub", "Mul", "Div", "Pow"):
        case(op, 7, np.abs(x) + 0.5, np.abs(floats(4, 5)) + 0.5)
    case("Pow", 12, np.abs(x), Constant(2, np.int32), what="integers")
    for op in ("Max", "Min", "Sum", "Mean"):
        case(op, 7, plane, plane[::-1].copy(), floats(4, 5))
        case(op, 8, plane, floats(5), floats(4, 1), what="broadcast")
    case("Where", 9, plane > 0, plane, floats(5))
    case("Equal", 7, RNG.integers(0, 2, (3, 4)), RNG.integers(0, 2, 4))
    case("Equal", 11, plane, plane.round(), what="floats")
    case("Constant", 12, what="floats", value_floats=[1.5, 2.5])
    case("RoiAlign", 10, x, np.array([[0, 0, 3, 3]], np.float32), Constant([1]), output_height=2, output_width=2,
         sampling_ratio=2)
    case("RoiAlign", 16, x, np.array([[0, 0, 3, 3]], np.float32), Constant([1]), output_height=2, output_width=2,
         sampling_ratio=2, coordinate_transformation_mode="half_pixel")
    grid = RNG.uniform(-1, 1, (2, 3, 3, 2)).astype(np.float32)
    for mode in ("bilinear", "nearest", "bicubic"):
        case("GridSample", 16, x, grid, what=mode, mode=mode)
    for mode in ("linear", "nearest", "cubic"):
        case("GridSample", 20, x, grid, what=mode, mode=mode)
    signal = floats(1, 8, 1)
    case("DFT", 17, signal, axis=1)
    case("DFT", 17, signal, what="onesided", axis=1, onesided=1)
    case("DFT", 20, signal, None, Constant(-2))
    wide = floats(2, 4, 3)
    case("GroupNormalization", 18, wide, floats(2), floats(2), num_groups=2)
    case("GroupNormalization", 21, wide, floats(4), floats(4), num_groups=2)
    integers = RNG.integers(0, 255, (3, 4)).astype(np.uint8)
    case("DequantizeLinear", 10, integers, Constant(0.1, np.float32), Constant(3, np.uint8))
    case("DequantizeLinear", 13, integers, np.abs(floats(4)), Constant([1, 2, 3, 4], np.uint8), axis=1)
    case("QuantizeLinear", 10, plane, Constant(0.1, np.float32), Constant(3, np.uint8))
    case("QuantizeLinear", 13, plane, np.abs(floats(5)) + 0.1, Constant([1, 2, 3, 4, 5], np.uint8), axis=1)
    case("DequantizeLinear", 21, integers, np.abs(floats(3, 2)), what="blocks", axis=1, block_size=2)
    case("IsInf", 10, np.array([1, np.inf, -np.inf], np.float32), detect_negative=0)
    boxes = RNG.uniform(0, 1, (1, 6, 4)).astype(np.float32)
    case("NonMaxSuppression", 10, boxes, RNG.uniform(0, 1, (1, 1, 6)).astype(np.float32), Constant([3]),
         Constant([0.4], np.float32))
    case("Compress", 9, x, Constant([True, False, True], bool), axis=1)
    case("Compress", 11, x, Constant([True, False, True], bool), what="negative", axis=-2)
    case("LRN", 7, x, size=3)
    case("Conv", 7, x, floats(2, 3, 2, 2), auto_pad="SAME_LOWER")
    case("Conv", 11, x, floats(2, 3, 2, 2), strides=[1, 2])
    case("ConvTranspose", 7, x, floats(3, 2, 2, 2), strides=[2, 2], output_padding=[1, 1])
    case("ConvTranspose", 11, x, floats(3, 2, 3, 3), what="same", strides=[2, 2], auto_pad="SAME_UPPER")
    case("Tile", 7, plane, Constant([2, 1]))
    case("Expand", 8, plane, Constant([2, 1, 1]))
    case("Einsum", 12, plane, floats(5, 2), equation="ij,jk->ki")
    case("Range", 11, Constant(1), Constant(9), Constant(3))
    case("EyeLike", 9, plane, k=1)
    case("MeanVarianceNormalization", 9, x)
    case("BitShift", 11, integers, Constant(2, np.uint8), direction="LEFT")
    case("ReverseSequence", 10, floats(4, 2, 3), Constant([3, 2]))
    case("Unique", 11, np.array([2, 1, 1, 3, 4, 3], np.float32), outputs=4)
    case("NegativeLogLikelihoodLoss", 12, floats(3, 4), Constant([0, 3, 1]), reduction="mean")
    case("NegativeLogLikelihoodLoss", 13, floats(3, 4), Constant([0, -1, 1]), what="ignored", ignore_index=-1)
    case("SoftmaxCrossEntropyLoss", 12, floats(3, 4), Constant([0, 3, 1]))


def model_of(op, opset, inputs, outputs, attributes):
    names = [f"x{i}" if x is not None else "" for i, x in enumerate(inputs)]
    node = helper.make_node(op, names, outputs, **attributes)
    weights = [numpy_helper.from_array(x.values, n) for n, x in zip(names, inputs) if isinstance(x, Constant)]
    ports = [
        helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(x.dtype), x.shape)
        for n, x in zip(names, inputs)
        if isinstance(x, np.ndarray)
    ]
    graph = helper.make_graph([node], "g", ports, [onnx.ValueInfoProto(name=name) for name in outputs], weights)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)


def write(folder, op, opset, inputs, outputs, attributes):
    model = model_of(op, opset, inputs, outputs, attributes)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    feeds = {f"x{i}": x for i, x in enumerate(inputs) if isinstance(x, np.ndarray)}
    # Types of outputs are the operator's; ONNX Runtime wants them written down.
    for output, inferred in zip(model.graph.output, onnx.shape_inference.infer_shapes(model).graph.output):
        output.CopyFrom(inferred)
    results = onnxruntime.InferenceSession(model.SerializeToString(), options).run(None, feeds)
    data = folder / "test_data_set_0"
    data.mkdir(parents=True)
    (folder / "model.onnx").write_bytes(model.SerializeToString())
    (folder / "tolerance").write_text("1e-4 1e-5\n")
    for i, (name, value) in enumerate(feeds.items()):
        (data / f"input_{i}.pb").write_bytes(numpy_helper.from_array(value, name).SerializeToString())
    for i, value in enumerate(results):
        (data / f"output_{i}.pb").write_bytes(numpy_helper.from_array(np.asarray(value), outputs[i]).SerializeToString())


def main():
    out = pathlib.Path(sys.argv[1])
    cases()
    for name, parts in CASES.items():
        try:
            write(out / name, *parts)
        except Exception as error:
            sys.exit(f"versions.py: {name}: {error}")
    print(len(CASES), "cases")


if __name__ == "__main__":
    main()
