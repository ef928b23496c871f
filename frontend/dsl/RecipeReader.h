// RecipeReader.h - reads the clauses of a recipe, one method each.
#pragma once
#include "frontend/dsl/RecipeFacts.h"
#include "llvm/ADT/STLExtras.h"
#include <cmath>

namespace burnish::dsl {

/// A number as it is written, maybe with a minus.
std::optional<double> numberOf(const Expr &expr);
/// A name; empty for what is none.
llvm::StringRef wordOf(const Expr &expr);

/// A method reads one clause, and is false after a report.
class RecipeReader {
public:
  explicit RecipeReader(Messages &messages) : messages(messages) {}
  RecipeFacts read(const Train &train);

private:
  bool augment(const Clause &clause);
  bool metric(const Clause &clause);
  bool epochs(const Clause &clause);
  bool freeze(const Clause &clause);
  bool lora(const Clause &clause);
  bool save(const Clause &clause);
  bool stop(const ClauseItem &item, size_t from);
  bool checkpoint(const ClauseItem &item, size_t from);

  // RecipeData.cpp
  bool data(const Clause &clause);
  bool split(const Clause &clause);
  bool balance(const Clause &clause);
  bool batch(const Clause &clause);
  bool source(const Expr &expr, ClauseFact &fact);
  bool checkColumn(const Expr &expr);

  // RecipeUpdate.cpp
  bool update(const Clause &clause);
  bool optimizer(const CallExpr &call);
  bool rate(const Expr &expr);
  bool schedule(const CallExpr &call);

  /// The number of `word NUMBER`.
  bool take(const ClauseItem &item, double least, double &number);
  bool reject(Span span, const llvm::Twine &wanted);
  void value(llvm::StringRef name, double number, bool isOfStep);

  Messages &messages;
  const Clause *clause = nullptr;
  RecipeFacts facts;
};

} // namespace burnish::dsl
