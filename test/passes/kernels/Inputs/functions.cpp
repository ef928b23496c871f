// functions.cpp - how far compiled functions of one float are from libm's in
// f64, in units in the last place.
//
//   functions STRIDE NAME...  every STRIDE-th of the 2^32 floats, of the
//   functions that the network's outputs are; a line a function: its name, the
//   greatest error, where
#include "function_errors.h"
#include <thread>

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

static const Exact<double> kExact[] = {
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

/// Every `stride`-th of the patterns of bits from `from` to `to`.
static void sweep(uint64_t from, uint64_t to, uint64_t stride,
                  const std::vector<Exact<double>> &exact,
                  std::vector<Worst<float>> &worst) {
  uint64_t bits = from;
  compare(exact, worst, [&](std::vector<float> &in) {
    if (bits >= to)
      return false;
    for (float &value : in) {
      uint32_t pattern = static_cast<uint32_t>(std::min(bits, to - 1));
      std::memcpy(&value, &pattern, sizeof value);
      bits += stride;
    }
    return true;
  });
}

int main(int argumentCount, char **arguments) {
  uint64_t stride = std::strtoull(arguments[1], nullptr, 10), all = uint64_t(1)
                                                                    << 32;
  std::vector<Exact<double>> exact =
      chosen(kExact, arguments + 2, arguments + argumentCount);
  std::vector<Worst<float>> first(exact.size()), second(exact.size());
  std::thread half([&] { sweep(all / 2, all, stride, exact, second); });
  sweep(0, all / 2, stride, exact, first);
  half.join();
  for (size_t f = 0; f < exact.size(); ++f)
    print(exact[f].name,
          first[f].error >= second[f].error ? first[f] : second[f]);
}
