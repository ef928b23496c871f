// Signal.cpp - what is done with spectra.
#include "ir/ops/Signal.h"
#include "ir/Bodies.h"
#include "ir/Ops.h"
#include "ir/Types.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

#define GET_OP_CLASSES
#include "ir/ops/Signal.cpp.inc"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

void nn::registerSignal(NNDialect &dialect) {
  dialect.addFamily<
#define GET_OP_LIST
#include "ir/ops/Signal.cpp.inc"
      >();
}

FailureOr<Dim> nn::oneElement(Operation *op, ShapeScope &scope, Value operand,
                              StringRef name) {
  for (Dim dim : scope.dims(operand))
    if (known(dim) && !isKnown(dim, 1))
      return op->emitOpError()
             << name << " is " << toString(scope.dims(operand))
             << ", not one element";
  if (!isa<IntegerType>(getElementTypeOrSelf(operand.getType())))
    return op->emitOpError() << name << " has elements of "
                             << getElementTypeOrSelf(operand.getType())
                             << ", which are no integers";
  std::optional<Dims> all = scope.elements(operand);
  return all && all->size() == 1 ? all->front() : Dim();
}

//===- mel_weight_matrix --------------------------------------------------===//

LogicalResult MelWeightMatrixOp::inferShapes(ShapeScope &scope) {
  Type elementType = typeOfOnnx(getOutputDatatype(), getContext());
  if (!elementType || !elementType.isIntOrFloat())
    return emitOpError() << "'output_datatype' is "
                         << static_cast<int64_t>(getOutputDatatype());
  FailureOr<Dim> bands = oneElement(*this, scope, getNumMelBins(),
                                    "'num_mel_bins'"),
                 length =
                     oneElement(*this, scope, getDftLength(), "'dft_length'"),
                 rate =
                     oneElement(*this, scope, getSampleRate(), "'sample_rate'");
  if (failed(bands) || failed(length) || failed(rate))
    return failure();
  for (Value edge : {getLowerEdgeHertz(), getUpperEdgeHertz()})
    if (!isa<FloatType>(getElementTypeOrSelf(edge.getType())))
      return emitOpError() << "an edge has elements of "
                           << getElementTypeOrSelf(edge.getType())
                           << ", which are no floats";
  return scope.set(getOperation()->getResult(0), elementType,
                   {*length ? length->floorDiv(2) + 1 : Dim(), *bands});
}

static Value realNumber(ImplicitLocOpBuilder &b, double value) {
  return arith::ConstantOp::create(b, b.getF64FloatAttr(value));
}

/// A filter at a bin: it rises from 0 at `left` to 1 at `centre`, and falls to
/// 0 at `right`.
static Value triangle(ImplicitLocOpBuilder &b, Value bin, Value left,
                      Value centre, Value right) {
  auto compare = [&](arith::CmpFPredicate predicate, Value left,
                     Value right) -> Value {
    return arith::CmpFOp::create(b, predicate, left, right);
  };
  auto both = [&](Value left, Value right) -> Value {
    return arith::AndIOp::create(b, left, right);
  };
  auto minus = [&](Value left, Value right) -> Value {
    return arith::SubFOp::create(b, left, right);
  };
  Value zero = realNumber(b, 0);
  Value isRising = both(compare(arith::CmpFPredicate::OGE, bin, left),
                        compare(arith::CmpFPredicate::OLT, bin, centre));
  Value rise = arith::DivFOp::create(b, minus(bin, left), minus(centre, left));
  Value isFalling = both(compare(arith::CmpFPredicate::OGT, bin, centre),
                         compare(arith::CmpFPredicate::OLT, bin, right));
  Value fall =
      arith::DivFOp::create(b, minus(right, bin), minus(right, centre));
  Value value = arith::SelectOp::create(
      b, isRising, rise, arith::SelectOp::create(b, isFalling, fall, zero));
  value = arith::SelectOp::create(
      b, compare(arith::CmpFPredicate::OEQ, bin, centre), realNumber(b, 1),
      value);
  return value;
}

FailureOr<SmallVector<Value>> MelWeightMatrixOp::lower(Lowering &l) {
  Type elementType = getElementTypeOrSelf(getType()), f64 = l.getF64Type();
  auto integer = [&](Value operand) -> Value {
    Type type = getElementTypeOrSelf(operand.getType());
    return arith::IndexCastOp::create(
        l, l.getIndexType(),
        castScalar(l, onlyElement(l, operand), type, l.getI64Type()));
  };
  auto real = [&](Value operand) {
    return castScalar(l, onlyElement(l, operand),
                      getElementTypeOrSelf(operand.getType()), f64);
  };
  Value bands = integer(getNumMelBins()), length = integer(getDftLength()),
        rate = integer(getSampleRate()), one = l.index(1);
  for (Value size : {bands, length, rate})
    l.require(arith::CmpIOp::create(l, arith::CmpIPredicate::sge, size, one),
              Status::BadValue, "sizes of a mel weight matrix are below 1");
  // mel(f) = 2595 * log10(1 + f / 700)
  const double scale = 2595 / std::log(10.0);
  auto mel = [&](Value hertz) -> Value {
    return arith::MulFOp::create(
        l,
        math::Log1pOp::create(
            l, arith::DivFOp::create(l, hertz, realNumber(l, 700))),
        realNumber(l, scale));
  };
  Value low = mel(real(getLowerEdgeHertz())),
        high = mel(real(getUpperEdgeHertz()));
  Value step = arith::DivFOp::create(
      l, arith::SubFOp::create(l, high, low),
      indexAsFloat(
          l, f64,
          l.index(addIndex(l, OpFoldResult(bands), l.getIndexAttr(2)))));
  Value bins = arith::AddIOp::create(
      l, arith::DivUIOp::create(l, length, l.index(2)), one);
  Value perHertz = arith::DivFOp::create(
      l, indexAsFloat(l, f64, arith::AddIOp::create(l, length, one)),
      indexAsFloat(l, f64, rate));

  Dims dims = l.scope.dims(getOutput());
  SmallVector<OpFoldResult> sizes{
      known(dims[0]) ? l.size(dims[0]) : OpFoldResult(bins),
      known(dims[1]) ? l.size(dims[1]) : OpFoldResult(bands)};
  Value weights = l.generate(
      elementType, sizes, [&](ImplicitLocOpBuilder &b, ValueRange at) {
        // The bin of the spectrum where edge `index` of the triangles lies.
        auto edge = [&](int64_t offset) -> Value {
          Value index = indexAsFloat(
              b, f64,
              arith::AddIOp::create(b, at[1],
                                    arith::ConstantIndexOp::create(b, offset)));
          Value mels = arith::AddFOp::create(
              b, arith::MulFOp::create(b, index, step), low);
          Value hertz = arith::MulFOp::create(
              b,
              math::ExpM1Op::create(
                  b, arith::DivFOp::create(b, mels, realNumber(b, scale))),
              realNumber(b, 700));
          return math::FloorOp::create(
              b, arith::MulFOp::create(b, hertz, perHertz));
        };
        Value left = edge(0), centre = edge(1), right = edge(2);
        Value value =
            triangle(b, indexAsFloat(b, f64, at[0]), left, centre, right);
        return castScalar(b, value, f64, elementType);
      });
  return SmallVector<Value>{weights};
}
