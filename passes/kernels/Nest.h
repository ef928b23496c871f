// Nest.h - a kernel seen as loops over elements that lie at linear offsets.
#pragma once
#include "ir/Kernel.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "passes/kernels/Access.h"

namespace burnish {

/// The argument of a product's region that holds what was taken from its
/// weights (`loops/BoundPairs.h`); the region itself says nothing of it.
std::optional<unsigned> excessOf(nn::KernelOp kernel);
/// The scalar constant with which a tensor of a kernel's region is filled.
mlir::TypedAttr fillOf(mlir::Value tensor);

/// The algorithm of kernels that are several passes over the same elements.
constexpr llvm::StringLiteral kTogether = "together";

struct Loop {
  mlir::OpFoldResult size;
  bool isReduction = false;
  /// The loop of the root that this is; absent when it is several.
  std::optional<unsigned> source;

  /// The size where it is known, else ShapedType::kDynamic.
  int64_t known() const;
};

/// Zeros around an image: of the places along * step + taps * spacing of one of
/// its axes, those below `low` and the last `high` of `size`.
struct Border {
  /// Loops of the root.
  unsigned windows = 0, taps = 0;
  int64_t step = 0, spacing = 0, low = 0, high = 0;
  mlir::OpFoldResult size;

  /// The loops and steps of a place where windows meet taps that lie apart;
  /// nothing where `place` is no such one.
  static std::optional<Border> along(mlir::linalg::GenericOp root,
                                     mlir::AffineExpr place);
};

/// On the root of a kernel: for each input the zeros below and above it, axis
/// by axis, or nothing.
constexpr llvm::StringLiteral kBordersAttr = "nn.borders";

/// A tensor of a kernel's region that goes to an out, or to a part of one.
struct Store {
  mlir::Value value;
  Access access;
};

/// The computation of a kernel: one linalg.generic (the root), and one
/// elementwise generic on its result that may follow; or several elementwise
/// ones over the same elements.
class Nest {
public:
  using LayoutOf = llvm::function_ref<Layout(unsigned argument)>;
  using SizeOf =
      llvm::function_ref<mlir::OpFoldResult(unsigned argument, unsigned axis)>;

  /// Reads a kernel's region; failure when it is of another form. Sizes and
  /// layouts come from the caller: types when a schedule is chosen, buffers
  /// when code is made. `builder` may be null when no coefficient needs code.
  /// Loops that are one in memory become one if it `merges`.
  static llvm::FailureOr<Nest> of(nn::KernelOp kernel, LayoutOf layoutOf,
                                  SizeOf sizeOf,
                                  mlir::ImplicitLocOpBuilder *builder,
                                  bool merges = true);
  /// Whether loops whose sizes only the run knows become one, too.
  static bool mergesOpenLoops(nn::ScheduleAttr schedule);
  /// From types alone, all operands row-major.
  static llvm::FailureOr<Nest> ofTypes(nn::KernelOp kernel);

  llvm::SmallVector<Loop> loops;
  mlir::linalg::GenericOp root, epilogue;
  /// What reductions start from; null where the root has none.
  mlir::TypedAttr init;
  llvm::SmallVector<Access> inputs;
  /// One for each input of the epilogue; at `resultInput` there is the root's
  /// result.
  llvm::SmallVector<Access> epilogueInputs;
  unsigned resultInput = 0;
  Access out;
  /// What sums over windows may leave out.
  llvm::SmallVector<Border> borders;
  /// The argument with what was taken from a packed operand's bytes, behind
  /// which there is one that says where it belongs; and the entries of each
  /// vector of lanes.
  std::optional<unsigned> excess;
  int64_t excessCount = 0;
  /// Elementwise generics that read each other's results where they make their
  /// own, and what is stored of these; none where there is one root. `inputs`
  /// are then the operands that any of them reads, and `out` is the first of
  /// the stores.
  llvm::SmallVector<mlir::linalg::GenericOp> together;
  llvm::SmallVector<Store> stores;
  /// What makes the root's input `givenInput`, which is no operand; loops then
  /// stay as they are. There is no root when it makes the result itself.
  nn::WinogradOutputOp given;
  unsigned givenInput = 0;
  /// The element type of the root's result, and of the out.
  mlir::Type rootType, outType;

  bool hasReduction() const;
  /// Loops of sizes that only the run knows become one, too, where they are one
  /// in memory; its size takes a builder.
  void mergeOpenLoops(mlir::ImplicitLocOpBuilder *builder);
  /// Takes a loop out and stays at one of its iterations; without a builder
  /// nobody knows at which.
  void fix(mlir::ImplicitLocOpBuilder *builder, unsigned loop,
           mlir::Value index);
  /// The loop of the root that an index op in the epilogue asks for, by the
  /// epilogue's loop.
  llvm::SmallVector<unsigned> epilogueLoops;

private:
  void erase(unsigned loop);
  void dropUnitLoops();
  bool asksForIndex() const;
  bool isOneInMemory(unsigned outer, unsigned inner);
  void merge(unsigned outer, unsigned inner, mlir::OpFoldResult size);
  using ProductOf = llvm::function_ref<mlir::OpFoldResult(
      mlir::OpFoldResult outer, mlir::OpFoldResult inner)>;
  /// Loops that are one in memory become one, whose size is the product of
  /// theirs; those of which there is none (null) stay.
  void mergeWhere(ProductOf productOf);
  void mergeLoops();
  void forEachAccess(llvm::function_ref<void(Access &)> visit);
};

} // namespace burnish
