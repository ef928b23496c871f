// Attention.h - two products with passes over rows between them.
#pragma once
#include "passes/kernels/Rows.h"

namespace burnish {

/// A product of queries and keys, passes along the keys over its result (the
/// scores), and a product of what these make of it (the weights) and values,
/// which is summed up along the keys.
struct AttentionForm {
  static std::optional<AttentionForm>
  of(llvm::ArrayRef<mlir::linalg::GenericOp> group);

  mlir::linalg::GenericOp scores, values;
  llvm::SmallVector<mlir::linalg::GenericOp> passes;
  /// Inputs of the first product, and of the second.
  unsigned queryInput, keyInput, weightInput, valueInput;
  /// For each loop over the scores, the last of which runs along the keys: the
  /// loop of each product.
  llvm::SmallVector<unsigned> scoreLoops, valueLoops;
  /// The one of them whose rows make up a tile: keys and values do not move.
  unsigned query;
  /// What the first product sums over.
  llvm::SmallVector<unsigned> depth;
  /// Of a first product of bf16: the last of these, along which the queries'
  /// elements lie in pairs that are multiplied at once. Whether the second is
  /// one of bf16, of which pairs of keys are.
  std::optional<unsigned> scorePairs;
  bool hasValuePairs = false;
  /// The loop of the second product along which its result lies.
  unsigned lanes;

  unsigned scoreKey() const { return scoreLoops.back(); }
  unsigned valueKey() const { return valueLoops.back(); }
  int64_t size(unsigned loop) const { return sizes[loop]; }
  int64_t queryCount() const { return sizes[query]; }
  int64_t keyCount() const { return sizes.back(); }
  int64_t depthCount() const;
  int64_t laneCount() const;
  int64_t outerCount() const;

private:
  // Each is false where the group is no attention.
  bool readScores();
  void pairDepth();
  bool readValues(mlir::Value weights);
  bool chooseQuery();

  llvm::SmallVector<int64_t> sizes;
};

/// Such a kernel with its operands as they lie.
struct AttentionNest {
  static llvm::FailureOr<AttentionNest> of(nn::KernelOp kernel,
                                           Nest::LayoutOf layoutOf,
                                           mlir::ImplicitLocOpBuilder *builder);
  static llvm::FailureOr<AttentionNest> ofTypes(nn::KernelOp kernel);

  /// Values and results lie along the lanes.
  bool isStraight() const;

  AttentionForm form;
  /// The products: loops and accesses of the inputs that are operands. Keys in
  /// panels have these counted by their loop.
  Nest scores, values;
  RowNest rows;
  bool hasPanels = false;
  /// The pass of `rows` that makes the weights. Of a softmax these are not
  /// divided by their sum yet, which is the value of another pass and left to
  /// the results of the second product; where that is no number, some models
  /// take weights of zero.
  unsigned weights;
  std::optional<unsigned> divisor;
  bool isGuarded = false;
};

/// Scores of a tile, and their weights where these are bf16, lie in the frame,
/// in at most so many bytes.
constexpr int64_t kScoreBytes = 256 << 10;

/// Makes the kernel read its keys in panels of so many, as its tiles do: a
/// kernel before it lays them out.
void readKeysInPanels(nn::KernelOp kernel);

/// Fills the present function, which lays keys out in panels; a task is one of
/// these.
void makePanels(mlir::ImplicitLocOpBuilder &b, nn::KernelOp kernel,
                llvm::ArrayRef<mlir::Value> data,
                llvm::ArrayRef<Layout> layouts, mlir::Value begin,
                mlir::Value end);
int64_t tasksOfPanels(nn::KernelOp kernel);

/// A task is a tile of rows.
void makeAttention(KernelCode &code, const AttentionNest &nest,
                   mlir::Value begin, mlir::Value end);
int64_t tasksOfAttention(const AttentionNest &nest, nn::ScheduleAttr schedule);

} // namespace burnish
