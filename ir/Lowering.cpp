// Lowering.cpp - what an operator uses to say what it computes, in linalg on
// tensors.
#include "ir/Lowering.h"
#include "ir/Ops.h"
#include "ir/SmallFloats.h"
#include "ir/Strings.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

//===- Index arithmetic ---------------------------------------------------===//

template <typename Op>
static OpFoldResult indexOp(ImplicitLocOpBuilder &builder, OpFoldResult a,
                            OpFoldResult b) {
  Value left = getValueOrCreateConstantIndexOp(builder, builder.getLoc(), a);
  Value right = getValueOrCreateConstantIndexOp(builder, builder.getLoc(), b);
  return getAsOpFoldResult(builder.createOrFold<Op>(left, right));
}
OpFoldResult nn::addIndex(ImplicitLocOpBuilder &builder, OpFoldResult a,
                          OpFoldResult b) {
  return indexOp<arith::AddIOp>(builder, a, b);
}
OpFoldResult nn::subIndex(ImplicitLocOpBuilder &builder, OpFoldResult a,
                          OpFoldResult b) {
  return indexOp<arith::SubIOp>(builder, a, b);
}
OpFoldResult nn::mulIndex(ImplicitLocOpBuilder &builder, OpFoldResult a,
                          OpFoldResult b) {
  return indexOp<arith::MulIOp>(builder, a, b);
}

OpFoldResult Lowering::size(Dim dim) {
  switch (dim.getKind()) {
  case AffineExprKind::Constant:
    return getIndexAttr(cast<AffineConstantExpr>(dim).getValue());
  case AffineExprKind::SymbolId: {
    SymbolOrigin origin = scope.origin(cast<AffineSymbolExpr>(dim));
    if (origin.extreme == SymbolOrigin::Least)
      return indexOp<arith::MinSIOp>(*this, size(origin.left),
                                     size(origin.right));
    if (origin.extreme == SymbolOrigin::Greatest)
      return indexOp<arith::MaxSIOp>(*this, size(origin.left),
                                     size(origin.right));
    if (origin.isElement)
      return element(origin.value, origin.index);
    Value tensor = lowered(origin.value);
    assert(tensor && "the size of a value that is not lowered yet");
    return getAsOpFoldResult(
        createOrFold<tensor::DimOp>(tensor, index(origin.index)));
  }
  default:
    break;
  }
  auto binary = cast<AffineBinaryOpExpr>(dim);
  OpFoldResult left = size(binary.getLHS()), right = size(binary.getRHS());
  switch (dim.getKind()) {
  case AffineExprKind::Add:
    return indexOp<arith::AddIOp>(*this, left, right);
  case AffineExprKind::Mul:
    return indexOp<arith::MulIOp>(*this, left, right);
  case AffineExprKind::FloorDiv:
    return indexOp<arith::FloorDivSIOp>(*this, left, right);
  case AffineExprKind::CeilDiv:
    return indexOp<arith::CeilDivSIOp>(*this, left, right);
  case AffineExprKind::Mod:
    return indexOp<arith::RemSIOp>(*this, left, right);
  default:
    llvm_unreachable("dims are made of symbols and constants");
  }
}

SmallVector<OpFoldResult> Lowering::sizes(ArrayRef<Dim> dims) {
  return llvm::map_to_vector(dims, [&](Dim dim) { return size(dim); });
}

SmallVector<OpFoldResult> Lowering::sizesOf(Value tensor) {
  return tensor::getMixedSizes(*this, getLoc(), tensor);
}
Value Lowering::index(OpFoldResult size) {
  return getValueOrCreateConstantIndexOp(*this, getLoc(), size);
}
Value Lowering::index(int64_t value) {
  return arith::ConstantIndexOp::create(*this, value);
}

OpFoldResult Lowering::element(Value integers, int64_t position) {
  std::optional<Dims> known = scope.elements(integers);
  if (known) {
    Dim dim = (*known)[position];
    auto symbol = dyn_cast<AffineSymbolExpr>(dim);
    bool isItself = symbol && scope.origin(symbol).isElement &&
                    scope.origin(symbol).value == integers;
    if (!isItself)
      return size(dim);
  }
  SmallVector<Value> indices;
  if (ShapeScope::rank(integers) > 0)
    indices.push_back(index(position));
  assert(ShapeScope::rank(integers) <= 1 &&
         "elements are read from scalars and lists");
  Value scalar = tensor::ExtractOp::create(*this, lowered(integers), indices);
  return getAsOpFoldResult(
      createOrFold<arith::IndexCastOp>(getIndexType(), scalar));
}

Value Lowering::extract(Value tensor, Type elementType, ValueRange indices) {
  return loadScalar(*this, tensor::ExtractOp::create(*this, tensor, indices),
                    elementType);
}

Value Lowering::number(Type type, double value) {
  if (auto floatType = dyn_cast<FloatType>(type)) {
    APFloat number(value);
    bool losesInfo;
    number.convert(floatType.getFloatSemantics(), APFloat::rmNearestTiesToEven,
                   &losesInfo);
    return arith::ConstantOp::create(*this, FloatAttr::get(floatType, number));
  }
  return arith::ConstantOp::create(
      *this, IntegerAttr::get(computeType(type), static_cast<int64_t>(value)));
}

static Value limit(Lowering &builder, Type elementType, bool isLowest) {
  Type type = computeType(elementType);
  if (auto floatType = dyn_cast<FloatType>(type))
    return arith::ConstantOp::create(
        builder,
        FloatAttr::get(floatType, APFloat::getInf(floatType.getFloatSemantics(),
                                                  isLowest)));
  unsigned width = type.getIntOrFloatBitWidth();
  bool isUnsigned = elementType.isUnsignedInteger() || width == 1;
  APInt value = isLowest ? (isUnsigned ? APInt::getMinValue(width)
                                       : APInt::getSignedMinValue(width))
                         : (isUnsigned ? APInt::getMaxValue(width)
                                       : APInt::getSignedMaxValue(width));
  return arith::ConstantOp::create(builder, IntegerAttr::get(type, value));
}
Value Lowering::lowest(Type elementType) {
  return limit(*this, elementType, true);
}
Value Lowering::highest(Type elementType) {
  return limit(*this, elementType, false);
}
Value Lowering::zero(Type elementType) {
  return arith::ConstantOp::create(*this,
                                   getZeroAttr(computeType(elementType)));
}

void Lowering::require(Value condition, Status status, StringRef message) {
  // The status travels in front of the message; the entry point turns the
  // assertion into a return of it.
  cf::AssertOp::create(
      *this, condition,
      (Twine(static_cast<int32_t>(status)) + ":" + message).str());
}

OpFoldResult Lowering::agree(OpFoldResult found, Dim dim) {
  if (scope.isAtLeast(dim, 0) && !isa<AffineConstantExpr>(dim))
    return found;
  OpFoldResult declared = size(dim);
  if (found == declared)
    return declared;
  require(createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, index(found),
                                      index(declared)),
          Status::BadShape, "a size is not what was declared");
  return declared;
}

OpFoldResult Lowering::checkedSize(Dim dim) {
  OpFoldResult found = size(dim);
  if (!scope.isAtLeast(dim, 0))
    require(createOrFold<arith::CmpIOp>(arith::CmpIPredicate::sge, index(found),
                                        index(0)),
            Status::BadShape, "a size is negative");
  return found;
}

void Lowering::requireEqual(Dim left, Dim right, StringRef message) {
  if (left == right || (known(left) && known(right)))
    return;
  Value isEqual = arith::CmpIOp::create(*this, arith::CmpIPredicate::eq,
                                        index(size(left)), index(size(right)));
  require(isEqual, Status::BadShape, message);
}

void Lowering::requireDims(Value operand, ArrayRef<Dim> expected,
                           StringRef message) {
  for (auto [dim, other] : llvm::zip_equal(scope.dims(operand), expected))
    requireEqual(dim, other, message);
}

//===- Tensors ------------------------------------------------------------===//

Value Lowering::empty(Type elementType, ArrayRef<OpFoldResult> sizes) {
  return tensor::EmptyOp::create(*this, sizes, storageType(elementType));
}
Value Lowering::emptyFor(Value result) {
  return empty(getElementTypeOrSelf(result.getType()), sizes(result));
}

Value Lowering::filled(Type elementType, ArrayRef<OpFoldResult> sizes,
                       Value scalar) {
  Value stored = storeScalar(*this, scalar, elementType);
  return linalg::FillOp::create(*this, stored, empty(elementType, sizes))
      .getResult(0);
}

/// A linalg.generic whose body computes on compute types.
static Value makeGeneric(Lowering &lowering, Value init, Type resultElementType,
                         AffineMap outMap, ArrayRef<Lowering::Operand> inputs,
                         ArrayRef<utils::IteratorType> iterators,
                         bool passesInit, Lowering::ScalarBody body) {
  SmallVector<Value> tensors;
  SmallVector<AffineMap> maps;
  for (const Lowering::Operand &input : inputs) {
    tensors.push_back(input.tensor);
    maps.push_back(input.map);
  }
  maps.push_back(outMap);
  auto generic = linalg::GenericOp::create(
      lowering, TypeRange(init.getType()), tensors, ValueRange(init), maps,
      iterators, [&](OpBuilder &builder, Location loc, ValueRange args) {
        ImplicitLocOpBuilder inner(loc, builder);
        SmallVector<Value> scalars;
        for (auto [input, arg] : llvm::zip(inputs, args))
          scalars.push_back(loadScalar(inner, arg, input.elementType));
        if (passesInit)
          scalars.push_back(loadScalar(inner, args.back(), resultElementType));
        Value result = body(inner, scalars);
        linalg::YieldOp::create(inner,
                                storeScalar(inner, result, resultElementType));
      });
  return generic.getResult(0);
}

Value Lowering::generic(Type resultElementType, ArrayRef<OpFoldResult> sizes,
                        ArrayRef<Operand> inputs, ScalarBody body) {
  SmallVector<utils::IteratorType> iterators(sizes.size(),
                                             utils::IteratorType::parallel);
  return makeGeneric(*this, empty(resultElementType, sizes), resultElementType,
                     getMultiDimIdentityMap(sizes.size()), inputs, iterators,
                     /*passesInit=*/false, body);
}

Value Lowering::reduce(Value init, Type resultElementType, AffineMap outMap,
                       ArrayRef<Operand> inputs,
                       ArrayRef<utils::IteratorType> iterators,
                       ScalarBody body) {
  return makeGeneric(*this, init, resultElementType, outMap, inputs, iterators,
                     /*passesInit=*/true, body);
}

Value Lowering::generate(Type resultElementType, ArrayRef<OpFoldResult> sizes,
                         ScalarBody body) {
  return generic(resultElementType, sizes, {},
                 [&](ImplicitLocOpBuilder &builder, ValueRange) {
                   SmallVector<Value> indices;
                   for (size_t axis = 0; axis < sizes.size(); ++axis)
                     indices.push_back(linalg::IndexOp::create(builder, axis));
                   return body(builder, indices);
                 });
}

SmallVector<Value> Lowering::loop(
    ArrayRef<OpFoldResult> sizes, ValueRange carried,
    llvm::function_ref<SmallVector<Value>(ValueRange, ValueRange)> body) {
  SmallVector<Value> first(sizes.size(), index(0)),
      step(sizes.size(), index(1));
  SmallVector<Value> count = llvm::map_to_vector(
      sizes, [&](OpFoldResult size) { return index(size); });
  scf::LoopNest nest =
      scf::buildLoopNest(*this, getLoc(), first, count, step, carried,
                         [&](OpBuilder &, Location, ValueRange indices,
                             ValueRange now) { return body(indices, now); });
  return SmallVector<Value>(nest.results.begin(), nest.results.end());
}

Value Lowering::convert(Value tensor, Type from, Type to) {
  if (from == to)
    return tensor;
  SmallVector<OpFoldResult> sizes = sizesOf(tensor);
  return generic(to, sizes,
                 {{tensor, from, getMultiDimIdentityMap(sizes.size())}},
                 [&](ImplicitLocOpBuilder &b, ValueRange args) {
                   return castScalar(b, args[0], from, to);
                 });
}

/// A tensor in a broadcast to `sizes`, element by element: where an axis turns
/// out to be 1, its only place is read.
static Value gathered(Lowering &l, Value tensor, Type elementType,
                      ArrayRef<OpFoldResult> sizes) {
  SmallVector<Value> isOne;
  for (OpFoldResult size : l.sizesOf(tensor))
    isOne.push_back(arith::CmpIOp::create(l, arith::CmpIPredicate::eq,
                                          l.index(size), l.index(1)));
  size_t lead = sizes.size() - isOne.size();
  return l.generate(
      elementType, sizes,
      [&](ImplicitLocOpBuilder &builder, ValueRange indices) {
        Value first = arith::ConstantIndexOp::create(builder, 0);
        SmallVector<Value> source;
        for (size_t axis = 0; axis < isOne.size(); ++axis)
          source.push_back(arith::SelectOp::create(builder, isOne[axis], first,
                                                   indices[lead + axis]));
        return loadScalar(builder,
                          tensor::ExtractOp::create(builder, tensor, source),
                          elementType);
      });
}

Lowering::Operand Lowering::broadcast(Value tensor, Type elementType,
                                      ArrayRef<Dim> dims,
                                      ArrayRef<Dim> resultDims,
                                      ArrayRef<OpFoldResult> resultSizes) {
  size_t rank = resultDims.size(), lead = rank - dims.size();
  bool isRepeated = lead > 0;
  SmallVector<AffineExpr> exprs;
  // Axes of which only the run knows whether they are repeated.
  SmallVector<size_t> open;
  for (size_t axis = 0; axis < dims.size(); ++axis) {
    Dim resultDim = resultDims[lead + axis];
    bool isOne = isKnown(dims[axis], 1),
         repeatsOne = isOne && !isKnown(resultDim, 1);
    isRepeated |= repeatsOne;
    if (!isOne && !scope.isOneOnlyWith(dims[axis], resultDim))
      open.push_back(axis);
    exprs.push_back(repeatsOne ? getAffineConstantExpr(0)
                               : getAffineDimExpr(lead + axis));
  }
  if (open.empty())
    return {tensor, elementType, AffineMap::get(rank, 0, exprs, getContext())};
  AffineMap all = getMultiDimIdentityMap(rank);
  if (isRepeated || isString(elementType))
    return {gathered(*this, tensor, elementType, resultSizes), elementType,
            all};

  // Mostly nothing is repeated, and the operand is read as it lies.
  SmallVector<OpFoldResult> operandSizes = sizesOf(tensor);
  Value isWhole;
  for (size_t axis : open) {
    Value isSame = createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq,
                                               index(operandSizes[axis]),
                                               index(resultSizes[axis]));
    isWhole = isWhole ? createOrFold<arith::AndIOp>(isWhole, isSame) : isSame;
  }
  auto type = RankedTensorType::get(decomposeMixedValues(resultSizes).first,
                                    getElementTypeOrSelf(tensor.getType()));
  auto choice = scf::IfOp::create(*this, TypeRange(type), isWhole,
                                  /*withElseRegion=*/true);
  {
    OpBuilder::InsertionGuard guard(*this);
    setInsertionPointToStart(choice.thenBlock());
    Value whole = tensor.getType() == type
                      ? tensor
                      : Value(tensor::CastOp::create(*this, type, tensor));
    scf::YieldOp::create(*this, whole);
    setInsertionPointToStart(choice.elseBlock());
    scf::YieldOp::create(*this,
                         gathered(*this, tensor, elementType, resultSizes));
  }
  // A slice of all of it: either branch has the sizes that are known here.
  Value written = tensor::ExtractSliceOp::create(
      *this, choice.getResult(0),
      SmallVector<OpFoldResult>(rank, getIndexAttr(0)), resultSizes,
      SmallVector<OpFoldResult>(rank, getIndexAttr(1)));
  return {written, elementType, all};
}

SmallVector<OpFoldResult> Lowering::broadcastSizes(ValueRange operands,
                                                   Value result) {
  return broadcastSizes(
      llvm::map_to_vector(operands,
                          [&](Value operand) { return scope.dims(operand); }),
      scope.dims(result));
}

SmallVector<OpFoldResult> Lowering::broadcastSizes(ArrayRef<Dims> shapes,
                                                   ArrayRef<Dim> resultDims) {
  SmallVector<OpFoldResult> all;
  for (auto [axis, resultDim] : llvm::enumerate(resultDims)) {
    SmallVector<Dim> different;
    for (const Dims &shape : shapes) {
      int64_t at = static_cast<int64_t>(axis) -
                   static_cast<int64_t>(resultDims.size() - shape.size());
      if (at >= 0 && !isKnown(shape[at], 1) &&
          !llvm::is_contained(different, shape[at]))
        different.push_back(shape[at]);
    }
    if (different.size() <= 1 &&
        (different.empty() || different[0] == resultDim)) {
      all.push_back(size(resultDim));
      continue;
    }
    // The result is as long as the first operand whose dim is not 1; the others
    // have that or 1.
    SmallVector<Value> lengths = llvm::map_to_vector(
        different, [&](Dim dim) { return index(size(dim)); });
    Value one = index(1), length = lengths[0];
    auto isOne = [&](Value value) {
      return createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, value, one);
    };
    for (Value other : ArrayRef(lengths).drop_front())
      length = createOrFold<arith::SelectOp>(isOne(length), other, length);
    for (Value other : lengths) {
      Value fits =
          createOrFold<arith::CmpIOp>(arith::CmpIPredicate::eq, other, length);
      require(createOrFold<arith::OrIOp>(fits, isOne(other)), Status::BadShape,
              "operands do not broadcast");
    }
    all.push_back(known(resultDim) || llvm::is_contained(different, resultDim)
                      ? size(resultDim)
                      : getAsOpFoldResult(length));
  }
  return all;
}

FailureOr<SmallVector<Value>> Lowering::elementwise(Operation *op) {
  Value result = op->getResult(0);
  SmallVector<OpFoldResult> resultSizes =
      broadcastSizes(op->getOperands(), result);
  Dims resultDims = scope.dims(result);
  SmallVector<Operand> inputs;
  for (Value operand : op->getOperands())
    inputs.push_back(broadcast(lowered(operand),
                               getElementTypeOrSelf(operand.getType()),
                               scope.dims(operand), resultDims, resultSizes));
  auto scalar = [&](ImplicitLocOpBuilder &builder, ValueRange args) {
    return cast<Elementwise>(op).scalar(builder, args);
  };
  // What calls a function for each string is no loop that may be merged with
  // others, cut in vectors or computed twice.
  if (!isa<WhereOp>(op) &&
      llvm::any_of(llvm::concat<Value>(op->getOperands(), op->getResults()),
                   [](Value value) { return isString(value.getType()); }))
    return SmallVector<Value>{mapStrings(*this,
                                         getElementTypeOrSelf(result.getType()),
                                         resultSizes, inputs, scalar)};
  return SmallVector<Value>{generic(getElementTypeOrSelf(result.getType()),
                                    resultSizes, inputs, scalar)};
}

//===- Views --------------------------------------------------------------===//

/// Groups of neighbouring dims with equal products: how many of `from` and of
/// `to` each takes. Nothing when there are none but all dims at once and both
/// sides have several.
static std::optional<SmallVector<std::pair<size_t, size_t>>>
matchGroups(const ShapeScope &scope, ArrayRef<Dim> from, ArrayRef<Dim> to) {
  SmallVector<std::pair<size_t, size_t>> groups;
  size_t left = 0, right = 0;
  auto findGroup = [&]() -> std::optional<std::pair<size_t, size_t>> {
    for (size_t both = 2; both <= from.size() - left + to.size() - right;
         ++both)
      for (size_t taken = 1; taken < both; ++taken)
        if (left + taken <= from.size() && right + both - taken <= to.size() &&
            scope.product(from.slice(left, taken)) ==
                scope.product(to.slice(right, both - taken)))
          return std::pair(taken, both - taken);
    return std::nullopt;
  };
  while (left < from.size() && right < to.size()) {
    std::optional<std::pair<size_t, size_t>> group = findGroup();
    if (!group)
      return std::nullopt;
    left += group->first;
    right += group->second;
    groups.push_back(*group);
  }
  // Dims of 1 may be left over on one side.
  auto isOne = [](Dim dim) { return isKnown(dim, 1); };
  if (groups.empty() || !llvm::all_of(from.drop_front(left), isOne) ||
      !llvm::all_of(to.drop_front(right), isOne))
    return std::nullopt;
  groups.back().first += from.size() - left;
  groups.back().second += to.size() - right;
  return groups;
}

Value Lowering::reshape(Value tensor, ArrayRef<Dim> from, ArrayRef<Dim> to) {
  if (from == to)
    return tensor;
  bool isStatic =
      llvm::all_of(from, [](Dim dim) { return known(dim).has_value(); }) &&
      llvm::all_of(to, [](Dim dim) { return known(dim).has_value(); });
  SmallVector<OpFoldResult> toSizes =
      llvm::map_to_vector(to, [&](Dim dim) { return checkedSize(dim); });
  if (isStatic)
    return reshape(tensor, toSizes);
  if (scope.simplify(scope.product(from)) !=
      scope.simplify(scope.product(to))) {
    auto count = [&](ArrayRef<OpFoldResult> sizes) {
      OpFoldResult product = getIndexAttr(1);
      for (OpFoldResult size : sizes)
        product = mulIndex(*this, product, size);
      return index(product);
    };
    Value fits = createOrFold<arith::CmpIOp>(
        arith::CmpIPredicate::eq, count(sizesOf(tensor)), count(toSizes));
    require(fits, Status::BadShape, "reshape to another number of elements");
  }
  std::optional<SmallVector<std::pair<size_t, size_t>>> groups =
      matchGroups(scope, from, to);
  if (!groups)
    return reshape(tensor, toSizes);
  SmallVector<ReassociationIndices> merged, split;
  SmallVector<OpFoldResult> mergedSizes;
  int64_t left = 0, right = 0;
  for (auto [taken, given] : *groups) {
    merged.push_back(llvm::to_vector(llvm::seq<int64_t>(left, left + taken)));
    split.push_back(llvm::to_vector(llvm::seq<int64_t>(right, right + given)));
    left += taken;
    right += given;
  }
  if (merged.size() != from.size())
    tensor = tensor::CollapseShapeOp::create(*this, tensor, merged);
  if (split.size() == to.size())
    return tensor;
  SmallVector<int64_t> shape;
  SmallVector<Value> dynamic;
  dispatchIndexOpFoldResults(toSizes, dynamic, shape);
  auto type =
      RankedTensorType::get(shape, getElementTypeOrSelf(tensor.getType()));
  // A merged dim may be known to its own dims alone, or to the group's split
  // ones.
  SmallVector<int64_t> between;
  for (const ReassociationIndices &group : split) {
    int64_t size = 1;
    for (int64_t axis : group)
      size = ShapedType::isDynamic(size) || ShapedType::isDynamic(shape[axis])
                 ? ShapedType::kDynamic
                 : size * shape[axis];
    between.push_back(size);
  }
  auto betweenType = RankedTensorType::get(between, type.getElementType());
  if (tensor.getType() != betweenType)
    tensor = tensor::CastOp::create(*this, betweenType, tensor);
  return tensor::ExpandShapeOp::create(*this, type, tensor, split, toSizes);
}

Value Lowering::reshape(Value tensor, ArrayRef<OpFoldResult> sizes) {
  auto type = cast<RankedTensorType>(tensor.getType());
  SmallVector<int64_t> shape;
  SmallVector<Value> dynamic;
  dispatchIndexOpFoldResults(sizes, dynamic, shape);
  auto resultType = RankedTensorType::get(shape, type.getElementType());
  if (type == resultType && type.hasStaticShape())
    return tensor;
  // Nothing keeps its place, and later passes have trouble with views of
  // nothing.
  if (llvm::is_contained(shape, 0))
    return tensor::EmptyOp::create(*this, sizes, type.getElementType());
  // Through one dim where all is known (or nothing is lost), which later passes
  // see through.
  if (type.hasStaticShape() && resultType.hasStaticShape()) {
    auto all = [](int64_t rank) {
      SmallVector<ReassociationIndices> groups;
      if (rank > 0)
        groups.push_back(llvm::to_vector(llvm::seq<int64_t>(0, rank)));
      return groups;
    };
    if (type.getRank() == 0 || resultType.getRank() == 0) {
      if (type.getRank() > 0)
        return tensor::CollapseShapeOp::create(
            *this, resultType, tensor, ArrayRef<ReassociationIndices>{});
      return tensor::ExpandShapeOp::create(*this, resultType, tensor,
                                           ArrayRef<ReassociationIndices>{});
    }
    auto flatType =
        RankedTensorType::get({type.getNumElements()}, type.getElementType());
    Value flat = type.getRank() == 1
                     ? tensor
                     : tensor::CollapseShapeOp::create(*this, flatType, tensor,
                                                       all(type.getRank()));
    return resultType.getRank() == 1
               ? flat
               : tensor::ExpandShapeOp::create(*this, resultType, flat,
                                               all(resultType.getRank()));
  }
  SmallVector<Value> elements = llvm::map_to_vector(
      sizes, [&](OpFoldResult size) { return index(size); });
  auto shapeType = RankedTensorType::get({static_cast<int64_t>(sizes.size())},
                                         getIndexType());
  Value shapeTensor =
      sizes.empty()
          ? Value(tensor::EmptyOp::create(*this, ArrayRef<int64_t>{0},
                                          getIndexType()))
          : Value(tensor::FromElementsOp::create(*this, shapeType, elements));
  return tensor::ReshapeOp::create(*this, resultType, tensor, shapeTensor);
}

/// Axes of the longer shape for each axis of the shorter: one each, but `count`
/// for `axis`.
static SmallVector<ReassociationIndices> grouping(int64_t rank, int64_t axis,
                                                  int64_t count) {
  SmallVector<ReassociationIndices> groups;
  for (int64_t next = 0; next < rank;) {
    int64_t length = static_cast<int64_t>(groups.size()) == axis ? count : 1;
    groups.push_back(llvm::to_vector<2>(llvm::seq(next, next + length)));
    next += length;
  }
  return groups;
}

Value Lowering::split(Value tensor, int64_t axis,
                      ArrayRef<OpFoldResult> sizes) {
  SmallVector<OpFoldResult> all = sizesOf(tensor);
  all.erase(all.begin() + axis);
  all.insert(all.begin() + axis, sizes.begin(), sizes.end());
  SmallVector<int64_t> shape;
  SmallVector<Value> dynamic;
  dispatchIndexOpFoldResults(all, dynamic, shape);
  auto type = cast<RankedTensorType>(tensor.getType());
  // The axis is known to the operator exactly when all its parts are.
  int64_t whole = 1;
  for (int64_t part : ArrayRef(shape).slice(axis, sizes.size()))
    whole = ShapedType::isDynamic(whole) || ShapedType::isDynamic(part)
                ? ShapedType::kDynamic
                : whole * part;
  SmallVector<int64_t> before(type.getShape());
  if (before[axis] != whole) {
    before[axis] = whole;
    tensor = tensor::CastOp::create(*this, type.clone(before), tensor);
  }
  return tensor::ExpandShapeOp::create(*this, type.clone(shape), tensor,
                                       grouping(all.size(), axis, sizes.size()),
                                       all);
}

Value Lowering::merge(Value tensor, int64_t axis, int64_t count) {
  int64_t rank = cast<RankedTensorType>(tensor.getType()).getRank();
  return tensor::CollapseShapeOp::create(*this, tensor,
                                         grouping(rank, axis, count));
}

Value Lowering::transpose(Value tensor, ArrayRef<int64_t> permutation) {
  SmallVector<OpFoldResult> sizes = sizesOf(tensor);
  SmallVector<OpFoldResult> permuted = llvm::map_to_vector(
      permutation, [&](int64_t axis) { return sizes[axis]; });
  Type elementType = getElementTypeOrSelf(tensor.getType());
  return linalg::TransposeOp::create(
             *this, tensor,
             tensor::EmptyOp::create(*this, permuted, elementType), permutation)
      ->getResult(0);
}

Value Lowering::slice(Value tensor, int64_t axis, OpFoldResult offset,
                      OpFoldResult size) {
  SmallVector<OpFoldResult> sizes = sizesOf(tensor);
  SmallVector<OpFoldResult> offsets(sizes.size(), getIndexAttr(0)),
      strides(sizes.size(), getIndexAttr(1));
  bool isOfNothing = llvm::any_of(sizes, isZeroInteger);
  offsets[axis] = offset;
  sizes[axis] = size;
  // Upstream has no slice of nothing, and none that begins at the end.
  if (isOfNothing || isZeroInteger(size))
    return tensor::EmptyOp::create(*this, sizes,
                                   getElementTypeOrSelf(tensor.getType()));
  return tensor::ExtractSliceOp::create(*this, tensor, offsets, sizes, strides);
}

Value Lowering::insert(Value source, Value target, int64_t axis,
                       OpFoldResult offset) {
  SmallVector<OpFoldResult> sizes = sizesOf(source);
  if (llvm::any_of(sizes, isZeroInteger) ||
      llvm::any_of(sizesOf(target), isZeroInteger))
    return target;
  SmallVector<OpFoldResult> offsets(sizes.size(), getIndexAttr(0)),
      strides(sizes.size(), getIndexAttr(1));
  offsets[axis] = offset;
  return tensor::InsertSliceOp::create(*this, source, target, offsets, sizes,
                                       strides);
}

namespace {
/// Offsets, sizes and strides of what lies at some indices.
struct Picked {
  Picked(Lowering &l, Value tensor, ArrayRef<int64_t> axes,
         ArrayRef<OpFoldResult> indices)
      : sizes(l.sizesOf(tensor)), offsets(sizes.size(), l.getIndexAttr(0)),
        strides(sizes.size(), l.getIndexAttr(1)) {
    ArrayRef<int64_t> all = cast<RankedTensorType>(tensor.getType()).getShape();
    for (auto [axis, index] : llvm::zip_equal(axes, indices)) {
      sizes[axis] = l.getIndexAttr(1);
      offsets[axis] = index;
    }
    for (auto [axis, size] : llvm::enumerate(all))
      if (!llvm::is_contained(axes, static_cast<int64_t>(axis))) {
        shape.push_back(size);
        shapeSizes.push_back(sizes[axis]);
      }
  }
  SmallVector<OpFoldResult> sizes, offsets, strides;
  /// What is picked has this shape.
  SmallVector<int64_t> shape;
  SmallVector<OpFoldResult> shapeSizes;
};
} // namespace

Value Lowering::pick(Value tensor, ArrayRef<int64_t> axes,
                     ArrayRef<OpFoldResult> indices) {
  Picked picked(*this, tensor, axes, indices);
  auto type = RankedTensorType::get(picked.shape,
                                    getElementTypeOrSelf(tensor.getType()));
  if (llvm::is_contained(picked.shape, 0))
    return tensor::EmptyOp::create(*this, picked.shapeSizes,
                                   type.getElementType());
  if (!llvm::is_contained(picked.shape, 1))
    return tensor::ExtractSliceOp::create(*this, type, tensor, picked.offsets,
                                          picked.sizes, picked.strides);
  // Which axes of size 1 a slice leaves out is not part of it, and upstream's
  // folding of its offsets may take others: [1, 3, 1] to 1x3 became [1, 1, 3].
  Value whole = tensor::ExtractSliceOp::create(*this, tensor, picked.offsets,
                                               picked.sizes, picked.strides);
  SmallVector<ReassociationIndices> groups(1);
  bool isGroupFull = false;
  for (int64_t axis = 0, rank = picked.sizes.size(); axis < rank; ++axis) {
    bool isKept = !llvm::is_contained(axes, axis);
    if (isKept && isGroupFull)
      groups.emplace_back();
    isGroupFull |= isKept;
    groups.back().push_back(axis);
  }
  return tensor::CollapseShapeOp::create(*this, type, whole, groups);
}

Value Lowering::place(Value source, Value target, ArrayRef<int64_t> axes,
                      ArrayRef<OpFoldResult> indices) {
  Picked picked(*this, target, axes, indices);
  auto type = RankedTensorType::get(picked.shape,
                                    getElementTypeOrSelf(target.getType()));
  if (llvm::is_contained(picked.shape, 0))
    return target;
  if (source.getType() != type)
    source = tensor::CastOp::create(*this, type, source);
  return tensor::InsertSliceOp::create(*this, source, target, picked.offsets,
                                       picked.sizes, picked.strides);
}

Value Lowering::withSize(Value tensor, int64_t axis, Dim size) {
  auto type = cast<RankedTensorType>(tensor.getType());
  std::optional<int64_t> value = known(size);
  if (!value || !type.isDynamicDim(axis))
    return tensor;
  SmallVector<int64_t> shape(type.getShape());
  shape[axis] = *value;
  return tensor::CastOp::create(*this, type.clone(shape), tensor);
}

Value Lowering::pad(Value tensor, Type elementType, ArrayRef<OpFoldResult> low,
                    ArrayRef<OpFoldResult> high, Value value) {
  auto isZero = [](OpFoldResult size) { return isConstantIntValue(size, 0); };
  if (llvm::all_of(low, isZero) && llvm::all_of(high, isZero))
    return tensor;
  // Nothing amid a border has no place that a slice could start at.
  if (llvm::is_contained(cast<RankedTensorType>(tensor.getType()).getShape(),
                         0)) {
    SmallVector<OpFoldResult> sizes;
    for (auto [size, before, after] : llvm::zip(sizesOf(tensor), low, high))
      sizes.push_back(addIndex(*this, addIndex(*this, size, before), after));
    return filled(elementType, sizes, value);
  }
  return tensor::PadOp::create(*this, Type(), tensor, low, high,
                               storeScalar(*this, value, elementType));
}

//===- Blocks -------------------------------------------------------------===//

LogicalResult Lowering::lowerBlock(Block &block) {
  for (Operation &op : block.without_terminator()) {
    setLoc(op.getLoc());
    auto lowerable = dyn_cast<Lowerable>(op);
    if (!lowerable)
      return op.emitOpError() << "has no lowering";
    auto isStatic = [](Type type) {
      auto ranked = dyn_cast<RankedTensorType>(type);
      return ranked && ranked.hasStaticShape();
    };
    // Nothing to compute, and nothing that only run time could check: the
    // views and loops of nothing are not for later passes to deal with.
    if (op.getNumRegions() == 0 && op.getNumResults() > 0 &&
        llvm::all_of(op.getOperandTypes(), isStatic) &&
        llvm::all_of(op.getResultTypes(), [&](Type type) {
          return isStatic(type) &&
                 llvm::is_contained(cast<RankedTensorType>(type).getShape(), 0);
        })) {
      for (Value result : op.getResults()) {
        RankedTensorType type = storageTensor(result.getType());
        map(result, tensor::EmptyOp::create(*this, type.getShape(),
                                            type.getElementType()));
      }
      continue;
    }
    for (Value value : llvm::concat<Value>(SmallVector<Value>(op.getOperands()),
                                           SmallVector<Value>(op.getResults())))
      if (!ShapeScope::isRanked(value))
        return op.emitOpError() << "a rank is not known when compiling";
    FailureOr<SmallVector<Value>> results = lowerable.lower(*this);
    if (failed(results))
      return failure();
    for (auto [result, tensor] : llvm::zip_equal(op.getResults(), *results)) {
      // What the shape rule knows and the lowering lost comes back here; a
      // declared size that the operands do not give must be the size that the
      // run finds.
      RankedTensorType type = storageTensor(result.getType());
      if (tensor.getType() != type) {
        for (auto [axis, size] : llvm::enumerate(sizesOf(tensor)))
          if (!type.isDynamicDim(axis) && !getConstantIntValue(size))
            (void)agree(size, scope.constant(type.getDimSize(axis)));
        tensor = tensor::CastOp::create(*this, type, tensor);
      }
      map(result, tensor);
    }
  }
  return success();
}
