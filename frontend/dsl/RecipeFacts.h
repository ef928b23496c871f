// RecipeFacts.h - what a recipe says, read from its clauses.
#pragma once
#include "frontend/dsl/Ast.h"
#include "frontend/dsl/Messages.h"
#include <map>

namespace burnish::dsl {

/// A clause, or a part of one, that the loop of a training program obeys
/// (runtime/include/burnish_train.h).
struct ClauseFact {
  std::string clause, name;
  std::vector<std::string> words;
  std::vector<double> numbers;
};

/// A number of the recipe that a training program can be given another for.
struct ValueFact {
  std::string name;
  double value = 0;
  /// Its place among those that each step is given, or -1.
  int place = -1;
};

struct RecipeFacts {
  /// Where it begins.
  Span place;
  /// A column of the data: what it is called, and what is made of it.
  struct Column {
    Ident name;
    const Expr *value;
  };
  std::vector<Column> columns;
  /// `image: shift(2)`.
  struct Augmentation {
    Ident target;
    const CallExpr *call;
  };
  std::vector<Augmentation> augmentations;
  /// Sizes of dims; the first is that of the batch.
  std::vector<std::pair<Ident, int64_t>> dims;

  const Expr *loss = nullptr;
  /// What `balance` weighs samples by.
  bool isWeighted = false;
  /// Metrics that are expressions, by the names that they are given.
  std::vector<std::pair<std::string, const Expr *>> metrics;

  const CallExpr *optimizer = nullptr;
  /// The numbers of the optimiser that are its own.
  std::map<std::string, double> hyperparameters;
  /// Only params of these paths decay; empty: all but those with @no_decay.
  std::string decays;
  enum class Clip { None, Norm, Value } clip = Clip::None;
  bool hasAverage = false;
  int64_t accumulate = 1;
  std::vector<std::string> frozen;
  /// Matrices of these paths are trained through factors of a small rank.
  struct Factors {
    int64_t rank;
    std::string pattern;
    Span span;
    /// Their product counts so many times.
    double scale = 1;
  };
  std::vector<Factors> factors;

  std::vector<ValueFact> values;
  std::vector<ClauseFact> clauses;

  ValueFact *find(llvm::StringRef name);
};

/// Reads the clauses of a recipe; what none of them can mean is reported, and
/// then the result is not to be used.
RecipeFacts readRecipe(const Train &train, Messages &messages);

/// Whether a clause names a metric that is computed from scores and a column.
bool isKnownMetric(llvm::StringRef name);

} // namespace burnish::dsl
