// Params.cpp - the values of params: from a seed, or from a file of weights.
#include "frontend/dsl/Params.h"
#include "frontend/dsl/Term.h"
#include "ir/Storage.h"
#include "mlir/IR/Builders.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::dsl;

/// Params of one network, in bytes: more are a mistake in a dim.
static constexpr int64_t kMostBytes = int64_t(1) << 35;

std::string dsl::storedName(Type elementType) {
  std::string name = nameOf(elementType);
  StringRef word = llvm::StringSwitch<StringRef>(name)
                       .Case("f8e4m3fn", "F8_E4M3")
                       .Case("f8e5m2", "F8_E5M2")
                       .Case("f8e8m0fnu", "F8_E8M0")
                       .Cases({"i2", "i4"}, "I8")
                       .Cases({"u2", "u4", "f4e2m1fn", "f6e2m3fn", "f6e3m2fn",
                               "f8e4m3fnuz", "f8e5m2fnuz"},
                              "U8")
                       .Default("");
  return word.empty() ? StringRef(name).upper() : word.str();
}

/// Why the bytes are no elements of a type that has fewer bits; empty where
/// they are.
static std::string whyNoElements(Type elementType, ArrayRef<char> bytes) {
  unsigned width = elementType.getIntOrFloatBitWidth();
  if (width >= 8 || width == 1)
    return "";
  bool isSigned = elementType.isSignlessInteger();
  for (auto [index, byte] : llvm::enumerate(bytes)) {
    int value = isSigned ? static_cast<signed char>(byte)
                         : static_cast<unsigned char>(byte);
    int least = isSigned ? -(1 << (width - 1)) : 0;
    if (value < least || value >= least + (1 << width))
      return ("has " + Twine(value) + " as element " + Twine(index) +
              ", which is none of " + nameOf(elementType))
          .str();
  }
  return "";
}

static std::string shapeText(ArrayRef<int64_t> dims) {
  std::string text = "[";
  for (auto [axis, dim] : llvm::enumerate(dims))
    text += (axis ? ", " : "") + std::to_string(dim);
  return text + "]";
}

std::string dsl::paramKey(StringRef path) {
  return nn::resourceKey(path.take_back(60));
}

std::string dsl::whyUnlike(const SafeTensors::Entry &entry,
                           RankedTensorType type) {
  std::string wanted = storedName(type.getElementType());
  if (entry.type == wanted && ArrayRef<int64_t>(entry.dims) == type.getShape())
    return "";
  return entry.type + shapeText(entry.dims) + ", and the param is " + wanted +
         shapeText(type.getShape());
}

std::optional<ElementsAttr> ParamSource::fromFile(const SafeTensors &file,
                                                  const std::string &path,
                                                  RankedTensorType type,
                                                  Span span, bool isNeeded) {
  used.insert(path);
  const SafeTensors::Entry *entry = file.find(path);
  if (!entry) {
    if (!isNeeded)
      return std::nullopt;
    std::vector<StringRef> keys = file.keys();
    messages.error(span, file.path() + ": key " + quoted(path) + " is missing" +
                             nearest(path, keys));
    return ElementsAttr();
  }
  if (std::string reason = whyUnlike(*entry, type); !reason.empty()) {
    messages.error(span,
                   file.path() + ": key " + quoted(path) + " is " + reason);
    return ElementsAttr();
  }
  if (std::string reason = whyNoElements(type.getElementType(), entry->bytes);
      !reason.empty()) {
    messages.error(span, file.path() + ": key " + quoted(path) + " " + reason);
    return ElementsAttr();
  }
  return nn::constantOver(type, paramKey(path), entry->bytes);
}

/// One float as the bytes of an element type.
static void append(SmallVectorImpl<char> &bytes, Type elementType,
                   double value) {
  auto put = [&](auto number) {
    const char *raw = reinterpret_cast<const char *>(&number);
    bytes.append(raw, raw + sizeof number);
  };
  if (elementType.isF32())
    return put(static_cast<float>(value));
  if (elementType.isF64())
    return put(value);
  if (auto floatType = dyn_cast<FloatType>(elementType)) {
    llvm::APFloat number(value);
    bool losesInfo;
    number.convert(floatType.getFloatSemantics(),
                   llvm::APFloat::rmNearestTiesToEven, &losesInfo);
    uint64_t bits = number.bitcastToAPInt().getZExtValue();
    const char *raw = reinterpret_cast<const char *>(&bits);
    bytes.append(raw, raw + nn::elementBytes(elementType));
    return;
  }
  uint64_t whole = static_cast<uint64_t>(static_cast<int64_t>(value));
  const char *raw = reinterpret_cast<const char *>(&whole);
  bytes.append(raw, raw + nn::elementBytes(elementType));
}

ElementsAttr ParamSource::value(const std::string &path, RankedTensorType type,
                                const InitialValue &initial,
                                const std::string &stored, Span span) {
  int64_t size = nn::elementBytes(type.getElementType()), elements = 1;
  for (int64_t dim : type.getShape())
    if (llvm::MulOverflow(elements, dim, elements))
      elements = kMostBytes;
  if (elements >= kMostBytes / size ||
      (bytes += elements * size) >= kMostBytes) {
    messages.error(span, "the params have more than " +
                             Twine(kMostBytes >> 30) + " GB with " +
                             quoted(path) + " of " +
                             shapeText(type.getShape()));
    return {};
  }
  if (weights)
    return *fromFile(*weights, path, type, span, /*isNeeded=*/true);
  if (!stored.empty()) {
    std::shared_ptr<SafeTensors> &file = files[stored];
    if (!file) {
      llvm::Expected<std::shared_ptr<SafeTensors>> read =
          SafeTensors::read(stored);
      if (!read) {
        messages.error(span, llvm::toString(read.takeError()));
        return {};
      }
      file = std::move(*read);
    }
    return *fromFile(*file, path, type, span, /*isNeeded=*/true);
  }
  if (!options.wantsValues)
    return DenseElementsAttr::get(
        type, Builder(type.getContext()).getZeroAttr(type.getElementType()));
  Type elementType = type.getElementType();
  SmallVector<char> raw;
  if (elementType.isF32()) {
    raw.resize_for_overwrite(elements * sizeof(float));
    fill(initial, type.getShape(), path, options.seed,
         MutableArrayRef(reinterpret_cast<float *>(raw.data()), elements));
  } else {
    std::vector<float> values(elements);
    fill(initial, type.getShape(), path, options.seed, values);
    for (float value : values)
      append(raw, elementType, value);
  }
  return nn::constantWith(type, paramKey(path), std::move(raw));
}

ElementsAttr ParamSource::imported(const std::string &path,
                                   RankedTensorType type, ElementsAttr own,
                                   Span span) {
  if (!weights)
    return own;
  std::optional<ElementsAttr> given =
      fromFile(*weights, path, type, span, /*isNeeded=*/false);
  return given && *given ? *given : own;
}

void ParamSource::mark(Operation *op, const std::string &path,
                       const std::string &initializer,
                       std::vector<std::string> flags) {
  all.push_back(path);
  Builder builder(op->getContext());
  SmallVector<StringRef> names(flags.begin(), flags.end());
  op->setAttr(
      "nn.param",
      builder.getDictionaryAttr(
          {builder.getNamedAttr("path", builder.getStringAttr(path)),
           builder.getNamedAttr("init", builder.getStringAttr(initializer)),
           builder.getNamedAttr("flags", builder.getStrArrayAttr(names))}));
}

std::vector<std::shared_ptr<SafeTensors>> ParamSource::storage() const {
  std::vector<std::shared_ptr<SafeTensors>> kept;
  if (weights)
    kept.push_back(weights);
  for (const auto &[path, file] : files)
    kept.push_back(file);
  return kept;
}

void ParamSource::checkAllUsed(StringRef net, Span span) {
  if (!weights)
    return;
  for (StringRef key : weights->keys())
    if (!used.contains(key)) {
      std::vector<StringRef> paths;
      for (const auto &path : used)
        paths.push_back(path.first());
      llvm::sort(paths);
      messages.error(span, weights->path() + ": key " + quoted(key) +
                               " is no param of " + quoted(net) +
                               nearest(key, paths));
    }
}
