// Winograd.cpp - the transforms of minimal filtering along an axis.
#include "passes/kernels/Winograd.h"
#include "mlir/Dialect/Arith/IR/Arith.h"

using namespace mlir;
using namespace burnish;

WinogradTransform::WinogradTransform(int64_t tile) : tile(tile) {
  pairs = tile == 2 ? SmallVector<double>{1.0}
                    : SmallVector<double>{5.0 / 8.0, 3.0 / 2.0};
}

/// The coefficients, lowest first, of the product of x - p^2 over the pairs but
/// `without`.
static SmallVector<double> squaresWithout(ArrayRef<double> pairs,
                                          size_t without) {
  SmallVector<double> product{1.0};
  for (size_t pair = 0; pair < pairs.size(); ++pair) {
    if (pair == without)
      continue;
    product.push_back(0.0);
    for (size_t power = product.size(); power-- > 0;)
      product[power] = (power > 0 ? product[power - 1] : 0.0) -
                       pairs[pair] * pairs[pair] * product[power];
  }
  return product;
}

static double valueAt(ArrayRef<double> polynomial, double x) {
  double value = 0;
  for (double coefficient : llvm::reverse(polynomial))
    value = value * x + coefficient;
  return value;
}

SmallVector<double> WinogradTransform::weightRow(int64_t point) const {
  if (point == 0)
    return {1.0 / valueAt(squaresWithout(pairs, pairs.size()), 0.0), 0.0, 0.0};
  if (point == points() - 1)
    return {0.0, 0.0, 1.0};
  size_t pair = (point - 1) / 2;
  double p = pairs[pair] * (point % 2 == 1 ? 1.0 : -1.0),
         scale =
             1.0 / (2.0 * p * p * valueAt(squaresWithout(pairs, pair), p * p));
  return {scale, p * scale, p * p * scale};
}

/// A sum of multiples; factors of 0, 1 and -1 cost nothing.
static Value weightedSum(ImplicitLocOpBuilder &b, ArrayRef<double> factors,
                         ArrayRef<Value> values) {
  Value sum;
  // What needs no multiplication first: the rest are multiply-adds.
  for (bool isUnit : {true, false})
    for (auto [factor, value] : llvm::zip_equal(factors, values)) {
      if (factor == 0.0 || (std::abs(factor) == 1.0) != isUnit)
        continue;
      if (sum && isUnit) {
        sum = factor > 0 ? Value(arith::AddFOp::create(b, sum, value))
                         : Value(arith::SubFOp::create(b, sum, value));
        continue;
      }
      Value term = value;
      if (factor != 1.0) {
        auto type = cast<VectorType>(value.getType());
        Value splat = arith::ConstantOp::create(
            b, DenseElementsAttr::get(
                   type, b.getFloatAttr(type.getElementType(), factor)));
        term = arith::MulFOp::create(b, value, splat);
      }
      sum = sum ? Value(arith::AddFOp::create(b, sum, term)) : term;
    }
  return sum;
}

SmallVector<Value> WinogradTransform::input(ImplicitLocOpBuilder &b,
                                            ArrayRef<Value> line) const {
  // Every second element from `first` on.
  auto half = [&](size_t first, size_t count) {
    SmallVector<Value> values;
    for (size_t index = 0; index < count; ++index)
      values.push_back(line[first + 2 * index]);
    return values;
  };
  SmallVector<double> all = squaresWithout(pairs, pairs.size());
  SmallVector<Value> result{weightedSum(b, all, half(0, all.size()))};
  for (size_t pair = 0; pair < pairs.size(); ++pair) {
    SmallVector<double> others = squaresWithout(pairs, pair), odd = others;
    for (double &factor : odd)
      factor *= pairs[pair];
    Value even = weightedSum(b, others, half(2, others.size())),
          uneven = weightedSum(b, odd, half(1, odd.size()));
    result.push_back(arith::AddFOp::create(b, even, uneven));
    result.push_back(arith::SubFOp::create(b, even, uneven));
  }
  result.push_back(weightedSum(b, all, half(1, all.size())));
  return result;
}

SmallVector<Value> WinogradTransform::gradient(ImplicitLocOpBuilder &b,
                                               ArrayRef<Value> line) const {
  SmallVector<Value> result{line.front()};
  for (double p : pairs) {
    // Powers of p for the elements from `first` on, every second.
    auto half = [&](int64_t first) {
      SmallVector<double> factors;
      SmallVector<Value> values;
      for (int64_t power = first; power < tile; power += 2) {
        factors.push_back(std::pow(p, power));
        values.push_back(line[power]);
      }
      return weightedSum(b, factors, values);
    };
    Value even = half(0), uneven = half(1);
    result.push_back(arith::AddFOp::create(b, even, uneven));
    result.push_back(arith::SubFOp::create(b, even, uneven));
  }
  result.push_back(line.back());
  return result;
}

SmallVector<Value> WinogradTransform::output(ImplicitLocOpBuilder &b,
                                             ArrayRef<Value> line) const {
  SmallVector<Value> sums, differences;
  for (size_t pair = 0; pair < pairs.size(); ++pair) {
    Value plus = line[1 + 2 * pair], minus = line[2 + 2 * pair];
    sums.push_back(arith::AddFOp::create(b, plus, minus));
    differences.push_back(arith::SubFOp::create(b, plus, minus));
  }
  SmallVector<Value> result;
  for (int64_t power = 0; power < tile; ++power) {
    SmallVector<double> factors;
    for (double p : pairs)
      factors.push_back(std::pow(p, power));
    SmallVector<Value> values = power % 2 == 0 ? sums : differences;
    for (auto [at, more] :
         {std::pair<int64_t, Value>{0, line.front()}, {tile - 1, line.back()}})
      if (power == at) {
        factors.push_back(1.0);
        values.push_back(more);
      }
    result.push_back(weightedSum(b, factors, values));
  }
  return result;
}

SmallVector<Value> burnish::alongBoth(
    ArrayRef<Value> square, int64_t size,
    llvm::function_ref<SmallVector<Value>(ArrayRef<Value>)> transform) {
  SmallVector<SmallVector<Value>> columns;
  for (int64_t column = 0; column < size; ++column) {
    SmallVector<Value> line;
    for (int64_t row = 0; row < size; ++row)
      line.push_back(square[row * size + column]);
    columns.push_back(transform(line));
  }
  SmallVector<Value> result;
  for (size_t row = 0; row < columns[0].size(); ++row) {
    SmallVector<Value> line;
    for (const SmallVector<Value> &column : columns)
      line.push_back(column[row]);
    llvm::append_range(result, transform(line));
  }
  return result;
}
