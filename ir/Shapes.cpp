// Shapes.cpp - what is known of the dims of every value, and of the elements of small integer tensors.
#include "ir/Shapes.h"
#include "ir/Ops.h"
#include "ir/Storage.h"
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
  for (auto [axis, size] : llvm::enumerate(cast<RankedTensorType>(value.getType()).getShape()))
    dims.push_back(ShapedType::isDynamic(size) ? fresh({value, static_cast<int64_t>(axis)}) : constant(size));
  return dims;
}

Dims ShapeScope::dims(Value value) {
  auto found = knownDims.find(value);
  if (found != knownDims.end())
    return found->second;
  return knownDims[value] = dimsOfType(value);
}

Dim ShapeScope::product(ArrayRef<Dim> dims) const {
  Dim result = constant(1);
  for (Dim dim : dims)
    result = result * dim;
  return result;
}

std::optional<Dims> ShapeScope::elements(Value value) {
  auto found = knownElements.find(value);
  if (found != knownElements.end())
    return found->second;
  auto constantOp = value.getDefiningOp<ConstantOp>();
  if (!constantOp)
    return std::nullopt;
  std::optional<SmallVector<int64_t>> integers = readIntegers(constantOp.getValue(), kMaxKnownElements);
  if (!integers)
    return std::nullopt;
  Dims elements = llvm::map_to_vector(*integers, [&](int64_t element) { return constant(element); });
  return knownElements[value] = elements;
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

LogicalResult ShapeScope::infer(Operation *op) {
  auto rule = dyn_cast<InferShapes>(op);
  if (!rule)
    return success();
  auto isUnranked = [](Value value) { return isa<UnrankedTensorType>(value.getType()); };
  bool poisoned = llvm::any_of(op->getOperands(), isUnranked);
  if (!poisoned && succeeded(rule.inferShapes(*this)))
    return success();
  for (OpResult result : op->getResults())
    if (!isUnranked(result))
      result.setType(UnrankedTensorType::get(getElementTypeOrSelf(result.getType())));
  return success(poisoned);
}

LogicalResult ShapeScope::set(OpResult result, Type elementType, ArrayRef<Dim> dims) {
  Operation *op = result.getOwner();
  auto present = dyn_cast<RankedTensorType>(result.getType());
  bool isHint = present && present.getRank() == static_cast<int64_t>(dims.size());
  if (present && !isHint)
    return op->emitOpError() << "result " << result.getResultNumber() << " has rank " << present.getRank() << ", its operands give rank "
                             << dims.size();
  SmallVector<int64_t> shape;
  Dims all(dims);
  int64_t elementCount = 1;
  for (auto [axis, dim] : llvm::enumerate(all)) {
    int64_t declared = isHint ? present.getDimSize(axis) : ShapedType::kDynamic;
    if (!dim)
      dim = ShapedType::isDynamic(declared) ? fresh({result, static_cast<int64_t>(axis)}) : constant(declared);
    std::optional<int64_t> size = known(dim);
    if (!size && !ShapedType::isDynamic(declared)) {
      dim = constant(declared);
      size = declared;
    }
    if (size && *size < 0)
      return op->emitOpError() << "result " << result.getResultNumber() << " would have a dim of " << *size;
    if (size && !ShapedType::isDynamic(declared) && *size != declared)
      return op->emitOpError() << "result " << result.getResultNumber() << " has " << declared << " at axis " << axis << ", its operands give "
                               << *size;
    if (size && llvm::MulOverflow(elementCount, std::max<int64_t>(*size, 1), elementCount))
      return op->emitOpError() << "result " << result.getResultNumber() << " would have more than 2^63 elements: " << toString(dims);
    shape.push_back(size.value_or(ShapedType::kDynamic));
  }
  result.setType(RankedTensorType::get(shape, elementType));
  knownDims[result] = all;
  return success();
}

void ShapeScope::setElements(OpResult result, ArrayRef<Dim> elements) {
  Dims all(elements);
  for (auto [index, element] : llvm::enumerate(all))
    if (!element)
      element = fresh({result, static_cast<int64_t>(index), /*isElement=*/true});
  knownElements[result] = all;
}

void ShapeScope::assume(BlockArgument argument, Type elementType, ArrayRef<Dim> dims) {
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

FailureOr<Dim> nn::broadcastDim(Dim a, Dim b) {
  if (a == b || isKnown(b, 1))
    return a;
  if (isKnown(a, 1))
    return b;
  if (known(a) && known(b))
    return failure();
  // One known size other than 1 decides; the other is that or 1, which the lowering checks.
  if (known(a))
    return a;
  if (known(b))
    return b;
  return Dim();
}

FailureOr<Dims> nn::broadcastDims(Operation *op, ArrayRef<Dims> shapes) {
  size_t rank = 0;
  for (const Dims &shape : shapes)
    rank = std::max(rank, shape.size());
  Dims result(rank, getAffineConstantExpr(1, op->getContext()));
  // A null in the running result means "only run time can tell", which another unknown does not change.
  for (const Dims &shape : shapes) {
    for (size_t back = 1; back <= shape.size(); ++back) {
      Dim &dim = result[rank - back];
      Dim other = shape[shape.size() - back];
      if (!dim) {
        if (known(other) && !isKnown(other, 1))
          dim = other;
        continue;
      }
      FailureOr<Dim> both = broadcastDim(dim, other);
      if (failed(both)) {
        InFlightDiagnostic diagnostic = op->emitOpError() << "operands do not broadcast: ";
        llvm::interleave(
            shapes, diagnostic, [&](const Dims &dims) { diagnostic << toString(dims); }, " and ");
        return failure();
      }
      dim = *both;
    }
  }
  return result;
}

FailureOr<int64_t> nn::normalizeAxis(Operation *op, int64_t axis, int64_t rank) {
  if (axis < -rank || axis >= rank)
    return op->emitOpError() << "axis " << axis << " is outside [" << -rank << ", " << rank << ")";
  return axis < 0 ? axis + rank : axis;
}

LogicalResult nn::checkDims(Operation *op, ShapeScope &scope, Value operand, StringRef name, ArrayRef<Dim> expected) {
  Dims dims = scope.dims(operand);
  auto differ = [](auto pair) { return known(std::get<0>(pair)) && known(std::get<1>(pair)) && std::get<0>(pair) != std::get<1>(pair); };
  if (dims.size() != expected.size() || llvm::any_of(llvm::zip(dims, expected), differ))
    return op->emitOpError() << name << " is " << toString(dims) << ", not " << toString(expected);
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
    auto names = func.getArgAttrOfType<ArrayAttr>(argument.getArgNumber(), "nn.dims");
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
  func.setFunctionType(FunctionType::get(func.getContext(), func.getArgumentTypes(), terminator->getOperandTypes()));
  return success();
}

LogicalResult nn::verifyShapes(Operation *op) {
  // Bodies are verified operator by operator; what holds for all of one is for inference to find out.
  if (op->getNumRegions() > 0)
    return success();
  ShapeScope scope(op->getContext());
  if (!llvm::all_of(op->getOperandTypes(), llvm::IsaPred<RankedTensorType>) ||
      !llvm::all_of(op->getResultTypes(), llvm::IsaPred<RankedTensorType>))
    return success();
  SmallVector<Type> declared(op->getResultTypes());
  LogicalResult rule = cast<InferShapes>(op).inferShapes(scope);
  SmallVector<Type> inferred(op->getResultTypes());
  for (auto [result, type] : llvm::zip(op->getResults(), declared))
    result.setType(type);
  if (failed(rule))
    return failure();
  for (auto [result, given, found] : llvm::zip(op->getResults(), declared, inferred))
    if (getElementTypeOrSelf(given) != getElementTypeOrSelf(found))
      return op->emitOpError() << "result " << result.getResultNumber() << " is " << given << ", its operands give " << found;
  return success();
}

//===- Builder ------------------------------------------------------------===//

Value NetBuilder::integers(ArrayRef<int64_t> values) {
  auto type = RankedTensorType::get({static_cast<int64_t>(values.size())}, getI64Type());
  return make<ConstantOp>(DenseIntElementsAttr::get(type, values));
}

Value NetBuilder::scalar(Type elementType, double value) {
  auto type = RankedTensorType::get({}, elementType);
  if (auto floatType = dyn_cast<FloatType>(elementType)) {
    APFloat number(value);
    bool losesInfo;
    number.convert(floatType.getFloatSemantics(), APFloat::rmNearestTiesToEven, &losesInfo);
    return make<ConstantOp>(DenseElementsAttr::get(type, number));
  }
  unsigned width = elementType.getIntOrFloatBitWidth();
  return make<ConstantOp>(DenseElementsAttr::get(type, APInt(width, static_cast<int64_t>(value), /*isSigned=*/true, /*implicitTrunc=*/true)));
}
