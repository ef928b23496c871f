// FoldConstants.cpp - what depends on constants only is computed when
// compiling.
#include "ir/Ops.h"
#include "ir/Shapes.h"
#include "ir/Signature.h"
#include "ir/Storage.h"
#include "ir/Types.h"
#include "mlir/IR/IRMapping.h"
#include "passes/Passes.h"
#include "passes/graph/Compute.h"
#include "passes/graph/Evaluate.h"

using namespace mlir;
using namespace burnish;

namespace burnish {
#define GEN_PASS_DEF_FOLDCONSTANTS
#include "passes/Passes.h.inc"
} // namespace burnish

/// Results up to this size are worth a place in the weights; larger ones only
/// if their operands take as much. Weights of 8 bits as floats are four times
/// as large, and would be made at every run otherwise, in as much memory.
static constexpr int64_t kSmallBytes = 1 << 20, kLargestGrowth = 4;
/// Constants up to this size stay constants where they are evaluated, since
/// shapes may depend on them.
static constexpr int64_t kShapeBytes = 4096;
/// Operands up to this size are let wait before their memory is given back.
static constexpr int64_t kManyBytes = 16 << 20;

static std::optional<int64_t> bytesOf(Type type) {
  auto tensor = dyn_cast<RankedTensorType>(type);
  // Strings of one process are nothing in another.
  if (!tensor || !tensor.hasStaticShape() || nn::isString(tensor))
    return std::nullopt;
  int64_t bytes = nn::elementBytes(tensor.getElementType());
  for (int64_t size : tensor.getShape())
    if (llvm::MulOverflow(bytes, size, bytes))
      return std::nullopt;
  return bytes;
}

namespace {

/// The operators of a function that depend on constants only; those in bodies
/// too, which run again and again, unless running them failed before: what
/// stands in a branch need not have a meaning that is never taken.
class ConstantPart {
public:
  ConstantPart(func::FuncOp function, bool entersBodies) {
    function.walk<WalkOrder::PreOrder>([&](Operation *op) {
      if ((entersBodies || op->getParentOp() == function) && isFoldable(op))
        operations.insert(op);
    });
  }

  bool empty() const { return operations.empty(); }

  /// Computes the part and puts constants in place of what the rest of the
  /// function uses of it. Failure when it cannot be run.
  LogicalResult fold() {
    computeSimple();
    if (operations.empty())
      return success();
    collectEnds();
    FailureOr<SmallVector<SmallVector<char>>> outputs = run();
    if (failed(outputs))
      return failure();
    auto module = operations.front()->getParentOfType<ModuleOp>();
    SmallVector<ElementsAttr> read;
    for (Operation *op : operations)
      for (Value operand : op->getOperands())
        if (auto constant = operand.getDefiningOp<nn::ConstantOp>())
          read.push_back(constant.getValue());
    for (auto [end, bytes] : llvm::zip_equal(ends, *outputs)) {
      OpBuilder builder(end.getDefiningOp());
      auto type = cast<RankedTensorType>(end.getType());
      auto constant = nn::ConstantOp::create(
          builder, end.getLoc(), type,
          nn::constantWith(type, "folded", std::move(bytes)));
      end.replaceAllUsesWith(constant.getResult());
    }
    for (Operation *op : llvm::reverse(operations.getArrayRef()))
      op->erase();
    nn::releaseUnused(module, read);
    return success();
  }

private:
  /// Computes what needs no code: making it would take many times as long. A
  /// network of 200 lines was there after 126 ms, of which that code was 80.
  void computeSimple() {
    auto module = operations.front()->getParentOfType<ModuleOp>();
    SmallVector<ElementsAttr> read;
    int64_t waiting = 0;
    auto all = operations.takeVector();
    // What earlier passes left unused may be larger than all that is used.
    for (Operation *&op : llvm::reverse(all))
      if (op->use_empty()) {
        op->erase();
        op = nullptr;
      }
    for (Operation *op : all) {
      if (!op)
        continue;
      SmallVector<ElementsAttr> values;
      for (Value operand : op->getOperands()) {
        auto constant = operand.getDefiningOp<nn::ConstantOp>();
        values.push_back(constant ? constant.getValue() : ElementsAttr());
      }
      ElementsAttr result = compute(op, values);
      if (!result) {
        operations.insert(op);
        continue;
      }
      OpBuilder builder(op);
      auto folded = nn::ConstantOp::create(builder, op->getLoc(),
                                           op->getResult(0).getType(), result);
      op->getResult(0).replaceAllUsesWith(folded.getResult());
      for (Value operand : op->getOperands())
        waiting += bytesOf(operand.getType()).value_or(0);
      op->erase();
      read.append(values);
      if (waiting > kManyBytes) {
        nn::releaseUnused(module, read);
        read.clear();
        waiting = 0;
      }
    }
    nn::releaseUnused(module, read);
  }

  /// Whether a product reads the other order of a large constant as it is: a
  /// copy would be one more, as packing makes its own.
  static bool isReadInPlace(Operation *op) {
    std::optional<int64_t> bytes = bytesOf(op->getOperand(0).getType());
    return op->getOperand(0).getDefiningOp<nn::ConstantOp>() && bytes &&
           *bytes > kSmallBytes && op->hasOneUse() &&
           isa<nn::MatMulOp>(*op->user_begin());
  }

  bool isFoldable(Operation *op) const {
    if (isa<nn::TransposeOp>(op) && isReadInPlace(op))
      return false;
    if (isa<nn::ConstantOp>(op) || !isa<nn::Lowerable>(op) ||
        !isMemoryEffectFree(op) || op->getNumRegions() > 0)
      return false;
    int64_t before = 0, after = 0;
    for (Value operand : op->getOperands()) {
      Operation *source = operand.getDefiningOp();
      std::optional<int64_t> bytes = bytesOf(operand.getType());
      if (!source || !bytes ||
          !(isa<nn::ConstantOp>(source) || operations.contains(source)))
        return false;
      before += *bytes;
    }
    for (Type type : op->getResultTypes()) {
      std::optional<int64_t> bytes = bytesOf(type);
      if (!bytes)
        return false;
      after += *bytes;
    }
    return after <= std::max(kSmallBytes, kLargestGrowth * before) ||
           isAddedToLarger(op, after);
  }

  /// Whether a result is only added to another constant, which is as large
  /// anyway: a few weights among zeros.
  bool isAddedToLarger(Operation *op, int64_t bytes) const {
    if (!op->hasOneUse() || !isa<nn::AddOp>(*op->user_begin()))
      return false;
    return llvm::any_of(op->user_begin()->getOperands(), [&](Value operand) {
      Operation *source = operand.getDefiningOp();
      return source && source != op &&
             (isa<nn::ConstantOp>(source) || operations.contains(source)) &&
             bytesOf(operand.getType()).value_or(0) >= bytes;
    });
  }

  void collectEnds() {
    for (Operation *op : operations)
      for (Value result : op->getResults())
        if (llvm::any_of(result.getUsers(), [&](Operation *user) {
              return !operations.contains(user);
            }))
          ends.push_back(result);
  }

  FailureOr<SmallVector<SmallVector<char>>> run() {
    if (ends.empty())
      return SmallVector<SmallVector<char>>();
    Location loc = ends.front().getLoc();
    OwningOpRef<ModuleOp> module = ModuleOp::create(loc);
    OpBuilder builder = OpBuilder::atBlockEnd(module->getBody());
    IRMapping mapping;
    SmallVector<nn::ConstantOp> large;
    SmallVector<ArrayRef<char>> inputs;
    auto function = func::FuncOp::create(
        builder, loc, "constants",
        builder.getFunctionType({}, TypeRange(ValueRange(ends))));
    Block *block = function.addEntryBlock();
    builder.setInsertionPointToStart(block);
    for (Operation *op : operations) {
      for (Value operand : op->getOperands()) {
        auto constant = operand.getDefiningOp<nn::ConstantOp>();
        if (!constant || mapping.contains(operand))
          continue;
        std::optional<ArrayRef<char>> bytes = nn::rawBytes(constant.getValue());
        if (bytes && *bytesOf(operand.getType()) > kShapeBytes) {
          mapping.map(operand, block->addArgument(operand.getType(), loc));
          inputs.push_back(*bytes);
        } else {
          builder.clone(*constant, mapping);
        }
      }
      builder.clone(*op, mapping);
    }
    func::ReturnOp::create(builder, loc,
                           llvm::map_to_vector(ends, [&](Value end) {
                             return mapping.lookup(end);
                           }));
    function.setType(builder.getFunctionType(block->getArgumentTypes(),
                                             function.getResultTypes()));
    // Whether it can be run is no concern of the user's: the network means the
    // same either way.
    ScopedDiagnosticHandler silence(module->getContext(),
                                    [](Diagnostic &) { return success(); });
    return evaluate(*module, inputs);
  }

  llvm::SetVector<Operation *> operations;
  SmallVector<Value> ends;
};

struct FoldConstants : burnish::impl::FoldConstantsBase<FoldConstants> {
  void runOnOperation() override {
    FailureOr<func::FuncOp> function = nn::modelFunction(getOperation());
    if (failed(function))
      return signalPassFailure();
    // A constant may settle a shape, which settles a constant.
    bool isChanged = true, entersBodies = true;
    while (isChanged) {
      nn::ShapeScope scope(&getContext());
      if (failed(nn::inferShapes(*function, scope)))
        return signalPassFailure();
      isChanged = foldShapes(*function, scope);
      ConstantPart part(*function, entersBodies);
      if (part.empty())
        continue;
      isChanged = true;
      if (succeeded(part.fold()))
        continue;
      if (!std::exchange(entersBodies, false)) {
        function->emitRemark()
            << "constants are computed at every run: computing them when "
               "compiling did not succeed";
        return;
      }
    }
  }

  /// Puts constants in place of lists of sizes that the shape rules know.
  bool foldShapes(func::FuncOp function, nn::ShapeScope &scope) {
    bool isChanged = false;
    function.walk([&](Operation *op) {
      if (op->getNumResults() != 1 || isa<nn::ConstantOp>(op) ||
          !isMemoryEffectFree(op) || op->use_empty())
        return;
      Value result = op->getResult(0);
      auto type = dyn_cast<RankedTensorType>(result.getType());
      std::optional<SmallVector<int64_t>> elements =
          type ? scope.integers(result) : std::nullopt;
      if (!elements || !type.hasStaticShape() ||
          type.getNumElements() != static_cast<int64_t>(elements->size()))
        return;
      auto integer = dyn_cast<IntegerType>(type.getElementType());
      if (!integer)
        return;
      SmallVector<APInt> values =
          llvm::map_to_vector(*elements, [&](int64_t element) {
            return APInt(integer.getWidth(), element, /*isSigned=*/true,
                         /*implicitTrunc=*/true);
          });
      OpBuilder builder(op);
      auto constant = nn::ConstantOp::create(
          builder, op->getLoc(), type, DenseElementsAttr::get(type, values));
      result.replaceAllUsesWith(constant.getResult());
      op->erase();
      isChanged = true;
    });
    return isChanged;
  }
};
} // namespace
