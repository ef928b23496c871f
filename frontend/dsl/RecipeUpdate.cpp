// RecipeUpdate.cpp - the clause `update`: optimiser, learning rate, limits.
#include "frontend/dsl/RecipeReader.h"

using namespace burnish;
using namespace burnish::dsl;
using llvm::StringRef, llvm::dyn_cast;

namespace {
/// What a schedule of learning rates takes: its own numbers, beside `warmup`.
struct Schedule {
  StringRef name;
  std::vector<std::pair<StringRef, std::optional<double>>> numbers;
};
} // namespace

static const Schedule *findSchedule(StringRef name) {
  static const Schedule kSchedules[] = {
      {"constant", {}},
      {"step", {{"every", std::nullopt}, {"factor", 0.1}}},
      {"linear", {{"to", 0.0}}},
      {"cosine", {{"to", 0.0}}},
      {"onecycle", {{"peak", 0.3}, {"divide", 25.0}}},
      {"plateau", {{"patience", 3.0}, {"factor", 0.1}}}};
  auto *found = llvm::find_if(
      kSchedules, [&](const Schedule &each) { return each.name == name; });
  return found == std::end(kSchedules) ? nullptr : found;
}

bool RecipeReader::schedule(const CallExpr &call) {
  const Schedule *schedule = findSchedule(call.callee.text);
  if (!schedule)
    return reject(call.span, quoted(call.callee.text) +
                                 " is no schedule; there are constant, step, "
                                 "linear, cosine, onecycle and plateau");
  std::map<std::string, double> given;
  double warmup = 0;
  std::optional<double> rate;
  for (const ArgumentList &list : call.lists)
    for (const Argument &argument : list.arguments) {
      const Expr *expr = argument.value.get();
      StringRef name = argument.name ? argument.name.text : "";
      auto *range = dyn_cast<BinaryExpr>(expr);
      if (name.empty() && range && range->op == Operator::To) {
        std::optional<double> to = numberOf(*range->right);
        if (!to)
          return reject(expr->span, "a rate goes from a number to a number");
        given["to"] = *to;
        expr = range->left.get();
      }
      std::optional<double> number = numberOf(*expr);
      if (!number || *number < 0)
        return reject(expr->span, "a schedule takes numbers from 0");
      bool isKnown = llvm::any_of(schedule->numbers, [&](const auto &each) {
        return each.first == name;
      });
      if (name.empty() && !rate)
        rate = number;
      else if (name == "warmup")
        warmup = *number;
      else if (isKnown)
        given[name.str()] = *number;
      else
        return reject(argument.name ? argument.name.span : expr->span,
                      quoted(schedule->name) + " takes a rate" +
                          (name.empty() ? llvm::Twine(" alone")
                                        : ", and no " + quoted(name)));
    }
  if (!rate)
    return reject(call.span, quoted(schedule->name) + " takes a rate, as 1e-3");
  value("lr", *rate, true);
  value("lr.warmup", warmup, false);
  for (const auto &[name, otherwise] : schedule->numbers) {
    auto found = given.find(name.str());
    if (found == given.end() && !otherwise)
      return reject(call.span,
                    quoted(schedule->name) + " needs " + quoted(name));
    value(("lr." + name).str(),
          found == given.end() ? *otherwise : found->second, false);
  }
  facts.clauses.push_back({"schedule", schedule->name.str(), {}, {}});
  return true;
}

bool RecipeReader::rate(const Expr &expr) {
  if (auto *call = dyn_cast<CallExpr>(&expr))
    return schedule(*call);
  std::optional<double> number = numberOf(expr);
  if (!number || *number < 0)
    return reject(expr.span, "a rate is a number, or a schedule as "
                             "cosine(1e-3, warmup = 200)");
  value("lr", *number, true);
  value("lr.warmup", 0, false);
  facts.clauses.push_back({"schedule", "constant", {}, {}});
  return true;
}

bool RecipeReader::optimizer(const CallExpr &call) {
  facts.optimizer = &call;
  // The rate has the first place of what a step is given.
  const Expr *rateExpr = nullptr;
  for (const ArgumentList &list : call.lists)
    for (const Argument &argument : list.arguments)
      if (argument.name ? argument.name.text == "lr"
                        : &argument == &call.lists[0].arguments[0])
        rateExpr = argument.value.get();
  if (!rateExpr)
    return reject(call.span,
                  quoted(call.callee.text) + " needs a rate, as lr = 1e-3");
  if (!rate(*rateExpr))
    return false;
  double decay = 0;
  for (const ArgumentList &list : call.lists)
    for (const Argument &argument : list.arguments) {
      const Expr *expr = argument.value.get();
      StringRef name = argument.name.text;
      if (expr == rateExpr)
        continue;
      auto *on = dyn_cast<BinaryExpr>(expr);
      if (name == "decay" && on && on->op == Operator::On) {
        if (auto *pattern = dyn_cast<StringExpr>(on->right.get()))
          facts.decays = pattern->value;
        expr = on->left.get();
      }
      std::optional<double> number = numberOf(*expr);
      if (name.empty() || !number)
        return reject(expr->span, "an optimiser takes a rate and numbers by "
                                  "name");
      if (name == "decay")
        decay = *number;
      else if (name == "accumulate" && *number >= 1)
        facts.accumulate = static_cast<int64_t>(*number);
      else
        facts.hyperparameters[name.str()] = *number;
    }
  value("decay", decay, true);
  return true;
}

bool RecipeReader::update(const Clause &) {
  for (const ClauseItem &item : clause->items) {
    auto *call = dyn_cast<CallExpr>(item.parts[0].get());
    StringRef word = wordOf(*item.parts[0]);
    if (call && item.parts.size() == 1 && !facts.optimizer) {
      if (!optimizer(*call))
        return false;
    } else if (word == "clip" && facts.optimizer) {
      StringRef by = item.parts.size() == 3 ? wordOf(*item.parts[1]) : "norm";
      std::optional<double> limit = numberOf(*item.parts.back());
      if (!limit || *limit <= 0 || (by != "norm" && by != "value"))
        return reject(item.parts[0]->span,
                      "gradients are clipped as in: clip 1.0, or clip value "
                      "0.5");
      facts.clip =
          by == "norm" ? RecipeFacts::Clip::Norm : RecipeFacts::Clip::Value;
      value("clip", *limit, true);
    } else if (word == "ema" && facts.optimizer && item.parts.size() == 2) {
      std::optional<double> keep = numberOf(*item.parts[1]);
      if (!keep || *keep < 0 || *keep >= 1)
        return reject(item.parts[1]->span,
                      "an average keeps a part of itself, as ema 0.999");
      facts.hasAverage = true;
      value("ema", *keep, true);
    } else {
      return reject(item.parts[0]->span,
                    "there are an optimiser first, clip and ema");
    }
  }
  return true;
}
