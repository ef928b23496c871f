// Pipeline.cpp - the compiler on one page: phases, their passes, and why they
// stand in this order.
#include "passes/Pipeline.h"
#include "passes/Passes.h"
#include "passes/memory/Bufferize.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Affine/Transforms/Passes.h"
#include "mlir/Dialect/Arith/Transforms/BufferDeallocationOpInterfaceImpl.h"
#include "mlir/Dialect/Arith/Transforms/BufferViewFlowOpInterfaceImpl.h"
#include "mlir/Dialect/Arith/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/Bufferization/Pipelines/Passes.h"
#include "mlir/Dialect/Bufferization/Transforms/FuncBufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Bufferization/Transforms/Passes.h"
#include "mlir/Dialect/ControlFlow/Transforms/BufferDeallocationOpInterfaceImpl.h"
#include "mlir/Dialect/ControlFlow/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Linalg/Passes.h"
#include "mlir/Dialect/Linalg/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Linalg/Transforms/SubsetInsertionOpInterfaceImpl.h"
#include "mlir/Dialect/Linalg/Transforms/TilingInterfaceImpl.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/AllocationOpInterfaceImpl.h"
#include "mlir/Dialect/MemRef/Transforms/BufferViewFlowOpInterfaceImpl.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Dialect/SCF/Transforms/BufferDeallocationOpInterfaceImpl.h"
#include "mlir/Dialect/SCF/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Tensor/IR/TensorInferTypeOpInterfaceImpl.h"
#include "mlir/Dialect/Tensor/IR/TensorTilingInterfaceImpl.h"
#include "mlir/Dialect/Tensor/IR/ValueBoundsOpInterfaceImpl.h"
#include "mlir/Dialect/Tensor/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Tensor/Transforms/SubsetInsertionOpInterfaceImpl.h"
#include "mlir/Dialect/Vector/Transforms/BufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Vector/Transforms/SubsetOpInterfaceImpl.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Transforms/Passes.h"

using namespace mlir;
using namespace burnish;

/// Of each function by itself, so that threads share the work.
template <typename Function = func::FuncOp>
static void addCleanup(OpPassManager &passes) {
  passes.addNestedPass<Function>(createCanonicalizerPass());
  passes.addNestedPass<Function>(createCSEPass());
}

/// nn to nn: what is known when compiling is computed now.
static void addGraph(OpPassManager &passes, const PipelineOptions &options) {
  passes.addPass(createInferShapes());
  if (options.level > 0) {
    // Gradients follow the products that are left, and go through time as the
    // network does.
    passes.addPass(createSumRowsFirst());
    passes.addNestedPass<func::FuncOp>(createPutStepsFirst());
  }
  // What is computed again is chosen for the gradient that the options ask for.
  TakeGradientsOptions gradients;
  gradients.choices = options.loss.empty() ? options.recomputed : -1;
  passes.addPass(createTakeGradients(gradients));
  // Names of parameters are lost where constants are merged.
  if (!options.loss.empty()) {
    DifferentiateOptions gradient;
    gradient.loss = options.loss;
    gradient.choices = options.recomputed;
    llvm::append_range(gradient.wrt, options.wrt);
    passes.addPass(createDifferentiate(gradient));
  }
  addCleanup(passes);
  if (options.level > 0) {
    passes.addPass(createFoldBatchNorm());
    passes.addPass(createCutTaps());
    passes.addPass(createMultiplyQuantized());
    passes.addPass(createFoldConstants());
  }
  addCleanup(passes);
}

/// nn to linalg on tensors.
static void addLoops(OpPassManager &passes, const PipelineOptions &options) {
  passes.addPass(createLowerToLinalg());
  addCleanup(passes);
  if (options.level == 0)
    return;
  passes.addNestedPass<func::FuncOp>(createFoldConstantViews());
  passes.addNestedPass<func::FuncOp>(createCutLoops());
  passes.addNestedPass<func::FuncOp>(createSplitSums());
  passes.addNestedPass<func::FuncOp>(createFuseElementwise());
  addCleanup(passes);
}

/// linalg to loops over tiles, where a schedule says how; what is left keeps
/// its loops.
static void addTiles(OpPassManager &passes, const PipelineOptions &options) {
  if (options.level == 0)
    return;
  passes.addNestedPass<func::FuncOp>(createChooseLayouts());
  addCleanup(passes);
  passes.addNestedPass<func::FuncOp>(createScaleWeights());
  if (options.narrows) {
    passes.addPass(createNarrowContractions());
    addCleanup(passes);
  }
  passes.addPass(createUseWinograd());
  passes.addPass(createGroupKernels());
  passes.addNestedPass<func::FuncOp>(createCascadeKernels());
  passes.addNestedPass<func::FuncOp>(createJoinKernels());
  passes.addNestedPass<func::FuncOp>(createOrderLoops());
  addCleanup(passes);
}

/// Tensors to buffers, and buffers to places in one workspace.
static void addMemory(OpPassManager &passes, const PipelineOptions &options) {
  if (options.level > 0)
    passes.addNestedPass<func::FuncOp>(createWriteInPlace());
  passes.addNestedPass<func::FuncOp>(createUpdateInPlace());
  passes.addPass(createGrowInPlace());
  passes.addPass(createBufferize());
  if (options.level > 0)
    passes.addNestedPass<func::FuncOp>(createCarryInStacks());
  passes.addNestedPass<func::FuncOp>(createCarryInPlace());
  passes.addPass(memref::createFoldMemRefAliasOpsPass());
  addCleanup(passes);
  EmitKernelsOptions kernels;
  kernels.hasLengths = options.checksBounds;
  passes.addPass(createEmitKernels(kernels));
  if (options.level > 0)
    passes.addPass(createShareKernels());
  passes.addPass(createApproximateFunctions());
  // Makers write the same address many times; folding each took 6 s of a
  // convolution of 20x13x4x4 with sizes of run time, and folding one 0.6.
  passes.addNestedPass<func::FuncOp>(createCSEPass());
  addCleanup(passes);
  // Results first: a buffer that is a result needs no place in the workspace.
  passes.addPass(createPlaceResults());
  passes.addPass(createPlaceConstants());
  passes.addPass(createPlanWorkspace());
  passes.addPass(createPlanSizes());
  // Only buffers of run-time size are allocated by now.
  bufferization::BufferDeallocationPipelineOptions deallocation;
  bufferization::buildBufferDeallocationPipeline(passes, deallocation);
  passes.addPass(createConvertBufferizationToMemRefPass());
  // The pipeline above releases where a block ends; the next buffer shall get
  // memory that the caches still hold.
  passes.addNestedPass<func::FuncOp>(
      bufferization::createOptimizeAllocationLivenessPass());
  passes.addPass(createAllocateInContext());
  addCleanup(passes);
}

/// Loops and buffers to the LLVM dialect, and the functions of burnish.h around
/// them.
static void addLlvm(OpPassManager &passes, const PipelineOptions &options) {
  // Calls of kernels have all their operands by now, and are calls still.
  if (options.isTimed)
    passes.addPass(createTimeKernels());
  if (options.level > 0)
    passes.addPass(createOutlineMoves());
  // Times are taken of the loops that it takes apart.
  if (options.level > 0)
    passes.addPass(createVectorizeGathers());
  passes.addNestedPass<func::FuncOp>(createCopyInLoops());
  passes.addNestedPass<func::FuncOp>(createConvertLinalgToLoopsPass());
  passes.addNestedPass<func::FuncOp>(createConvertVectorToSCFPass());
  if (options.checksBounds)
    passes.addPass(createCheckBounds());
  passes.addNestedPass<func::FuncOp>(createExpandShapes());
  passes.addNestedPass<func::FuncOp>(memref::createExpandStridedMetadataPass());
  passes.addNestedPass<func::FuncOp>(createLowerAffinePass());
  passes.addNestedPass<func::FuncOp>(createSCFToControlFlowPass());
  // Assertions stand in straight code by now, so that each can return.
  passes.addPass(createReturnStatus());
  // Conversions to bf16 are a function of the compiler's own library on CPUs
  // without them; as integers they are none.
  if (!options.convertsHalf) {
    arith::ArithEmulateUnsupportedFloatsOptions halves;
    halves.sourceTypeStrs = {"f16"};
    passes.addPass(arith::createArithEmulateUnsupportedFloats(halves));
    passes.addPass(math::createMathExtendToSupportedTypes());
    passes.addPass(createExpandHalf());
  }
  arith::ArithExpandOpsPassOptions expansions;
  expansions.includeBf16 = !options.convertsBf16;
  passes.addNestedPass<func::FuncOp>(
      arith::createArithExpandOpsPass(expansions));
  if (options.indexBits != 64) {
    ConvertVectorsOptions narrow;
    narrow.indexBits = options.indexBits;
    passes.addPass(createConvertVectors(narrow));
  }
  passes.addNestedPass<func::FuncOp>(createConvertComplexToStandardPass());
  // libm is exact where expansions of sinh, asinh, pow, log1p, ... in terms of
  // exp and log are not.
  math::MathExpandOpsPassOptions mathExpansions;
  mathExpansions.opMnemonics = {"clampf", "ctlz", "fpowi"};
  passes.addNestedPass<func::FuncOp>(
      math::createMathExpandOpsPass(mathExpansions));
  ConvertMathToLLVMPassOptions intrinsics;
  intrinsics.approximateLog1p = false;
  passes.addNestedPass<func::FuncOp>(createConvertMathToLLVMPass(intrinsics));
  passes.addPass(createConvertMathToLibmPass());
  // Functions of libm took vectors apart.
  passes.addNestedPass<func::FuncOp>(createConvertVectorToLLVMPass());
  passes.addNestedPass<func::FuncOp>(createConvertComplexToLLVMPass());
  FinalizeMemRefToLLVMConversionPassOptions memrefs;
  memrefs.indexBitwidth = options.indexBits;
  ConvertIndexToLLVMPassOptions indices;
  indices.indexBitwidth = options.indexBits;
  ArithToLLVMConversionPassOptions arithmetic;
  arithmetic.indexBitwidth = options.indexBits;
  ConvertFuncToLLVMPassOptions functions;
  functions.indexBitwidth = options.indexBits;
  ConvertControlFlowToLLVMPassOptions branches;
  branches.indexBitwidth = options.indexBits;
  UBToLLVMConversionPassOptions poison;
  poison.indexBitwidth = options.indexBits;
  passes.addPass(createFinalizeMemRefToLLVMConversionPass(memrefs));
  passes.addNestedPass<func::FuncOp>(
      createArithToLLVMConversionPass(arithmetic));
  passes.addNestedPass<func::FuncOp>(createConvertIndexToLLVMPass(indices));
  passes.addNestedPass<func::FuncOp>(createUBToLLVMConversionPass(poison));
  passes.addPass(createConvertFuncToLLVMPass(functions));
  passes.addPass(createConvertControlFlowToLLVMPass(branches));
  addCleanup<LLVM::LLVMFuncOp>(passes);
  passes.addPass(createReconcileUnrealizedCastsPass());
  passes.addPass(createAnnotateLoops());
  passes.addPass(createRunParallel());
  EntryPointOptions entry;
  entry.weightsInFile = options.weightsInFile;
  entry.isProgram = options.isProgram;
  passes.addPass(createEntryPoint(entry));
}

/// What must come before what, beyond the order of the phases.
struct Order {
  StringRef first, second, why;
};
static constexpr Order kOrder[] = {
    {"nn-sum-rows-first", "nn-take-gradients",
     "gradients of a product that is gone would need it"},
    {"nn-infer-shapes", "nn-fold-constants",
     "constants are found through known shapes"},
    {"nn-put-steps-first", "nn-take-gradients",
     "what goes back through time is stacked as what went there"},
    {"nn-multiply-quantized", "nn-fold-constants",
     "weights are dequantized there"},
    {"nn-cut-loops", "nn-fuse-elementwise",
     "what makes a part of a result smaller is no loop nest of its own"},
    {"nn-fuse-elementwise", "nn-choose-layouts",
     "what is fused lies where its consumer does"},
    {"nn-choose-layouts", "nn-scale-weights",
     "layouts follow weights that are constant"},
    {"nn-scale-weights", "nn-group-kernels",
     "weights are packed where they are still constant"},
    {"nn-choose-layouts", "nn-use-winograd",
     "tiles are transformed along channels"},
    {"nn-choose-layouts", "nn-narrow-contractions",
     "pairs of channels lie side by side then"},
    {"nn-narrow-contractions", "nn-use-winograd",
     "what is left to it keeps f32"},
    {"nn-use-winograd", "nn-group-kernels",
     "products of points are kernels like others"},
    {"nn-choose-layouts", "nn-group-kernels",
     "schedules and packing depend on what lies innermost"},
    {"nn-split-sums", "nn-fuse-elementwise",
     "what is added to a sum is elementwise then"},
    {"nn-fold-constant-views", "nn-group-kernels",
     "operands are packed that are constants"},
    {"nn-fuse-elementwise", "nn-group-kernels",
     "a group has one operation after its reduction"},
    {"nn-group-kernels", "nn-cascade-kernels",
     "their kernels have schedules and packed operands by then"},
    {"nn-cascade-kernels", "nn-join-kernels",
     "it looks for passes that stand alone"},
    {"nn-join-kernels", "nn-bufferize",
     "what is joined is no operation by itself any more"},
    {"nn-cascade-kernels", "nn-write-in-place",
     "a border that lines have is no padding any more"},
    {"nn-fuse-elementwise", "nn-order-loops", "fusion makes new loop nests"},
    {"nn-group-kernels", "nn-order-loops", "what no schedule took is ordered"},
    {"nn-write-in-place", "nn-bufferize",
     "bufferisation finds what may write into a slice"},
    {"nn-write-in-place", "nn-update-in-place",
     "what makes a result is there by then"},
    {"nn-update-in-place", "nn-bufferize",
     "bufferisation sees which arguments are written"},
    {"nn-update-in-place", "nn-grow-in-place",
     "what is added to has no old contents that another result waits for"},
    {"nn-grow-in-place", "nn-bufferize", "slices of a buffer are views there"},
    {"nn-bufferize", "nn-emit-kernels", "how buffers lie decides the code"},
    {"nn-emit-kernels", "nn-share-kernels",
     "functions are shared that are made"},
    {"nn-emit-kernels", "ownership-based-buffer-deallocation",
     "a kernel's region is no control flow"},
    {"nn-order-loops", "nn-bufferize", "loops are interchanged on tensors"},
    {"nn-bufferize", "nn-carry-in-stacks", "loops carry buffers only then"},
    {"nn-carry-in-stacks", "nn-carry-in-place",
     "states that are stacked need no place of their own"},
    {"nn-bufferize", "nn-carry-in-place", "loops carry buffers only then"},
    {"nn-carry-in-place", "nn-plan-workspace",
     "a carried buffer is one buffer"},
    {"nn-place-results", "nn-plan-workspace",
     "a result takes no place in the workspace"},
    {"nn-plan-workspace", "nn-plan-sizes",
     "what has a fixed place comes first in the workspace"},
    {"nn-plan-sizes", "ownership-based-buffer-deallocation",
     "what has a place in the workspace is never released"},
    {"ownership-based-buffer-deallocation", "optimize-allocation-liveness",
     "releases are moved that are there"},
    {"optimize-allocation-liveness", "nn-allocate-in-context",
     "calls of the context are no releases to it"},
    {"ownership-based-buffer-deallocation", "nn-allocate-in-context",
     "releases go to the context too"},
    {"convert-scf-to-cf", "nn-return-status",
     "only straight code can return from its middle"},
    {"nn-return-status", "convert-func-to-llvm",
     "the status is a result of the function"},
    {"convert-func-to-llvm", "nn-run-parallel",
     "arguments are scalars and pointers then, which a closure holds"},
    {"reconcile-unrealized-casts", "nn-entry-point",
     "the entry calls the model's function as it is in the end"},
};

LogicalResult burnish::verifyOrder(PipelineOptions options,
                                   llvm::raw_ostream &errors) {
  options.narrows = true;
  OpPassManager passes(ModuleOp::getOperationName());
  for (Phase phase : kPhases)
    addPhase(passes, phase, options);
  std::string text;
  llvm::raw_string_ostream stream(text);
  passes.printAsTextualPipeline(stream);
  for (const Order &order : kOrder) {
    size_t first = StringRef(text).rfind(order.first),
           second = StringRef(text).find(order.second);
    bool isMissing = first == StringRef::npos || second == StringRef::npos;
    if (isMissing ? options.level == 0 : first < second)
      continue;
    errors << "pass '" << order.first << "' must stand before '" << order.second
           << "': " << order.why << '\n';
    return failure();
  }
  return success();
}

StringRef burnish::nameOf(Phase phase) {
  static constexpr StringRef kNames[] = {"nn", "linalg", "tiles", "loops",
                                         "llvm"};
  return kNames[static_cast<size_t>(phase)];
}

void burnish::addPhase(OpPassManager &passes, Phase phase,
                       const PipelineOptions &options) {
  switch (phase) {
  case Phase::Graph:
    return addGraph(passes, options);
  case Phase::Loops:
    return addLoops(passes, options);
  case Phase::Tiles:
    return addTiles(passes, options);
  case Phase::Memory:
    return addMemory(passes, options);
  case Phase::Llvm:
    return addLlvm(passes, options);
  }
}

void burnish::registerDialects(DialectRegistry &registry) {
  registry.insert<nn::NNDialect, affine::AffineDialect, arith::ArithDialect,
                  bufferization::BufferizationDialect, cf::ControlFlowDialect,
                  complex::ComplexDialect, func::FuncDialect,
                  linalg::LinalgDialect, LLVM::LLVMDialect, math::MathDialect,
                  memref::MemRefDialect, scf::SCFDialect, tensor::TensorDialect,
                  ub::UBDialect, vector::VectorDialect>();
  arith::registerBufferizableOpInterfaceExternalModels(registry);
  arith::registerBufferDeallocationOpInterfaceExternalModels(registry);
  arith::registerBufferViewFlowOpInterfaceExternalModels(registry);
  bufferization::func_ext::registerBufferizableOpInterfaceExternalModels(
      registry);
  cf::registerBufferizableOpInterfaceExternalModels(registry);
  cf::registerBufferDeallocationOpInterfaceExternalModels(registry);
  linalg::registerBufferizableOpInterfaceExternalModels(registry);
  linalg::registerTilingInterfaceExternalModels(registry);
  linalg::registerSubsetOpInterfaceExternalModels(registry);
  memref::registerAllocationOpInterfaceExternalModels(registry);
  memref::registerBufferViewFlowOpInterfaceExternalModels(registry);
  scf::registerBufferizableOpInterfaceExternalModels(registry);
  scf::registerBufferDeallocationOpInterfaceExternalModels(registry);
  tensor::registerBufferizableOpInterfaceExternalModels(registry);
  tensor::registerInferTypeOpInterfaceExternalModels(registry);
  tensor::registerTilingInterfaceExternalModels(registry);
  tensor::registerSubsetOpInterfaceExternalModels(registry);
  tensor::registerValueBoundsOpInterfaceExternalModels(registry);
  registerOwnBufferization(registry);
  vector::registerBufferizableOpInterfaceExternalModels(registry);
  vector::registerSubsetOpInterfaceExternalModels(registry);
}

void burnish::registerPipelines() {
  registerBurnishPasses();
  for (Phase phase : kPhases)
    PassPipelineRegistration<>("burnish-" + nameOf(phase).str(),
                               "the phase that ends at --emit=" +
                                   nameOf(phase).str(),
                               [phase](OpPassManager &passes) {
                                 addPhase(passes, phase, PipelineOptions());
                               });
}
