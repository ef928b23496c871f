// PrintCalls.cpp - operators without bodies, as calls and between operands.
#include "frontend/dsl/Printer.h"

using namespace mlir;
using namespace burnish;
using namespace burnish::dsl;

std::string Printer::infix(Operation &op) {
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

/// An argument for each operand of the operator's definition: None for one
/// that is left out, a tuple for one that is several.
SmallVector<std::string> Printer::operandTexts(Operation &op) {
  SmallVector<std::string> arguments;
  auto sizes = op.getAttrOfType<DenseI32ArrayAttr>("operandSegmentSizes");
  if (!sizes) {
    for (Value value : op.getOperands())
      arguments.push_back(operand(value));
    return arguments;
  }
  unsigned next = 0;
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
  return arguments;
}

std::string Printer::call(Operation &op) {
  if (std::string text = infix(op); !text.empty())
    return text;
  // These have their names without `nn.` too.
  static constexpr StringRef kPlain[] = {
      "relu", "sigmoid", "tanh", "exp",  "log",      "sqrt",      "abs",
      "sin",  "cos",     "erf",  "sign", "softplus", "reciprocal"};
  StringRef name = op.getName().getStringRef(), plain = name.drop_front(3);
  SmallVector<std::string> arguments = operandTexts(op);
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
  return (llvm::is_contained(kPlain, plain) ? plain : name).str() + "(" +
         llvm::join(arguments, ", ") + ")";
}
