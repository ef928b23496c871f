// Control.td - operators that run parts of a network depending on values.
include "ir/Base.td"
include "mlir/Interfaces/ControlFlowInterfaces.td"

def NN_YieldOp : Op<NN_Dialect, "yield", [Pure, ReturnLike, Terminator]> {
  let summary = "the results of a body";
  let arguments = (ins Variadic<AnyTensor>:$results);
  let extraClassDeclaration = "static constexpr ::llvm::StringLiteral kOnnxName = \"\";";
  let assemblyFormat = "($results^ `:` type($results))? attr-dict";
}

/// An operator with bodies: a region of one block for each of ONNX's graph attributes, in the order of their names. The
/// block's arguments are the graph's inputs, nn.yield has its outputs. Bodies see the values around them.
class NN_BodiesOp<string mnemonic, string onnxName, list<Trait> traits = []>
    : NN_Op<mnemonic, onnxName, traits # [RecursiveMemoryEffects, SingleBlock, DeclareOpInterfaceMethods<NN_HasBodies>]> {
  let assemblyFormat = "operands attr-dict `:` functional-type(operands, results) regions";
}

def NN_IfOp : NN_BodiesOp<"if", "If"> {
  let summary = "the results of one of two bodies";
  let arguments = (ins AnyTensor:$cond);
  let regions = (region SizedRegion<1>:$else_branch, SizedRegion<1>:$then_branch);
  let results = (outs Variadic<AnyTensor>:$outputs);
  let hasCanonicalizeMethod = 1;
}

def NN_WithGradientOp : NN_BodiesOp<"with_gradient", "", [AttrSizedOperandSegments]> {
  let summary = "values whose gradients a rule says";
  let description = [{
    The rule takes the gradient by each of `values` and gives that by each of `by`; gradients go through it alone, and not
    through what computed the values. It sees what is around it. For all else the operator is its `values`, which take its
    place once gradients are taken. `layer` is what the rule belongs to, for messages.
  }];
  let arguments = (ins Variadic<AnyTensor>:$values, Variadic<AnyTensor>:$by, StrAttr:$layer);
  let regions = (region SizedRegion<1>:$rule);
  let results = (outs Variadic<AnyTensor>:$outputs);
  let hasFolder = 1;
}

def NN_LoopOp : NN_BodiesOp<"loop", "Loop", [AttrSizedOperandSegments, NN_TakesStrings]> {
  let summary = "a body again and again, at most `M` times and as long as a condition holds";
  let description = [{
    The body takes the iteration (i64), the condition and the carried values; it gives the condition, the carried values,
    and what is stacked over all iterations along a new first axis. Carried values may change their dims.
  }];
  let arguments = (ins Optional<AnyTensor>:$M, Optional<AnyTensor>:$cond, Variadic<AnyTensor>:$v_initial);
  let regions = (region SizedRegion<1>:$body);
  let results = (outs Variadic<AnyTensor>:$v_final_and_scan_outputs);
}

def NN_ScanOp : NN_BodiesOp<"scan", "Scan", [NN_TakesStrings]> {
  let summary = "a body for each index of the last `num_scan_inputs` operands along an axis";
  let description = [{
    The body takes the carried values, whose first values are the other operands, and what the scanned operands have at
    the index; it gives the carried values, and what is stacked along an axis of each scan output.
  }];
  let arguments = (ins Variadic<AnyTensor>:$initial_state_and_scan_inputs, I64Attr:$num_scan_inputs,
    OptionalAttr<DenseI64ArrayAttr>:$scan_input_axes, OptionalAttr<DenseI64ArrayAttr>:$scan_input_directions,
    OptionalAttr<DenseI64ArrayAttr>:$scan_output_axes, OptionalAttr<DenseI64ArrayAttr>:$scan_output_directions);
  let regions = (region SizedRegion<1>:$body);
  let results = (outs Variadic<AnyTensor>:$final_state_and_scan_outputs);
}
