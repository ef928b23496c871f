// Access.h - operands at linear offsets of loops.
#pragma once
#include "mlir/Dialect/Utils/StaticValueUtils.h"
#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace burnish {

/// A number that is known when compiling, else ShapedType::kDynamic.
int64_t knownOr(mlir::OpFoldResult value);

/// Where an operand lies in memory, in elements: an offset, and a stride for
/// each axis. Null: not known yet.
struct Layout {
  mlir::OpFoldResult offset;
  llvm::SmallVector<mlir::OpFoldResult> strides;
  /// Each stride is the next one times the next dim, whether these are known or
  /// not.
  bool isGapless = false;

  /// Row-major without gaps; strides beyond a dynamic dim are not known.
  static Layout rowMajor(mlir::ShapedType type);
};

/// The offset of the element that an iteration reads or writes: base + the sum
/// of coefficient * index.
struct Access {
  /// The argument of the kernel's region.
  unsigned argument = 0;
  mlir::OpFoldResult base;
  llvm::SmallVector<mlir::OpFoldResult> coefficients;
  /// Loops of which the first one's coefficient is that of the second times its
  /// size, also where nobody knows these.
  llvm::SmallVector<std::pair<unsigned, unsigned>> gapless;
  /// Of a packed operand: the loop that is cut into tiles, the length of a
  /// tile, and the stride from tile to tile; the loop's coefficient holds
  /// within a tile.
  std::optional<unsigned> packedLoop;
  int64_t packedTile = 0, packedStride = 0;
  /// Of one packed with several steps of the sum side by side in each lane: the
  /// loop of these steps, whose coefficient holds for multiples of their
  /// number.
  std::optional<unsigned> stepsLoop;

  /// The coefficient where it is known, else ShapedType::kDynamic.
  int64_t along(unsigned loop) const;
  bool moves(unsigned loop) const { return along(loop) != 0; }
};

/// Builds the accesses of loops. Numbers that nobody knows are null without a
/// builder.
class AccessBuilder {
public:
  AccessBuilder(mlir::MLIRContext *context, mlir::ImplicitLocOpBuilder *builder)
      : builder(builder), attributes(context) {}

  mlir::OpFoldResult constant(int64_t value) {
    return attributes.getIndexAttr(value);
  }
  /// The access of an operand at `exprs` of so many loops; failure when these
  /// are not linear.
  llvm::FailureOr<Access> access(unsigned argument, const Layout &layout,
                                 llvm::ArrayRef<mlir::AffineExpr> exprs,
                                 unsigned loops);
  /// That of a number, which is the same at all iterations.
  Access scalar(unsigned argument, unsigned loops);

private:
  mlir::OpFoldResult multiply(mlir::OpFoldResult value, int64_t factor);
  mlir::OpFoldResult add(mlir::OpFoldResult left, mlir::OpFoldResult right);
  /// Adds stride * expr to the access; false when the expression is not linear
  /// in the loops.
  bool accumulate(Access &access, mlir::AffineExpr expr,
                  mlir::OpFoldResult stride);

  mlir::ImplicitLocOpBuilder *builder;
  mlir::Builder attributes;
};

/// The same for a single operand.
llvm::FailureOr<Access> accessOf(mlir::MLIRContext *context,
                                 mlir::ImplicitLocOpBuilder *builder,
                                 unsigned argument, const Layout &layout,
                                 llvm::ArrayRef<mlir::AffineExpr> exprs,
                                 unsigned loops);

} // namespace burnish
