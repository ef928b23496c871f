// Strings.cpp - constants of strings, and what is made of and found in strings.
#include "ir/Strings.h"
#include "ir/Loops.h"
#include "ir/Ops.h"
#include "ir/Regex.h"
#include "ir/Scalar.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

#define GET_OP_CLASSES
#include "ir/ops/Strings.cpp.inc"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

void nn::registerStrings(NNDialect &dialect) {
  dialect.addFamily<
#define GET_OP_LIST
#include "ir/ops/Strings.cpp.inc"
      >();
}

/// The strings of an attribute; none where it has something else.
static std::optional<SmallVector<StringRef>> stringsOf(ArrayAttr list) {
  SmallVector<StringRef> strings;
  for (Attribute each : list) {
    auto string = dyn_cast<StringAttr>(each);
    if (!string)
      return std::nullopt;
    strings.push_back(string.getValue());
  }
  return strings;
}

/// The one operand as loops over all its elements read it.
static Lowering::Operand elementsOf(Lowering &l, Value operand) {
  Value tensor = l.lowered(operand);
  int64_t rank = cast<RankedTensorType>(tensor.getType()).getRank();
  return {tensor, getElementTypeOrSelf(operand.getType()),
          l.getMultiDimIdentityMap(rank)};
}

//===- strings ------------------------------------------------------------===//

LogicalResult StringsOp::inferShapes(ShapeScope &scope) {
  int64_t count = 1;
  for (int64_t size : getShape())
    if (size < 0 || llvm::MulOverflow(count, size, count))
      return emitOpError() << "has a shape that no list could fill";
  std::optional<SmallVector<StringRef>> strings = stringsOf(getValues());
  if (!strings || static_cast<int64_t>(strings->size()) != count)
    return emitOpError() << "has " << getValues().size() << " strings, and "
                         << count << " would fill its shape";
  Dims dims = llvm::map_to_vector(
      getShape(), [&](int64_t size) { return scope.constant(size); });
  return scope.set(getOperation()->getResult(0), StringType::get(getContext()),
                   dims);
}

FailureOr<SmallVector<Value>> StringsOp::lower(Lowering &l) {
  SmallVector<OpFoldResult> sizes =
      getAsIndexOpFoldResult(getContext(), getShape());
  Type i64 = l.getI64Type();
  if (getValues().empty())
    return SmallVector<Value>{l.empty(i64, sizes)};
  SmallVector<char> bytes, places;
  for (int64_t offset : layStrings(*stringsOf(getValues()), bytes)) {
    ++offset; // 1 beyond the address
    const char *from = reinterpret_cast<const char *>(&offset);
    places.append(from, from + sizeof offset);
  }
  Value base = addressOf(l, std::move(bytes));
  auto type = RankedTensorType::get(getShape(), i64);
  Value offsets = arith::ConstantOp::create(
      l, constantWith(type, "offsets", std::move(places)));
  return SmallVector<Value>{l.generic(
      i64, sizes, {{offsets, i64, l.getMultiDimIdentityMap(getShape().size())}},
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        return arith::AddIOp::create(b, args[0], base);
      })};
}

//===- string_concat ------------------------------------------------------===//

Value StringConcatOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  return makeString(b, "burnish_string_concat", args);
}

//===- string_case --------------------------------------------------------===//

Value StringCaseOp::scalar(ImplicitLocOpBuilder &b, ValueRange args) {
  SmallVector<Value> arguments{
      args[0], arith::ConstantOp::create(b, b.getI32IntegerAttr(getUpper()))};
  return makeString(b, "burnish_string_case", arguments);
}

//===- string_split -------------------------------------------------------===//

LogicalResult StringSplitOp::inferShapes(ShapeScope &scope) {
  Dims dims = scope.dims(getX());
  if (failed(scope.set(cast<OpResult>(getZ()),
                       IntegerType::get(getContext(), 64), dims)))
    return failure();
  dims.emplace_back();
  return scope.set(cast<OpResult>(getY()), StringType::get(getContext()), dims);
}

FailureOr<SmallVector<Value>> StringSplitOp::lower(Lowering &l) {
  Type i64 = l.getI64Type(), string = getElementTypeOrSelf(getX().getType());
  Value x = l.lowered(getX());
  SmallVector<OpFoldResult> sizes = l.sizesOf(x);
  Value delimiter = constantString(l, getDelimiter()),
        most = arith::ConstantOp::create(
            l, l.getI64IntegerAttr(getMaxsplit().value_or(-1)));
  // First how many pieces each has, the most of all and where they begin; then
  // all of them in a row as long as that.
  Value none = arith::ConstantOp::create(l, l.getI64IntegerAttr(0));
  SmallVector<Value> found = loopNest(
      l, sizes, {scratch(l, i64, sizes), scratch(l, i64, sizes), none},
      [&](ImplicitLocOpBuilder &b, ValueRange at, ValueRange carried) {
        SmallVector<Value> arguments{tensor::ExtractOp::create(b, x, at),
                                     delimiter, most};
        Value count = callString(b, "burnish_string_pieces", arguments),
              first = makeString(b, "burnish_string_split", arguments);
        return SmallVector<Value>{
            tensor::InsertOp::create(b, count, carried[0], at),
            tensor::InsertOp::create(b, first, carried[1], at),
            arith::MaxSIOp::create(b, carried[2], count)};
      });
  int64_t rank = static_cast<int64_t>(sizes.size());
  OpFoldResult widest =
      l.agree(getAsOpFoldResult(
                  arith::IndexCastOp::create(l, l.getIndexType(), found[2])
                      .getResult()),
              l.scope.dim(getY(), rank));
  sizes.push_back(widest);
  SmallVector<AffineExpr> outer;
  for (int64_t axis = 0; axis < rank; ++axis)
    outer.push_back(l.getAffineDimExpr(axis));
  AffineMap map = AffineMap::get(rank + 1, 0, outer, getContext());
  Value y = l.generic(
      string, sizes, {{found[0], i64, map}, {found[1], i64, map}},
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Scalar count(b, args[0]), first(b, args[1]),
            piece = Scalar(b, linalg::IndexOp::create(b, rank).getResult())
                        .toInteger(i64);
        return select(piece < count, first + piece * 16, count.number(0));
      });
  return SmallVector<Value>{y, found[0]};
}

//===- regex_full_match ---------------------------------------------------===//

LogicalResult RegexFullMatchOp::inferShapes(ShapeScope &scope) {
  // ONNX's schema does without.
  if (!getPatternAttr())
    return emitOpError() << "attribute 'pattern' is missing";
  Regex regex(getPattern());
  if (!regex.problem().empty())
    return emitOpError() << "'pattern' \"" << getPattern() << "\" "
                         << regex.problem();
  return scope.set(getOperation()->getResult(0),
                   IntegerType::get(getContext(), 1), scope.dims(getX()));
}

FailureOr<SmallVector<Value>> RegexFullMatchOp::lower(Lowering &l) {
  Regex regex(getPattern());
  FailureOr<SmallVector<char>> table = regex.table();
  if (failed(table))
    return emitOpError() << "'pattern' \"" << getPattern() << "\" "
                         << regex.problem();
  Value automaton = addressOf(l, std::move(*table));
  return SmallVector<Value>{mapStrings(
      l, l.getI1Type(), l.sizes(getX()), elementsOf(l, getX()),
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        SmallVector<Value> arguments{automaton, args[0]};
        Scalar matches(b, callString(b, "burnish_string_matches", arguments));
        return matches != 0;
      })};
}

//===- find ---------------------------------------------------------------===//

LogicalResult FindOp::inferShapes(ShapeScope &scope) {
  Type elementType = getElementTypeOrSelf(getX().getType());
  if (isString(elementType)
          ? !getStrings() || !stringsOf(*getStrings())
          : !getNumbers() || getNumbers()->getElementType() != elementType)
    return emitOpError() << "has no keys of " << elementType;
  return scope.set(getOperation()->getResult(0),
                   IntegerType::get(getContext(), 64), scope.dims(getX()));
}

/// The first places of the numbers of a constant, in ascending order of these;
/// of NaN by itself, or -1.
template <typename Number>
static void sortKeys(ElementsAttr keys, SmallVectorImpl<char> &sorted,
                     SmallVectorImpl<int64_t> &places, int64_t &placeOfNaN) {
  SmallVector<char> bytes = copyBytes(keys);
  SmallVector<Number> numbers(bytes.size() / sizeof(Number));
  if (!bytes.empty())
    std::memcpy(numbers.data(), bytes.data(), bytes.size());
  placeOfNaN = -1;
  for (auto [place, number] : llvm::enumerate(numbers)) {
    if (number == number)
      places.push_back(place);
    else if (placeOfNaN < 0)
      placeOfNaN = place;
  }
  llvm::sort(places, [&](int64_t a, int64_t b) {
    return numbers[a] != numbers[b] ? numbers[a] < numbers[b] : a < b;
  });
  places.erase(
      llvm::unique(places, [&](int64_t a,
                               int64_t b) { return numbers[a] == numbers[b]; }),
      places.end());
  for (int64_t place : places) {
    const char *from = reinterpret_cast<const char *>(&numbers[place]);
    sorted.append(from, from + sizeof(Number));
  }
}

static LogicalResult sortKeys(ElementsAttr keys, SmallVectorImpl<char> &sorted,
                              SmallVectorImpl<int64_t> &places,
                              int64_t &placeOfNaN) {
  Type type = keys.getElementType();
  if (type.isF32())
    sortKeys<float>(keys, sorted, places, placeOfNaN);
  else if (type.isF64())
    sortKeys<double>(keys, sorted, places, placeOfNaN);
  else if (type.isSignlessInteger(64))
    sortKeys<int64_t>(keys, sorted, places, placeOfNaN);
  else if (type.isSignlessInteger(32))
    sortKeys<int32_t>(keys, sorted, places, placeOfNaN);
  else if (type.isSignlessInteger(16))
    sortKeys<int16_t>(keys, sorted, places, placeOfNaN);
  else
    return failure();
  return success();
}

FailureOr<SmallVector<Value>> FindOp::lower(Lowering &l) {
  Type elementType = getElementTypeOrSelf(getX().getType()),
       i64 = l.getI64Type();
  if (isString(elementType)) {
    Value table = addressOf(l, keyTable(*stringsOf(*getStrings())));
    return SmallVector<Value>{
        mapStrings(l, i64, l.sizes(getX()), elementsOf(l, getX()),
                   [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
                     SmallVector<Value> arguments{table, args[0]};
                     return callString(b, "burnish_string_find", arguments);
                   })};
  }
  SmallVector<char> sorted;
  SmallVector<int64_t> order;
  int64_t placeOfNaN;
  if (failed(sortKeys(*getNumbers(), sorted, order, placeOfNaN)))
    return emitOpError() << "has no lookup of " << elementType;
  // The last key again up to a power of two: halves need no look at the end.
  int64_t count = static_cast<int64_t>(order.size());
  if (count > 0) {
    size_t bytes = sorted.size() / count;
    SmallVector<char> last(ArrayRef(sorted).take_back(bytes));
    for (; !llvm::isPowerOf2_64(count); ++count) {
      sorted.append(last.begin(), last.end());
      order.push_back(order.back());
    }
  }
  SmallVector<char> orderBytes;
  for (int64_t place : order) {
    const char *from = reinterpret_cast<const char *>(&place);
    orderBytes.append(from, from + sizeof place);
  }
  auto constant = [&](Type type, SmallVector<char> bytes) -> Value {
    return arith::ConstantOp::create(
        l, constantWith(RankedTensorType::get(count, type), "keys",
                        std::move(bytes)));
  };
  Value keys, places;
  if (count > 0) {
    keys = constant(elementType, std::move(sorted));
    places = constant(i64, std::move(orderBytes));
  }
  Value found = l.generic(
      i64, l.sizes(getX()), elementsOf(l, getX()),
      [&](ImplicitLocOpBuilder &b, ValueRange args) -> Value {
        Scalar x(b, args[0]);
        Scalar place(
            b,
            arith::ConstantOp::create(b, b.getI64IntegerAttr(-1)).getResult());
        if (count > 0) {
          // The last key that is not greater, or the first.
          Scalar at(b, b.getIndexAttr(0));
          for (int64_t step = count / 2; step > 0; step /= 2) {
            Scalar next = at + step;
            Scalar key(
                b, tensor::ExtractOp::create(b, keys, Value(next)).getResult());
            at = select(key <= x, next, at);
          }
          Scalar key(b,
                     tensor::ExtractOp::create(b, keys, Value(at)).getResult());
          Scalar known(
              b, tensor::ExtractOp::create(b, places, Value(at)).getResult());
          place = select(key == x, known, place);
        }
        return placeOfNaN < 0 ? place
                              : select(x == x, place, place.number(placeOfNaN));
      });
  return SmallVector<Value>{found};
}
