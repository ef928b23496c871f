"""hostile.py - compiles models of one node with hostile attributes and constants: hostile.py BURNISH FOLDER.

Each is refused with exactly one message, `FOLDER/CASE/model.onnx: node 'n' (OP): ` and what stands here, or (None) compiles.
"""

import json
import pathlib
import subprocess
import sys

import numpy as np
import onnx
from onnx import helper, numpy_helper

burnish, folder = sys.argv[1], pathlib.Path(sys.argv[2])
BIG, LEAST = 2**62, -(2**63)
expected = {}


def refuse(name, op, operands, message, outputs=1, **attributes):
    """An operand is the shape of an input (a list, or a tuple for one of int64), a constant (an array), or absent (None)."""
    inputs, constants, names, opset = [], [], [], attributes.pop("opset", 22)
    for i, operand in enumerate(operands):
        names.append("" if operand is None else f"x{i}")
        if isinstance(operand, np.ndarray):
            constants.append(numpy_helper.from_array(operand, f"x{i}"))
        elif operand is not None:
            element = onnx.TensorProto.INT64 if isinstance(operand, tuple) else attributes.pop("element", onnx.TensorProto.FLOAT)
            inputs.append(helper.make_tensor_value_info(f"x{i}", element, operand))
    results = [f"y{i}" for i in range(outputs)]
    node = helper.make_node(op, names, results, name="n", **attributes)
    graph = helper.make_graph([node], "g", inputs, [helper.make_empty_tensor_value_info(r) for r in results], constants)
    opsets = [helper.make_opsetid("", opset), helper.make_opsetid("ai.onnx.preview.training", 1)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=10)
    (folder / name).mkdir()
    onnx.save(model, folder / name / "model.onnx")
    expected[str(folder / name)] = message and f"{folder / name}/model.onnx: node 'n' ({op}): {message}"


def ints(*values):
    return np.array(values, np.int64)


def int_(value):
    return np.array(value, np.int64)


def float_(*values):
    return np.array(values if len(values) > 1 else values[0], np.float32)


# Windows.
image, taps = [1, 1, 8, 8], [1, 1, 3, 3]
refuse("kernel", "Conv", [image, taps], f"'kernel_shape' has {BIG}, which is not in [1, 2147483647]", kernel_shape=[BIG, 3])
refuse("stride", "Conv", [image, taps], "'strides' has 0, which is not in [1, 2147483647]", strides=[0, 1])
refuse("stride_negative", "MaxPool", [image], "'strides' has -1, which is not in [1, 2147483647]", kernel_shape=[3, 3], strides=[-1, 1])
refuse("dilation", "Conv", [image, taps], "'dilations' has 0, which is not in [1, 2147483647]", dilations=[0, 1])
refuse("pads_far", "Conv", [image, taps], f"'pads' has {BIG}, which is not in [0, 2147483647]", pads=[BIG, 0, 0, 0])
refuse("pads_huge", "Conv", [image, taps], "result 0 would have 2^59 elements or more: 1x1x4294967300x4294967300", pads=[2**31 - 1] * 4)
refuse("pads_strided", "AveragePool", [image], "an intermediate would have 2^59 elements or more",
       kernel_shape=[3, 3], pads=[2**31 - 1] * 4, strides=[2**31 - 1] * 2)
refuse("group", "Conv", [image, taps], "'group' is 0", group=0)
refuse("window", "MaxPool", [image], "result 0 would have a dim of -2147483638", kernel_shape=[2**31 - 1, 3])
refuse("lrn", "LRN", [[1, 3, 4, 4]], f"'pads' has {BIG - 1}, which is not in [0, 2147483647]", size=2**63 - 1)
refuse("pooled", "MaxRoiPool", [image, [2, 5]], None, pooled_shape=[2, 3])

# Axes and orders.
for op, shape in (("Softmax", [2, 3]), ("ArgMax", [2, 3]), ("Hardmax", [2, 3])):
    refuse(f"axis_{op}", op, [shape], f"axis {BIG} is outside [-2, 2)", axis=BIG)
refuse("axis_scalar", "Softmax", [[]], "axis 0 is outside [0, 0)", axis=0)
refuse("axis_flatten", "Flatten", [[2, 3]], f"axis {LEAST} is outside [-2, 2]", axis=LEAST)
refuse("axis_squeeze", "Squeeze", [[1, 3], ints(LEAST)], f"axis {LEAST} is outside [-2, 2)")
refuse("perm", "Transpose", [[2, 3]], "'perm' is no order of the 2 axes of 'data'", perm=[0, 0])
refuse("perm_far", "Transpose", [[2, 3]], "'perm' is no order of the 2 axes of 'data'", perm=[LEAST, 0])
for op in ("LeakyRelu", "Softplus", "MaxPool"):
    message = "input X has complex numbers, which the operator does not take"
    refuse(f"complex_{op}", op, [[1, 1, 8, 8]], message, element=onnx.TensorProto.COMPLEX64, **({"kernel_shape": [3, 3]} if op == "MaxPool" else {}))
refuse("axes_many", "Unsqueeze", [[2], (2**31,)], f"the result would have {2**31} axes more than rank 1")
refuse("crop_axis", "CenterCropPad", [[8, 8], ints(4)], None, axes=[-1])
refuse("crop_twice", "CenterCropPad", [[8, 8], ints(4, 4)], "'axes' has axis 1 twice", axes=[1, -1])
refuse("shape_floats", "Reshape", [[3, 4], float_(4, 3)], "input shape has floats, which the operator does not take")
refuse("function_strings", "Elu", [[2]], "input X has strings, which the operator does not take", element=onnx.TensorProto.STRING)
refuse("bits_complex", "BitCast", [[2]], "its operand has elements of 'complex<f32>'", element=onnx.TensorProto.COMPLEX64, to=1, opset=26)

refuse("complex_Resize", "Resize", [[2, 4], None, None, ints(2, 7)], None, element=onnx.TensorProto.COMPLEX64, mode="nearest")

# Parts.
refuse("split_sum", "Split", [[4, 3], ints(1, 2)], "'split' adds up to 3 of 4", outputs=2)
refuse("split_negative", "Split", [[4, 3], ints(-1, 5)], "'split' has a size of -1", outputs=2)
refuse("split_count", "Split", [[4, 3]], "'num_outputs' is 0 and there are 2 outputs", outputs=2, num_outputs=0)
refuse("parts_many", "SplitToSequence", [[2], (2**31,)], f"{2**31} parts")
refuse("no_sequence", "ConcatFromSequence", [[4]], "a tensor where a sequence is needed", axis=0)
refuse("step", "Slice", [[8, 3], ints(0), ints(8), ints(0), ints(0)], "the step along axis 0 is 0")
refuse("step_least", "Slice", [["n", 3], ints(2**63 - 1), ints(LEAST), ints(0), ints(LEAST)], None)
refuse("topk", "TopK", [[4, 3], ints(5)], "K is 5, and axis 1 has 3 elements", outputs=2)
refuse("topk_negative", "TopK", [[4, 3], ints(-1)], "K is -1, and axis 1 has 3 elements", outputs=2)
refuse("index", "Gather", [float_(1, 2), ints(BIG)], f"index {BIG} is outside [-2, 2)")
refuse("no_boxes", "NonMaxSuppression", [[1, 6, 4], [1, 1, 6], ints(0)], None)

# Results that are too large, or whose size leaves 64 bits.
too_great = "result 0 would have a dim at 0 that is too great or too long a product of others"
refuse("reshape", "Reshape", [[2, 3], ints(BIG, 3)], f"result 0 would have 2^59 elements or more: {BIG}x3")
refuse("reshape_nothing", "Reshape", [[3, 3, 0], (0,)], "3x3x0 has 0 elements and cannot become scalar")
refuse("expand", "Expand", [[1, 3], ints(BIG, 3)], f"result 0 would have 2^59 elements or more: {BIG}x3")
refuse("expand_flat", "Expand", [[1], ints(2**59)], f"result 0 would have 2^59 elements or more: {2**59}")
refuse("tile", "Tile", [[2, 3], ints(BIG, 1)], too_great)
refuse("tile_most", "Tile", [float_(1, 2), ints(2**63 - 1)], too_great)
refuse("tile_unknown", "Tile", [["n"], ints(BIG)], too_great)
refuse("tile_bytes", "Tile", [["n", "m"], ints(2**32, 2**32)], "an intermediate would have 2^59 elements or more")
refuse("tile_nothing", "Tile", [float_(1, 2), ints(0)], None)
refuse("tile_unknown_nothing", "Tile", [["n", "m"], ints(0, 0)], None)
refuse("fill", "ConstantOfShape", [ints(BIG, BIG)], f"result 0 would have 2^59 elements or more: {BIG}x{BIG}")
refuse("fill_negative", "ConstantOfShape", [ints(-1)], "'input' has -1")
refuse("pad", "Pad", [[2, 3], ints(BIG, 0, 0, 0)], f"'pads' has {BIG}")
for mode in ("constant", "reflect", "edge", "wrap"):
    refuse(f"pad_least_{mode}", "Pad", [[2, 3], ints(LEAST, 0, 0, 0)], f"'pads' has {LEAST}", mode=mode)
refuse("range", "Range", [int_(0), int_(2**63 - 1), int_(1)], f"result 0 would have 2^59 elements or more: {2**63 - 1}")
refuse("range_whole", "Range", [int_(LEAST), int_(2**63 - 1), int_(1)], f"from {LEAST} to {2**63 - 1} there are more than 2^63")
refuse("range_least", "Range", [int_(0), int_(-5), int_(LEAST)], None)
refuse("range_float", "Range", [float_(0), float_(BIG), float_(1e-30)], "would have 4.611686e+48 elements")
refuse("range_still", "Range", [int_(0), int_(5), int_(0)], "'delta' is 0")
refuse("one_hot", "OneHot", [ints(1, 2), int_(BIG), float_(0, 1)], f"result 0 would have 2^59 elements or more: 2x{BIG}")
refuse("window_long", "HannWindow", [int_(BIG)], "'nn.range' op would have 4.611686e+18 elements")
refuse("eye", "EyeLike", [[3, 3]], None, k=2**63 - 1)
refuse("grid", "AffineGrid", [[1, 2, 3], ints(1, 1, LEAST, 2)], f"'shape' has {LEAST}")
refuse("grid_huge", "AffineGrid", [[1, 2, 3], ints(1, 1, 2**63 - 1, 2)], f"result 0 would have 2^59 elements or more: {2**63 - 1}x2x1")
for block in (0, 2**32, BIG):
    refuse(f"block_{block}", "DepthToSpace", [[1, 4, 2, 2]], f"blocksize {block} on a value of rank 4", blocksize=block)
refuse("block_mode", "DepthToSpace", [[1, 4, 2, 2]], "mode 'bad' instead of DCR or CRD", blocksize=2, mode="bad")

# Operands that are not there, or do not go together.
training = "ai.onnx.preview.training"
refuse("absent", "Mean", [None, [2]], "input data_0 is missing")
refuse("absent_element", "SequenceConstruct", [None, [2]], "input inputs is missing")
refuse("absent_parameter", "Adagrad", [[], (), None, [2], [2]], "input inputs is missing", outputs=2, domain=training)
refuse("letter_twice", "Einsum", [[3]], "equation 'i->ii' does not fit its operands", equation="i->ii")
refuse("letter_sizes", "Einsum", [[2, 3], [2, 3]], "equation 'ij,ji->' does not fit its operands", equation="ij,ji->")
byte, bytes_ = np.array(1, np.int8), np.array([1, 2], np.int8)
refuse("zero_points", "ConvInteger", [np.ones(3, np.int8), np.ones([1, 1, 1], np.int8), bytes_],
       "scales or zero points along axis 1 of a value of rank 1")
refuse("zero_point_long", "DequantizeLinear", [np.ones([1, 1, 11], np.uint8), ["n"], np.ones(11, np.uint8)],
       "the zero point is 11, and should be 1", axis=1)
refuse("quantized", "QLinearMatMul", [np.ones([2, 3], np.int8), float_(1), byte, np.ones([2, 3], np.int8), float_(1, 2), byte, float_(1), byte],
       "A has 3 columns and B has 2 rows")

# A word as long as the file is left out of the message but for its ends.
word = "'direction' is \"" + "y" * 100_000 + "\", not \"LEFT\" or \"RIGHT\""
word = f"{word[:2000]}... ({len(word) - 2200} bytes more) ...{word[-200:]}"
refuse("word", "BitShift", [np.ones(3, np.uint8)] * 2, word, direction="y" * 100_000)
refuse("word_bytes", "BitShift", [np.ones(3, np.uint8)] * 2, "'direction' is \"\\n\\xff\", not \"LEFT\" or \"RIGHT\"", direction=b"\n\xff")

# Loops that never run, around what gives tensors of sizes that only the run knows.
body = helper.make_graph([helper.make_node("Identity", ["go"], ["on"]), helper.make_node("HammingWindow", ["i"], ["w"])], "body",
                         [helper.make_tensor_value_info("i", 7, []), helper.make_tensor_value_info("go", 9, [])],
                         [helper.make_empty_tensor_value_info("on"), helper.make_empty_tensor_value_info("w")])
for trips in (0, -1, LEAST):
    refuse(f"loop_{trips}", "Loop", [int_(trips), None], None, body=body)

# Numbers.
for name, scale, text in (("zero", 0, "0.000000e+00"), ("nan", np.nan, "nan"), ("huge", 1e38, "1.000000e+38"), ("inf", np.inf, "INF")):
    refuse(f"scale_{name}", "Resize", [[1, 1, 4, 4], None, float_(1, 1, scale, 2)], f"'scales' has {text}")
refuse("frame_step", "STFT", [[1, 64, 1], int_(-1), None, int_(8)], "frame_step is -1")
refuse("frame_length", "STFT", [[1, 64, 1], int_(8), None, int_(BIG)], f"frame_length is {BIG}")
refuse("transform", "DFT", [[1, 8, 1], int_(0)], "the transform has length 0")
refuse("hidden", "LSTM", [[3, 2, 4], [1, 20, 4], [1, 20, 5]], "'hidden_size' is 2147483647, R has 5 columns", outputs=2, hidden_size=2**31 - 1)
refuse("pattern", "RegexFullMatch", [[2]], "attribute 'pattern' is missing", element=onnx.TensorProto.STRING)
refuse("rank", "Relu", [[1] * 65], "result 0 would have rank 65")

command = [burnish, "test", "--json", "--jobs=2", *expected]
done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
records = [json.loads(line) for line in done.stdout.splitlines()]
assert len(records) == len(expected), done
wrong = 0
for record in records:
    message = expected[record["name"]]
    if record["message"] != (message or "no test_data_set_0"):
        wrong += 1
        print(f"{record['name']}: {record['outcome']}\n  said     {record['message']}\n  expected {message}")
compiled = sum(message is None for message in expected.values())
if not wrong:
    print(f"{len(expected) - compiled} models refused, {compiled} compiled")
