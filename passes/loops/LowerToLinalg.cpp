// LowerToLinalg.cpp - every operator in linalg on tensors.
#include "ir/Attributes.h"
#include "ir/Signature.h"
#include "ir/Strings.h"
#include "passes/Passes.h"
#include "passes/loops/HoistChecks.h"

using namespace mlir;
using namespace burnish;

namespace burnish {
#define GEN_PASS_DEF_LOWERTOLINALG
#include "passes/Passes.h.inc"
} // namespace burnish

/// Shape rules bound the results of operators; what an operator makes on the
/// way (an image with its padding, above all) is held to the same bound here,
/// so that bytes and strides can be counted in 64 bits.
static LogicalResult checkSizes(func::FuncOp function) {
  WalkResult walked = function.walk([](Operation *op) {
    for (Type type : op->getResultTypes()) {
      auto tensor = dyn_cast<RankedTensorType>(type);
      int64_t count = 1;
      for (int64_t size : tensor ? tensor.getShape() : ArrayRef<int64_t>())
        if (!ShapedType::isDynamic(size) &&
            (llvm::MulOverflow(count, std::max<int64_t>(size, 1), count) ||
             count >= int64_t(1) << 59)) {
          op->emitError() << "an intermediate would have 2^59 elements or more";
          return WalkResult::interrupt();
        }
    }
    return WalkResult::advance();
  });
  return failure(walked.wasInterrupted());
}

/// Builds the model function anew beside the old one: on storage types, and
/// without names, which the signature has.
static LogicalResult lowerFunction(func::FuncOp function) {
  nn::ShapeScope scope(function.getContext());
  if (failed(nn::inferShapes(function, scope)))
    return failure();
  auto stored = [](TypeRange types) {
    return llvm::map_to_vector(
        types, [](Type type) -> Type { return nn::edgeTensor(type); });
  };
  OpBuilder builder(function);
  auto type = builder.getFunctionType(stored(function.getArgumentTypes()),
                                      stored(function.getResultTypes()));
  auto result = func::FuncOp::create(builder, function.getLoc(),
                                     function.getName(), type);
  Block *block = result.addEntryBlock();
  builder.setInsertionPointToStart(block);
  nn::Lowering lowering(function.getLoc(), builder, scope);
  for (auto [from, to] :
       llvm::zip_equal(function.getArguments(), block->getArguments())) {
    lowering.map(from, to);
    if (!nn::isString(from.getType()))
      continue;
    SmallVector<OpFoldResult> sizes = lowering.sizesOf(to);
    sizes.pop_back();
    lowering.map(from, nn::takeStrings(lowering, to, sizes));
  }
  Block &body = function.getBody().front();
  if (failed(lowering.lowerBlock(body)) || failed(checkSizes(result)))
    return failure();
  Operation *terminator = body.getTerminator();
  SmallVector<Value> results =
      llvm::map_to_vector(terminator->getOperands(), [&](Value value) {
        Value lowered = lowering.lowered(value);
        return nn::isString(value.getType())
                   ? nn::giveStrings(lowering, lowered,
                                     lowering.sizesOf(lowered))
                   : lowered;
      });
  func::ReturnOp::create(lowering, results);
  hoistChecks(result);
  function.erase();
  return success();
}

/// Strings at the edge of a model have addresses of 64 bits.
static LogicalResult checkStrings(ModuleOp module,
                                  const nn::Signature &signature) {
  auto target = module->getAttrOfType<nn::TargetAttr>(nn::kTargetAttr);
  if (!target || target.getPointerBits() == 64)
    return success();
  for (const std::vector<nn::Port> *ports :
       {&signature.inputs, &signature.outputs})
    for (const nn::Port &port : *ports)
      if (nn::isString(port.elementType))
        return module.emitError() << "'" << port.name
                                  << "' has strings, which targets of 32 bits "
                                     "do not have";
  return success();
}

namespace {
struct LowerToLinalg : burnish::impl::LowerToLinalgBase<LowerToLinalg> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    FailureOr<func::FuncOp> function = nn::modelFunction(module);
    if (failed(function))
      return signalPassFailure();
    FailureOr<nn::Signature> signature = nn::Signature::of(module);
    if (failed(signature) || failed(checkStrings(module, *signature)) ||
        failed(lowerFunction(*function)))
      return signalPassFailure();
    nn::declareStringFunctions(module);
    signature->record(module);
  }
};
} // namespace
