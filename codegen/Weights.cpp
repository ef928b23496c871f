// Weights.cpp - the constants of a model as one run of bytes.
#include "codegen/Weights.h"
#include "codegen/Output.h"
#include "ir/Storage.h"
#include "llvm/Object/ObjectFile.h"
#include "llvm/Object/Wasm.h"

using namespace burnish;
using namespace mlir;

static int64_t bytesOf(ElementsAttr elements) {
  return elements.getNumElements() *
         nn::elementBytes(elements.getElementType());
}

llvm::Expected<Weights> Weights::of(ModuleOp module) {
  Weights weights;
  auto list = module->getAttrOfType<ArrayAttr>(nn::kWeightsAttr);
  if (!list)
    return weights;
  for (size_t index = 0; index < list.size(); index += 2) {
    auto elements = dyn_cast<ElementsAttr>(list[index]);
    auto offset = index + 1 < list.size()
                      ? dyn_cast<IntegerAttr>(list[index + 1])
                      : IntegerAttr();
    if (!elements || !offset)
      return llvm::createStringError(
          "nn.weights: entry %zu is no pair of elements and offset", index / 2);
    if (offset.getInt() < weights.total)
      return llvm::createStringError(
          "nn.weights: entry %zu begins at %lld, inside the one "
          "before, which ends at %lld",
          index / 2, (long long)offset.getInt(), (long long)weights.total);
    std::optional<ArrayRef<char>> raw = nn::rawBytes(elements);
    if ((!raw && !isa<DenseElementsAttr>(elements)) ||
        (raw && static_cast<int64_t>(raw->size()) != bytesOf(elements)))
      return llvm::createStringError(
          "nn.weights: entry %zu has %lld bytes, and its type wants %lld",
          index / 2, raw ? (long long)raw->size() : 0ll,
          (long long)bytesOf(elements));
    weights.constants.push_back({elements, offset.getInt()});
    weights.total = offset.getInt() + bytesOf(elements);
  }
  if (auto total = module->getAttrOfType<IntegerAttr>(nn::kWeightsBytesAttr))
    weights.total = std::max(weights.total, total.getInt());
  return weights;
}

bool Weights::operator==(const Weights &other) const {
  if (total != other.total || constants.size() != other.constants.size())
    return false;
  for (auto [a, b] : llvm::zip(constants, other.constants)) {
    if (a.offset != b.offset)
      return false;
    std::optional<ArrayRef<char>> bytes = nn::rawBytes(a.elements);
    if (a.elements != b.elements &&
        (!bytes || bytes != nn::rawBytes(b.elements)))
      return false;
  }
  return true;
}

/// One element over and over, through a buffer that stays in cache.
static std::error_code writeSplat(int fd, DenseElementsAttr splat,
                                  uint64_t offset) {
  SmallVector<char> element = nn::copyBytes(
      splat.resizeSplat(RankedTensorType::get({1}, splat.getElementType())));
  if (llvm::all_of(element, [](char byte) { return byte == 0; }))
    return {};
  int64_t left = bytesOf(splat);
  SmallVector<char> chunk;
  while (static_cast<int64_t>(chunk.size()) < std::min<int64_t>(left, 1 << 16))
    chunk.append(element);
  for (; left > 0; left -= chunk.size(), offset += chunk.size())
    if (std::error_code error = writeFully(
            fd, chunk.data(), std::min<int64_t>(left, chunk.size()), offset))
      return error;
  return {};
}

llvm::Error Weights::write(int fd, uint64_t offset, StringRef path) const {
  for (const Constant &constant : constants) {
    std::error_code error;
    auto dense = dyn_cast<DenseElementsAttr>(constant.elements);
    if (std::optional<ArrayRef<char>> raw = nn::rawBytes(constant.elements)) {
      error =
          writeFully(fd, raw->data(), raw->size(), offset + constant.offset);
      nn::dropPages(constant.elements.getContext(), *raw);
    } else if (dense && dense.isSplat()) {
      error = writeSplat(fd, dense, offset + constant.offset);
    } else {
      SmallVector<char> bytes = nn::copyBytes(constant.elements);
      error =
          writeFully(fd, bytes.data(), bytes.size(), offset + constant.offset);
    }
    if (error)
      return fileError(path, error);
  }
  return llvm::Error::success();
}

/// An object as it is mapped: one that wants a zero behind it is read instead
/// where it fills its last page.
static llvm::Expected<llvm::object::OwningBinary<llvm::object::ObjectFile>>
openObject(StringRef path) {
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer)
    return fileError(path, buffer.getError());
  auto object = llvm::object::ObjectFile::createObjectFile(**buffer);
  if (!object)
    return object.takeError();
  return llvm::object::OwningBinary<llvm::object::ObjectFile>(
      std::move(*object), std::move(*buffer));
}

llvm::Expected<uint64_t> burnish::findBytes(StringRef objectPath,
                                            StringRef symbol) {
  auto file = openObject(objectPath);
  if (!file)
    return file.takeError();
  const llvm::object::ObjectFile &object = *file->getBinary();
  for (const llvm::object::SymbolRef &candidate : object.symbols()) {
    llvm::Expected<StringRef> name = candidate.getName();
    if (!name)
      return name.takeError();
    // Mach-O and 32-bit COFF put an underscore before C's names.
    if (*name != symbol && !(name->consume_front("_") && *name == symbol))
      continue;
    if (auto *wasm = dyn_cast<llvm::object::WasmObjectFile>(&object)) {
      const llvm::wasm::WasmDataReference &data =
          wasm->getWasmSymbol(candidate).Info.DataRef;
      const llvm::wasm::WasmDataSegment &segment =
          wasm->dataSegments()[data.Segment].Data;
      return reinterpret_cast<const char *>(segment.Content.data()) -
             object.getData().data() + data.Offset;
    }
    llvm::Expected<llvm::object::section_iterator> section =
        candidate.getSection();
    if (!section)
      return section.takeError();
    llvm::Expected<uint64_t> address = candidate.getAddress();
    if (!address)
      return address.takeError();
    if (*section == object.section_end())
      continue;
    llvm::Expected<StringRef> contents = (*section)->getContents();
    if (!contents)
      return contents.takeError();
    return contents->data() - object.getData().data() +
           (*address - (*section)->getAddress());
  }
  return llvm::createStringError("%s: no bytes for symbol '%s'",
                                 objectPath.str().c_str(),
                                 symbol.str().c_str());
}

llvm::Expected<uint64_t> burnish::findSection(StringRef path,
                                              StringRef section) {
  auto file = openObject(path);
  if (!file)
    return file.takeError();
  const llvm::object::ObjectFile &object = *file->getBinary();
  for (const llvm::object::SectionRef &candidate : object.sections()) {
    llvm::Expected<StringRef> name = candidate.getName();
    if (!name)
      return name.takeError();
    if (*name != section)
      continue;
    llvm::Expected<StringRef> contents = candidate.getContents();
    if (!contents)
      return contents.takeError();
    return contents->data() - object.getData().data();
  }
  return llvm::createStringError("%s: no section '%s'", path.str().c_str(),
                                 section.str().c_str());
}
