// ReadForest.cpp - trees from the attributes of nodes, in the two ways that
// ai.onnx.ml has to write them.
#include "frontend/onnx/expand/ReadForest.h"
#include "ir/Storage.h"
#include "mlir/IR/Matchers.h"
#include "llvm/ADT/DenseMap.h"

using namespace llvm;
using mlir::Value;

namespace burnish::onnx_import {
namespace {

// False after a diagnostic when a list has another length than the first; one
// that may be left out may be empty.
bool haveLength(Expansion &e, size_t length, StringRef first,
                ArrayRef<std::pair<StringRef, size_t>> others) {
  for (auto [name, size] : others)
    if (size != length) {
      e.fail("'" + first + "' has " + Twine(length) + " elements, and '" +
             name + "' " + Twine(size));
      return false;
    }
  return true;
}

std::optional<Branch> branchOf(StringRef mode) {
  return StringSwitch<std::optional<Branch>>(mode)
      .Case("BRANCH_LEQ", Branch::Leq)
      .Case("BRANCH_LT", Branch::Lt)
      .Case("BRANCH_GTE", Branch::Gte)
      .Case("BRANCH_GT", Branch::Gt)
      .Case("BRANCH_EQ", Branch::Eq)
      .Case("BRANCH_NEQ", Branch::Neq)
      .Default(std::nullopt);
}

// Sets that nodes look up, one after the other, each ended by a NaN.
bool readMembers(Expansion &e, Forest &forest) {
  SmallVector<double> values = e.numbersAttr("membership_values");
  forest.members.assign(values.begin(), values.end());
  size_t next = 0;
  for (Forest::Node &node : forest.nodes) {
    if (node.branch != Branch::Member)
      continue;
    if (next >= values.size()) {
      e.fail("'membership_values' has fewer sets than there are nodes that "
             "look one up");
      return false;
    }
    node.firstMember = next;
    while (next < values.size() && !std::isnan(values[next]))
      ++next;
    node.endMember = next++;
  }
  return true;
}

// Reads nodes that name their children, and weights that name their leaf, by
// the number of a tree and one within it.
class NumberedReader {
public:
  NumberedReader(Expansion &e, StringRef prefix, Forest &forest)
      : e(e), list((prefix + "_").str()), forest(forest) {}

  bool read() {
    return readLists() && placeNodes() && addInnerNodes() && addLeaves();
  }

private:
  bool readLists();
  bool placeNodes();
  bool addInnerNodes();
  bool addLeaves();
  std::string nameOf(size_t i) const {
    return ("node " + Twine(numbers[i]) + " of tree " + Twine(trees[i])).str();
  }

  Expansion &e;
  std::string list;
  Forest &forest;
  SmallVector<int64_t> trees, numbers, columns, whenTrue, whenFalse, tracks;
  SmallVector<double> thresholds;
  const onnx::AttributeProto *modes = nullptr;
  SmallVector<int64_t> weightTrees, weightNodes, targets;
  SmallVector<double> weights;

  // Which node or leaf each pair of numbers is, and which of the file's nodes
  // the inner ones are.
  DenseMap<std::pair<int64_t, int64_t>, Forest::Child> places;
  std::vector<size_t> sources;
  int64_t leaves = 0;
};

bool NumberedReader::readLists() {
  trees = e.intsAttr("nodes_treeids");
  numbers = e.intsAttr("nodes_nodeids");
  columns = e.intsAttr("nodes_featureids");
  whenTrue = e.intsAttr("nodes_truenodeids");
  whenFalse = e.intsAttr("nodes_falsenodeids");
  tracks = e.intsAttr("nodes_missing_value_tracks_true");
  thresholds = e.numbersAttr("nodes_values");
  modes = findAttribute(e.node, "nodes_modes");
  weightTrees = e.intsAttr(list + "treeids");
  weightNodes = e.intsAttr(list + "nodeids");
  targets = e.intsAttr(list + "ids");
  weights = e.numbersAttr(list + "weights");
  size_t count = trees.size();
  return haveLength(e, count, "nodes_treeids",
                    {{"nodes_nodeids", numbers.size()},
                     {"nodes_featureids", columns.size()},
                     {"nodes_truenodeids", whenTrue.size()},
                     {"nodes_falsenodeids", whenFalse.size()},
                     {"nodes_values", thresholds.size()},
                     {"nodes_modes", modes ? modes->strings_size() : 0},
                     {"nodes_missing_value_tracks_true",
                      tracks.empty() ? count : tracks.size()}}) &&
         haveLength(e, targets.size(), list + "ids",
                    {{list + "treeids", weightTrees.size()},
                     {list + "nodeids", weightNodes.size()},
                     {list + "weights", weights.size()}});
}

bool NumberedReader::placeNodes() {
  DenseSet<int64_t> treesSeen;
  for (size_t i = 0; i < trees.size(); ++i) {
    bool isLeaf = modes->strings(i) == "LEAF";
    Forest::Child child{isLeaf ? leaves++ : int64_t(sources.size()), isLeaf};
    if (!isLeaf)
      sources.push_back(i);
    if (!places.try_emplace({trees[i], numbers[i]}, child).second) {
      e.fail(nameOf(i) + " is there twice");
      return false;
    }
    // The first node of a tree is its root.
    if (treesSeen.insert(trees[i]).second)
      forest.roots.push_back(child);
  }
  return true;
}

bool NumberedReader::addInnerNodes() {
  for (size_t i : sources) {
    std::optional<Branch> branch = branchOf(modes->strings(i));
    if (!branch) {
      e.fail(nameOf(i) + " has the unknown mode '" + modes->strings(i) + "'");
      return false;
    }
    Forest::Child children[2];
    for (auto [child, number] :
         {std::pair(&children[0], whenTrue[i]), {&children[1], whenFalse[i]}}) {
      auto found = places.find({trees[i], number});
      if (found == places.end()) {
        e.fail(nameOf(i) + " has the child " + Twine(number) +
               ", which is no node of the tree");
        return false;
      }
      *child = found->second;
    }
    forest.nodes.push_back({*branch, columns[i], thresholds[i],
                            !tracks.empty() && tracks[i] == 1, children[0],
                            children[1]});
  }
  return true;
}

// Weights by leaf, as they stand; those of inner nodes count for nothing. Of
// one target each leaf gives its first, as in ONNX Runtime: the paths that
// skl2onnx writes have the number of a leaf once for each class.
bool NumberedReader::addLeaves() {
  std::vector<SmallVector<size_t, 1>> ofLeaf(leaves);
  for (size_t i = 0; i < targets.size(); ++i) {
    auto found = places.find({weightTrees[i], weightNodes[i]});
    if (found == places.end()) {
      e.fail("'" + list + "nodeids' has node " + Twine(weightNodes[i]) +
             " of tree " + Twine(weightTrees[i]) + ", which is not there");
      return false;
    }
    if (targets[i] < 0 || targets[i] >= forest.targetCount) {
      e.fail("'" + list + "ids' has " + Twine(targets[i]) + ", and there are " +
             Twine(forest.targetCount));
      return false;
    }
    if (found->second.isLeaf)
      ofLeaf[found->second.number].push_back(i);
  }
  for (ArrayRef<size_t> own : ofLeaf) {
    if (forest.targetCount == 1)
      own = own.take_front();
    for (size_t i : own) {
      forest.targets.push_back(targets[i]);
      forest.weights.push_back(weights[i]);
    }
    forest.starts.push_back(forest.targets.size());
  }
  return true;
}

} // namespace

bool readNumbered(Expansion &e, StringRef prefix, Forest &forest) {
  return NumberedReader(e, prefix, forest).read();
}

bool readPlaced(Expansion &e, Forest &forest) {
  SmallVector<int64_t> columns = e.intsAttr("nodes_featureids"),
                       whenTrue = e.intsAttr("nodes_truenodeids"),
                       whenFalse = e.intsAttr("nodes_falsenodeids"),
                       isLeafWhenTrue = e.intsAttr("nodes_trueleafs"),
                       isLeafWhenFalse = e.intsAttr("nodes_falseleafs"),
                       tracks = e.intsAttr("nodes_missing_value_tracks_true"),
                       targets = e.intsAttr("leaf_targetids");
  SmallVector<double> thresholds = e.numbersAttr("nodes_splits"),
                      weights = e.numbersAttr("leaf_weights");
  SmallVector<int64_t> modes;
  mlir::ElementsAttr elements;
  if (Value tensor = e.tensorAttr("nodes_modes");
      tensor && mlir::matchPattern(tensor, mlir::m_Constant(&elements)))
    modes = nn::readIntegers(elements, std::numeric_limits<int64_t>::max())
                .value_or(SmallVector<int64_t>());
  size_t count = columns.size();
  if (!haveLength(e, count, "nodes_featureids",
                  {{"nodes_truenodeids", whenTrue.size()},
                   {"nodes_falsenodeids", whenFalse.size()},
                   {"nodes_trueleafs", isLeafWhenTrue.size()},
                   {"nodes_falseleafs", isLeafWhenFalse.size()},
                   {"nodes_splits", thresholds.size()},
                   {"nodes_modes", modes.size()},
                   {"nodes_missing_value_tracks_true",
                    tracks.empty() ? count : tracks.size()}}) ||
      !haveLength(e, targets.size(), "leaf_targetids",
                  {{"leaf_weights", weights.size()}}))
    return false;
  for (size_t i = 0; i < count; ++i) {
    if (modes[i] < 0 || modes[i] > int64_t(Branch::Member)) {
      e.fail("tree node " + Twine(i) + " has the unknown mode " +
             Twine(modes[i]));
      return false;
    }
    forest.nodes.push_back({Branch(modes[i]),
                            columns[i],
                            thresholds[i],
                            !tracks.empty() && tracks[i] == 1,
                            {whenTrue[i], isLeafWhenTrue[i] != 0},
                            {whenFalse[i], isLeafWhenFalse[i] != 0}});
  }
  for (auto [target, weight] : zip(targets, weights)) {
    if (target < 0 || target >= forest.targetCount) {
      e.fail("'leaf_targetids' has " + Twine(target) + ", and there are " +
             Twine(forest.targetCount));
      return false;
    }
    forest.targets.push_back(target);
    forest.weights.push_back(weight);
    forest.starts.push_back(forest.targets.size());
  }
  for (int64_t root : e.intsAttr("tree_roots"))
    forest.roots.push_back({root, false});
  return readMembers(e, forest);
}

} // namespace burnish::onnx_import
