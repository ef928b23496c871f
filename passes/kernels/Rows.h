// Rows.h - several passes over one row after another.
#pragma once
#include "passes/kernels/Combiner.h"
#include "passes/kernels/Nest.h"

namespace burnish {

/// The lengths of a generic's loops that are not 1, of which the last is that
/// of the rows: what the passes of a kernel over rows have in common. Nothing
/// for loops of unknown length, or when `op` reduces anything else than whole
/// rows.
std::optional<llvm::SmallVector<int64_t>>
rowLoopsOf(mlir::linalg::GenericOp op);

/// The tensor that `value` is with axes of length 1 added or taken away.
mlir::Value withoutUnitAxes(mlir::Value value);

/// Where a pass reads: the result of an earlier pass, or memory.
struct RowInput {
  std::optional<unsigned> pass;
  Access access;
};

/// One linalg.generic of such a kernel.
struct RowPass {
  mlir::linalg::GenericOp op;
  llvm::SmallVector<RowInput> inputs;
  /// It reduces the row to one value; it has as many values as the row has.
  /// Neither: it computes one value from values of the row.
  std::optional<Combiner> combiner;
  bool isWide = false;
  mlir::TypedAttr init;
  /// The sweep over the row in which it is computed, or before which.
  unsigned sweep = 0;
  /// A later sweep reads it.
  bool isKept = false;
};

/// A kernel whose passes go through the same rows. Each sweep computes all that
/// depends on earlier sweeps only.
struct RowNest {
  static llvm::FailureOr<RowNest> of(nn::KernelOp kernel,
                                     Nest::LayoutOf layoutOf,
                                     mlir::ImplicitLocOpBuilder *builder);
  static llvm::FailureOr<RowNest> ofTypes(nn::KernelOp kernel);

  unsigned lanes() const { return nest.loops.size() - 1; }
  int64_t rowLength() const { return nest.loops.back().known(); }
  /// Bytes of a row of all that is kept from sweep to sweep.
  int64_t keptBytes() const;

  /// The loops over rows and then along them, and the out.
  Nest nest;
  llvm::SmallVector<RowPass> passes;
};

/// A row's values between sweeps lie in the frame, in at most so many bytes.
constexpr int64_t kKeptBytes = 256 << 10;

} // namespace burnish
