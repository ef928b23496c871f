// Product.h - sums of products in register tiles: matrix products and
// convolutions.
#pragma once
#include "passes/kernels/Nest.h"

namespace burnish {

/// A nest seen as a matrix product: result[outer][row][lanes] is the sum over
/// `depth` of left[row] and right[lanes].
struct ProductForm {
  /// Which input moves with the rows, and which with the lanes.
  unsigned left, right;
  /// Loops whose results lie side by side, last fastest; more than one only if
  /// they do so in the result.
  llvm::SmallVector<unsigned> lanes;
  std::optional<unsigned> row;
  /// A loop of a few iterations, along which the left operand moves, and whose
  /// results lie between those of neighbouring lanes.
  std::optional<unsigned> weave;
  llvm::SmallVector<unsigned> outer, depth;
  /// The left operand moves with the lanes too: each of them has a product of
  /// its own, as the gradient of a convolution's weights for each image.
  bool hasProductOfLane = false;

  /// Only panels, which a schedule `packs`, bring several loops of lanes
  /// together.
  static llvm::FailureOr<ProductForm> of(const Nest &nest, bool packs = true);

  /// The lanes' operand has them side by side too.
  bool isStraight(const Nest &nest) const;
  /// Whether packed operands are cut into a schedule's tiles: other strides may
  /// give other lanes and rows than those that they were cut for.
  bool fitsTiles(const Nest &nest, nn::ScheduleAttr schedule) const;
  /// A schedule's panels may leave sums to wait for the next one, of which
  /// there must not be too many.
  bool hasPlaceForSums(const Nest &nest, nn::ScheduleAttr schedule) const;
  /// Squares of lanes and steps of that operand, of which the steps lie side by
  /// side, can be turned as they come to a panel.
  bool canTurn(const Nest &nest) const;
  /// From step to step of the sum that operand moves by so many elements, in
  /// the loop where it moves least; ShapedType::kDynamic when not known.
  int64_t depthStride(const Nest &nest) const;
  /// The loop of the depth along which pairs of the left operand's elements lie
  /// side by side.
  std::optional<unsigned> stepsLoop(const Nest &nest) const;
  // Numbers of iterations, ShapedType::kDynamic when not known.
  int64_t laneCount(const Nest &nest) const { return count(nest, lanes); }
  int64_t rowCount(const Nest &nest) const {
    return row ? nest.loops[*row].known() : 1;
  }
  int64_t depthCount(const Nest &nest) const { return count(nest, depth); }
  int64_t weaveCount(const Nest &nest) const {
    return weave ? nest.loops[*weave].known() : 1;
  }
  int64_t outerCount(const Nest &nest) const { return count(nest, outer); }

private:
  std::optional<unsigned> chooseRow(const Nest &nest) const;
  bool slides(const Nest &nest, unsigned loop) const;
  mlir::LogicalResult chooseSides(const Nest &nest);
  static int64_t count(const Nest &nest, llvm::ArrayRef<unsigned> loops);
};

/// Sums of products of bytes, of which one is without sign.
struct ByteProduct {
  /// The input that has no sign.
  unsigned unsignedInput;

  static std::optional<ByteProduct> of(mlir::linalg::GenericOp root);
};

/// Sums in f32 of products of bf16.
bool isHalfProduct(mlir::linalg::GenericOp root);

/// Panels hold as many steps of the sum as fit into so many bytes.
constexpr int64_t kPanelBytes = 64 << 10;
/// Sums that wait for the next panel are kept for at most so many bytes.
constexpr int64_t kSumsBytes = 256 << 10;

} // namespace burnish
