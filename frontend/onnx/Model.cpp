// Model.cpp - an ONNX model file: its structure, and where its external data
// lies.
#include "frontend/onnx/Model.h"
#include "frontend/onnx/Schemas.h"
#include "frontend/onnx/Skeleton.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"

using namespace llvm;

namespace burnish::onnx_import {

// How deep brackets are nested in ONNX's textual form, whose parser calls
// itself for each. The characters of strings and comments are none.
static unsigned deepestBracket(StringRef text) {
  unsigned depth = 0, deepest = 0;
  for (size_t at = 0; at < text.size(); ++at)
    switch (text[at]) {
    case '#':
      at = std::min(text.find('\n', at), text.size());
      break;
    case '"':
      for (++at; at < text.size() && text[at] != '"'; ++at)
        at += text[at] == '\\';
      break;
    case '(':
    case '[':
    case '{':
      deepest = std::max(deepest, ++depth);
      break;
    case ')':
    case ']':
    case '}':
      depth -= depth > 0;
      break;
    default:
      break;
    }
  return deepest;
}

std::unique_ptr<Model> Model::load(StringRef path, Diagnostics &diagnostics) {
  auto buffer = MemoryBuffer::getFileOrSTDIN(path, /*IsText=*/false,
                                             /*RequiresNullTerminator=*/false);
  if (!buffer) {
    diagnostics.error("", buffer.getError().message());
    return nullptr;
  }
  auto result = std::make_unique<Model>();
  result->path = path.str();
  result->file = std::move(*buffer);
  if (path.ends_with(".onnxtxt")) {
    // A brace a subgraph, a bracket where there is a list of them, and some for
    // types of sequences of sequences.
    constexpr unsigned kDeepestBracket = 2 * kDeepestSubgraph + 64;
    if (deepestBracket(result->file->getBuffer()) > kDeepestBracket) {
      diagnostics.error("", "brackets nested deeper than " +
                                Twine(kDeepestBracket));
      return nullptr;
    }
    std::string error;
    if (parseText(result->file->getBuffer(), result->model, error))
      return result;
    diagnostics.error("",
                      "not ONNX's textual form: " + StringRef(error).trim());
    return nullptr;
  }
  StringRef bytes = result->file->getBuffer();
  if (Error error = readSkeleton(ArrayRef<char>(bytes.data(), bytes.size()),
                                 result->model)) {
    diagnostics.error("", toString(std::move(error)));
    return nullptr;
  }
  return result;
}

ArrayRef<char> Model::own(std::string bytes) {
  const std::string &kept = owned.emplace_back(std::move(bytes));
  return {kept.data(), kept.size()};
}

SmallVector<ArrayRef<char>> Model::mappings() const {
  SmallVector<ArrayRef<char>> mapped;
  auto add = [&](const MemoryBuffer *buffer) {
    if (buffer && buffer->getBufferKind() == MemoryBuffer::MemoryBuffer_MMap)
      mapped.push_back({buffer->getBufferStart(), buffer->getBufferSize()});
  };
  add(file.get());
  for (const auto &external : externalFiles)
    add(external.second.buffer.get());
  return mapped;
}

// The value of a key of external_data; an empty string when it is not there.
static StringRef lookup(const onnx::TensorProto &tensor, StringRef key) {
  for (const auto &entry : tensor.external_data())
    if (entry.key() == key)
      return entry.value();
  return "";
}

// Whether `file` lies inside `folder` once all symbolic links are followed.
static bool liesInside(StringRef folder, StringRef file) {
  SmallString<256> realFolder, realFile;
  if (sys::fs::real_path(folder, realFolder) ||
      sys::fs::real_path(file, realFile))
    return false;
  StringRef rest = realFile;
  return rest.consume_front(realFolder) &&
         (realFolder.ends_with("/") || rest.starts_with("/"));
}

std::optional<ArrayRef<char>> Model::external(const onnx::TensorProto &tensor,
                                              uint64_t needed,
                                              const Twine &where,
                                              Diagnostics &diagnostics) {
  auto refuse = [&](const Twine &reason) {
    diagnostics.error(where, reason);
    return std::nullopt;
  };
  StringRef location = lookup(tensor, "location");
  if (location.empty())
    return refuse("external data without a location");
  std::string name = quoted(location);
  if (path == "-")
    return refuse("external data in " + name +
                  ", and a model from the standard input has no folder");
  if (sys::path::is_absolute(location) || location.contains('\0') ||
      is_contained(
          make_range(sys::path::begin(location), sys::path::end(location)),
          ".."))
    return refuse("external data in " + name +
                  ", which is outside the model's folder");

  SmallString<256> full = sys::path::parent_path(path);
  if (full.empty())
    full = ".";
  std::string folder(full);
  sys::path::append(full, location);
  auto [entry, isNew] = externalFiles.try_emplace(full);
  ExternalFile &external = entry->second;
  if (isNew) {
    sys::fs::file_status status;
    if (std::error_code error = sys::fs::status(full, status))
      return refuse("external data in " + name + ": " + error.message());
    if (!liesInside(folder, full))
      return refuse("external data in " + name +
                    ", which is outside the model's folder");
    if (!sys::fs::is_regular_file(status))
      return refuse("external data in " + name + ", which is not a file");
    auto buffer = MemoryBuffer::getFile(full, /*IsText=*/false,
                                        /*RequiresNullTerminator=*/false);
    if (!buffer)
      return refuse("external data in " + name + ": " +
                    buffer.getError().message());
    external.buffer = std::move(*buffer);
  }
  if (!external.buffer)
    return refuse("external data in " + name + ", which cannot be used");

  uint64_t offset = 0, length = needed, size = external.buffer->getBufferSize();
  StringRef offsetText = lookup(tensor, "offset"),
            lengthText = lookup(tensor, "length");
  if (!offsetText.empty() && offsetText.getAsInteger(10, offset))
    return refuse("external data at offset " + quoted(offsetText) +
                  ", which is not a number");
  if (!lengthText.empty() && lengthText.getAsInteger(10, length))
    return refuse("external data of length " + quoted(lengthText) +
                  ", which is not a number");
  if (length != needed)
    return refuse("external data of " + Twine(length) +
                  " bytes, and its shape needs " + Twine(needed));
  if (offset > size || size - offset < needed)
    return refuse("external data at bytes " + Twine(offset) + " to " +
                  Twine(static_cast<double>(offset) + needed > 1e18
                            ? ~0ull
                            : offset + needed) +
                  " of " + name + ", which has " + Twine(size));

  // Tensors may share bytes only as wholes, as tied weights do.
  if (needed) {
    uint64_t end = offset + needed;
    auto next = external.ranges.lower_bound(offset);
    auto clash = next;
    if (next != external.ranges.begin() && std::prev(next)->second.end > offset)
      clash = std::prev(next);
    bool overlaps = clash != external.ranges.end() && clash->first < end;
    if (overlaps && (clash->first != offset || clash->second.end != end))
      return refuse("external data at bytes " + Twine(offset) + " to " +
                    Twine(end) + " of " + name + " overlaps that of " +
                    quoted(clash->second.tensor) + " at bytes " +
                    Twine(clash->first) + " to " + Twine(clash->second.end));
    external.ranges.try_emplace(offset, ExternalRange{end, tensor.name()});
  }
  return ArrayRef<char>(external.buffer->getBufferStart() + offset, needed);
}

} // namespace burnish::onnx_import
