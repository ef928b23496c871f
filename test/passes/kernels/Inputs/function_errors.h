// function_errors.h - how far what a compiled network computes of single floats
// is from the exact values, in units in the last place.
#pragma once
#include <algorithm>
#include <burnish.h>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <string>
#include <vector>

#include "functions.h"

/// Elements of each input and output of the network.
constexpr int64_t kCount = 4096;

/// A function in a type that is wider than what the network computes in.
template <typename Wide> struct Exact {
  const char *name;
  Wide (*exact)(Wide);
  /// Any denormal number, zero and the least normal number are as good as each
  /// other.
  bool isFlushed = false;
};

template <typename Float> struct Worst {
  double error = 0;
  Float at = 0, result = 0;
};

/// The distance of a result from the exact value, in units in the last place of
/// the float next to that.
template <typename Float, typename Wide>
double unitsApart(Float result, Wide exact, bool isFlushed) {
  using Limits = std::numeric_limits<Float>;
  if (std::isnan(exact) || std::isnan(result))
    return std::isnan(exact) && std::isnan(result) ? 0 : INFINITY;
  if (isFlushed && std::fabs(exact) <= Limits::min() &&
      std::fabs(result) <= Limits::min())
    return 0;
  Float rounded = static_cast<Float>(exact);
  if (rounded == result)
    return 0;
  if (std::isinf(rounded) || std::isinf(result)) {
    // Rounding up to infinity from the last float is an error of one unit.
    bool isNext = std::fabs(result) >= Limits::max() &&
                  std::fabs(rounded) >= Limits::max() &&
                  std::signbit(result) == std::signbit(rounded);
    return isNext ? 1 : INFINITY;
  }
  int exponent;
  std::frexp(exact, &exponent);
  int unit = std::max(exponent, Limits::min_exponent) - Limits::digits;
  return static_cast<double>(std::fabs(result - exact) /
                             std::ldexp(Wide(1), unit));
}

/// The functions of the given names, one for each output of the network; exits
/// where the network has another number.
template <typename Wide, size_t count>
std::vector<Exact<Wide>> chosen(const Exact<Wide> (&known)[count], char **names,
                                char **end) {
  std::vector<Exact<Wide>> all;
  for (; names != end; ++names)
    for (const Exact<Wide> &each : known)
      if (std::string(*names) == each.name)
        all.push_back(each);
  if (static_cast<int32_t>(all.size()) != functions.output_count)
    std::exit(1);
  return all;
}

/// Runs the network on what `fill` puts into a block of inputs, as long as it
/// gives true, and keeps the greatest error of each function.
template <typename Float, typename Wide, typename Fill>
void compare(const std::vector<Exact<Wide>> &exact,
             std::vector<Worst<Float>> &worst, Fill fill) {
  size_t count = exact.size();
  std::vector<Float> in(kCount), out(count * kCount);
  int64_t dims[] = {kCount}, bytes = kCount * sizeof(Float);
  std::vector<burnish_tensor> inputs(functions.input_count,
                                     {in.data(), dims, bytes}),
      outputs;
  for (size_t f = 0; f < count; ++f)
    outputs.push_back({out.data() + f * kCount, dims, bytes});
  void *workspace =
      std::aligned_alloc(64, (FUNCTIONS_WORKSPACE_BYTES + 63) / 64 * 64);
  while (fill(in)) {
    if (burnish_run(&functions, nullptr, inputs.data(), outputs.data(),
                    workspace) != BURNISH_OK)
      std::abort();
    for (size_t f = 0; f < count; ++f)
      for (int64_t i = 0; i < kCount; ++i) {
        Float result = out[f * kCount + i];
        double error = unitsApart<Float, Wide>(result, exact[f].exact(in[i]),
                                               exact[f].isFlushed);
        if (error > worst[f].error)
          worst[f] = {error, in[i], result};
      }
  }
  std::free(workspace);
}

template <typename Float>
void print(const char *name, const Worst<Float> &worst) {
  std::printf("%s %.2f at %a (%a)\n", name, worst.error,
              static_cast<double>(worst.at), static_cast<double>(worst.result));
}
