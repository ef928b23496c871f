// Selection.td - results whose sizes depend on what the operands hold.
include "ir/Base.td"

def NN_NonZeroOp : NN_PureOp<"non_zero", "NonZero"> {
  let summary = "the places of the elements that are not zero, a column each";
  let arguments = (ins AnyTensor:$X);
  let results = (outs AnyTensor:$Y);
}

def NN_CompressOp : NN_PureOp<"compress", "Compress", [NN_HasGradient, NN_TakesStrings]> {
  let summary = "the slices along `axis` (elements without it) where the condition holds";
  let arguments = (ins AnyTensor:$input, AnyTensor:$condition, OptionalAttr<I64Attr>:$axis);
  let results = (outs AnyTensor:$output);
}

def NN_UniqueOp : NN_PureOp<"unique", "Unique", [NN_HasGradient, AttrSizedResultSegments, NN_TakesStrings]> {
  let summary = "the different slices along `axis` (elements without it), sorted or as they come first";
  let description = [{
    `indices` has where each comes first, `inverse_indices` which of them each slice is, `counts` how often each comes.
  }];
  let arguments = (ins AnyTensor:$X, OptionalAttr<I64Attr>:$axis, DefaultValuedAttr<I64Attr, "1">:$sorted);
  let results = (outs AnyTensor:$Y, Optional<AnyTensor>:$indices, Optional<AnyTensor>:$inverse_indices,
                 Optional<AnyTensor>:$counts);
}

def NN_ImageDecoderOp : NN_PureOp<"image_decoder", "ImageDecoder"> {
  let summary = "the pixels of a picture in a file's bytes, [rows, columns, channels]";
  let description = [{
    `pixel_format` is RGB, BGR or Grayscale. PNG, JPEG, BMP, PGM and PPM are read; of anything else, and of what is damaged, there are no
    rows and columns.
  }];
  let arguments = (ins AnyTensor:$encoded_stream, DefaultValuedAttr<StrAttr, "\"RGB\"">:$pixel_format);
  let results = (outs AnyTensor:$image);
}

def NN_NonMaxSuppressionOp : NN_PureOp<"non_max_suppression", "NonMaxSuppression", [AttrSizedOperandSegments]> {
  let summary = "the boxes with the best scores that do not overlap a better one, as rows of batch, class, box";
  let description = [{
    Boxes are two opposite corners (y, x each), or centre and size when `center_point_box` (x, y each).
  }];
  let arguments = (ins AnyTensor:$boxes, AnyTensor:$scores, Optional<AnyTensor>:$max_output_boxes_per_class,
                   Optional<AnyTensor>:$iou_threshold, Optional<AnyTensor>:$score_threshold,
                   DefaultValuedAttr<I64Attr, "0">:$center_point_box);
  let results = (outs AnyTensor:$selected_indices);
}
