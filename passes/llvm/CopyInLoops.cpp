// CopyInLoops.cpp - copies between buffers that are not contiguous become
// loops.
#include "mlir/Dialect/Linalg/Utils/Utils.h"
#include "passes/Passes.h"

using namespace mlir;
using namespace burnish;

namespace burnish {
#define GEN_PASS_DEF_COPYINLOOPS
#include "passes/Passes.h.inc"
} // namespace burnish

namespace {
struct CopyInLoops : burnish::impl::CopyInLoopsBase<CopyInLoops> {
  void runOnOperation() override {
    getOperation().walk([](memref::CopyOp copy) {
      auto isContiguous = [](Value buffer) {
        auto type = dyn_cast<MemRefType>(buffer.getType());
        return type && type.getLayout().isIdentity();
      };
      if (copy.getSource() == copy.getTarget())
        return copy.erase();
      if (isContiguous(copy.getSource()) && isContiguous(copy.getTarget()))
        return;
      OpBuilder builder(copy);
      linalg::makeMemRefCopyOp(builder, copy.getLoc(), copy.getSource(),
                               copy.getTarget());
      copy.erase();
    });
  }
};
} // namespace
