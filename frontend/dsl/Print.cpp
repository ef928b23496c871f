// Print.cpp - a module in the nn dialect as a network in the language.
#include "frontend/dsl/Print.h"
#include "frontend/dsl/Builtins.h"
#include "frontend/dsl/ExprParser.h"
#include "frontend/dsl/Identifiers.h"
#include "frontend/dsl/Term.h"
#include "ir/Ops.h"
#include "ir/Signature.h"
#include "ir/Storage.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::dsl;
using llvm::enumerate;

/// Constants of up to so many elements are part of the text.
static constexpr int64_t kMostInText = 64;

namespace {
class Printer {
public:
  Printer(StringRef weightsFile, Diagnostics &diagnostics)
      : weightsFile(weightsFile), diagnostics(diagnostics) {}

  std::optional<PrintedNetwork> run(func::FuncOp func) {
    netName = identifier(func.getName(), "net");
    mlir::Block &body = func.getBody().front();
    std::string inputs;
    for (BlockArgument argument : func.getArguments()) {
      DictionaryAttr attributes = func.getArgAttrDict(argument.getArgNumber());
      auto name =
          attributes ? attributes.getAs<StringAttr>("nn.name") : StringAttr();
      names[argument] = identifier(name ? name.getValue() : "input", "input");
      inputs += (inputs.empty() ? "" : ", ") + names[argument] + ": " +
                typeText(argument.getType(), attributes);
    }
    // Outputs keep their names.
    unsigned count = func.getNumResults();
    SmallVector<std::string> outputs;
    for (unsigned index = 0; index < count; ++index) {
      DictionaryAttr attributes = func.getResultAttrDict(index);
      auto name =
          attributes ? attributes.getAs<StringAttr>("nn.name") : StringAttr();
      outputs.push_back(
          identifier(name ? name.getValue() : "output", "output"));
      Value value = body.getTerminator()->getOperand(index);
      if (value.getDefiningOp() && !isa<nn::ConstantOp>(value.getDefiningOp()))
        wanted.try_emplace(value, outputs.back());
    }
    if (!block(body, 1))
      return std::nullopt;
    std::string results, values;
    for (auto [index, value] : enumerate(body.getTerminator()->getOperands())) {
      results += (index ? ", " : "") +
                 typeText(value.getType(), func.getResultAttrDict(index));
      values += (index ? ", " : "") + outputs[index];
      if (names[value] != outputs[index])
        lines += "  let " + outputs[index] + " = nn.identity(" + names[value] +
                 ")\n";
    }
    bool isTuple = count != 1;
    result.text = "// Printed by burnish.\n\nnet " + netName + "(" + inputs +
                  ") -> " + (isTuple ? "(" + results + ")" : results) + " {\n" +
                  params + lines + "  " +
                  (isTuple ? "(" + values + ")" : values) + "\n}\n";
    return isFine ? std::optional(std::move(result)) : std::nullopt;
  }

private:
  std::string identifier(StringRef name, StringRef otherwise) {
    return identifiers.make(name, otherwise);
  }

  bool error(const Twine &where, const Twine &reason) {
    isFine = false;
    return diagnostics.error(where, reason);
  }

  std::string elementText(Type elementType) {
    std::string text = dsl::nameOf(elementType);
    if (!isElementType(text))
      error("", "the language has no elements of " + text);
    return text;
  }

  std::string typeText(Type type, DictionaryAttr attributes) {
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

  //===- Numbers and attributes -------------------------------------------===//

  static std::string number(const llvm::APFloat &value) {
    if (value.isNaN())
      return "nan";
    if (value.isInfinity())
      return value.isNegative() ? "-inf" : "inf";
    llvm::APFloat wide = value;
    bool losesInfo;
    wide.convert(llvm::APFloat::IEEEdouble(),
                 llvm::APFloat::rmNearestTiesToEven, &losesInfo);
    // As many digits as tell one number from all others.
    bool isDouble = &value.getSemantics() == &llvm::APFloat::IEEEdouble();
    char buffer[40];
    snprintf(buffer, sizeof buffer, isDouble ? "%.17g" : "%.9g",
             wide.convertToDouble());
    StringRef text = buffer;
    return text.find_first_of(".e") == StringRef::npos ? text.str() + ".0"
                                                       : text.str();
  }

  static std::string tupleText(ArrayRef<std::string> parts) {
    return "(" + llvm::join(parts, ", ") + (parts.size() == 1 ? ",)" : ")");
  }

  std::string literal(ElementsAttr value) {
    auto type = cast<RankedTensorType>(value.getType());
    std::string text = elementText(type.getElementType()) + "[";
    for (auto [axis, size] : enumerate(type.getShape()))
      text += (axis ? ", " : "") + std::to_string(size);
    text += "](";
    SmallVector<std::string> elements;
    int64_t count = type.getNumElements();
    if (isa<FloatType>(type.getElementType())) {
      SmallVector<char> bytes = nn::copyBytes(value);
      unsigned width = type.getElementType().getIntOrFloatBitWidth();
      for (int64_t index = 0; index < count; ++index) {
        uint64_t bits = 0;
        std::memcpy(&bits, bytes.data() + index * width / 8, width / 8);
        elements.push_back(number(llvm::APFloat(
            cast<FloatType>(type.getElementType()).getFloatSemantics(),
            llvm::APInt(width, bits))));
      }
    } else if (std::optional<SmallVector<int64_t>> integers =
                   nn::readIntegers(value, count)) {
      for (int64_t each : *integers)
        elements.push_back(std::to_string(each));
    } else {
      error("", "a constant of " + dsl::nameOf(type.getElementType()) +
                    " cannot be written");
    }
    return text + llvm::join(elements, ", ") + ")";
  }

  std::string attributeText(StringRef op, Attribute value) {
    if (auto integer = dyn_cast<IntegerAttr>(value))
      return std::to_string(integer.getInt());
    if (auto real = dyn_cast<FloatAttr>(value))
      return number(real.getValue());
    if (auto text = dyn_cast<StringAttr>(value))
      if (text.getValue().find_first_of("\"\n\\") == StringRef::npos)
        return ("\"" + text.getValue() + "\"").str();
    SmallVector<std::string> parts;
    if (auto list = dyn_cast<DenseI64ArrayAttr>(value)) {
      for (int64_t each : list.asArrayRef())
        parts.push_back(std::to_string(each));
      return tupleText(parts);
    }
    if (auto list = dyn_cast<DenseF32ArrayAttr>(value)) {
      for (float each : list.asArrayRef())
        parts.push_back(number(llvm::APFloat(each)));
      return tupleText(parts);
    }
    if (auto list = dyn_cast<ArrayAttr>(value)) {
      for (Attribute each : list)
        parts.push_back(attributeText(op, each));
      return tupleText(parts);
    }
    if (auto elements = dyn_cast<ElementsAttr>(value))
      return literal(elements);
    error(op, "an attribute cannot be written in the language");
    return "";
  }

  //===- Operators --------------------------------------------------------===//

  bool block(mlir::Block &block, unsigned depth) {
    for (Operation &op : block.without_terminator())
      if (!this->op(op, depth))
        return false;
    return true;
  }

  void constant(nn::ConstantOp op) {
    auto type = cast<RankedTensorType>(op.getType());
    if (type.hasStaticShape() && type.getNumElements() <= kMostInText) {
      names[op] = literal(op.getValue());
      return;
    }
    StringRef given = "w";
    if (auto initializer = op->getAttrOfType<StringAttr>("nn.initializer"))
      given = initializer.getValue();
    if (auto param = op->getAttrOfType<DictionaryAttr>("nn.param"))
      given = param.getAs<StringAttr>("path").getValue();
    std::string name = identifier(given, "w");
    names[op] = name;
    ArrayRef<char> bytes;
    if (std::optional<ArrayRef<char>> raw = nn::rawBytes(op.getValue())) {
      bytes = *raw;
    } else {
      result.copies.push_back(
          std::make_unique<SmallVector<char>>(nn::copyBytes(op.getValue())));
      bytes = *result.copies.back();
    }
    bool isReal = isa<FloatType>(type.getElementType());
    params += std::string("  ") + (isReal ? "param " : "state ") + name + ": " +
              typeText(type, {}) + " = stored(\"" + weightsFile.str() + "\")\n";
    NamedTensor tensor;
    tensor.name = netName + "." + name;
    tensor.type = StringRef(dsl::nameOf(type.getElementType())).upper();
    tensor.dims.assign(type.getShape().begin(), type.getShape().end());
    tensor.bytes = bytes;
    result.tensors.push_back(std::move(tensor));
  }

  std::string operand(Value value) { return names[value]; }

  /// `a + b`, where both sides are known to fit.
  std::string infix(Operation &op) {
    StringRef sign = llvm::StringSwitch<StringRef>(op.getName().getStringRef())
                         .Case("nn.add", "+")
                         .Case("nn.sub", "-")
                         .Case("nn.mul", "*")
                         .Case("nn.div", "/")
                         .Case("nn.matmul", "@")
                         .Default("");
    if (sign.empty())
      return "";
    auto left = cast<RankedTensorType>(op.getOperand(0).getType()),
         right = cast<RankedTensorType>(op.getOperand(1).getType());
    if (!left.hasStaticShape() || !right.hasStaticShape() ||
        left.getElementType() != right.getElementType() ||
        left.getElementType().isInteger(1))
      return "";
    return operand(op.getOperand(0)) + " " + sign.str() + " " +
           operand(op.getOperand(1));
  }

  std::string call(Operation &op) {
    StringRef name = op.getName().getStringRef();
    static constexpr StringRef kPlain[] = {
        "relu", "sigmoid", "tanh", "exp",  "log",      "sqrt",      "abs",
        "sin",  "cos",     "erf",  "sign", "softplus", "reciprocal"};
    StringRef plain = name.drop_front(3);
    if (std::string text = infix(op); !text.empty())
      return text;
    std::string text =
        llvm::is_contained(kPlain, plain) ? plain.str() : name.str();
    SmallVector<std::string> arguments;
    unsigned next = 0;
    if (auto sizes =
            op.getAttrOfType<DenseI32ArrayAttr>("operandSegmentSizes")) {
      for (int32_t size : sizes.asArrayRef()) {
        SmallVector<std::string> group;
        for (int32_t i = 0; i < size; ++i)
          group.push_back(operand(op.getOperand(next++)));
        arguments.push_back(size == 0   ? "None"
                            : size == 1 ? group[0]
                                        : tupleText(group));
      }
      while (!arguments.empty() && arguments.back() == "None")
        arguments.pop_back();
    } else {
      for (Value value : op.getOperands())
        arguments.push_back(operand(value));
    }
    for (NamedAttribute attribute : op.getAttrs()) {
      StringRef key = attribute.getName().getValue();
      if (!key.ends_with("SegmentSizes") && !key.contains('.'))
        arguments.push_back(key.str() + " = " +
                            attributeText(name, attribute.getValue()));
    }
    if (auto sizes = op.getAttrOfType<DenseI32ArrayAttr>("resultSegmentSizes"))
      arguments.push_back(
          "results = " +
          tupleText(llvm::map_to_vector(sizes.asArrayRef(), [](int32_t size) {
            return std::to_string(size);
          })));
    else if (op.hasTrait<OpTrait::VariadicResults>() ||
             (op.getNumResults() > 1 &&
              op.hasTrait<OpTrait::AtLeastNResults<1>::Impl>()))
      arguments.push_back("results = " + std::to_string(op.getNumResults()));
    return text + "(" + llvm::join(arguments, ", ") + ")";
  }

  std::string ifText(nn::IfOp op, unsigned depth) {
    std::string indent(2 * depth, ' ');
    std::string text = "if " + operand(op.getCond()) + " {\n";
    for (Region *region : {&op.getThenBranch(), &op.getElseBranch()}) {
      std::string outside = std::move(lines);
      lines.clear();
      if (!block(region->front(), depth + 1))
        return "";
      SmallVector<std::string> values;
      for (Value value : region->front().getTerminator()->getOperands())
        values.push_back(operand(value));
      text += lines + indent + "  " +
              (values.size() == 1 ? values[0] : tupleText(values)) + "\n" +
              indent + (region == &op.getThenBranch() ? "} else {\n" : "}");
      lines = std::move(outside);
    }
    return text;
  }

  /// One value of every list of attributes, or nothing where they differ.
  static std::optional<int64_t> uniform(std::optional<ArrayRef<int64_t>> list) {
    if (!list || list->empty())
      return 0;
    return llvm::all_equal(*list) ? std::optional(list->front()) : std::nullopt;
  }

  bool scan(nn::ScanOp op, unsigned depth) {
    unsigned scanned = op.getNumScanInputs(),
             carried = op->getNumOperands() - scanned,
             emitted = op->getNumResults() - carried;
    auto forth = uniform(op.getScanInputDirections()),
         back = uniform(op.getScanOutputDirections());
    if (!forth || !back || (emitted && forth != back))
      return error("nn.scan", "the language has no form for a scan that goes "
                              "both ways at once");
    std::string index = identifier("t", "t"), with, outside = std::move(lines),
                indent(2 * depth + 2, ' ');
    mlir::Block &body = op.getBody().front();
    lines.clear();
    for (unsigned at = 0; at < carried; ++at) {
      names[body.getArgument(at)] = identifier("s", "s");
      with += (at ? ", " : "") + names[body.getArgument(at)] + " = " +
              operand(op->getOperand(at));
    }
    for (unsigned at = 0; at < scanned; ++at) {
      Value tensor = op->getOperand(carried + at);
      BlockArgument element = body.getArgument(carried + at);
      int64_t rank = cast<RankedTensorType>(tensor.getType()).getRank();
      int64_t axis = op.getScanInputAxes() ? (*op.getScanInputAxes())[at] : 0;
      names[element] = element.use_empty() ? "_" : identifier("x", "x");
      SmallVector<std::string> subscripts(rank, ":");
      subscripts[axis < 0 ? axis + rank : axis] = index;
      lines += indent + "let " + names[element] + " = " + operand(tensor) +
               "[" + llvm::join(subscripts, ", ") + "]\n";
    }
    if (!block(body, depth + 1))
      return false;
    OperandRange yields = body.getTerminator()->getOperands();
    // All of them become others at once.
    SmallVector<std::string> next;
    for (unsigned at = 0; at < carried; ++at) {
      next.push_back(identifier("n", "n"));
      lines += indent + "let " + next.back() + " = nn.identity(" +
               operand(yields[at]) + ")\n";
    }
    SmallVector<std::string> values;
    for (Value value : yields.drop_front(carried)) {
      values.push_back(identifier("e", "e"));
      lines += indent + "let " + values.back() + " = nn.identity(" +
               operand(value) + ")\n";
    }
    for (unsigned at = 0; at < carried; ++at)
      lines += indent + names[body.getArgument(at)] + " <- " + next[at] + "\n";
    SmallVector<Value> results(op->getResults().drop_front(carried));
    for (auto [at, value] : enumerate(values)) {
      int64_t rank = cast<RankedTensorType>(results[at].getType()).getRank();
      int64_t axis = op.getScanOutputAxes() ? (*op.getScanOutputAxes())[at] : 0;
      lines += indent + "emit " + value + " at " +
               std::to_string(axis < 0 ? axis + rank : axis) + "\n";
    }
    for (unsigned at = 0; at < carried; ++at) {
      Value last = op->getResult(at);
      if (last.use_empty() && (emitted || carried > 1) && !wanted.count(last))
        continue;
      lines += indent + "last " + names[body.getArgument(at)] + "\n";
      results.push_back(last);
    }
    SmallVector<std::string> given;
    for (Value each : results) {
      std::string name = wanted.lookup(each);
      if (name.empty())
        name = each.use_empty()
                   ? "_"
                   : identifier("v" + std::to_string(++counter), "v");
      names[each] = name;
      given.push_back(name);
    }
    std::string outer(2 * depth, ' ');
    lines =
        outside + outer + "let " +
        (given.size() == 1 ? given[0] : "(" + llvm::join(given, ", ") + ")") +
        " = scan " + index + " in " + (*forth ? "reversed " : "") + "_" +
        (with.empty() ? "" : " with (" + with + ")") + " {\n" + lines + outer +
        "}\n";
    return isFine;
  }

  bool op(Operation &op, unsigned depth) {
    if (auto made = dyn_cast<nn::ConstantOp>(op)) {
      constant(made);
      return isFine;
    }
    StringRef name = op.getName().getStringRef();
    if (auto loop = dyn_cast<nn::ScanOp>(op))
      return scan(loop, depth);
    if (op.getNumRegions() && !isa<nn::IfOp>(op))
      return error(name, "a loop of ONNX has no form in the language, where "
                         "scan goes through the steps of a tensor");
    std::string value =
        isa<nn::IfOp>(op) ? ifText(cast<nn::IfOp>(op), depth) : call(op);
    SmallVector<std::string> given;
    for (Value each : op.getResults()) {
      bool isUsed = !each.use_empty();
      std::string name = wanted.lookup(each);
      if (name.empty())
        name = isUsed ? identifier("v" + std::to_string(++counter), "v") : "_";
      given.push_back(name);
      names[each] = given.back();
    }
    lines +=
        std::string(2 * depth, ' ') + "let " +
        (given.size() == 1 ? given[0] : "(" + llvm::join(given, ", ") + ")") +
        " = " + value + "\n";
    return isFine;
  }

  StringRef weightsFile;
  Diagnostics &diagnostics;
  PrintedNetwork result;
  std::string netName, params, lines;
  llvm::DenseMap<Value, std::string> names;
  /// What values that are given out are called.
  llvm::DenseMap<Value, std::string> wanted;
  llvm::StringMap<std::string> dims;
  Identifiers identifiers;
  unsigned counter = 0;
  bool isFine = true;
};
} // namespace

std::optional<PrintedNetwork> dsl::printNetwork(ModuleOp module,
                                                StringRef weightsFile,
                                                Diagnostics &diagnostics) {
  FailureOr<func::FuncOp> func = nn::modelFunction(module);
  if (failed(func))
    return std::nullopt;
  return Printer(weightsFile, diagnostics).run(*func);
}
