// PlaceConstants.cpp - constants get offsets in the weights.
#include "ir/Signature.h"
#include "ir/Storage.h"
#include "passes/Context.h"
#include "passes/Passes.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/xxhash.h"

using namespace mlir;
using namespace burnish;

namespace burnish {
#define GEN_PASS_DEF_PLACECONSTANTS
#include "passes/Passes.h.inc"
} // namespace burnish

namespace {
/// Offsets of constants; equal contents have one.
class Weights {
public:
  int64_t place(ElementsAttr constant) {
    std::optional<ArrayRef<char>> raw = nn::rawBytes(constant);
    SmallVector<char> copy;
    if (!raw)
      copy = nn::copyBytes(constant);
    ArrayRef<char> bytes = raw ? *raw : ArrayRef<char>(copy);
    uint64_t hash = llvm::xxh3_64bits(ArrayRef(
        reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size()));
    for (const Placed &placed : byHash[hash])
      if (isEqual(placed.constant, bytes))
        return placed.offset;
    int64_t offset = llvm::alignTo(total, kAlignment);
    byHash[hash].push_back({constant, offset});
    entries.push_back({constant, offset});
    total = offset + bytes.size();
    return offset;
  }

  ArrayAttr attribute(OpBuilder &builder) const {
    SmallVector<Attribute> list;
    for (const Placed &placed : entries) {
      list.push_back(placed.constant);
      list.push_back(builder.getI64IntegerAttr(placed.offset));
    }
    return builder.getArrayAttr(list);
  }

  int64_t size() const { return total; }

private:
  static constexpr int64_t kAlignment = 64;
  struct Placed {
    ElementsAttr constant;
    int64_t offset;
  };

  static bool isEqual(ElementsAttr constant, ArrayRef<char> bytes) {
    if (std::optional<ArrayRef<char>> raw = nn::rawBytes(constant))
      return *raw == bytes;
    return ArrayRef<char>(nn::copyBytes(constant)) == bytes;
  }

  llvm::DenseMap<uint64_t, SmallVector<Placed, 1>> byHash;
  SmallVector<Placed> entries;
  int64_t total = 0;
};

/// Indices as integers of the target's width.
ElementsAttr withIntegers(ElementsAttr constant, unsigned indexBits) {
  auto dense = dyn_cast<DenseIntElementsAttr>(constant);
  if (!dense || !dense.getElementType().isIndex())
    return constant;
  auto type = IntegerType::get(constant.getContext(), indexBits);
  return dense.mapValues(
      type, [&](const APInt &value) { return value.sextOrTrunc(indexBits); });
}

struct PlaceConstants : burnish::impl::PlaceConstantsBase<PlaceConstants> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    FailureOr<func::FuncOp> function = nn::modelFunction(module);
    if (failed(function))
      return signalPassFailure();
    Weights weights;
    llvm::StringMap<int64_t> offsets;
    for (auto global :
         llvm::make_early_inc_range(module.getOps<memref::GlobalOp>())) {
      auto constant = dyn_cast_or_null<ElementsAttr>(
          global.getInitialValue().value_or(Attribute()));
      if (!constant)
        continue;
      offsets[global.getSymName()] =
          weights.place(withIntegers(constant, pointerBits(module)));
      global.erase();
    }
    OpBuilder builder(&getContext());
    auto type = MemRefType::get({weights.size()}, builder.getI8Type());
    Block &body = function->getBody().front();
    BlockArgument argument = body.addArgument(type, function->getLoc());
    function->setType(builder.getFunctionType(body.getArgumentTypes(),
                                              function->getResultTypes()));
    function->walk([&](memref::GetGlobalOp get) {
      auto offset = offsets.find(get.getName());
      if (offset == offsets.end())
        return;
      builder.setInsertionPoint(get);
      Value shift =
          arith::ConstantIndexOp::create(builder, get.getLoc(), offset->second);
      get.replaceAllUsesWith(memref::ViewOp::create(builder, get.getLoc(),
                                                    get.getType(), argument,
                                                    shift, ValueRange{})
                                 .getResult());
      get.erase();
    });
    module->setAttr(nn::kWeightsAttr, weights.attribute(builder));
    module->setAttr(nn::kWeightsBytesAttr,
                    builder.getI64IntegerAttr(weights.size()));
  }
};
} // namespace
