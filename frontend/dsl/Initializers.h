// Initializers.h - the first values of params: a function of their path and a
// seed, the same bits on every machine.
#pragma once
#include "llvm/ADT/ArrayRef.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <optional>
#include <string>

namespace burnish::dsl {

enum class Distribution { Constant, Uniform, Normal, Orthogonal, Identity };

/// A distribution with its numbers: constant a; uniform in [a, b); normal with
/// mean a and deviation b; orthogonal times a.
struct InitialValue {
  Distribution distribution = Distribution::Constant;
  double a = 0, b = 0;
  /// As it was written.
  std::string text;
};

/// The initialiser of a name for a tensor of dims; null when there is none of
/// that name. `error` is set when its arguments or the dims make no sense.
/// Fans follow the layout of weights: [out, in, taps...] from rank 3 on, and
/// [in, out] for matrices.
std::optional<InitialValue> initialValue(llvm::StringRef name,
                                         llvm::ArrayRef<double> arguments,
                                         llvm::ArrayRef<int64_t> dims,
                                         std::string &error);

/// The names of all initialisers.
llvm::ArrayRef<llvm::StringRef> initializerNames();

/// Fills `values`, a tensor of `dims`.
void fill(const InitialValue &initial, llvm::ArrayRef<int64_t> dims,
          llvm::StringRef path, uint64_t seed,
          llvm::MutableArrayRef<float> values);

} // namespace burnish::dsl
