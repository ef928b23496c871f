// Print.cpp - a module in the nn dialect as a network in the language.
#include "frontend/dsl/Print.h"
#include "frontend/dsl/Printer.h"
#include "ir/Signature.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::dsl;
using llvm::enumerate;

std::string dsl::tupleText(ArrayRef<std::string> parts) {
  return "(" + llvm::join(parts, ", ") + (parts.size() == 1 ? ",)" : ")");
}

/// What a model calls an input or output.
static StringRef nameIn(DictionaryAttr attributes, StringRef otherwise) {
  auto name =
      attributes ? attributes.getAs<StringAttr>("nn.name") : StringAttr();
  return name ? name.getValue() : otherwise;
}

//===- The net ------------------------------------------------------------===//

std::string Printer::inputsOf(func::FuncOp func) {
  std::string inputs;
  for (BlockArgument argument : func.getArguments()) {
    DictionaryAttr attributes = func.getArgAttrDict(argument.getArgNumber());
    names[argument] = identifier(nameIn(attributes, "input"), "input");
    inputs += (inputs.empty() ? "" : ", ") + names[argument] + ": " +
              typeText(argument.getType(), attributes);
  }
  return inputs;
}

SmallVector<std::string> Printer::outputsOf(func::FuncOp func) {
  SmallVector<std::string> outputs;
  Operation *end = func.getBody().front().getTerminator();
  for (auto [index, value] : enumerate(end->getOperands())) {
    outputs.push_back(
        identifier(nameIn(func.getResultAttrDict(index), "output"), "output"));
    if (value.getDefiningOp() &&
        !isa<nn::ConstantOp, nn::StringsOp>(value.getDefiningOp()))
      wanted.try_emplace(value, outputs.back());
  }
  return outputs;
}

std::optional<PrintedNetwork> Printer::run(func::FuncOp func) {
  netName = identifier(func.getName(), "net");
  std::string inputs = inputsOf(func);
  SmallVector<std::string> outputs = outputsOf(func);
  mlir::Block &body = func.getBody().front();
  if (!block(body, 1))
    return std::nullopt;
  std::string results, values;
  for (auto [index, value] : enumerate(body.getTerminator()->getOperands())) {
    results += (index ? ", " : "") +
               typeText(value.getType(), func.getResultAttrDict(index));
    values += (index ? ", " : "") + outputs[index];
    if (names[value] != outputs[index])
      let(1, {outputs[index]}, "nn.identity(" + names[value] + ")");
  }
  bool isTuple = func.getNumResults() != 1;
  result.text = "// Printed by burnish.\n\nnet " + netName + "(" + inputs +
                ") -> " + (isTuple ? "(" + results + ")" : results) + " {\n" +
                params + lines + "  " +
                (isTuple ? "(" + values + ")" : values) + "\n}\n";
  return isFine ? std::optional(std::move(result)) : std::nullopt;
}

std::string Printer::typeText(Type type, DictionaryAttr attributes) {
  auto tensor = cast<RankedTensorType>(type);
  std::string text = elementText(tensor.getElementType());
  auto dimNames =
      attributes ? attributes.getAs<ArrayAttr>("nn.dims") : ArrayAttr();
  if (tensor.getRank() == 0)
    return text;
  text += "[";
  for (auto [axis, size] : enumerate(tensor.getShape())) {
    text += axis ? ", " : "";
    if (!ShapedType::isDynamic(size)) {
      text += std::to_string(size);
      continue;
    }
    StringRef name = dimNames && axis < dimNames.size()
                         ? cast<StringAttr>(dimNames[axis]).getValue()
                         : StringRef();
    // Dims of results are those of the operators: they have no names that
    // would have to hold.
    bool isInput = params.empty() && lines.empty();
    if (name.empty() || !isInput) {
      text += "_";
      continue;
    }
    auto [entry, isNew] = dims.try_emplace(name);
    if (isNew)
      entry->second = identifier(name, "D");
    text += entry->second;
  }
  return text + "]";
}

//===- Lines --------------------------------------------------------------===//

bool Printer::block(mlir::Block &block, unsigned depth) {
  for (Operation &op : block.without_terminator())
    if (!this->op(op, depth))
      return false;
  return true;
}

bool Printer::op(Operation &op, unsigned depth) {
  if (auto made = dyn_cast<nn::ConstantOp>(op)) {
    constant(made);
    return isFine;
  }
  if (auto made = dyn_cast<nn::StringsOp>(op)) {
    strings(made);
    return isFine;
  }
  if (auto each = dyn_cast<nn::ScanOp>(op))
    return scan(each, depth);
  if (auto each = dyn_cast<nn::LoopOp>(op))
    return loop(each, depth);
  if (auto each = dyn_cast<nn::IfOp>(op))
    return choice(each, depth);
  letResults(op, call(op), depth);
  return isFine;
}

void Printer::letResults(Operation &op, const std::string &value,
                         unsigned depth) {
  SmallVector<std::string> left;
  for (Value each : op.getResults())
    left.push_back(given(each));
  let(depth, left, value);
}

void Printer::let(unsigned depth, ArrayRef<std::string> given,
                  const Twine &value) {
  lines +=
      std::string(2 * depth, ' ') + "let " +
      (given.size() == 1 ? given[0] : "(" + llvm::join(given, ", ") + ")") +
      " = " + value.str() + "\n";
}

std::string Printer::given(Value value) {
  std::string name = wanted.lookup(value);
  if (name.empty())
    name = value.use_empty() ? "_"
                             : identifier("v" + std::to_string(++counter), "v");
  return names[value] = name;
}

std::string Printer::withoutDims(Value value) {
  bool hasDims = cast<ShapedType>(value.getType()).getRank() != 0;
  return hasDims ? "nn.reshape(" + operand(value) + ", i64[0]())"
                 : operand(value);
}

std::optional<PrintedNetwork> dsl::printNetwork(ModuleOp module,
                                                StringRef weightsFile,
                                                Diagnostics &diagnostics) {
  FailureOr<func::FuncOp> func = nn::modelFunction(module);
  if (failed(func))
    return std::nullopt;
  return Printer(weightsFile, diagnostics).run(*func);
}
