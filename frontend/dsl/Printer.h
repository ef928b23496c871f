// Printer.h - prints a function of the nn dialect as a net of the language.
#pragma once
#include "frontend/dsl/Identifiers.h"
#include "frontend/dsl/Print.h"
#include "ir/Ops.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

namespace burnish::dsl {

/// Each operator becomes a `let`, small constants stand where they are used,
/// and large ones are params in a file. Methods that give a truth are false
/// after a report. `depth` is how many blocks a line stands in: two spaces
/// each.
class Printer {
public:
  Printer(llvm::StringRef weightsFile, Diagnostics &diagnostics)
      : weightsFile(weightsFile), diagnostics(diagnostics) {}

  std::optional<PrintedNetwork> run(mlir::func::FuncOp func);

private:
  // Print.cpp: the net, its types, and the lines of a block.
  std::string inputsOf(mlir::func::FuncOp func);
  /// What the results are called, which the values they are get as names.
  llvm::SmallVector<std::string> outputsOf(mlir::func::FuncOp func);
  std::string typeText(mlir::Type type, mlir::DictionaryAttr attributes);
  bool block(mlir::Block &block, unsigned depth);
  bool op(mlir::Operation &op, unsigned depth);
  void let(unsigned depth, llvm::ArrayRef<std::string> given,
           const llvm::Twine &value);
  /// The results of an operator as the names on the left.
  void letResults(mlir::Operation &op, const std::string &value,
                  unsigned depth);
  /// What a value is called that an operator gives.
  std::string given(mlir::Value value);
  std::string operand(mlir::Value value) { return names[value]; }

  // PrintLiterals.cpp: elements, constants and attributes.
  std::string elementText(mlir::Type elementType);
  std::string literal(mlir::ElementsAttr value);
  std::string attributeText(llvm::StringRef op, mlir::Attribute value);
  void constant(nn::ConstantOp op);
  /// A constant in the file of the tensors, as a param or state.
  void stored(nn::ConstantOp op);
  void strings(nn::StringsOp op);

  // PrintCalls.cpp: operators without bodies.
  std::string call(mlir::Operation &op);
  /// `a + b`, where both sides are known to fit; else nothing.
  std::string infix(mlir::Operation &op);
  llvm::SmallVector<std::string> operandTexts(mlir::Operation &op);

  // PrintBranches.cpp
  bool choice(nn::IfOp op, unsigned depth);
  std::string ifText(nn::IfOp op, unsigned depth);
  std::string branchTypes(nn::IfOp op);
  bool taken(nn::IfOp op, mlir::Region &branch, unsigned depth);

  // PrintLoops.cpp
  bool loop(nn::LoopOp op, unsigned depth);
  bool scan(nn::ScanOp op, unsigned depth);
  std::string carriedText(mlir::BlockArgument argument, mlir::Value initial);
  void changes(llvm::ArrayRef<mlir::BlockArgument> carried,
               mlir::ValueRange next, mlir::ValueRange emitted,
               llvm::ArrayRef<int64_t> axes, unsigned depth);
  void around(const std::string &head, std::string outside,
              mlir::ValueRange emitted, mlir::ValueRange finals,
              llvm::ArrayRef<mlir::BlockArgument> carried, unsigned depth);
  std::string turnAround(const std::string &name, const std::string &as,
                         mlir::Value value, int64_t axis, unsigned depth);

  std::string identifier(llvm::StringRef name, llvm::StringRef otherwise) {
    return identifiers.make(name, otherwise);
  }
  /// One number or truth as one without dims, as `if` and `loop` take it.
  std::string withoutDims(mlir::Value value);
  bool error(const llvm::Twine &where, const llvm::Twine &reason) {
    isFine = false;
    return diagnostics.error(where, reason);
  }

  llvm::StringRef weightsFile;
  Diagnostics &diagnostics;
  PrintedNetwork result;
  std::string netName;
  /// The lines so far: of the params, and of the block that is being printed.
  std::string params, lines;
  llvm::DenseMap<mlir::Value, std::string> names;
  /// What values that are given out are called.
  llvm::DenseMap<mlir::Value, std::string> wanted;
  llvm::StringMap<std::string> dims;
  Identifiers identifiers;
  unsigned counter = 0;
  bool isFine = true;
};

/// `(a, b)`, and `(a,)` of one.
std::string tupleText(llvm::ArrayRef<std::string> parts);

} // namespace burnish::dsl
