// Strings.cpp - strings below nn: numbers that say where they lie, and calls of
// the runtime's functions on them.
#include "ir/Strings.h"
#include "ir/Loops.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Bufferization/IR/Bufferization.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlowOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "llvm/ADT/SetVector.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

//===- Calls --------------------------------------------------------------===//

namespace {
struct Prototype {
  StringRef name, result, arguments;
};
} // namespace

static constexpr Prototype kFunctions[] = {
#define BURNISH_STRINGS(name, result, ...) {#name, #result, #__VA_ARGS__},
#include "runtime/abi.def"
};

static const Prototype &prototypeOf(StringRef name) {
  const Prototype *found = llvm::find_if(
      kFunctions, [&](const Prototype &known) { return known.name == name; });
  assert(found != std::end(kFunctions));
  return *found;
}

static LLVM::LLVMFunctionType typeOf(const Prototype &prototype,
                                     MLIRContext *context) {
  auto type = [&](StringRef word) -> Type {
    return word == "I64"   ? Type(IntegerType::get(context, 64))
           : word == "I32" ? Type(IntegerType::get(context, 32))
           : word == "F64" ? Type(Float64Type::get(context))
                           : Type(LLVM::LLVMPointerType::get(context));
  };
  SmallVector<StringRef> words;
  prototype.arguments.split(words, ',');
  SmallVector<Type> arguments;
  for (StringRef word : words)
    arguments.push_back(type(word.trim()));
  return LLVM::LLVMFunctionType::get(type(prototype.result), arguments);
}

Value nn::callString(ImplicitLocOpBuilder &b, StringRef name,
                     ValueRange arguments) {
  LLVM::LLVMFunctionType type = typeOf(prototypeOf(name), b.getContext());
  SmallVector<Value> operands(arguments);
  Type first = type.getParams().front();
  bool takesContext = isa<LLVM::LLVMPointerType>(first);
  if (takesContext)
    operands.insert(operands.begin(), LLVM::ZeroOp::create(b, first));
  auto call =
      LLVM::CallOp::create(b, TypeRange(type.getReturnType()), name, operands);
  if (takesContext)
    call->setAttr(kTakesContextAttr, b.getUnitAttr());
  return call.getResult();
}

void nn::declareStringFunctions(ModuleOp module) {
  llvm::SetVector<StringRef> called;
  module.walk([&](LLVM::CallOp call) {
    if (std::optional<StringRef> name = call.getCallee();
        name && !module.lookupSymbol(*name))
      called.insert(*name);
  });
  auto b = OpBuilder::atBlockEnd(module.getBody());
  for (StringRef name : called)
    LLVM::LLVMFuncOp::create(b, module.getLoc(), name,
                             typeOf(prototypeOf(name), module.getContext()));
}

static Value number(ImplicitLocOpBuilder &b, Type type, int64_t value) {
  return arith::ConstantOp::create(b, b.getIntegerAttr(type, value));
}

static Value isNot(ImplicitLocOpBuilder &b, Value value, int64_t other) {
  return arith::CmpIOp::create(b, arith::CmpIPredicate::ne, value,
                               number(b, value.getType(), other));
}

Value nn::makeString(ImplicitLocOpBuilder &b, StringRef name,
                     ValueRange arguments) {
  Value made = callString(b, name, arguments);
  cf::AssertOp::create(b, isNot(b, made, -1),
                       std::to_string(static_cast<int32_t>(Status::NoText)) +
                           ":no room for a string");
  return made;
}

//===- Constants ----------------------------------------------------------===//

Value nn::addressOf(ImplicitLocOpBuilder &b, Value tensor) {
  auto type = cast<RankedTensorType>(tensor.getType());
  Value buffer = bufferization::ToBufferOp::create(
      b, MemRefType::get(type.getShape(), type.getElementType()), tensor,
      /*read_only=*/true);
  Value address = memref::ExtractAlignedPointerAsIndexOp::create(b, buffer);
  return arith::IndexCastOp::create(b, b.getI64Type(), address);
}

Value nn::addressOf(ImplicitLocOpBuilder &b, SmallVector<char> bytes) {
  auto type =
      RankedTensorType::get(static_cast<int64_t>(bytes.size()), b.getI8Type());
  return addressOf(b, arith::ConstantOp::create(
                          b, constantWith(type, "strings", std::move(bytes))));
}

template <typename Word>
static void append(SmallVectorImpl<char> &bytes, Word word) {
  const char *from = reinterpret_cast<const char *>(&word);
  bytes.append(from, from + sizeof(Word));
}

SmallVector<int64_t> nn::layStrings(ArrayRef<StringRef> strings,
                                    SmallVectorImpl<char> &bytes) {
  SmallVector<int64_t> offsets;
  llvm::StringMap<int64_t> known;
  for (StringRef string : strings) {
    auto [found, isNew] = known.try_emplace(string, bytes.size());
    offsets.push_back(found->second);
    if (!isNew)
      continue;
    append<int64_t>(bytes, string.size());
    bytes.append(string.begin(), string.end());
    bytes.resize(llvm::alignTo(bytes.size(), 8));
  }
  return offsets;
}

Value nn::constantString(ImplicitLocOpBuilder &b, StringRef text) {
  if (text.empty())
    return number(b, b.getI64Type(), 0);
  SmallVector<char> bytes;
  layStrings(text, bytes);
  return arith::AddIOp::create(b, addressOf(b, std::move(bytes)),
                               number(b, b.getI64Type(), 1));
}

/// As runtime/strings has it.
static uint32_t hashOf(StringRef string) {
  uint32_t hash = 2166136261u;
  for (char c : string)
    hash = (hash ^ static_cast<uint8_t>(c)) * 16777619u;
  return hash ^ hash >> 15;
}

SmallVector<char> nn::keyTable(ArrayRef<StringRef> keys) {
  struct Slot {
    uint32_t hash = 0;
    int32_t place = -1;
    uint32_t offset = 0, size = 0;
  };
  uint64_t count = llvm::PowerOf2Ceil(2 * keys.size() + 1);
  SmallVector<Slot> slots(count);
  uint64_t next = sizeof(int64_t) + count * sizeof(Slot);
  std::string text;
  for (auto [place, key] : llvm::enumerate(keys)) {
    uint32_t hash = hashOf(key);
    uint64_t at = hash & (count - 1);
    while (slots[at].place >= 0 && keys[slots[at].place] != key)
      at = (at + 1) & (count - 1);
    if (slots[at].place >= 0)
      continue;
    slots[at] = {hash, static_cast<int32_t>(place),
                 static_cast<uint32_t>(next + text.size()),
                 static_cast<uint32_t>(key.size())};
    text += key;
  }
  SmallVector<char> bytes;
  append<int64_t>(bytes, count);
  for (const Slot &slot : slots)
    append(bytes, slot);
  bytes.append(text.begin(), text.end());
  return bytes;
}

//===- Loops --------------------------------------------------------------===//

Value nn::mapStrings(Lowering &l, Type resultElementType,
                     ArrayRef<OpFoldResult> sizes,
                     ArrayRef<Lowering::Operand> inputs,
                     Lowering::ScalarBody body) {
  return loopNest(
      l, sizes, scratch(l, resultElementType, sizes),
      [&](ImplicitLocOpBuilder &b, ValueRange indices, ValueRange carried) {
        SmallVector<Value> scalars;
        for (const Lowering::Operand &input : inputs) {
          SmallVector<Value> place;
          for (AffineExpr expr : input.map.getResults())
            place.push_back(
                isa<AffineDimExpr>(expr)
                    ? indices[cast<AffineDimExpr>(expr).getPosition()]
                    : Value(arith::ConstantIndexOp::create(b, 0)));
          scalars.push_back(
              loadScalar(b, tensor::ExtractOp::create(b, input.tensor, place),
                         input.elementType));
        }
        Value stored = storeScalar(b, body(b, scalars), resultElementType);
        return SmallVector<Value>{
            tensor::InsertOp::create(b, stored, carried[0], indices)};
      })[0];
}

//===- The edge of a model ------------------------------------------------===//

RankedTensorType nn::edgeTensor(Type tensorType) {
  RankedTensorType stored = storageTensor(tensorType);
  if (!isString(tensorType))
    return stored;
  SmallVector<int64_t> shape(stored.getShape());
  shape.push_back(2);
  return RankedTensorType::get(shape, stored.getElementType());
}

Value nn::takeStrings(Lowering &l, Value records,
                      ArrayRef<OpFoldResult> sizes) {
  Value base = addressOf(l, records);
  return l.generate(
      l.getI64Type(), sizes,
      [&](ImplicitLocOpBuilder &b, ValueRange indices) -> Value {
        Value place = arith::ConstantIndexOp::create(b, 0);
        for (auto [size, index] : llvm::zip_equal(sizes, indices))
          place = arith::AddIOp::create(
              b,
              arith::MulIOp::create(
                  b, place,
                  getValueOrCreateConstantIndexOp(b, b.getLoc(), size)),
              index);
        Value offset = arith::MulIOp::create(
            b, arith::IndexCastOp::create(b, b.getI64Type(), place),
            number(b, b.getI64Type(), 16));
        return arith::AddIOp::create(b, base, offset);
      });
}

Value nn::giveStrings(Lowering &l, Value strings,
                      ArrayRef<OpFoldResult> sizes) {
  SmallVector<OpFoldResult> edge(sizes);
  edge.push_back(l.getIndexAttr(2));
  return loopNest(
      l, sizes, scratch(l, l.getI64Type(), edge),
      [&](ImplicitLocOpBuilder &b, ValueRange indices, ValueRange carried) {
        Value string = tensor::ExtractOp::create(b, strings, indices),
              record = carried[0];
        SmallVector<Value> place(indices);
        place.emplace_back();
        for (int64_t field : {0, 1}) {
          place.back() = arith::ConstantIndexOp::create(b, field);
          Value part = callString(
              b, field == 0 ? "burnish_string_data" : "burnish_string_size",
              string);
          record = tensor::InsertOp::create(b, part, record, place);
        }
        return SmallVector<Value>{record};
      })[0];
}

//===- Numbers ------------------------------------------------------------===//

Value nn::castToString(ImplicitLocOpBuilder &b, Value value, Type from) {
  if (isString(from))
    return value;
  if (isa<FloatType>(from))
    return makeString(b, "burnish_string_of_float",
                      castScalar(b, value, from, b.getF64Type()));
  bool isUnsigned = from.isUnsignedInteger() || from.isInteger(1);
  Value wide = value;
  if (value.getType() != b.getI64Type())
    wide = isUnsigned
               ? arith::ExtUIOp::create(b, b.getI64Type(), value).getResult()
               : arith::ExtSIOp::create(b, b.getI64Type(), value).getResult();
  SmallVector<Value> arguments{wide, number(b, b.getI32Type(), !isUnsigned)};
  return makeString(b, "burnish_string_of_integer", arguments);
}

/// Refuses the run where the string begins with no number.
static void requireNumber(ImplicitLocOpBuilder &b, Value has) {
  cf::AssertOp::create(b, isNot(b, has, 0),
                       std::to_string(static_cast<int32_t>(Status::BadValue)) +
                           ":a string is no number");
}

Value nn::castFromString(ImplicitLocOpBuilder &b, Value value, Type to) {
  if (isString(to))
    return value;
  if (isa<FloatType>(to)) {
    requireNumber(b, callString(b, "burnish_string_has_float", value));
    return castScalar(b, callString(b, "burnish_string_float", value),
                      b.getF64Type(), to);
  }
  bool isUnsigned = to.isUnsignedInteger() || to.isInteger(1);
  SmallVector<Value> arguments{value, number(b, b.getI32Type(), !isUnsigned)};
  requireNumber(b, callString(b, "burnish_string_has_integer", arguments));
  return castScalar(b, callString(b, "burnish_string_integer", arguments),
                    b.getI64Type(), to);
}
