// ConvertVectors.cpp - vectors to the LLVM dialect on targets whose indices are
// not of 64 bits.
#include "mlir/Conversion/LLVMCommon/ConversionTarget.h"
#include "mlir/Conversion/LLVMCommon/TypeConverter.h"
#include "mlir/Conversion/VectorToLLVM/ConvertVectorToLLVM.h"
#include "mlir/Dialect/Vector/Transforms/LoweringPatterns.h"
#include "mlir/Dialect/Vector/Transforms/VectorRewritePatterns.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "passes/Passes.h"

using namespace mlir;
using namespace burnish;

namespace burnish {
#define GEN_PASS_DEF_CONVERTVECTORS
#include "passes/Passes.h.inc"
} // namespace burnish

namespace {
struct ConvertVectors : burnish::impl::ConvertVectorsBase<ConvertVectors> {
  using ConvertVectorsBase::ConvertVectorsBase;

  void runOnOperation() override {
    RewritePatternSet simpler(&getContext());
    vector::populateVectorInsertExtractStridedSliceTransforms(simpler);
    vector::populateVectorStepLoweringPatterns(simpler);
    if (failed(applyPatternsGreedily(getOperation(), std::move(simpler))))
      return signalPassFailure();
    LowerToLLVMOptions options(&getContext());
    options.overrideIndexBitwidth(indexBits);
    LLVMTypeConverter converter(&getContext(), options);
    RewritePatternSet patterns(&getContext());
    populateVectorToLLVMConversionPatterns(converter, patterns);
    LLVMConversionTarget target(getContext());
    target.addLegalDialect<arith::ArithDialect, memref::MemRefDialect>();
    target.addLegalOp<UnrealizedConversionCastOp>();
    if (failed(applyPartialConversion(getOperation(), target,
                                      std::move(patterns))))
      signalPassFailure();
  }
};
} // namespace
