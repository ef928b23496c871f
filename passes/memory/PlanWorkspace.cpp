// PlanWorkspace.cpp - static buffers get offsets in one workspace.
#include "ir/Signature.h"
#include "passes/Passes.h"
#include "passes/memory/Lifetimes.h"
#include "llvm/Support/MathExtras.h"
#include <map>

using namespace mlir;
using namespace burnish;

namespace burnish {
#define GEN_PASS_DEF_PLANWORKSPACE
#include "passes/Passes.h.inc"
} // namespace burnish

namespace {
/// A buffer that is needed for that long.
struct Buffer {
  memref::AllocOp alloc;
  int64_t bytes;
  Lifetime life;
  int64_t offset = 0;

  bool meets(const Buffer &other) const { return life.meets(other.life); }
};
} // namespace

/// The module attribute with the bytes that any workspace needs for this order
/// of operations, an i64.
static constexpr StringLiteral kWidestAttr = "nn.workspace_widest";

/// No buffer and no workspace is as great, so that sums of two stay in 64 bits.
static constexpr int64_t kTooGreat = int64_t(1) << 61;

static int64_t bytesOf(MemRefType type) {
  DataLayout layout;
  int64_t bytes =
      llvm::divideCeil(layout.getTypeSizeInBits(type.getElementType()), 8);
  if (llvm::is_contained(type.getShape(), 0))
    return 0;
  for (int64_t size : type.getShape())
    if (llvm::MulOverflow(bytes, size, bytes))
      return kTooGreat;
  return std::min(bytes, kTooGreat);
}

static SmallVector<Buffer> collectBuffers(func::FuncOp function) {
  BufferViewFlowAnalysis aliases(function);
  LifetimeOf lifetimeOf(function, aliases);
  SmallVector<Buffer> buffers;
  function.walk([&](memref::AllocOp alloc) {
    // Carried buffers of static size have been given their places
    // (CarryInPlace).
    if (alloc.getType().hasStaticShape() && !isHandedOn(alloc, aliases))
      buffers.push_back({alloc, bytesOf(alloc.getType()), lifetimeOf(alloc)});
  });
  return buffers;
}

/// The largest sum of bytes that one operation needs at once: no plan does with
/// less in this order of operations.
static int64_t widestPoint(ArrayRef<Buffer> buffers) {
  std::map<int64_t, int64_t> changes; // of the bytes that are needed
  for (const Buffer &buffer : buffers) {
    changes[buffer.life.first] += buffer.bytes;
    changes[buffer.life.last + 1] -= buffer.bytes;
  }
  int64_t now = 0, widest = 0;
  for (auto [position, change] : changes)
    widest = std::max(widest, now += change);
  return widest;
}

/// Gives every buffer the lowest offset where it overlaps none that has its
/// place already and lives at the same time. Returns the total, which is cut
/// short once it is too great.
static int64_t placeInOrder(ArrayRef<Buffer *> order) {
  SmallVector<Buffer *> placed; // by offset
  int64_t total = 0;
  for (Buffer *buffer : order) {
    int64_t offset = 0;
    for (Buffer *other : placed) {
      if (!other->meets(*buffer))
        continue;
      if (offset + buffer->bytes <= other->offset)
        break;
      offset = std::max(offset, static_cast<int64_t>(llvm::alignTo(
                                    other->offset + other->bytes, kAlignment)));
    }
    buffer->offset = offset;
    total = std::max(total, offset + buffer->bytes);
    if (total >= kTooGreat)
      return total;
    placed.insert(llvm::upper_bound(placed, buffer,
                                    [](Buffer *left, Buffer *right) {
                                      return left->offset < right->offset;
                                    }),
                  buffer);
  }
  return total;
}

/// Largest first ("greedy by size", Pisarchyk and Lee, "Efficient Memory
/// Management for Deep Neural Net Inference", 2020). As long as that leaves
/// gaps, what reaches highest goes before everything else, since it found the
/// lower places taken, and the plan is made again. Returns the total.
static int64_t assignOffsets(SmallVectorImpl<Buffer> &buffers) {
  SmallVector<Buffer *> order =
      llvm::map_to_vector(buffers, [](Buffer &buffer) { return &buffer; });
  llvm::sort(order, [](Buffer *left, Buffer *right) {
    return std::tuple(-left->bytes, left) < std::tuple(-right->bytes, right);
  });
  constexpr int kAttempts = 64;
  SmallVector<Buffer *> best = order;
  int64_t least = placeInOrder(order);
  if (least >= kTooGreat)
    return least;
  int64_t widest = widestPoint(buffers);
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    auto highest = llvm::max_element(order, [](Buffer *left, Buffer *right) {
      return left->offset + left->bytes < right->offset + right->bytes;
    });
    // Aligned sizes add up to a little more than the widest point.
    if (highest == order.begin() || least <= widest + kAlignment)
      break;
    std::rotate(order.begin(), highest, std::next(highest));
    if (int64_t total = placeInOrder(order); total < least) {
      least = total;
      best = order;
    }
  }
  return placeInOrder(best);
}

namespace {
struct PlanWorkspace : burnish::impl::PlanWorkspaceBase<PlanWorkspace> {
  void runOnOperation() override {
    ModuleOp module = getOperation();
    FailureOr<func::FuncOp> function = nn::modelFunction(module);
    if (failed(function))
      return signalPassFailure();
    SmallVector<Buffer> buffers = collectBuffers(*function);
    int64_t total = assignOffsets(buffers);
    if (total >= kTooGreat) {
      auto *largest = llvm::max_element(
          buffers, [](const Buffer &left, const Buffer &right) {
            return left.bytes < right.bytes;
          });
      largest->alloc.emitError()
          << "the model needs 2^61 bytes of memory or more";
      return signalPassFailure();
    }

    OpBuilder builder(&getContext());
    Block &body = function->getBody().front();
    BlockArgument workspace = body.addArgument(
        MemRefType::get({total}, builder.getI8Type()), function->getLoc());
    function->setType(builder.getFunctionType(body.getArgumentTypes(),
                                              function->getResultTypes()));
    for (Buffer &buffer : buffers) {
      builder.setInsertionPoint(buffer.alloc);
      Location loc = buffer.alloc.getLoc();
      Value shift = arith::ConstantIndexOp::create(builder, loc, buffer.offset);
      buffer.alloc.replaceAllUsesWith(
          memref::ViewOp::create(builder, loc, buffer.alloc.getType(),
                                 workspace, shift, ValueRange{})
              .getResult());
      buffer.alloc.erase();
    }
    module->setAttr(nn::kWorkspaceAttr, builder.getI64IntegerAttr(total));
    int64_t widest = widestPoint(buffers);
    module->setAttr(kWidestAttr, builder.getI64IntegerAttr(widest));
    emitRemark(function->getLoc())
        << "a workspace of " << total << " bytes, and the widest point has "
        << widest;
  }
};
} // namespace
