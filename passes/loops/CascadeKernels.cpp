// CascadeKernels.cpp - products around windows go with them, line by line.
#include "ir/Kernel.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/UB/IR/UBOps.h"
#include "mlir/IR/IRMapping.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"
#include "mlir/IR/Matchers.h"
#include "passes/Passes.h"
#include "passes/kernels/Cascade.h"
#include "passes/kernels/Product.h"
#include "passes/kernels/Windows.h"
#include "passes/schedules/Schedules.h"

using namespace mlir;
using namespace burnish;

namespace burnish {
#define GEN_PASS_DEF_CASCADEKERNELS
#include "passes/Passes.h.inc"
} // namespace burnish

namespace {
/// Kernels that follow each other.
struct Chain {
  nn::KernelOp producer, windows, consumer;
  /// Adds up the windows' results over lines and places, for another use.
  nn::KernelOp sums;
  tensor::PadOp pad;

  SmallVector<Operation *> ops() {
    SmallVector<Operation *> ops;
    for (Operation *op : {producer.getOperation(), pad.getOperation(),
                          windows.getOperation(), consumer.getOperation()})
      if (op)
        ops.push_back(op);
    return ops;
  }
};
} // namespace

static bool isProduct(nn::KernelOp kernel) {
  return kernel && kernel.getSchedule().getAlgorithm() == "product" &&
         !kernel.getSchedule().getPacks() && !excessOf(kernel) &&
         kernel->getNumResults() == 1;
}

static int64_t bytesOf(Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  return type.getNumElements() *
         llvm::divideCeil(type.getElementTypeBitWidth(), 8);
}

static int64_t weightBytesOf(nn::KernelOp kernel) {
  int64_t bytes = 0;
  for (Value input : kernel.getInputs())
    if (matchPattern(input, m_Constant()))
      bytes += bytesOf(input);
  return bytes;
}

/// The products around a kernel of windows, where tensors between them have
/// known shapes and no other use.
static std::optional<Chain> chainAround(nn::KernelOp windows) {
  FailureOr<Nest> nest = Nest::ofTypes(windows);
  if (failed(nest))
    return std::nullopt;
  FailureOr<WindowForm> form = WindowForm::of(*nest);
  if (failed(form))
    return std::nullopt;
  Chain chain;
  chain.windows = windows;
  auto isBetween = [&](Value value) {
    return value.hasOneUse() &&
           cast<RankedTensorType>(value.getType()).hasStaticShape() &&
           value.getDefiningOp() &&
           value.getDefiningOp()->getBlock() == windows->getBlock() &&
           (*value.user_begin())->getBlock() == windows->getBlock();
  };
  Value image = windows->getOperand(nest->inputs[form->image].argument);
  if (isBetween(image)) {
    auto pad = image.getDefiningOp<tensor::PadOp>();
    Value source = pad ? pad.getSource() : image;
    auto producer = source.getDefiningOp<nn::KernelOp>();
    bool isFilled =
        !pad || (pad.getConstantPaddingValue() &&
                 matchPattern(pad.getConstantPaddingValue(), m_Constant()));
    if (isProduct(producer) && isBetween(source) && isFilled) {
      chain.producer = producer;
      chain.pad = pad;
    }
  }
  Value result = windows->getResult(0);
  if (isBetween(result)) {
    auto consumer = dyn_cast<nn::KernelOp>(*result.user_begin());
    if (isProduct(consumer) && !llvm::is_contained(consumer.getOuts(), result))
      chain.consumer = consumer;
  }
  return chain;
}

/// The kernel that adds up images [image, line, place, channel] over lines and
/// places.
static nn::KernelOp sumsOf(Value images) {
  for (Operation *user : images.getUsers()) {
    auto kernel = dyn_cast<nn::KernelOp>(user);
    if (!kernel || kernel->getNumResults() != 1 ||
        kernel.getInputs().size() != 1 ||
        kernel->getBlock() != images.getDefiningOp()->getBlock() ||
        kernel.getSchedule().getAlgorithm() != "elements")
      continue;
    auto generics = kernel.getBody().getOps<linalg::GenericOp>();
    if (!llvm::hasSingleElement(generics))
      continue;
    linalg::GenericOp sum = *generics.begin();
    MLIRContext *context = kernel.getContext();
    Builder b(context);
    auto fill = sum.getDpsInits()[0].getDefiningOp<linalg::FillOp>();
    bool isSum =
        sum.getNumLoops() == 4 && sum.getNumDpsInputs() == 1 &&
        sum.getIndexingMapsArray()[0] == b.getMultiDimIdentityMap(4) &&
        sum.getIndexingMapsArray()[1] ==
            AffineMap::get(4, 0, {b.getAffineDimExpr(0), b.getAffineDimExpr(3)},
                           context) &&
        sum.getNumReductionLoops() == 2 && fill &&
        matchPattern(fill.getInputs()[0], m_AnyZeroFloat());
    Block *body = sum.getBody();
    auto add =
        body->getTerminator()->getOperand(0).getDefiningOp<arith::AddFOp>();
    if (isSum && add && llvm::range_size(body->getOperations()) == 2 &&
        add.getLhs() != add.getRhs() && isa<BlockArgument>(add.getLhs()) &&
        isa<BlockArgument>(add.getRhs()) &&
        cast<RankedTensorType>(images.getType()).hasStaticShape())
      return kernel;
  }
  return {};
}

/// A kernel like that which adds up over one loop: from `type` without the axis
/// before the last.
static nn::KernelOp sumAlong(ImplicitLocOpBuilder &b, nn::KernelOp model,
                             Value source, Value out, bool isParallel) {
  nn::ScheduleAttr old = model.getSchedule();
  auto schedule =
      nn::ScheduleAttr::get(b.getContext(), "elements", old.getLanes(),
                            old.getVectors(), 1, false, false, isParallel);
  auto type = cast<RankedTensorType>(source.getType());
  auto kernel =
      nn::KernelOp::create(b, TypeRange(out.getType()), ValueRange(source),
                           ValueRange(out), schedule);
  OpBuilder::InsertionGuard guard(b);
  Block *block = b.createBlock(&kernel.getBody());
  Value from = block->addArgument(type, b.getLoc()),
        to = block->addArgument(out.getType(), b.getLoc());
  Value zero =
            arith::ConstantOp::create(b, b.getZeroAttr(type.getElementType())),
        init = linalg::FillOp::create(b, zero, to).getResult(0);
  unsigned rank = type.getRank();
  SmallVector<AffineExpr> kept;
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  for (unsigned axis = 0; axis < rank; ++axis)
    if (axis + 2 != rank)
      kept.push_back(b.getAffineDimExpr(axis));
  iterators[rank - 2] = utils::IteratorType::reduction;
  auto sum = linalg::GenericOp::create(
      b, out.getType(), from, init,
      ArrayRef{b.getMultiDimIdentityMap(rank),
               AffineMap::get(rank, 0, kept, b.getContext())},
      iterators, [](OpBuilder &inside, Location loc, ValueRange values) {
        Value total = arith::AddFOp::create(inside, loc, values[1], values[0]);
        linalg::YieldOp::create(inside, loc, total);
      });
  nn::KernelYieldOp::create(b, sum->getResult(0));
  return kernel;
}

/// Tiles of a line's places that are as long as each other; threads share
/// lines, not what is within them.
static nn::ScheduleAttr scheduleInLine(nn::KernelOp kernel, int64_t places) {
  nn::ScheduleAttr old = kernel.getSchedule();
  int64_t rows = old.getRows();
  FailureOr<Nest> nest = Nest::ofTypes(kernel);
  FailureOr<ProductForm> form = ProductForm::of(*nest, /*packs=*/false);
  if (isProduct(kernel) && succeeded(form) &&
      !nest->inputs[form->left].packedLoop)
    rows = llvm::divideCeil(places, llvm::divideCeil(places, rows));
  return nn::ScheduleAttr::get(
      kernel.getContext(), old.getAlgorithm(), old.getLanes(), old.getVectors(),
      rows, old.getPacks(), old.getRowsOutside(),
      /*isParallel=*/false, old.getStreams(), old.getBackAndForth(),
      old.getSteps(), old.getAddsPairs());
}

/// A kernel with the chain's operations in its region, before the last of them.
static nn::KernelOp cascadeOf(Chain &chain) {
  SmallVector<Operation *> ops = chain.ops();
  auto last = cast<nn::KernelOp>(ops.back());
  ImplicitLocOpBuilder b(last.getLoc(), last);
  auto isInside = [&](Value value) {
    return llvm::is_contained(ops, value.getDefiningOp());
  };
  SmallVector<Value> inputs;
  for (Operation *op : ops)
    if (auto kernel = dyn_cast<nn::KernelOp>(op))
      for (Value input : kernel.getInputs())
        if (!isInside(input) && !llvm::is_contained(inputs, input))
          inputs.push_back(input);
  auto schedule = nn::ScheduleAttr::get(b.getContext(), "cascade",
                                        chain.windows.getSchedule().getLanes(),
                                        1, 1, false, false,
                                        /*isParallel=*/true);
  SmallVector<Value> outs(last.getOuts());
  SmallVector<Type> types(last->getResultTypes());
  if (chain.sums) {
    auto lines = cast<RankedTensorType>(types[0]);
    ArrayRef<int64_t> shape = lines.getShape();
    types.push_back(RankedTensorType::get({shape[0], shape[1], shape[3]},
                                          lines.getElementType()));
    outs.push_back(tensor::EmptyOp::create(
        b, ArrayRef{shape[0], shape[1], shape[3]}, lines.getElementType()));
  }
  auto kernel = nn::KernelOp::create(b, types, inputs, outs, schedule);
  Block *block = b.createBlock(&kernel.getBody());
  IRMapping values;
  for (Value input : inputs)
    values.map(input, block->addArgument(input.getType(), b.getLoc()));
  Value out = block->addArgument(types[0], b.getLoc());
  for (Operation *op : ops) {
    if (auto inner = dyn_cast<nn::KernelOp>(op))
      values.map(inner.getOuts()[0],
                 inner == last ? out
                               : Value(ub::PoisonOp::create(
                                     b, inner->getResult(0).getType())));
    if (auto pad = dyn_cast<tensor::PadOp>(op)) {
      Operation *filling = pad.getConstantPaddingValue().getDefiningOp();
      if (!op->isAncestor(filling))
        b.clone(*filling, values);
    }
    Operation *copy = b.clone(*op, values);
    auto inner = dyn_cast<nn::KernelOp>(copy);
    if (!inner)
      continue;
    auto type = cast<RankedTensorType>(inner->getResult(0).getType());
    if (type.getRank() > 2)
      inner.setScheduleAttr(scheduleInLine(inner, type.getDimSize(2)));
  }
  SmallVector<Value> results{values.lookup(last->getResult(0))};
  if (chain.sums) {
    Value to = block->addArgument(types[1], b.getLoc());
    results.push_back(
        sumAlong(b, chain.sums, results[0], to, /*isParallel=*/false)
            ->getResult(0));
  }
  nn::KernelYieldOp::create(b, results);
  return kernel;
}

static bool isReadable(nn::KernelOp kernel) {
  FailureOr<Cascade> cascade = Cascade::of(
      kernel,
      [&](unsigned argument) {
        auto type = dyn_cast<ShapedType>(
            kernel.getBody().front().getArgument(argument).getType());
        return type ? Layout::rowMajor(type) : Layout();
      },
      nullptr);
  return succeeded(cascade) && cascade->frameBytes() <= kCascadeBytes;
}

namespace {
struct CascadeKernels : burnish::impl::CascadeKernelsBase<CascadeKernels> {
  void runOnOperation() override {
    auto module = getOperation()->getParentOfType<ModuleOp>();
    Machine machine = Machine::of(module);
    SmallVector<nn::KernelOp> windows;
    getOperation().walk([&](nn::KernelOp kernel) {
      if (kernel.getSchedule().getAlgorithm() == "windows" &&
          !kernel->getParentOfType<nn::KernelOp>())
        windows.push_back(kernel);
    });
    for (nn::KernelOp kernel : windows)
      if (std::optional<Chain> chain = chainAround(kernel))
        replace(*chain, machine);
  }

  void replace(Chain chain, const Machine &machine) {
    Value image = chain.producer ? chain.producer->getResult(0) : Value(),
          lines = chain.windows->getResult(0);
    if (image &&
        !cascadePays(bytesOf(image), weightBytesOf(chain.producer), machine))
      chain.producer = {};
    if (!chain.producer)
      chain.pad = {};
    if (chain.consumer &&
        !cascadePays(bytesOf(lines), weightBytesOf(chain.consumer), machine))
      chain.consumer = {};
    // Where all of it does not go together, half of it may.
    Chain first = chain, second = chain;
    first.consumer = {};
    if (chain.producer && !chain.consumer &&
        cascadePays(bytesOf(lines), /*weightBytes=*/0, machine))
      chain.sums = sumsOf(lines);
    second.producer = {};
    second.pad = {};
    for (Chain attempt : {chain, first, second}) {
      if (!attempt.producer && !attempt.consumer)
        continue;
      nn::KernelOp cascade = cascadeOf(attempt);
      if (!isReadable(cascade)) {
        cascade->erase();
        continue;
      }
      if (attempt.sums)
        addUp(attempt.sums, cascade->getResult(1));
      SmallVector<Operation *> ops = attempt.ops();
      ops.back()->getResult(0).replaceAllUsesWith(cascade->getResult(0));
      for (Operation *op : llvm::reverse(ops))
        op->erase();
      return;
    }
  }

  /// The sums over all lines, from those of each.
  static void addUp(nn::KernelOp sums, Value ofLines) {
    ImplicitLocOpBuilder b(sums.getLoc(), sums);
    nn::KernelOp kernel = sumAlong(b, sums, ofLines, sums.getOuts()[0],
                                   /*isParallel=*/false);
    sums->getResult(0).replaceAllUsesWith(kernel->getResult(0));
    sums->erase();
  }
};
} // namespace
