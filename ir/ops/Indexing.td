// Indexing.td - elements read from, and written to, places that data names.
include "ir/Base.td"

def NN_GatherOp : NN_PureOp<"gather", "Gather", [NN_HasGradient, NN_TakesStrings]> {
  let summary = "the slices of `data` along `axis` that `indices` name; negative ones count from the end";
  let arguments = (ins AnyTensor:$data, AnyTensor:$indices, DefaultValuedAttr<I64Attr, "0">:$axis);
  let results = (outs AnyTensor:$output);
}

def NN_GatherElementsOp : NN_PureOp<"gather_elements", "GatherElements", [NN_HasGradient, NN_TakesStrings]> {
  let summary = "for each place of `indices`, the element of `data` there, but at the index along `axis`";
  let arguments = (ins AnyTensor:$data, AnyTensor:$indices, DefaultValuedAttr<I64Attr, "0">:$axis);
  let results = (outs AnyTensor:$output);
}

def NN_GatherNDOp : NN_PureOp<"gather_nd", "GatherND", [NN_HasGradient, NN_TakesStrings]> {
  let summary = "the slices of `data` that the rows of `indices` name, for each place of the first `batch_dims` axes";
  let arguments = (ins AnyTensor:$data, AnyTensor:$indices, DefaultValuedAttr<I64Attr, "0">:$batch_dims);
  let results = (outs AnyTensor:$output);
}

class NN_ScatterOp<string mnemonic, string onnxName, dag attributes, string meaning>
    : NN_PureOp<mnemonic, onnxName, [NN_HasGradient, NN_TakesStrings]> {
  let summary = meaning;
  let description = [{
    `reduction` says what becomes of the element that was there: none, or add, mul, min, max with it. Of two updates of
    one place without a reduction, the later in row-major order stays.
  }];
  let arguments = !con((ins AnyTensor:$data, AnyTensor:$indices, AnyTensor:$updates), attributes);
  let results = (outs AnyTensor:$output);
}

def NN_ScatterElementsOp
    : NN_ScatterOp<"scatter_elements", "ScatterElements",
                   (ins DefaultValuedAttr<I64Attr, "0">:$axis, DefaultValuedAttr<StrAttr, "\"none\"">:$reduction),
                   "`data` with each update at its own place, but at the index along `axis`">;
def NN_ScatterNDOp : NN_ScatterOp<"scatter_nd", "ScatterND", (ins DefaultValuedAttr<StrAttr, "\"none\"">:$reduction),
                                  "`data` with the slices that the rows of `indices` name updated">;

def NN_TensorScatterOp : NN_PureOp<"tensor_scatter", "TensorScatter", [NN_HasGradient]> {
  let summary = "a cache with an update written at `write_indices[batch]` along `axis`; around its end when circular";
  let arguments = (ins AnyTensor:$past_cache, AnyTensor:$update, Optional<AnyTensor>:$write_indices,
                   DefaultValuedAttr<I64Attr, "-2">:$axis, DefaultValuedAttr<StrAttr, "\"linear\"">:$mode);
  let results = (outs AnyTensor:$present_cache);
}
