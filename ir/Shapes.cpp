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

//===- Arithmetic of dims -------------------------------------------------===//

/// A total order of expressions that does not depend on where they lie in
/// memory.
static int compareDims(Dim a, Dim b) {
  if (a == b)
    return 0;
  if (a.getKind() != b.getKind())
    return a.getKind() < b.getKind() ? -1 : 1;
  if (auto left = dyn_cast<AffineConstantExpr>(a))
    return left.getValue() < cast<AffineConstantExpr>(b).getValue() ? -1 : 1;
  if (auto left = dyn_cast<AffineSymbolExpr>(a))
    return left.getPosition() < cast<AffineSymbolExpr>(b).getPosition() ? -1
                                                                        : 1;
  auto left = cast<AffineBinaryOpExpr>(a), right = cast<AffineBinaryOpExpr>(b);
  int order = compareDims(left.getLHS(), right.getLHS());
  return order ? order : compareDims(left.getRHS(), right.getRHS());
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

/// Splits a product into the factors that are not known, which are appended to
/// `factors`, and the known rest; nothing when that overflows.
static std::optional<int64_t> splitFactors(ArrayRef<Dim> dims, Dims &factors) {
  int64_t constant = 1;
  for (Dim dim : dims) {
    int64_t next = 1;
    auto binary = dyn_cast<AffineBinaryOpExpr>(dim);
    if (std::optional<int64_t> size = known(dim)) {
      next = *size;
    } else if (binary && binary.getKind() == AffineExprKind::Mul) {
      std::optional<int64_t> nested =
          splitFactors({binary.getLHS(), binary.getRHS()}, factors);
      if (!nested)
        return std::nullopt;
      next = *nested;
    } else {
      factors.push_back(dim);
    }
    if (llvm::MulOverflow(constant, next, constant))
      return std::nullopt;
  }
  return constant;
}

Dim ShapeScope::product(ArrayRef<Dim> dims) const {
  Dims factors;
  std::optional<int64_t> known = splitFactors(dims, factors);
  Dim result = constant(1);
  if (!known) {
    for (Dim dim : dims)
      result = result * dim;
    return result;
  }
  if (*known == 0)
    return constant(0);
  llvm::sort(factors, [](Dim a, Dim b) { return compareDims(a, b) < 0; });
  for (Dim factor : factors)
    result = result * factor;
  return result * *known;
}

Dim ShapeScope::quotient(ArrayRef<Dim> dividend, ArrayRef<Dim> divisor) const {
  Dims above, below, left;
  std::optional<int64_t> top = splitFactors(dividend, above),
                         bottom = splitFactors(divisor, below);
  if (!top || !bottom || *bottom == 0)
    return {};
  for (Dim factor : below) {
    auto *same = llvm::find(above, factor);
    if (same == above.end())
      left.push_back(factor);
    else
      above.erase(same);
  }
  if (!left.empty())
    return {};
  if (*top % *bottom == 0) {
    above.push_back(constant(*top / *bottom));
    return product(above);
  }
  above.push_back(constant(*top));
  return above.size() == 1 ? Dim() : product(above).floorDiv(*bottom);
}

Dim ShapeScope::simplify(Dim dim) const {
  if (!dim || dim.getKind() == AffineExprKind::Constant ||
      dim.getKind() == AffineExprKind::SymbolId)
    return dim;
  auto binary = cast<AffineBinaryOpExpr>(dim);
  if (binary.getKind() == AffineExprKind::Mul)
    return product({simplify(binary.getLHS()), simplify(binary.getRHS())});
  return simplifyAffineExpr(dim, 0, origins.size());
}

bool ShapeScope::isAtLeast(Dim dim, int64_t bound) const {
  if (std::optional<int64_t> size = known(dim))
    return *size >= bound;
  if (auto symbol = dyn_cast<AffineSymbolExpr>(dim)) {
    SymbolOrigin from = origin(symbol);
    switch (from.extreme) {
    case SymbolOrigin::None:
      return !from.isElement && bound <= 0;
    case SymbolOrigin::Least:
      return isAtLeast(from.left, bound) && isAtLeast(from.right, bound);
    case SymbolOrigin::Greatest:
      return isAtLeast(from.left, bound) || isAtLeast(from.right, bound);
    }
  }
  auto binary = cast<AffineBinaryOpExpr>(dim);
  Dim left = binary.getLHS(), right = binary.getRHS();
  switch (binary.getKind()) {
  case AffineExprKind::Add: {
    std::optional<int64_t> constant = known(right);
    if (constant && *constant < 0)
      return isAtLeast(left, bound - *constant);
    return (isAtLeast(left, 0) && isAtLeast(right, bound)) ||
           (isAtLeast(left, bound) && isAtLeast(right, 0));
  }
  case AffineExprKind::Mul:
    return bound <= 0 ? isAtLeast(left, 0) && isAtLeast(right, 0)
                      : (isAtLeast(left, 1) && isAtLeast(right, bound)) ||
                            (isAtLeast(left, bound) && isAtLeast(right, 1));
  case AffineExprKind::CeilDiv:
  case AffineExprKind::FloorDiv:
    return bound <= 0 && isAtLeast(left, 0) && isAtLeast(right, 1);
  case AffineExprKind::Mod:
    return bound <= 0 && isAtLeast(right, 1);
  default:
    return false;
  }
}

bool ShapeScope::isOneOnlyWith(Dim dim, Dim other) const {
  auto symbol = dyn_cast<AffineSymbolExpr>(dim);
  if (dim == other || !symbol)
    return dim == other;
  SymbolOrigin from = origin(symbol);
  return from.extreme == SymbolOrigin::Least &&
         ((from.left == other && isAtLeast(from.right, 2)) ||
          (from.right == other && isAtLeast(from.left, 2)));
}

bool ShapeScope::isMadeOfSizes(Dim dim) const {
  if (auto binary = dyn_cast<AffineBinaryOpExpr>(dim))
    return isMadeOfSizes(binary.getLHS()) && isMadeOfSizes(binary.getRHS());
  auto symbol = dyn_cast<AffineSymbolExpr>(dim);
  if (!symbol)
    return true;
  SymbolOrigin from = origin(symbol);
  if (from.extreme != SymbolOrigin::None)
    return isMadeOfSizes(from.left) && isMadeOfSizes(from.right);
  return !from.isElement;
}

Dim ShapeScope::extreme(SymbolOrigin::Extreme which, Dim a, Dim b) {
  a = simplify(a);
  b = simplify(b);
  bool wantsLeast = which == SymbolOrigin::Least;
  Dim difference = simplify(a - b);
  if (isAtLeast(difference, 0))
    return wantsLeast ? b : a;
  if (isAtLeast(simplify(b - a), 0))
    return wantsLeast ? a : b;
  if (compareDims(a, b) > 0)
    std::swap(a, b);
  Dim &entry = extremes[wantsLeast ? 0 : 1][{a, b}];
  if (!entry) {
    SymbolOrigin from;
    from.extreme = which;
    from.left = a;
    from.right = b;
    entry = fresh(from);
  }
  return entry;
}

bool ShapeScope::isOwn(Dim dim, Value value) const {
  auto symbol = dyn_cast<AffineSymbolExpr>(dim);
  if (!symbol)
    return false;
  SymbolOrigin from = origin(symbol);
  return from.extreme == SymbolOrigin::None && !from.isElement &&
         from.value == value;
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

//===- Broadcasting and axes ----------------------------------------------===//

FailureOr<Dim> nn::broadcastDim(Dim a, Dim b, const ShapeScope *scope) {
  if (a == b || isKnown(b, 1))
    return a;
  if (isKnown(a, 1))
    return b;
  if (known(a) && known(b))
    return failure();
  // One known size other than 1 decides; the other is that or 1, which the
  // lowering checks.
  if (known(a))
    return a;
  if (known(b))
    return b;
  if (scope && scope->isOneOnlyWith(a, b))
    return b;
  if (scope && scope->isOneOnlyWith(b, a))
    return a;
  return Dim();
}

FailureOr<Dims> nn::broadcastDims(Operation *op, ArrayRef<Dims> shapes,
                                  const ShapeScope *scope) {
  size_t rank = 0;
  for (const Dims &shape : shapes)
    rank = std::max(rank, shape.size());
  Dims result(rank, getAffineConstantExpr(1, op->getContext()));
  // A null in the running result means "only run time can tell", which another
  // unknown does not change.
  for (const Dims &shape : shapes) {
    for (size_t back = 1; back <= shape.size(); ++back) {
      Dim &dim = result[rank - back];
      Dim other = shape[shape.size() - back];
      if (!dim) {
        if (known(other) && !isKnown(other, 1))
          dim = other;
        continue;
      }
      FailureOr<Dim> both = broadcastDim(dim, other, scope);
      if (failed(both)) {
        InFlightDiagnostic diagnostic = op->emitOpError()
                                        << "operands do not broadcast: ";
        llvm::interleave(
            shapes, diagnostic,
            [&](const Dims &dims) { diagnostic << toString(dims); }, " and ");
        return failure();
      }
      dim = *both;
    }
  }
  return result;
}

FailureOr<int64_t> nn::normalizeAxis(Operation *op, int64_t axis,
                                     int64_t rank) {
  if (axis < -rank || axis >= rank)
    return op->emitOpError() << "axis " << axis << " is outside [" << -rank
                             << ", " << rank << ")";
  return axis < 0 ? axis + rank : axis;
}

LogicalResult nn::checkDims(Operation *op, ShapeScope &scope, Value operand,
                            StringRef name, ArrayRef<Dim> expected) {
  Dims dims = scope.dims(operand);
  auto differ = [](auto pair) {
    return known(std::get<0>(pair)) && known(std::get<1>(pair)) &&
           std::get<0>(pair) != std::get<1>(pair);
  };
  if (dims.size() != expected.size() ||
      llvm::any_of(llvm::zip(dims, expected), differ))
    return op->emitOpError() << name << " is " << toString(dims) << ", not "
                             << toString(expected);
  return success();
}

std::string nn::toString(ArrayRef<Dim> dims) {
  if (dims.empty())
    return "scalar";
  std::string text;
  llvm::raw_string_ostream stream(text);
  llvm::interleave(
      dims, stream,
      [&](Dim dim) {
        if (std::optional<int64_t> size = known(dim))
          stream << *size;
        else
          stream << '?';
      },
      "x");
  return text;
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
