// Bufferize.cpp - tensors become buffers.
#include "passes/memory/Bufferize.h"
#include "ir/Kernel.h"
#include "ir/Ops.h"
#include "ir/Signature.h"
#include "mlir/Dialect/Bufferization/IR/DstBufferizableOpInterfaceImpl.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotAnalysis.h"
#include "mlir/Dialect/Bufferization/Transforms/OneShotModuleBufferize.h"
#include "mlir/Dialect/Bufferization/Transforms/Transforms.h"
#include "mlir/IR/IRMapping.h"
#include "passes/Passes.h"
#include "passes/kernels/Fit.h"

using namespace mlir;
using namespace mlir::bufferization;
using namespace burnish;

namespace burnish {
#define GEN_PASS_DEF_BUFFERIZE
#include "passes/Passes.h.inc"
} // namespace burnish

/// Schedules count on results that lie side by side along the last axis that
/// has any length.
static bool isContiguousAlongLastAxis(Value buffer) {
  auto type = cast<MemRefType>(buffer.getType());
  auto [strides, offset] = type.getStridesAndOffset();
  for (int64_t axis = type.getRank() - 1; axis >= 0; --axis)
    if (type.getDimSize(axis) != 1)
      return strides[axis] == 1;
  return true;
}

/// A buffer of its own with the sizes of another.
static Value contiguousLike(OpBuilder &builder, Location loc, Value buffer) {
  auto type = cast<MemRefType>(buffer.getType());
  SmallVector<Value> sizes;
  for (int64_t axis = 0; axis < type.getRank(); ++axis)
    if (type.isDynamicDim(axis))
      sizes.push_back(memref::DimOp::create(builder, loc, buffer, axis));
  return memref::AllocOp::create(
      builder, loc, MemRefType::get(type.getShape(), type.getElementType()),
      sizes);
}

/// Copies operands until the kernel's schedule fits them: it was chosen for
/// types, and a view may lie otherwise. What the sums read comes last, as it is
/// the largest.
static void makeFit(OpBuilder &builder, nn::KernelOp kernel) {
  SmallVector<OpOperand *> operands;
  for (OpOperand &operand : kernel.getInputsMutable())
    operands.insert(operands.begin(), &operand);
  for (OpOperand &operand : kernel.getOutsMutable())
    operands.push_back(&operand);
  Block &block = kernel.getBody().front();
  OpBuilder::InsertionGuard guard(builder);
  for (OpOperand *operand : operands) {
    auto type = dyn_cast<MemRefType>(operand->get().getType());
    if (!type)
      continue;
    if (fitsBuffers(kernel))
      return;
    Value buffer = operand->get(), straight = buffer;
    builder.setInsertionPoint(kernel);
    if (!type.getLayout().isIdentity()) {
      straight = contiguousLike(builder, kernel.getLoc(), buffer);
      if (kernel.isDpsInit(operand)) {
        builder.setInsertionPointAfter(kernel);
        memref::CopyOp::create(builder, kernel.getLoc(), straight, buffer);
        builder.setInsertionPoint(kernel);
      } else {
        memref::CopyOp::create(builder, kernel.getLoc(), buffer, straight);
      }
    }
    // With what the schedule was chosen for, no more and no less.
    auto chosenFor = cast<ShapedType>(
        block.getArgument(operand->getOperandNumber()).getType());
    auto as = MemRefType::get(chosenFor.getShape(), type.getElementType());
    if (straight.getType() != as)
      straight = memref::CastOp::create(builder, kernel.getLoc(), as, straight);
    operand->set(straight);
  }
}

/// Upstream casts views to buffers without gaps where only run time knows their
/// strides, as if these were what they would be without gaps; they are copied
/// instead. A model returns such views.
static void copyWhatCastsCannot(Operation *root) {
  root->walk([](memref::CastOp cast) {
    auto from = dyn_cast<MemRefType>(cast.getSource().getType()),
         to = dyn_cast<MemRefType>(cast.getType());
    if (!from || !to || from.getLayout().isIdentity() ||
        !to.getLayout().isIdentity())
      return;
    OpBuilder builder(cast);
    Value straight = contiguousLike(builder, cast.getLoc(), cast.getSource());
    memref::CopyOp::create(builder, cast.getLoc(), cast.getSource(), straight);
    cast.getSourceMutable().assign(straight);
  });
}

/// What makes a tensor that nothing was written to, from the tensor on; none
/// for other tensors.
static SmallVector<Operation *> makersOfRoom(Value room) {
  SmallVector<Operation *> makers;
  while (Operation *maker = room.getDefiningOp()) {
    makers.push_back(maker);
    if (isa<tensor::EmptyOp>(maker))
      return makers;
    if (!isa<tensor::ExpandShapeOp, tensor::CollapseShapeOp>(maker))
      break;
    room = maker->getOperand(0);
  }
  return {};
}

/// Whoever fills a tensor has room of its own: a buffer that several fill one
/// after another would be taken from the first of them to the last, and what
/// lies between could not have its place.
static void separateRooms(ModuleOp module) {
  SmallVector<std::pair<OpOperand *, SmallVector<Operation *>>> shared;
  module.walk([&](Operation *user) {
    if (user->getParentOfType<nn::KernelOp>())
      return;
    MutableOperandRange inits(user, 0, 0);
    if (isa<linalg::LinalgOp, nn::KernelOp>(user))
      inits = cast<DestinationStyleOpInterface>(user).getDpsInitsMutable();
    else if (auto loop = dyn_cast<scf::ForOp>(user))
      inits = loop.getInitArgsMutable();
    for (OpOperand &init : inits) {
      SmallVector<Operation *> makers = makersOfRoom(init.get());
      if (llvm::any_of(makers,
                       [](Operation *maker) { return !maker->hasOneUse(); }))
        shared.push_back({&init, makers});
    }
  });
  for (auto &[init, makers] : shared) {
    OpBuilder builder(init->getOwner());
    IRMapping mapping;
    for (Operation *maker : llvm::reverse(makers))
      builder.clone(*maker, mapping);
    init->set(mapping.lookup(init->get()));
  }
}

bool burnish::isElementwise(nn::KernelOp kernel,
                            ArrayRef<OpOperand *> operands) {
  Block &block = kernel.getBody().front();
  SmallVector<linalg::GenericOp> generics(block.getOps<linalg::GenericOp>());
  bool isTogether = kernel.getSchedule().getAlgorithm() == kTogether;
  if ((generics.size() != 1 && !isTogether) ||
      generics[0].getNumReductionLoops() > 0)
    return false;
  // An out of such passes is written where the elements are, unless what it
  // holds is a part of it.
  auto isWhole = [&](OpOperand *operand) {
    if (!isTogether || !kernel.isDpsInit(operand))
      return true;
    unsigned index = operand->getOperandNumber() - kernel.getInputs().size();
    return !block.getTerminator()
                ->getOperand(index)
                .getDefiningOp<tensor::InsertSliceOp>();
  };
  return llvm::all_of(operands, [&](OpOperand *operand) {
    Value argument = block.getArgument(operand->getOperandNumber());
    return isWhole(operand) &&
           llvm::all_of(argument.getUses(), [&](OpOperand &use) {
             auto generic = dyn_cast<linalg::GenericOp>(use.getOwner());
             return generic &&
                    generic.getMatchingIndexingMap(&use).isIdentity();
           });
  });
}

namespace {
/// A kernel reads its inputs and writes its outs, whose contents it does not
/// look at, unless some of them stay; its region stays as it is.
struct KernelBufferization
    : DstBufferizableOpInterfaceExternalModel<KernelBufferization,
                                              nn::KernelOp> {
  bool bufferizesToMemoryRead(Operation *op, OpOperand &operand,
                              const AnalysisState &) const {
    return !cast<DestinationStyleOpInterface>(op).isDpsInit(&operand) ||
           cast<nn::KernelOp>(op).writesPart();
  }

  bool bufferizesToElementwiseAccess(Operation *op, const AnalysisState &,
                                     ArrayRef<OpOperand *> operands) const {
    return isElementwise(cast<nn::KernelOp>(op), operands);
  }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &options,
                          BufferizationState &state) const {
    auto kernel = cast<nn::KernelOp>(op);
    auto buffers = [&](ValueRange values) -> FailureOr<SmallVector<Value>> {
      SmallVector<Value> result;
      for (Value value : values) {
        if (!isa<TensorType>(value.getType())) {
          result.push_back(value);
          continue;
        }
        FailureOr<Value> buffer = getBuffer(rewriter, value, options, state);
        if (failed(buffer))
          return failure();
        result.push_back(*buffer);
      }
      return result;
    };
    rewriter.setInsertionPoint(kernel);
    FailureOr<SmallVector<Value>> inputs = buffers(kernel.getInputs()),
                                  outs = buffers(kernel.getOuts());
    if (failed(inputs) || failed(outs))
      return failure();
    SmallVector<Value> written = *outs;
    for (Value &out : written)
      if (!isContiguousAlongLastAxis(out)) {
        Value straight = contiguousLike(rewriter, kernel.getLoc(), out);
        if (kernel.writesPart())
          memref::CopyOp::create(rewriter, kernel.getLoc(), out, straight);
        out = straight;
      }
    auto lowered = nn::KernelOp::create(rewriter, kernel.getLoc(), TypeRange(),
                                        *inputs, written, kernel.getSchedule());
    lowered->setDiscardableAttrs(kernel->getDiscardableAttrDictionary());
    rewriter.inlineRegionBefore(kernel.getBody(), lowered.getBody(),
                                lowered.getBody().begin());
    makeFit(rewriter, lowered);
    for (auto [from, to] : llvm::zip_equal(written, *outs))
      if (from != to)
        memref::CopyOp::create(rewriter, kernel.getLoc(), from, to);
    replaceOpWithBufferizedValues(rewriter, op, *outs);
    return success();
  }
};

/// A barrier is where its operand is, and nothing more: buffers are used in the
/// order of the operators, and no pass takes two that write for one.
struct BarrierBufferization
    : BufferizableOpInterface::ExternalModel<BarrierBufferization,
                                             nn::BarrierOp> {
  bool bufferizesToMemoryRead(Operation *, OpOperand &operand,
                              const AnalysisState &) const {
    return operand.getOperandNumber() == 1;
  }
  bool bufferizesToMemoryWrite(Operation *, OpOperand &,
                               const AnalysisState &) const {
    return false;
  }
  AliasingValueList getAliasingValues(Operation *op, OpOperand &operand,
                                      const AnalysisState &) const {
    if (operand.getOperandNumber() == 1)
      return {};
    return {{op->getResult(0), BufferRelation::Equivalent}};
  }

  LogicalResult bufferize(Operation *op, RewriterBase &rewriter,
                          const BufferizationOptions &options,
                          BufferizationState &state) const {
    FailureOr<Value> buffer =
        getBuffer(rewriter, cast<nn::BarrierOp>(op).getInput(), options, state);
    if (failed(buffer))
      return failure();
    replaceOpWithBufferizedValues(rewriter, op, *buffer);
    return success();
  }
  FailureOr<BufferLikeType>
  getBufferType(Operation *op, Value, const BufferizationOptions &options,
                const BufferizationState &state,
                SmallVector<Value> &invocationStack) const {
    return bufferization::getBufferType(cast<nn::BarrierOp>(op).getInput(),
                                        options, state, invocationStack);
  }
};

struct Bufferize : burnish::impl::BufferizeBase<Bufferize> {
  void runOnOperation() override {
    OneShotBufferizationOptions options;
    options.bufferizeFunctionBoundaries = true;
    options.setFunctionBoundaryTypeConversion(
        LayoutMapOption::IdentityLayoutMap);
    options.allowReturnAllocsFromLoops = true;
    // A kernel that is done still has a region on tensors; the driver would ask
    // for it again when it lies where an operation lay that is gone.
    options.opFilter.denyOperation([](Operation *op) {
      bool isDone =
          isa<nn::KernelOp>(op) &&
          llvm::none_of(op->getOperandTypes(), llvm::IsaPred<TensorType>);
      return isDone || op->getParentOfType<nn::KernelOp>() != nullptr;
    });
    // What a caller hands over stays as it is, except what a result updates.
    for (auto function : getOperation().getOps<func::FuncOp>()) {
      llvm::SmallDenseSet<int64_t> updated;
      for (unsigned index = 0; index < function.getNumResults(); ++index)
        updated.insert(nn::updatedArgument(function, index));
      for (unsigned index = 0; index < function.getNumArguments(); ++index)
        function.setArgAttr(
            index, BufferizationDialect::kWritableAttrName,
            BoolAttr::get(&getContext(), updated.contains(index)));
    }
    separateRooms(getOperation());
    IRRewriter rewriter(&getContext());
    OneShotAnalysisState analysis(getOperation(), options);
    if (failed(analyzeModuleOp(getOperation(), analysis)) ||
        failed(eliminateEmptyTensors(rewriter, getOperation(), analysis)))
      return signalPassFailure();
    BufferizationState state;
    if (failed(runOneShotModuleBufferize(getOperation(), options, state)))
      return signalPassFailure();
    copyWhatCastsCannot(getOperation());
  }
};
} // namespace

void burnish::registerOwnBufferization(DialectRegistry &registry) {
  registry.addExtension(+[](MLIRContext *context, nn::NNDialect *) {
    nn::KernelOp::attachInterface<KernelBufferization>(*context);
    nn::BarrierOp::attachInterface<BarrierBufferization>(*context);
  });
}
