// Calls.cpp - calls of the model's functions, and operators by the bodies that
// ONNX defines them with.
#include "frontend/onnx/Expand.h"
#include "frontend/onnx/GraphImporter.h"
#include "frontend/onnx/Schemas.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/Support/SaveAndRestore.h"

using namespace mlir;
using llvm::any_of, llvm::enumerate, llvm::is_contained, llvm::SaveAndRestore,
    llvm::StringMap;
using onnx::AttributeProto;
using onnx::NodeProto;

namespace burnish::onnx_import {

SmallVector<Value> GraphImporter::call(const onnx::FunctionProto &function,
                                       const NodeProto &node,
                                       ArrayRef<Value> operands,
                                       const Frame &frame, bool isBody) {
  if (!isBody && is_contained(calls, &function)) {
    problem("function " + quoted(function.name()) + " calls itself");
    return {};
  }
  if (depth >= kDeepestCall) {
    problem("functions that call each other more than " + Twine(kDeepestCall) +
            " deep");
    return {};
  }
  SaveAndRestore saveDepth(depth, depth + 1);
  calls.push_back(&function);
  llvm::scope_exit popCall([&] { calls.pop_back(); });
  Opsets opsets;
  for (const auto &import : function.opset_import())
    opsets[canonicalDomain(import.domain())] = import.version();
  StringMap<const AttributeProto *> attributes;
  for (const AttributeProto &attribute : function.attribute_proto())
    attributes[attribute.name()] = &attribute;
  // A body's defaults are its schema's, of the version that the body belongs
  // to.
  if (isBody)
    if (const Schema *schema = findSchema(
            node.op_type(), currentVersion ? *newestVersion(node.domain()) : 0,
            node.domain()))
      for (const auto &formal : schema->attributes)
        if (formal.second.defaultValue.type() != AttributeProto::UNDEFINED)
          attributes[formal.first()] = &formal.second.defaultValue;
  for (const AttributeProto &attribute : node.attribute())
    attributes[attribute.name()] = &attribute;

  Scope scope;
  for (auto [index, name] : enumerate(function.input()))
    scope.values[name] = index < operands.size() ? operands[index] : Value();
  Frame inner{opsets, &attributes, isBody ? "" : currentWhere + ", ",
              isBody || frame.isBody, 0};
  nodes(function.node(), scope, inner);
  SmallVector<Value> results;
  for (const std::string &output : function.output())
    results.push_back(lookup(scope, output));
  return results;
}

// A body rounds after each of its steps; where that is to half floats, the
// result is better rounded once.
std::optional<SmallVector<Value>>
GraphImporter::inFloat(const NodeProto &node, ArrayRef<Value> operands) {
  auto isHalf = [](Value value) {
    return value && isa<Float16Type, BFloat16Type>(
                        getElementTypeOrSelf(value.getType()));
  };
  if (!isHalf(operands[0]))
    return std::nullopt;
  Expansion e(*this, node, operands);
  SmallVector<Value> wide;
  for (Value operand : operands)
    wide.push_back(isHalf(operand) ? e.cast(operand, onnx::TensorProto::FLOAT)
                                   : operand);
  SmallVector<Value> results = core(node, wide);
  // Q's type (T1), but for present_value, which has V's (T2).
  constexpr size_t kValue = 2;
  for (auto [index, result] : enumerate(results))
    if (result && !isPoison(result))
      result = e.cast(
          result, Expansion::onnxType(operands[index == kValue ? kValue : 0]));
  return results;
}

SmallVector<Value> GraphImporter::unsupported(const NodeProto &node,
                                              ArrayRef<Value> operands) {
  SmallVector<Value> refused(node.output_size(), poisonValue);
  std::optional<int> newest = newestVersion(node.domain());
  const Schema *schema =
      newest ? findSchema(node.op_type(), *newest, node.domain()) : nullptr;
  // A body may ask for types; where they are not known, whatever stands before
  // the node is reported instead.
  if (schema && schema->hasBody && any_of(operands, isPoison))
    return refused;
  if (schema && schema->hasBody && depth < kDeepestCall) {
    if (StringRef missing = missingInput(*schema, operands); !missing.empty()) {
      problem("input " + missing + " is missing");
      return refused;
    }
    // Bodies are made in the belief that what has a name has a type.
    NodeProto named = node;
    SmallVector<onnx::TypeProto> types(node.input_size());
    for (int i = 0; i < node.input_size(); ++i)
      if (static_cast<size_t>(i) < operands.size() && operands[i])
        types[i] = typeProto(operands[i].getType());
      else
        named.mutable_input(i)->clear();
    if (node.domain().empty() && node.op_type() == "Attention")
      if (auto results = inFloat(node, operands))
        return *results;
    if (std::unique_ptr<onnx::FunctionProto> body =
            findBody(named, *newest, types))
      return call(*body, node, operands, *currentFrame, /*isBody=*/true);
  }
  if (currentNode && currentNode->op_type() != node.op_type()) {
    problem("it is made of " + node.op_type() + ", which is not supported", "",
            operands);
    return refused;
  }
  std::string domain =
      node.domain().empty() ? "" : " of domain " + quoted(node.domain());
  std::string types;
  for (Value operand : operands)
    types += (types.empty() ? "" : ", ") + (!operand ? "none"
                                            : isPoison(operand)
                                                ? "unknown"
                                                : typeText(operand.getType()));
  problem("operator " + node.op_type() + domain + " of opset " +
              Twine(currentVersion) + " is not supported" +
              (types.empty() ? "" : ", here on " + types),
          "a function of that name in the model would be used for it",
          operands);
  return refused;
}

} // namespace burnish::onnx_import
