// Shapes.cpp - what is known of the dims of every value, and of the elements of
// small integer tensors.
#include "ir/Shapes.h"
#include "ir/Ops.h"
#include "ir/Storage.h"
#include "ir/Types.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

//===- ShapeScope ---------------------------------------------------------===//

Dim ShapeScope::fresh(SymbolOrigin origin) {
  origins.push_back(origin);
  return getAffineSymbolExpr(origins.size() - 1, context);
}

Dims ShapeScope::dimsOfType(Value value) {
  Dims dims;
  for (auto [axis, size] :
       llvm::enumerate(cast<RankedTensorType>(value.getType()).getShape()))
    dims.push_back(ShapedType::isDynamic(size)
                       ? fresh({value, static_cast<int64_t>(axis)})
                       : constant(size));
  return dims;
}

Dims ShapeScope::dims(Value value) {
  auto found = knownDims.find(value);
  if (found != knownDims.end())
    return found->second;
  return knownDims[value] = dimsOfType(value);
}

//===- Elements -----------------------------------------------------------===//

std::optional<Dims> ShapeScope::elements(Value value) {
  auto found = knownElements.find(value);
  if (found != knownElements.end())
    return found->second;
  auto constantOp = value.getDefiningOp<ConstantOp>();
  if (!constantOp)
    return std::nullopt;
  std::optional<SmallVector<int64_t>> integers =
      readIntegers(constantOp.getValue(), kMaxKnownElements);
  // Of unsigned numbers beyond int64 only the bits are there.
  bool isUnsigned = getElementTypeOrSelf(value.getType()).isUnsignedInteger(64);
  if (!integers || (isUnsigned && llvm::any_of(*integers, [](int64_t element) {
                      return element < 0;
                    })))
    return std::nullopt;
  Dims elements = llvm::map_to_vector(
      *integers, [&](int64_t element) { return constant(element); });
  return knownElements[value] = elements;
}

std::optional<Dims> ShapeScope::elementsOrSymbols(Value value) {
  if (std::optional<Dims> all = elements(value))
    return all;
  auto type = dyn_cast<RankedTensorType>(value.getType());
  if (!type || type.getRank() > 1 || !type.getElementType().isIntOrIndex())
    return std::nullopt;
  Dims sizes = dims(value);
  std::optional<int64_t> count = sizes.empty() ? 1 : known(sizes[0]);
  if (!count || *count > kMaxKnownElements)
    return std::nullopt;
  Dims symbols;
  for (int64_t index = 0; index < *count; ++index)
    symbols.push_back(fresh({value, index, /*isElement=*/true}));
  return knownElements[value] = symbols;
}

std::optional<SmallVector<int64_t>> ShapeScope::integers(Value value) {
  std::optional<Dims> all = elements(value);
  if (!all)
    return std::nullopt;
  SmallVector<int64_t> result;
  for (Dim element : *all) {
    std::optional<int64_t> integer = known(element);
    if (!integer)
      return std::nullopt;
    result.push_back(*integer);
  }
  return result;
}

bool ShapeScope::isNonNegative(AffineExpr expr) const {
  if (std::optional<int64_t> value = nn::known(expr))
    return *value >= 0;
  if (auto symbol = dyn_cast<AffineSymbolExpr>(expr))
    return !origin(symbol).isElement;
  auto binary = dyn_cast<AffineBinaryOpExpr>(expr);
  return binary && isNonNegative(binary.getLHS()) &&
         isNonNegative(binary.getRHS());
}

void ShapeScope::nameDims(Value argument, ArrayRef<StringRef> names) {
  Dims result = dims(argument);
  for (auto [dim, name] : llvm::zip(result, names)) {
    if (name.empty() || known(dim))
      continue;
    auto [entry, isNew] = named.try_emplace(name, dim);
    dim = entry->second;
  }
  knownDims[argument] = result;
}

/// A diagnostic where an operator has strings that it does not know.
static LogicalResult refuseStrings(Operation *op) {
  if (op->hasTrait<TakesStrings>())
    return success();
  for (Value operand : op->getOperands())
    if (isString(operand.getType()))
      return op->emitOpError()
             << "takes no strings, and has " << operand.getType();
  return success();
}

LogicalResult ShapeScope::infer(Operation *op) {
  auto rule = dyn_cast<InferShapes>(op);
  if (!rule)
    return success();
  auto isUnranked = [](Value value) {
    return isa<UnrankedTensorType>(value.getType());
  };
  bool poisoned = llvm::any_of(op->getOperands(), isUnranked);
  if (!poisoned && succeeded(refuseStrings(op)) &&
      succeeded(rule.inferShapes(*this)))
    return success();
  for (OpResult result : op->getResults())
    if (!isUnranked(result))
      result.setType(
          UnrankedTensorType::get(getElementTypeOrSelf(result.getType())));
  return success(poisoned);
}

/// No size is as great: bytes are counted in 64 bits, and an element has up to
/// 16.
static constexpr int64_t kTooGreat = int64_t(1) << 59;

/// Whether an expression has at most `longest` parts, and numbers in it that
/// sizes can have. A file may square a size again and again, which doubles the
/// expression each time, or double it until the factor leaves 64 bits.
static bool isSound(Dim dim, int64_t longest) {
  SmallVector<Dim> left{dim};
  for (int64_t seen = 0; !left.empty(); ++seen) {
    if (seen == longest)
      return false;
    Dim part = left.pop_back_val();
    if (std::optional<int64_t> number = known(part)) {
      if (*number >= kTooGreat || *number <= -kTooGreat)
        return false;
    } else if (auto binary = dyn_cast<AffineBinaryOpExpr>(part)) {
      left.push_back(binary.getLHS());
      left.push_back(binary.getRHS());
    }
  }
  return true;
}

LogicalResult ShapeScope::set(OpResult result, Type elementType,
                              ArrayRef<Dim> dims) {
  Operation *op = result.getOwner();
  // Far beyond what networks have; code for a rank grows with it.
  constexpr size_t kMaxRank = 64;
  constexpr int64_t kLongestDim = 4096;
  if (dims.size() > kMaxRank)
    return op->emitOpError() << "result " << result.getResultNumber()
                             << " would have rank " << dims.size();
  auto present = dyn_cast<RankedTensorType>(result.getType());
  bool isHint =
      present && present.getRank() == static_cast<int64_t>(dims.size());
  if (present && !isHint)
    return op->emitOpError()
           << "result " << result.getResultNumber() << " has rank "
           << present.getRank() << ", its operands give rank " << dims.size();
  SmallVector<int64_t> shape;
  Dims all(dims);
  int64_t elementCount = 1;
  for (auto [axis, dim] : llvm::enumerate(all)) {
    if (dim && !known(dim) && !isSound(dim, kLongestDim))
      return op->emitOpError()
             << "result " << result.getResultNumber() << " would have a dim at "
             << axis << " that is too great or too long a product of others";
    dim = simplify(dim);
    int64_t declared = isHint ? present.getDimSize(axis) : ShapedType::kDynamic;
    if (!dim)
      dim = ShapedType::isDynamic(declared)
                ? fresh({result, static_cast<int64_t>(axis)})
                : constant(declared);
    std::optional<int64_t> size = known(dim);
    if (!size && !ShapedType::isDynamic(declared)) {
      dim = constant(declared);
      size = declared;
    }
    if (size && *size < 0)
      return op->emitOpError() << "result " << result.getResultNumber()
                               << " would have a dim of " << *size;
    if (size && !ShapedType::isDynamic(declared) && *size != declared)
      return op->emitOpError()
             << "result " << result.getResultNumber() << " has " << declared
             << " at axis " << axis << ", its operands give " << *size;
    if (size && (llvm::MulOverflow(elementCount, std::max<int64_t>(*size, 1),
                                   elementCount) ||
                 elementCount >= kTooGreat))
      return op->emitOpError()
             << "result " << result.getResultNumber()
             << " would have 2^59 elements or more: " << toString(dims);
    shape.push_back(size.value_or(ShapedType::kDynamic));
  }
  result.setType(RankedTensorType::get(shape, elementType));
  knownDims[result] = all;
  return success();
}

/// Whether an element of that type is this number, and not what is left of it.
/// Sums of symbols are taken for sizes, which have 32 bits or more.
static bool fits(Dim element, Type type) {
  if (!type.isInteger())
    return true;
  unsigned width = type.getIntOrFloatBitWidth();
  std::optional<int64_t> value = known(element);
  if (!value)
    return width >= 32 || width == 1 || isa<AffineSymbolExpr>(element);
  if (width == 1)
    return *value == 0 || *value == 1;
  if (type.isUnsignedInteger())
    return *value >= 0 && llvm::isUIntN(width, *value);
  return llvm::isIntN(width, *value);
}

void ShapeScope::setElements(OpResult result, ArrayRef<Dim> elements) {
  constexpr int64_t kLongestElement = 64;
  Dims all(elements);
  Type type = getElementTypeOrSelf(result.getType());
  for (auto [index, element] : llvm::enumerate(all))
    if (element && fits(element, type) &&
        (known(element) || isSound(element, kLongestElement)))
      element = simplify(element);
    else
      element =
          fresh({result, static_cast<int64_t>(index), /*isElement=*/true});
  knownElements[result] = all;
}

void ShapeScope::followElements(
    OpResult result, Value source,
    function_ref<SmallVector<int64_t>(ArrayRef<int64_t>)> place) {
  auto type = cast<RankedTensorType>(result.getType()),
       sourceType = cast<RankedTensorType>(source.getType());
  if (!isa<IntegerType>(type.getElementType()) || !type.hasStaticShape() ||
      !sourceType.hasStaticShape() || type.getNumElements() > kMaxKnownElements)
    return;
  std::optional<Dims> from = elements(source);
  if (!from)
    return;
  Dims taken;
  SmallVector<int64_t> index(type.getRank());
  for (int64_t flat = 0; flat < type.getNumElements(); ++flat) {
    int64_t left = flat, at = 0;
    for (int64_t axis = type.getRank() - 1; axis >= 0; --axis) {
      index[axis] = left % type.getDimSize(axis);
      left /= type.getDimSize(axis);
    }
    for (auto [axis, position] : llvm::enumerate(place(index)))
      at = at * sourceType.getDimSize(axis) + position;
    taken.push_back((*from)[at]);
  }
  setElements(result, taken);
}

void ShapeScope::assume(BlockArgument argument, Type elementType,
                        ArrayRef<Dim> dims) {
  Dims all(dims);
  SmallVector<int64_t> shape;
  for (auto [axis, dim] : llvm::enumerate(all)) {
    if (!dim)
      dim = fresh({argument, static_cast<int64_t>(axis)});
    shape.push_back(known(dim).value_or(ShapedType::kDynamic));
  }
  argument.setType(RankedTensorType::get(shape, elementType));
  knownDims[argument] = all;
}

void ShapeScope::forget(Value value) {
  knownDims.erase(value);
  knownElements.erase(value);
}

void ShapeScope::copy(Value value, Value source) {
  knownDims[value] = dims(source);
  if (std::optional<Dims> all = elements(source))
    knownElements[value] = *all;
}

//===- Whole functions ----------------------------------------------------===//

LogicalResult nn::inferShapes(Operation *function, ShapeScope &scope) {
  auto func = cast<func::FuncOp>(function);
  for (BlockArgument argument : func.getArguments()) {
    auto names =
        func.getArgAttrOfType<ArrayAttr>(argument.getArgNumber(), "nn.dims");
    if (!names || !scope.isRanked(argument))
      continue;
    SmallVector<StringRef> dimNames;
    for (StringAttr name : names.getAsRange<StringAttr>())
      dimNames.push_back(name);
    scope.nameDims(argument, dimNames);
  }
  for (Operation &op : func.getBody().getOps())
    if (failed(scope.infer(&op)))
      return failure();
  Operation *terminator = func.getBody().front().getTerminator();
  func.setFunctionType(FunctionType::get(func.getContext(),
                                         func.getArgumentTypes(),
                                         terminator->getOperandTypes()));
  return success();
}

LogicalResult nn::verifyShapes(Operation *op) {
  // Bodies are verified operator by operator; what holds for all of one is for
  // inference to find out.
  if (op->getNumRegions() > 0)
    return success();
  ShapeScope scope(op->getContext());
  if (!llvm::all_of(op->getOperandTypes(), llvm::IsaPred<RankedTensorType>) ||
      !llvm::all_of(op->getResultTypes(), llvm::IsaPred<RankedTensorType>))
    return success();
  if (failed(refuseStrings(op)))
    return failure();
  SmallVector<Type> declared(op->getResultTypes());
  LogicalResult rule = cast<InferShapes>(op).inferShapes(scope);
  SmallVector<Type> inferred(op->getResultTypes());
  for (auto [result, type] : llvm::zip(op->getResults(), declared))
    result.setType(type);
  if (failed(rule))
    return failure();
  for (auto [result, given, found] :
       llvm::zip(op->getResults(), declared, inferred))
    if (getElementTypeOrSelf(given) != getElementTypeOrSelf(found))
      return op->emitOpError()
             << "result " << result.getResultNumber() << " is " << given
             << ", its operands give " << found;
  return success();
}

//===- Builder ------------------------------------------------------------===//

Value NetBuilder::integers(ArrayRef<int64_t> values) {
  auto type = RankedTensorType::get({static_cast<int64_t>(values.size())},
                                    getI64Type());
  return make<ConstantOp>(DenseIntElementsAttr::get(type, values));
}

Value NetBuilder::scalar(Type elementType, double value) {
  auto type = RankedTensorType::get({}, elementType);
  if (auto floatType = dyn_cast<FloatType>(elementType)) {
    APFloat number(value);
    bool losesInfo;
    number.convert(floatType.getFloatSemantics(), APFloat::rmNearestTiesToEven,
                   &losesInfo);
    return make<ConstantOp>(DenseElementsAttr::get(type, number));
  }
  // An attribute of a model may be any number: what is beyond 64 bits becomes
  // the last that is not.
  APSInt integer(64, /*isUnsigned=*/false);
  bool isExact;
  (void)APFloat(value).convertToInteger(integer, APFloat::rmTowardZero,
                                        &isExact);
  return make<ConstantOp>(DenseElementsAttr::get(
      type, integer.sextOrTrunc(elementType.getIntOrFloatBitWidth())));
}

Value NetBuilder::integer(int64_t value) {
  return make<ConstantOp>(
      DenseElementsAttr::get(RankedTensorType::get({}, getI64Type()), value));
}
