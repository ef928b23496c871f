// Lowering.cpp - what an operator uses to say what it computes, in linalg on
// tensors.
#include "ir/Lowering.h"
#include "ir/Ops.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Arith/Utils/Utils.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
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

void Lowering::requireOne(Value operand) {
  for (Dim dim : scope.dims(operand))
    if (!known(dim))
      require(arith::CmpIOp::create(*this, arith::CmpIPredicate::eq,
                                    index(size(dim)), index(1)),
              Status::BadShape, "an operand is not one number");
}

void Lowering::requireDims(Value operand, ArrayRef<Dim> expected,
                           StringRef message) {
  for (auto [axis, dim] : llvm::enumerate(scope.dims(operand)))
    requireEqual(dim, expected[axis],
                 (message + " along axis " + Twine(axis)).str());
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
