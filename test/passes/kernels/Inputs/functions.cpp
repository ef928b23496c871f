// functions.cpp - how far compiled functions of one float are from libm's in
// f64, in units in the last place.
//
//   functions STRIDE    every STRIDE-th of the 2^32 floats; a line a function:
//   its name, the greatest error, where
#include <algorithm>
#include <burnish.h>
#include <cfloat>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

#include "functions.h"

constexpr int64_t kCount = 4096;
constexpr int kFunctions = 9;

static double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
// At minus infinity, what they come near to.
static double gelu(double x) {
  return x == -INFINITY ? 0 : x / 2 * std::erfc(-x * std::sqrt(0.5));
}
static double geluOfTanh(double x) {
  double u = std::sqrt(8 / M_PI) * (x + 0.044715 * x * x * x);
  return x == -INFINITY ? 0 : x / (1 + std::exp(-u));
}
using Function = double (*)(double);
static const struct {
  const char *name;
  Function exact;
  /// Any denormal number, zero and the least normal number are as good as each
  /// other.
  bool isFlushed;
} kExact[kFunctions] = {
    {"exp", std::exp, false},          {"log", std::log, false},
    {"sin", std::sin, false},          {"cos", std::cos, false},
    {"tanh", std::tanh, false},        {"erf", std::erf, false},
    {"sigmoid", sigmoid, true},        {"gelu", gelu, false},
    {"gelu_of_tanh", geluOfTanh, true}};

struct Worst {
  double error = 0;
  float at = 0, result = 0;
};

/// The distance of a result from the exact value, in units in the last place of
/// the f32 next to that.
static double unitsApart(float result, double exact, bool isFlushed) {
  if (std::isnan(exact) || std::isnan(result))
    return std::isnan(exact) && std::isnan(result) ? 0 : INFINITY;
  if (isFlushed && std::fabs(exact) <= FLT_MIN && std::fabs(result) <= FLT_MIN)
    return 0;
  float rounded = static_cast<float>(exact);
  if (rounded == result)
    return 0;
  if (std::isinf(rounded) || std::isinf(result)) {
    // Rounding up to infinity from the last float is an error of one unit.
    bool isNext = std::fabs(result) >= FLT_MAX &&
                  std::fabs(rounded) >= FLT_MAX &&
                  std::signbit(result) == std::signbit(rounded);
    return isNext ? 1 : INFINITY;
  }
  int exponent;
  std::frexp(exact, &exponent);
  return std::fabs(result - exact) /
         std::ldexp(1.0, std::max(exponent - 24, -149));
}

static void sweep(uint64_t from, uint64_t to, uint64_t stride, Worst *worst) {
  std::vector<float> in(kCount), out(kFunctions * kCount);
  void *workspace =
      std::aligned_alloc(64, (FUNCTIONS_WORKSPACE_BYTES + 63) / 64 * 64);
  float *o = out.data();
  for (uint64_t bits = from; bits < to;) {
    for (float &value : in) {
      uint32_t pattern = static_cast<uint32_t>(std::min(bits, to - 1));
      std::memcpy(&value, &pattern, sizeof value);
      bits += stride;
    }
    if (functions_run(nullptr, in.data(), o, o + kCount, o + 2 * kCount,
                      o + 3 * kCount, o + 4 * kCount, o + 5 * kCount,
                      o + 6 * kCount, o + 7 * kCount, o + 8 * kCount,
                      workspace) != 0)
      std::abort();
    for (int f = 0; f < kFunctions; ++f)
      for (int64_t i = 0; i < kCount; ++i) {
        double error = unitsApart(out[f * kCount + i], kExact[f].exact(in[i]),
                                  kExact[f].isFlushed);
        if (error > worst[f].error)
          worst[f] = {error, in[i], out[f * kCount + i]};
      }
  }
  std::free(workspace);
}

int main(int, char **arguments) {
  uint64_t stride = std::strtoull(arguments[1], nullptr, 10), all = uint64_t(1)
                                                                    << 32;
  Worst first[kFunctions], second[kFunctions];
  std::thread half([&] { sweep(all / 2, all, stride, second); });
  sweep(0, all / 2, stride, first);
  half.join();
  for (int f = 0; f < kFunctions; ++f) {
    Worst worst = first[f].error >= second[f].error ? first[f] : second[f];
    std::printf("%s %.2f at %a (%a)\n", kExact[f].name, worst.error, worst.at,
                worst.result);
  }
}
