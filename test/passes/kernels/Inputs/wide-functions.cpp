// wide-functions.cpp - how far compiled functions of one f64 are from libm's in
// long double, in units in the last place.
//
//   wide-functions NAME...  a line a function of those that the network's
//   outputs are: its name, the greatest error, where
#include "function_errors.h"

using Wide = long double;
static const Exact<Wide> kExact[] = {
    {"exp", [](Wide x) { return std::exp(x); }},
    {"expm1", [](Wide x) { return std::expm1(x); }},
    {"log", [](Wide x) { return std::log(x); }},
    {"softplus",
     [](Wide x) {
       return std::fmax(x, Wide(0)) + std::log1p(std::exp(-std::fabs(x)));
     }},
    {"tanh", [](Wide x) { return std::tanh(x); }},
    {"erf", [](Wide x) { return std::erf(x); }}};

int main(int argumentCount, char **arguments) {
  std::vector<Exact<Wide>> exact =
      chosen(kExact, arguments + 1, arguments + argumentCount);
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
  std::vector<Worst<double>> worst(exact.size());
  size_t start = 0;
  compare(exact, worst, [&](std::vector<double> &in) {
    if (start >= all.size())
      return false;
    for (double &value : in)
      value = all[std::min(start++, all.size() - 1)];
    return true;
  });
  for (size_t f = 0; f < exact.size(); ++f)
    print(exact[f].name, worst[f]);
}
