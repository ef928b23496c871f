// EntrySizes.h - sizes that follow from the sizes of inputs alone.
#pragma once
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Builders.h"
#include "llvm/ADT/DenseMap.h"

namespace burnish {

/// Computes sizes of a function's buffers once more, at a place where nothing
/// but the sizes of its arguments is there.
class EntrySizes {
public:
  /// What stands for the size of an argument at an axis, or null.
  using DimOf = std::function<mlir::Value(mlir::BlockArgument, int64_t)>;

  /// Copies go to where `builder` stands, one behind the other. They never
  /// trap: where the function would divide by 0, they divide by 1.
  EntrySizes(mlir::OpBuilder &builder, DimOf dimOf)
      : builder(builder), dimOf(std::move(dimOf)) {}

  /// A copy of an index or integer; null when more than sizes of arguments is
  /// in it.
  mlir::Value copyOf(mlir::Value value);
  /// The size of a buffer at an axis; null like above.
  mlir::Value sizeOf(mlir::Value buffer, int64_t axis);

private:
  mlir::Value copyOf(mlir::OpFoldResult size);
  mlir::Value make(mlir::Value value);

  mlir::OpBuilder &builder;
  DimOf dimOf;
  llvm::DenseMap<mlir::Value, mlir::Value> copies;
};

/// The sizes that only run time knows of those arguments of a model's function
/// that are inputs: argument and axis, in order.
llvm::SmallVector<std::pair<mlir::BlockArgument, int64_t>>
entryDims(mlir::func::FuncOp function);

/// A private function from entryDims, as indices, to what `fill` returns, named
/// for the model's function and `suffix`. `fill` is given sizes whose copies go
/// into it.
mlir::func::FuncOp makeEntryFunction(
    mlir::func::FuncOp function, llvm::StringRef suffix,
    llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::OpBuilder &,
                                                      EntrySizes &)>
        fill);

/// What such functions are called behind the model's name: dims of results
/// that are placed, and bytes of the workspace.
constexpr llvm::StringLiteral kResultSizes = "_result_sizes";
constexpr llvm::StringLiteral kWorkspacePlan = "_workspace_plan";
/// The attribute of the former with the numbers of those results.
constexpr llvm::StringLiteral kPlacedAttr = "nn.placed";

} // namespace burnish
