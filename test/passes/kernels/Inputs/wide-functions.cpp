// wide-functions.cpp - how far compiled functions of one f64 are from libm's in
// long double, in units in the last place.
//
//   functions NAME...  a line a function of those that the network's outputs
//   are: its name, the greatest error, where
#include <algorithm>
#include <burnish.h>
#include <cfloat>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "functions.h"

constexpr int64_t kCount = 4096;

using Wide = long double;
struct Exact {
  const char *name;
  Wide (*exact)(Wide);
};
static const Exact kExact[] = {{"exp", [](Wide x) { return std::exp(x); }},
                               {"expm1", [](Wide x) { return std::expm1(x); }},
                               {"log", [](Wide x) { return std::log(x); }},
                               {"softplus",
                                [](Wide x) {
                                  return std::fmax(x, Wide(0)) +
                                         std::log1p(std::exp(-std::fabs(x)));
                                }},
                               {"tanh", [](Wide x) { return std::tanh(x); }},
                               {"erf", [](Wide x) { return std::erf(x); }}};

struct Worst {
  double error = 0, at = 0, result = 0;
};

/// The distance of a result from the exact value, in units in the last place of
/// the f64 next to that.
static double unitsApart(double result, Wide exact) {
  if (std::isnan(exact) || std::isnan(result))
    return std::isnan(exact) && std::isnan(result) ? 0 : INFINITY;
  double rounded = static_cast<double>(exact);
  if (rounded == result)
    return 0;
  if (std::isinf(rounded) || std::isinf(result))
    return std::fabs(result) >= DBL_MAX && std::fabs(rounded) >= DBL_MAX &&
                   std::signbit(result) == std::signbit(rounded)
               ? 1
               : INFINITY;
  int exponent;
  std::frexp(exact, &exponent);
  return static_cast<double>(
      std::fabs(result - exact) /
      std::ldexp(Wide(1), std::max(exponent - 53, -1074)));
}

static void compare(const std::vector<double> &all,
                    const std::vector<Exact> &exact,
                    std::vector<Worst> &worst) {
  size_t count = exact.size();
  std::vector<double> in(kCount), out(count * kCount);
  int64_t dims[] = {kCount}, bytes = kCount * sizeof(double);
  std::vector<burnish_tensor> inputs(functions.input_count,
                                     {in.data(), dims, bytes}),
      outputs;
  for (size_t f = 0; f < count; ++f)
    outputs.push_back({out.data() + f * kCount, dims, bytes});
  void *workspace =
      std::aligned_alloc(64, (FUNCTIONS_WORKSPACE_BYTES + 63) / 64 * 64);
  for (size_t start = 0; start < all.size(); start += kCount) {
    for (int64_t i = 0; i < kCount; ++i)
      in[i] = all[std::min(start + i, all.size() - 1)];
    if (burnish_run(&functions, nullptr, inputs.data(), outputs.data(),
                    workspace) != BURNISH_OK)
      std::abort();
    for (size_t f = 0; f < count; ++f)
      for (int64_t i = 0; i < kCount; ++i) {
        double result = out[f * kCount + i],
               error = unitsApart(result, exact[f].exact(in[i]));
        if (error > worst[f].error)
          worst[f] = {error, in[i], result};
      }
  }
  std::free(workspace);
}

int main(int argumentCount, char **arguments) {
  std::vector<Exact> exact;
  for (int i = 1; i < argumentCount; ++i)
    for (const Exact &known : kExact)
      if (std::string(arguments[i]) == known.name)
        exact.push_back(known);
  if (static_cast<int32_t>(exact.size()) != functions.output_count)
    return 1;
  std::vector<double> all = {0.0, -0.0, INFINITY, -INFINITY, NAN, 1.0, -1.0};
  // Every pattern of a stride that is odd, so of all exponents, and lines
  // through where results are neither constant nor the argument.
  for (uint64_t pattern = 0, i = 0; i < 200000; ++i) {
    double value;
    std::memcpy(&value, &pattern, sizeof value);
    all.push_back(value);
    pattern += 92233720368547759u;
  }
  for (double most : {1.5, 8.0, 800.0})
    for (int64_t i = -100000; i <= 100000; ++i)
      all.push_back(most / 100003 * static_cast<double>(i));
  std::vector<Worst> worst(exact.size());
  compare(all, exact, worst);
  for (size_t f = 0; f < exact.size(); ++f)
    std::printf("%s %.2f at %a (%a)\n", exact[f].name, worst[f].error,
                worst[f].at, worst[f].result);
}
