// Loops.h - loops that carry tensors, and sorting with them.
#pragma once
#include "ir/Lowering.h"
#include "ir/Scalar.h"

namespace burnish::nn {

using LoopBody = llvm::function_ref<llvm::SmallVector<mlir::Value>(
    mlir::ImplicitLocOpBuilder &, mlir::ValueRange indices,
    mlir::ValueRange carried)>;

/// Loops over `sizes`, each from 0, the last one innermost. `body` gives the
/// next of what is carried.
llvm::SmallVector<mlir::Value>
loopNest(mlir::ImplicitLocOpBuilder &builder,
         llvm::ArrayRef<mlir::OpFoldResult> sizes, mlir::ValueRange carried,
         LoopBody body);

/// Computes `body` where the condition holds, and gives `otherwise` elsewhere.
llvm::SmallVector<mlir::Value>
onlyIf(mlir::ImplicitLocOpBuilder &builder, mlir::Value condition,
       mlir::ValueRange otherwise,
       llvm::function_ref<
           llvm::SmallVector<mlir::Value>(mlir::ImplicitLocOpBuilder &)>
           body);

/// A tensor without contents that a loop may carry. Unlike empty tensors of one
/// size, of which a compiler makes one, two of these are two.
mlir::Value scratch(Lowering &lowering, mlir::Type elementType,
                    llvm::ArrayRef<mlir::OpFoldResult> sizes);

/// Lists of i64 that hold numbers of items: an index as an element of one, and
/// element `at` as an index.
mlir::Value asItem(mlir::ImplicitLocOpBuilder &builder, mlir::Value index);
Scalar itemAt(mlir::ImplicitLocOpBuilder &builder, mlir::Value list,
              mlir::Value at);

/// Whether item `left` comes strictly before item `right` (both of type index).
using Before = llvm::function_ref<mlir::Value(
    mlir::ImplicitLocOpBuilder &, mlir::Value left, mlir::Value right)>;

/// The numbers 0 to `count` - 1 in the order that `before` asks for, equals as
/// they stood: a list of i64 that takes the place of `order`. Both lists have
/// `count` elements, and `spare` is written over.
mlir::Value sortedOrder(mlir::ImplicitLocOpBuilder &builder, mlir::Value count,
                        mlir::Value order, mlir::Value spare, Before before);

/// The first `count` items of a list of i64 in the order that `before` asks
/// for.
mlir::Value sortedList(mlir::ImplicitLocOpBuilder &builder, mlir::Value count,
                       mlir::Value list, mlir::Value spare, Before before);

/// Refuses the run with BadValue unless `body` (an i1) holds for all elements
/// of a loop nest over `sizes`.
void requireAll(Lowering &lowering, llvm::ArrayRef<mlir::OpFoldResult> sizes,
                llvm::ArrayRef<Lowering::Operand> inputs,
                llvm::StringRef message, Lowering::ScalarBody body);

} // namespace burnish::nn
