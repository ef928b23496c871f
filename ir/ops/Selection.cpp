// Selection.cpp - results whose sizes depend on what the operands hold.
#include "ir/Loops.h"
#include "ir/Ops.h"
#include "ir/Scalar.h"
#include "ir/Strings.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Complex/IR/Complex.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "llvm/ADT/StringSwitch.h"

#define GET_OP_CLASSES
#include "ir/ops/Selection.cpp.inc"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

void nn::registerSelection(NNDialect &dialect) {
  dialect.addFamily<
#define GET_OP_LIST
#include "ir/ops/Selection.cpp.inc"
      >();
}

/// The number of elements of a loop nest for which `holds`, as an index.
static Scalar
countOf(Lowering &l, ArrayRef<OpFoldResult> sizes,
        function_ref<Value(ImplicitLocOpBuilder &, ValueRange)> holds) {
  Scalar zero(l, l.index(0));
  SmallVector<Value> counted =
      loopNest(l, sizes, Value(zero),
               [&](ImplicitLocOpBuilder &b, ValueRange at, ValueRange carried) {
                 Scalar count(b, carried[0]);
                 return SmallVector<Value>{
                     select(Scalar(b, holds(b, at)), count + 1, count)};
               });
  return {l, counted[0]};
}

/// Element `at` of a lowered tensor as a truth value; a complex number is true
/// unless both its parts are 0.
static Value isTrue(ImplicitLocOpBuilder &b, Value tensor, Type elementType,
                    ValueRange at) {
  Value element =
      loadScalar(b, tensor::ExtractOp::create(b, tensor, at), elementType);
  if (isa<ComplexType>(elementType)) {
    Value zero = complex::ConstantOp::create(
        b, elementType,
        b.getArrayAttr(SmallVector<Attribute>(
            2,
            b.getZeroAttr(cast<ComplexType>(elementType).getElementType()))));
    return complex::NotEqualOp::create(b, element, zero);
  }
  return castScalar(b, element, elementType, b.getI1Type());
}

static Value asI64(ImplicitLocOpBuilder &b, const Scalar &index) {
  return Scalar(b, Value(index)).toInteger(b.getI64Type());
}

/// The element of a list of i64 as an index.
static Scalar listed(ImplicitLocOpBuilder &b, Value list, Value at) {
  return Scalar(b, tensor::ExtractOp::create(b, list, at).getResult())
      .toIndex();
}

//===- non_zero -----------------------------------------------------------===//

LogicalResult NonZeroOp::inferShapes(ShapeScope &scope) {
  return scope.set(getOperation()->getResult(0),
                   IntegerType::get(getContext(), 64),
                   {scope.constant(scope.rank(getX())), Dim()});
}

FailureOr<SmallVector<Value>> NonZeroOp::lower(Lowering &l) {
  Value x = l.lowered(getX());
  Type elementType = getElementTypeOrSelf(getX().getType());
  SmallVector<OpFoldResult> sizes = l.sizesOf(x);
  Scalar count = countOf(l, sizes, [&](ImplicitLocOpBuilder &b, ValueRange at) {
    return isTrue(b, x, elementType, at);
  });
  OpFoldResult found =
      l.agree(getAsOpFoldResult(Value(count)), l.scope.dim(getY(), 1));
  Value places =
      scratch(l, l.getI64Type(), {l.getIndexAttr(sizes.size()), found});
  SmallVector<Value> filled = loopNest(
      l, sizes, {places, l.index(0)},
      [&](ImplicitLocOpBuilder &b, ValueRange at, ValueRange carried) {
        return onlyIf(
            b, isTrue(b, x, elementType, at), carried,
            [&](ImplicitLocOpBuilder &in) {
              Value next = carried[0];
              for (auto [axis, index] : llvm::enumerate(at))
                next = tensor::InsertOp::create(
                    in, asI64(in, Scalar(in, index)), next,
                    ValueRange{arith::ConstantIndexOp::create(in, axis),
                               carried[1]});
              return SmallVector<Value>{next, Scalar(in, carried[1]) + 1};
            });
      });
  return SmallVector<Value>{filled[0]};
}

//===- image_decoder ------------------------------------------------------===//

/// The number of a format, as the runtime has it.
static std::optional<int32_t> pixelFormat(StringRef name) {
  return llvm::StringSwitch<std::optional<int32_t>>(name)
      .Case("RGB", 0)
      .Case("BGR", 1)
      .Case("Grayscale", 2)
      .Default(std::nullopt);
}

LogicalResult ImageDecoderOp::inferShapes(ShapeScope &scope) {
  std::optional<int32_t> format = pixelFormat(getPixelFormat());
  if (!format)
    return emitOpError() << "'pixel_format' is '" << getPixelFormat()
                         << "' instead of RGB, BGR or Grayscale";
  Type type = getElementTypeOrSelf(getEncodedStream().getType());
  if (!type.isUnsignedInteger(8) || scope.rank(getEncodedStream()) != 1)
    return emitOpError() << "'encoded_stream' is "
                         << getEncodedStream().getType()
                         << " instead of a list of ui8";
  return scope.set(getOperation()->getResult(0), type,
                   {Dim(), Dim(), scope.constant(*format == 2 ? 1 : 3)});
}

FailureOr<SmallVector<Value>> ImageDecoderOp::lower(Lowering &l) {
  Value file = l.lowered(getEncodedStream());
  Type type = getElementTypeOrSelf(getImage().getType()), i64 = l.getI64Type();
  auto pointer = LLVM::LLVMPointerType::get(getContext());
  auto at = [&](ImplicitLocOpBuilder &b, Value base, const Scalar &offset) {
    Value address = arith::AddIOp::create(b, base, asI64(b, offset));
    return LLVM::IntToPtrOp::create(b, pointer, address).getResult();
  };
  // The bytes go where the decoder finds them one after the other, whatever
  // becomes of the tensor's memory.
  OpFoldResult size = l.sizesOf(file)[0];
  Value bytes = asI64(l, Scalar(l, size)),
        room = makeString(l, "burnish_picture_begin", bytes);
  loopNest(l, size, l.index(0),
           [&](ImplicitLocOpBuilder &b, ValueRange index, ValueRange carried) {
             Value byte = tensor::ExtractOp::create(b, file, index);
             LLVM::StoreOp::create(b, byte, at(b, room, Scalar(b, index[0])));
             return SmallVector<Value>(carried);
           });
  Value format = arith::ConstantOp::create(
      l, l.getI32IntegerAttr(*pixelFormat(getPixelFormat())));
  Value picture = makeString(l, "burnish_picture_decode",
                             SmallVector<Value>{room, bytes, format});
  SmallVector<OpFoldResult> sizes;
  for (int64_t axis = 0; axis < 2; ++axis) {
    Value count = LLVM::LoadOp::create(
        l, i64, at(l, picture, Scalar(l, l.index(8 * axis))));
    sizes.push_back(l.agree(
        getAsOpFoldResult(
            arith::IndexCastOp::create(l, l.getIndexType(), count).getResult()),
        l.scope.dim(getImage(), axis)));
  }
  OpFoldResult channels = l.size(l.scope.dim(getImage(), 2));
  sizes.push_back(channels);
  Scalar columns(l, sizes[1]), depth(l, channels);
  return SmallVector<Value>{loopNest(
      l, sizes, scratch(l, type, sizes),
      [&](ImplicitLocOpBuilder &b, ValueRange index, ValueRange carried) {
        Scalar row(b, index[0]), column(b, index[1]), channel(b, index[2]);
        Scalar place = (row * Scalar(b, Value(columns)) + column) *
                           Scalar(b, Value(depth)) +
                       channel + 16;
        Value pixel =
            LLVM::LoadOp::create(b, b.getI8Type(), at(b, picture, place));
        return SmallVector<Value>{
            tensor::InsertOp::create(b, pixel, carried[0], index)};
      })[0]};
}

//===- compress -----------------------------------------------------------===//

LogicalResult CompressOp::inferShapes(ShapeScope &scope) {
  Dims dims = scope.dims(getInput());
  if (scope.rank(getCondition()) != 1 ||
      !getElementTypeOrSelf(getCondition().getType()).isInteger(1))
    return emitOpError() << "'condition' is " << getCondition().getType()
                         << " instead of a list of booleans";
  if (!getAxis())
    return scope.set(getOperation()->getResult(0),
                     getElementTypeOrSelf(getInput().getType()), {Dim()});
  FailureOr<int64_t> axis = normalizeAxis(*this, *getAxis(), dims.size());
  if (failed(axis))
    return failure();
  dims[*axis] = {};
  return scope.set(getOperation()->getResult(0),
                   getElementTypeOrSelf(getInput().getType()), dims);
}

FailureOr<SmallVector<Value>> CompressOp::lower(Lowering &l) {
  Value tensor = l.lowered(getInput()), condition = l.lowered(getCondition());
  Dims dims = l.scope.dims(getInput());
  if (!getAxis())
    tensor = l.reshape(tensor, dims, {l.scope.product(dims)});
  SmallVector<OpFoldResult> sizes = l.sizesOf(tensor);
  int64_t axis = getAxis() ? *normalizeAxis(*this, *getAxis(), dims.size()) : 0;
  // A condition may be shorter; what goes beyond the tensor names nothing.
  OpFoldResult length = getAsOpFoldResult(
      Value(min(Scalar(l, l.sizesOf(condition)[0]), Scalar(l, sizes[axis]))));
  auto holds = [&](ImplicitLocOpBuilder &b, ValueRange at) {
    return isTrue(b, condition, b.getI1Type(), at);
  };
  Scalar count = countOf(l, length, holds);
  OpFoldResult found =
      l.agree(getAsOpFoldResult(Value(count)), l.scope.dim(getOutput(), axis));
  SmallVector<Value> filled = loopNest(
      l, length, {scratch(l, l.getI64Type(), {found}), l.index(0)},
      [&](ImplicitLocOpBuilder &b, ValueRange at, ValueRange carried) {
        return onlyIf(b, holds(b, at), carried, [&](ImplicitLocOpBuilder &in) {
          Value next = tensor::InsertOp::create(
              in, asI64(in, Scalar(in, at[0])), carried[0], carried[1]);
          return SmallVector<Value>{next, Scalar(in, carried[1]) + 1};
        });
      });
  sizes[axis] = found;
  return SmallVector<Value>{
      l.generate(getElementTypeOrSelf(tensor.getType()), sizes,
                 [&](ImplicitLocOpBuilder &b, ValueRange at) -> Value {
                   SmallVector<Value> source(at);
                   source[axis] = listed(b, filled[0], at[axis]);
                   return tensor::ExtractOp::create(b, tensor, source);
                 })};
}

//===- unique -------------------------------------------------------------===//

LogicalResult UniqueOp::inferShapes(ShapeScope &scope) {
  Dims dims = scope.dims(getX());
  int64_t axis = 0;
  if (getAxis()) {
    FailureOr<int64_t> normal = normalizeAxis(*this, *getAxis(), dims.size());
    if (failed(normal))
      return failure();
    axis = *normal;
  } else {
    dims = {scope.product(dims)};
  }
  if (isa<ComplexType>(getElementTypeOrSelf(getX().getType())))
    return emitOpError() << "complex numbers have no order";
  Dim all = dims[axis];
  dims[axis] = {};
  if (failed(scope.set(cast<OpResult>(getY()),
                       getElementTypeOrSelf(getX().getType()), dims)))
    return failure();
  Type integer = IntegerType::get(getContext(), 64);
  Dim kept = scope.dim(getY(), axis);
  for (Value result : {getIndices(), getCounts()})
    if (result && failed(scope.set(cast<OpResult>(result), integer, {kept})))
      return failure();
  return success(!getInverseIndices() ||
                 succeeded(scope.set(cast<OpResult>(getInverseIndices()),
                                     integer, {all})));
}

/// A strict order of two scalars: NaN comes after all numbers, and no NaN
/// before another.
static Scalar comesBefore(ImplicitLocOpBuilder &b, Value left, Value right,
                          Type elementType) {
  auto compare = [&](arith::CmpFPredicate predicate, Value x, Value y) {
    return Scalar(b, b.createOrFold<arith::CmpFOp>(predicate, x, y));
  };
  if (isString(elementType)) {
    SmallVector<Value> both{left, right};
    return Scalar(b, callString(b, "burnish_string_compare", both)) < 0;
  }
  if (isa<FloatType>(left.getType()))
    return compare(arith::CmpFPredicate::OLT, left, right) |
           (compare(arith::CmpFPredicate::UNO, right, right) &
            compare(arith::CmpFPredicate::ORD, left, left));
  bool isUnsigned = elementType.isUnsignedInteger() || elementType.isInteger(1);
  return {b,
          b.createOrFold<arith::CmpIOp>(isUnsigned ? arith::CmpIPredicate::ult
                                                   : arith::CmpIPredicate::slt,
                                        left, right)};
}

FailureOr<SmallVector<Value>> UniqueOp::lower(Lowering &l) {
  Type elementType = getElementTypeOrSelf(getX().getType()),
       integer = l.getI64Type();
  Dims dims = l.scope.dims(getX());
  Value x = l.lowered(getX());
  if (!getAxis()) {
    x = l.reshape(x, dims, {l.scope.product(dims)});
    dims = {l.scope.product(dims)};
  }
  int64_t axis = getAxis() ? *normalizeAxis(*this, *getAxis(), dims.size()) : 0;
  SmallVector<OpFoldResult> sizes = l.sizesOf(x), within;
  for (auto [at, size] : llvm::enumerate(sizes))
    if (static_cast<int64_t>(at) != axis)
      within.push_back(size);
  Value total = l.index(sizes[axis]);
  auto elementOf = [&](ImplicitLocOpBuilder &b, Value item, ValueRange at) {
    SmallVector<Value> place(at);
    place.insert(place.begin() + axis, item);
    return loadScalar(b, tensor::ExtractOp::create(b, x, place), elementType);
  };
  // -1, 0 or 1 as the first elements that differ have it.
  auto compare = [&](ImplicitLocOpBuilder &b, Value left, Value right) {
    Value equal = arith::ConstantIndexOp::create(b, 0);
    SmallVector<Value> order = loopNest(
        b, within, equal,
        [&](ImplicitLocOpBuilder &in, ValueRange at, ValueRange carried) {
          Value mine = elementOf(in, left, at),
                other = elementOf(in, right, at);
          Scalar so(in, carried[0]),
              isLess = comesBefore(in, mine, other, elementType),
              isMore = comesBefore(in, other, mine, elementType);
          Scalar here = select(isLess, so.number(-1),
                               select(isMore, so.number(1), so.number(0)));
          return SmallVector<Value>{select(so == 0, here, so)};
        });
    return Scalar(b, order[0]);
  };
  auto list = [&](OpFoldResult size) { return scratch(l, integer, {size}); };
  Value order = sortedOrder(
      l, total, list(sizes[axis]), list(sizes[axis]),
      [&](ImplicitLocOpBuilder &b, Value left, Value right) -> Value {
        return compare(b, left, right) < 0;
      });

  // Equal slices are neighbours now, the first of them first: number them.
  SmallVector<Value> initial{list(sizes[axis]), list(sizes[axis]),
                             list(sizes[axis]), l.index(0)};
  SmallVector<Value> groups = loopNest(
      l, sizes[axis], initial,
      [&](ImplicitLocOpBuilder &b, ValueRange at, ValueRange carried) {
        Scalar k(b, at[0]), found(b, carried[3]), zero = k.number(0);
        Scalar item = listed(b, order, k),
               previous = listed(b, order, max(k - 1, zero));
        Scalar isNew = (k == 0) | (compare(b, previous, item) != 0);
        Scalar group = select(isNew, found, found - 1),
               next = select(isNew, found + 1, found);
        Value firstSoFar =
                  tensor::ExtractOp::create(b, carried[0], Value(group)),
              countSoFar =
                  tensor::ExtractOp::create(b, carried[1], Value(group));
        Scalar itemNumber(b, asI64(b, item)), counted(b, countSoFar);
        Value first = tensor::InsertOp::create(
            b, select(isNew, itemNumber, Scalar(b, firstSoFar)), carried[0],
            Value(group));
        Value counts = tensor::InsertOp::create(
            b, select(isNew, counted.number(1), counted + 1), carried[1],
            Value(group));
        Value inverse = tensor::InsertOp::create(b, asI64(b, group), carried[2],
                                                 Value(item));
        return SmallVector<Value>{first, counts, inverse, next};
      });
  Value first = groups[0], counts = groups[1], inverse = groups[2];
  OpFoldResult kept =
      l.agree(getAsOpFoldResult(groups[3]), l.scope.dim(getY(), axis));
  // The k-th result is group ranked[k].
  Value ranked;
  if (!getSorted()) {
    ranked = sortedOrder(
        l, l.index(kept), list(kept), list(kept),
        [&](ImplicitLocOpBuilder &b, Value left, Value right) -> Value {
          return listed(b, first, left) < listed(b, first, right);
        });
    Value positions = loopNest(
        l, kept, list(kept),
        [&](ImplicitLocOpBuilder &b, ValueRange at, ValueRange carried) {
          return SmallVector<Value>{tensor::InsertOp::create(
              b, asI64(b, Scalar(b, at[0])), carried[0],
              Value(listed(b, ranked, at[0])))};
        })[0];
    inverse = l.generic(
        integer, sizes[axis], {{inverse, integer, l.getMultiDimIdentityMap(1)}},
        [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
          return tensor::ExtractOp::create(b, positions,
                                           Value(Scalar(b, args[0]).toIndex()));
        });
  }
  auto group = [&](ImplicitLocOpBuilder &b, Value k) -> Value {
    return ranked ? Value(listed(b, ranked, k)) : k;
  };
  auto ofGroups = [&](Value numbers) {
    return l.generate(
        integer, {kept}, [&](ImplicitLocOpBuilder &b, ValueRange at) -> Value {
          return tensor::ExtractOp::create(b, numbers, group(b, at[0]));
        });
  };
  sizes[axis] = kept;
  SmallVector<Value> results{
      l.generate(getElementTypeOrSelf(x.getType()), sizes,
                 [&](ImplicitLocOpBuilder &b, ValueRange at) -> Value {
                   SmallVector<Value> source(at);
                   source[axis] = listed(b, first, group(b, at[axis]));
                   return tensor::ExtractOp::create(b, x, source);
                 })};
  if (getIndices())
    results.push_back(ofGroups(first));
  if (getInverseIndices())
    results.push_back(inverse);
  if (getCounts())
    results.push_back(ofGroups(counts));
  return results;
}

//===- non_max_suppression ------------------------------------------------===//

LogicalResult NonMaxSuppressionOp::inferShapes(ShapeScope &scope) {
  Dims boxes = scope.dims(getBoxes()), scores = scope.dims(getScores());
  auto fits = [](Dim a, Dim b) { return a == b || !known(a) || !known(b); };
  if (boxes.size() != 3 || scores.size() != 3 ||
      !fits(boxes[2], scope.constant(4)) || !fits(boxes[0], scores[0]) ||
      !fits(boxes[1], scores[2]))
    return emitOpError() << "'boxes' has shape " << toString(boxes)
                         << " and 'scores' " << toString(scores)
                         << " instead of BxNx4 and BxCxN";
  if (!isa<FloatType>(getElementTypeOrSelf(getBoxes().getType())) ||
      !isa<FloatType>(getElementTypeOrSelf(getScores().getType())))
    return emitOpError() << "'boxes' or 'scores' are no floats";
  for (Value operand :
       {getMaxOutputBoxesPerClass(), getIouThreshold(), getScoreThreshold()})
    if (operand && llvm::any_of(scope.dims(operand), [&](Dim dim) {
          return !fits(dim, scope.constant(1));
        }))
      return emitOpError() << "a limit has shape "
                           << toString(scope.dims(operand))
                           << " instead of one element";
  return scope.set(getOperation()->getResult(0),
                   IntegerType::get(getContext(), 64),
                   {Dim(), scope.constant(3)});
}

/// The one element of an operand, or `otherwise` without it.
static Value limitOf(Lowering &l, Value operand, Value otherwise) {
  if (!operand)
    return otherwise;
  for (Dim dim : l.scope.dims(operand))
    l.requireEqual(dim, l.scope.constant(1), "a limit is not one number");
  SmallVector<Value> first(l.scope.rank(operand), l.index(0));
  return l.extract(l.lowered(operand), getElementTypeOrSelf(operand.getType()),
                   first);
}

/// How much of the union of two boxes is in both.
static Scalar overlap(ArrayRef<Scalar> a, ArrayRef<Scalar> b) {
  auto width = [](const Scalar &low, const Scalar &high) {
    return max(high - low, low.number(0));
  };
  Scalar both = width(max(a[0], b[0]), min(a[2], b[2])) *
                width(max(a[1], b[1]), min(a[3], b[3]));
  Scalar areaA = (a[2] - a[0]) * (a[3] - a[1]),
         areaB = (b[2] - b[0]) * (b[3] - b[1]), either = areaA + areaB - both;
  Scalar exists = (areaA > 0) & (areaB > 0) & (either > 0);
  return select(exists, both / select(exists, either, either.number(1)),
                both.number(0));
}

FailureOr<SmallVector<Value>> NonMaxSuppressionOp::lower(Lowering &l) {
  Value boxes = l.lowered(getBoxes()), scores = l.lowered(getScores());
  Type boxType = getElementTypeOrSelf(getBoxes().getType()),
       scoreType = getElementTypeOrSelf(getScores().getType()),
       integer = l.getI64Type();
  Dims boxDims = l.scope.dims(getBoxes()),
       scoreDims = l.scope.dims(getScores());
  l.requireEqual(boxDims[2], l.scope.constant(4), "boxes of four numbers");
  l.requireEqual(boxDims[0], scoreDims[0], "boxes and scores of one batch");
  l.requireEqual(boxDims[1], scoreDims[2], "a score for each box");
  SmallVector<OpFoldResult> sizes = l.sizesOf(scores);
  Scalar count(l, sizes[2]), zero = count.number(0);
  Scalar most =
      Scalar(l, limitOf(l, getMaxOutputBoxesPerClass(), l.number(integer, 0)));
  Scalar perClass = min(max(most.toIndex(), zero), count);
  Scalar bestOverlap(l, limitOf(l, getIouThreshold(), l.number(boxType, 0)));
  Scalar leastScore(
      l,
      limitOf(l, getScoreThreshold(),
              l.number(scoreType, -std::numeric_limits<double>::infinity())));
  // At least one row: there is no view of a place in a tensor of none.
  Scalar room =
      max(Scalar(l, sizes[0]) * Scalar(l, sizes[1]) * perClass, zero + 1);
  SmallVector<Value> initial{
      scratch(l, integer, {getAsOpFoldResult(Value(room)), l.getIndexAttr(3)}),
      l.index(0), scratch(l, integer, {sizes[2]}),
      scratch(l, integer, {sizes[2]})};
  auto boxAt = [&](ImplicitLocOpBuilder &b, Value batch, Value item) {
    SmallVector<Scalar> numbers;
    for (int64_t k = 0; k < 4; ++k) {
      Value element = tensor::ExtractOp::create(
          b, boxes,
          ValueRange{batch, item, arith::ConstantIndexOp::create(b, k)});
      numbers.emplace_back(b, loadScalar(b, element, boxType));
    }
    if (getCenterPointBox()) {
      Scalar halfWidth = numbers[2] * 0.5, halfHeight = numbers[3] * 0.5;
      return SmallVector<Scalar>{
          numbers[0] - halfWidth, numbers[1] - halfHeight,
          numbers[0] + halfWidth, numbers[1] + halfHeight};
    }
    return SmallVector<Scalar>{
        min(numbers[0], numbers[2]), min(numbers[1], numbers[3]),
        max(numbers[0], numbers[2]), max(numbers[1], numbers[3])};
  };
  ArrayRef<OpFoldResult> classes = ArrayRef(sizes).drop_back();
  SmallVector<Value> selected = loopNest(
      l, classes, initial,
      [&](ImplicitLocOpBuilder &b, ValueRange at, ValueRange carried) {
        Value batch = at[0];
        auto scoreOf = [&](ImplicitLocOpBuilder &in, Value item) {
          return Scalar(
              in, loadScalar(in,
                             tensor::ExtractOp::create(
                                 in, scores, ValueRange{batch, at[1], item}),
                             scoreType));
        };
        // Few have a score that counts: only these are put in order.
        SmallVector<Value> listing{carried[2],
                                   arith::ConstantIndexOp::create(b, 0)};
        SmallVector<Value> wanted = loopNest(
            b, getAsOpFoldResult(Value(count)), listing,
            [&](ImplicitLocOpBuilder &in, ValueRange item, ValueRange so) {
              Scalar found(in, so[1]), isWanted = scoreOf(in, item[0]) >
                                                  Scalar(in, Value(leastScore));
              return SmallVector<Value>{
                  tensor::InsertOp::create(in, asI64(in, Scalar(in, item[0])),
                                           so[0], so[1]),
                  select(isWanted, found + 1, found)};
            });
        Value order = sortedList(
            b, wanted[1], wanted[0], carried[3],
            [&](ImplicitLocOpBuilder &in, Value left, Value right) -> Value {
              return scoreOf(in, left) > scoreOf(in, right);
            });
        Value start = carried[1];
        SmallVector<Value> chosen = loopNest(
            b, getAsOpFoldResult(wanted[1]), carried.take_front(2),
            [&](ImplicitLocOpBuilder &in, ValueRange k, ValueRange so) {
              Scalar item = listed(in, order, k[0]), found(in, so[1]),
                     first(in, start);
              Scalar isWanted = found - first < Scalar(in, Value(perClass));
              return onlyIf(in, isWanted, so, [&](ImplicitLocOpBuilder &deep) {
                SmallVector<Scalar> mine = boxAt(deep, batch, item);
                Value yes = arith::ConstantOp::create(deep,
                                                      deep.getBoolAttr(true)),
                      last = arith::ConstantIndexOp::create(deep, 2);
                Scalar better = Scalar(deep, so[1]) - Scalar(deep, start);
                // Until among so many there is one that shares too much with
                // it: a branch for each cost more than it saved.
                Value block = arith::ConstantIndexOp::create(deep, 32);
                SmallVector<Value> initially{
                    arith::ConstantIndexOp::create(deep, 0), yes};
                auto search = scf::WhileOp::create(
                    deep, ValueRange(initially).getTypes(), initially,
                    [&](OpBuilder &inner, Location loc, ValueRange args) {
                      ImplicitLocOpBuilder d(loc, inner);
                      scf::ConditionOp::create(
                          d,
                          (Scalar(d, args[0]) < Scalar(d, Value(better))) &
                              Scalar(d, args[1]),
                          args);
                    },
                    [&](OpBuilder &inner, Location loc, ValueRange args) {
                      ImplicitLocOpBuilder d(loc, inner);
                      Scalar from(d, args[0]), length(d, block),
                          end(d, Value(better));
                      Value some = min(length, end - from);
                      SmallVector<Value> isFree = loopNest(
                          d, getAsOpFoldResult(some), args[1],
                          [&](ImplicitLocOpBuilder &e, ValueRange j,
                              ValueRange free) {
                            Scalar row = Scalar(e, start) + Scalar(e, args[0]) +
                                         Scalar(e, j[0]);
                            Value other = tensor::ExtractOp::create(
                                e, so[0], ValueRange{row, last});
                            SmallVector<Scalar> own;
                            for (const Scalar &number : mine)
                              own.emplace_back(e, Value(number));
                            Scalar shared =
                                overlap(own, boxAt(e, batch,
                                                   Scalar(e, other).toIndex()));
                            return SmallVector<Value>{
                                Scalar(e, free[0]) &
                                (shared <= Scalar(e, Value(bestOverlap)))};
                          });
                      SmallVector<Value> next{from + length, isFree[0]};
                      scf::YieldOp::create(d, next);
                    });
                return onlyIf(
                    deep, search.getResult(1), so,
                    [&](ImplicitLocOpBuilder &d) {
                      Value next = so[0];
                      SmallVector<Value> row{at[0], at[1], item};
                      for (auto [column, value] : llvm::enumerate(row))
                        next = tensor::InsertOp::create(
                            d, asI64(d, Scalar(d, value)), next,
                            ValueRange{so[1], arith::ConstantIndexOp::create(
                                                  d, column)});
                      return SmallVector<Value>{next, Scalar(d, so[1]) + 1};
                    });
              });
            });
        return SmallVector<Value>{chosen[0], chosen[1], order, carried[3]};
      });
  OpFoldResult found = l.agree(getAsOpFoldResult(selected[1]),
                               l.scope.dim(getSelectedIndices(), 0));
  return SmallVector<Value>{l.slice(selected[0], 0, l.getIndexAttr(0), found)};
}
