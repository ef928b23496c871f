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
    "uint64_t":$l1Bytes, "uint64_t":$l2Bytes, "uint64_t":$l3Bytes, "unsigned":$cores,
    DefaultValuedParameter<"bool", "false", "whether results must have the same bits on every CPU">:$isDeterministic);
  let assemblyFormat = "`<` struct(params) `>`";
}

def NN_ScheduleAttr : AttrDef<NN_Dialect, "Schedule"> {
  let mnemonic = "schedule";
  let summary = "how a kernel is computed";
  let description = [{
    `product`: a sum of products in register tiles of `rows` rows by `vectors` vectors of `lanes` elements. The operand
    that runs along the lanes is read in place, or first copied to a panel when `packs`. `rowsOutside`: for a tile of
    rows, all panels; else for a panel, all rows.
    `elements`: one pass along the results, or along what a reduction reads, `vectors` vectors of `lanes` at a time.
    `windows`: sums over windows, each channel by itself, `rows` windows side by side.
    `cascade`: the kernels in the region, line by line.
    `panels`, `turn`: what the `linalg.pack` or `linalg.transpose` in the region says, square by square in registers, `rows`
    rows of the result at a time.
    `winograd_input`, `winograd_output`: what the operators of these names say, `lanes` channels at a time.
    `trees`: walks through decision trees, `lanes` of them side by side, `rows` rows a task.
    Threads share a kernel when it `isParallel`.
    With `steps` of 4 or 2 the operands of a product are bytes, of which a lane takes so many steps of the sum at once
    (x86's vpdpbusd; pmaddwd of widened bytes), or bf16, two at once (vdpbf16ps); the constant operand is packed with these
    side by side, and a panel is filled so. With `addsPairs` and four steps, products of bytes are added in pairs of 16
    bits first (vpmaddubsw); weights have been made small enough for that, and what was taken from them follows in
    operands of its own.
    A constant operand of a product is packed in as many panels for a tile as there are `streams`. A kernel that goes
    `backAndForth` does its tasks in turns forwards and backwards, iteration by iteration of the loop that it stands in;
    in none, forwards.
  }];
  let parameters = (ins
    StringRefParameter<"product, windows, elements, rows, attention, cascade, panels, trees, turn, winograd_input or winograd_output">:$algorithm,
    "unsigned":$lanes, "unsigned":$vectors, "unsigned":$rows, "bool":$packs, "bool":$rowsOutside, "bool":$isParallel,
    DefaultValuedParameter<"unsigned", "1">:$streams, DefaultValuedParameter<"bool", "false">:$backAndForth,
    DefaultValuedParameter<"unsigned", "1">:$steps, DefaultValuedParameter<"bool", "false">:$addsPairs);
  let builders = [AttrBuilder<(ins "llvm::StringRef":$algorithm, "unsigned":$lanes, "unsigned":$vectors, "unsigned":$rows,
                                   "bool":$packs, "bool":$rowsOutside, "bool":$isParallel),
                              "return $_get($_ctxt, algorithm, lanes, vectors, rows, packs, rowsOutside, isParallel, 1, false, 1, false);">];
  let assemblyFormat = "`<` struct(params) `>`";
}

#endif
