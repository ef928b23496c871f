// Recipe.cpp - what can be told of a recipe without training.
#include "frontend/dsl/Recipe.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringMap.h"

using namespace burnish;
using namespace burnish::dsl;
using llvm::StringRef;

/// `*` stands for any number of characters: each is tried at the first place
/// where what follows it fits, which is enough.
static bool matches(StringRef pattern, StringRef text) {
  auto [head, rest] = pattern.split('*');
  if (head.size() == pattern.size())
    return pattern == text;
  if (!text.consume_front(head))
    return false;
  while (rest.contains('*')) {
    auto [piece, next] = rest.split('*');
    size_t at = text.find(piece);
    if (at == StringRef::npos)
      return false;
    text = text.substr(at + piece.size());
    rest = next;
  }
  return text.ends_with(rest);
}

bool dsl::matchesPath(StringRef pattern, StringRef path, StringRef net) {
  if (matches(pattern, path))
    return true;
  return path.consume_front(net) && path.consume_front(".") &&
         matches(pattern, path);
}

namespace {
class RecipeChecker {
public:
  RecipeChecker(const Layer &net, llvm::ArrayRef<std::string> paths,
                Messages &messages)
      : net(net), paths(paths), messages(messages) {}

  void check(const Train &train) {
    static constexpr StringRef kNeeded[] = {"data", "loss", "update"};
    llvm::StringMap<Span> seen;
    for (const Clause &clause : train.clauses) {
      auto [entry, isNew] = seen.try_emplace(clause.name.text, clause.span);
      if (!isNew)
        messages.error(clause.name.span,
                       "a second clause " + quoted(clause.name.text),
                       {{entry->second, "the first is here"}});
      bool isPattern =
          clause.name.text == "freeze" || clause.name.text == "lora";
      for (const ClauseItem &item : clause.items)
        for (const ExprPtr &part : item.parts)
          patterns(*part, isPattern);
    }
    for (StringRef needed : kNeeded)
      if (train.isWhole && !seen.contains(needed))
        messages.error(train.span,
                       "the recipe has no clause " + quoted(needed));
  }

private:
  void pattern(const Expr &expr) {
    auto *string = llvm::dyn_cast<StringExpr>(&expr);
    if (!string)
      return;
    bool isMatched = llvm::any_of(paths, [&](const std::string &path) {
      return matchesPath(string->value, path, net.name.text);
    });
    if (isMatched)
      return;
    std::vector<StringRef> known(paths.begin(), paths.end());
    messages.error(expr.span,
                   quoted(string->value) + " matches no param of " +
                       quoted(net.name.text) + nearest(string->value, known),
                   {{net.name.span, "the net is here"}});
  }

  /// Strings of freeze and lora, and what stands behind `on`.
  void patterns(const Expr &expr, bool isPattern) {
    if (isPattern)
      pattern(expr);
    if (auto *both = llvm::dyn_cast<BinaryExpr>(&expr)) {
      if (both->op == Operator::On)
        pattern(*both->right);
      patterns(*both->left, false);
      patterns(*both->right, false);
    } else if (auto *call = llvm::dyn_cast<CallExpr>(&expr)) {
      for (const ArgumentList &list : call->lists)
        for (const Argument &argument : list.arguments)
          patterns(*argument.value, false);
    }
  }

  const Layer &net;
  llvm::ArrayRef<std::string> paths;
  Messages &messages;
};
} // namespace

void dsl::checkRecipe(const Train &train, const Layer &net,
                      llvm::ArrayRef<std::string> paths, Messages &messages) {
  RecipeChecker(net, paths, messages).check(train);
}
