// Extent.td - tensors made larger: repeated and bordered.
include "ir/Base.td"

def NN_ExpandOp : NN_PureOp<"expand", "Expand", [NN_HasGradient, NN_TakesStrings]> {
  let summary = "broadcast with a tensor of shape `shape`";
  let arguments = (ins AnyTensor:$input, AnyTensor:$shape);
  let results = (outs AnyTensor:$output);
  let hasFolder = 1;
}

def NN_TileOp : NN_PureOp<"tile", "Tile", [NN_HasGradient, NN_TakesStrings]> {
  let summary = "`repeats` copies side by side along each axis";
  let arguments = (ins AnyTensor:$input, AnyTensor:$repeats);
  let results = (outs AnyTensor:$output);
  let hasFolder = 1;
}

def NN_PadOp : NN_PureOp<"pad", "Pad", [NN_HasGradient, AttrSizedOperandSegments, NN_TakesStrings]> {
  let summary = "a border around a tensor";
  let description = [{
    `pads` has the widths at the start of each of `axes`, then those at the end; negative ones cut off. `mode` says what
    the border holds: constant, reflect (without the edge), edge or wrap.
  }];
  let arguments = (ins AnyTensor:$data, AnyTensor:$pads, Optional<AnyTensor>:$constant_value, Optional<AnyTensor>:$axes,
                   DefaultValuedAttr<StrAttr, "\"constant\"">:$mode);
  let results = (outs AnyTensor:$output);
  let hasFolder = 1;
}

def NN_CenterCropPadOp : NN_PureOp<"center_crop_pad", "CenterCropPad", [NN_HasGradient]> {
  let summary = "the middle of a tensor, or the tensor in the middle of zeros, of sizes `shape` along `axes`";
  let arguments = (ins AnyTensor:$input_data, AnyTensor:$shape, OptionalAttr<DenseI64ArrayAttr>:$axes);
  let results = (outs AnyTensor:$output_data);
}
