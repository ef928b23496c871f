// Pooling.td - one number for each window: the greatest, the mean, a norm.
include "ir/Base.td"

class NN_PoolOp<string mnemonic, string onnxName, dag own> : NN_PureOp<mnemonic, onnxName, [NN_HasGradient]> {
  let arguments = !con((ins AnyTensor:$X), own, (ins
    DefaultValuedAttr<StrAttr, "\"NOTSET\"">:$auto_pad, DefaultValuedAttr<I64Attr, "0">:$ceil_mode,
    OptionalAttr<DenseI64ArrayAttr>:$dilations, DenseI64ArrayAttr:$kernel_shape, OptionalAttr<DenseI64ArrayAttr>:$pads,
    OptionalAttr<DenseI64ArrayAttr>:$strides));
  let results = (outs AnyTensor:$Y);
  let moreDeclarations = "::llvm::FailureOr<::burnish::nn::Windows> windows(::burnish::nn::ShapeScope &scope);";
}

def NN_MaxPoolOp : NN_PoolOp<"max_pool", "MaxPool", (ins DefaultValuedAttr<I64Attr, "0">:$storage_order)> {
  let summary = "the greatest element of each window, and where it is";
  let description = [{
    `Indices` count the elements of X, row-major or, with `storage_order`, with the first spatial axis running fastest.
    The first of several greatest elements counts.
  }];
  let results = (outs AnyTensor:$Y, Optional<AnyTensor>:$Indices);
}

def NN_AveragePoolOp : NN_PoolOp<"average_pool", "AveragePool", (ins DefaultValuedAttr<I64Attr, "0">:$count_include_pad)> {
  let summary = "the mean of each window; the border counts only with `count_include_pad`";
}

def NN_LpPoolOp : NN_PoolOp<"lp_pool", "LpPool", (ins DefaultValuedAttr<I64Attr, "2">:$p)> {
  let summary = "the p-norm of each window";
}
