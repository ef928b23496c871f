// Attributes.td - what the passes leave for each other in the IR.
#ifndef BURNISH_IR_ATTRIBUTES_TD
#define BURNISH_IR_ATTRIBUTES_TD

include "ir/Dialect.td"
include "mlir/IR/AttrTypeBase.td"

def NN_TargetAttr : AttrDef<NN_Dialect, "Target"> {
  let mnemonic = "target";
  let summary = "the machine that code is made for";
  let description = [{
    Stands on the module as `nn.target`; the driver puts it there. Sizes of caches are bytes, of one core where a cache
    is not shared. `vectorRegisters` counts the registers of `vectorBits` bits.
  }];
  let parameters = (ins
    StringRefParameter<"LLVM's triple">:$triple,
    StringRefParameter<"LLVM's name of the CPU">:$cpu,
    StringRefParameter<"LLVM's feature string">:$features,
    "unsigned":$pointerBits, "unsigned":$vectorBits, "unsigned":$vectorRegisters,
    "uint64_t":$l1Bytes, "uint64_t":$l2Bytes, "uint64_t":$l3Bytes, "unsigned":$cores);
  let assemblyFormat = "`<` struct(params) `>`";
}

#endif
