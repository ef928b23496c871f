// Dft.cpp - Fourier transforms, as products with a table of sines and cosines.
#include "ir/Bodies.h"
#include "ir/Ops.h"
#include "ir/Types.h"
#include "ir/ops/Signal.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

namespace {
/// The sizes of a transform: `taken` elements of the input's axis, which stand
/// for a signal of `length`, become `given`.
struct Transform {
  int64_t axis;
  Dim length, taken, given;
  int64_t parts;
  bool isInverse, isOneSided;
  bool isReal() const { return isInverse && isOneSided; }
};
} // namespace

/// The axis of the transform; none where only run time knows it.
static FailureOr<std::optional<int64_t>> axisOf(DftOp op, ShapeScope &scope) {
  int64_t rank = scope.rank(op.getInput()), axis = -2;
  if (rank < 2)
    return op.emitOpError()
           << "'input' has rank " << rank
           << "; it needs an axis to transform and one of parts";
  if (op.getAxis()) {
    FailureOr<Dim> given = oneElement(op, scope, op.getAxis(), "'axis'");
    if (failed(given))
      return failure();
    if (!*given || !known(*given))
      return std::optional<int64_t>();
    axis = *known(*given);
  }
  FailureOr<int64_t> normal = normalizeAxis(op, axis, rank);
  if (failed(normal))
    return failure();
  if (*normal == rank - 1)
    return op.emitOpError() << "axis " << axis << " is that of the parts";
  return std::optional<int64_t>(*normal);
}

/// The transform along `axis`. `length` and what follows from it are null where
/// only run time knows them.
static FailureOr<Transform> transformOf(DftOp op, int64_t axis,
                                        ShapeScope &scope) {
  Dims dims = scope.dims(op.getInput());
  std::optional<int64_t> parts = known(dims.back());
  if (!parts || (*parts != 1 && *parts != 2))
    return op.emitOpError() << "the last axis has " << toString({dims.back()})
                            << " elements, not a real and an imaginary part";
  Transform transform{
      axis, {}, {}, {}, *parts, op.getInverse() != 0, op.getOnesided() != 0};
  Dim size = dims[transform.axis];
  transform.length = transform.isReal() ? (size - 1) * 2 : size;
  if (op.getDftLength()) {
    FailureOr<Dim> given =
        oneElement(op, scope, op.getDftLength(), "'dft_length'");
    if (failed(given))
      return failure();
    transform.length = *given;
  }
  if (transform.length)
    transform.given = transform.isOneSided && !transform.isInverse
                          ? transform.length.floorDiv(2) + 1
                          : transform.length;
  return transform;
}

LogicalResult DftOp::inferShapes(ShapeScope &scope) {
  Type elementType = getElementTypeOrSelf(getInput().getType());
  if (!isa<FloatType>(elementType))
    return emitOpError() << "'input' has elements of " << elementType
                         << ", which are no floats";
  FailureOr<std::optional<int64_t>> axis = axisOf(*this, scope);
  if (failed(axis))
    return failure();
  // An axis that only run time knows leaves the dims that all axes leave.
  Dims dims = scope.dims(getInput());
  for (int64_t each = axis->value_or(0),
               end = *axis ? **axis + 1 : dims.size() - 1;
       each < end; ++each) {
    FailureOr<Transform> transform = transformOf(*this, each, scope);
    if (failed(transform))
      return failure();
    if (*axis && transform->length && known(transform->length).value_or(1) < 1)
      return emitOpError() << "the transform has length "
                           << *known(transform->length);
    if (*axis || transform->given != dims[each])
      dims[each] = *axis ? transform->given : Dim();
  }
  dims.back() = scope.constant(getInverse() && getOnesided() ? 1 : 2);
  return scope.set(getOperation()->getResult(0), elementType, dims);
}

/// The factor of input element n, part `part`, in output element k, part `out`,
/// of a transform of length `length`.
static double factor(const Transform &transform, int64_t length, int64_t k,
                     int64_t n, int64_t part, int64_t out) {
  // Reducing the product first keeps the angle exact to the last bit.
  double angle = 2 * llvm::numbers::pi * static_cast<double>(k * n % length) /
                 static_cast<double>(length);
  double sine = transform.isInverse ? std::sin(angle) : -std::sin(angle),
         value = part == out ? std::cos(angle)
                 : part == 0 ? sine
                             : -sine;
  if (!transform.isInverse)
    return value;
  // The other half of a one-sided spectrum mirrors this half, but for its ends.
  bool isMirrored = transform.isOneSided && n != 0 && 2 * n != length;
  return value * (isMirrored ? 2 : 1) / static_cast<double>(length);
}

/// The table of factors: elements taken and their parts by elements given and
/// theirs.
static Value knownFactors(Lowering &l, const Transform &transform,
                          int64_t length, int64_t rows, int64_t columns,
                          int64_t outParts, Type sums) {
  int64_t parts = transform.parts;
  SmallVector<char> bytes;
  auto append = [&](auto value) {
    bytes.append(reinterpret_cast<const char *>(&value),
                 reinterpret_cast<const char *>(&value) + sizeof value);
  };
  for (int64_t n = 0; n < rows; ++n)
    for (int64_t part = 0; part < parts; ++part)
      for (int64_t k = 0; k < columns; ++k)
        for (int64_t out = 0; out < outParts; ++out) {
          double value = factor(transform, length, k, n, part, out);
          sums.isF64() ? append(value) : append(static_cast<float>(value));
        }
  return arith::ConstantOp::create(
      l, constantWith(
             RankedTensorType::get({rows * parts, columns * outParts}, sums),
             "dft", std::move(bytes)));
}

/// The same where only the run knows its sizes, or it is large.
static Value factorsOfRun(Lowering &l, const Transform &transform, Value length,
                          OpFoldResult taken, OpFoldResult given,
                          int64_t outParts, Type sums) {
  int64_t parts = transform.parts;
  // The circle once; a table of all pairs has each angle many times.
  auto circle = [&](auto function) {
    return l.generate(
        sums, OpFoldResult(length),
        [&](ImplicitLocOpBuilder &b, ValueRange at) -> Value {
          Value turn = arith::ConstantOp::create(
              b, b.getFloatAttr(sums, 2 * llvm::numbers::pi));
          return function(
              b, arith::MulFOp::create(
                     b, turn,
                     arith::DivFOp::create(b, indexAsFloat(b, sums, at[0]),
                                           indexAsFloat(b, sums, length))));
        });
  };
  Value sines = circle([](ImplicitLocOpBuilder &b, Value angle) -> Value {
    return math::SinOp::create(b, angle);
  }),
        cosines = circle([](ImplicitLocOpBuilder &b, Value angle) -> Value {
          return math::CosOp::create(b, angle);
        });
  SmallVector<OpFoldResult> sizes{mulIndex(l, taken, l.getIndexAttr(parts)),
                                  mulIndex(l, given, l.getIndexAttr(outParts))};
  return l.generate(
      sums, sizes, [&](ImplicitLocOpBuilder &b, ValueRange loops) -> Value {
        auto isEqual = [&](Value left, Value right) -> Value {
          return arith::CmpIOp::create(b, arith::CmpIPredicate::eq, left,
                                       right);
        };
        auto apart = [&](Value index,
                         int64_t count) -> std::pair<Value, Value> {
          Value size = arith::ConstantIndexOp::create(b, count);
          return {b.createOrFold<arith::DivUIOp>(index, size),
                  b.createOrFold<arith::RemUIOp>(index, size)};
        };
        auto [n, part] = apart(loops[0], parts);
        auto [k, out] = apart(loops[1], outParts);
        Value zero = arith::ConstantIndexOp::create(b, 0),
              turns = arith::RemUIOp::create(b, arith::MulIOp::create(b, k, n),
                                             length);
        Value sine = tensor::ExtractOp::create(b, sines, turns),
              minus = arith::NegFOp::create(b, sine);
        Value isFirst = isEqual(part, zero);
        Value cross = transform.isInverse
                          ? arith::SelectOp::create(b, isFirst, sine, minus)
                          : arith::SelectOp::create(b, isFirst, minus, sine);
        Value value = arith::SelectOp::create(
            b, isEqual(part, out), tensor::ExtractOp::create(b, cosines, turns),
            cross);
        if (!transform.isInverse)
          return value;
        Value scale =
            arith::DivFOp::create(b, value, indexAsFloat(b, sums, length));
        if (!transform.isOneSided)
          return scale;
        Value isEnd = arith::OrIOp::create(
            b, isEqual(n, zero),
            isEqual(arith::AddIOp::create(b, n, n), length));
        return arith::SelectOp::create(b, isEnd, scale,
                                       arith::AddFOp::create(b, scale, scale));
      });
}

static Value factors(Lowering &l, const Transform &transform, Value length,
                     OpFoldResult taken, OpFoldResult given, int64_t outParts,
                     Type sums) {
  constexpr int64_t kMostConstant = 1 << 20;
  std::optional<int64_t> knownLength =
                             getConstantIntValue(OpFoldResult(length)),
                         rows = getConstantIntValue(taken),
                         columns = getConstantIntValue(given);
  int64_t count = transform.parts * outParts;
  if (knownLength && rows && columns &&
      !llvm::MulOverflow(count, *rows, count) &&
      !llvm::MulOverflow(count, *columns, count) && count <= kMostConstant)
    return knownFactors(l, transform, *knownLength, *rows, *columns, outParts,
                        sums);
  return factorsOfRun(l, transform, length, taken, given, outParts, sums);
}

/// A product of matrices: the axis and its parts, turned to the end, are the
/// rows of a table whose columns are the result's.
static Value lowerTransform(DftOp op, const Transform &transform, Lowering &l) {
  // A plain sum of products in f32 would be less accurate than a fast
  // transform in f32 is.
  Type elementType = getElementTypeOrSelf(op.getInput().getType());
  Type sums = elementType.getIntOrFloatBitWidth() < 32 ? Type(l.getF32Type())
                                                       : Type(l.getF64Type());
  Dims dims = l.scope.dims(op.getInput());
  OpFoldResult length, one = l.getIndexAttr(1);
  if (transform.length)
    length = l.size(transform.length);
  else
    length = getAsOpFoldResult(
        arith::IndexCastOp::create(l, l.getIndexType(),
                                   onlyElement(l, op.getDftLength()))
            .getResult());
  if (!getConstantIntValue(length))
    l.require(arith::CmpIOp::create(l, arith::CmpIPredicate::sge,
                                    l.index(length), l.index(1)),
              Status::BadValue, "a transform of length 0");
  OpFoldResult half = addIndex(l,
                               getAsOpFoldResult(l.createOrFold<arith::DivUIOp>(
                                   l.index(length), l.index(2))),
                               one);
  OpFoldResult given =
      transform.isOneSided && !transform.isInverse ? half : length;
  OpFoldResult taken = getAsOpFoldResult(l.createOrFold<arith::MinSIOp>(
      l.index(l.size(dims[transform.axis])),
      l.index(transform.isReal() ? half : length)));
  int64_t rank = dims.size(), last = rank - 2,
          outParts = transform.isReal() ? 1 : 2;
  SmallVector<int64_t> turned = llvm::to_vector(llvm::seq<int64_t>(0, rank));
  turned.erase(turned.begin() + transform.axis);
  turned.insert(turned.begin() + last, transform.axis);
  Value input = l.slice(l.lowered(op.getInput()), transform.axis,
                        l.getIndexAttr(0), taken);
  if (transform.axis != last)
    input = l.transpose(input, turned);
  input = l.merge(input, last, 2);
  Value table =
      factors(l, transform, l.index(length), taken, given, outParts, sums);

  // Loops: those of the result, then the rows of the table.
  SmallVector<OpFoldResult> sizes = l.sizesOf(input);
  sizes[last] = l.sizesOf(table)[1];
  SmallVector<AffineExpr> row;
  for (int64_t axis = 0; axis < last; ++axis)
    row.push_back(l.getAffineDimExpr(axis));
  AffineExpr column = l.getAffineDimExpr(last),
             step = l.getAffineDimExpr(last + 1);
  row.push_back(step);
  SmallVector<utils::IteratorType> iterators(rank,
                                             utils::IteratorType::parallel);
  iterators.back() = utils::IteratorType::reduction;
  Value result = l.reduce(
      l.filled(sums, sizes, l.zero(sums)), sums,
      l.getMultiDimIdentityMap(rank).getMajorSubMap(rank - 1),
      {{input, elementType, AffineMap::get(rank, 0, row, l.getContext())},
       {table, sums, AffineMap::get(rank, 0, {step, column}, l.getContext())}},
      iterators, [&](ImplicitLocOpBuilder &b, ValueRange args) {
        return sum(
            b, args[2],
            product(b, castScalar(b, args[0], elementType, sums), args[1]));
      });
  if (sums != elementType)
    result = l.generic(elementType, sizes,
                       {{result, sums, l.getMultiDimIdentityMap(rank - 1)}},
                       [&](ImplicitLocOpBuilder &b, ValueRange args) {
                         return castScalar(b, args[0], sums, elementType);
                       });
  result = l.split(result, last, {given, l.getIndexAttr(outParts)});
  return transform.axis == last
             ? result
             : l.transpose(result, invertPermutationVector(turned));
}

FailureOr<SmallVector<Value>> DftOp::lower(Lowering &l) {
  if (std::optional<int64_t> axis = *axisOf(*this, l.scope))
    return SmallVector<Value>{
        lowerTransform(*this, *transformOf(*this, *axis, l.scope), l)};
  // One transform for each axis that it may be.
  int64_t rank = l.scope.rank(getInput());
  Value axis = arith::IndexCastOp::create(l, l.getIndexType(),
                                          onlyElement(l, getAxis())),
        zero = l.index(0);
  Value isNegative =
      arith::CmpIOp::create(l, arith::CmpIPredicate::slt, axis, zero);
  axis = arith::SelectOp::create(
      l, isNegative, arith::AddIOp::create(l, axis, l.index(rank)), axis);
  l.require(arith::CmpIOp::create(l, arith::CmpIPredicate::ult, axis,
                                  l.index(rank - 1)),
            Status::BadValue, "there is no such axis to transform");
  RankedTensorType type = storageTensor(getType());
  OpBuilder::InsertionGuard guard(l);
  scf::IfOp outermost;
  for (int64_t each = 0; each < rank - 1; ++each) {
    bool isLast = each == rank - 2;
    scf::IfOp branch;
    if (!isLast) {
      Value isIt = arith::CmpIOp::create(l, arith::CmpIPredicate::eq, axis,
                                         l.index(each));
      branch = scf::IfOp::create(l, TypeRange(Type(type)), isIt,
                                 /*addThenBlock=*/true, /*addElseBlock=*/true);
      if (outermost)
        scf::YieldOp::create(l, branch.getResults());
      else
        outermost = branch;
      l.setInsertionPointToStart(branch.thenBlock());
    }
    Value result = lowerTransform(*this, *transformOf(*this, each, l.scope), l);
    if (result.getType() != type)
      result = tensor::CastOp::create(l, type, result);
    if (!outermost)
      return SmallVector<Value>{result};
    scf::YieldOp::create(l, result);
    if (!isLast)
      l.setInsertionPointToStart(branch.elseBlock());
  }
  return SmallVector<Value>{outermost.getResult(0)};
}
