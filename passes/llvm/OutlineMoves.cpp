// OutlineMoves.cpp - many fills and copies of one form become calls of one
// function.
#include "ir/Signature.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Matchers.h"
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

/// Whether an operation becomes loops that only move elements.
static bool isMove(Operation *op) {
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

/// A function that does what `move` does; numbers that are known stay known.
static func::FuncOp makeFunction(ModuleOp module, Operation *move) {
  auto b = OpBuilder::atBlockEnd(module.getBody());
  SmallVector<Type> types;
  for (Value operand : move->getOperands())
    if (auto type = dyn_cast<MemRefType>(operand.getType()))
      types.push_back(fromAnywhere(type));
    else if (!matchPattern(operand, m_Constant()))
      types.push_back(operand.getType());
  StringRef name = move->getName().stripDialect();
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
  for (Value operand : move->getOperands())
    if (isa<MemRefType>(operand.getType()) ||
        !matchPattern(operand, m_Constant()))
      values.map(operand, *argument++);
    else
      values.map(operand, b.clone(*operand.getDefiningOp())->getResult(0));
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
      func::FuncOp made = makeFunction(getOperation(), move);
      auto [known, isNew] = functions.try_emplace(textOf(made), made);
      if (isNew)
        symbols.insert(made);
      else
        made.erase();
      call(move, known->second);
    }
  }

  static void call(Operation *move, func::FuncOp function) {
    OpBuilder b(move);
    SmallVector<Value> operands;
    for (Value operand : move->getOperands()) {
      bool isBuffer = isa<MemRefType>(operand.getType());
      if (!isBuffer && matchPattern(operand, m_Constant()))
        continue;
      Type type = function.getArgumentTypes()[operands.size()];
      operands.push_back(operand.getType() == type
                             ? operand
                             : Value(memref::CastOp::create(b, move->getLoc(),
                                                            type, operand)));
    }
    func::CallOp::create(b, move->getLoc(), function, operands);
    move->erase();
  }
};
} // namespace
