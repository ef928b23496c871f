// CaseValues.cpp - the values of a case as the tensors that a compiled model
// has for them.
#include "tools/burnish/CaseValues.h"
#include "tools/burnish/Compare.h"
#include "llvm/ADT/STLExtras.h"

using namespace burnish;
using onnx_import::TestTensor, onnx_import::TestValue;

template <typename T> static std::vector<char> bytesOf(llvm::ArrayRef<T> all) {
  auto *data = reinterpret_cast<const char *>(all.data());
  return std::vector<char>(data, data + all.size() * sizeof(T));
}

/// The port of that name; null where there is none.
static const burnish_info *portNamed(llvm::ArrayRef<burnish_info> ports,
                                     const llvm::Twine &name) {
  std::string wanted = name.str();
  for (const burnish_info &port : ports)
    if (port.name == wanted)
      return &port;
  return nullptr;
}

/// A sequence in the form in which only the run knows its length.
static void addPacked(const TestValue &value, const burnish_info &elements,
                      const burnish_info &shapes,
                      std::vector<TestTensor> &tensors) {
  TestTensor all{elements.name, elements.type, {0}, {}, {}};
  int64_t rank = std::max<int64_t>(shapes.dims[1], 0),
          count = value.tensors.size();
  std::vector<int64_t> rows;
  for (const TestTensor &tensor : value.tensors) {
    all.dims[0] += countOf(tensor.dims);
    all.bytes.insert(all.bytes.end(), tensor.bytes.begin(), tensor.bytes.end());
    all.strings.insert(all.strings.end(), tensor.strings.begin(),
                       tensor.strings.end());
    std::vector<int64_t> row = tensor.dims;
    row.resize(std::max<size_t>(rank, row.size()), -1);
    rows.insert(rows.end(), row.begin(), row.end());
  }
  tensors.push_back(std::move(all));
  tensors.push_back({shapes.name,
                     BURNISH_INT64,
                     {count, rank},
                     bytesOf(llvm::ArrayRef(rows)),
                     {}});
}

std::vector<TestTensor> burnish::tensorsFor(llvm::ArrayRef<burnish_info> ports,
                                            llvm::ArrayRef<TestValue> values) {
  std::vector<TestTensor> tensors;
  for (const TestValue &value : values) {
    if (!value.isSequence && !value.isOptional) {
      tensors.push_back(value.tensors[0]);
      continue;
    }
    if (const burnish_info *port = portNamed(ports, value.name + ".there"))
      tensors.push_back({port->name,
                         BURNISH_BOOL,
                         {},
                         {static_cast<char>(!value.isAbsent)},
                         {}});
    const burnish_info *elements = portNamed(ports, value.name + ".elements"),
                       *shapes = portNamed(ports, value.name + ".shapes"),
                       *whole = portNamed(ports, value.name);
    if (elements && shapes)
      addPacked(value, *elements, *shapes, tensors);
    else if (value.isAbsent && whole) {
      // Anything of the right shape.
      TestTensor none{whole->name, whole->type, {}, {}, {}};
      int64_t count = 1;
      for (int32_t axis = 0; axis < whole->rank; ++axis)
        count *=
            none.dims.emplace_back(std::max<int64_t>(whole->dims[axis], 0));
      none.bytes.resize(count * bytesOfType(whole->type));
      tensors.push_back(std::move(none));
    } else
      for (auto [index, tensor] : llvm::enumerate(value.tensors)) {
        tensors.push_back(tensor);
        tensors.back().name =
            whole ? value.name : value.name + "." + std::to_string(index);
      }
  }
  for (TestTensor &tensor : tensors)
    for (const std::string &string : tensor.strings) {
      burnish_string record = {string.data(),
                               static_cast<int64_t>(string.size())};
      const char *from = reinterpret_cast<const char *>(&record);
      tensor.bytes.insert(tensor.bytes.end(), from, from + sizeof record);
    }
  return tensors;
}

void burnish::pinLengths(llvm::ArrayRef<TestValue> inputs, Options &options) {
  for (const TestValue &value : inputs) {
    if (value.hasRank)
      continue;
    options.lengths[value.name] = value.tensors.size();
    for (auto [index, tensor] : llvm::enumerate(value.tensors))
      options.shapes[value.name + "." + std::to_string(index)] = tensor.dims;
  }
}
