// Forest.h - ensembles of decision trees as models give them, checked.
#pragma once
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/STLFunctionalExtras.h"
#include "llvm/ADT/Twine.h"
#include <cstdint>
#include <vector>

namespace burnish::onnx_import {

/// How a node compares its column with its threshold; the order is ONNX's.
enum class Branch : uint8_t { Leq, Lt, Gte, Gt, Eq, Neq, Member };

/// Trees whose nodes have consecutive numbers; leaves have others, from 0 too.
struct Forest {
  struct Child {
    int64_t number;
    bool isLeaf;
  };
  struct Node {
    Branch branch;
    int64_t column;
    double threshold;
    /// Whether NaN goes where the comparison holds.
    bool isTrueForNaN;
    Child whenTrue, whenFalse;
    /// The set of a Member: elements of `members`.
    size_t firstMember = 0, endMember = 0;
  };
  std::vector<Node> nodes;
  std::vector<double> members;
  std::vector<Child> roots;
  /// Leaf k has the weights from starts[k] to starts[k + 1].
  std::vector<int32_t> starts{0}, targets;
  std::vector<double> weights;
  int64_t targetCount = 0;

  int64_t leafCount() const { return starts.size() - 1; }
};

/// A forest in the tables of nn.tree_ensemble: every comparison is `<=`.
struct FlatForest {
  /// Of each node the column, the numbers of both children, and the threshold,
  /// or what a leaf holds.
  std::vector<int64_t> columns, whenTrue, whenFalse;
  std::vector<double> numbers;
  std::vector<bool> isTrueForNaN, isLeaf;
  struct Tree {
    int32_t root, steps, target;
  };
  std::vector<Tree> trees;
  /// Whether leaves hold the numbers of lists.
  bool hasLists = false;
  /// For each target, whether every row gets a weight for it.
  std::vector<bool> isAlwaysScored;
  int64_t columnCount = 1;
};

/// Lays a forest out in 32-bit or 64-bit floats; false after `fail` said why it
/// cannot be done: numbers that name nothing, and cycles.
bool flatten(const Forest &forest, bool isDouble, FlatForest &flat,
             llvm::function_ref<void(const llvm::Twine &)> fail);

/// Lets NaN go where no comparison holds, in all nodes: where it went the other
/// way, `column <= threshold` becomes `-column <= what is below -threshold`,
/// with its children exchanged. The columns that are read with the other sign
/// come back; the first of them stands behind the `columns` there were.
std::vector<int64_t> mirror(FlatForest &flat, bool isDouble, int64_t columns);

} // namespace burnish::onnx_import
