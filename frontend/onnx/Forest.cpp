// Forest.cpp - lays trees out so that every step is one comparison by `<=`.
#include "frontend/onnx/Forest.h"
#include "llvm/ADT/STLExtras.h"
#include <cmath>
#include <limits>
#include <map>

using llvm::Twine;

namespace burnish::onnx_import {
namespace {

/// More nodes than offsets of 32 bits can name.
constexpr int64_t kMostNodes = std::numeric_limits<int32_t>::max() / 8;

/// The greatest number below another; NaN, which nothing is at most, where
/// there is none.
double numberBelow(double value, bool isDouble) {
  constexpr double kLeast = -std::numeric_limits<double>::infinity();
  if (std::isnan(value) || value == kLeast)
    return std::nan("");
  return isDouble ? std::nextafter(value, kLeast)
                  : std::nextafter(static_cast<float>(value),
                                   static_cast<float>(kLeast));
}

class Flattener {
public:
  Flattener(const Forest &forest, bool isDouble, FlatForest &flat,
            llvm::function_ref<void(const Twine &)> fail)
      : forest(forest), isDouble(isDouble), flat(flat), fail(fail) {}

  bool run() {
    if (!checkNumbers() || !order())
      return false;
    layOut();
    describe();
    return true;
  }

private:
  using Child = Forest::Child;

  //===- What the file says -----------------------------------------------===//

  bool refuse(const Twine &reason) {
    fail(reason);
    return false;
  }

  bool checkNumbers() {
    auto exists = [&](const Child &child) {
      return child.number >= 0 &&
             child.number < (child.isLeaf
                                 ? forest.leafCount()
                                 : static_cast<int64_t>(forest.nodes.size()));
    };
    for (auto [number, node] : llvm::enumerate(forest.nodes)) {
      for (const Child &child : {node.whenTrue, node.whenFalse})
        if (!exists(child))
          return refuse("tree node " + Twine(number) + " has the child " +
                        Twine(child.number) + ", which is no " +
                        (child.isLeaf ? "leaf" : "node"));
      if (node.column < 0 ||
          node.column >= std::numeric_limits<int32_t>::max() / 2)
        return refuse("tree node " + Twine(number) + " reads column " +
                      Twine(node.column));
      flat.columnCount = std::max(flat.columnCount, node.column + 1);
    }
    for (const Child &root : forest.roots)
      if (!exists(root))
        return refuse("the root of a tree is " + Twine(root.number) +
                      ", which is no node");
    for (int32_t target : forest.targets)
      if (target < 0 || target >= forest.targetCount)
        return refuse("a leaf has a weight for target " + Twine(target) +
                      ", and there are " + Twine(forest.targetCount));
    return true;
  }

  //===- Steps ------------------------------------------------------------===//

  /// The set that a Member looks up, sorted, without NaN, in which nothing is.
  std::vector<double> membersOf(const Forest::Node &node) const {
    std::vector<double> set(forest.members.begin() + node.firstMember,
                            forest.members.begin() + node.endMember);
    llvm::erase_if(set, [](double each) { return std::isnan(each); });
    for (double &each : set)
      each = rounded(each);
    llvm::sort(set);
    set.erase(llvm::unique(set), set.end());
    return set;
  }

  double rounded(double value) const {
    return isDouble ? value : static_cast<float>(value);
  }
  double below(double value) const { return numberBelow(value, isDouble); }

  /// The most steps that a node takes, and how many nodes it becomes.
  struct Cost {
    int64_t steps, nodes;
  };
  Cost costOf(const Forest::Node &node) const {
    if (node.branch == Branch::Eq || node.branch == Branch::Neq)
      return {2, 2};
    if (node.branch != Branch::Member)
      return {1, 1};
    int64_t size = std::max<int64_t>(membersOf(node).size(), 1), levels = 0;
    while ((int64_t(1) << levels) < size)
      ++levels;
    return {levels + 2, size - 1 + 2 * size};
  }

  /// Visits what roots lead to, children before parents, with a stack of our
  /// own: a tree may be as deep as the file is long.
  bool order() {
    enum State : char { Unseen, Open, Done };
    std::vector<State> states(forest.nodes.size(), Unseen);
    steps.assign(forest.nodes.size(), 0);
    entries.assign(forest.nodes.size(), -1);
    leafEntries.assign(forest.leafCount(), -1);
    std::vector<std::pair<int64_t, int>> path;
    auto meet = [&](const Child &child) {
      int64_t &entry =
          child.isLeaf ? leafEntries[child.number] : entries[child.number];
      if (child.isLeaf) {
        if (entry < 0) {
          entry = total++;
          leaves.push_back(child.number);
        }
      } else if (states[child.number] == Unseen) {
        states[child.number] = Open;
        entry = total;
        total += costOf(forest.nodes[child.number]).nodes;
        path.push_back({child.number, 0});
      } else if (states[child.number] == Open) {
        return refuse("tree node " + Twine(child.number) +
                      " is among its own children");
      }
      return total <= kMostNodes ||
             refuse("more than " + Twine(kMostNodes) + " tree nodes");
    };
    for (const Child &root : forest.roots) {
      if (!meet(root))
        return false;
      while (!path.empty()) {
        auto [number, next] = path.back();
        const Forest::Node &node = forest.nodes[number];
        if (next == 2) {
          steps[number] =
              costOf(node).steps +
              std::max(stepsFrom(node.whenTrue), stepsFrom(node.whenFalse));
          states[number] = Done;
          inner.push_back(number);
          path.pop_back();
          continue;
        }
        ++path.back().second;
        if (!meet(next == 0 ? node.whenTrue : node.whenFalse))
          return false;
      }
    }
    return true;
  }

  int64_t stepsFrom(const Child &child) const {
    return child.isLeaf ? 0 : steps[child.number];
  }
  int64_t entryOf(const Child &child) const {
    return child.isLeaf ? leafEntries[child.number] : entries[child.number];
  }

  void layOut() {
    flat.columns.assign(total, 0);
    flat.whenTrue.assign(total, 0);
    flat.whenFalse.assign(total, 0);
    flat.numbers.assign(total, 0);
    flat.isTrueForNaN.assign(total, false);
    flat.isLeaf.assign(total, false);
    for (int64_t leaf : leaves) {
      int64_t at = leafEntries[leaf];
      flat.whenTrue[at] = flat.whenFalse[at] = at;
      flat.isLeaf[at] = true;
    }
    for (int64_t number : inner)
      layOut(forest.nodes[number], entries[number]);
  }

  /// column <= threshold, NaN as said.
  void compare(int64_t at, int64_t column, double threshold, int64_t whenTrue,
               int64_t whenFalse, bool isTrueForNaN) {
    flat.columns[at] = column;
    flat.numbers[at] = rounded(threshold);
    flat.whenTrue[at] = whenTrue;
    flat.whenFalse[at] = whenFalse;
    flat.isTrueForNaN[at] = isTrueForNaN;
  }

  /// column == threshold in two nodes from `at` on: not above, and not below.
  void compareEqual(int64_t at, int64_t column, double threshold,
                    int64_t whenTrue, int64_t whenFalse, bool isTrueForNaN) {
    threshold = rounded(threshold);
    compare(at, column, threshold, at + 1, whenFalse, isTrueForNaN);
    compare(at + 1, column, below(threshold), whenFalse, whenTrue, false);
  }

  void layOut(const Forest::Node &node, int64_t at) {
    int64_t yes = entryOf(node.whenTrue), no = entryOf(node.whenFalse),
            column = node.column;
    bool isTrue = node.isTrueForNaN;
    double threshold = rounded(node.threshold);
    switch (node.branch) {
    case Branch::Leq:
      return compare(at, column, threshold, yes, no, isTrue);
    case Branch::Lt:
      return compare(at, column, below(threshold), yes, no, isTrue);
    case Branch::Gt:
      // Nothing is above NaN, nor at most NaN.
      return std::isnan(threshold)
                 ? compare(at, column, threshold, yes, no, isTrue)
                 : compare(at, column, threshold, no, yes, !isTrue);
    case Branch::Gte:
      return std::isnan(threshold)
                 ? compare(at, column, threshold, yes, no, isTrue)
                 : compare(at, column, below(threshold), no, yes, !isTrue);
    case Branch::Eq:
      return compareEqual(at, column, threshold, yes, no, isTrue);
    case Branch::Neq:
      // NaN is not equal to anything.
      return compareEqual(at, column, threshold, no, yes, false);
    case Branch::Member: {
      std::vector<double> set = membersOf(node);
      if (set.empty())
        set.push_back(std::nan(""));
      int64_t next = at;
      search(set, column, yes, no, isTrue, next);
      return;
    }
    }
  }

  /// Halves a sorted set until one element is left.
  int64_t search(llvm::ArrayRef<double> set, int64_t column, int64_t yes,
                 int64_t no, bool isTrueForNaN, int64_t &next) {
    if (set.size() == 1) {
      int64_t at = next;
      next += 2;
      compareEqual(at, column, set[0], yes, no, isTrueForNaN);
      return at;
    }
    int64_t at = next++;
    size_t half = set.size() / 2;
    int64_t first = search(set.take_front(half), column, yes, no, isTrueForNaN,
                           next),
            second = search(set.drop_front(half), column, yes, no, isTrueForNaN,
                            next);
    compare(at, column, set[half - 1], first, second, isTrueForNaN);
    return at;
  }

  //===- What leaves hold -------------------------------------------------===//

  static constexpr int32_t kNone = -1, kSeveral = -2;

  /// The one target of a leaf, kNone or kSeveral.
  int32_t targetOf(int64_t leaf) const {
    int32_t from = forest.starts[leaf], to = forest.starts[leaf + 1];
    return from == to ? kNone : to - from > 1 ? kSeveral : forest.targets[from];
  }

  void describe() {
    // The target of all leaves below a node.
    std::vector<int32_t> targets(forest.nodes.size());
    auto below = [&](const Child &child) {
      return child.isLeaf ? targetOf(child.number) : targets[child.number];
    };
    for (int64_t number : inner) {
      const Forest::Node &node = forest.nodes[number];
      int32_t first = below(node.whenTrue), second = below(node.whenFalse);
      targets[number] = first == second ? first : kSeveral;
    }
    for (const Child &root : forest.roots) {
      int32_t target = below(root);
      flat.hasLists |= target < 0;
      flat.trees.push_back({static_cast<int32_t>(entryOf(root)),
                            static_cast<int32_t>(stepsFrom(root)), target});
    }
    for (int64_t leaf : leaves)
      flat.numbers[leafEntries[leaf]] =
          flat.hasLists ? leaf : forest.weights[forest.starts[leaf]];
    flat.isAlwaysScored.assign(forest.targetCount, false);
    if (!flat.hasLists) {
      for (const FlatForest::Tree &tree : flat.trees)
        flat.isAlwaysScored[tree.target] = true;
      return;
    }
    // Whether each leaf has all targets, as those of random forests do.
    std::vector<int64_t> seenBy(forest.targetCount, -1);
    bool hasAll = !leaves.empty();
    for (int64_t leaf : leaves) {
      int64_t count = 0;
      for (int32_t at = forest.starts[leaf]; at < forest.starts[leaf + 1]; ++at)
        if (seenBy[forest.targets[at]] != leaf) {
          seenBy[forest.targets[at]] = leaf;
          ++count;
        }
      hasAll &= count == forest.targetCount;
    }
    flat.isAlwaysScored.assign(forest.targetCount, hasAll);
  }

  const Forest &forest;
  const bool isDouble;
  FlatForest &flat;
  llvm::function_ref<void(const Twine &)> fail;
  /// By node: the most steps to a leaf, and the first of the nodes that it
  /// becomes.
  std::vector<int64_t> steps, entries, leafEntries;
  /// What roots lead to, children before parents.
  std::vector<int64_t> inner, leaves;
  int64_t total = 0;
};

} // namespace

bool flatten(const Forest &forest, bool isDouble, FlatForest &flat,
             llvm::function_ref<void(const Twine &)> fail) {
  return Flattener(forest, isDouble, flat, fail).run();
}

std::vector<int64_t> mirror(FlatForest &flat, bool isDouble, int64_t columns) {
  std::map<int64_t, int64_t> places;
  for (size_t at = 0; at < flat.columns.size(); ++at)
    if (flat.isTrueForNaN[at])
      places.try_emplace(flat.columns[at], 0);
  std::vector<int64_t> mirrored;
  for (auto &[column, place] : places) {
    place = columns + mirrored.size();
    mirrored.push_back(column);
  }
  for (size_t at = 0; at < flat.columns.size(); ++at) {
    if (!flat.isTrueForNaN[at])
      continue;
    flat.isTrueForNaN[at] = false;
    flat.columns[at] = places[flat.columns[at]];
    std::swap(flat.whenTrue[at], flat.whenFalse[at]);
    // All but NaN were above NaN.
    double &number = flat.numbers[at];
    number = std::isnan(number) ? std::numeric_limits<double>::infinity()
                                : numberBelow(-number, isDouble);
  }
  flat.columnCount = columns + mirrored.size();
  return mirrored;
}

} // namespace burnish::onnx_import
