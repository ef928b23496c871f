// CutTaps.cpp - taps of convolutions that meet nothing but padding go.
#include "ir/Ops.h"
#include "ir/Shapes.h"
#include "ir/Signature.h"
#include "ir/Windows.h"
#include "passes/Passes.h"

using namespace mlir;
using namespace burnish;

namespace burnish {
#define GEN_PASS_DEF_CUTTAPS
#include "passes/Passes.h.inc"
} // namespace burnish

namespace {
/// The taps along one axis that meet elements in some window, and the padding
/// that they need.
struct Kept {
  int64_t first, count, padLow, padHigh;
};
} // namespace

/// None where sizes are not known.
static std::optional<Kept> keptOf(const nn::WindowAxis &axis,
                                  int64_t positions) {
  std::optional<int64_t> input = nn::known(axis.input),
                         kernel = nn::known(axis.kernel);
  if (!input || !kernel || positions < 1)
    return std::nullopt;
  auto meets = [&](int64_t tap) {
    int64_t at = tap * axis.dilation - axis.padLow;
    // The last element of those that it sees, a stride apart, before the end.
    int64_t last = at + (positions - 1) * axis.stride;
    return last >= 0 && at < *input;
  };
  // No more than there is padding for: windows would begin within the image.
  Kept kept{0, *kernel, axis.padLow, axis.padHigh};
  while (kept.count > 1 && kept.padLow >= axis.dilation && !meets(kept.first)) {
    ++kept.first;
    --kept.count;
    kept.padLow -= axis.dilation;
  }
  while (kept.count > 1 && kept.padHigh >= axis.dilation &&
         !meets(kept.first + kept.count - 1)) {
    --kept.count;
    kept.padHigh -= axis.dilation;
  }
  return kept;
}

/// The convolution without such taps; null where all are needed.
static Value cut(nn::ConvOp conv, nn::NetBuilder &b, nn::ShapeScope &scope) {
  auto type = dyn_cast<RankedTensorType>(conv.getY().getType());
  FailureOr<nn::Windows> windows = conv.windows(scope);
  if (!type || !type.hasStaticShape() || failed(windows) ||
      windows->autoPad != nn::AutoPad::NotSet)
    return {};
  size_t rank = windows->rank();
  SmallVector<int64_t> starts, ends, axes, kernel, pads(2 * rank);
  bool cuts = false;
  for (auto [index, axis] : llvm::enumerate(windows->axes)) {
    std::optional<Kept> kept = keptOf(axis, type.getDimSize(2 + index));
    if (!kept)
      return {};
    cuts |= kept->count != nn::known(axis.kernel);
    starts.push_back(kept->first);
    ends.push_back(kept->first + kept->count);
    axes.push_back(2 + index);
    kernel.push_back(kept->count);
    pads[index] = kept->padLow;
    pads[rank + index] = kept->padHigh;
  }
  if (!cuts)
    return {};
  Value weights = b.make<nn::SliceOp>(
      conv.getW(), b.integers(starts), b.integers(ends), b.integers(axes),
      b.integers(SmallVector<int64_t>(rank, 1)));
  auto narrow = cast<nn::ConvOp>(b.clone(*conv));
  narrow.getWMutable().assign(weights);
  narrow.setKernelShape(kernel);
  narrow.setPads(pads);
  return narrow.getY();
}

namespace {
struct CutTaps : burnish::impl::CutTapsBase<CutTaps> {
  void runOnOperation() override {
    FailureOr<func::FuncOp> function = nn::modelFunction(getOperation());
    if (failed(function))
      return signalPassFailure();
    nn::ShapeScope scope(&getContext());
    IRRewriter rewriter(&getContext());
    for (nn::ConvOp conv :
         llvm::make_early_inc_range(function->getBody().getOps<nn::ConvOp>())) {
      rewriter.setInsertionPoint(conv);
      nn::NetBuilder builder(conv.getLoc(), rewriter, scope);
      if (Value narrow = cut(conv, builder, scope))
        rewriter.replaceOp(conv, narrow);
    }
  }
};
} // namespace
