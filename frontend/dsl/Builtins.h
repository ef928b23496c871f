// Builtins.h - the functions that are no layers: operators of the nn dialect.
#pragma once
#include "frontend/dsl/Elaborator.h"

namespace burnish::dsl {

bool isBuiltin(llvm::StringRef name);
std::vector<llvm::StringRef> builtinNames();
/// None, true, false, inf, nan, pi.
bool isConstantName(llvm::StringRef name);
/// `zeros[N, h]` and `ones[N, h]`.
bool isFilling(llvm::StringRef name);

/// A call of a builtin, an element type, or `nn.OPERATOR`.
Term builtin(Elaborator &elaborator, const CallExpr &call, const Term *piped,
             Frame &frame, Scope &scope);

/// A call whose arguments are evaluated and put in the order of the signature.
/// What is wrong with one is reported, and then isFine is false.
class Invocation {
public:
  Invocation(Elaborator &e, const CallExpr &call, llvm::StringRef name,
             llvm::ArrayRef<llvm::StringRef> names)
      : e(e), call(call), name(name), names(names), values(names.size()) {}

  bool has(unsigned index) const {
    return values[index] && values[index]->kind != Term::None;
  }
  const Term &term(unsigned index) const { return *values[index]; }
  /// An operand; a number becomes a tensor of `like`, or of f32.
  mlir::Value tensor(unsigned index, mlir::Type like = {});
  int64_t rank(mlir::Value value) const { return e.shapes.rank(value); }
  int64_t whole(unsigned index, int64_t otherwise);
  double real(unsigned index, double otherwise);
  bool truth(unsigned index, bool otherwise);
  std::string text(unsigned index, llvm::StringRef otherwise);
  /// A number for each of `count` axes: one number stands for all.
  llvm::SmallVector<int64_t> perAxis(unsigned index, int64_t count,
                                     int64_t otherwise);
  /// A tuple of numbers, or one.
  llvm::SmallVector<int64_t> wholes(unsigned index);
  nn::Dims dims(unsigned index);
  /// Axes by number, or by the name of the dim that they have.
  llvm::SmallVector<int64_t> axes(unsigned index, mlir::Value of);
  int64_t axis(unsigned index, mlir::Value of, int64_t otherwise);

  Term error(const llvm::Twine &reason, const llvm::Twine &remedy = "") {
    isFine = false;
    return e.fail(call.span, reason, {}, remedy);
  }
  Term result(mlir::Value value) { return e.result(value, call.span); }

  Elaborator &e;
  const CallExpr &call;
  llvm::StringRef name;
  llvm::ArrayRef<llvm::StringRef> names;
  std::vector<std::optional<Term>> values;
  bool isFine = true;

private:
  std::string where(unsigned index) const {
    return quoted(names[index]) + " of " + quoted(name);
  }
};

/// A builtin: its name, its parameters in order, and how many of these must be
/// given.
struct Builtin {
  llvm::StringRef name;
  llvm::SmallVector<llvm::StringRef, 6> parameters;
  unsigned required;
  Term (*build)(Invocation &);
};

/// The builtins of each file.
llvm::ArrayRef<Builtin> elementwiseBuiltins();
llvm::ArrayRef<Builtin> layoutBuiltins();
llvm::ArrayRef<Builtin> networkBuiltins();
/// `nn.OPERATOR(operands..., attribute = value)` (RawOperators.cpp).
Term rawOperator(Elaborator &elaborator, const CallExpr &call,
                 std::vector<Term> operands,
                 std::vector<std::pair<Ident, Term>> attributes);

} // namespace burnish::dsl
