// GradCheck.h - gradients of a function beside differences.
//
// GradCheckFunction has what is differentiated and by what, GradCheck the
// comparison.
#pragma once
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "passes/graph/Evaluate.h"
#include "tools/burnish/Commands.h"
#include "tools/burnish/Compiler.h"
#include "llvm/Support/JSON.h"
#include <cmath>
#include <numbers>
#include <random>

namespace burnish {

/// How far a gradient may be from the difference.
constexpr double kTolerance = 1e-5;

/// A function of tensors that is checked: arguments in order, of which some
/// have gradients.
struct Argument {
  std::string name;
  mlir::RankedTensorType type;
  llvm::SmallVector<char> bytes;
  bool isVariable = false;

  double *numbers() { return reinterpret_cast<double *>(bytes.data()); }
};

/// What was found out about one variable.
struct Verdict {
  size_t compared = 0, skipped = 0;
  double worst = 0, gradient = 0, difference = 0;
  llvm::SmallVector<int64_t> where;
  bool agrees() const { return compared > 0 && worst <= kTolerance; }
};

class GradCheck {
public:
  GradCheck(const Options &options, Compiler &compiler)
      : options(options), compiler(compiler),
        draw(static_cast<uint64_t>(options.seed)) {}

  int run();

private:
  bool findLoss();
  bool chooseVariables();
  bool fillArguments();
  bool compile();
  std::optional<double> loss();
  std::optional<Verdict> compare(size_t index, llvm::ArrayRef<char> gradient);
  void print(const Argument &argument, const Verdict &verdict);

  double uniform() { return static_cast<double>(draw() >> 11) * 0x1p-53; }
  double normal() {
    double radius = std::sqrt(-2 * std::log(1 - uniform()));
    return radius * std::cos(2 * std::numbers::pi * uniform());
  }
  bool fail(const llvm::Twine &reason) {
    llvm::errs() << options.files[0] << ": " << reason << "\n";
    return false;
  }

  const Options &options;
  Compiler &compiler;
  std::mt19937_64 draw;
  mlir::func::FuncOp function;
  std::string lossText;
  std::vector<Argument> arguments;
  std::optional<Evaluator> forward, backward;
  llvm::json::Array report;
};

/// Gives dims that are open a size each: 2, 3, ... Whether there were any.
bool closeDims(mlir::ModuleOp module, Options &options);

} // namespace burnish
