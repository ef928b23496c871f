// FoldConstantViews.cpp - slices and reshapes of constants become constants.
#include "ir/Storage.h"
#include "passes/Passes.h"

using namespace mlir;
using namespace burnish;

namespace burnish {
#define GEN_PASS_DEF_FOLDCONSTANTVIEWS
#include "passes/Passes.h.inc"
} // namespace burnish

/// The element at which a slice begins, if all its elements lie side by side.
static std::optional<int64_t> beginOf(tensor::ExtractSliceOp slice) {
  RankedTensorType source = slice.getSourceType();
  if (!source.hasStaticShape() || !slice.getResultType().hasStaticShape() ||
      llvm::any_of(slice.getStaticOffsets(), ShapedType::isDynamic) ||
      !llvm::all_of(slice.getStaticStrides(),
                    [](int64_t stride) { return stride == 1; }))
    return std::nullopt;
  // Behind the first axis of which more than one index is taken, all are.
  int64_t begin = 0;
  bool isInside = false;
  for (auto [size, taken, offset] :
       llvm::zip_equal(source.getShape(), slice.getStaticSizes(),
                       slice.getStaticOffsets())) {
    if (isInside && taken != size)
      return std::nullopt;
    isInside |= taken != 1;
    begin = begin * size + offset;
  }
  return begin;
}

/// Where the elements of a view begin in its operand, in elements.
static std::optional<int64_t> beginOfView(Operation *op) {
  if (auto slice = dyn_cast<tensor::ExtractSliceOp>(op))
    return beginOf(slice);
  if (isa<tensor::CollapseShapeOp, tensor::ExpandShapeOp>(op) &&
      cast<RankedTensorType>(op->getResult(0).getType()).hasStaticShape())
    return 0;
  return std::nullopt;
}

static int64_t bytesOf(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  return tensor.getNumElements() * nn::elementBytes(tensor.getElementType());
}

/// Replaces all uses of a constant by constants over parts of its memory,
/// unless something would lie in the weights twice.
static bool foldViews(arith::ConstantOp constant) {
  auto resource = dyn_cast<DenseResourceElementsAttr>(constant.getValue());
  std::optional<ArrayRef<char>> bytes =
      resource ? nn::rawBytes(resource) : std::nullopt;
  if (!bytes ||
      static_cast<int64_t>(bytes->size()) != bytesOf(constant.getType()))
    return false;
  int64_t total = 0;
  for (Operation *user : constant->getUsers()) {
    if (!beginOfView(user))
      return false;
    total += bytesOf(user->getResult(0).getType());
  }
  if (total > bytesOf(constant.getType()))
    return false;
  StringRef name = resource.getRawHandle().getKey();
  for (Operation *user : llvm::make_early_inc_range(constant->getUsers())) {
    auto type = cast<RankedTensorType>(user->getResult(0).getType());
    int64_t begin =
        *beginOfView(user) * nn::elementBytes(type.getElementType());
    // Blobs live as long as the context, and so does memory of theirs.
    OpBuilder builder(constant);
    auto part = arith::ConstantOp::create(
        builder, user->getLoc(),
        nn::resourceOver(type, name, bytes->slice(begin, bytesOf(type))));
    user->getResult(0).replaceAllUsesWith(part);
    user->erase();
  }
  constant.erase();
  return true;
}

namespace {
struct FoldConstantViews
    : burnish::impl::FoldConstantViewsBase<FoldConstantViews> {
  void runOnOperation() override {
    // A view of a view is one of the constant that the first becomes.
    for (bool isChanged = true; isChanged;) {
      isChanged = false;
      SmallVector<arith::ConstantOp> constants;
      getOperation().walk([&](arith::ConstantOp constant) {
        if (isa<RankedTensorType>(constant.getType()) && !constant->use_empty())
          constants.push_back(constant);
      });
      for (arith::ConstantOp constant : constants)
        isChanged |= foldViews(constant);
    }
  }
};
} // namespace
