// Windows.h - windows as gradients need them: borders as numbers.
#pragma once
#include "ir/Gradients.h"
#include "ir/Windows.h"

namespace burnish::nn {

/// The attributes of windows as lists, borders at the starts first.
struct WindowLists {
  explicit WindowLists(const Windows &windows);
  llvm::SmallVector<int64_t> strides, dilations, pads;
};

/// The same windows with the borders that `auto_pad` and `ceil_mode` stand for
/// as numbers, so that every window ends inside. Refuses where they depend on
/// sizes that only run time knows.
llvm::FailureOr<Windows> withBorders(GradientBuilder &b,
                                     llvm::FailureOr<Windows> windows);

/// The gradient by `image` of the convolution with `weights` whose result has
/// the gradient `dy`.
mlir::Value byImage(GradientBuilder &b, mlir::Value image, mlir::Value dy,
                    mlir::Value weights, const Windows &windows, int64_t group);

} // namespace burnish::nn
