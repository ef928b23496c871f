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

/// The lengths of a tensor's axes that are not 1.
llvm::SmallVector<int64_t> longAxesOf(mlir::Value tensor);

/// Where a pass reads: the result of an earlier pass, or memory.
struct RowInput {
  std::optional<unsigned> pass;
  Access access;
};

/// One linalg.generic of such a kernel.
struct RowPass {
  mlir::linalg::GenericOp op;
  llvm::SmallVector<RowInput, 0> inputs;
  /// It reduces the row to one value; it has as many values as the row has.
  /// Neither: it computes one value from values of the row.
  std::optional<Combiner> combiner;
  bool isWide = false;
  mlir::TypedAttr init;
  /// The sweep over the row in which it is computed, or before which.
  unsigned sweep = 0;
  /// A later sweep reads it.
  bool isKept = false;
  /// Something else computes it, before the first sweep.
  bool isGiven = false;
  /// The one of the nest's outs to which its values go, besides to other
  /// passes.
  std::optional<unsigned> out;
};

/// A kernel whose passes go through the same rows. Each sweep computes all that
/// depends on earlier sweeps only.
struct RowNest {
  static llvm::FailureOr<RowNest> of(nn::KernelOp kernel,
                                     Nest::LayoutOf layoutOf,
                                     mlir::ImplicitLocOpBuilder *builder);
  static llvm::FailureOr<RowNest> ofTypes(nn::KernelOp kernel);
  /// Some of the kernel's passes alone: those over the rows of what `given`
  /// computes, which is the first of them, and where all begin. Those that the
  /// kernel yields, and no other, have outs.
  static llvm::FailureOr<RowNest>
  ofPasses(nn::KernelOp kernel, mlir::linalg::GenericOp given,
           llvm::ArrayRef<mlir::linalg::GenericOp> generics,
           Nest::LayoutOf layoutOf, mlir::ImplicitLocOpBuilder *builder);

  unsigned lanes() const { return nest.loops.size() - 1; }
  int64_t rowLength() const { return nest.loops.back().known(); }
  /// Bytes of a row of all that is kept from sweep to sweep.
  int64_t keptBytes() const;

  /// The loops over rows and then along them, and the out.
  Nest nest;
  llvm::SmallVector<RowPass> passes;
  /// Of passes that are not the only result.
  llvm::SmallVector<Access> outs;

private:
  llvm::LogicalResult addPasses(nn::KernelOp kernel,
                                llvm::ArrayRef<mlir::linalg::GenericOp>,
                                Nest::LayoutOf layoutOf,
                                mlir::ImplicitLocOpBuilder *builder);
};

/// A row's values between sweeps lie in the frame, in at most so many bytes.
constexpr int64_t kKeptBytes = 256 << 10;

struct KernelCode;
/// What is given of a row lies in a memory from an element on. The values of a
/// pass go to another, which may be the same and hold narrower floats.
struct GivenRow {
  mlir::Value memory, first;
  mlir::Value resultMemory, firstResult;
  unsigned result;
};
/// The sweeps over one row, the one at which `code.at` stands. Gives the row's
/// value of pass `asked`, if there is such a question.
mlir::Value makeGivenRow(KernelCode &code, const RowNest &rows,
                         const GivenRow &given, std::optional<unsigned> asked);

} // namespace burnish
