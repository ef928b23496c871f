// functions.cpp - how far compiled functions of one float are from libm's in
// f64, in units in the last place.
//
//   functions STRIDE NAME...  every STRIDE-th of the 2^32 floats, of the
//   functions that the network's outputs are; a line a function: its name, the
//   greatest error, where
#include <algorithm>
#include <burnish.h>
#include <cfloat>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "functions.h"

constexpr int64_t kCount = 4096;

static double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }
// At minus infinity, what they come near to.
static double gelu(double x) {
  return x == -INFINITY ? 0 : x / 2 * std::erfc(-x * std::sqrt(0.5));
}
static double geluOfTanh(double x) {
  double u = std::sqrt(8 / M_PI) * (x + 0.044715 * x * x * x);
  return x == -INFINITY ? 0 : x / (1 + std::exp(-u));
}
static double silu(double x) { return x / (1 + std::exp(-x)); }
static double softplus(double x) {
  return std::fmax(x, 0) + std::log1p(std::exp(-std::fabs(x)));
}
static double mish(double x) {
  double w = std::exp(x);
  return x == -INFINITY ? 0 : x > 50 ? x : x * w * (w + 2) / (w * (w + 2) + 2);
}
// Of factors as f32 has them.
static double elu(double x) { return x > 0 ? x : std::expm1(x); }
static double selu(double x) {
  return static_cast<double>(1.0507009873554805f) *
         (x > 0 ? x : static_cast<double>(1.6732632423543772f) * std::expm1(x));
}
static double power(double x) { return std::pow(x, static_cast<double>(1.7f)); }
static double powerOf(double x) {
  return std::pow(static_cast<double>(0.3f), x);
}

using Function = double (*)(double);
struct Exact {
  const char *name;
  Function exact;
  /// Any denormal number, zero and the least normal number are as good as each
  /// other.
  bool isFlushed;
};
static const Exact kExact[] = {
    {"exp", std::exp, false},     {"log", std::log, false},
    {"sin", std::sin, false},     {"cos", std::cos, false},
    {"tan", std::tan, false},     {"asin", std::asin, false},
    {"acos", std::acos, false},   {"atan", std::atan, false},
    {"sinh", std::sinh, false},   {"cosh", std::cosh, false},
    {"tanh", std::tanh, false},   {"asinh", std::asinh, false},
    {"acosh", std::acosh, false}, {"atanh", std::atanh, false},
    {"erf", std::erf, false},     {"sigmoid", sigmoid, true},
    {"gelu", gelu, false},        {"gelu_of_tanh", geluOfTanh, true},
    {"silu", silu, true},         {"softplus", softplus, false},
    {"mish", mish, false},        {"elu", elu, false},
    {"selu", selu, false},        {"celu", elu, false},
    {"power", power, false},      {"power_of", powerOf, false}};

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

static void sweep(uint64_t from, uint64_t to, uint64_t stride,
                  const std::vector<Exact> &exact, std::vector<Worst> &worst) {
  size_t count = exact.size();
  std::vector<float> in(kCount), out(count * kCount);
  int64_t dims[] = {kCount}, bytes = kCount * sizeof(float);
  std::vector<burnish_tensor> inputs(functions.input_count,
                                     {in.data(), dims, bytes}),
      outputs;
  for (size_t f = 0; f < count; ++f)
    outputs.push_back({out.data() + f * kCount, dims, bytes});
  void *workspace =
      std::aligned_alloc(64, (FUNCTIONS_WORKSPACE_BYTES + 63) / 64 * 64);
  for (uint64_t bits = from; bits < to;) {
    for (float &value : in) {
      uint32_t pattern = static_cast<uint32_t>(std::min(bits, to - 1));
      std::memcpy(&value, &pattern, sizeof value);
      bits += stride;
    }
    if (burnish_run(&functions, nullptr, inputs.data(), outputs.data(),
                    workspace) != BURNISH_OK)
      std::abort();
    for (size_t f = 0; f < count; ++f)
      for (int64_t i = 0; i < kCount; ++i) {
        double error = unitsApart(out[f * kCount + i], exact[f].exact(in[i]),
                                  exact[f].isFlushed);
        if (error > worst[f].error)
          worst[f] = {error, in[i], out[f * kCount + i]};
      }
  }
  std::free(workspace);
}

int main(int argumentCount, char **arguments) {
  uint64_t stride = std::strtoull(arguments[1], nullptr, 10), all = uint64_t(1)
                                                                    << 32;
  std::vector<Exact> exact;
  for (int i = 2; i < argumentCount; ++i)
    for (const Exact &known : kExact)
      if (std::string(arguments[i]) == known.name)
        exact.push_back(known);
  if (static_cast<int32_t>(exact.size()) != functions.output_count)
    return 1;
  std::vector<Worst> first(exact.size()), second(exact.size());
  std::thread half([&] { sweep(all / 2, all, stride, exact, second); });
  sweep(0, all / 2, stride, exact, first);
  half.join();
  for (size_t f = 0; f < exact.size(); ++f) {
    Worst worst = first[f].error >= second[f].error ? first[f] : second[f];
    std::printf("%s %.2f at %a (%a)\n", exact[f].name, worst.error, worst.at,
                worst.result);
  }
}
