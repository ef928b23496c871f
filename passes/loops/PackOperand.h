// PackOperand.h - constant operands in the order in which tiles read them.
#pragma once
#include "ir/Kernel.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include <optional>

namespace burnish {

class OperandPacker {
public:
  /// Replaces an operand of `kernel`, which `generic` in its region
  /// reads, by one whose axis of `loop` is cut into tiles: [tiles][other
  /// axes][tile], the last filled up with zeros. The other axes stand in the
  /// order in which `generic` walks through its other input, so that this is
  /// read in sequence too. The region unpacks it. Does nothing where no axis is
  /// `loop` alone. What only the run knows is packed by a kernel of its own, in
  /// tiles of whole vectors (`kernels/Panels.h`). With `side`, the axis of
  /// another loop is last of these, and cut too, into as many elements as lie
  /// side by side in each of the tile's: [tiles][other axes][..][tile][steps].
  /// With `boundWidth`, bytes are bounded so that pairs of their products with
  /// bytes without sign fit 16 bits, for vectors of so many lanes; what is
  /// taken from them becomes two more inputs (`BoundPairs.h`).
  struct SideBySide {
    unsigned loop;
    int64_t steps, boundWidth;
  };
  void pack(nn::KernelOp kernel, mlir::linalg::GenericOp generic,
            unsigned argument, unsigned loop, int64_t tile,
            std::optional<SideBySide> side = std::nullopt);

  /// Once all kernels are made: lets lookups of single elements (a Gather's)
  /// use large packed constants, and gives back the memory of what only they
  /// had. A table that a product reads too, as language models have it for
  /// words, is kept once.
  void shareAndRelease(mlir::ModuleOp module);

private:
  /// A constant in its new order, and what was taken from it, if anything was.
  struct Values {
    mlir::ElementsAttr value, excess, places;
  };
  Values &valuesOf(mlir::ElementsAttr constant, mlir::RankedTensorType packed,
                   llvm::ArrayRef<int64_t> order, int64_t tile,
                   const std::optional<SideBySide> &side);
  /// Constants that several kernels read are packed once.
  llvm::DenseMap<std::tuple<mlir::Attribute, mlir::Attribute, int64_t,
                            std::pair<int64_t, int64_t>>,
                 Values>
      packed;
  struct Packed {
    mlir::ElementsAttr source;
    /// The axis that is cut into tiles, then the others as they are packed.
    llvm::SmallVector<int64_t> order;
    int64_t tile, steps;
    mlir::ElementsAttr value;
  };
  /// In the order in which they were made.
  llvm::SmallVector<Packed> all;
};

} // namespace burnish
