// Gradients.h - what the rules of gradients are written in.
//
// A rule (`differentiate` of the interface Differentiable) gets the gradient of
// a scalar by each result of its operator and says what follows for each
// operand, in operators of this dialect. Rules stand in ir/gradients/, a file
// for each family.
#pragma once
#include "ir/Shapes.h"
#include "llvm/ADT/DenseSet.h"
#include "llvm/ADT/Sequence.h"

namespace burnish::nn {

class GradientBuilder : public NetBuilder {
public:
  /// `wanted` are the values whose gradient counts.
  GradientBuilder(const mlir::OpBuilder &builder, ShapeScope &scope,
                  const llvm::DenseSet<mlir::Value> &wanted)
      : NetBuilder(mlir::UnknownLoc::get(builder.getContext()), builder, scope),
        wanted(wanted) {}

  /// Whether the gradient of a value is asked for: what costs much, or cannot
  /// be said, is left out where it is not.
  bool wants(mlir::Value value) const {
    return value && wanted.contains(value);
  }
  /// Says at the present place why there is no gradient; `standIn` is returned.
  mlir::Value refuse(const llvm::Twine &reason, mlir::Value standIn);
  bool hasFailed() const { return failed; }

  mlir::Value add(mlir::Value a, mlir::Value b);
  mlir::Value sub(mlir::Value a, mlir::Value b);
  mlir::Value mul(mlir::Value a, mlir::Value b);
  mlir::Value div(mlir::Value a, mlir::Value b);
  mlir::Value neg(mlir::Value a);
  mlir::Value exp(mlir::Value a);
  mlir::Value sqrt(mlir::Value a);
  mlir::Value equal(mlir::Value a, mlir::Value b);
  mlir::Value less(mlir::Value a, mlir::Value b);
  mlir::Value where(mlir::Value condition, mlir::Value a, mlir::Value b);
  /// `value` where the condition holds, else 0.
  mlir::Value masked(mlir::Value condition, mlir::Value value);
  /// A boolean as 0 or 1 in the element type of `like`.
  mlir::Value indicator(mlir::Value condition, mlir::Value like);
  mlir::Value matmul(mlir::Value a, mlir::Value b);
  /// The sum over all rows of two stacks of matrices of the products of their
  /// elements: (..., rows, m) and (..., rows, n) give (m, n).
  mlir::Value rowsProduct(mlir::Value a, mlir::Value b);

  /// A number in the element type of `like`.
  mlir::Value number(mlir::Value like, double value);
  mlir::Value add(mlir::Value a, double b) { return add(a, number(a, b)); }
  mlir::Value mul(mlir::Value a, double b) { return mul(a, number(a, b)); }
  /// number - a
  mlir::Value sub(double a, mlir::Value b) { return sub(number(b, a), b); }
  /// `value` in the element type of `like`.
  mlir::Value castAs(mlir::Value value, mlir::Value like);

  static int64_t rank(mlir::Value value) { return ShapeScope::rank(value); }
  /// An axis counted from the end when negative.
  static int64_t positiveAxis(int64_t axis, mlir::Value value) {
    return axis < 0 ? axis + rank(value) : axis;
  }
  static llvm::SmallVector<int64_t> allAxes(mlir::Value value) {
    return llvm::to_vector(llvm::seq<int64_t>(0, rank(value)));
  }
  /// The dims as an i64 tensor, of the axes from `start` to before `end`.
  mlir::Value shapeOf(mlir::Value value) {
    return shapeOf(value, 0, rank(value));
  }
  mlir::Value shapeOf(mlir::Value value, int64_t start, int64_t end);
  /// How many elements `value` has along the axes (along all: a tensor of one
  /// number in the element type of `like`).
  mlir::Value count(mlir::Value value, llvm::ArrayRef<int64_t> axes,
                    mlir::Value like);
  mlir::Value zerosLike(mlir::Value value);
  mlir::Value reshape(mlir::Value value, llvm::ArrayRef<int64_t> dims);
  mlir::Value reshapeAs(mlir::Value value, mlir::Value like);
  mlir::Value flatten(mlir::Value value) { return reshape(value, {-1}); }
  mlir::Value expandAs(mlir::Value value, mlir::Value like);
  mlir::Value transpose(mlir::Value value, llvm::ArrayRef<int64_t> permutation);
  /// The last two axes in the other order.
  mlir::Value transposeMatrix(mlir::Value value);
  mlir::Value unsqueeze(mlir::Value value, llvm::ArrayRef<int64_t> axes);
  mlir::Value concat(llvm::ArrayRef<mlir::Value> values, int64_t axis);
  /// Elements from `start` to before `end` along an axis.
  mlir::Value slice(mlir::Value value, int64_t axis, int64_t start,
                    int64_t end);
  mlir::Value reduceSum(mlir::Value value, llvm::ArrayRef<int64_t> axes,
                        bool keepsDims);

  /// The sum of all elements, of rank 0.
  mlir::Value sumAll(mlir::Value value) {
    return reduceSum(value, allAxes(value), /*keepsDims=*/false);
  }

  /// The gradient of an operand that was broadcast: summed over what it was
  /// repeated along.
  mlir::Value sumTo(mlir::Value gradient, mlir::Value operand);
  /// The gradient of `source`, whose elements `places` (flat positions, -1 for
  /// none) were taken to where `gradient` is.
  mlir::Value addAt(mlir::Value source, mlir::Value places,
                    mlir::Value gradient);
  /// The flat position of each element of `value`, as i64 in its shape.
  mlir::Value positions(mlir::Value value);
  /// The sizes along all axes where they are known; none after `refuse`.
  std::optional<llvm::SmallVector<int64_t>> knownDims(mlir::Value value);

private:
  const llvm::DenseSet<mlir::Value> &wanted;
  bool failed = false;
};

/// Puts a scan in the place of an LSTM, GRU or RNN, whose body has a gradient.
llvm::LogicalResult expandRecurrent(mlir::Operation *layer, ShapeScope &scope);

} // namespace burnish::nn
