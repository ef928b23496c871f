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
      return e.fail(call.span, "operands of " + quoted(name) +
                                   " are tensors, and one is " +
                                   e.describe(operand));
    groups.push_back(state.operands.size() - before);
  }
  if (facts.operands) {
    if (groups.size() > facts.operands)
      return e.fail(call.span, quoted(name) + " takes " +
                                   Twine(facts.operands) + " operands at most");
    groups.resize(facts.operands, 0);
    state.addAttribute("operandSegmentSizes",
                       e.builder.getDenseI32ArrayAttr(groups));
  }
  SmallVector<int32_t> resultGroups(facts.results, 0);
  if (!resultGroups.empty())
    resultGroups[0] = 1;
  int64_t count = operation.hasTrait<OpTrait::NResults<2>::Impl>()   ? 2
                  : operation.hasTrait<OpTrait::NResults<3>::Impl>() ? 3
                                                                     : 1;
  ArrayRef<StringAttr> known = operation.getAttributeNames();
  for (auto &[attribute, value] : attributes) {
    Attribute converted =
        attributeOf(e.builder, operation, attribute.text, value);
    if (!converted)
      return e.fail(attribute.span, "the attribute " + quoted(attribute.text) +
                                        " cannot be " + e.describe(value));
    if (attribute.text == "results") {
      // How many of variadic results, or which of optional ones.
      if (auto number = dyn_cast<IntegerAttr>(converted))
        count = number.getInt();
      else if (auto which = dyn_cast<DenseI64ArrayAttr>(converted))
        resultGroups.assign(which.asArrayRef().begin(),
                            which.asArrayRef().end());
      continue;
    }
    if (!llvm::is_contained(known, attribute.text) ||
        attribute.text.ends_with("SegmentSizes")) {
      std::vector<StringRef> names;
      for (StringAttr each : known)
        names.push_back(each.getValue());
      return e.fail(attribute.span, quoted(name) + " has no attribute " +
                                        quoted(attribute.text) +
                                        nearest(attribute.text, names));
    }
    state.addAttribute(attribute.text, converted);
  }
  if (facts.results) {
    if (resultGroups.size() != facts.results ||
        llvm::any_of(resultGroups, [](int32_t n) { return n < 0 || n > 1; }))
      return e.fail(call.span, quoted(name) + " has " + Twine(facts.results) +
                                   " results, each there (1) or not (0)");
    state.addAttribute("resultSegmentSizes",
                       e.builder.getDenseI32ArrayAttr(resultGroups));
    count = llvm::count(resultGroups, 1);
  }
  bool isCounted = operation.hasTrait<OpTrait::VariadicResults>() ||
                   operation.hasTrait<OpTrait::AtLeastNResults<1>::Impl>();
  if (count < 1 || count > 4096 ||
      (count != 1 && !isCounted && !facts.results &&
       operation.hasTrait<OpTrait::OneResult>()))
    return e.fail(call.span,
                  quoted(name) + " has no " + Twine(count) + " results");
  state.types.assign(count, UnrankedTensorType::get(e.builder.getF32Type()));
  // Operands and attributes are checked before a shape rule trusts them.
  std::string problem;
  Operation *op;
  {
    ScopedDiagnosticHandler handler(e.builder.getContext(),
                                    [&](Diagnostic &diagnostic) {
                                      if (problem.empty())
                                        problem = diagnostic.str();
                                      return success();
                                    });
    op = Operation::create(state);
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
    if (!isFine) {
      op->destroy();
      StringRef reason = problem;
      size_t at = reason.find("' op ");
      return e.fail(call.span,
                    reason.substr(at == StringRef::npos ? 0 : at + 5));
    }
  }
  e.builder.insert(op);
  if (failed(e.shapes.infer(op)))
    return {};
  std::vector<Term> results;
  for (Value value : op->getResults())
    results.push_back(e.result(value, call.span));
  return results.size() == 1 ? results[0]
                             : Term::ofTuple(std::move(results), call.span);
}
