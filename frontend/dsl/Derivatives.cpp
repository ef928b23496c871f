// Derivatives.cpp - layers whose gradients are rules of their own.
#include "frontend/dsl/Elaborator.h"
#include "ir/Ops.h"
#include "ir/Types.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::dsl;
using llvm::SaveAndRestore;
using nn::Dims;

/// The element type of a tensor if it is a float, else null.
static Type floatOf(const Term &term) {
  Type type = term.kind == Term::Tensor
                  ? getElementTypeOrSelf(term.tensor.getType())
                  : Type();
  return isa_and_nonnull<FloatType>(type) ? type : Type();
}

/// What a rule gave, as tensors of the types of what they are gradients by; a
/// number stands for one at each place.
bool Elaborator::gradientsOf(const Derivative &rule, Term given, Frame &frame,
                             ArrayRef<const TensorParam *> params,
                             ArrayRef<Value> by,
                             SmallVector<Value> &gradients) {
  std::vector<Term> parts =
      given.kind == Term::Tuple ? given.parts : std::vector<Term>{given};
  Span place = rule.body.result->span;
  if (parts.size() != by.size())
    return messages.error(place,
                          "the derivative gives " + Twine(parts.size()) +
                              " gradient" + (parts.size() == 1 ? "" : "s") +
                              ", and " + quoted(frame.layer.name.text) +
                              " takes " + Twine(by.size()) + " tensor" +
                              (by.size() == 1 ? "" : "s") + " of floats",
                          {{frame.layer.span, "it is declared here"}});
  for (auto [part, param, value] : llvm::zip_equal(parts, params, by)) {
    Type elementType = getElementTypeOrSelf(value.getType());
    at(place);
    bool isNumber = part.isNumber();
    Term gradient = tensorOf(part, elementType);
    if (gradient.isPoison())
      return false;
    Dims wanted = shapes.dims(value);
    Value tensor = isNumber ? builder.make<nn::ExpandOp>(gradient.tensor,
                                                         shapeTensor(wanted))
                            : gradient.tensor;
    Dims dims = shapes.dims(tensor);
    bool fits = dims.size() == wanted.size() &&
                getElementTypeOrSelf(tensor.getType()) == elementType;
    for (size_t i = 0; fits && i < dims.size(); ++i)
      fits = isNumber || isSame(dims[i], wanted[i]);
    if (!fits)
      return messages.error(place,
                            "the gradient by " + quoted(param->name.text) +
                                " is " + describe(tensor) + ", and that is " +
                                describe(value),
                            {{param->type.span, "it is declared here"}});
    gradients.push_back(tensor);
  }
  return true;
}

Term Elaborator::withDerivative(const Derivative &rule, const Term &given,
                                Frame &frame, Scope &scope, Span call) {
  if (!rule.body.result)
    return {}; // it could not be read, which is reported
  const Layer &layer = frame.layer;
  Scope names;
  for (auto [name, param] : llvm::zip(rule.statics, layer.statics))
    names.values[name.text] = scope.values[param.name.text];
  SmallVector<Value> values, by;
  SmallVector<const TensorParam *> params;
  for (auto [name, param] : llvm::zip(rule.params, layer.params)) {
    const Term &value = scope.values[param.name.text];
    names.values[name.text] = value;
    if (!floatOf(value))
      continue;
    by.push_back(value.tensor);
    params.push_back(&param);
  }
  std::vector<Term> parts =
      given.kind == Term::Tuple ? given.parts : std::vector<Term>{given};
  for (const Term &part : parts) {
    if (!floatOf(part))
      return fail(rule.span,
                  quoted(layer.name.text) + " gives " + describe(part) +
                      ", by which there is no gradient",
                  {{layer.result.span, "it is declared here"}});
    values.push_back(part.tensor);
  }
  OperationState state(builder.getLoc(),
                       nn::WithGradientOp::getOperationName());
  auto *body = new mlir::Block;
  state.addRegion()->push_back(body);
  for (auto [name, value] : llvm::zip(rule.gradients, values)) {
    BlockArgument argument =
        body->addArgument(value.getType(), builder.getLoc());
    shapes.assume(argument, getElementTypeOrSelf(value.getType()),
                  shapes.dims(value));
    names.values[name.text] = Term::ofTensor(argument, name.span);
  }
  {
    OpBuilder::InsertionGuard guard(builder);
    SaveAndRestore noScan(currentScan, static_cast<ScanContext *>(nullptr));
    builder.setInsertionPointToStart(body);
    openRules.push_back(&rule);
    Term result = block(rule.body, frame, names);
    SmallVector<Value> gradients;
    bool isFine = !result.isPoison() &&
                  gradientsOf(rule, result, frame, params, by, gradients);
    openRules.pop_back();
    if (!isFine)
      return discard(state);
    nn::YieldOp::create(builder, builder.getLoc(), gradients);
  }
  at(call);
  state.location = builder.getLoc();
  state.addOperands(values);
  state.addOperands(by);
  state.addAttribute(
      "operandSegmentSizes",
      builder.getDenseI32ArrayAttr({static_cast<int32_t>(values.size()),
                                    static_cast<int32_t>(by.size())}));
  state.addAttribute("layer", builder.getStringAttr(layer.name.text));
  for (size_t i = 0; i < values.size(); ++i)
    state.addTypes(UnrankedTensorType::get(builder.getF32Type()));
  Operation *op = builder.create(state);
  if (failed(shapes.infer(op)))
    return {};
  std::vector<Term> terms = results(op->getResults(), call);
  return given.kind == Term::Tuple ? Term::ofTuple(std::move(terms), call)
                                   : terms[0];
}
