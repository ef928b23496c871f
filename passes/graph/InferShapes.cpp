// InferShapes.cpp - refines result types by what is known of the operands.
#include "ir/Shapes.h"
#include "ir/Signature.h"
#include "passes/Passes.h"

using namespace mlir;
using namespace burnish;

namespace burnish {
#define GEN_PASS_DEF_INFERSHAPES
#include "passes/Passes.h.inc"
} // namespace burnish

namespace {
struct InferShapes : burnish::impl::InferShapesBase<InferShapes> {
  void runOnOperation() override {
    FailureOr<func::FuncOp> function = nn::modelFunction(getOperation());
    nn::ShapeScope scope(&getContext());
    if (failed(function) || failed(nn::inferShapes(*function, scope)))
      signalPassFailure();
  }
};
} // namespace
