// RawOperators.cpp - `nn.OPERATOR(operands..., attribute = value)`: any
// operator of the nn dialect by its own name.
#include "frontend/dsl/Builtins.h"
#include "ir/Ops.h"
#include "ir/Types.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::dsl;

namespace {
/// How many groups of operands and results an operator has, each of which may
/// be absent or several; 0 where operands are what they are.
struct Groups {
  unsigned operands = 0, results = 0;
};
} // namespace

/// What an operator without operands says of its groups.
static Groups groupsOf(OperationName name, Location loc) {
  OperationState state(loc, name);
  Operation *probe = Operation::create(state);
  auto count = [&](StringRef attribute) -> unsigned {
    auto sizes = dyn_cast_or_null<DenseI32ArrayAttr>(
        probe->getInherentAttr(attribute).value_or(Attribute()));
    return sizes ? sizes.size() : 0;
  };
  Groups groups{count("operandSegmentSizes"), count("resultSegmentSizes")};
  probe->destroy();
  return groups;
}

/// What a term may be as an attribute, the likeliest first: floats are told
/// from whole numbers by how they are written.
static SmallVector<Attribute> attributesOf(OpBuilder &builder,
                                           const Term &term) {
  auto known = [](const Term &each) { return nn::known(each.whole); };
  switch (term.kind) {
  case Term::Whole:
    if (known(term))
      return {builder.getI64IntegerAttr(*known(term))};
    return {};
  case Term::Truth:
    return {builder.getI64IntegerAttr(term.truth),
            builder.getBoolAttr(term.truth)};
  case Term::Real:
    return {builder.getF32FloatAttr(term.real),
            builder.getF64FloatAttr(term.real)};
  case Term::Text:
    return {builder.getStringAttr(term.text)};
  case Term::Tensor: {
    ElementsAttr elements;
    if (matchPattern(term.tensor, m_Constant(&elements)))
      return {elements};
    return {};
  }
  case Term::Tuple:
    break;
  default:
    return {};
  }
  auto all = [&](auto holds) { return llvm::all_of(term.parts, holds); };
  if (term.parts.empty())
    return {builder.getDenseI64ArrayAttr({}), builder.getDenseF32ArrayAttr({}),
            builder.getArrayAttr({})};
  if (all([](const Term &part) { return part.kind == Term::Text; })) {
    SmallVector<StringRef> texts;
    for (const Term &part : term.parts)
      texts.push_back(part.text);
    return {builder.getStrArrayAttr(texts)};
  }
  if (all([&](const Term &part) {
        return part.kind == Term::Whole && known(part);
      })) {
    SmallVector<int64_t> numbers;
    for (const Term &part : term.parts)
      numbers.push_back(*known(part));
    return {builder.getDenseI64ArrayAttr(numbers)};
  }
  if (all([](const Term &part) { return part.kind == Term::Real; })) {
    SmallVector<float> numbers;
    for (const Term &part : term.parts)
      numbers.push_back(part.real);
    return {builder.getDenseF32ArrayAttr(numbers)};
  }
  return {};
}

/// The attribute that an operator takes under this name; the likeliest where it
/// takes none, which its own check then refuses.
static Attribute attributeOf(OpBuilder &builder, OperationName operation,
                             StringRef name, const Term &term) {
  SmallVector<Attribute> candidates = attributesOf(builder, term);
  if (candidates.empty())
    return {};
  ScopedDiagnosticHandler silence(builder.getContext(),
                                  [](Diagnostic &) { return success(); });
  for (Attribute each : candidates) {
    NamedAttrList list;
    list.append(name, each);
    auto complain = [&] { return emitError(builder.getUnknownLoc()); };
    if (candidates.size() == 1 ||
        succeeded(operation.verifyInherentAttrs(list, complain)))
      return each;
  }
  return candidates.front();
}

/// How many results are asked for, and which of optional ones.
namespace {
struct Results {
  int64_t count;
  SmallVector<int32_t> groups;
};
} // namespace

static bool addOperands(Elaborator &e, Span call, StringRef name,
                        ArrayRef<Term> operands, const Groups &facts,
                        OperationState &state) {
  SmallVector<int32_t> groups;
  auto add = [&](const Term &operand) {
    if (operand.kind == Term::Tensor)
      state.operands.push_back(operand.tensor);
    return operand.kind == Term::Tensor || operand.kind == Term::None;
  };
  for (const Term &operand : operands) {
    int32_t before = state.operands.size();
    bool isFine = true;
    if (operand.kind == Term::Tuple)
      for (const Term &part : operand.parts)
        isFine &= add(part);
    else
      isFine = add(operand);
    if (!isFine)
      return e.messages.error(call, "operands of " + quoted(name) +
                                        " are tensors, and one is " +
                                        e.describe(operand));
    groups.push_back(state.operands.size() - before);
  }
  if (facts.operands) {
    if (groups.size() > facts.operands)
      return e.messages.error(call, quoted(name) + " takes " +
                                        Twine(facts.operands) +
                                        " operands at most");
    groups.resize(facts.operands, 0);
    state.addAttribute("operandSegmentSizes",
                       e.builder.getDenseI32ArrayAttr(groups));
  }
  return true;
}

static bool addAttributes(Elaborator &e, OperationName operation,
                          ArrayRef<std::pair<Ident, Term>> attributes,
                          Results &results, OperationState &state) {
  StringRef name = operation.getStringRef();
  ArrayRef<StringAttr> known = operation.getAttributeNames();
  for (auto &[attribute, value] : attributes) {
    Attribute converted =
        attributeOf(e.builder, operation, attribute.text, value);
    if (!converted)
      return e.messages.error(attribute.span,
                              "the attribute " + quoted(attribute.text) +
                                  " cannot be " + e.describe(value));
    if (attribute.text == "results") {
      // How many of variadic results, or which of optional ones.
      if (auto number = dyn_cast<IntegerAttr>(converted))
        results.count = number.getInt();
      else if (auto which = dyn_cast<DenseI64ArrayAttr>(converted))
        results.groups.assign(which.asArrayRef().begin(),
                              which.asArrayRef().end());
      continue;
    }
    if (!llvm::is_contained(known, attribute.text) ||
        attribute.text.ends_with("SegmentSizes")) {
      std::vector<StringRef> names;
      for (StringAttr each : known)
        names.push_back(each.getValue());
      return e.messages.error(attribute.span,
                              quoted(name) + " has no attribute " +
                                  quoted(attribute.text) +
                                  nearest(attribute.text, names));
    }
    state.addAttribute(attribute.text, converted);
  }
  return true;
}

/// Gives the operator as many results as it is asked for, of types that are not
/// known yet.
static bool addResults(Elaborator &e, Span call, OperationName operation,
                       const Groups &facts, Results &results,
                       OperationState &state) {
  StringRef name = operation.getStringRef();
  if (facts.results) {
    if (results.groups.size() != facts.results ||
        llvm::any_of(results.groups, [](int32_t n) { return n < 0 || n > 1; }))
      return e.messages.error(call, quoted(name) + " has " +
                                        Twine(facts.results) +
                                        " results, each there (1) or not (0)");
    state.addAttribute("resultSegmentSizes",
                       e.builder.getDenseI32ArrayAttr(results.groups));
    results.count = llvm::count(results.groups, 1);
  }
  bool isCounted = operation.hasTrait<OpTrait::VariadicResults>() ||
                   operation.hasTrait<OpTrait::AtLeastNResults<1>::Impl>();
  if (results.count < 1 || results.count > 4096 ||
      (results.count != 1 && !isCounted && !facts.results &&
       operation.hasTrait<OpTrait::OneResult>()))
    return e.messages.error(call, quoted(name) + " has no " +
                                      Twine(results.count) + " results");
  state.types.assign(results.count,
                     UnrankedTensorType::get(e.builder.getF32Type()));
  return true;
}

/// The operator, once its operands and attributes are checked, which a shape
/// rule trusts; null after a report.
static Operation *create(Elaborator &e, Span call, OperationName operation,
                         const OperationState &state) {
  std::string problem;
  ScopedDiagnosticHandler handler(e.builder.getContext(),
                                  [&](Diagnostic &diagnostic) {
                                    if (problem.empty())
                                      problem = diagnostic.str();
                                    return success();
                                  });
  Operation *op = Operation::create(state);
  bool isFine = succeeded(operation.verifyInvariants(op));
  // Some results are strings whatever the operands are: of the first, or of
  // each, the type is checked.
  auto strings = UnrankedTensorType::get(e.builder.getType<nn::StringType>());
  for (unsigned at = 0; !isFine && at < op->getNumResults() &&
                        problem.find("result #") != std::string::npos;
       ++at) {
    problem.clear();
    op->getResult(at).setType(strings);
    isFine = succeeded(operation.verifyInvariants(op));
  }
  if (isFine)
    return op;
  op->destroy();
  StringRef reason = problem;
  size_t at = reason.find("' op ");
  e.fail(call, reason.substr(at == StringRef::npos ? 0 : at + 5));
  return nullptr;
}

Term dsl::rawOperator(Elaborator &e, const CallExpr &call,
                      std::vector<Term> operands,
                      std::vector<std::pair<Ident, Term>> attributes) {
  StringRef name = call.callee.text;
  OperationName operation(name, e.builder.getContext());
  if (!operation.isRegistered() || !operation.hasInterface<nn::InferShapes>()) {
    std::vector<StringRef> names;
    for (RegisteredOperationName each :
         e.builder.getContext()->getRegisteredOperationsByDialect("nn"))
      if (each.hasInterface<nn::InferShapes>())
        names.push_back(each.getStringRef());
    return e.fail(call.callee.span, "no operator is called " + quoted(name) +
                                        nearest(name, names));
  }
  static constexpr StringRef kOthers[] = {"nn.constant", "nn.yield", "nn.if",
                                          "nn.loop", "nn.scan"};
  if (llvm::is_contained(kOthers, name))
    return e.fail(call.callee.span, quoted(name) + " is no function");
  Groups facts = groupsOf(operation, e.builder.getLoc());
  OperationState state(e.builder.getLoc(), name);
  Results results{operation.hasTrait<OpTrait::NResults<2>::Impl>()   ? 2
                  : operation.hasTrait<OpTrait::NResults<3>::Impl>() ? 3
                                                                     : 1,
                  SmallVector<int32_t>(facts.results, 0)};
  if (!results.groups.empty())
    results.groups[0] = 1;
  if (!addOperands(e, call.span, name, operands, facts, state) ||
      !addAttributes(e, operation, attributes, results, state) ||
      !addResults(e, call.span, operation, facts, results, state))
    return {};
  Operation *op = create(e, call.span, operation, state);
  if (!op)
    return {};
  e.builder.insert(op);
  if (failed(e.shapes.infer(op)))
    return {};
  return Term::ofResults(e.results(op->getResults(), call.span), call.span);
}
