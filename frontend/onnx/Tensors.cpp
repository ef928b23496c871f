// Tensors.cpp - the elements of a TensorProto, whichever field they stand in.
#include "frontend/onnx/Model.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/MathExtras.h"

using namespace llvm;
using onnx::TensorProto;

namespace burnish::onnx_import {

unsigned elementBits(int64_t type) {
  switch (type) {
  case TensorProto::UINT2:
  case TensorProto::INT2:
    return 2;
  case TensorProto::UINT4:
  case TensorProto::INT4:
  case TensorProto::FLOAT4E2M1:
    return 4;
  case TensorProto::FLOAT6E2M3:
  case TensorProto::FLOAT6E3M2:
    return 6;
  case TensorProto::BOOL:
  case TensorProto::INT8:
  case TensorProto::UINT8:
  case TensorProto::FLOAT8E4M3FN:
  case TensorProto::FLOAT8E4M3FNUZ:
  case TensorProto::FLOAT8E5M2:
  case TensorProto::FLOAT8E5M2FNUZ:
  case TensorProto::FLOAT8E8M0:
    return 8;
  case TensorProto::INT16:
  case TensorProto::UINT16:
  case TensorProto::FLOAT16:
  case TensorProto::BFLOAT16:
    return 16;
  case TensorProto::INT32:
  case TensorProto::UINT32:
  case TensorProto::FLOAT:
    return 32;
  case TensorProto::INT64:
  case TensorProto::UINT64:
  case TensorProto::DOUBLE:
  case TensorProto::COMPLEX64:
    return 64;
  case TensorProto::COMPLEX128:
    return 128;
  default:
    return 0;
  }
}

std::string typeName(int64_t type) {
  if (type > 0 && type <= INT32_MAX &&
      onnx::TensorProto_DataType_IsValid(static_cast<int>(type)))
    return StringRef(onnx::TensorProto_DataType_Name(
                         static_cast<TensorProto::DataType>(type)))
        .lower();
  return "type " + std::to_string(type);
}

std::optional<int64_t> elementCount(ArrayRef<int64_t> dims,
                                    std::string &error) {
  auto shape = [&] {
    return join(
        map_range(dims, [](int64_t dim) { return std::to_string(dim); }), "x");
  };
  if (dims.size() > 1024) {
    error = std::to_string(dims.size()) + " dims";
    return std::nullopt;
  }
  for (int64_t dim : dims)
    if (dim < 0) {
      error = "shape " + shape() + " has a negative dim";
      return std::nullopt;
    }
  // Steps along axes are products too, whatever other axis is empty.
  int64_t count = 1, bytes;
  for (int64_t dim : dims)
    if (MulOverflow(count, std::max<int64_t>(dim, 1), count) ||
        MulOverflow(count, int64_t(16), bytes)) {
      error = "shape " + shape() + " has too many elements";
      return std::nullopt;
    }
  return is_contained(dims, 0) ? 0 : count;
}

// Whether `int32_data` holds elements of this type.
static bool liesInInt32(int64_t type) {
  return type == TensorProto::INT32 ||
         (elementBits(type) && elementBits(type) <= 16);
}

static bool isSigned(int64_t type) {
  return type == TensorProto::INT4 || type == TensorProto::INT2;
}

// One byte an element out of a stream of `bits`-bit elements, the first in the
// lowest bits.
static std::string unpack(ArrayRef<char> packed, unsigned bits, int64_t count,
                          bool extendSign) {
  std::string result(count, '\0');
  for (int64_t i = 0; i < count; ++i) {
    uint64_t bit = static_cast<uint64_t>(i) * bits;
    unsigned value = static_cast<uint8_t>(packed[bit / 8]) >> bit % 8;
    if (bit % 8 + bits > 8)
      value |= static_cast<unsigned>(static_cast<uint8_t>(packed[bit / 8 + 1]))
               << (8 - bit % 8);
    value &= (1u << bits) - 1;
    if (extendSign && value >> (bits - 1))
      value |= ~0u << bits;
    result[i] = static_cast<char>(value);
  }
  return result;
}

template <typename Element, typename Field>
static std::string narrow(const Field &field) {
  std::string result(field.size() * sizeof(Element), '\0');
  for (int i = 0; i < field.size(); ++i) {
    Element element = static_cast<Element>(field[i]);
    std::memcpy(&result[i * sizeof(Element)], &element, sizeof(Element));
  }
  return result;
}

// The elements in the typed field for `type`, sub-byte ones still packed;
// `given` counts the entries of the field.
static std::string typedField(const TensorProto &tensor, int64_t type,
                              int64_t &given) {
  if (liesInInt32(type)) {
    given = tensor.int32_data_size();
    switch (elementBits(type)) {
    case 16:
      return narrow<uint16_t>(tensor.int32_data());
    case 32:
      return narrow<uint32_t>(tensor.int32_data());
    default:
      return narrow<uint8_t>(tensor.int32_data());
    }
  }
  switch (type) {
  case TensorProto::FLOAT:
  case TensorProto::COMPLEX64:
    given = tensor.float_data_size();
    return narrow<float>(tensor.float_data());
  case TensorProto::DOUBLE:
  case TensorProto::COMPLEX128:
    given = tensor.double_data_size();
    return narrow<double>(tensor.double_data());
  case TensorProto::INT64:
    given = tensor.int64_data_size();
    return narrow<int64_t>(tensor.int64_data());
  case TensorProto::UINT32:
    given = tensor.uint64_data_size();
    return narrow<uint32_t>(tensor.uint64_data());
  default:
    given = tensor.uint64_data_size();
    return narrow<uint64_t>(tensor.uint64_data());
  }
}

std::optional<SmallVector<StringRef>> stringsOf(const TensorProto &tensor,
                                                const Twine &where,
                                                Diagnostics &diagnostics) {
  std::string error;
  std::optional<int64_t> count = elementCount(
      ArrayRef<int64_t>(tensor.dims().data(), tensor.dims_size()), error);
  if (count && *count != tensor.string_data_size())
    error = std::to_string(tensor.string_data_size()) +
            " strings, and its shape needs " + std::to_string(*count);
  if (!error.empty()) {
    diagnostics.error(where, error);
    return std::nullopt;
  }
  return SmallVector<StringRef>(tensor.string_data().begin(),
                                tensor.string_data().end());
}

std::optional<ArrayRef<char>> Model::bytes(const TensorProto &tensor,
                                           const Twine &where,
                                           Diagnostics &diagnostics) {
  auto refuse = [&](const Twine &reason) {
    diagnostics.error(where, reason);
    return std::nullopt;
  };
  int64_t type = tensor.data_type();
  unsigned bits = elementBits(type);
  if (!bits)
    return refuse("a tensor of " + typeName(type) +
                  " where numbers are needed");
  std::string error;
  std::optional<int64_t> count = elementCount(
      ArrayRef<int64_t>(tensor.dims().data(), tensor.dims_size()), error);
  if (!count)
    return refuse(error);
  uint64_t needed = divideCeil(static_cast<uint64_t>(*count) * bits, 8);

  ArrayRef<char> stored;
  if (tensor.data_location() == TensorProto::EXTERNAL) {
    std::optional<ArrayRef<char>> outside =
        external(tensor, needed, where, diagnostics);
    if (!outside)
      return std::nullopt;
    stored = *outside;
  } else if (tensor.has_raw_data() || tensor.has_segment()) {
    if (tensor.has_segment()) {
      uint64_t begin = tensor.segment().begin(), end = tensor.segment().end();
      if (tensor.has_raw_data() || begin > end || end > file->getBufferSize())
        return refuse("its elements are given twice");
      stored = {file->getBufferStart() + begin, end - begin};
    } else {
      // The tensor may be part of a rewritten node, which is gone before its
      // elements are read.
      stored = own(tensor.raw_data());
    }
    if (stored.size() != needed)
      return refuse(Twine(stored.size()) +
                    " bytes of raw data, and its shape needs " + Twine(needed));
  } else {
    int64_t given = 0;
    // Packed elements are bytes in int32_data, but for 6-bit ones, which are
    // not packed there.
    uint64_t entries =
        bits == 6 ? *count
        : bits < 8
            ? needed
            : *count * (bits == 128 || type == TensorProto::COMPLEX64 ? 2 : 1);
    std::string field = typedField(tensor, type, given);
    if (static_cast<uint64_t>(given) != entries)
      return refuse(Twine(given) + " numbers of " + typeName(type) +
                    ", and its shape needs " + Twine(entries));
    stored = own(std::move(field));
    if (bits == 6)
      return stored;
  }

  if (bits < 8)
    return own(unpack(stored, bits, *count, isSigned(type)));
  if (type == TensorProto::BOOL &&
      any_of(stored, [](char c) { return c & ~1; })) {
    std::string truth(stored.begin(), stored.end());
    for (char &c : truth)
      c = c != 0;
    return own(std::move(truth));
  }
  return stored;
}

std::optional<ArrayRef<char>>
Model::bytes(const onnx::SparseTensorProto &tensor, const Twine &where,
             Diagnostics &diagnostics) {
  auto refuse = [&](const Twine &reason) {
    diagnostics.error(where, reason);
    return std::nullopt;
  };
  // A short file may ask for any amount of zeros.
  constexpr int64_t kMostBytes = int64_t(1) << 30;
  const TensorProto &values = tensor.values(), &places = tensor.indices();
  ArrayRef<int64_t> dims(tensor.dims().data(), tensor.dims_size());
  std::string error;
  std::optional<int64_t> count = elementCount(dims, error);
  if (!count)
    return refuse(error);
  std::optional<ArrayRef<char>> given = bytes(values, where, diagnostics);
  if (!given)
    return std::nullopt;
  int64_t width = std::max<int64_t>(elementBits(values.data_type()), 8) / 8;
  if (*count > kMostBytes / width)
    return refuse("a sparse tensor of " + Twine(*count) +
                  " elements, and at most " + Twine(kMostBytes / width) +
                  " are supported");
  int64_t stored = given->size() / width;
  // A number for each element, or one for each of its axes.
  bool isFlat = places.dims_size() == 1;
  if (values.dims_size() != 1 || dims.empty() ||
      places.data_type() != TensorProto::INT64 ||
      (!isFlat && places.dims_size() != 2) || places.dims(0) != stored ||
      (!isFlat && places.dims(1) != static_cast<int64_t>(dims.size())))
    return refuse("a sparse tensor needs a list of values, and for each an "
                  "index, or one for each axis");
  std::optional<ArrayRef<char>> indices = bytes(places, where, diagnostics);
  if (!indices)
    return std::nullopt;
  auto index = [&](int64_t at) {
    int64_t number;
    std::memcpy(&number, indices->data() + at * sizeof number, sizeof number);
    return number;
  };
  std::string dense(*count * width, '\0');
  for (int64_t i = 0, last = -1; i < stored; ++i) {
    int64_t place = isFlat ? index(i) : 0;
    bool isInside = place >= 0 && place < *count;
    if (!isFlat)
      for (auto [axis, size] : enumerate(dims)) {
        int64_t along = index(i * dims.size() + axis);
        isInside = isInside && along >= 0 && along < size;
        place = isInside ? place * size + along : 0;
      }
    if (!isInside)
      return refuse("index " + Twine(i) + " of a sparse tensor is outside");
    if (place <= last)
      return refuse("the indices of a sparse tensor do not ascend");
    last = place;
    std::memcpy(&dense[place * width], given->data() + i * width, width);
  }
  return own(std::move(dense));
}

} // namespace burnish::onnx_import
