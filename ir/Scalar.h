// Scalar.h - arithmetic on scalar values, written as in C.
#pragma once
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace burnish::nn {

/// A value of signed integer, index, float or boolean type under C's operators.
/// What is constant folds. Both operands have one type; a number beside a
/// scalar takes the scalar's. Comparisons with NaN are false.
class Scalar {
public:
  Scalar(mlir::ImplicitLocOpBuilder &builder, mlir::Value value)
      : builder(&builder), value(value) {}
  Scalar(mlir::ImplicitLocOpBuilder &builder, mlir::OpFoldResult index);

  operator mlir::Value() const { return value; }
  /// A number of this scalar's type.
  Scalar number(double other) const;

  /// As a float of type `type` (integers are signed), and back by truncation.
  Scalar toFloat(mlir::Type type) const;
  Scalar toIndex() const;
  /// An integer (or index) as the integer type or index `type`.
  Scalar toInteger(mlir::Type type) const;

  /// The constant, if it is one.
  std::optional<int64_t> constant() const;

  Scalar operator+(const Scalar &other) const;
  Scalar operator-(const Scalar &other) const;
  Scalar operator*(const Scalar &other) const;
  /// Of floats only: integers say how they round.
  Scalar operator/(const Scalar &other) const;
  Scalar operator-() const { return number(0) - *this; }
  Scalar operator==(const Scalar &other) const;
  Scalar operator!=(const Scalar &other) const;
  Scalar operator<(const Scalar &other) const;
  Scalar operator<=(const Scalar &other) const;
  Scalar operator>(const Scalar &other) const { return other < *this; }
  Scalar operator>=(const Scalar &other) const { return other <= *this; }
  /// Of booleans; both sides are computed.
  Scalar operator&(const Scalar &other) const;
  Scalar operator|(const Scalar &other) const;
  Scalar operator!() const;

  Scalar operator+(double other) const { return *this + number(other); }
  Scalar operator-(double other) const { return *this - number(other); }
  Scalar operator*(double other) const { return *this * number(other); }
  Scalar operator/(double other) const { return *this / number(other); }
  Scalar operator==(double other) const { return *this == number(other); }
  Scalar operator!=(double other) const { return *this != number(other); }
  Scalar operator<(double other) const { return *this < number(other); }
  Scalar operator<=(double other) const { return *this <= number(other); }
  Scalar operator>(double other) const { return *this > number(other); }
  Scalar operator>=(double other) const { return *this >= number(other); }

  mlir::ImplicitLocOpBuilder &getBuilder() const { return *builder; }

private:
  mlir::ImplicitLocOpBuilder *builder;
  mlir::Value value;
};

Scalar min(const Scalar &a, const Scalar &b);
Scalar max(const Scalar &a, const Scalar &b);
/// `a` held within [low, high]; `high` wins where they cross.
Scalar clamp(const Scalar &a, const Scalar &low, const Scalar &high);
/// Quotients of integers, rounded down and up, and the remainder that goes with
/// the first. The divisor is positive.
Scalar floorDiv(const Scalar &a, const Scalar &b);
Scalar ceilDiv(const Scalar &a, const Scalar &b);
Scalar mod(const Scalar &a, const Scalar &b);
Scalar select(const Scalar &condition, const Scalar &a, const Scalar &b);
Scalar floor(const Scalar &a);
Scalar ceil(const Scalar &a);
/// To the nearest whole number, ties to even.
Scalar roundEven(const Scalar &a);
Scalar abs(const Scalar &a);

} // namespace burnish::nn
