// TapConvolution.h - convolutions with 3x3 taps as minimal filtering takes
// them.
#pragma once
#include "mlir/Dialect/Linalg/IR/Linalg.h"

namespace burnish {

/// result[n, y, x, o] = sum over taps and c of image[n, y+i, x+j, c] times a
/// weight.
struct TapConvolution {
  mlir::linalg::GenericOp op;
  /// Without its border of zeros, of which `top` and `left` are before it.
  mlir::Value image;
  int64_t top = 0, left = 0;
  mlir::Value weights;
  /// Null where only the run knows them.
  mlir::ElementsAttr constant;
  /// The axes of the weights for o, c, i and j.
  llvm::SmallVector<int64_t> axes;
  /// Whether taps are read from the last to the first.
  bool isTurned = false;
  /// The elementwise operation that alone uses the result; may be null.
  mlir::linalg::GenericOp epilogue;

  llvm::ArrayRef<int64_t> imageShape() const {
    return llvm::cast<mlir::RankedTensorType>(image.getType()).getShape();
  }
  llvm::ArrayRef<int64_t> shape() const {
    return llvm::cast<mlir::RankedTensorType>(op->getResultTypes()[0])
        .getShape();
  }

  /// Whether only the run knows how many rows and columns there are.
  bool isOfRun() const {
    return mlir::ShapedType::isDynamicShape(shape().drop_front()) ||
           mlir::ShapedType::isDynamicShape(imageShape().drop_front());
  }

  llvm::ArrayRef<int64_t> weightsShape() const {
    return llvm::cast<mlir::RankedTensorType>(weights.getType()).getShape();
  }

  static std::optional<TapConvolution> match(mlir::linalg::GenericOp op);
};

/// Goes behind a padding of `image`, [N, H, W, C], that is a border of zeros,
/// of which `top` rows and `left` columns are before it.
void takeBorder(mlir::Value &image, int64_t &top, int64_t &left);

} // namespace burnish
