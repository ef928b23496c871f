// AnnotateLoops.cpp - what was said about a loop becomes LLVM's metadata.
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "passes/Passes.h"

using namespace mlir;
using namespace burnish;

namespace burnish {
#define GEN_PASS_DEF_ANNOTATELOOPS
#include "passes/Passes.h.inc"
} // namespace burnish

/// Upstream carries the attribute from a loop to the branch that it ends in,
/// and the translation to LLVM only reads the branch's own.
template <typename Branch> static void annotate(Branch branch) {
  constexpr StringLiteral kCarried = "llvm.loop_annotation";
  auto annotation =
      branch->template getAttrOfType<LLVM::LoopAnnotationAttr>(kCarried);
  if (!annotation)
    return;
  branch->removeAttr(kCarried);
  branch.setLoopAnnotationAttr(annotation);
}

namespace {
struct AnnotateLoops : burnish::impl::AnnotateLoopsBase<AnnotateLoops> {
  void runOnOperation() override {
    getOperation().walk([](LLVM::BrOp branch) { annotate(branch); });
    getOperation().walk([](LLVM::CondBrOp branch) { annotate(branch); });
  }
};
} // namespace
