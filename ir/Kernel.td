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
    element of an out is written, and none is read before (but see `writesPart`). The operands become buffers in
    bufferisation, the region keeps its tensors; `nn-emit-kernels` makes a function of it.
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
    /// Whether only some elements of the out are written, and the others stay.
    bool writesPart();
  }];
}

def NN_KernelYieldOp : Op<NN_Dialect, "kernel_yield", [Pure, Terminator, HasParent<"KernelOp">]> {
  let summary = "the results of a kernel";
  let arguments = (ins Variadic<AnyType>:$results);
  let assemblyFormat = "($results^ `:` type($results))? attr-dict";
  let extraClassDeclaration = "static constexpr ::llvm::StringLiteral kOnnxName = \"\";";
}

//===- Minimal filtering --------------------------------------------------===//

class NN_WinogradOp<string mnemonic> : Op<NN_Dialect, mnemonic, [Pure, ParentOneOf<["KernelOp"]>]> {
  let hasVerifier = 1;
  let extraClassDeclaration = "static constexpr ::llvm::StringLiteral kOnnxName = \"\";";
}

// How many images, rows and columns of tiles there are is known only to the run where an operation has `extents`. A block
// is then so many tiles, whatever rows and images they belong to: those from a first one on, counted row by row and image
// by image. What a block has beyond the last tile of the last image is zeros, and gives no results.

def NN_WinogradInputOp : NN_WinogradOp<"winograd_input"> {
  let summary = "the tiles of an image, transformed for convolution with 3x3 taps";
  let description = [{
    F(tile x tile, 3 x 3) of Lavin and Gray, "Fast Algorithms for Convolutional Neural Networks", 2015; the points are
    those of `Winograd.h`. Of `image` [N, H, W, C], the result [(tile+2)^2, C/lanes, tiles, lanes] has those tiles that
    give `rows` tile rows of `columns` tiles from row `firstRow` of the convolution on, for as many images from
    `firstImage` on as fit. The convolution's first window begins `top` rows above and `left` columns before the image,
    around which there are zeros.

    For the gradient by weights, which sums over tiles, the result is [(tile+2)^2, tiles, C]. With `isGradient` the image
    is the gradient of the convolution's results: its tiles of `tile` by `tile` elements lie side by side.

    `extents` are N, H, W of the image, then its rows and columns of tiles; `firstRow` is then the first tile, `firstImage`
    0, and `rows` times `columns` are the tiles of the block, of which tasks take `columns` at a time.
  }];
  let arguments = (ins AnyRankedTensor:$image, Index:$firstImage, Index:$firstRow, Variadic<Index>:$extents, I64Attr:$tile,
                       I64Attr:$top, I64Attr:$left, I64Attr:$rows, I64Attr:$columns, UnitAttr:$isGradient);
  let results = (outs AnyRankedTensor:$tiles);
  let extraClassDeclaration = [{
    static constexpr ::llvm::StringLiteral kOnnxName = "";
    /// Whether tiles are rows of all channels, in no blocks of lanes.
    bool hasRows() { return ::llvm::cast<::mlir::RankedTensorType>(getTiles().getType()).getRank() == 3; }
    int64_t tileCount() {
      return ::llvm::cast<::mlir::RankedTensorType>(getTiles().getType()).getDimSize(hasRows() ? 1 : 2);
    }
  }];
  let assemblyFormat = [{
    $image `at` `[` $firstImage `,` $firstRow `]` (`of` `[` $extents^ `]`)? attr-dict `:` type($image) `->` type($tiles)
  }];
}

def NN_WinogradOutputOp : NN_WinogradOp<"winograd_output"> {
  let summary = "results of a convolution from products of transformed tiles and weights";
  let description = [{
    From [(tile+2)^2, tiles, channels] to [N, H, W, channels]; the tiles of one image after another, row by row; what
    tiles have beyond the last row and column is left out.

    `extents` are the block's first tile, and the rows and columns of tiles of an image; the image is then all there is, and
    what other blocks have of it stays as it is.
  }];
  let arguments = (ins AnyRankedTensor:$products, Variadic<Index>:$extents, I64Attr:$tile);
  let results = (outs AnyRankedTensor:$image);
  let assemblyFormat = [{
    $products (`of` `[` $extents^ `]`)? attr-dict `:` type($products) `->` type($image)
  }];
}
