// PlanSizes.cpp - buffers whose sizes follow from the inputs' get places in the
// workspace behind those of known size.
#include "ir/Signature.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/Transforms/BufferViewFlowAnalysis.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "passes/Context.h"
#include "passes/Passes.h"
#include "passes/memory/EntrySizes.h"
#include "passes/memory/Lifetimes.h"
#include "passes/memory/SizeRanges.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace burnish;

namespace burnish {
#define GEN_PASS_DEF_PLANSIZES
#include "passes/Passes.h.inc"
} // namespace burnish

namespace {
/// A buffer whose sizes follow from those of inputs.
struct Sized {
  memref::AllocOp alloc;
  Lifetime life;
  /// Its sizes where the function begins, none below 0, in the alloc's order.
  SmallVector<Value> sizes;
  /// Bytes and offset for sizes that stand for all others.
  int64_t bytes = 0, offset = 0;
  /// The buffers that end below it, of those that are needed at the same time.
  SmallVector<size_t> below;
};
} // namespace

/// Bytes of what is known of a buffer's size.
static int64_t knownBytes(MemRefType type) {
  int64_t bytes = llvm::divideCeil(
      DataLayout().getTypeSizeInBits(type.getElementType()), 8);
  for (int64_t size : type.getShape())
    if (!ShapedType::isDynamic(size) && llvm::MulOverflow(bytes, size, bytes))
      return -1;
  return bytes;
}

/// Buffers that are returned are the caller's.
static bool isReturned(memref::AllocOp alloc, func::FuncOp function,
                       const BufferViewFlowAnalysis &aliases) {
  Operation *end = function.getBody().front().getTerminator();
  auto all = aliases.resolve(alloc);
  return llvm::any_of(end->getOperands(),
                      [&](Value value) { return all.contains(value); });
}

static SmallVector<Sized> collect(func::FuncOp function) {
  BufferViewFlowAnalysis aliases(function);
  OpBuilder builder = OpBuilder::atBlockBegin(&function.getBody().front());
  auto dims = entryDims(function);
  EntrySizes sizes(builder, [&](BlockArgument argument, int64_t axis) -> Value {
    if (!llvm::is_contained(dims, std::pair(argument, axis)))
      return {};
    return memref::DimOp::create(builder, argument.getLoc(), argument, axis);
  });
  Value zero = arith::ConstantIndexOp::create(builder, function.getLoc(), 0);
  SmallVector<memref::AllocOp> allocs;
  function.walk([&](memref::AllocOp alloc) {
    if (!alloc.getType().hasStaticShape() && !isHandedOn(alloc, aliases) &&
        !isReturned(alloc, function, aliases) &&
        knownBytes(alloc.getType()) >= 0)
      allocs.push_back(alloc);
  });
  LifetimeOf lifetimeOf(function, aliases);
  SmallVector<Sized> buffers;
  for (memref::AllocOp alloc : allocs) {
    Sized buffer;
    buffer.alloc = alloc;
    for (Value size : alloc.getDynamicSizes()) {
      Value copy = sizes.copyOf(size);
      if (!copy)
        break;
      buffer.sizes.push_back(
          arith::MaxSIOp::create(builder, alloc.getLoc(), copy, zero));
    }
    if (buffer.sizes.size() != alloc.getDynamicSizes().size())
      continue;
    buffer.life = lifetimeOf(alloc);
    buffers.push_back(std::move(buffer));
  }
  return buffers;
}

/// Largest first, at sizes that stand for all others; then each is above those
/// that this plan has below it, whatever their sizes are.
static void order(MutableArrayRef<Sized> buffers) {
  SmallVector<size_t> largestFirst =
      llvm::to_vector(llvm::seq<size_t>(0, buffers.size()));
  llvm::sort(largestFirst, [&](size_t a, size_t c) {
    return std::pair(-buffers[a].bytes, a) < std::pair(-buffers[c].bytes, c);
  });
  SmallVector<size_t> placed; // by offset
  for (size_t number : largestFirst) {
    Sized &buffer = buffers[number];
    for (size_t other : placed) {
      Sized &there = buffers[other];
      if (!there.life.meets(buffer.life))
        continue;
      if (buffer.offset + buffer.bytes <= there.offset)
        break;
      buffer.offset = std::max(buffer.offset, there.offset + there.bytes);
    }
    placed.insert(llvm::upper_bound(placed, number,
                                    [&](size_t a, size_t c) {
                                      return buffers[a].offset <
                                             buffers[c].offset;
                                    }),
                  number);
  }
  // Of two that are both below and meet, the higher one says it all.
  for (size_t place = 0; place < placed.size(); ++place) {
    Sized &buffer = buffers[placed[place]];
    llvm::SmallDenseSet<size_t> implied;
    for (size_t lower = place; lower-- > 0;) {
      Sized &other = buffers[placed[lower]];
      if (!other.life.meets(buffer.life))
        continue;
      if (!implied.contains(placed[lower]))
        buffer.below.push_back(placed[lower]);
      implied.insert(other.below.begin(), other.below.end());
    }
  }
}

/// The order in which offsets can be computed: by offset.
static SmallVector<size_t> byOffset(ArrayRef<Sized> buffers) {
  SmallVector<size_t> numbers =
      llvm::to_vector(llvm::seq<size_t>(0, buffers.size()));
  llvm::DenseMap<size_t, bool> isDone;
  SmallVector<size_t> result;
  std::function<void(size_t)> visit = [&](size_t number) {
    if (!isDone.try_emplace(number, true).second)
      return;
    for (size_t lower : buffers[number].below)
      visit(lower);
    result.push_back(number);
  };
  llvm::for_each(numbers, visit);
  return result;
}

/// Offsets of all buffers, and where the highest ends, of their bytes. `type`
/// is that of the sums.
static Value placeAll(OpBuilder &b, Location loc, ArrayRef<Sized> buffers,
                      ArrayRef<Value> bytes, int64_t start,
                      MutableArrayRef<Value> offsets) {
  auto constant = [&](int64_t value) {
    return arith::ConstantOp::create(
               b, loc, b.getIntegerAttr(bytes[0].getType(), value))
        .getResult();
  };
  Value base = constant(start), total = base;
  SmallVector<Value> ends(buffers.size());
  for (size_t number : byOffset(buffers)) {
    Value offset = base;
    for (size_t lower : buffers[number].below)
      offset =
          offset == base
              ? ends[lower]
              : arith::MaxSIOp::create(b, loc, offset, ends[lower]).getResult();
    offsets[number] = offset;
    Value padded =
        arith::AddIOp::create(b, loc, bytes[number], constant(kAlignment - 1));
    // Shifts, whose ranges are exact.
    Value bits = constant(llvm::Log2_64(kAlignment));
    padded = arith::ShRUIOp::create(b, loc, padded, bits);
    padded = arith::ShLIOp::create(b, loc, padded, bits);
    ends[number] = arith::AddIOp::create(b, loc, offset, padded);
    total = arith::MaxSIOp::create(b, loc, total, ends[number]);
  }
  return total;
}

namespace {
struct PlanSizes : burnish::impl::PlanSizesBase<PlanSizes> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    FailureOr<func::FuncOp> function = nn::modelFunction(module);
    if (failed(function))
      return signalPassFailure();
    auto staticBytes = module->getAttrOfType<IntegerAttr>(nn::kWorkspaceAttr);
    if (!staticBytes || entryDims(*function).empty())
      return;
    SmallVector<Sized> buffers = collect(*function);
    if (buffers.empty())
      return;
    int64_t start = llvm::alignTo(staticBytes.getInt(), kAlignment);
    std::optional<int64_t> most = makePlan(*function, buffers, start);
    place(*function, buffers, start);
    Builder b(&getContext());
    module->setAttr(nn::kPlannedAttr, b.getUnitAttr());
    module->setAttr(nn::kWorkspaceAttr, b.getI64IntegerAttr(most.value_or(0)));
  }

private:
  /// The function that tells the bytes of a workspace: -1 when these are more
  /// than the target has addresses for. Returns the most that it can be, where
  /// dims have bounds.
  std::optional<int64_t> makePlan(func::FuncOp function,
                                  MutableArrayRef<Sized> buffers,
                                  int64_t start) {
    std::optional<int64_t> most;
    auto dims = entryDims(function);
    makeEntryFunction(
        function, kWorkspacePlan, [&](OpBuilder &b, EntrySizes &sizes) {
          Location loc = function.getLoc();
          auto constant = [&](int64_t value) {
            return arith::ConstantOp::create(b, loc, b.getI64IntegerAttr(value))
                .getResult();
          };
          LLVM::LLVMFuncOp multiply = multiplyFunction(getOperation());
          SmallVector<Value> bytes;
          Value isFine;
          for (Sized &buffer : buffers) {
            Value product = constant(knownBytes(buffer.alloc.getType()));
            for (Value size : buffer.sizes) {
              Value wide = arith::IndexCastOp::create(b, loc, b.getI64Type(),
                                                      sizes.copyOf(size));
              product = LLVM::CallOp::create(b, loc, multiply,
                                             ValueRange{product, wide})
                            .getResult();
            }
            bytes.push_back(product);
            Value fits = arith::CmpIOp::create(
                b, loc, arith::CmpIPredicate::sge, product, constant(0));
            isFine =
                isFine ? arith::AndIOp::create(b, loc, isFine, fits).getResult()
                       : fits;
          }
          SizeRanges typical = SizeRanges::typical(function, dims);
          Block *block = b.getInsertionBlock();
          typical.run(*block);
          for (auto [buffer, size] : llvm::zip_equal(buffers, bytes))
            buffer.bytes =
                llvm::alignTo(std::clamp(typical.most(size).value_or(1),
                                         int64_t(1), int64_t(1) << 40),
                              kAlignment);
          order(buffers);
          SmallVector<Value> offsets(buffers.size());
          Value total = placeAll(b, loc, buffers, bytes, start, offsets);
          SizeRanges bounded = SizeRanges::bounded(function, dims);
          bounded.run(*block);
          most = bounded.most(total);
          int64_t addresses = pointerBits(getOperation()) == 32
                                  ? (int64_t(1) << 31) - 1
                                  : int64_t(1) << 46;
          if (most && *most > addresses)
            most.reset();
          isFine = arith::AndIOp::create(
              b, loc, isFine,
              arith::CmpIOp::create(b, loc, arith::CmpIPredicate::sle, total,
                                    constant(addresses)));
          return SmallVector<Value>{
              arith::SelectOp::create(b, loc, isFine, total, constant(-1))};
        });
    return most;
  }

  /// Gives the buffers their places.
  void place(func::FuncOp function, MutableArrayRef<Sized> buffers,
             int64_t start) {
    Block &body = function.getBody().front();
    BlockArgument workspace = body.getArguments().back();
    workspace.setType(MemRefType::get({ShapedType::kDynamic},
                                      IntegerType::get(&getContext(), 8)));
    function.setType(FunctionType::get(&getContext(), body.getArgumentTypes(),
                                       function.getResultTypes()));
    // Behind all sizes, which `collect` left where the function begins.
    llvm::DenseSet<Operation *> makers;
    for (Sized &buffer : buffers)
      for (Value size : buffer.sizes)
        makers.insert(size.getDefiningOp());
    Operation *last = nullptr;
    for (Operation &op : body)
      if (makers.contains(&op))
        last = &op;
    OpBuilder b(&getContext());
    b.setInsertionPointAfter(last);
    Location loc = function.getLoc();
    SmallVector<Value> bytes, offsets(buffers.size());
    for (Sized &buffer : buffers) {
      Value product = arith::ConstantIndexOp::create(
          b, loc, knownBytes(buffer.alloc.getType()));
      for (Value size : buffer.sizes)
        product = arith::MulIOp::create(b, loc, product, size);
      bytes.push_back(product);
    }
    placeAll(b, loc, buffers, bytes, start, offsets);
    llvm::DenseSet<Value> isChecked;
    for (auto [buffer, offset] : llvm::zip_equal(buffers, offsets)) {
      memref::AllocOp alloc = buffer.alloc;
      b.setInsertionPoint(alloc);
      Location at = alloc.getLoc();
      for (auto [size, planned] :
           llvm::zip_equal(alloc.getDynamicSizes(), buffer.sizes)) {
        // What is computed on the way to here may have been refused by then:
        // a size that is none is one of a shape that does not fit.
        if (alloc->getBlock() == &body && !isChecked.insert(size).second)
          continue;
        Value isPlanned = arith::CmpIOp::create(b, at, arith::CmpIPredicate::eq,
                                                size, planned);
        cf::AssertOp::create(b, at, isPlanned, "1:a size is negative");
      }
      MemRefType type = alloc.getType();
      Value view = memref::ViewOp::create(
          b, at, MemRefType::get(type.getShape(), type.getElementType()),
          workspace, offset, alloc.getDynamicSizes());
      if (view.getType() != type)
        view = memref::CastOp::create(b, at, type, view);
      alloc.replaceAllUsesWith(view);
      alloc.erase();
    }
  }
};
} // namespace
