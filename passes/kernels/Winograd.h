// Winograd.h - convolution with 3x3 taps by minimal filtering.
#pragma once
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "passes/kernels/Nest.h"

namespace burnish {

/// The transforms of F(m, 3) along one axis, for m = 2 or 4: polynomials
/// through 0, pairs of points +-p, and infinity (Lavin and Gray, "Fast
/// Algorithms for Convolutional Neural Networks", 2015). For m = 4 the pairs
/// are 5/8 and 3/2, with which errors are three to five times smaller than with
/// the usual 1 and 2: both are exact in binary and closer together.
class WinogradTransform {
public:
  explicit WinogradTransform(int64_t tile);

  /// Elements that a tile of results reads: m + 2.
  int64_t points() const { return 2 * pairs.size() + 2; }

  /// Row `point` of the matrix for weights: three factors.
  llvm::SmallVector<double> weightRow(int64_t point) const;
  /// m + 2 elements of an image to as many points.
  llvm::SmallVector<mlir::Value> input(mlir::ImplicitLocOpBuilder &b,
                                       llvm::ArrayRef<mlir::Value> line) const;
  /// m elements of the gradient of results to as many points: what `output`
  /// makes of points, turned round.
  llvm::SmallVector<mlir::Value>
  gradient(mlir::ImplicitLocOpBuilder &b,
           llvm::ArrayRef<mlir::Value> line) const;
  /// Products at m + 2 points to m results.
  llvm::SmallVector<mlir::Value> output(mlir::ImplicitLocOpBuilder &b,
                                        llvm::ArrayRef<mlir::Value> line) const;

private:
  int64_t tile;
  llvm::SmallVector<double> pairs;
};

/// Both axes of a square of `size` x `size` vectors: along the columns, then
/// along the rows. What comes out may be larger.
llvm::SmallVector<mlir::Value>
alongBoth(llvm::ArrayRef<mlir::Value> square, int64_t size,
          llvm::function_ref<
              llvm::SmallVector<mlir::Value>(llvm::ArrayRef<mlir::Value>)>
              transform);

/// Fills the present function, which transforms the tiles of an image: see
/// nn.winograd_input. A task is one block of channels of one row of tiles, or
/// of so many tiles where the run says how long rows are.
void makeWinogradInput(mlir::ImplicitLocOpBuilder &b, nn::KernelOp kernel,
                       llvm::ArrayRef<mlir::Value> data,
                       llvm::ArrayRef<Layout> layouts, mlir::Value begin,
                       mlir::Value end);
/// How many tasks there are.
int64_t tasksOfWinogradInput(nn::KernelOp kernel);

} // namespace burnish
