// Lowering.h - what an operator uses to say what it computes, in linalg on
// tensors.
#pragma once
#include "ir/Shapes.h"
#include "ir/Storage.h"
#include "mlir/Dialect/Linalg/IR/Linalg.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "mlir/Dialect/Utils/StructuredOpsUtils.h"
#include "mlir/IR/IRMapping.h"

namespace burnish::nn {

/// Statuses that compiled code returns (burnish_status in burnish.h).
enum class Status : int32_t { Ok = 0, BadShape = 1, BadValue = 2, NoText = 6 };

/// The state of lowering one function: which tensor stands for which nn value,
/// and how large it is. Tensors have storage element types (ir/Storage.h);
/// scalars inside the bodies that the methods take are of compute types.
class Lowering : public mlir::ImplicitLocOpBuilder {
public:
  Lowering(mlir::Location loc, const mlir::OpBuilder &builder,
           ShapeScope &scope)
      : mlir::ImplicitLocOpBuilder(loc, builder), scope(scope) {}

  //===- Values and sizes -------------------------------------------------===//

  /// The tensor that stands for an nn value.
  mlir::Value lowered(mlir::Value value) const { return values.lookup(value); }
  void map(mlir::Value value, mlir::Value tensor) { values.map(value, tensor); }

  /// A dim as an index: a constant, or a value built from sizes of what is
  /// lowered already.
  mlir::OpFoldResult size(Dim dim);
  llvm::SmallVector<mlir::OpFoldResult> sizes(llvm::ArrayRef<Dim> dims);
  /// The sizes of an nn value. A result may be asked for only if its dims
  /// follow from the operands'.
  llvm::SmallVector<mlir::OpFoldResult> sizes(mlir::Value value) {
    return sizes(scope.dims(value));
  }
  /// The sizes of a lowered tensor.
  llvm::SmallVector<mlir::OpFoldResult> sizesOf(mlir::Value tensor);
  mlir::Value index(mlir::OpFoldResult size);
  mlir::Value index(int64_t value);

  /// One element of an integer operand as an index: known now, or read at run
  /// time.
  mlir::OpFoldResult element(mlir::Value integers, int64_t position);
  /// The scalar at indices of a lowered tensor of nn element type
  /// `elementType`, computed with.
  mlir::Value extract(mlir::Value tensor, mlir::Type elementType,
                      mlir::ValueRange indices);

  /// A number of compute type `type`.
  mlir::Value number(mlir::Type type, double value);
  /// The least and the greatest value of an nn element type (infinities for
  /// floats).
  mlir::Value lowest(mlir::Type elementType);
  mlir::Value highest(mlir::Type elementType);
  /// The value of a float constant in float type `type`.
  mlir::Value zero(mlir::Type elementType);

  /// Makes the run return `status` when `condition` (i1) does not hold.
  void require(mlir::Value condition, Status status, llvm::StringRef message);

  /// A size of a result that was found at run time, for a result whose shape
  /// rule says `dim`: where that is known, the run is refused if they differ.
  mlir::OpFoldResult agree(mlir::OpFoldResult found, Dim dim);
  /// The size of a dim that is made of elements, which is refused when it is
  /// negative.
  mlir::OpFoldResult checkedSize(Dim dim);
  /// Makes the run fail when two sizes differ that may not, or when those of
  /// `operand` are not `expected`.
  void requireEqual(Dim left, Dim right, llvm::StringRef message);
  /// Makes the run fail where an operand of one number has another size.
  void requireOne(mlir::Value operand);
  void requireDims(mlir::Value operand, llvm::ArrayRef<Dim> expected,
                   llvm::StringRef message);

  //===- Tensors ----------------------------------------------------------===//

  /// The tensor with the size of an axis in its type, where that is known; the
  /// run was refused if it has another one.
  mlir::Value withSize(mlir::Value tensor, int64_t axis, Dim size);

  /// A tensor without contents; `elementType` is an nn element type.
  mlir::Value empty(mlir::Type elementType,
                    llvm::ArrayRef<mlir::OpFoldResult> sizes);
  /// A tensor for a result whose dims follow from the operands'.
  mlir::Value emptyFor(mlir::Value result);
  /// A tensor full of one scalar (of compute type).
  mlir::Value filled(mlir::Type elementType,
                     llvm::ArrayRef<mlir::OpFoldResult> sizes,
                     mlir::Value scalar);

  using ScalarBody = llvm::function_ref<mlir::Value(
      mlir::ImplicitLocOpBuilder &, mlir::ValueRange)>;

  /// One input of `generic`: a lowered tensor, the nn element type of its
  /// elements, and where element (d0, d1, ...) of the loops reads it.
  struct Operand {
    mlir::Value tensor;
    mlir::Type elementType;
    mlir::AffineMap map;
  };

  /// A loop nest over `sizes` with one result element an iteration: `body` gets
  /// the inputs' scalars.
  mlir::Value generic(mlir::Type resultElementType,
                      llvm::ArrayRef<mlir::OpFoldResult> sizes,
                      llvm::ArrayRef<Operand> inputs, ScalarBody body);

  /// A loop nest with reductions: `init` has the result's initial elements,
  /// read and written through `outMap`; `body` gets the inputs' scalars and
  /// then the running result.
  mlir::Value reduce(mlir::Value init, mlir::Type resultElementType,
                     mlir::AffineMap outMap, llvm::ArrayRef<Operand> inputs,
                     llvm::ArrayRef<mlir::utils::IteratorType> iterators,
                     ScalarBody body);

  /// A loop nest over `sizes` whose body finds its inputs by itself: `body`
  /// gets the indices.
  mlir::Value generate(mlir::Type resultElementType,
                       llvm::ArrayRef<mlir::OpFoldResult> sizes,
                       ScalarBody body);

  /// Loops over `sizes`, the last one innermost, that carry tensors: `body`
  /// gets the indices and what is carried, builds with this builder, and
  /// returns what is carried on.
  llvm::SmallVector<mlir::Value>
  loop(llvm::ArrayRef<mlir::OpFoldResult> sizes, mlir::ValueRange carried,
       llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::ValueRange,
                                                         mlir::ValueRange)>
           body);

  /// The same tensor with elements of another type.
  mlir::Value convert(mlir::Value tensor, mlir::Type from, mlir::Type to);

  /// `tensor` (with nn dims `dims`) as it is read by a loop nest over
  /// `resultDims`, aligned at the end: dims of 1 are repeated. Where only run
  /// time can tell whether a dim is 1, the repeated tensor is written out.
  Operand broadcast(mlir::Value tensor, mlir::Type elementType,
                    llvm::ArrayRef<Dim> dims, llvm::ArrayRef<Dim> resultDims,
                    llvm::ArrayRef<mlir::OpFoldResult> resultSizes);

  /// The sizes of an elementwise result over nn operands, also where they
  /// depend on which operand's dim is 1; checks at run time what cannot be
  /// checked now.
  llvm::SmallVector<mlir::OpFoldResult>
  broadcastSizes(mlir::ValueRange operands, mlir::Value result);
  llvm::SmallVector<mlir::OpFoldResult>
  broadcastSizes(llvm::ArrayRef<Dims> shapes, llvm::ArrayRef<Dim> resultDims);

  /// The whole lowering of an Elementwise operator.
  llvm::FailureOr<llvm::SmallVector<mlir::Value>>
  elementwise(mlir::Operation *op);

  /// The same elements in row-major order under other dims, which must be as
  /// many where that is not known now. Groups of dims with equal products are
  /// merged and split on their own, which later passes see through.
  mlir::Value reshape(mlir::Value tensor, llvm::ArrayRef<Dim> from,
                      llvm::ArrayRef<Dim> to);
  /// The same elements in row-major order under other sizes.
  mlir::Value reshape(mlir::Value tensor,
                      llvm::ArrayRef<mlir::OpFoldResult> sizes);
  /// `tensor` with one axis split into several, and with `count` axes from
  /// `axis` on merged into one.
  mlir::Value split(mlir::Value tensor, int64_t axis,
                    llvm::ArrayRef<mlir::OpFoldResult> sizes);
  mlir::Value merge(mlir::Value tensor, int64_t axis, int64_t count);
  mlir::Value transpose(mlir::Value tensor,
                        llvm::ArrayRef<int64_t> permutation);
  /// tensor[offset : offset + size] along one axis.
  mlir::Value slice(mlir::Value tensor, int64_t axis, mlir::OpFoldResult offset,
                    mlir::OpFoldResult size);
  /// What is at `indices` of some axes, which go away; and `target` with
  /// `source` written there.
  mlir::Value pick(mlir::Value tensor, llvm::ArrayRef<int64_t> axes,
                   llvm::ArrayRef<mlir::OpFoldResult> indices);
  mlir::Value place(mlir::Value source, mlir::Value target,
                    llvm::ArrayRef<int64_t> axes,
                    llvm::ArrayRef<mlir::OpFoldResult> indices);
  /// `target` with `source` written at `offset` along one axis.
  mlir::Value insert(mlir::Value source, mlir::Value target, int64_t axis,
                     mlir::OpFoldResult offset);
  /// `tensor` with a border of `value` (compute type).
  mlir::Value pad(mlir::Value tensor, mlir::Type elementType,
                  llvm::ArrayRef<mlir::OpFoldResult> low,
                  llvm::ArrayRef<mlir::OpFoldResult> high, mlir::Value value);

  /// Lowers every operator of a block in order; the operands of its terminator
  /// are left mapped.
  llvm::LogicalResult lowerBlock(mlir::Block &block);

  ShapeScope &scope;

private:
  mlir::IRMapping values;
};

/// Index arithmetic that folds.
mlir::OpFoldResult addIndex(mlir::ImplicitLocOpBuilder &builder,
                            mlir::OpFoldResult a, mlir::OpFoldResult b);
mlir::OpFoldResult subIndex(mlir::ImplicitLocOpBuilder &builder,
                            mlir::OpFoldResult a, mlir::OpFoldResult b);
mlir::OpFoldResult mulIndex(mlir::ImplicitLocOpBuilder &builder,
                            mlir::OpFoldResult a, mlir::OpFoldResult b);

/// The greater and lesser of two scalars of an nn element type; NaN wins, as
/// numpy's maximum has it.
mlir::Value maximum(mlir::ImplicitLocOpBuilder &builder, mlir::Type elementType,
                    mlir::Value a, mlir::Value b);
mlir::Value minimum(mlir::ImplicitLocOpBuilder &builder, mlir::Type elementType,
                    mlir::Value a, mlir::Value b);
/// Sum and product of two scalars; booleans are or / and.
mlir::Value sum(mlir::ImplicitLocOpBuilder &builder, mlir::Value a,
                mlir::Value b);
mlir::Value product(mlir::ImplicitLocOpBuilder &builder, mlir::Value a,
                    mlir::Value b);
/// A scalar from one nn element type to another, as ONNX's Cast does: floats to
/// integers truncate, to bool is != 0. `saturate` and `roundMode` concern
/// floats of 8 bits.
mlir::Value castScalar(mlir::ImplicitLocOpBuilder &builder, mlir::Value value,
                       mlir::Type from, mlir::Type to, bool saturate = true,
                       llvm::StringRef roundMode = "up");
/// The type in which functions of a float are computed, and long sums: f32 for
/// what is smaller.
mlir::Type wideType(mlir::Type elementType);

} // namespace burnish::nn
