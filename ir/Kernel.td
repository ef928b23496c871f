// Kernel.td - groups of loops that become one function.
include "ir/Attributes.td"
include "mlir/Interfaces/DestinationStyleOpInterface.td"
include "mlir/Interfaces/SideEffectInterfaces.td"

def NN_KernelOp : Op<NN_Dialect, "kernel", [AttrSizedOperandSegments, IsolatedFromAbove, DestinationStyleOpInterface,
                                            DeclareOpInterfaceMethods<MemoryEffectsOpInterface>,
                                            SingleBlock]> {
  let summary = "loops that are done together, and how";
  let description = [{
    The region says what is computed, in linalg on tensors: its arguments stand for `inputs` and then for `outs`. Every
    element of an out is written, and none is read before. The operands become buffers in bufferisation, the region
    keeps its tensors; `nn-emit-kernels` makes a function of it.
  }];
  let arguments = (ins Variadic<AnyType>:$inputs, Variadic<AnyShaped>:$outs, NN_ScheduleAttr:$schedule);
  let results = (outs Variadic<AnyRankedTensor>:$results);
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $schedule (`ins` `(` $inputs^ `:` type($inputs) `)`)? `outs` `(` $outs `:` type($outs) `)` $body attr-dict
    (`->` type($results)^)?
  }];
  let hasVerifier = 1;
  let extraClassDeclaration = [{
    static constexpr ::llvm::StringLiteral kOnnxName = "";
    ::mlir::MutableOperandRange getDpsInitsMutable() { return getOutsMutable(); }
  }];
}

def NN_KernelYieldOp : Op<NN_Dialect, "kernel_yield", [Pure, Terminator, HasParent<"KernelOp">]> {
  let summary = "the results of a kernel";
  let arguments = (ins Variadic<AnyType>:$results);
  let assemblyFormat = "($results^ `:` type($results))? attr-dict";
  let extraClassDeclaration = "static constexpr ::llvm::StringLiteral kOnnxName = \"\";";
}
