// ModelNet.cpp - the net that stands for an imported model where a recipe wants
// one.
#include "frontend/dsl/ModelNet.h"
#include "frontend/dsl/Identifiers.h"
#include "frontend/dsl/Term.h"
#include "llvm/ADT/StringExtras.h"

using namespace mlir;
using namespace burnish;

static std::string typeText(Type type) {
  auto tensor = cast<RankedTensorType>(type);
  std::string text = dsl::nameOf(tensor.getElementType());
  if (tensor.getRank() == 0)
    return text;
  return text + "[" +
         llvm::join(llvm::map_range(tensor.getShape(),
                                    [](int64_t size) {
                                      return ShapedType::isDynamic(size)
                                                 ? "_"
                                                 : std::to_string(size);
                                    }),
                    ", ") +
         "]";
}

static StringRef nameIn(DictionaryAttr attributes) {
  auto name =
      attributes ? attributes.getAs<StringAttr>("nn.name") : StringAttr();
  return name ? name.getValue() : StringRef();
}

std::string dsl::modelNetText(func::FuncOp model, StringRef name,
                              StringRef callee) {
  Identifiers identifiers;
  SmallVector<std::string> inputs, inputTypes, outputs, outputTypes;
  for (unsigned index = 0; index < model.getNumArguments(); ++index) {
    inputs.push_back(
        identifiers.make(nameIn(model.getArgAttrDict(index)), "input"));
    inputTypes.push_back(inputs.back() + ": " +
                         typeText(model.getArgumentTypes()[index]));
  }
  for (unsigned index = 0; index < model.getNumResults(); ++index) {
    outputs.push_back(
        identifiers.make(nameIn(model.getResultAttrDict(index)), "output"));
    outputTypes.push_back(typeText(model.getResultTypes()[index]));
  }
  auto tuple = [](ArrayRef<std::string> parts) {
    std::string text = llvm::join(parts, ", ");
    return parts.size() == 1 ? text : "(" + text + ")";
  };
  return ("net " + name + "(" + llvm::join(inputTypes, ", ") + ") -> " +
          tuple(outputTypes) + " {\n  let " + tuple(outputs) + " = " + callee +
          "(" + llvm::join(inputs, ", ") + ")\n  " + tuple(outputs) + "\n}\n")
      .str();
}
