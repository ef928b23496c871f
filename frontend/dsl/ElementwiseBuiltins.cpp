// ElementwiseBuiltins.cpp - functions of each element.
#include "frontend/dsl/Builtins.h"
#include "ir/Ops.h"
#include "ir/Types.h"
#include <cmath>

using namespace mlir;
using namespace burnish;
using namespace burnish::dsl;

/// A function of one operand that numbers have as well.
template <typename Op, double (*kOfNumber)(double)>
static Term function(Invocation &i) {
  if (i.term(0).isNumber()) {
    const Term &value = i.term(0);
    bool isKnown = value.kind == Term::Real || nn::known(value.whole);
    if (isKnown)
      return Term::ofReal(kOfNumber(i.real(0, 0)), i.call.span);
  }
  return i.result(i.e.builder.make<Op>(i.tensor(0)));
}

/// The same of tensors only.
template <typename Op> static Term function(Invocation &i) {
  return i.result(i.e.builder.make<Op>(i.tensor(0)));
}

static double absolute(double x) { return std::fabs(x); }

/// floor, ceil and round of a number are whole.
template <typename Op, double (*kOfNumber)(double)>
static Term rounding(Invocation &i) {
  const Term &value = i.term(0);
  if (value.kind == Term::Whole)
    return value;
  if (value.kind != Term::Real)
    return i.result(i.e.builder.make<Op>(i.tensor(0)));
  double rounded = kOfNumber(value.real);
  if (!(std::fabs(rounded) < 1e15))
    return i.error("this is too great a number");
  return Term::ofWhole(i.e.shapes.constant(static_cast<int64_t>(rounded)),
                       i.call.span);
}

static Term gelu(Invocation &i) {
  std::string kind = i.text(1, "none");
  if (kind != "none" && kind != "tanh")
    return i.error("'approximate' of 'gelu' is \"none\" or \"tanh\", and this "
                   "is \"" +
                   kind + "\"");
  return i.result(i.e.builder.make<nn::GeluOp>(i.tensor(0), kind));
}

/// Two operands of one element type; a number takes that of the other.
static std::optional<std::pair<Value, Value>> pairOf(Invocation &i, unsigned a,
                                                     unsigned b) {
  auto typeOf = [&](unsigned index) {
    const Term &term = i.term(index);
    return term.kind == Term::Tensor
               ? getElementTypeOrSelf(term.tensor.getType())
               : Type();
  };
  Type like = typeOf(a) ? typeOf(a) : typeOf(b);
  Value left = i.tensor(a, like), right = i.tensor(b, like);
  if (!i.isFine)
    return std::nullopt;
  Term x = i.term(a), y = i.term(b);
  x.kind = y.kind = Term::Tensor;
  x.tensor = left;
  y.tensor = right;
  if (left.getType() != right.getType() &&
      getElementTypeOrSelf(left.getType()) !=
          getElementTypeOrSelf(right.getType())) {
    i.error(i.name + " of " + i.e.describe(left) + " and " +
            i.e.describe(right) + ": the element types differ");
    return std::nullopt;
  }
  if (!i.e.checkBroadcast(x, y, i.call.span, "and"))
    return std::nullopt;
  return std::pair(left, right);
}

static Term power(Invocation &i) {
  return i.e.arithmetic(Operator::Power, i.term(0), i.term(1), i.call.span);
}

static Term where(Invocation &i) {
  Value condition = i.tensor(0);
  auto both = pairOf(i, 1, 2);
  if (!both)
    return {};
  if (!getElementTypeOrSelf(condition.getType()).isInteger(1))
    return i.error("the condition of 'where' is bool[...], and this is " +
                   i.e.describe(condition));
  Term left = Term::ofTensor(condition, i.term(0).from);
  for (Value side : {both->first, both->second})
    if (!i.e.checkBroadcast(left, Term::ofTensor(side, i.call.span),
                            i.call.span, "and"))
      return {};
  return i.result(
      i.e.builder.make<nn::WhereOp>(condition, both->first, both->second));
}

static Term clip(Invocation &i) {
  Value x = i.tensor(0);
  Type type = getElementTypeOrSelf(x.getType());
  Value low = i.has(1) ? i.tensor(1, type) : Value(),
        high = i.has(2) ? i.tensor(2, type) : Value();
  if (!i.isFine)
    return {};
  return i.result(i.e.builder.make<nn::ClipOp>(x, low, high));
}

static Term cast(Invocation &i) {
  if (i.term(1).kind != Term::ElementType)
    return i.error("'cast' takes an element type, as f32, and this is " +
                   i.e.describe(i.term(1)));
  return i.result(i.e.builder.make<nn::CastOp>(
      i.tensor(0), nn::onnxType(i.term(1).elementType), 1, "up"));
}

static Term prelu(Invocation &i) {
  Value x = i.tensor(0);
  return i.result(i.e.builder.make<nn::PReluOp>(
      x, i.tensor(1, getElementTypeOrSelf(x.getType()))));
}

// In use nothing is dropped. In training the rest is as much greater as keeps
// the mean (Srivastava and others, 2014).
static Term dropout(Invocation &i) {
  double p = i.real(1, 0.5);
  if (!(p >= 0 && p < 1))
    return i.error("'p' of 'dropout' is at least 0 and less than 1, and this "
                   "is " +
                   i.e.describe(i.term(1)));
  if (!i.e.training || !i.e.training->isUpdating || p == 0)
    return i.term(0);
  Value x = i.tensor(0);
  auto type = dyn_cast<RankedTensorType>(x.getType());
  if (!i.isFine || !type || !type.hasStaticShape())
    return i.error("'dropout' in training needs dims that are known when "
                   "compiling, and this is " +
                   i.e.describe(i.term(0)));
  nn::NetBuilder &b = i.e.builder;
  Type f32 = b.getF32Type(), elementType = type.getElementType();
  Value isKept =
      b.make<nn::LessOp>(i.e.draw(type.getShape()), b.scalar(f32, 1 - p));
  Value factor = b.make<nn::WhereOp>(isKept, b.scalar(elementType, 1 / (1 - p)),
                                     b.scalar(elementType, 0));
  return i.result(b.make<nn::MulOp>(x, factor));
}

ArrayRef<Builtin> dsl::elementwiseBuiltins() {
  static const Builtin kTable[] = {
      {"exp", {"x"}, 1, function<nn::ExpOp, std::exp>},
      {"log", {"x"}, 1, function<nn::LogOp, std::log>},
      {"sqrt", {"x"}, 1, function<nn::SqrtOp, std::sqrt>},
      {"sin", {"x"}, 1, function<nn::SinOp, std::sin>},
      {"cos", {"x"}, 1, function<nn::CosOp, std::cos>},
      {"tanh", {"x"}, 1, function<nn::TanhOp, std::tanh>},
      {"abs", {"x"}, 1, function<nn::AbsOp, absolute>},
      {"floor", {"x"}, 1, rounding<nn::FloorOp, std::floor>},
      {"ceil", {"x"}, 1, rounding<nn::CeilOp, std::ceil>},
      {"round", {"x"}, 1, rounding<nn::RoundOp, std::nearbyint>},
      {"tan", {"x"}, 1, function<nn::TanOp>},
      {"asin", {"x"}, 1, function<nn::AsinOp>},
      {"acos", {"x"}, 1, function<nn::AcosOp>},
      {"atan", {"x"}, 1, function<nn::AtanOp>},
      {"sinh", {"x"}, 1, function<nn::SinhOp>},
      {"cosh", {"x"}, 1, function<nn::CoshOp>},
      {"asinh", {"x"}, 1, function<nn::AsinhOp>},
      {"acosh", {"x"}, 1, function<nn::AcoshOp>},
      {"atanh", {"x"}, 1, function<nn::AtanhOp>},
      {"sign", {"x"}, 1, function<nn::SignOp>},
      {"reciprocal", {"x"}, 1, function<nn::ReciprocalOp>},
      {"relu", {"x"}, 1, function<nn::ReluOp>},
      {"sigmoid", {"x"}, 1, function<nn::SigmoidOp>},
      {"erf", {"x"}, 1, function<nn::ErfOp>},
      {"softplus", {"x"}, 1, function<nn::SoftplusOp>},
      {"isnan", {"x"}, 1, function<nn::IsNaNOp>},
      {"gelu", {"x", "approximate"}, 1, gelu},
      {"pow", {"x", "y"}, 2, power},
      {"where", {"condition", "x", "y"}, 3, where},
      {"clip", {"x", "low", "high"}, 1, clip},
      {"cast", {"x", "type"}, 2, cast},
      {"prelu", {"x", "slope"}, 2, prelu},
      {"dropout", {"x", "p"}, 1, dropout},
  };
  return kTable;
}
