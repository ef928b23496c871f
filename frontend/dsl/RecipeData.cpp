// RecipeData.cpp - what a recipe says of its data: where columns come from, and
// how samples are parted, weighed and put into batches.
#include "frontend/dsl/RecipeReader.h"
#include "llvm/Support/Format.h"

using namespace burnish;
using namespace burnish::dsl;
using llvm::StringRef, llvm::dyn_cast;

//===- data ---------------------------------------------------------------===//

/// The one name in an expression that is no call: the column it is made of.
static void namesIn(const Expr &expr, std::vector<const NameExpr *> &names) {
  if (auto *name = dyn_cast<NameExpr>(&expr))
    names.push_back(name);
  else if (auto *both = dyn_cast<BinaryExpr>(&expr)) {
    namesIn(*both->left, names);
    namesIn(*both->right, names);
  } else if (auto *one = dyn_cast<UnaryExpr>(&expr)) {
    namesIn(*one->operand, names);
  } else if (auto *call = dyn_cast<CallExpr>(&expr)) {
    for (const ArgumentList &list : call->lists)
      for (const Argument &argument : list.arguments)
        namesIn(*argument.value, names);
  }
}

bool RecipeReader::source(const Expr &expr, ClauseFact &fact) {
  static constexpr StringRef kKinds[] = {"idx",         "csv",    "npy", "npz",
                                         "safetensors", "images", "text"};
  auto *call = dyn_cast<CallExpr>(&expr);
  if (!call || !llvm::is_contained(kKinds, call->callee.text))
    return reject(expr.span,
                  "data comes from idx, csv, npy, npz, safetensors, images or "
                  "text" +
                      (call ? nearest(call->callee.text, kKinds) : ""));
  fact.name = call->callee.text.str();
  for (const ArgumentList &list : call->lists)
    for (const Argument &argument : list.arguments) {
      std::string text;
      if (auto *string = dyn_cast<StringExpr>(argument.value.get()))
        text = string->value;
      else if (std::optional<double> number = numberOf(*argument.value))
        llvm::raw_string_ostream(text) << llvm::format("%.9g", *number);
      else if (StringRef word = wordOf(*argument.value); !word.empty())
        text = word.str();
      else
        return reject(argument.value->span,
                      "a source takes names of files, words and numbers");
      fact.words.push_back(argument.name ? argument.name.text.str() + "=" + text
                                         : text);
    }
  return true;
}

bool RecipeReader::data(const Clause &) {
  for (const ClauseItem &item : clause->items) {
    if (item.parts.size() != 3 || wordOf(*item.parts[1]) != "from")
      return reject(item.parts[0]->span,
                    "columns come from a source, as (x, y) from "
                    "npz(\"train.npz\")");
    ClauseFact fact{"data", "", {}, {}};
    if (!source(*item.parts[2], fact))
      return false;
    std::vector<const Expr *> columns;
    if (auto *tuple = dyn_cast<TupleExpr>(item.parts[0].get()))
      for (const ExprPtr &part : tuple->parts)
        columns.push_back(part.get());
    else
      columns.push_back(item.parts[0].get());
    for (const Expr *column : columns) {
      std::vector<const NameExpr *> names;
      namesIn(*column, names);
      if (names.size() != 1)
        return reject(column->span,
                      "a column is a name, or is made of one, as image / 255");
      Ident name{names[0]->name, names[0]->span};
      for (const RecipeFacts::Column &other : facts.columns)
        if (other.name.text == name.text)
          return messages.error(name.span,
                                "a second column " + quoted(name.text),
                                {{other.name.span, "the first is here"}});
      facts.columns.push_back({name, column});
      fact.words.push_back(("column=" + name.text).str());
    }
    facts.clauses.push_back(std::move(fact));
  }
  return true;
}

bool RecipeReader::checkColumn(const Expr &expr) {
  StringRef name = wordOf(expr);
  std::vector<StringRef> known;
  for (const RecipeFacts::Column &column : facts.columns)
    known.push_back(column.name.text);
  return llvm::is_contained(known, name) ||
         reject(expr.span, "this is no column of the data" +
                               (name.empty() ? "" : nearest(name, known)));
}

//===- split, balance, batch ----------------------------------------------===//

bool RecipeReader::split(const Clause &) {
  double sum = 0;
  for (const ClauseItem &item : clause->items) {
    StringRef word = wordOf(*item.parts[0]);
    double number = 0;
    if (word == "train" || word == "val" || word == "test") {
      ClauseFact fact{"split", word.str(), {}, {}};
      // `val from csv(...)`, or with a share of it before.
      size_t at = item.parts.size() >= 3 && wordOf(*item.parts[1]) == "from" ? 2
                  : item.parts.size() == 4 && wordOf(*item.parts[2]) == "from"
                      ? 3
                      : 0;
      if (at) {
        if (!source(*item.parts[at], fact))
          return false;
        fact.words.insert(fact.words.begin(), fact.name);
        fact.name = word.str();
      } else {
        auto *part = item.parts.size() == 2
                         ? dyn_cast<NumberExpr>(item.parts[1].get())
                         : nullptr;
        if (!part || part->value <= 0 ||
            part->value > (part->isPercent ? 100 : 1))
          return reject(item.parts[0]->span,
                        "a part is a share of the data, as train 90%, or comes "
                        "from a source of its own");
        number = part->isPercent ? part->value / 100 : part->value;
        sum += number;
        fact.numbers.push_back(number);
      }
      facts.clauses.push_back(std::move(fact));
    } else if (word == "stratified") {
      if (item.parts.size() != 3 || wordOf(*item.parts[1]) != "by")
        return reject(item.parts[0]->span,
                      "samples are stratified by a column of classes");
      if (!checkColumn(*item.parts[2]))
        return false;
      facts.clauses.push_back(
          {"split", "stratified", {wordOf(*item.parts[2]).str()}, {}});
    } else if (word == "folds") {
      if (!take(item, 2, number))
        return false;
      facts.clauses.push_back({"split", "folds", {}, {number}});
    } else {
      return reject(item.parts[0]->span,
                    "there are train, val, test, stratified by and folds");
    }
  }
  return sum <= 1 + 1e-9 ||
         reject(clause->span, "the parts are more than all of the data");
}

bool RecipeReader::balance(const Clause &) {
  const ClauseItem &item = clause->items[0];
  StringRef way = item.parts.size() == 3 ? wordOf(*item.parts[2]) : "";
  if (clause->items.size() != 1 || item.parts.size() != 3 ||
      wordOf(*item.parts[1]) != "by" ||
      (way != "weight" && way != "oversampling"))
    return reject(clause->span,
                  "classes are balanced as in: label by weight, or label by "
                  "oversampling");
  if (!checkColumn(*item.parts[0]))
    return false;
  facts.isWeighted = way == "weight";
  facts.clauses.push_back(
      {"balance", way.str(), {wordOf(*item.parts[0]).str()}, {}});
  return true;
}

bool RecipeReader::batch(const Clause &) {
  for (const ClauseItem &item : clause->items) {
    double number = 0;
    if (item.name) {
      std::optional<double> size = numberOf(*item.parts[0]);
      if (!size || *size < 1 || *size > 1 << 24 || *size != std::floor(*size))
        return reject(item.parts[0]->span, "a dim is a whole number from 1");
      facts.dims.push_back({item.name, static_cast<int64_t>(*size)});
    } else if (item.parts.size() == 1 && wordOf(*item.parts[0]) == "shuffle") {
      facts.clauses.push_back({"shuffle", "", {}, {}});
    } else if (wordOf(*item.parts[0]) == "seed") {
      if (!take(item, 0, number))
        return false;
      facts.find("seed")->value = number;
    } else {
      return reject(item.parts[0]->span,
                    "there are sizes of dims, as N = 64, shuffle and seed");
    }
  }
  return true;
}
