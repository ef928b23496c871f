// OutlineMoves.cpp - many fills, copies and other loops of one form become
// calls of one function.
#include "ir/Signature.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Matchers.h"
#include "mlir/Transforms/RegionUtils.h"
#include "passes/Passes.h"

using namespace mlir;
using namespace burnish;

namespace burnish {
#define GEN_PASS_DEF_OUTLINEMOVES
#include "passes/Passes.h.inc"
} // namespace burnish

/// So many loop nests in a row cost LLVM little. Its time grows with the square
/// of them: 125 convolutions, of four borders each, took 8 s, and 250 took 39.
static constexpr size_t kMostInPlace = 32;

/// Whether an operation becomes loops that no schedule is for: they move
/// elements, or repeat them where only the run knows that they have to.
static bool isMove(Operation *op) {
  // An assertion returns from the function that it is in.
  if (auto loops = dyn_cast<linalg::GenericOp>(op))
    return loops.hasPureBufferSemantics() &&
           !op->walk([](cf::AssertOp) {
                return WalkResult::interrupt();
              }).wasInterrupted();
  auto isBuffer = [](Value value) { return isa<MemRefType>(value.getType()); };
  if (auto copy = dyn_cast<memref::CopyOp>(op)) {
    auto isContiguous = [&](Value buffer) {
      return isBuffer(buffer) &&
             cast<MemRefType>(buffer.getType()).getLayout().isIdentity();
    };
    return llvm::all_of(op->getOperands(), isBuffer) &&
           !llvm::all_of(op->getOperands(), isContiguous);
  }
  return isa<linalg::FillOp, linalg::TransposeOp>(op) &&
         op->getNumResults() == 0;
}

/// The type of a buffer that may begin anywhere, as the four borders of one
/// buffer do.
static MemRefType fromAnywhere(MemRefType type) {
  auto layout = dyn_cast<StridedLayoutAttr>(type.getLayout());
  if (!layout)
    return type;
  return MemRefType::get(type.getShape(), type.getElementType(),
                         StridedLayoutAttr::get(type.getContext(),
                                                ShapedType::kDynamic,
                                                layout.getStrides()),
                         type.getMemorySpace());
}

namespace {
/// What a move takes from around it: its operands, and what its body uses.
struct Taken {
  explicit Taken(Operation *move)
      : operands(move->operand_begin(), move->operand_end()) {
    getUsedValuesDefinedAbove(move->getRegions(), inside);
    inside.remove_if([&](Value value) { return operands.contains(value); });
  }
  /// Numbers that are known stay known.
  static bool isKnown(Value value) {
    return !isa<MemRefType>(value.getType()) &&
           matchPattern(value, m_Constant());
  }
  /// Calls `visit` with each value that is not known, and its type as an
  /// argument.
  void forEach(llvm::function_ref<void(Value, Type)> visit) const {
    for (Value value : operands)
      if (auto type = dyn_cast<MemRefType>(value.getType()))
        visit(value, fromAnywhere(type));
      else if (!isKnown(value))
        visit(value, value.getType());
    for (Value value : inside)
      if (!isKnown(value))
        visit(value, value.getType());
  }

  llvm::SetVector<Value> operands, inside;
};
} // namespace

/// A function that does what `move` does.
static func::FuncOp makeFunction(ModuleOp module, Operation *move,
                                 const Taken &taken) {
  auto b = OpBuilder::atBlockEnd(module.getBody());
  SmallVector<Type> types;
  taken.forEach([&](Value, Type type) { types.push_back(type); });
  StringRef name = isa<linalg::GenericOp>(move)
                       ? "elements"
                       : move->getName().stripDialect();
  auto function = func::FuncOp::create(b, move->getLoc(), name,
                                       b.getFunctionType(types, {}));
  function.setPrivate();
  function->setAttr(
      "llvm.linkage",
      LLVM::LinkageAttr::get(b.getContext(), LLVM::Linkage::Internal));
  function->setAttr("passthrough", b.getStrArrayAttr({"noinline"}));
  Block *entry = function.addEntryBlock();
  b.setInsertionPointToStart(entry);
  IRMapping values;
  auto argument = entry->args_begin();
  taken.forEach([&](Value value, Type) { values.map(value, *argument++); });
  for (ArrayRef<Value> all :
       {taken.operands.getArrayRef(), taken.inside.getArrayRef()})
    for (Value value : all)
      if (Taken::isKnown(value))
        values.map(value, b.clone(*value.getDefiningOp())->getResult(0));
  b.clone(*move, values);
  func::ReturnOp::create(b, move->getLoc());
  return function;
}

/// What functions that do the same have in common, and no others.
static std::string textOf(func::FuncOp function) {
  std::string text;
  llvm::raw_string_ostream stream(text);
  // In its own scope: else every name of the module is made first.
  function.print(stream,
                 OpPrintingFlags().printGenericOpForm().useLocalScope());
  return text;
}

namespace {
struct OutlineMoves : burnish::impl::OutlineMovesBase<OutlineMoves> {
  void runOnOperation() override {
    FailureOr<func::FuncOp> model = nn::modelFunction(getOperation());
    if (failed(model))
      return signalPassFailure();
    SmallVector<Operation *> moves;
    model->walk([&](Operation *op) {
      if (isMove(op))
        moves.push_back(op);
    });
    if (moves.size() <= kMostInPlace)
      return;
    SymbolTable symbols(getOperation());
    llvm::StringMap<func::FuncOp> functions;
    for (Operation *move : moves) {
      Taken taken(move);
      func::FuncOp made = makeFunction(getOperation(), move, taken);
      auto [known, isNew] = functions.try_emplace(textOf(made), made);
      if (isNew)
        symbols.insert(made);
      else
        made.erase();
      call(move, taken, known->second);
    }
  }

  static void call(Operation *move, const Taken &taken, func::FuncOp function) {
    OpBuilder b(move);
    SmallVector<Value> operands;
    taken.forEach([&](Value value, Type type) {
      operands.push_back(
          value.getType() == type
              ? value
              : Value(memref::CastOp::create(b, move->getLoc(), type, value)));
    });
    func::CallOp::create(b, move->getLoc(), function, operands);
    move->erase();
  }
};
} // namespace
