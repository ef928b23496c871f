// Differentiate.cpp - a network becomes one that gives its loss and gradients.
#include "ir/Ops.h"
#include "ir/Signature.h"
#include "passes/Passes.h"
#include "passes/graph/Adjoints.h"
#include "passes/graph/Recompute.h"
#include "llvm/Support/GlobPattern.h"

using namespace mlir;
using namespace burnish;

namespace burnish {
#define GEN_PASS_DEF_DIFFERENTIATE
#include "passes/Passes.h.inc"
} // namespace burnish

/// Names, for a message.
static std::string listed(ArrayRef<StringRef> names) {
  return names.empty() ? "none" : llvm::join(names, ", ");
}

namespace {
/// A value by which a gradient is taken, and its name.
struct Variable {
  Value value;
  std::string name;
  /// The names of its dims, where it has any.
  Attribute dims;
};

struct Differentiate : burnish::impl::DifferentiateBase<Differentiate> {
  using DifferentiateBase::DifferentiateBase;

  void runOnOperation() override {
    FailureOr<func::FuncOp> function = nn::modelFunction(getOperation());
    nn::ShapeScope scope(&getContext());
    if (failed(function) || failed(nn::inferShapes(*function, scope)) ||
        failed(differentiate(*function, scope)))
      signalPassFailure();
  }

private:
  LogicalResult differentiate(func::FuncOp function, nn::ShapeScope &scope);
  FailureOr<unsigned> lossOf(func::FuncOp function);
  FailureOr<SmallVector<Variable>> variablesOf(func::FuncOp function);
};
} // namespace

/// Which result is the loss: the one of that name, which must be one float.
FailureOr<unsigned> Differentiate::lossOf(func::FuncOp function) {
  SmallVector<StringRef> names;
  for (unsigned index = 0; index < function.getNumResults(); ++index) {
    auto name = function.getResultAttrOfType<StringAttr>(index, "nn.name");
    names.push_back(name ? name.getValue() : "");
    if (names.back() != loss)
      continue;
    auto type = dyn_cast<RankedTensorType>(function.getResultTypes()[index]);
    if (!type || !type.hasStaticShape() || type.getNumElements() != 1 ||
        !isa<FloatType>(type.getElementType()))
      return function.emitError() << "the loss '" << loss << "' is a "
                                  << function.getResultTypes()[index]
                                  << ", and a gradient is that of one float";
    return index;
  }
  return function.emitError()
         << "has no output '" << loss
         << "' to take a gradient of; its outputs are " << listed(names);
}

/// What gradients are taken by: inputs and parameters of the names that were
/// given, or all that are floats.
FailureOr<SmallVector<Variable>>
Differentiate::variablesOf(func::FuncOp function) {
  SmallVector<Variable> all;
  for (BlockArgument argument : function.getArguments()) {
    unsigned index = argument.getArgNumber();
    auto name = function.getArgAttrOfType<StringAttr>(index, "nn.name");
    all.push_back({argument, name ? name.str() : "",
                   function.getArgAttr(index, "nn.dims")});
  }
  function.walk([&](nn::ConstantOp constant) {
    if (StringRef name = nn::parameterName(constant); !name.empty())
      all.push_back({constant, name.str(), {}});
  });
  if (wrt.empty()) {
    llvm::erase_if(all, [](Variable &each) {
      return !isDifferentiable(each.value) || !isa<BlockArgument>(each.value);
    });
    if (all.empty())
      return function.emitError() << "has no input of floats to take a "
                                     "gradient by";
    return all;
  }
  SmallVector<Variable> chosen;
  for (const std::string &name : wrt) {
    if (StringRef(name).contains('*')) {
      llvm::Expected<llvm::GlobPattern> pattern =
          llvm::GlobPattern::create(name);
      if (!pattern)
        return function.emitError()
               << "'" << name
               << "' is no pattern: " << llvm::toString(pattern.takeError());
      size_t before = chosen.size();
      for (Variable &each : all)
        if (pattern->match(each.name) && isDifferentiable(each.value))
          chosen.push_back(each);
      if (chosen.size() == before)
        return function.emitError()
               << "has no input or parameter of floats like '" << name << "'";
      continue;
    }
    auto *found =
        llvm::find_if(all, [&](Variable &each) { return each.name == name; });
    if (found == all.end())
      return function.emitError() << "has no input or parameter '" << name
                                  << "' to take a gradient by";
    if (!isDifferentiable(found->value))
      return function.emitError()
             << "'" << name << "' has elements of "
             << getElementTypeOrSelf(found->value.getType())
             << ", and gradients are taken by floats";
    chosen.push_back(*found);
  }
  return chosen;
}

LogicalResult Differentiate::differentiate(func::FuncOp function,
                                           nn::ShapeScope &scope) {
  FailureOr<unsigned> index = lossOf(function);
  if (failed(index))
    return failure();
  FailureOr<SmallVector<Variable>> variables = variablesOf(function);
  if (failed(variables))
    return failure();

  if (failed(expandLayers(function, scope)))
    return failure();
  Block &block = function.getBody().front();
  Operation *end = block.getTerminator();
  Value result = end->getOperand(*index);
  OpBuilder builder(end);
  SmallVector<Value> wanted = llvm::map_to_vector(
      *variables, [](const Variable &each) { return each.value; });
  Adjoints adjoints(block, wanted, builder, scope);
  adjoints.seed(result,
                nn::NetBuilder(end->getLoc(), builder, scope)
                    .make<nn::ConstantOp>(DenseElementsAttr::get(
                        cast<ShapedType>(result.getType()),
                        builder.getFloatAttr(
                            getElementTypeOrSelf(result.getType()), 1))));
  if (failed(adjoints.run()))
    return failure();
  recompute(block, adjoints.backward(), scope, choices);

  SmallVector<Value> results{end->getOperand(*index)};
  SmallVector<DictionaryAttr> attributes{function.getResultAttrDict(*index)};
  for (const Variable &each : *variables) {
    results.push_back(adjoints.of(each.value));
    NamedAttrList list;
    list.append("nn.name", builder.getStringAttr("grad." + each.name));
    if (each.dims)
      list.append("nn.dims", each.dims);
    attributes.push_back(list.getDictionary(&getContext()));
  }
  end->setOperands(results);
  function.setType(builder.getFunctionType(function.getArgumentTypes(),
                                           ValueRange(results).getTypes()));
  function.setAllResultAttrs(attributes);
  return success();
}
