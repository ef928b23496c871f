// Initializers.cpp - the names of first values of params; the values themselves
// are the runtime's, so that a training begins with the same ones.
#include "frontend/dsl/Initializers.h"
#include "runtime/train/Initial.h"
#include <cmath>

using namespace burnish;
using namespace burnish::dsl;
using llvm::ArrayRef, llvm::MutableArrayRef, llvm::StringRef;

//===- Names --------------------------------------------------------------===//

static constexpr StringRef kNames[] = {
    "zeros",      "ones",       "constant",      "uniform",
    "normal",     "glorot",     "glorot_normal", "glorot_uniform",
    "he_normal",  "he_uniform", "lecun_normal",  "lecun_uniform",
    "orthogonal", "identity"};

ArrayRef<StringRef> dsl::initializerNames() { return kNames; }

namespace {
struct Fans {
  double in = 1, out = 1;
};
} // namespace

static Fans fansOf(ArrayRef<int64_t> dims) {
  double taps = 1;
  if (dims.size() <= 1)
    return {dims.empty() ? 1.0 : dims[0], dims.empty() ? 1.0 : dims[0]};
  if (dims.size() == 2)
    return {static_cast<double>(dims[0]), static_cast<double>(dims[1])};
  for (int64_t dim : dims.drop_front(2))
    taps *= dim;
  return {dims[1] * taps, dims[0] * taps};
}

std::optional<InitialValue> dsl::initialValue(StringRef name,
                                              ArrayRef<double> arguments,
                                              ArrayRef<int64_t> dims,
                                              std::string &error) {
  if (!llvm::is_contained(kNames, name))
    return std::nullopt;
  auto wrong = [&](const llvm::Twine &reason) -> std::optional<InitialValue> {
    error = ("'" + name + "' " + reason).str();
    return std::nullopt;
  };
  auto argument = [&](size_t index, double otherwise) {
    return index < arguments.size() ? arguments[index] : otherwise;
  };
  InitialValue value;
  auto uniform = [&](double bound) {
    value.distribution = Distribution::Uniform;
    value.a = -bound;
    value.b = bound;
    return value;
  };
  auto normal = [&](double mean, double deviation) {
    value.distribution = Distribution::Normal;
    value.a = mean;
    value.b = deviation;
    return value;
  };
  size_t most = name == "uniform" || name == "normal"                     ? 2
                : name == "zeros" || name == "ones" || name == "identity" ? 0
                                                                          : 1;
  if (arguments.size() > most)
    return wrong("takes at most " + llvm::Twine(most) +
                 " numbers, and these "
                 "are " +
                 llvm::Twine(arguments.size()));
  Fans fans = fansOf(dims);
  double gain = argument(0, 1);
  // A dim of 0 has no weights, and no fan.
  double in = std::max(fans.in, 1.0), both = std::max(fans.in + fans.out, 1.0);
  if (name == "zeros" || name == "ones" || name == "constant") {
    if (name == "constant" && arguments.empty())
      return wrong("needs a number");
    value.a = name == "constant" ? arguments[0] : name == "ones";
    return value;
  }
  if (name == "uniform") {
    double low = arguments.size() == 2 ? arguments[0] : -argument(0, 0.05),
           high = arguments.size() == 2 ? arguments[1] : argument(0, 0.05);
    if (!(low <= high))
      return wrong("goes from its lesser number to its greater");
    uniform(0);
    value.a = low;
    value.b = high;
    return value;
  }
  if (name == "normal")
    return arguments.size() == 2 ? normal(arguments[0], arguments[1])
                                 : normal(0, argument(0, 0.02));
  if (name == "glorot" || name == "glorot_uniform")
    return uniform(gain * std::sqrt(6 / both));
  if (name == "glorot_normal")
    return normal(0, gain * std::sqrt(2 / both));
  if (name == "he_normal")
    return normal(0, gain * std::sqrt(2 / in));
  if (name == "he_uniform")
    return uniform(gain * std::sqrt(6 / in));
  if (name == "lecun_normal")
    return normal(0, gain * std::sqrt(1 / in));
  if (name == "lecun_uniform")
    return uniform(gain * std::sqrt(3 / in));
  if (dims.size() < 2)
    return wrong("is for tensors of two dims or more");
  if (name == "identity" && (dims.size() != 2 || dims[0] != dims[1]))
    return wrong("is for square matrices");
  value.distribution =
      name == "identity" ? Distribution::Identity : Distribution::Orthogonal;
  value.a = gain;
  return value;
}

void dsl::fill(const InitialValue &initial, ArrayRef<int64_t> dims,
               StringRef path, uint64_t seed, MutableArrayRef<float> values) {
  fillInitial(
      {static_cast<int32_t>(initial.distribution), initial.a, initial.b},
      dims.empty() ? 1 : dims[0], values.size(), path.data(), path.size(), seed,
      values.data());
}
