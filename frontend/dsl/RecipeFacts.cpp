// RecipeFacts.cpp - what a recipe says: all clauses but those of the data and
// of the update.
#include "frontend/dsl/RecipeReader.h"

using namespace burnish;
using namespace burnish::dsl;
using llvm::StringRef, llvm::isa, llvm::dyn_cast;

ValueFact *RecipeFacts::find(StringRef name) {
  auto found = llvm::find_if(
      values, [&](const ValueFact &value) { return value.name == name; });
  return found == values.end() ? nullptr : &*found;
}

//===- Words and numbers --------------------------------------------------===//

std::optional<double> dsl::numberOf(const Expr &expr) {
  if (auto *number = dyn_cast<NumberExpr>(&expr))
    return number->value;
  auto *minus = dyn_cast<UnaryExpr>(&expr);
  if (!minus || minus->op != Operator::Negate)
    return std::nullopt;
  std::optional<double> value = numberOf(*minus->operand);
  return value ? std::optional(-*value) : std::nullopt;
}

StringRef dsl::wordOf(const Expr &expr) {
  auto *name = dyn_cast<NameExpr>(&expr);
  return name ? name->name : StringRef();
}

bool RecipeReader::reject(Span span, const llvm::Twine &wanted) {
  return messages.error(span, "in the clause " + quoted(clause->name.text) +
                                  ", " + wanted);
}

void RecipeReader::value(StringRef name, double number, bool isOfStep) {
  ValueFact fact{name.str(), number, -1};
  if (isOfStep)
    for (const ValueFact &each : facts.values)
      fact.place = std::max(fact.place, each.place);
  if (isOfStep)
    ++fact.place;
  facts.values.push_back(fact);
}

bool RecipeReader::take(const ClauseItem &item, double least, double &number) {
  std::optional<double> given =
      item.parts.size() == 2 ? numberOf(*item.parts[1]) : std::nullopt;
  if (!given || !(*given >= least))
    return reject(item.parts.back()->span,
                  quoted(wordOf(*item.parts[0])) + " is a number of at least " +
                      llvm::Twine(static_cast<int64_t>(least)));
  number = *given;
  return true;
}

//===- metrics ------------------------------------------------------------===//

static constexpr StringRef kMetrics[] = {
    "accuracy",  "top", "f1",  "precision", "recall",    "auc",
    "confusion", "mse", "mae", "r2",        "perplexity"};

bool dsl::isKnownMetric(StringRef name) {
  return llvm::is_contained(kMetrics, name);
}

bool RecipeReader::metric(const Clause &) {
  for (const ClauseItem &item : clause->items) {
    const Expr &expr = *item.parts[0];
    auto *call = dyn_cast<CallExpr>(&expr);
    StringRef name = call ? call->callee.text : wordOf(expr);
    bool hasTensors = false;
    ClauseFact fact{"metric", name.str(), {}, {}};
    if (call)
      for (const ArgumentList &list : call->lists)
        for (const Argument &argument : list.arguments) {
          if (std::optional<double> number = numberOf(*argument.value))
            fact.numbers.push_back(*number);
          else if (StringRef word = wordOf(*argument.value);
                   word == "macro" || word == "micro")
            fact.words.push_back(word.str());
          else
            hasTensors = true;
        }
    if (isKnownMetric(name) && !hasTensors) {
      facts.clauses.push_back(std::move(fact));
      continue;
    }
    if (!call && !isa<BinaryExpr, PipeExpr>(expr))
      return reject(expr.span, name.empty() ? llvm::Twine("this is no metric")
                                            : quoted(name) + " is no metric" +
                                                  nearest(name, kMetrics));
    std::string label = call && call->label ? call->label.text.str()
                        : !name.empty()     ? name.str()
                                            : "metric";
    unsigned same = llvm::count_if(facts.metrics, [&](const auto &other) {
      return StringRef(other.first).starts_with(label);
    });
    if (same)
      label += "_" + std::to_string(same + 1);
    facts.metrics.push_back({label, &expr});
    facts.clauses.push_back({"metric", "expression", {label}, {}});
  }
  return true;
}

//===- how long, and what is kept -----------------------------------------===//

/// Whether more of a metric is better; a loss and an error should fall.
static StringRef senseOf(StringRef metric) {
  StringRef name = metric.rsplit('.').second;
  if (name.empty())
    name = metric;
  static constexpr StringRef kFalling[] = {"loss", "mse", "mae", "perplexity"};
  return llvm::is_contained(kFalling, name) ? "min" : "max";
}

bool RecipeReader::epochs(const Clause &) {
  for (const ClauseItem &item : clause->items) {
    std::optional<double> count = numberOf(*item.parts[0]);
    if (item.parts.size() == 1 && count && *count >= 1)
      facts.find("epochs")->value = *count;
    else if (wordOf(*item.parts[0]) == "stop")
      return stop(item, 1);
    else
      return reject(item.parts[0]->span,
                    "there are a number of epochs, and: stop after 3 without "
                    "better val.accuracy");
  }
  return true;
}

bool RecipeReader::stop(const ClauseItem &item, size_t from) {
  auto word = [&](size_t at) {
    return from + at < item.parts.size() ? wordOf(*item.parts[from + at])
                                         : StringRef();
  };
  std::optional<double> after = from + 1 < item.parts.size()
                                    ? numberOf(*item.parts[from + 1])
                                    : std::nullopt;
  if (item.parts.size() != from + 5 || word(0) != "after" || !after ||
      *after < 1 || word(2) != "without" || word(3) != "better" ||
      word(4).empty())
    return reject(item.parts[0]->span,
                  "a training stops as in: stop after 3 without better "
                  "val.accuracy");
  facts.clauses.push_back(
      {"stop", word(4).str(), {senseOf(word(4)).str()}, {}});
  value("stop.after", *after, false);
  return true;
}

bool RecipeReader::save(const Clause &) {
  for (const ClauseItem &item : clause->items) {
    auto word = [&](size_t at) {
      return at < item.parts.size() ? wordOf(*item.parts[at]) : StringRef();
    };
    if (auto *file = dyn_cast<StringExpr>(item.parts[0].get())) {
      ClauseFact fact{"save", file->value, {}, {}};
      if (item.parts.size() == 4 && word(1) == "when" && word(2) == "best")
        fact.words = {"best", word(3).str(), senseOf(word(3)).str()};
      else if (item.parts.size() != 1)
        return reject(item.parts[1]->span,
                      "weights are saved at the end, or as in: when best "
                      "val.accuracy");
      facts.clauses.push_back(std::move(fact));
    } else if (word(0) == "checkpoint") {
      return checkpoint(item, 1);
    } else {
      return reject(item.parts[0]->span,
                    "there are the name of a file, and: checkpoint every 200 "
                    "steps");
    }
  }
  return true;
}

bool RecipeReader::checkpoint(const ClauseItem &item, size_t from) {
  std::optional<double> every = from + 1 < item.parts.size()
                                    ? numberOf(*item.parts[from + 1])
                                    : std::nullopt;
  if (item.parts.size() != from + 3 || wordOf(*item.parts[from]) != "every" ||
      !every || *every < 1 || wordOf(*item.parts[from + 2]) != "steps")
    return reject(item.parts[0]->span,
                  "a checkpoint is written as in: checkpoint every 200 steps");
  facts.find("checkpoint.every")->value = *every;
  return true;
}

//===- augment, freeze, lora ----------------------------------------------===//

bool RecipeReader::augment(const Clause &) {
  for (const ClauseItem &item : clause->items) {
    auto *call = dyn_cast<CallExpr>(item.parts[0].get());
    if (!item.target || !call || item.parts.size() != 1)
      return reject(item.parts[0]->span,
                    "a column is changed as in: image: shift(2), rotate(10)");
    bool isColumn = llvm::any_of(facts.columns, [&](const auto &column) {
      return column.name.text == item.target.text;
    });
    if (!isColumn)
      return reject(item.target.span,
                    quoted(item.target.text) + " is no column of the data");
    facts.augmentations.push_back({item.target, call});
  }
  return true;
}

bool RecipeReader::freeze(const Clause &) {
  for (const ClauseItem &item : clause->items) {
    auto *pattern = dyn_cast<StringExpr>(item.parts[0].get());
    if (!pattern || item.parts.size() != 1)
      return reject(item.parts[0]->span, "paths are frozen as in: \"base.*\"");
    facts.frozen.push_back(pattern->value);
  }
  return true;
}

bool RecipeReader::lora(const Clause &) {
  double alpha = 0;
  for (const ClauseItem &item : clause->items) {
    auto *on = dyn_cast<BinaryExpr>(item.parts[0].get());
    auto *pattern = on && on->op == Operator::On
                        ? dyn_cast<StringExpr>(on->right.get())
                        : nullptr;
    std::optional<double> rank = pattern ? numberOf(*on->left) : std::nullopt;
    if (!pattern && wordOf(*item.parts[0]) == "alpha") {
      if (!take(item, 0, alpha))
        return false;
      continue;
    }
    if (item.parts.size() != 1 || !rank || *rank < 1 ||
        *rank != std::floor(*rank) || *rank > 1 << 16)
      return reject(item.parts[0]->span,
                    "a rank stands before a pattern, as in: 8 on \"*.qkv.w\"");
    facts.factors.push_back(
        {static_cast<int64_t>(*rank), pattern->value, item.parts[0]->span});
  }
  for (RecipeFacts::Factors &each : facts.factors)
    if (alpha > 0)
      each.scale = alpha / static_cast<double>(each.rank);
  return true;
}

//===- All of it ----------------------------------------------------------===//

RecipeFacts RecipeReader::read(const Train &train) {
  facts.place = train.span.to(train.net.span);
  value("seed", 42, false);
  value("epochs", 10, false);
  value("steps", 0, false);
  value("checkpoint.every", 0, false);
  using Method = bool (RecipeReader::*)(const Clause &);
  // Columns are known before what names them.
  static constexpr std::pair<StringRef, Method> kClauses[] = {
      {"data", &RecipeReader::data},       {"split", &RecipeReader::split},
      {"augment", &RecipeReader::augment}, {"balance", &RecipeReader::balance},
      {"batch", &RecipeReader::batch},     {"update", &RecipeReader::update},
      {"metric", &RecipeReader::metric},   {"epochs", &RecipeReader::epochs},
      {"freeze", &RecipeReader::freeze},   {"lora", &RecipeReader::lora},
      {"save", &RecipeReader::save}};
  for (const auto &[name, method] : kClauses)
    for (const Clause &each : train.clauses)
      if (each.name.text == name) {
        clause = &each;
        (this->*method)(each);
      }
  for (const Clause &each : train.clauses) {
    clause = &each;
    const ClauseItem &item = each.items[0];
    if (each.name.text == "stop")
      stop(item, 0);
    else if (each.name.text == "checkpoint")
      checkpoint(item, 0);
    else if (each.name.text == "loss" &&
             (each.items.size() != 1 || item.parts.size() != 1))
      reject(each.span, "one expression is wanted");
    else if (each.name.text == "loss")
      facts.loss = item.parts[0].get();
  }
  return std::move(facts);
}

RecipeFacts dsl::readRecipe(const Train &train, Messages &messages) {
  return RecipeReader(messages).read(train);
}
