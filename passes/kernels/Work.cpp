// Work.cpp - how much loops compute and move.
#include "passes/kernels/Work.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Interfaces/ViewLikeInterface.h"
#include "passes/kernels/Product.h"

using namespace mlir;
using namespace burnish;

/// What the polynomials of exp, tanh and erf take for an element; libm's
/// functions take no less.
static constexpr int64_t kFunctionOperations = 20;
/// Additions and multiplications for each element of a tile of minimal
/// filtering, in both directions of a transform together.
static constexpr int64_t kTransformOperations = 6;

Work &Work::operator+=(const Work &other) {
  operations += other.operations;
  bytes += other.bytes;
  constantBytes += other.constantBytes;
  plainOperations += other.plainOperations;
  isOfBytes |= other.isOfBytes;
  return *this;
}

Work Work::times(int64_t count) const {
  return {operations * count, bytes * count, constantBytes * count,
          plainOperations * count, isOfBytes};
}

Work Work::of(DictionaryAttr attribute) {
  auto number = [&](StringRef name) {
    auto value = attribute.getAs<IntegerAttr>(name);
    return value ? value.getInt() : 0;
  };
  return {number("operations"), number("bytes"), number("constant_bytes"),
          number("plain_operations"), attribute.contains("of_bytes")};
}

DictionaryAttr Work::attribute(MLIRContext *context) const {
  Builder b(context);
  NamedAttrList list;
  auto add = [&](StringRef name, int64_t value) {
    if (value != 0)
      list.append(name, b.getI64IntegerAttr(value));
  };
  add("operations", operations);
  add("bytes", bytes);
  add("constant_bytes", constantBytes);
  add("plain_operations", plainOperations);
  if (isOfBytes)
    list.append("of_bytes", b.getUnitAttr());
  return list.getDictionary(context);
}

/// The product of sizes; 0 when one is not known.
static int64_t productOf(ArrayRef<int64_t> sizes) {
  int64_t product = 1;
  for (int64_t size : sizes)
    product *= ShapedType::isDynamic(size) ? 0 : size;
  return product;
}

static int64_t elementBytes(Type type) {
  return type.isIntOrFloat() ? std::max(1u, type.getIntOrFloatBitWidth() / 8)
                             : 8;
}

static int64_t bytesOf(Type type) {
  auto shaped = dyn_cast<ShapedType>(type);
  if (!shaped || !shaped.hasRank())
    return 0;
  return productOf(shaped.getShape()) * elementBytes(shaped.getElementType());
}

/// Whether a buffer is a view of a constant.
static bool isConstantBuffer(Value buffer) {
  while (Operation *op = buffer.getDefiningOp()) {
    if (isa<memref::GetGlobalOp>(op))
      return true;
    auto view = dyn_cast<ViewLikeOpInterface>(op);
    if (!view)
      return false;
    buffer = view.getViewSource();
  }
  return false;
}

static int64_t operationsOfOne(Operation &op) {
  if (op.getNumResults() != 1 ||
      !getElementTypeOrSelf(op.getResult(0)).isIntOrFloat())
    return 0;
  if (isa<math::FmaOp>(op))
    return 2;
  if (isa<math::AbsFOp, math::AbsIOp, math::CopySignOp, math::FloorOp,
          math::CeilOp, math::RoundEvenOp, math::TruncOp, math::SqrtOp>(op))
    return 1;
  if (op.getName().getDialectNamespace() == "math")
    return kFunctionOperations;
  return isa<arith::AddFOp, arith::SubFOp, arith::MulFOp, arith::DivFOp,
             arith::NegFOp, arith::RemFOp, arith::MaximumFOp, arith::MinimumFOp,
             arith::MaxNumFOp, arith::MinNumFOp, arith::AddIOp, arith::SubIOp,
             arith::MulIOp, arith::DivSIOp, arith::DivUIOp, arith::RemSIOp,
             arith::RemUIOp, arith::MaxSIOp, arith::MaxUIOp, arith::MinSIOp,
             arith::MinUIOp>(op);
}

/// Elements of an operand of `type` that loops of these sizes meet through a
/// map: all of them, or fewer when there are fewer iterations.
static int64_t elementsThrough(AffineMap map, ShapedType type,
                               ArrayRef<int64_t> sizes) {
  int64_t iterations = 1;
  for (auto [loop, size] : llvm::enumerate(sizes))
    if (map.isFunctionOfDim(loop))
      iterations *= ShapedType::isDynamic(size) ? 0 : size;
  return std::min(iterations, productOf(type.getShape()));
}

int64_t burnish::operationsOf(Block &body) {
  int64_t operations = 0;
  for (Operation &inside : body.without_terminator())
    operations += operationsOfOne(inside);
  return operations;
}

/// The operations of a linalg operation on tensors or buffers, and its
/// iterations.
static int64_t operationsOfLoops(linalg::LinalgOp op, int64_t &iterations) {
  iterations = productOf(op.getStaticLoopRanges());
  return burnish::operationsOf(*op.getBlock()) * iterations;
}

static Work workOfLinalg(linalg::LinalgOp op) {
  Work work;
  int64_t iterations;
  work.operations = operationsOfLoops(op, iterations);
  SmallVector<int64_t> sizes = op.getStaticLoopRanges();
  for (OpOperand &operand : op->getOpOperands()) {
    auto type = dyn_cast<MemRefType>(operand.get().getType());
    if (!type || !op.payloadUsesValueFromOperand(&operand)) {
      // What is written and not read is moved too.
      if (!type || !op.isDpsInit(&operand))
        continue;
    }
    int64_t bytes =
        elementsThrough(op.getMatchingIndexingMap(&operand), type, sizes) *
        elementBytes(type.getElementType());
    work.bytes += bytes;
    if (isConstantBuffer(operand.get()))
      work.constantBytes += bytes;
  }
  // Elements that the body itself looks up.
  for (Operation &inside : op.getBlock()->without_terminator())
    if (auto load = dyn_cast<memref::LoadOp>(inside)) {
      int64_t bytes =
          iterations * elementBytes(load.getMemRefType().getElementType());
      work.bytes += bytes;
      if (isConstantBuffer(load.getMemRef()))
        work.constantBytes += bytes;
    }
  return work;
}

/// Bytes of the image that a block of tiles is made of.
static int64_t bytesOfTiles(nn::WinogradInputOp input) {
  auto image = cast<ShapedType>(input.getImage().getType());
  if (!input.getExtents().empty())
    return input.tileCount() * input.getTile() * input.getTile() *
           image.getDimSize(3) * elementBytes(image.getElementType());
  int64_t images = input.tileCount() / (input.getRows() * input.getColumns()),
          rows = std::min<int64_t>(image.getDimSize(1),
                                   input.getRows() * input.getTile() + 2);
  return images * rows * image.getDimSize(2) * image.getDimSize(3) *
         elementBytes(image.getElementType());
}

Work Work::of(nn::KernelOp kernel) {
  Work work;
  Block &block = kernel.getBody().front();
  // The most that any of the operations inside meets of an argument.
  SmallVector<int64_t> bytes(block.getNumArguments(), 0);
  for (Operation &inside : block) {
    if (auto input = dyn_cast<nn::WinogradInputOp>(inside)) {
      work.operations +=
          productOf(cast<ShapedType>(input.getTiles().getType()).getShape()) *
          kTransformOperations;
      bytes[cast<BlockArgument>(input.getImage()).getArgNumber()] =
          bytesOfTiles(input);
      continue;
    }
    if (auto output = dyn_cast<nn::WinogradOutputOp>(inside))
      work.operations +=
          productOf(
              cast<ShapedType>(output.getProducts().getType()).getShape()) *
          kTransformOperations;
    auto generic = dyn_cast<linalg::LinalgOp>(inside);
    int64_t iterations;
    if (generic)
      work.operations += operationsOfLoops(generic, iterations);
    for (OpOperand &operand : inside.getOpOperands()) {
      auto argument = dyn_cast<BlockArgument>(operand.get());
      if (!argument || argument.getOwner() != &block)
        continue;
      auto type = dyn_cast<ShapedType>(argument.getType());
      if (!type)
        continue;
      int64_t elements =
          generic ? elementsThrough(generic.getMatchingIndexingMap(&operand),
                                    type, generic.getStaticLoopRanges())
                  : productOf(type.getShape());
      int64_t &most = bytes[argument.getArgNumber()];
      most = std::max(most, elements * elementBytes(type.getElementType()));
    }
    if (auto generic = dyn_cast<linalg::GenericOp>(inside))
      work.isOfBytes |= kernel.getSchedule().getSteps() > 1 &&
                        ByteProduct::of(generic).has_value();
  }
  unsigned inputs = kernel.getInputs().size();
  for (auto [index, value] : llvm::enumerate(kernel->getOperands())) {
    int64_t moved = index < inputs ? bytes[index] : bytesOf(value.getType());
    work.bytes += moved;
    if (index < inputs && isConstantBuffer(value))
      work.constantBytes += moved;
  }
  if (auto products = kernel->getAttrOfType<IntegerAttr>(kProductsAttr))
    work.plainOperations =
        2 * products.getInt() *
        productOf(cast<ShapedType>(kernel.getOuts()[0].getType()).getShape());
  return work;
}

Work Work::of(Operation *op) {
  if (auto attribute = op->getAttrOfType<DictionaryAttr>(kWorkAttr))
    return of(attribute);
  if (auto linalgOp = dyn_cast<linalg::LinalgOp>(op))
    return workOfLinalg(linalgOp);
  if (auto copy = dyn_cast<memref::CopyOp>(op)) {
    Work work;
    work.bytes = 2 * bytesOf(copy.getTarget().getType());
    if (isConstantBuffer(copy.getSource()))
      work.constantBytes = work.bytes / 2;
    return work;
  }
  // Of a branch the larger, of a loop that many times what is inside.
  Work work;
  if (auto branch = dyn_cast<scf::IfOp>(op)) {
    for (Region &region : branch->getRegions()) {
      Work other;
      for (Operation &inside : region.getOps())
        other += of(&inside);
      if (other.operations + other.bytes > work.operations + work.bytes)
        work = other;
    }
    return work;
  }
  for (Region &region : op->getRegions())
    for (Operation &inside : region.getOps())
      work += of(&inside);
  if (auto loop = dyn_cast<scf::ForOp>(op)) {
    std::optional<APInt> count = loop.getStaticTripCount();
    return work.times(count ? count->getSExtValue() : 0);
  }
  return isa<scf::WhileOp>(op) ? Work() : work;
}
