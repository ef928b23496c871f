// LowerToLinalg.cpp - every operator in linalg on tensors.
#include "ir/Lowering.h"
#include "ir/Signature.h"
#include "passes/Passes.h"

using namespace mlir;
using namespace burnish;

namespace burnish {
#define GEN_PASS_DEF_LOWERTOLINALG
#include "passes/Passes.h.inc"
} // namespace burnish

/// Builds the model function anew beside the old one: on storage types, and
/// without names, which the signature has.
static LogicalResult lowerFunction(func::FuncOp function) {
  nn::ShapeScope scope(function.getContext());
  if (failed(nn::inferShapes(function, scope)))
    return failure();
  auto stored = [](TypeRange types) {
    return llvm::map_to_vector(
        types, [](Type type) -> Type { return nn::storageTensor(type); });
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
       llvm::zip_equal(function.getArguments(), block->getArguments()))
    lowering.map(from, to);
  Block &body = function.getBody().front();
  if (failed(lowering.lowerBlock(body)))
    return failure();
  Operation *terminator = body.getTerminator();
  SmallVector<Value> results =
      llvm::map_to_vector(terminator->getOperands(),
                          [&](Value value) { return lowering.lowered(value); });
  func::ReturnOp::create(lowering, results);
  function.erase();
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
    if (failed(signature) || failed(lowerFunction(*function)))
      return signalPassFailure();
    signature->record(module);
  }
};
} // namespace
