// SafeTensors.cpp - reads and writes files of weights in the safetensors
// format.
#include "frontend/dsl/SafeTensors.h"
#include "frontend/Diagnostics.h"
#include "runtime/train/Crc32c.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/Endian.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/JSON.h"
#include <map>

using namespace burnish;
using namespace burnish::dsl;
using llvm::StringRef;

/// What the format allows.
static constexpr uint64_t kLongestHeader = 100'000'000;

static int64_t bytesOf(StringRef type) {
  return llvm::StringSwitch<int64_t>(type)
      .Cases({"F64", "I64", "U64"}, 8)
      .Cases({"F32", "I32", "U32"}, 4)
      .Cases({"F16", "BF16", "I16", "U16"}, 2)
      .Cases({"I8", "U8", "BOOL", "F8_E4M3", "F8_E5M2", "F8_E8M0"}, 1)
      .Default(0);
}

/// Whether brackets in the header are few deep, as the parser of JSON recurses.
static bool isShallow(StringRef header) {
  int depth = 0;
  bool inString = false;
  for (size_t i = 0; i < header.size(); ++i) {
    char c = header[i];
    if (inString) {
      if (c == '\\')
        ++i;
      inString = c != '"';
    } else if (c == '"') {
      inString = true;
    } else if (c == '{' || c == '[') {
      if (++depth > 8)
        return false;
    } else if (c == '}' || c == ']') {
      --depth;
    }
  }
  return true;
}

/// What the header says of a tensor, with its bytes of the file's `data`; the
/// error says what is wrong with it.
static llvm::Expected<SafeTensors::Entry>
readEntry(const llvm::json::Value &value, StringRef data) {
  auto wrong = [](const llvm::Twine &reason) {
    return llvm::createStringError(reason.str());
  };
  const llvm::json::Object *tensor = value.getAsObject();
  if (!tensor)
    return wrong("it is no tensor");
  SafeTensors::Entry entry;
  auto type = tensor->getString("dtype");
  const llvm::json::Array *shape = tensor->getArray("shape"),
                          *offsets = tensor->getArray("data_offsets");
  if (!type || !shape || !offsets || offsets->size() != 2)
    return wrong("dtype, shape or data_offsets is missing");
  entry.type = type->str();
  int64_t bytes = bytesOf(entry.type);
  if (!bytes)
    return wrong("elements of " + quoted(entry.type) + " are not supported");
  for (const llvm::json::Value &each : *shape) {
    auto dim = each.getAsInteger();
    if (!dim || *dim < 0 || llvm::MulOverflow(bytes, *dim, bytes))
      return wrong("its shape is none");
    entry.dims.push_back(*dim);
  }
  auto begin = (*offsets)[0].getAsUINT64(), end = (*offsets)[1].getAsUINT64();
  if (!begin || !end || *begin > *end || *end > data.size())
    return wrong("its bytes lie outside of the file's " +
                 llvm::Twine(data.size()));
  if (*end - *begin != static_cast<uint64_t>(bytes))
    return wrong("its shape needs " + llvm::Twine(bytes) +
                 " bytes, and it has " + llvm::Twine(*end - *begin));
  entry.bytes = {data.data() + *begin, *end - *begin};
  return entry;
}

/// Every byte belongs to one tensor: what is wrong where a file is cut or has
/// something else behind it; else empty.
static std::string strayBytes(llvm::ArrayRef<llvm::ArrayRef<char>> tensors,
                              StringRef data) {
  std::vector<std::pair<uint64_t, uint64_t>> ranges;
  for (llvm::ArrayRef<char> bytes : tensors) {
    uint64_t begin = bytes.data() - data.data();
    ranges.push_back({begin, begin + bytes.size()});
  }
  llvm::sort(ranges);
  uint64_t at = 0;
  for (auto [begin, end] : ranges) {
    if (begin != at)
      return ("bytes " + llvm::Twine(std::min(at, begin)) + " to " +
              llvm::Twine(std::max(at, begin)) +
              " belong to no tensor, or to two")
          .str();
    at = end;
  }
  if (at == data.size())
    return {};
  return ("bytes " + llvm::Twine(at) + " to " + llvm::Twine(data.size()) +
          " belong to no tensor")
      .str();
}

llvm::Expected<std::shared_ptr<SafeTensors>> SafeTensors::read(StringRef path) {
  auto wrong = [&](const llvm::Twine &reason) {
    return llvm::createStringError(path.str() + ": " + reason.str());
  };
  if (llvm::sys::fs::exists(path) && !llvm::sys::fs::is_regular_file(path))
    return wrong("this is no file");
  auto buffer = llvm::MemoryBuffer::getFile(path, /*IsText=*/false,
                                            /*RequiresNullTerminator=*/false);
  if (!buffer)
    return wrong(buffer.getError().message());
  StringRef all = (*buffer)->getBuffer();
  if (all.size() < 8)
    return wrong("it has " + llvm::Twine(all.size()) +
                 " bytes, and no safetensors file has fewer than 8");
  uint64_t length = llvm::support::endian::read64le(all.data());
  if (length > kLongestHeader || length > all.size() - 8)
    return wrong("its header would have " + llvm::Twine(length) +
                 " bytes, and the file has " + llvm::Twine(all.size()));
  StringRef header = all.substr(8, length), data = all.drop_front(8 + length);
  if (!isShallow(header))
    return wrong("its header is no list of tensors");
  llvm::Expected<llvm::json::Value> parsed = llvm::json::parse(header);
  if (!parsed)
    return wrong("its header is no JSON: " +
                 llvm::toString(parsed.takeError()));
  const llvm::json::Object *object = parsed->getAsObject();
  if (!object)
    return wrong("its header is no list of tensors");
  auto result = std::make_shared<SafeTensors>();
  result->file = path.str();
  llvm::SmallVector<llvm::ArrayRef<char>> tensors;
  std::map<std::string, std::string> metadata;
  for (const auto &[key, value] : *object) {
    StringRef name = key;
    if (name == "__metadata__") {
      if (const llvm::json::Object *entries = value.getAsObject())
        for (const auto &[entryKey, text] : *entries)
          metadata[StringRef(entryKey).str()] =
              text.getAsString().value_or("").str();
      continue;
    }
    llvm::Expected<Entry> entry = readEntry(value, data);
    if (!entry)
      return wrong("key " + quoted(name) + ": " +
                   llvm::toString(entry.takeError()));
    tensors.push_back(entry->bytes);
    result->entries[name] = std::move(*entry);
  }
  if (std::string stray = strayBytes(tensors, data); !stray.empty())
    return wrong(stray);
  if (llvm::Error error = result->checkSums(metadata))
    return error;
  result->buffer = std::move(*buffer);
  return result;
}

static std::string digitsOf(uint32_t sum) {
  return llvm::utohexstr(sum, /*LowerCase=*/true, /*Width=*/8);
}

static std::string sumOf(llvm::ArrayRef<char> bytes) {
  return digitsOf(crc32c(0, bytes.data(), bytes.size()));
}

/// Of tensors in the order of their names.
static void addTensor(ContentsSum &sum, StringRef name, StringRef type,
                      llvm::ArrayRef<int64_t> dims) {
  sum.add(name.data(), name.size());
  sum.add(type.data(), type.size());
  for (int64_t dim : dims)
    sum.add(static_cast<uint64_t>(dim));
}

static std::string
sumOfEntries(ContentsSum sum,
             const std::map<std::string, std::string> &metadata) {
  for (const auto &[key, value] : metadata)
    if (key != ContentsSum::kKey) {
      sum.add(key.data(), key.size());
      sum.add(value.data(), value.size());
    }
  return digitsOf(sum.value);
}

llvm::Error SafeTensors::checkSums(
    const std::map<std::string, std::string> &metadata) const {
  auto wrong = [&](const llvm::Twine &reason) {
    return llvm::createStringError(file + ": " + reason.str());
  };
  bool hasSums = metadata.count(ContentsSum::kKey);
  for (const auto &[key, value] : metadata) {
    StringRef name = key;
    if (!name.consume_front(ContentsSum::kOfTensor))
      continue;
    if (!hasSums)
      return wrong("its tensors have checksums, and the whole has none (" +
                   quoted(ContentsSum::kKey) + " is missing)");
    const Entry *entry = find(name);
    if (!entry)
      return wrong("there is a checksum of " + quoted(name) +
                   ", which is no key");
    if (std::string found = sumOf(entry->bytes); found != value)
      return wrong("key " + quoted(name) + ": it is damaged (its CRC-32C is " +
                   found + " and should be " + value + ")");
  }
  if (!hasSums)
    return llvm::Error::success();
  ContentsSum sum;
  for (StringRef name : keys()) {
    if (!metadata.count(ContentsSum::kOfTensor + name.str()))
      return wrong("key " + quoted(name) + ": its checksum is missing");
    addTensor(sum, name, find(name)->type, find(name)->dims);
  }
  const std::string &wanted = metadata.find(ContentsSum::kKey)->second;
  std::string found = sumOfEntries(sum, metadata);
  return found == wanted
             ? llvm::Error::success()
             : wrong("its header is damaged (the CRC-32C of what it says is " +
                     found + " and should be " + wanted + ")");
}

std::vector<StringRef> SafeTensors::keys() const {
  std::vector<StringRef> all;
  for (const auto &entry : entries)
    all.push_back(entry.first());
  llvm::sort(all);
  return all;
}

std::string dsl::safeTensorsHeader(llvm::ArrayRef<NamedTensor> tensors) {
  llvm::json::Object object;
  uint64_t at = 0;
  std::map<std::string, std::string> metadata;
  std::map<std::string, const NamedTensor *> byName;
  for (const NamedTensor &tensor : tensors) {
    llvm::json::Array shape(tensor.dims);
    uint64_t end = at + tensor.bytes.size();
    object[tensor.name] = llvm::json::Object{
        {"dtype", tensor.type},
        {"shape", std::move(shape)},
        {"data_offsets", llvm::json::Array{static_cast<int64_t>(at),
                                           static_cast<int64_t>(end)}}};
    at = end;
    byName[tensor.name] = &tensor;
    metadata[ContentsSum::kOfTensor + tensor.name] = sumOf(tensor.bytes);
  }
  ContentsSum sum;
  for (const auto &[name, tensor] : byName)
    addTensor(sum, name, tensor->type, tensor->dims);
  metadata[ContentsSum::kKey] = sumOfEntries(sum, metadata);
  llvm::json::Object entries;
  for (const auto &[key, value] : metadata)
    entries[key] = value;
  object["__metadata__"] = std::move(entries);
  std::string text;
  llvm::raw_string_ostream(text) << llvm::json::Value(std::move(object));
  // Elements begin at a multiple of 8.
  text.resize(llvm::alignTo(text.size(), 8), ' ');
  std::string header(8, 0);
  llvm::support::endian::write64le(header.data(), text.size());
  return header + text;
}
