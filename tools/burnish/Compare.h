// Compare.h - how far computed values are from expected ones.
#pragma once
#include "llvm/ADT/ArrayRef.h"
#include <string>

namespace burnish {

/// ONNX's name for one of its type numbers, as in `float`.
std::string nameOfType(int32_t type);
/// Bytes of an element as burnish.h has it; 0 for numbers that are no type.
int64_t bytesOfType(int32_t type);

struct Difference {
  double absolute = 0, relative = 0;
  /// In units in the last place of the expected value; of floating-point types.
  double ulp = 0;
  /// Elements that are further away than the tolerance allows.
  int64_t misses = 0, firstMiss = -1;

  void add(const Difference &other);
};

/// numpy's allclose, element by element: |a - b| <= absolute + relative * |b|,
/// NaN equal to NaN; `relative` is for floating-point types only. Strings are
/// equal or not. Both sides have the same type and number of bytes.
Difference compare(int32_t type, llvm::ArrayRef<char> computed,
                   llvm::ArrayRef<char> expected, double relative,
                   double absolute);

/// How many elements are not in [least, most], NaN among them.
int64_t countOutside(int32_t type, llvm::ArrayRef<char> bytes, double least,
                     double most);

/// An element as text, for messages.
std::string elementText(int32_t type, llvm::ArrayRef<char> bytes,
                        int64_t index);

} // namespace burnish
