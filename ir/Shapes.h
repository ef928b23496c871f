// Shapes.h - what is known of the dims of every value, and of the elements of
// small integer tensors.
#pragma once
#include "ir/Interfaces.h"
#include "mlir/IR/BuiltinTypes.h"
#include "llvm/ADT/DenseMap.h"
#include <optional>

namespace burnish::nn {

/// A dim: an affine expression in symbols, each of which stands for one dim (or
/// element) that is known only at run time. In a rule's answer, null stands for
/// a dim about which nothing is known.
using Dim = mlir::AffineExpr;
using Dims = llvm::SmallVector<Dim>;

/// Tensors with at most this many elements have their elements followed.
constexpr int64_t kMaxKnownElements = 1024;

/// Where a symbol's value is found at run time: the size of `value` along
/// `index`, or (`isElement`) its element at the flat position `index`, or the
/// lesser or greater of two dims.
struct SymbolOrigin {
  mlir::Value value;
  int64_t index = 0;
  bool isElement = false;
  enum Extreme { None, Least, Greatest } extreme = None;
  Dim left = nullptr, right = nullptr;
};

/// Shapes of the values of one function, worked out operator by operator in
/// order. Two dims are known to be equal when their expressions are.
class ShapeScope {
public:
  explicit ShapeScope(mlir::MLIRContext *context) : context(context) {}

  mlir::MLIRContext *getContext() const { return context; }
  Dim constant(int64_t value) const {
    return mlir::getAffineConstantExpr(value, context);
  }

  static bool isRanked(mlir::Value value) {
    return mlir::isa<mlir::RankedTensorType>(value.getType());
  }
  static int64_t rank(mlir::Value value) {
    return mlir::cast<mlir::RankedTensorType>(value.getType()).getRank();
  }

  /// The dims of a ranked tensor. A copy, since asking for another value may
  /// move what is stored.
  Dims dims(mlir::Value value);
  Dim dim(mlir::Value value, int64_t axis) { return dims(value)[axis]; }
  /// The product of dims, the same for any order of the same factors.
  Dim product(llvm::ArrayRef<Dim> dims) const;
  /// The quotient of two products after common factors are struck out; null
  /// when it is not known to be whole.
  Dim quotient(llvm::ArrayRef<Dim> dividend, llvm::ArrayRef<Dim> divisor) const;
  /// The lesser and the greater of two dims: asked twice for the same two, the
  /// answers are equal.
  Dim minimum(Dim a, Dim b) { return extreme(SymbolOrigin::Least, a, b); }
  Dim maximum(Dim a, Dim b) { return extreme(SymbolOrigin::Greatest, a, b); }
  /// The dim in a form that equal dims share as far as is practical.
  Dim simplify(Dim dim) const;
  /// Whether the dim is at least `bound` (0 or 1, say) whatever the run brings.
  bool isAtLeast(Dim dim, int64_t bound) const;
  /// Whether `dim` can be 1 only where `other` is: in a broadcast with it, as
  /// with itself, nothing is repeated. So is the lesser of `other` and a
  /// constant, which a slice of a table of positions has.
  bool isOneOnlyWith(Dim dim, Dim other) const;
  /// Whether the dim is made of sizes alone: elements that only run time knows
  /// might be -1 or 0 and mean something else.
  bool isMadeOfSizes(Dim dim) const;

  /// The elements of a small integer or boolean tensor, in row-major order, if
  /// all are expressions.
  std::optional<Dims> elements(mlir::Value value);
  /// The same, with symbols for the elements of small operands about which
  /// nothing is known yet.
  std::optional<Dims> elementsOrSymbols(mlir::Value value);
  /// The same where all are known now.
  std::optional<llvm::SmallVector<int64_t>> integers(mlir::Value value);

  /// Names the dims of a function argument: equal names are equal dims, an
  /// empty one is like no other.
  void nameDims(mlir::Value argument, llvm::ArrayRef<llvm::StringRef> names);

  /// Runs the operator's rule and sets its result types. Results are unranked,
  /// and the rule is not asked, when an operand is (which an importer leaves
  /// behind after a diagnostic).
  llvm::LogicalResult infer(mlir::Operation *op);

  /// For rules: the type of a result. Null dims become fresh symbols; dims that
  /// the present type knows stay.
  llvm::LogicalResult set(mlir::OpResult result, mlir::Type elementType,
                          llvm::ArrayRef<Dim> dims);
  /// For rules: the elements of a result; null where unknown (fresh symbols
  /// then).
  void setElements(mlir::OpResult result, llvm::ArrayRef<Dim> elements);
  /// For rules: the elements of a result that takes each from one place of
  /// `source`; `place` turns an index of the result into one of the source.
  /// Does nothing unless the shapes are known and the source's elements are.
  void followElements(
      mlir::OpResult result, mlir::Value source,
      llvm::function_ref<llvm::SmallVector<int64_t>(llvm::ArrayRef<int64_t>)>
          place);
  /// Gives `value` the same dims (and elements) as `source`, as an identity
  /// does.
  void copy(mlir::Value value, mlir::Value source);

  /// Whether an expression is known not to be negative, as sizes are and what
  /// is computed from them without subtraction.
  bool isNonNegative(mlir::AffineExpr expr) const;
  /// Gives a body's argument a type and dims, without regard to its present
  /// ones. Null dims become fresh symbols.
  void assume(mlir::BlockArgument argument, mlir::Type elementType,
              llvm::ArrayRef<Dim> dims);
  /// Drops what is known of a value that is about to change or go away.
  void forget(mlir::Value value);

  SymbolOrigin origin(mlir::AffineSymbolExpr symbol) const {
    return origins[symbol.getPosition()];
  }

  /// Whether a dim of `value` follows from nothing else: its lowering finds the
  /// size at run time.
  bool isOwn(Dim dim, mlir::Value value) const;

private:
  Dim fresh(SymbolOrigin origin);
  Dim extreme(SymbolOrigin::Extreme which, Dim a, Dim b);
  Dims dimsOfType(mlir::Value value);

  mlir::MLIRContext *context;
  llvm::DenseMap<mlir::Value, Dims> knownDims;
  llvm::DenseMap<mlir::Value, Dims> knownElements;
  llvm::StringMap<Dim> named;
  llvm::DenseMap<std::pair<Dim, Dim>, Dim> extremes[2];
  llvm::SmallVector<SymbolOrigin> origins;
};

/// The dim of a broadcast of two dims (ONNX, "Multidirectional Broadcasting").
/// Null when only run time can tell; failure when both are known and neither
/// is 1.
llvm::FailureOr<Dim> broadcastDim(Dim a, Dim b,
                                  const ShapeScope *scope = nullptr);
/// The dims of a broadcast of several shapes, aligned at the end; a diagnostic
/// on `op` when they do not fit.
llvm::FailureOr<Dims> broadcastDims(mlir::Operation *op,
                                    llvm::ArrayRef<Dims> shapes,
                                    const ShapeScope *scope = nullptr);

/// The value of an axis attribute or input counted from the end when negative;
/// a diagnostic on `op` when it is not in
/// [-rank, rank).
llvm::FailureOr<int64_t> normalizeAxis(mlir::Operation *op, int64_t axis,
                                       int64_t rank);

/// A diagnostic on `op` when the dims of its operand `name` are known not to be
/// `expected`.
llvm::LogicalResult checkDims(mlir::Operation *op, ShapeScope &scope,
                              mlir::Value operand, llvm::StringRef name,
                              llvm::ArrayRef<Dim> expected);

/// Dims as a reader expects them: `2x?x5`.
std::string toString(llvm::ArrayRef<Dim> dims);

/// The known value of a dim.
inline std::optional<int64_t> known(Dim dim) {
  if (auto constant = llvm::dyn_cast_or_null<mlir::AffineConstantExpr>(dim))
    return constant.getValue();
  return std::nullopt;
}
inline bool isKnown(Dim dim, int64_t value) { return known(dim) == value; }

/// Works out the shapes of a whole function (arguments named by their
/// `nn.dims`), region by region, and sets result types on the way.
llvm::LogicalResult inferShapes(mlir::Operation *function, ShapeScope &scope);

/// A builder that infers the result types of what it builds.
class NetBuilder : public mlir::ImplicitLocOpBuilder {
public:
  NetBuilder(mlir::Location loc, const mlir::OpBuilder &builder,
             ShapeScope &scope)
      : mlir::ImplicitLocOpBuilder(loc, builder), scope(scope) {}

  /// Builds an operator with its one result, given operands and attributes as
  /// its ODS builder takes them. When its rule refuses, there is a diagnostic,
  /// and the result is unranked.
  template <typename Op, typename... Args> mlir::Value make(Args &&...args) {
    return makeMany<Op>(1, std::forward<Args>(args)...)->getResult(0);
  }
  /// The same for an operator with `count` results.
  template <typename Op, typename... Args>
  Op makeMany(unsigned count, Args &&...args) {
    llvm::SmallVector<mlir::Type> unknown(
        count, mlir::UnrankedTensorType::get(getF32Type()));
    Op op = Op::create(static_cast<mlir::OpBuilder &>(*this), getLoc(),
                       mlir::TypeRange(unknown), std::forward<Args>(args)...);
    (void)scope.infer(op);
    return op;
  }

  /// A constant tensor of integers (rank 1), or of one number in any element
  /// type (rank 0).
  mlir::Value integers(llvm::ArrayRef<int64_t> values);
  mlir::Value scalar(mlir::Type elementType, double value);
  /// One i64, which a double might not hold.
  mlir::Value integer(int64_t value);

  ShapeScope &scope;
};

} // namespace burnish::nn
