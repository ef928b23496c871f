// Lanes.h - along which loop of a convolution its vectors lie.
#pragma once
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "llvm/ADT/DenseSet.h"
#include <optional>

namespace burnish {

/// The loops of a result's axes.
llvm::SmallVector<unsigned> loopsOf(mlir::AffineMap out);

/// Which operand of a sum of products is its weights: a constant, or that over
/// which no window moves.
std::optional<size_t> weightsOf(mlir::linalg::GenericOp op);

/// The loops of a product's result along which constant weights lie: where
/// they are innermost, weights are read as vectors and the other operand
/// element by element, wherever that lies.
/// `natural` are the loops of the result as it is written.
llvm::SmallVector<unsigned> lanesOf(mlir::linalg::GenericOp op,
                                    llvm::ArrayRef<mlir::AffineMap> maps,
                                    llvm::ArrayRef<unsigned> natural);

/// Whether a convolution has too few weights side by side to fill vectors of
/// `width` elements: then it has its lanes along the images, or, where these
/// fill no vectors, along each image, which lies as it is written. Constant
/// weights read the image as it lies where that costs no more than moving it.
bool hasFewLanes(mlir::linalg::GenericOp op, int64_t width);

/// Of a convolution that has few lanes, the loop over images where vectors
/// can lie along them: windows do not move along it, and it fills vectors.
/// `width` are the elements of a vector.
std::optional<unsigned> imagesOf(mlir::linalg::GenericOp op,
                                 llvm::ArrayRef<unsigned> natural,
                                 int64_t width);

/// The gradient by weights of a convolution with few channels: vectors lie
/// along the images here too, whose sums are added up at the end.
/// Gives the sums that stay apart.
llvm::SmallDenseSet<mlir::Operation *, 4>
splitOverImages(mlir::IRRewriter &b, mlir::func::FuncOp function,
                int64_t width);

} // namespace burnish
