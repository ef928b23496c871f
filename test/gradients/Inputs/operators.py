"""operators.py - a case for every operator with a gradient, and for each of its forms."""

import numpy as np


def cases():
    made = Cases()
    normal, apart, node, case = made.normal, made.apart, made.node, made.case

    for op in "Exp Sin Cos Tanh Atan Sinh Cosh Asinh Sigmoid Erf Softplus Neg Softsign Elu Selu Mish Identity".split():
        case(op, node(op, ["x"]), x=normal(2, 3))
    for op in "Abs Relu LeakyRelu HardSigmoid HardSwish ThresholdedRelu Celu Floor Ceil Round Sign".split():
        case(op, node(op, ["x"]), x=apart(3, 4))
    for op in "Log Sqrt Reciprocal".split():
        case(op, node(op, ["x"]), x=np.abs(normal(2, 3)) + 0.5)
    for op in "Asin Acos Atanh Tan".split():
        case(op, node(op, ["x"]), x=np.clip(normal(2, 3), -2, 2) * 0.4)
    case("Acosh", node("Acosh", ["x"]), x=np.abs(normal(4)) + 1.5)
    case("Gelu", node("Gelu", ["x"]), x=normal(2, 3))
    case("GeluTanh", node("Gelu", ["x"], approximate="tanh"), x=normal(2, 3))
    for op in "Add Sub Mul".split():
        case(op, node(op, ["a", "b"]), a=normal(2, 3), b=normal(2, 3))
        case(op + "Broadcast", node(op, ["a", "b"]), a=normal(2, 1, 3), b=normal(4, 1))
    case("Div", node("Div", ["a", "b"]), a=normal(2, 3), b=np.abs(normal(3)) + 1)
    case("Mod", node("Mod", ["a", "b"], fmod=1), a=apart(2, 3) * 7, b=np.array([0.7, 1.1, 1.3]))
    case("Pow", node("Pow", ["a", "b"]), a=np.abs(normal(2, 3)) + 0.5, b=normal(3))
    case("PowWhole", node("Pow", ["a", "b"]), a=apart(2, 3), constants={"b": np.array(3.0)})
    case("PowZero", node("Pow", ["a", "b"]), a=apart(2, 3), constants={"b": np.array([0, 1, 2])})
    case("PRelu", node("PRelu", ["x", "s"]), x=apart(2, 3, 2), s=normal(3, 1))
    case("Max", node("Max", ["a", "b", "c"]), a=apart(3, 4), b=apart(4) + 0.03, c=apart(3, 1) + 0.06)
    case("Min", node("Min", ["a", "b"]), a=apart(3, 4), b=apart(4) + 0.03)
    case("Sum", node("Sum", ["a", "b", "c"]), a=normal(2, 3), b=normal(3), c=normal(1, 1))
    case("Mean", node("Mean", ["a", "b"]), a=normal(2, 3), b=normal(3))
    case("Clip", node("Clip", ["x", "l", "h"]), x=apart(3, 4), l=np.array(-0.4), h=np.array(0.31))
    case("Where", node("Where", ["c", "a", "b"]), a=normal(2, 3), b=normal(3), constants={"c": np.array([[True], [False]])})
    case("Cast", [node("Cast", ["x"], to=1, outputs=["f"]), node("Cast", ["f"], to=11)], x=np.array([1.0, 2.0]))
    made.every.pop()  # differences in f32 are noise

    case("MatMul", node("MatMul", ["a", "b"]), a=normal(3, 4), b=normal(4, 2))
    case("MatMulShared", node("MatMul", ["a", "b"]), a=normal(2, 3, 4), b=normal(4, 2))
    case("MatMulBatch", node("MatMul", ["a", "b"]), a=normal(2, 1, 3, 4), b=normal(5, 4, 2))
    case("MatMulLeft", node("MatMul", ["a", "b"]), a=normal(3, 4), b=normal(2, 4, 2))
    case("MatMulVectors", node("MatMul", ["a", "b"]), a=normal(4), b=normal(4))
    case("MatMulVector", node("MatMul", ["a", "b"]), a=normal(4), b=normal(2, 4, 3))
    case("MatMulColumn", node("MatMul", ["a", "b"]), a=normal(2, 3, 4), b=normal(4))
    case("Gemm", node("Gemm", ["a", "b", "c"], transA=1, transB=1, alpha=0.5, beta=2.0), a=normal(4, 3), b=normal(2, 4), c=normal(2))
    case("Einsum", node("Einsum", ["a", "b"], equation="bij,bkj->ik"), a=normal(2, 3, 4), b=normal(2, 5, 4))

    case("Conv", node("Conv", ["x", "w", "b"], pads=[1, 1, 1, 1]), x=normal(2, 3, 5, 4), w=normal(4, 3, 3, 3), b=normal(4))
    case("ConvStride", node("Conv", ["x", "w"], strides=[2, 3], pads=[1, 0, 0, 2]), x=normal(1, 2, 7, 8), w=normal(3, 2, 3, 2))
    case("ConvDilated", node("Conv", ["x", "w"], dilations=[2, 1], strides=[1, 2]), x=normal(1, 2, 7, 6), w=normal(2, 2, 3, 3))
    case("ConvGroup", node("Conv", ["x", "w"], group=2, strides=[2, 1], pads=[1, 1, 0, 1]), x=normal(2, 4, 5, 4), w=normal(6, 2, 3, 3))
    case("ConvDepthwise", node("Conv", ["x", "w", "b"], group=3, pads=[1, 1, 1, 1]), x=normal(2, 3, 4, 5), w=normal(3, 1, 3, 3), b=normal(3))
    case("ConvSame", node("Conv", ["x", "w"], auto_pad="SAME_UPPER", strides=[2, 2]), x=normal(1, 2, 6, 5), w=normal(2, 2, 3, 2))
    case("Conv1d", node("Conv", ["x", "w"]), x=normal(1, 2, 6), w=normal(3, 2, 3))
    case("Conv3d", node("Conv", ["x", "w"], strides=[1, 2, 1]), x=normal(1, 2, 3, 4, 3), w=normal(2, 2, 2, 2, 2))
    case("ConvTranspose", node("ConvTranspose", ["x", "w", "b"]), x=normal(1, 2, 3, 4), w=normal(2, 3, 2, 3), b=normal(3))
    case(
        "ConvTransposeStride",
        node("ConvTranspose", ["x", "w"], strides=[2, 3], output_padding=[1, 2], pads=[1, 0, 1, 1], dilations=[2, 1], group=2),
        x=normal(1, 4, 3, 2), w=normal(4, 1, 2, 3),
    )  # fmt: skip

    case("MaxPool", node("MaxPool", ["x"], kernel_shape=[2, 2], strides=[2, 2]), x=apart(2, 2, 4, 6))
    case("MaxPoolRest", node("MaxPool", ["x"], kernel_shape=[2, 3], strides=[2, 3]), x=apart(1, 2, 5, 7))
    case("MaxPoolOverlap", node("MaxPool", ["x"], kernel_shape=[3, 3], pads=[1, 1, 1, 1], strides=[2, 1]), x=apart(1, 2, 5, 4))
    for include in (0, 1):
        case(
            f"AveragePool{include}",
            node("AveragePool", ["x"], kernel_shape=[3, 2], pads=[1, 0, 1, 1], strides=[2, 1], count_include_pad=include),
            x=normal(1, 2, 5, 4),
        )
    case("AveragePoolCeil", node("AveragePool", ["x"], kernel_shape=[2], strides=[2], ceil_mode=1), x=normal(1, 2, 5))
    case("LpPool", node("LpPool", ["x"], kernel_shape=[2, 2], p=2), x=apart(1, 2, 3, 3))
    case("LpPool3", node("LpPool", ["x"], kernel_shape=[2, 2], p=3), x=apart(1, 1, 3, 3))
    case("GlobalAveragePool", node("GlobalAveragePool", ["x"]), x=normal(2, 3, 2, 2))
    case("GlobalMaxPool", node("GlobalMaxPool", ["x"]), x=apart(2, 3, 2, 2))

    axes = {"axes": np.array([0, -1])}
    for op in "ReduceSum ReduceMean ReduceProd ReduceMax ReduceMin ReduceL2 ReduceSumSquare ReduceLogSumExp".split():
        case(op, node(op, ["x", "axes"], keepdims=0), constants=axes, x=apart(2, 3, 2))
        case(op + "All", node(op, ["x"]), x=apart(2, 3) * 0.5)
    case("ReduceL1", node("ReduceL1", ["x", "axes"]), constants=axes, x=apart(2, 3, 2))
    zero = apart(2, 3)
    zero[0, 1] = 0
    case("ReduceProdZero", node("ReduceProd", ["x", "axes"]), constants={"axes": np.array([1])}, x=zero)
    case("TopK", node("TopK", ["x", "k"], axis=0, outputs=["y", "i"]), constants={"k": np.array([2])}, x=apart(4, 3))
    for exclusive in (0, 1):
        for reverse in (0, 1):
            case(
                f"CumSum{exclusive}{reverse}",
                node("CumSum", ["x", "axis"], exclusive=exclusive, reverse=reverse),
                constants={"axis": np.array(1)}, x=normal(2, 4),
            )  # fmt: skip
    for axis in (0, 1, -1):
        case(f"Softmax{axis % 3}", node("Softmax", ["x"], axis=axis), x=normal(2, 3, 4))
        case(f"LogSoftmax{axis % 3}", node("LogSoftmax", ["x"], axis=axis), x=normal(2, 3, 4))
    labels = {"t": np.array([2, 0, 1, 2]), "w": np.array([0.5, 2.0, 1.5])}
    for reduction in ("mean", "sum", "none"):
        case(
            "CrossEntropy" + reduction,
            node("SoftmaxCrossEntropyLoss", ["x", "t", "w"], reduction=reduction, ignore_index=1),
            constants=labels, x=normal(4, 3),
        )  # fmt: skip
    places = {"t": np.array([[0, 1], [2, 2]])}
    case("NllPlaces", node("NegativeLogLikelihoodLoss", ["x", "t"]), constants=places, x=normal(2, 3, 2))

    case("Reshape", node("Reshape", ["x", "s"]), constants={"s": np.array([3, -1])}, x=normal(2, 3))
    case("Flatten", node("Flatten", ["x"]), x=normal(2, 3, 2))
    case("Squeeze", node("Squeeze", ["x"]), x=normal(2, 1, 3))
    case("Unsqueeze", node("Unsqueeze", ["x", "a"]), constants={"a": np.array([0, 2])}, x=normal(2, 3))
    case("Transpose", node("Transpose", ["x"], perm=[2, 0, 1]), x=normal(2, 3, 4))
    case("Expand", node("Expand", ["x", "s"]), constants={"s": np.array([2, 3, 4])}, x=normal(3, 1))
    case("Tile", node("Tile", ["x", "r"]), constants={"r": np.array([2, 3])}, x=normal(2, 2))
    for mode in ("constant", "reflect", "edge", "wrap"):
        case("Pad" + mode, node("Pad", ["x", "p"], mode=mode), constants={"p": np.array([1, 0, 2, 1])}, x=normal(4, 3))
    case("PadNegative", node("Pad", ["x", "p", "v"]), constants={"p": np.array([-1, 1, 2, 0])}, x=normal(4, 3), v=np.array(0.5))
    case("Trilu", node("Trilu", ["x"], upper=0), x=normal(3, 3))
    case("Concat", node("Concat", ["a", "b"], axis=-1), a=normal(2, 3), b=normal(2, 1))
    case("Split", [node("Split", ["x", "s"], axis=1, outputs=["u", "v"]), node("Mul", ["v", "v"])], constants={"s": np.array([1, 2])}, x=normal(2, 3))
    slices = {"s": np.array([1, -1]), "e": np.array([3, -5]), "a": np.array([0, 1])}
    case("Slice", node("Slice", ["x", "s", "e", "a"]), constants={**slices, "s": np.array([1, -3]), "e": np.array([3, 99])}, x=normal(4, 5))
    case("SliceSteps", node("Slice", ["x", "s", "e", "a", "t"]), constants={**slices, "t": np.array([1, -2])}, x=normal(4, 5))
    case("ReverseSequence", node("ReverseSequence", ["x", "l"], batch_axis=1, time_axis=0), constants={"l": np.array([2, 3])}, x=normal(3, 2, 2))
    case("SpaceToDepth", node("SpaceToDepth", ["x"], blocksize=2), x=normal(1, 2, 4, 2))

    case("Gather", node("Gather", ["x", "i"]), constants={"i": np.array([[2, 0], [2, -1]])}, x=normal(4, 3))
    case("GatherAxis", node("Gather", ["x", "i"], axis=1), constants={"i": np.array([1, 1, 0])}, x=normal(2, 3, 2))
    case("GatherScalar", node("Gather", ["x", "i"], axis=-1), constants={"i": np.array(1)}, x=normal(2, 3))
    elements = {"i": np.array([[1, 0, 1], [2, 2, 0]])}
    case("GatherElements", node("GatherElements", ["x", "i"]), constants=elements, x=normal(3, 3))
    case("GatherND", node("GatherND", ["x", "i"]), constants={"i": np.array([[0, 1], [0, 1], [1, 2]])}, x=normal(2, 3, 2))
    case("GatherNDBatch", node("GatherND", ["x", "i"], batch_dims=1), constants={"i": np.array([[1], [0]])}, x=normal(2, 3, 2))
    for reduction in ("none", "add"):
        once = {"i": np.array([[1, 0, 2], [2, 1, 0]])}
        case("ScatterElements" + reduction, node("ScatterElements", ["x", "i", "u"], reduction=reduction), constants=once, x=normal(3, 3), u=normal(2, 3))
        case("ScatterND" + reduction, node("ScatterND", ["x", "i", "u"], reduction=reduction), constants={"i": np.array([[2], [0]])}, x=normal(3, 2), u=normal(2, 2))

    statistics = dict(s=normal(3), b=normal(3))
    moments = dict(m=normal(3), v=np.abs(normal(3)) + 0.5)
    case("BatchNorm", node("BatchNormalization", ["x", "s", "b", "m", "v"]), x=normal(2, 3, 2), **statistics, **moments)
    case(
        "BatchNormTraining",
        node("BatchNormalization", ["x", "s", "b", "m", "v"], training_mode=1, outputs=["y", "rm", "rv"]),
        constants=moments, x=normal(2, 3, 2, 2), **statistics,
    )  # fmt: skip
    case("LayerNorm", node("LayerNormalization", ["x", "s", "b"]), x=normal(2, 4, 3), **statistics)
    case("InstanceNorm", node("InstanceNormalization", ["x", "s", "b"]), x=normal(2, 3, 4), **statistics)
    case("GroupNorm", node("GroupNormalization", ["x", "s", "b"], num_groups=2, stash_type=11), x=normal(2, 4, 3), s=normal(4), b=normal(4))
    case("RMSNorm", node("LpNormalization", ["x"], p=2, axis=1), x=normal(2, 3))
    case("Lrn", node("LRN", ["x"], size=3), x=normal(1, 4, 2, 2))

    sizes = {"s": np.array([1, 2, 5, 3])}
    for mode in ("nearest", "linear", "cubic"):
        case("Resize" + mode, node("Resize", ["x", "", "", "s"], mode=mode), constants=sizes, x=normal(1, 2, 3, 4))
    for mode in ("nearest", "linear", "cubic"):
        case(
            "ResizeCrop" + mode,
            node("Resize", ["x", "r", "", "s"], mode=mode, coordinate_transformation_mode="tf_crop_and_resize", extrapolation_value=3.0, axes=[2, 3]),
            constants={"r": np.array([-0.1, 0.3, 0.7, 1.2]), "s": np.array([5, 4])}, x=normal(1, 2, 3, 4),
        )  # fmt: skip
    for policy, size in (("not_larger", [4, 9]), ("not_smaller", [4, 5])):
        case(
            "Resize_" + policy,
            node("Resize", ["x", "", "", "s"], mode="linear", keep_aspect_ratio_policy=policy, axes=[2, 3]),
            constants={"s": np.array(size)}, x=normal(1, 1, 3, 4),
        )  # fmt: skip
    case("ResizeAntialias", node("Resize", ["x", "", "", "s"], mode="linear", antialias=1, axes=[0]), constants={"s": np.array([3])}, x=normal(7, 2))
    case("Upsample", node("Resize", ["x", "", "f"], mode="linear", coordinate_transformation_mode="asymmetric"), constants={"f": np.array([1, 1, 2, 2.5], np.float32)}, x=normal(1, 1, 3, 4))

    case("CumProd", node("CumProd", ["x", "axis"]), constants={"axis": np.array(1)}, x=normal(2, 4))
    for exclusive in (0, 1):
        for reverse in (0, 1):
            holes = normal(3, 4)
            holes[0, 1] = holes[1, 0] = holes[1, 2] = 0
            case(
                f"CumProd{exclusive}{reverse}",
                node("CumProd", ["x", "axis"], exclusive=exclusive, reverse=reverse),
                constants={"axis": np.array(1)}, x=holes,
            )  # fmt: skip
    case("Det", node("Det", ["x"]), x=normal(2, 4, 4))
    case("DetOne", node("Det", ["x"]), x=normal(3, 1, 1))
    case("DetSingular", node("Det", ["x"]), x=np.outer([1.0, 2.0, -1.0], [0.5, 1.0, 3.0]))
    case("RangeFloat", node("Range", ["s", "l", "d"]), s=np.array(0.3), d=np.array(0.7), constants={"l": np.array(3.0)})
    case("OneHotValues", node("OneHot", ["i", "d", "v"]), v=normal(2), constants={"i": np.array([2, 0]), "d": np.array(4)})
    case("CenterCropPad", node("CenterCropPad", ["x", "s"]), constants={"s": np.array([3, 6])}, x=normal(6, 3))
    case("CenterCropPadAxes", node("CenterCropPad", ["x", "s"], axes=[-1, 0]), constants={"s": np.array([2, 4])}, x=normal(3, 2, 5))
    case("Compress", node("Compress", ["x", "c"], axis=1), constants={"c": np.array([True, False, True])}, x=normal(2, 4))
    case("Unique", node("Unique", ["x"]), x=apart(2, 3))
    case("UniqueAsTheyCome", node("Unique", ["x"], axis=1, sorted=0, outputs=["y", "", "inverse", "counts"]), x=apart(2, 4))
    case("CompressFlat", node("Compress", ["x", "c"]), constants={"c": np.array([False, True, True, False, True])}, x=normal(2, 3))
    for mode, at in (("linear", [2, 0]), ("circular", [4, 3])):
        case("TensorScatter" + mode, node("TensorScatter", ["x", "u", "w"], mode=mode), constants={"w": np.array(at)}, x=normal(2, 3, 5, 2), u=normal(2, 3, 3, 2))
    case("TensorScatterStart", node("TensorScatter", ["x", "u"], axis=1), x=normal(2, 4), u=normal(2, 3))

    # Several updates of one place.
    often = {"i": np.array([[1, 1, 2], [1, 1, 0]])}
    rows = {"i": np.array([[2], [0], [2]])}
    for reduction in ("none", "add", "mul", "min", "max"):
        case("ScatterElementsOften" + reduction, node("ScatterElements", ["x", "i", "u"], reduction=reduction), constants=often, x=apart(3, 3), u=apart(2, 3) + 0.03)
        case("ScatterNDOften" + reduction, node("ScatterND", ["x", "i", "u"], reduction=reduction), constants=rows, x=apart(3, 2), u=apart(3, 2) + 0.03)
    none = apart(3, 3)
    none[0, 0] = none[1, 0] = none[2, 2] = 0
    case("ScatterZeros", node("ScatterElements", ["x", "i", "u"], reduction="mul"), constants={"i": np.array([[1, 1, 1], [1, 0, 1], [0, 1, 1]])}, x=normal(3, 3), u=none)

    def places(*shape):
        """Places of a grid away from elements, where weights have kinks; some lie outside."""
        return np.clip(normal(*shape) * 0.8, -1.4, 1.4)

    for mode in ("linear", "nearest", "cubic"):
        for padding in ("zeros", "border", "reflection"):
            for corners in (0, 1):
                case(
                    f"GridSample{mode}{padding}{corners}",
                    node("GridSample", ["x", "g"], mode=mode, padding_mode=padding, align_corners=corners),
                    x=normal(2, 3, 4, 5), g=places(2, 2, 3, 2),
                )  # fmt: skip
    case("GridSample1d", node("GridSample", ["x", "g"]), x=normal(1, 2, 5), g=places(1, 4, 1))
    case("GridSample3d", node("GridSample", ["x", "g"]), x=normal(1, 2, 3, 4, 2), g=places(1, 2, 1, 2, 3))
    regions = np.array([[0.3, 0.7, 5.2, 4.1], [1.1, 0.4, 3.3, 6.6], [2.2, 1.7, 2.8, 2.4]])
    for mode in ("half_pixel", "output_half_pixel"):
        case(
            "RoiAlign" + mode,
            node("RoiAlign", ["x", "r", "i"], coordinate_transformation_mode=mode, output_height=3, output_width=2, sampling_ratio=2, spatial_scale=0.7),
            constants={"i": np.array([1, 0, 1])}, x=normal(2, 2, 5, 6), r=regions,
        )  # fmt: skip
        case(
            "RoiAlignMax" + mode,
            node("RoiAlign", ["x", "r", "i"], coordinate_transformation_mode=mode, mode="max", output_height=2, output_width=3, sampling_ratio=2, spatial_scale=0.7),
            constants={"i": np.array([1, 0, 1])}, x=apart(2, 2, 5, 6), r=regions,
        )  # fmt: skip
    case(
        "MaxRoiPool",
        node("MaxRoiPool", ["x", "r"], pooled_shape=[2, 3], spatial_scale=0.5),
        constants={"r": np.array([[1, 0.3, 0.7, 8.2, 7.1], [0, 3.1, 2.4, 5.3, 4.6], [1, 10.2, 8.4, 15.1, 12.3]])}, x=apart(2, 2, 5, 6),
    )  # fmt: skip
    case(
        "DeformConv",
        node("DeformConv", ["x", "w", "o", "b", "m"], kernel_shape=[2, 3], pads=[1, 0, 0, 1], strides=[1, 2], dilations=[2, 1], group=2, offset_group=2),
        x=normal(2, 4, 5, 6), w=normal(6, 2, 2, 3), o=normal(2, 24, 4, 3) * 0.7, b=normal(6), m=normal(2, 12, 4, 3),
    )  # fmt: skip
    case("DeformConvPlain", node("DeformConv", ["x", "w", "o"]), x=normal(1, 2, 4, 4), w=normal(3, 2, 2, 2), o=normal(1, 8, 3, 3) * 0.7)
    for onesided in (0, 1):
        case(f"Dft{onesided}", node("DFT", ["x", "", "a"], onesided=onesided), constants={"a": np.array(1)}, x=normal(2, 5, 1))
        case(f"DftEven{onesided}", node("DFT", ["x", "", "a"], onesided=onesided), constants={"a": np.array(1)}, x=normal(2, 6, 1))
    for length in (4, 8):
        case(f"DftLength{length}", node("DFT", ["x", "l", "a"]), constants={"a": np.array(0), "l": np.array(length)}, x=normal(6, 3, 2))
        case(f"DftInverse{length}", node("DFT", ["x", "l", "a"], inverse=1), constants={"a": np.array(0), "l": np.array(length)}, x=normal(6, 3, 2))
        case(f"DftReal{length}", node("DFT", ["x", "l", "a"], inverse=1, onesided=1), constants={"a": np.array(0), "l": np.array(length)}, x=normal(4, 2, 2))
    case("DftRealOdd", node("DFT", ["x", "l", "a"], inverse=1, onesided=1), constants={"a": np.array(0), "l": np.array(5)}, x=normal(3, 2, 2))
    case("Stft", node("STFT", ["x", "s", "w"]), constants={"s": np.array(2)}, x=normal(1, 10, 1), w=normal(4))
    case("MaxUnpool", node("MaxUnpool", ["x", "i"], kernel_shape=[2, 2], strides=[2, 2]), constants={"i": np.array([[[[5, 7], [9, 12]]]])}, x=normal(1, 1, 2, 2))
    case(
        "MaxUnpoolShape", node("MaxUnpool", ["x", "i", "s"], kernel_shape=[2, 2], strides=[2, 2]),
        constants={"i": np.array([[[[5, 7], [9, 12]]]]), "s": np.array([1, 1, 5, 5])}, x=normal(1, 1, 2, 2),
    )  # fmt: skip
    case(
        "Col2Im", node("Col2Im", ["x", "s", "b"], pads=[1, 0, 0, 1], strides=[1, 2], dilations=[1, 2]),
        constants={"s": np.array([4, 5]), "b": np.array([2, 2])}, x=normal(2, 8, 8),
    )  # fmt: skip
    whole = np.array([[3, -7, 120], [-128, 5, 0]], np.int8)
    for name, scale, zero, more in (
        ("", np.array(0.3), np.array(3, np.int8), {}),
        ("Axis", np.abs(normal(3)) + 0.1, np.array([1, 0, -3], np.int8), {"axis": 1}),
        ("Block", np.abs(normal(2, 2)) + 0.1, np.array([[1, 2], [0, -3]], np.int8), {"axis": 1, "block_size": 2}),
    ):
        case("Dequantize" + name, node("DequantizeLinear", ["q", "s", "z"], **more), constants={"q": whole, "z": zero}, s=scale)
    return made.every
