// ImportedNets.cpp - calls of models that a network imports, whose initialisers
// are its params.
#include "frontend/dsl/Elaborator.h"
#include "frontend/dsl/ExprParser.h"
#include "ir/Ops.h"
#include "ir/Signature.h"
#include "ir/Types.h"
#include "mlir/IR/IRMapping.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::dsl;
using llvm::enumerate;
using nn::Dim, nn::Dims;

//===- Params -------------------------------------------------------------===//

/// Whether an operator is a mean or a variance that batch norm keeps.
static bool isStatistic(OpOperand &use) {
  return isa<nn::BatchNormalizationOp>(use.getOwner()) &&
         use.getOperandNumber() >= 3;
}

/// Whether training may change an initialiser. Not numbers without dims, which
/// are as often an epsilon as a weight; not those of one element that anything
/// else than a bias could be, as exporters write 1 / sqrt(d); and not what says
/// how large a result is, which is known when compiling or never.
static bool isParam(nn::ConstantOp constant) {
  auto type = cast<RankedTensorType>(constant.getType());
  bool isOne = type.getNumElements() == 1;
  return isa<FloatType>(type.getElementType()) && type.getRank() > 0 &&
         llvm::none_of(constant->getUses(), [&](OpOperand &use) {
           Operation *user = use.getOwner();
           bool isSize = isa<nn::ResizeOp>(user) && use.getOperandNumber() > 0;
           bool isNumber = isOne && isa<nn::Elementwise>(user) &&
                           !isa<nn::AddOp, nn::PReluOp>(user);
           return isSize || isNumber;
         });
}

Value Elaborator::importedParam(const Import &import, nn::ConstantOp constant) {
  auto initializer = constant->getAttrOfType<StringAttr>(nn::kInitializerAttr);
  if (!initializer)
    return {};
  // Weights are made once, however often their model is called.
  std::string path = initializer.str();
  if (!import.isWhole)
    path = import.name.text.str() + "." + path;
  auto [entry, isNew] = made.try_emplace(path);
  if (!isNew)
    return entry->second.value;
  auto type = cast<RankedTensorType>(constant.getType());
  ElementsAttr value =
      params.imported(path, type, constant.getValue(), import.span);
  if (training && isParam(constant)) {
    BlockArgument argument = entryBlock.addArgument(type, builder.getLoc());
    Slot slot;
    slot.path = path;
    slot.argument = argument;
    slot.value = argument;
    slot.isState =
        !constant.use_empty() && llvm::all_of(constant->getUses(), isStatistic);
    slot.stored = value;
    slot.span = import.span;
    slots.push_back(std::move(slot));
    entry->second = {nullptr, argument};
    return argument;
  }
  OpBuilder::InsertionGuard guard(builder);
  toParams();
  entry->second = {nullptr, builder.make<nn::ConstantOp>(value)};
  lastParam = entry->second.value.getDefiningOp();
  params.mark(lastParam, path, "imported", {});
  return entry->second.value;
}

/// One that looks at its batch, as the model says: in a step only, and what it
/// keeps then is the training's.
bool Elaborator::trainedBatchNorm(nn::BatchNormalizationOp norm,
                                  IRMapping &mapping) {
  SmallVector<Value> operands = llvm::map_to_vector(
      norm->getOperands(), [&](Value each) { return mapping.lookup(each); });
  Type unknown = UnrankedTensorType::get(builder.getF32Type()),
       running = training->isUpdating ? unknown : Type();
  auto op = nn::BatchNormalizationOp::create(
      builder, unknown, running, running, operands[0], operands[1], operands[2],
      operands[3], operands[4], norm.getEpsilon(), norm.getMomentum(),
      training->isUpdating);
  if (failed(shapes.infer(op)))
    return false;
  mapping.map(norm.getY(), op.getY());
  Value means[] = {norm.getRunningMean(), norm.getRunningVar()},
        now[] = {op.getRunningMean(), op.getRunningVar()};
  for (unsigned index : {0, 1}) {
    Value before = operands[3 + index];
    if (training->isUpdating)
      if (Slot *slot = slotNow(before); slot && slot->isState)
        slot->value = now[index];
    if (means[index])
      mapping.map(means[index], training->isUpdating ? now[index] : before);
  }
  return true;
}

/// A node of a model that has params is a layer of the training: what the last
/// of the operators gives that it became.
void Elaborator::noteNode(Operation &op) {
  auto name = dyn_cast<NameLoc>(op.getLoc());
  if (!name || op.getNumResults() == 0)
    return;
  // A message puts it between quotes.
  std::string path = name.getName().str();
  llvm::erase(path, '\'');
  auto isParam = [&](Value operand) {
    return llvm::any_of(slots, [&](const Slot &slot) {
      return Value(slot.argument) == operand;
    });
  };
  auto &layers = training->layers;
  if (!layers.empty() && layers.back().first == path)
    layers.back().second = op.getResult(0);
  else if (llvm::any_of(op.getOperands(), isParam))
    layers.push_back({path, op.getResult(0)});
}

//===- Calls --------------------------------------------------------------===//

/// What an input of a model's function is called.
static StringRef inputName(func::FuncOp func, unsigned index) {
  auto name = func.getArgAttrOfType<StringAttr>(index, "nn.name");
  return name ? name.getValue() : StringRef();
}

bool Elaborator::importedArguments(const Import &import, func::FuncOp func,
                                   const CallExpr &call, const Term *piped,
                                   Frame &frame, Scope &scope,
                                   std::vector<std::optional<Term>> &slots) {
  Note declared{import.span, "it is imported here"};
  if (call.lists.size() > 1)
    return messages.error(
        call.span, quoted(import.name.text) + " has no static parameters",
        {declared});
  bool isPlaced =
      piped && !call.lists.empty() &&
      llvm::any_of(call.lists[0].arguments, [](const Argument &argument) {
        return mentionsPlaceholder(*argument.value);
      });
  Scope arguments(&scope, isPlaced ? piped : scope.piped);
  unsigned count = func.getNumArguments();
  slots.resize(count);
  size_t next = 0;
  if (piped && !isPlaced && next++ < count)
    slots[0] = *piped;
  if (call.lists.empty())
    return true;
  for (const Argument &argument : call.lists[0].arguments) {
    Term value = eval(*argument.value, frame, arguments);
    if (value.isPoison())
      return false;
    unsigned at = next;
    if (argument.name) {
      for (at = 0; at < count && inputName(func, at) != argument.name.text;
           ++at)
        ;
      if (at == count)
        return messages.error(argument.name.span,
                              quoted(import.name.text) + " has no input " +
                                  quoted(argument.name.text),
                              {declared});
    } else {
      ++next;
    }
    if (at >= count || slots[at])
      return messages.error(argument.value->span,
                            quoted(import.name.text) + " takes " +
                                Twine(count) + " tensors, and this is one more",
                            {declared});
    slots[at] = std::move(value);
  }
  return true;
}

bool Elaborator::fitsImported(const Import &import, func::FuncOp func,
                              unsigned index, Term &value, Span call,
                              ImportedDims &bound) {
  Note declared{import.span, "it is imported here"};
  std::string input = "input " + quoted(inputName(func, index));
  auto type = cast<RankedTensorType>(func.getArgumentTypes()[index]);
  if (value.kind != Term::Tensor)
    return messages.error(value.from,
                          input + " of " + quoted(import.name.text) +
                              " is a tensor, and this is " + describe(value),
                          {declared});
  if (getElementTypeOrSelf(value.tensor.getType()) != type.getElementType()) {
    // Masks are numbers in ONNX more often than not.
    if (!getElementTypeOrSelf(value.tensor.getType()).isInteger(1))
      return messages.error(call,
                            input + " of " + quoted(import.name.text) +
                                " has elements of " +
                                nameOf(type.getElementType()) +
                                ", and this is " + describe(value),
                            {noteOf(value, "it"), declared},
                            nameOf(type.getElementType()) + "(...) converts");
    at(call);
    value.tensor = builder.make<nn::CastOp>(
        value.tensor, nn::onnxType(type.getElementType()), 1, "up");
  }
  Dims dims = shapes.dims(value.tensor);
  auto names = func.getArgAttrOfType<ArrayAttr>(index, "nn.dims");
  if (static_cast<int64_t>(dims.size()) != type.getRank())
    return messages.error(call,
                          input + " of " + quoted(import.name.text) + " has " +
                              Twine(type.getRank()) + " dims, and this is " +
                              describe(value),
                          {noteOf(value, "it"), declared});
  for (auto [axis, dim] : enumerate(dims)) {
    if (!type.isDynamicDim(axis) && !nn::isKnown(dim, type.getDimSize(axis)))
      return messages.error(call,
                            input + " of " + quoted(import.name.text) +
                                " has " + Twine(type.getDimSize(axis)) +
                                " at axis " + Twine(axis) + ", and this is " +
                                describe(value),
                            {noteOf(value, "it"), declared});
    StringRef symbol =
        names ? cast<StringAttr>(names[axis]).getValue() : StringRef();
    if (symbol.empty())
      continue;
    auto [entry, isNew] = bound.try_emplace(symbol, std::pair(dim, index));
    if (!isNew && !isSame(entry->second.first, dim))
      return messages.error(call,
                            "dim " + quoted(symbol) + " of " +
                                quoted(import.name.text) + " is " +
                                describe(entry->second.first) + " by input " +
                                quoted(inputName(func, entry->second.second)) +
                                " and " + describe(dim) + " by " + input,
                            {noteOf(value, input), declared});
  }
  return true;
}

Term Elaborator::importedNet(const Import &import, const CallExpr &call,
                             const Term *piped, Frame &frame, Scope &scope) {
  auto found = imports.find(import.name.text.str());
  if (found == imports.end() || !found->second)
    return {}; // it could not be read, which is reported
  ModuleOp module = found->second;
  auto func = *module.getOps<func::FuncOp>().begin();
  std::vector<std::optional<Term>> slots;
  if (!importedArguments(import, func, call, piped, frame, scope, slots))
    return {};
  IRMapping mapping;
  ImportedDims bound;
  for (auto [index, slot] : enumerate(slots)) {
    if (!slot)
      return fail(call.span,
                  quoted(import.name.text) + " needs its input " +
                      quoted(inputName(func, index)),
                  {{import.span, "it is imported here"}});
    if (!fitsImported(import, func, index, *slot, call.span, bound))
      return {};
    mapping.map(func.getArgument(index), slot->tensor);
  }
  at(call.span);
  for (Operation &op : func.getBody().front().without_terminator()) {
    if (auto constant = dyn_cast<nn::ConstantOp>(op)) {
      if (Value param = importedParam(import, constant)) {
        mapping.map(constant.getResult(), param);
        continue;
      }
    }
    if (auto norm = dyn_cast<nn::BatchNormalizationOp>(op);
        norm && norm.getTrainingMode() && training) {
      if (!trainedBatchNorm(norm, mapping))
        return {};
      continue;
    }
    Operation *copy = builder.clone(op, mapping);
    for (Value result : copy->getResults())
      shapes.forget(result);
    if (failed(shapes.infer(copy)))
      return {};
    if (training)
      noteNode(*copy);
  }
  std::vector<Term> terms;
  for (Value value : func.getBody().front().getTerminator()->getOperands())
    terms.push_back(result(mapping.lookup(value), call.span));
  return Term::ofResults(std::move(terms), call.span);
}
