// Fit.cpp - kernels with the buffers that they have.
#include "passes/kernels/Fit.h"
#include "passes/kernels/Attention.h"
#include "passes/kernels/Cascade.h"
#include "passes/kernels/Elements.h"
#include "passes/kernels/Product.h"
#include "passes/kernels/Windows.h"

using namespace mlir;
using namespace burnish;

Layout burnish::layoutOf(MemRefType type) {
  Builder attributes(type.getContext());
  auto [strides, offset] = type.getStridesAndOffset();
  Layout layout{ShapedType::isDynamic(offset)
                    ? OpFoldResult()
                    : OpFoldResult(attributes.getIndexAttr(offset)),
                {},
                type.getLayout().isIdentity()};
  for (int64_t stride : strides)
    layout.strides.push_back(
        ShapedType::isDynamic(stride)
            ? OpFoldResult()
            : OpFoldResult(attributes.getIndexAttr(stride)));
  return layout;
}

static MemRefType bufferOf(nn::KernelOp kernel, Value argument) {
  return cast<MemRefType>(
      kernel->getOperand(cast<BlockArgument>(argument).getArgNumber())
          .getType());
}

/// Whether the elements along the last axis are known to lie side by side.
static bool hasStraightLines(MemRefType type) {
  return type.getStridesAndOffset().first.back() == 1;
}

bool burnish::fitsBuffers(nn::KernelOp kernel, const Nest &nest) {
  StringRef algorithm = kernel.getSchedule().getAlgorithm();
  // Passes over rows take elements as they lie.
  if (algorithm == "rows")
    return true;
  if (algorithm == "winograd_output")
    return nest.given &&
           hasStraightLines(bufferOf(
               kernel, nn::WinogradOutputOp(nest.given).getProducts()));
  if (algorithm == "windows")
    return succeeded(WindowForm::of(nest));
  if (algorithm != "product")
    return chooseLanes(nest).has_value();
  FailureOr<ProductForm> form =
      ProductForm::of(nest, kernel.getSchedule().getPacks());
  return succeeded(form) && form->fitsTiles(nest, kernel.getSchedule()) &&
         form->hasPlaceForSums(nest, kernel.getSchedule());
}

bool burnish::fitsBuffers(nn::KernelOp kernel) {
  StringRef algorithm = kernel.getSchedule().getAlgorithm();
  if (algorithm == "rows" || algorithm == "panels" || algorithm == "turn" ||
      algorithm == "trees")
    return true;
  if (algorithm == "attention") {
    FailureOr<AttentionNest> nest = AttentionNest::of(
        kernel,
        [&](unsigned argument) {
          return layoutOf(
              cast<MemRefType>(kernel->getOperand(argument).getType()));
        },
        nullptr);
    return succeeded(nest) && nest->isStraight();
  }
  if (algorithm == "winograd_input") {
    auto input = *kernel.getBody().getOps<nn::WinogradInputOp>().begin();
    return hasStraightLines(bufferOf(kernel, input.getImage())) &&
           hasStraightLines(cast<MemRefType>(kernel.getOuts()[0].getType()));
  }
  auto layoutIn = [&](unsigned argument) {
    auto type = dyn_cast<MemRefType>(kernel->getOperand(argument).getType());
    return type ? layoutOf(type) : Layout();
  };
  if (algorithm == "cascade")
    return succeeded(Cascade::of(kernel, layoutIn, nullptr));
  Builder attributes(kernel.getContext());
  FailureOr<Nest> nest = Nest::of(
      kernel, layoutIn,
      [&](unsigned argument, unsigned axis) -> OpFoldResult {
        return attributes.getIndexAttr(
            cast<ShapedType>(kernel->getOperand(argument).getType())
                .getDimSize(axis));
      },
      nullptr);
  return succeeded(nest) && fitsBuffers(kernel, *nest);
}
