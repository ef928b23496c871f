// Random.cpp - numbers from a generator that is a function of a seed and a
// place.
#include "ir/Lowering.h"
#include "ir/Ops.h"
#include "ir/Types.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Tensor/IR/Tensor.h"
#include "llvm/ADT/Hashing.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/xxhash.h"

#define GET_OP_CLASSES
#include "ir/ops/Random.cpp.inc"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

void nn::registerRandom(NNDialect &dialect) {
  dialect.addFamily<
#define GET_OP_LIST
#include "ir/ops/Random.cpp.inc"
      >();
}

//===- The generator ------------------------------------------------------===//

/// The key of an operator's numbers: of its seed, or of where it stands.
static uint64_t keyOf(Operation *op, std::optional<APFloat> seed) {
  std::string text;
  if (seed) {
    text = std::to_string(seed->bitcastToAPInt().getZExtValue());
  } else {
    llvm::raw_string_ostream stream(text);
    op->getLoc().print(stream);
  }
  // Half of the bits are set and the key is odd, as the generator wants it.
  return (llvm::xxh3_64bits(text) & 0x5555555555555555u) * 3 | 1;
}

/// 32 random bits for a counter: Widynski's "Squares", four rounds of squaring
/// and swapping halves.
static Value randomBits(ImplicitLocOpBuilder &b, Value key, Value counter) {
  Type i64 = b.getI64Type();
  auto constant = [&](uint64_t value) -> Value {
    return arith::ConstantOp::create(
        b, b.getIntegerAttr(i64, static_cast<int64_t>(value)));
  };
  auto swap = [&](Value x) -> Value {
    return arith::OrIOp::create(b, arith::ShRUIOp::create(b, x, constant(32)),
                                arith::ShLIOp::create(b, x, constant(32)));
  };
  Value y = arith::MulIOp::create(b, counter, key),
        z = arith::AddIOp::create(b, y, key), x = y;
  for (Value add : {y, z, y, z})
    x = swap(arith::AddIOp::create(b, arith::MulIOp::create(b, x, x), add));
  return arith::TruncIOp::create(b, b.getI32Type(), x);
}

/// A uniform number in [0, 1), or in (0, 1] with `isPositive`, of 24 bits.
static Value uniform(ImplicitLocOpBuilder &b, Value key, Value counter,
                     bool isPositive = false) {
  Value bits = arith::ShRUIOp::create(b, randomBits(b, key, counter),
                                      arith::ConstantIntOp::create(b, 8, 32));
  if (isPositive)
    bits =
        arith::AddIOp::create(b, bits, arith::ConstantIntOp::create(b, 1, 32));
  return arith::MulFOp::create(
      b, arith::UIToFPOp::create(b, b.getF32Type(), bits),
      arith::ConstantOp::create(b, b.getF32FloatAttr(0x1p-24f)));
}

static Value uniform(ImplicitLocOpBuilder &b, uint64_t key, Value counter,
                     bool isPositive = false) {
  Value constant = arith::ConstantOp::create(
      b, b.getI64IntegerAttr(static_cast<int64_t>(key)));
  return uniform(b, constant, counter, isPositive);
}

/// The number of an element, `perElement` apart, starting at `first`.
static Value counterOf(ImplicitLocOpBuilder &b, ValueRange indices,
                       ArrayRef<Value> sizes, int64_t perElement,
                       int64_t first) {
  Type i64 = b.getI64Type();
  Value flat = arith::ConstantOp::create(b, b.getI64IntegerAttr(0));
  for (auto [index, size] : llvm::zip_equal(indices, sizes)) {
    Value scaled = arith::MulIOp::create(
        b, flat, arith::IndexCastOp::create(b, i64, size));
    flat = arith::AddIOp::create(b, scaled,
                                 arith::IndexCastOp::create(b, i64, index));
  }
  flat = arith::MulIOp::create(
      b, flat, arith::ConstantOp::create(b, b.getI64IntegerAttr(perElement)));
  return arith::AddIOp::create(
      b, flat, arith::ConstantOp::create(b, b.getI64IntegerAttr(first)));
}

//===- Uniform and normal numbers -----------------------------------------===//

static LogicalResult inferFloats(Operation *op, ShapeScope &scope,
                                 std::optional<int64_t> dtype,
                                 ArrayRef<Dim> dims) {
  Type elementType = dtype ? typeOfOnnx(*dtype, op->getContext())
                           : getElementTypeOrSelf(op->getOperand(0).getType());
  if (!isa_and_nonnull<FloatType>(elementType))
    return op->emitOpError()
           << "gives floats, and not what 'dtype' says or its operand has";
  return scope.set(op->getResult(0), elementType, dims);
}
static LogicalResult inferShaped(Operation *op, ShapeScope &scope,
                                 std::optional<int64_t> dtype,
                                 ArrayRef<int64_t> shape) {
  return inferFloats(op, scope, dtype,
                     llvm::map_to_vector(shape, [&](int64_t size) {
                       return scope.constant(size);
                     }));
}
static LogicalResult inferLike(Operation *op, ShapeScope &scope,
                               std::optional<int64_t> dtype) {
  return inferFloats(op, scope, dtype, scope.dims(op->getOperand(0)));
}

/// Fills the result with what `body` makes of uniform numbers.
static FailureOr<SmallVector<Value>>
fill(Operation *op, Lowering &l,
     llvm::function_ref<Value(ImplicitLocOpBuilder &, ValueRange,
                              ArrayRef<Value>)>
         body) {
  Value result = op->getResult(0);
  Type elementType = getElementTypeOrSelf(result.getType());
  SmallVector<OpFoldResult> sizes = l.sizes(result);
  SmallVector<Value> sizeValues = llvm::map_to_vector(
      sizes, [&](OpFoldResult size) { return l.index(size); });
  return SmallVector<Value>{l.generate(
      elementType, sizes, [&](ImplicitLocOpBuilder &b, ValueRange indices) {
        return castScalar(b, body(b, indices, sizeValues), b.getF32Type(),
                          elementType);
      })};
}

static FailureOr<SmallVector<Value>>
fillUniform(Operation *op, Lowering &l, uint64_t key, float low, float high) {
  return fill(
      op, l,
      [&](ImplicitLocOpBuilder &b, ValueRange indices,
          ArrayRef<Value> sizes) -> Value {
        auto number = [&](float value) -> Value {
          return arith::ConstantOp::create(b, b.getF32FloatAttr(value));
        };
        Value part = uniform(b, key, counterOf(b, indices, sizes, 1, 0));
        return arith::AddFOp::create(
            b, number(low), arith::MulFOp::create(b, part, number(high - low)));
      });
}

static FailureOr<SmallVector<Value>>
fillNormal(Operation *op, Lowering &l, uint64_t key, float mean, float scale) {
  // Box and Muller: the angle and the radius of a point of the plane.
  return fill(
      op, l,
      [&](ImplicitLocOpBuilder &b, ValueRange indices,
          ArrayRef<Value> sizes) -> Value {
        auto number = [&](float value) -> Value {
          return arith::ConstantOp::create(b, b.getF32FloatAttr(value));
        };
        Value log = math::LogOp::create(
            b, uniform(b, key, counterOf(b, indices, sizes, 2, 0),
                       /*isPositive=*/true));
        Value radius =
            math::SqrtOp::create(b, arith::MulFOp::create(b, number(-2), log));
        Value angle = arith::MulFOp::create(
            b, number(2 * llvm::numbers::pif),
            uniform(b, key, counterOf(b, indices, sizes, 2, 1)));
        Value normal =
            arith::MulFOp::create(b, radius, math::CosOp::create(b, angle));
        return arith::AddFOp::create(
            b, number(mean), arith::MulFOp::create(b, normal, number(scale)));
      });
}

template <typename Op>
static FailureOr<SmallVector<Value>> lowerUniform(Op op, Lowering &l) {
  return fillUniform(op, l, keyOf(op, op.getSeed()),
                     op.getLow().convertToFloat(),
                     op.getHigh().convertToFloat());
}

template <typename Op>
static FailureOr<SmallVector<Value>> lowerNormal(Op op, Lowering &l) {
  return fillNormal(op, l, keyOf(op, op.getSeed()),
                    op.getMean().convertToFloat(),
                    op.getScale().convertToFloat());
}

LogicalResult RandomUniformOp::inferShapes(ShapeScope &scope) {
  return inferShaped(*this, scope, getDtype(), getShape());
}
FailureOr<SmallVector<Value>> RandomUniformOp::lower(Lowering &l) {
  return lowerUniform(*this, l);
}

LogicalResult RandomUniformLikeOp::inferShapes(ShapeScope &scope) {
  return inferLike(*this, scope, getDtype());
}
FailureOr<SmallVector<Value>> RandomUniformLikeOp::lower(Lowering &l) {
  return lowerUniform(*this, l);
}

LogicalResult RandomNormalOp::inferShapes(ShapeScope &scope) {
  return inferShaped(*this, scope, getDtype(), getShape());
}
FailureOr<SmallVector<Value>> RandomNormalOp::lower(Lowering &l) {
  return lowerNormal(*this, l);
}

LogicalResult RandomNormalLikeOp::inferShapes(ShapeScope &scope) {
  return inferLike(*this, scope, getDtype());
}
FailureOr<SmallVector<Value>> RandomNormalLikeOp::lower(Lowering &l) {
  return lowerNormal(*this, l);
}

//===- draw ---------------------------------------------------------------===//

LogicalResult DrawOp::inferShapes(ShapeScope &scope) {
  if (scope.rank(getKey()) != 0)
    return emitOpError() << "'key' has rank " << scope.rank(getKey())
                         << ", and is one number";
  return scope.set(getOperation()->getResult(0), Float32Type::get(getContext()),
                   llvm::map_to_vector(getShape(), [&](int64_t size) {
                     return scope.constant(size);
                   }));
}

/// A key for the generator from any number: SplitMix64 (Steele, Lea, Flood,
/// "Fast Splittable Pseudorandom Number Generators", 2014) spreads its bits,
/// and an odd key is what the generator wants.
static Value spread(ImplicitLocOpBuilder &b, Value number) {
  auto constant = [&](uint64_t value) -> Value {
    return arith::ConstantOp::create(
        b, b.getI64IntegerAttr(static_cast<int64_t>(value)));
  };
  auto fold = [&](Value x, int64_t by) -> Value {
    return arith::XOrIOp::create(b, x,
                                 arith::ShRUIOp::create(b, x, constant(by)));
  };
  Value x = fold(number, 30);
  x = fold(arith::MulIOp::create(b, x, constant(0xbf58476d1ce4e5b9u)), 27);
  x = fold(arith::MulIOp::create(b, x, constant(0x94d049bb133111ebu)), 31);
  return arith::OrIOp::create(b, x, constant(1));
}

FailureOr<SmallVector<Value>> DrawOp::lower(Lowering &l) {
  Value number = tensor::ExtractOp::create(l, l.lowered(getKey()));
  Value stream = arith::ConstantOp::create(
      l, l.getI64IntegerAttr(static_cast<int64_t>(
             0x9e3779b97f4a7c15u * (static_cast<uint64_t>(getStream()) + 1))));
  Value key = spread(l, arith::AddIOp::create(l, number, stream));
  return fill(*this, l,
              [&](ImplicitLocOpBuilder &b, ValueRange indices,
                  ArrayRef<Value> sizes) -> Value {
                return uniform(b, key, counterOf(b, indices, sizes, 1, 0));
              });
}

//===- multinomial --------------------------------------------------------===//

LogicalResult MultinomialOp::inferShapes(ShapeScope &scope) {
  Type elementType = typeOfOnnx(getDtype(), getContext());
  if (!elementType || !(elementType.isInteger(32) || elementType.isInteger(64)))
    return emitOpError() << "'dtype' is " << static_cast<int64_t>(getDtype())
                         << ", neither int32 nor int64";
  if (scope.rank(getInput()) != 2)
    return emitOpError() << "'input' has rank " << scope.rank(getInput())
                         << ", not 2";
  if (!isa<FloatType>(getElementTypeOrSelf(getInput().getType())))
    return emitOpError() << "'input' has elements of "
                         << getElementTypeOrSelf(getInput().getType())
                         << ", which are no floats";
  return scope.set(getOperation()->getResult(0), elementType,
                   {scope.dim(getInput(), 0), scope.constant(getSampleSize())});
}

FailureOr<SmallVector<Value>> MultinomialOp::lower(Lowering &l) {
  // The class with the greatest sum of its weight and a number with Gumbel's
  // distribution is drawn by the weights.
  MLIRContext *context = l.getContext();
  Type inputType = getElementTypeOrSelf(getInput().getType()),
       outputType = getElementTypeOrSelf(getType()), f32 = l.getF32Type();
  uint64_t key = keyOf(*this, getSeed());
  SmallVector<OpFoldResult> inputSizes = l.sizesOf(l.lowered(getInput())),
                            sizes{inputSizes[0],
                                  l.getIndexAttr(getSampleSize())};
  SmallVector<Value> sizeValues{l.index(sizes[0]), l.index(sizes[1]),
                                l.index(inputSizes[1])};
  Value best = l.filled(f32, sizes, l.lowest(f32)),
        drawn = l.filled(outputType, sizes, l.zero(outputType));
  auto mapOf = [&](unsigned first, unsigned second) {
    return AffineMap::get(
        3, 0,
        {getAffineDimExpr(first, context), getAffineDimExpr(second, context)},
        context);
  };
  SmallVector<utils::IteratorType> iterators{utils::IteratorType::parallel,
                                             utils::IteratorType::parallel,
                                             utils::IteratorType::reduction};
  auto generic = linalg::GenericOp::create(
      l, TypeRange{best.getType(), drawn.getType()},
      ValueRange(l.lowered(getInput())), ValueRange{best, drawn},
      {mapOf(0, 2), mapOf(0, 1), mapOf(0, 1)}, iterators,
      [&](OpBuilder &builder, Location loc, ValueRange args) {
        ImplicitLocOpBuilder b(loc, builder);
        SmallVector<Value> indices;
        for (unsigned axis = 0; axis < 3; ++axis)
          indices.push_back(linalg::IndexOp::create(b, axis));
        Value part = uniform(b, key, counterOf(b, indices, sizeValues, 1, 0),
                             /*isPositive=*/true);
        // -log(1) is 0, whose logarithm would be infinite.
        Value tiny = arith::ConstantOp::create(b, b.getF32FloatAttr(0x1p-25f));
        Value inner = arith::MaximumFOp::create(
            b, arith::NegFOp::create(b, math::LogOp::create(b, part)), tiny);
        Value weight =
            castScalar(b, loadScalar(b, args[0], inputType), inputType, f32);
        Value score =
            arith::SubFOp::create(b, weight, math::LogOp::create(b, inner));
        Value wins =
            arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, score, args[1]);
        Value place = arith::IndexCastOp::create(b, outputType, indices[2]);
        linalg::YieldOp::create(
            b, ValueRange{arith::SelectOp::create(b, wins, score, args[1]),
                          arith::SelectOp::create(b, wins, place, args[2])});
      });
  return SmallVector<Value>{generic.getResult(1)};
}
