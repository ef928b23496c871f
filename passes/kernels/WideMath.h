// WideMath.h - functions of vectors of f64 as polynomials.
#pragma once
#include "passes/kernels/VectorMath.h"

namespace burnish {

/// Functions of vectors of f64.
struct WideMath : VectorArithmetic {
  using VectorArithmetic::VectorArithmetic;

  /// e^x = 2^n e^r with |r| <= ln(2)/2.
  mlir::Value exp(mlir::Value x);
  /// e^x - 1 = 2^n (e^r - 1) + (2^n - 1), in which nothing cancels.
  mlir::Value expm1(mlir::Value x);
  /// ln(2^k m) = k ln(2) + ln(1 + f) with 1 + f in [sqrt(1/2), sqrt(2)].
  mlir::Value log(mlir::Value x);
  mlir::Value log1p(mlir::Value x);
  /// E / (E + 2) with E = e^(2 |x|) - 1.
  mlir::Value tanh(mlir::Value x);
  /// Near 0 a polynomial, else 1 - e^p(|x|).
  mlir::Value erf(mlir::Value x);

private:
  /// x as n ln(2) + r: r, and n in the low bits of the other.
  std::pair<mlir::Value, mlir::Value> reduced(mlir::Value x);
  /// e^r - 1.
  mlir::Value powerTail(mlir::Value r);
  /// 2^n of such low bits, of n in range.
  mlir::Value oneFactor(mlir::Value shifted);
  /// The k of a positive number, as an integer.
  mlir::Value binaryLog(mlir::Value x);
  /// k ln(2) + ln(1 + f) of an integer k.
  mlir::Value sumOfLog(mlir::Value k, mlir::Value f);
};

} // namespace burnish
