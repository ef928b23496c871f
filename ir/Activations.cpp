// Activations.cpp - the activation functions that recurrent layers name.
#include "ir/Activations.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/Math/IR/Math.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::nn;

namespace {
/// Which parameters a function takes, and what they are when not given.
struct Form {
  StringRef name;
  Activation::Kind kind;
  std::optional<double> alpha, beta;
};
constexpr std::nullopt_t none = std::nullopt;
const Form kForms[] = {
    {"relu", Activation::Relu, none, none},
    {"tanh", Activation::Tanh, none, none},
    {"sigmoid", Activation::Sigmoid, none, none},
    {"affine", Activation::Affine, 1, 0},
    {"leakyrelu", Activation::LeakyRelu, 0.01, none},
    {"thresholdedrelu", Activation::ThresholdedRelu, 1, none},
    {"scaledtanh", Activation::ScaledTanh, 1, 1},
    {"hardsigmoid", Activation::HardSigmoid, 0.2, 0.5},
    {"elu", Activation::Elu, 1, none},
    {"softsign", Activation::Softsign, none, none},
    {"softplus", Activation::Softplus, none, none}};
} // namespace

FailureOr<SmallVector<Activation>>
nn::parseActivations(Operation *op, ArrayRef<StringRef> names,
                     ArrayRef<float> alphas, ArrayRef<float> betas) {
  auto take = [](std::optional<double> otherwise,
                 ArrayRef<float> &list) -> double {
    if (!otherwise || list.empty())
      return otherwise.value_or(0);
    double value = list.front();
    list = list.drop_front();
    return value;
  };
  SmallVector<Activation> all;
  for (StringRef name : names) {
    const Form *form = llvm::find_if(kForms, [&](const Form &form) {
      return name.equals_insensitive(form.name);
    });
    if (form == std::end(kForms))
      return op->emitOpError() << "there is no activation \"" << name << "\"";
    double alpha = take(form->alpha, alphas), beta = take(form->beta, betas);
    all.push_back({form->kind, alpha, beta});
  }
  return all;
}

Value Activation::apply(ImplicitLocOpBuilder &b, Value x) const {
  auto number = [&](double value) -> Value {
    return arith::ConstantOp::create(b, b.getFloatAttr(x.getType(), value));
  };
  auto add = [&](Value left, Value right) -> Value {
    return arith::AddFOp::create(b, left, right);
  };
  auto mul = [&](Value left, Value right) -> Value {
    return arith::MulFOp::create(b, left, right);
  };
  auto isGreater = [&](Value left, Value right) -> Value {
    return arith::CmpFOp::create(b, arith::CmpFPredicate::OGT, left, right);
  };
  auto select = [&](Value condition, Value left, Value right) -> Value {
    return arith::SelectOp::create(b, condition, left, right);
  };
  switch (kind) {
  case Relu:
    return arith::MaximumFOp::create(b, x, number(0));
  case Tanh:
    return math::TanhOp::create(b, x);
  case Sigmoid: {
    Value power = math::ExpOp::create(b, arith::NegFOp::create(b, x));
    return arith::DivFOp::create(b, number(1), add(number(1), power));
  }
  case Affine:
    return add(mul(number(alpha), x), number(beta));
  case LeakyRelu:
    return select(isGreater(number(0), x), mul(number(alpha), x), x);
  case ThresholdedRelu:
    return select(isGreater(x, number(alpha)), x, number(0));
  case ScaledTanh:
    return mul(number(alpha), math::TanhOp::create(b, mul(number(beta), x)));
  case HardSigmoid: {
    Value line = add(mul(number(alpha), x), number(beta));
    return arith::MaximumFOp::create(
        b, arith::MinimumFOp::create(b, line, number(1)), number(0));
  }
  case Elu:
    return select(isGreater(number(0), x),
                  mul(number(alpha), math::ExpM1Op::create(b, x)), x);
  case Softsign:
    return arith::DivFOp::create(b, x,
                                 add(number(1), math::AbsFOp::create(b, x)));
  case Softplus: {
    // max(x, 0) + log1p(exp(-|x|)) does not overflow.
    Value power = math::ExpOp::create(
        b, arith::NegFOp::create(b, math::AbsFOp::create(b, x)));
    return add(arith::MaximumFOp::create(b, x, number(0)),
               math::Log1pOp::create(b, power));
  }
  }
  llvm_unreachable("all kinds have a formula");
}
