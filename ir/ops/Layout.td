// Layout.td - the same elements in another order or under another shape.
include "ir/Base.td"

def NN_ReshapeOp : NN_PureOp<"reshape", "Reshape", [NN_HasGradient, NN_TakesStrings]> {
  let summary = "the same elements under another shape";
  let description = [{
    In `shape`, -1 stands for what is left (once), and 0 for the dim of `data` at the same place, unless `allowzero`.
  }];
  let arguments = (ins AnyTensor:$data, AnyTensor:$shape, DefaultValuedAttr<I64Attr, "0">:$allowzero);
  let results = (outs AnyTensor:$reshaped);
  let hasFolder = 1;
  let hasCanonicalizer = 1;
}

def NN_SqueezeOp : NN_PureOp<"squeeze", "Squeeze", [NN_HasGradient, NN_TakesStrings]> {
  let summary = "without the dims of 1 at `axes`; without all of them when there are no `axes`";
  let arguments = (ins AnyTensor:$data, Optional<AnyTensor>:$axes);
  let results = (outs AnyTensor:$squeezed);
  let hasFolder = 1;
}

def NN_UnsqueezeOp : NN_PureOp<"unsqueeze", "Unsqueeze", [NN_HasGradient, NN_TakesStrings]> {
  let summary = "with dims of 1 at the places `axes` of the result";
  let arguments = (ins AnyTensor:$data, AnyTensor:$axes);
  let results = (outs AnyTensor:$expanded);
  let hasFolder = 1;
}

def NN_TransposeOp : NN_PureOp<"transpose", "Transpose", [NN_HasGradient, NN_TakesStrings]> {
  let summary = "axes in another order; reversed without `perm`";
  let arguments = (ins AnyTensor:$data, OptionalAttr<DenseI64ArrayAttr>:$perm);
  let results = (outs AnyTensor:$transposed);
  let hasFolder = 1;
  let hasCanonicalizer = 1;
  let moreDeclarations = [{
    /// The source axis of each axis of the result.
    ::llvm::SmallVector<int64_t> permutation();
  }];
}
