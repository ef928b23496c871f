// Storage.cpp - how elements lie in memory, and constants over mapped files.
#include "ir/Storage.h"
#include "ir/Dialect.h"
#include "ir/SmallFloats.h"
#include "ir/Types.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/IR/AsmState.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "llvm/Support/MathExtras.h"
#include "llvm/Support/Process.h"
#include <sys/mman.h>

using namespace mlir;
using namespace burnish;

Type nn::storageType(Type elementType) {
  if (isString(elementType))
    return IntegerType::get(elementType.getContext(), 64);
  if (auto integer = dyn_cast<IntegerType>(elementType))
    return IntegerType::get(elementType.getContext(),
                            std::max(8u, integer.getWidth()));
  if (isa<FloatType>(elementType) && elementType.getIntOrFloatBitWidth() <= 8)
    return IntegerType::get(elementType.getContext(), 8);
  return elementType;
}

RankedTensorType nn::storageTensor(Type tensorType) {
  auto type = cast<RankedTensorType>(tensorType);
  return type.clone(storageType(type.getElementType()));
}

Type nn::computeType(Type elementType) {
  if (isString(elementType))
    return storageType(elementType);
  if (auto integer = dyn_cast<IntegerType>(elementType))
    return IntegerType::get(elementType.getContext(), integer.getWidth());
  if (isa<FloatType>(elementType) && elementType.getIntOrFloatBitWidth() <= 8)
    return Float32Type::get(elementType.getContext());
  return elementType;
}

Value nn::loadScalar(ImplicitLocOpBuilder &builder, Value stored,
                     Type elementType) {
  Type computed = computeType(elementType);
  if (stored.getType() == computed)
    return stored;
  if (isa<IntegerType>(computed))
    return arith::TruncIOp::create(builder, computed, stored);
  return decodeFloat(builder, stored, cast<FloatType>(elementType));
}

Value nn::storeScalar(ImplicitLocOpBuilder &builder, Value computed,
                      Type elementType) {
  Type stored = storageType(elementType);
  if (computed.getType() == stored)
    return computed;
  auto integer = dyn_cast<IntegerType>(elementType);
  if (integer && (integer.isUnsigned() || integer.getWidth() == 1))
    return arith::ExtUIOp::create(builder, stored, computed);
  if (integer)
    return arith::ExtSIOp::create(builder, stored, computed);
  return encodeFloat(builder, computed, cast<FloatType>(elementType));
}

int64_t nn::elementBytes(Type elementType) {
  if (auto complex = dyn_cast<ComplexType>(elementType))
    return 2 * elementBytes(complex.getElementType());
  // A burnish_string.
  if (isString(elementType))
    return 16;
  return storageType(elementType).getIntOrFloatBitWidth() / 8;
}

std::optional<ArrayRef<char>> nn::rawBytes(ElementsAttr constant) {
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(constant)) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    return blob ? std::optional(blob->getData()) : std::nullopt;
  }
  auto dense = dyn_cast<DenseElementsAttr>(constant);
  if (dense && !dense.isSplat() && dense.getElementType().isIntOrFloat() &&
      dense.getElementType().getIntOrFloatBitWidth() % 8 == 0)
    return dense.getRawData();
  return std::nullopt;
}

SmallVector<char> nn::copyBytes(ElementsAttr constant) {
  if (std::optional<ArrayRef<char>> bytes = rawBytes(constant))
    return SmallVector<char>(bytes->begin(), bytes->end());
  auto dense = cast<DenseElementsAttr>(constant);
  int64_t size = elementBytes(dense.getElementType());
  SmallVector<char> bytes(size * dense.getNumElements());
  if (isa<ComplexType>(dense.getElementType())) {
    for (int64_t index = 0; index < dense.getNumElements(); ++index)
      llvm::copy(dense.getRawData().take_front(size),
                 bytes.begin() + index * size);
    return bytes;
  }
  char *next = bytes.data();
  auto append = [&](const APInt &bits) {
    uint64_t word = bits.getZExtValue();
    for (int64_t byte = 0; byte < size; ++byte)
      *next++ = static_cast<char>(word >> (8 * byte));
  };
  if (isa<FloatType>(dense.getElementType()))
    for (const APFloat &element : dense.getValues<APFloat>())
      append(element.bitcastToAPInt());
  else
    for (const APInt &element : dense.getValues<APInt>())
      append(element);
  return bytes;
}

/// The bits of each element, least byte first; nothing when the bytes are not
/// those of the type.
static std::optional<SmallVector<uint64_t>> readBits(ElementsAttr constant) {
  auto type = cast<ShapedType>(constant.getType());
  SmallVector<char> bytes = nn::copyBytes(constant);
  int64_t size = nn::elementBytes(type.getElementType());
  if (size > 8 ||
      static_cast<int64_t>(bytes.size()) != size * type.getNumElements())
    return std::nullopt;
  SmallVector<uint64_t> result(type.getNumElements());
  for (auto [index, word] : llvm::enumerate(result))
    for (int64_t byte = 0; byte < size; ++byte)
      word |= static_cast<uint64_t>(
                  static_cast<unsigned char>(bytes[index * size + byte]))
              << (8 * byte);
  return result;
}

std::optional<SmallVector<int64_t>> nn::readIntegers(ElementsAttr constant,
                                                     int64_t limit) {
  auto type = cast<ShapedType>(constant.getType());
  auto integer = dyn_cast<IntegerType>(type.getElementType());
  if (!integer || type.getNumElements() > limit)
    return std::nullopt;
  std::optional<SmallVector<uint64_t>> words = readBits(constant);
  if (!words)
    return std::nullopt;
  bool isUnsigned = integer.isUnsigned() || integer.getWidth() == 1;
  unsigned width = 8 * elementBytes(integer);
  return llvm::map_to_vector(*words, [&](uint64_t word) -> int64_t {
    return isUnsigned ? word : llvm::SignExtend64(word, width);
  });
}

std::optional<SmallVector<double>> nn::readFloats(ElementsAttr constant,
                                                  int64_t limit) {
  auto type = cast<ShapedType>(constant.getType());
  auto floatType = dyn_cast<FloatType>(type.getElementType());
  if (!floatType || type.getNumElements() > limit)
    return std::nullopt;
  std::optional<SmallVector<uint64_t>> words = readBits(constant);
  if (!words)
    return std::nullopt;
  return llvm::map_to_vector(*words, [&](uint64_t word) {
    APFloat number(floatType.getFloatSemantics(),
                   APInt(floatType.getWidth(), word, /*isSigned=*/false,
                         /*implicitTrunc=*/true));
    bool losesInfo;
    number.convert(APFloat::IEEEdouble(), APFloat::rmNearestTiesToEven,
                   &losesInfo);
    return number.convertToDouble();
  });
}

//===- Resources ----------------------------------------------------------===//

static DenseResourceElementsAttr
makeResource(RankedTensorType type, StringRef name, AsmResourceBlob blob) {
  return DenseResourceElementsAttr::get(type, name, std::move(blob));
}

DenseResourceElementsAttr
nn::resourceOver(RankedTensorType type, StringRef name, ArrayRef<char> bytes) {
  // Alignment 1: initialisers lie in a model file at any offset.
  return makeResource(type, name,
                      UnmanagedAsmResourceBlob::allocateWithAlign(bytes, 1));
}

DenseResourceElementsAttr nn::resourceWith(RankedTensorType type,
                                           StringRef name,
                                           SmallVector<char> bytes) {
  // The blob takes the bytes as they are: a copy would double what large
  // weights need.
  auto *owned = new SmallVector<char>(std::move(bytes));
  auto release = [owned](void *, size_t, size_t) { delete owned; };
  return makeResource(type, name,
                      AsmResourceBlob(ArrayRef<char>(*owned),
                                      alignof(std::max_align_t), release,
                                      /*dataIsMutable=*/false));
}

/// Constants up to this size are dense elements where they can be.
static constexpr size_t kDenseBytes = 64;

ElementsAttr nn::constantWith(RankedTensorType type, StringRef name,
                              SmallVector<char> bytes) {
  Type elementType = type.getElementType();
  bool isBytes = elementType.isIntOrFloat() &&
                 elementType.getIntOrFloatBitWidth() % 8 == 0;
  if (elementType.isInteger(1) && bytes.size() <= kDenseBytes) {
    SmallVector<bool> bits(
        llvm::map_range(bytes, [](char byte) { return byte != 0; }));
    return DenseElementsAttr::get(type, bits);
  }
  if (isBytes && bytes.size() <= kDenseBytes)
    return DenseElementsAttr::getFromRawBuffer(type, bytes);
  return resourceWith(type, name, std::move(bytes));
}

ElementsAttr nn::constantOver(RankedTensorType type, StringRef name,
                              ArrayRef<char> bytes) {
  return bytes.size() <= kDenseBytes
             ? constantWith(type, name, SmallVector<char>(bytes))
             : resourceOver(type, name, bytes);
}

std::string nn::resourceKey(StringRef name) {
  std::string key = name.str();
  for (char &c : key)
    if (!llvm::isAlnum(c) && c != '.')
      c = '_';
  return !key.empty() && llvm::isAlpha(key.front()) ? key : "w" + key;
}

void nn::dropPages(MLIRContext *context, ArrayRef<char> bytes) {
  auto *dialect = context->getLoadedDialect<NNDialect>();
  if (!dialect || !dialect->isMapped(bytes))
    return;
  // Pages at the ends are others' too.
  uintptr_t page = llvm::sys::Process::getPageSizeEstimate(),
            from =
                llvm::alignTo(reinterpret_cast<uintptr_t>(bytes.data()), page),
            to = llvm::alignDown(
                reinterpret_cast<uintptr_t>(bytes.data() + bytes.size()), page);
  if (from < to)
    ::madvise(reinterpret_cast<void *>(from), to - from, MADV_DONTNEED);
}

void nn::releaseUnused(ModuleOp module, ArrayRef<ElementsAttr> constants) {
  llvm::StringSet<> used;
  auto use = [&](Attribute attribute) {
    if (auto resource = dyn_cast<DenseResourceElementsAttr>(attribute))
      used.insert(resource.getRawHandle().getKey());
  };
  module.walk([&](Operation *op) {
    if (op->hasTrait<OpTrait::ConstantLike>() && op->use_empty()) {
      op->erase();
      return;
    }
    for (NamedAttribute attribute : op->getDiscardableAttrs())
      use(attribute.getValue());
    if (Attribute properties = op->getPropertiesAsAttribute())
      properties.walk(use);
  });
  for (ElementsAttr constant : constants) {
    auto resource = dyn_cast<DenseResourceElementsAttr>(constant);
    AsmResourceBlob *blob =
        resource ? resource.getRawHandle().getBlob() : nullptr;
    if (!blob || used.contains(resource.getRawHandle().getKey()))
      continue;
    dropPages(module.getContext(), blob->getData());
    // Blobs that are parsed are mutable, and those over the model have no
    // deleter.
    if (blob->getDeleter() && !blob->isMutable() &&
        blob->getData().size() > kDenseBytes)
      DenseResourceElementsHandle::getManagerInterface(module.getContext())
          .getBlobManager()
          .update(resource.getRawHandle().getKey(), AsmResourceBlob());
  }
}

ElementsAttr nn::storedConstant(ElementsAttr constant) {
  RankedTensorType type = storageTensor(constant.getType());
  if (type == constant.getType())
    return constant;
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(constant))
    return DenseResourceElementsAttr::get(type, resource.getRawHandle());
  auto dense = cast<DenseElementsAttr>(constant);
  if (dense.isSplat())
    return DenseElementsAttr::getFromRawBuffer(
        type, ArrayRef<char>(copyBytes(dense.resizeSplat(
                  RankedTensorType::get({1}, dense.getElementType())))));
  return DenseElementsAttr::getFromRawBuffer(type,
                                             ArrayRef<char>(copyBytes(dense)));
}
