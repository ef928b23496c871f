// Term.h - what an expression stands for while a network is built.
#pragma once
#include "frontend/dsl/Ast.h"
#include "mlir/IR/AffineExpr.h"
#include "mlir/IR/Value.h"

namespace burnish::dsl {

struct ScanContext;

/// A tensor, or what is known when compiling: a whole number (which may hold
/// dims that only a run knows), another number, a truth, a text, an element
/// type, nothing (None), several of these, the index of a scan, or a column of
/// data whose type is not known yet. Poison follows from a problem that is
/// reported, and is not reported again.
struct Term {
  enum Kind {
    Poison,
    Tensor,
    Whole,
    Real,
    Truth,
    Text,
    ElementType,
    None,
    Tuple,
    Position,
    Open
  };
  Kind kind = Poison;
  mlir::Value tensor;
  mlir::AffineExpr whole;
  double real = 0;
  bool truth = false;
  std::string text;
  mlir::Type elementType;
  std::vector<Term> parts;
  /// Of a tensor that is one number of a recipe: like a number, it takes the
  /// element type of what it meets.
  bool isNumeric = false;
  /// Of the index of a scan.
  ScanContext *scan = nullptr;
  /// Where it was made.
  Span from;
  /// The name of the dim that a whole number is, if it is one.
  llvm::StringRef dimName;

  bool isPoison() const { return kind == Poison; }
  bool isNumber() const { return kind == Whole || kind == Real; }

  static Term ofTensor(mlir::Value value, Span from) {
    Term term(Tensor, from);
    term.tensor = value;
    return term;
  }
  static Term ofWhole(mlir::AffineExpr whole, Span from) {
    Term term(Whole, from);
    term.whole = whole;
    return term;
  }
  static Term ofReal(double real, Span from) {
    Term term(Real, from);
    term.real = real;
    return term;
  }
  static Term ofTruth(bool truth, Span from) {
    Term term(Truth, from);
    term.truth = truth;
    return term;
  }
  static Term ofText(llvm::StringRef text, Span from) {
    Term term(Text, from);
    term.text = text.str();
    return term;
  }
  static Term ofType(mlir::Type type, Span from) {
    Term term(ElementType, from);
    term.elementType = type;
    return term;
  }
  static Term none(Span from) { return Term(None, from); }
  static Term ofColumn(llvm::StringRef name, Span from) {
    Term term(Open, from);
    term.text = name.str();
    return term;
  }
  static Term ofTuple(std::vector<Term> parts, Span from) {
    Term term(Tuple, from);
    term.parts = std::move(parts);
    return term;
  }
  /// One result as it is, several as a tuple.
  static Term ofResults(std::vector<Term> results, Span from) {
    return results.size() == 1 ? std::move(results[0])
                               : ofTuple(std::move(results), from);
  }

  Term() = default;

private:
  Term(Kind kind, Span from) : kind(kind), from(from) {}
};

/// The element type of a name, as f32; null for one that is none.
mlir::Type elementTypeOf(llvm::StringRef name, mlir::MLIRContext *context);
/// Its name.
std::string nameOf(mlir::Type elementType);

} // namespace burnish::dsl
