// CaseValues.h - the values of a case as the tensors that a compiled model has
// for them.
#pragma once
#include "frontend/onnx/TestData.h"
#include "runtime/include/burnish.h"
#include "tools/burnish/Options.h"
#include <functional>
#include <numeric>

namespace burnish {

/// The number of elements of a tensor.
inline int64_t countOf(llvm::ArrayRef<int64_t> dims) {
  return std::accumulate(dims.begin(), dims.end(), int64_t(1),
                         std::multiplies<>());
}

/// The tensors that the model has for the values of a case: sequences and
/// optional values are several.
std::vector<onnx_import::TestTensor>
tensorsFor(llvm::ArrayRef<burnish_info> ports,
           llvm::ArrayRef<onnx_import::TestValue> values);

/// Gives sequences whose elements have no rank the lengths and shapes of the
/// case's: nothing else is known of them.
void pinLengths(llvm::ArrayRef<onnx_import::TestValue> inputs,
                Options &options);

} // namespace burnish
