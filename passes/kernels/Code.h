// Code.h - what the makers of kernels share: offsets, loads and stores, loops
// over tiles.
#pragma once
#include "passes/kernels/Nest.h"

namespace burnish {

struct RowNest;

/// An index: a value (or none) and what is added to it.
struct Index {
  mlir::Value value;
  int64_t constant = 0;

  Index operator+(int64_t more) const { return {value, constant + more}; }
};

/// The function of one kernel while it is made. Loops of the nest have their
/// indices in `at`.
struct KernelCode {
  KernelCode(mlir::ImplicitLocOpBuilder &builder, const Nest &nest,
             nn::ScheduleAttr schedule, llvm::ArrayRef<mlir::Value> data)
      : b(builder), nest(nest), schedule(schedule), data(data),
        at(nest.loops.size()) {}

  mlir::ImplicitLocOpBuilder &b;
  const Nest &nest;
  nn::ScheduleAttr schedule;
  /// For each argument of the kernel's region: its memory in one dim, or its
  /// scalar.
  llvm::SmallVector<mlir::Value> data;
  llvm::SmallVector<Index> at;
  /// The iteration of the loop around a kernel that goes back and forth; else
  /// null.
  mlir::Value turn;

  mlir::Value constant(int64_t value);
  mlir::Value valueOf(Index index);
  mlir::Value size(unsigned loop);

  /// The offset of an access at the present indices.
  mlir::Value offset(const Access &access, int64_t more = 0);
  /// One element, or `width` of them along `lanes`: a scalar if they are the
  /// same.
  mlir::Value load(const Access &access, std::optional<unsigned> lanes,
                   int64_t width);
  /// The elements of so many iterations of a loop from the present one on, side
  /// by side.
  mlir::Value loadSteps(const Access &access, unsigned loop, int64_t steps);
  void store(const Access &access, mlir::Value value,
             std::optional<unsigned> lanes, int64_t width);

  /// The index of a loop of the root for a body, with `lanes` in a vector of
  /// `width`.
  mlir::Value indexOf(unsigned source, std::optional<unsigned> lanes,
                      int64_t width);
  /// Results that lie in turns from one place on: one of each, the next of
  /// each, and so on.
  void storeWoven(const Access &access, llvm::ArrayRef<mlir::Value> strands,
                  std::optional<unsigned> lanes, int64_t width);

  /// A result of the root after the epilogue, if there is one.
  mlir::Value conclude(mlir::Value result, std::optional<unsigned> lanes,
                       int64_t width);
  /// Concludes a result and stores it.
  void finish(mlir::Value result, std::optional<unsigned> lanes, int64_t width);

  /// for index = from; index < to; index += step.
  void loop(mlir::Value from, mlir::Value to, int64_t step,
            llvm::function_ref<void(mlir::Value)> body);
  /// The same with values that one iteration hands to the next.
  llvm::SmallVector<mlir::Value>
  carry(mlir::Value from, mlir::Value to, int64_t step, mlir::ValueRange init,
        llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value,
                                                          mlir::ValueRange)>
            body);
  /// The same for sums: those of stretches are added up, so that rounding
  /// errors grow with the length of a stretch and the number of them, not with
  /// the product of both.
  llvm::SmallVector<mlir::Value> sumStretches(
      mlir::Value from, mlir::Value to, int64_t stretch, mlir::ValueRange init,
      llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value,
                                                        mlir::ValueRange)>
          body,
      int64_t step = 1);
  /// Covers [0, size) by tiles: as many of the first length as there are, then
  /// what remains: exactly where that is known, else by the other lengths in
  /// turn, and then one by one.
  void tiles(mlir::OpFoldResult size, llvm::ArrayRef<int64_t> lengths,
             llvm::function_ref<void(Index base, int64_t count)> body);
  /// The same of [begin, end) where only the run knows how many these are.
  void tilesFrom(mlir::Value begin, mlir::Value end,
                 llvm::ArrayRef<int64_t> lengths,
                 llvm::function_ref<void(Index base, int64_t count)> body);
};

/// Makes kernels of large copies and transposes.
void moveInKernels(mlir::ModuleOp module);

/// A length and the smaller powers of two: what remains of a size that only run
/// time knows is covered by one of each at most.
llvm::SmallVector<int64_t> withPowersBelow(int64_t length);

/// Widths of vectors that cover `count` elements: `lanes` as often as it fits,
/// then powers of two.
llvm::SmallVector<int64_t> piecesOf(int64_t count, int64_t lanes);

/// Memory of the function's own frame, in elements.
mlir::Value frameMemory(mlir::ImplicitLocOpBuilder &b, mlir::Type type,
                        int64_t count);

// The makers: each fills the present function, whose tasks from `begin` to
// `end` it does; `tasksOf...` says how many there are.

void makeElements(KernelCode &code, mlir::Value begin, mlir::Value end);
mlir::OpFoldResult tasksOfElements(mlir::ImplicitLocOpBuilder &b,
                                   const Nest &nest, nn::ScheduleAttr schedule);
void makeProduct(KernelCode &code, mlir::Value begin, mlir::Value end);
mlir::OpFoldResult tasksOfProduct(mlir::ImplicitLocOpBuilder &b,
                                  const Nest &nest, nn::ScheduleAttr schedule);
/// With `lines`, the line of the image for each tap across lies so many
/// elements on, wherever that is.
void makeWindows(KernelCode &code, mlir::Value begin, mlir::Value end,
                 llvm::ArrayRef<mlir::Value> lines = {});
mlir::OpFoldResult tasksOfWindows(mlir::ImplicitLocOpBuilder &b,
                                  const Nest &nest, nn::ScheduleAttr schedule);
void makeRows(KernelCode &code, const RowNest &rows, mlir::Value begin,
              mlir::Value end);
mlir::OpFoldResult tasksOfRows(mlir::ImplicitLocOpBuilder &b,
                               const RowNest &rows);

/// Results of nn.winograd_output through the root's body; a task is one tile.
/// `layout` is that of the products.
void makeWinogradOutput(KernelCode &code, const Layout &layout,
                        mlir::Value begin, mlir::Value end);
mlir::OpFoldResult tasksOfWinogradOutput(mlir::ImplicitLocOpBuilder &b,
                                         const Nest &nest);

} // namespace burnish
