// Initializers.cpp - the first values of params.
//
// Nothing here calls libm, whose functions differ in their last bits from one
// machine to the next, and no product and sum are fused: +, -, *, / and sqrt
// round alike everywhere.
#include "frontend/dsl/Initializers.h"
#include "llvm/ADT/SmallVector.h"
#include "llvm/Support/xxhash.h"
#include <bit>
#include <cmath>
#include <numeric>
#include <vector>

#pragma STDC FP_CONTRACT OFF

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

//===- Numbers ------------------------------------------------------------===//

namespace {
/// Numbers that are a function of a key and a place (splitmix64).
class Generator {
public:
  Generator(StringRef path, uint64_t seed)
      : key(llvm::xxh3_64bits(path) ^ (seed * 0x9E3779B97F4A7C15u)) {}

  uint64_t bits(uint64_t place) const {
    uint64_t z = key + (place + 1) * 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
  }
  /// In (0, 1).
  double unit(uint64_t place) const {
    return (static_cast<double>(bits(place) >> 12) + 0.5) * 0x1p-52;
  }

private:
  uint64_t key;
};
} // namespace

/// The natural logarithm of a number in (0, 1), to 1e-13: log(m) + e log(2)
/// with m near 1, by the series of artanh.
static double logarithm(double x) {
  uint64_t bits = std::bit_cast<uint64_t>(x);
  int64_t exponent = static_cast<int64_t>(bits >> 52) - 1023;
  double m =
      std::bit_cast<double>((bits & 0xFFFFFFFFFFFFFu) | 0x3FF0000000000000u);
  if (m > 1.4142135623730951) {
    m *= 0.5;
    ++exponent;
  }
  double t = (m - 1) / (m + 1), square = t * t, sum = 0;
  for (int n = 19; n >= 1; n -= 2)
    sum = sum * square + 1.0 / n;
  return 2 * t * sum + exponent * 0.6931471805599453;
}

/// The number below which a standard normal one lies with probability `p`
/// (Wichura's algorithm AS 241, PPND7: seven digits, as many as floats have).
static double normalQuantile(double p) {
  double q = p - 0.5;
  if (q >= -0.425 && q <= 0.425) {
    double r = 0.180625 - q * q;
    return q *
           (((59.109374720 * r + 159.29113202) * r + 50.434271938) * r +
            3.3871327179) /
           (((67.187563600 * r + 78.757757664) * r + 17.895169469) * r + 1);
  }
  double r = std::sqrt(-logarithm(q < 0 ? p : 1 - p)), value;
  if (r <= 5) {
    r -= 1.6;
    value = (((0.17023821103 * r + 1.3067284816) * r + 2.7568153900) * r +
             1.4234372777) /
            ((0.12021132975 * r + 0.73700164250) * r + 1);
  } else {
    r -= 5;
    value = (((0.017337203997 * r + 0.42868294337) * r + 3.0812263860) * r +
             6.6579051150) /
            ((0.012258202635 * r + 0.24197894225) * r + 1);
  }
  return q < 0 ? -value : value;
}

/// Makes the rows of a matrix orthogonal and of length `gain`, one after the
/// other, twice for those that are nearly dependent. With fewer columns than
/// rows, the columns.
static void orthogonalize(MutableArrayRef<float> values, int64_t rows,
                          int64_t columns, double gain,
                          const Generator &numbers) {
  bool isTall = rows > columns;
  int64_t count = isTall ? columns : rows, length = isTall ? rows : columns;
  std::vector<double> all(count * length);
  for (size_t i = 0; i < all.size(); ++i)
    all[i] = normalQuantile(numbers.unit(i));
  auto row = [&](int64_t index) { return all.data() + index * length; };
  for (int64_t i = 0; i < count; ++i) {
    double *mine = row(i);
    for (int pass = 0; pass < 2; ++pass)
      for (int64_t j = 0; j < i; ++j) {
        const double *other = row(j);
        double dot = 0;
        for (int64_t k = 0; k < length; ++k)
          dot += mine[k] * other[k];
        for (int64_t k = 0; k < length; ++k)
          mine[k] -= dot * other[k];
      }
    double square = 0;
    for (int64_t k = 0; k < length; ++k)
      square += mine[k] * mine[k];
    double scale = square > 0 ? 1 / std::sqrt(square) : 0;
    for (int64_t k = 0; k < length; ++k)
      mine[k] *= scale;
  }
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j)
      values[i * columns + j] =
          static_cast<float>(gain * (isTall ? row(j)[i] : row(i)[j]));
}

void dsl::fill(const InitialValue &initial, ArrayRef<int64_t> dims,
               StringRef path, uint64_t seed, MutableArrayRef<float> values) {
  Generator numbers(path, seed);
  switch (initial.distribution) {
  case Distribution::Constant:
    std::fill(values.begin(), values.end(), static_cast<float>(initial.a));
    return;
  case Distribution::Uniform:
    for (size_t i = 0; i < values.size(); ++i)
      values[i] = static_cast<float>(initial.a +
                                     (initial.b - initial.a) * numbers.unit(i));
    return;
  case Distribution::Normal:
    for (size_t i = 0; i < values.size(); ++i)
      values[i] = static_cast<float>(
          initial.a + initial.b * normalQuantile(numbers.unit(i)));
    return;
  case Distribution::Orthogonal: {
    int64_t columns = std::accumulate(dims.begin() + 1, dims.end(), int64_t(1),
                                      std::multiplies<>());
    if (!values.empty())
      orthogonalize(values, dims[0], columns, initial.a, numbers);
    return;
  }
  case Distribution::Identity:
    for (size_t i = 0; i < values.size(); ++i)
      values[i] = static_cast<int64_t>(i) % (dims[1] + 1) == 0;
    return;
  }
}
