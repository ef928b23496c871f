// Pieces.td - tensors joined, cut and turned around.
include "ir/Base.td"

def NN_ConcatOp : NN_PureOp<"concat", "Concat", [NN_HasGradient, NN_TakesStrings]> {
  let summary = "tensors one after the other along an axis";
  let arguments = (ins Variadic<AnyTensor>:$inputs, I64Attr:$axis);
  let results = (outs AnyTensor:$concat_result);
  let moreDeclarations = [{
    /// Says which elements of a small integer result are known.
    void followParts(::burnish::nn::ShapeScope &scope, int64_t axis);
  }];
  let hasFolder = 1;
}

def NN_SplitOp : NN_PureOp<"split", "Split", [NN_HasGradient, NN_TakesStrings]> {
  let summary = "a tensor in pieces along an axis";
  let description = [{
    `split` has the sizes; without it there are as many equal pieces as results, the last of which may be smaller.
  }];
  let arguments = (ins AnyTensor:$input, Optional<AnyTensor>:$split, OptionalAttr<I64Attr>:$num_outputs,
                   DefaultValuedAttr<I64Attr, "0">:$axis);
  let results = (outs Variadic<AnyTensor>:$outputs);
}

def NN_SliceOp : NN_PureOp<"slice", "Slice", [NN_HasGradient, AttrSizedOperandSegments, NN_TakesStrings]> {
  let summary = "every `steps`-th element from `starts` to before `ends` along `axes`";
  let description = [{
    Starts and ends count from the end when negative, and are clamped to the tensor. Negative steps go backwards.
  }];
  let arguments = (ins AnyTensor:$data, AnyTensor:$starts, AnyTensor:$ends, Optional<AnyTensor>:$axes,
                   Optional<AnyTensor>:$steps);
  let results = (outs AnyTensor:$output);
  let hasFolder = 1;
}

def NN_ReverseSequenceOp : NN_PureOp<"reverse_sequence", "ReverseSequence", [NN_HasGradient, NN_TakesStrings]> {
  let summary = "the first `sequence_lens[i]` elements along `time_axis` in reverse, for each place i of `batch_axis`";
  let arguments = (ins AnyTensor:$input, AnyTensor:$sequence_lens, DefaultValuedAttr<I64Attr, "1">:$batch_axis,
                   DefaultValuedAttr<I64Attr, "0">:$time_axis);
  let results = (outs AnyTensor:$Y);
}
